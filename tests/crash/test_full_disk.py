"""A server on a disk that fills up: 503 with Retry-After while it is full, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from crash.disks import SmallDisk, small_disk
from helpers import wait_until
from served import Server

from accepted.client import AsyncClient


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=4) as made:
        yield made


@pytest.fixture
def server(disk: SmallDisk) -> Iterator[Server]:
    server = Server(disk.path)
    try:
        yield server.start()
    finally:
        server.clean_up()


def open_gate(gate: Path) -> None:
    """All of it at once: the job reads the file as soon as there is one."""
    half = gate.with_name("half")
    half.write_text("y" * 200_000)
    half.rename(gate)


def check_problem(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    problem = answer.json()
    assert problem["retryable"] is True
    assert problem["type"].endswith("#store-unavailable")


async def test_the_server_says_503_and_goes_on(server: Server, disk: SmallDisk, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    acknowledged: list[str] = []
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http, AsyncClient(server.url) as client:
        running = await client.tasks["gate"].submit(path=str(gate))
        await wait_until(lambda: _runs(http, running.id))
        disk.fill()

        async def refused() -> bool:
            answer = await http.post("/v1/tasks/echo", json={"text": "x" * 2000})
            if answer.status_code == 202:
                acknowledged.append(answer.json()["id"])
                return False
            check_problem(answer)
            return True

        await wait_until(refused)
        upload = {"first": ("a.txt", bytes(300_000)), "others": ("b.txt", b"b")}
        check_problem(await http.post("/v1/tasks/join", files=upload))
        assert (await http.get(f"/v1/jobs/{running.id}")).status_code == 200, "reading goes on"
        open_gate(gate)
        disk.free()
        assert await running.result(30) == "y" * 200_000
        for job_id in acknowledged:
            assert await (await client.jobs.get(job_id)).result(30) == "x" * 2000
        answer = await http.post("/v1/tasks/join", files=upload, headers={"Prefer": "wait=20"})
        assert answer.status_code == 200


async def _runs(http: httpx.AsyncClient, job_id: str) -> bool:
    return bool((await http.get(f"/v1/jobs/{job_id}")).json()["status"] == "running")


async def test_a_large_result_waits_for_room(server: Server, disk: SmallDisk, tmp_path: Path) -> None:
    """Its end cannot be stored: the job stays as it is, and is completed once there is room."""
    gate = tmp_path / "gate"
    async with AsyncClient(server.url) as client:
        job = await client.tasks["gate"].submit(path=str(gate))
        await asyncio.to_thread(disk.fill)
        open_gate(gate)
        assert server.process is not None
        await asyncio.to_thread(server.process.says, "its end cannot be stored yet")
        assert (await job.refresh())["status"] in ("pending", "running")
        await asyncio.to_thread(disk.free)
        assert await job.result(30) == "y" * 200_000
        assert (await job.refresh())["attempt"] == 1
