"""`DELETE /v1/jobs`: all that is the caller's, or what of it fits; nobody else's, and nothing by a slip."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers import wait_until
from http_api.serving import Api, problem, serving, started

from accepted.http.shapes import AcceptedDeleted


async def delete(client: httpx.AsyncClient, **query: Any) -> int:
    """How many."""
    answer = await client.delete("/v1/jobs", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return AcceptedDeleted.model_validate(answer.json()).deleted


async def left(api: Api) -> set[str]:
    """The paths of all jobs that there are."""
    return {f"/v1/jobs/{job.id}" for job in (await api.jobs.list(limit=200)).jobs}


async def test_everything_of_mine(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    mine = [await api.done(ann, "add", a=1), await api.done(ann, "fail"), await api.running(ann)]
    his = await api.done(bob, "add", a=1)
    assert await delete(ann, all="true") == 3
    assert await left(api) == {his}
    for path in mine:
        problem(await ann.get(path), 410, "job-gone")
    assert await delete(ann, all="true") == 0


async def test_what_fits(api: Api, ann: httpx.AsyncClient) -> None:
    added, failed = await api.done(ann, "add", a=1), await api.done(ann, "fail")
    await api.done(ann, "big", size=1)
    running = await api.running(ann)
    assert await delete(ann, status="completed", task="big") == 1
    assert await left(api) == {added, failed, running}
    assert await delete(ann, status="failed,running") == 2
    assert await left(api) == {added}
    assert await delete(ann, task="add") == 1
    repeated = [await api.done(ann, "add", a=1), await api.done(ann, "fail")]
    assert await delete(ann, status=["completed", "failed"]) == len(repeated)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "status=",
        "task=",
        "all=false",
        "owner=ann",
        "all=true&status=failed",
        "all=1",
        "stauts=failed",
        "all=true&q=x",
        "task=add&status=,",
        "status=failed&task=",
    ],
)
async def test_nothing_by_a_slip(api: Api, ann: httpx.AsyncClient, query: str) -> None:
    path = await api.done(ann, "add", a=1)
    problem(await ann.delete(f"/v1/jobs?{query}"), 400, "bad-request")
    assert await left(api) == {path}


async def test_a_status_that_is_none(api: Api, ann: httpx.AsyncClient) -> None:
    refused = problem(await ann.delete("/v1/jobs?status=finished"), 422, "invalid-input")
    assert refused["errors"][0]["pointer"] == "#/status"


async def test_those_of_others(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    mine, his = await api.done(ann, "add", a=1), await api.done(bob, "add", a=1)
    problem(await bob.delete("/v1/jobs?all=true&owner=ann"), 403, "forbidden")
    assert await left(api) == {mine, his}
    async with api.client("root") as root:
        own = await api.done(root, "add", a=1)
        assert await delete(root, all="true") == 1
        assert await left(api) == {mine, his}
        problem(await root.get(own), 410, "job-gone")
        assert await delete(root, all="true", owner="ann") == 1
    assert await left(api) == {his}
    assert await delete(bob, all="true", owner="bob") == 1


async def test_who_may_not(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "add", a=1)
    token = (await ann.post(f"{path}/tokens")).json()["token"]
    async with api.client(None) as nobody:
        problem(await nobody.delete("/v1/jobs?all=true"), 401, "not-authenticated")
        by_token = await nobody.delete("/v1/jobs?all=true", headers={"authorization": f"Bearer {token}"})
        problem(by_token, 403, "forbidden")
    assert await left(api) == {path}


async def test_running_jobs_stop() -> None:
    api, running, stopped = Api(), asyncio.Event(), asyncio.Event()

    @api.jobs.task
    async def patient() -> None:
        running.set()
        try:
            await api.gate.wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    async with api.jobs, api.client() as ann:
        await api.submit(ann, "patient")
        await asyncio.wait_for(running.wait(), 20)
        assert await delete(ann, status="running") == 1
        await asyncio.wait_for(stopped.wait(), 20)


async def test_files_go_too(tmp_path: Path) -> None:
    async with started(url=f"sqlite:///{tmp_path / 'jobs.db'}", result_inline=100) as api, api.client() as ann:

        def files() -> list[Path]:
            return [path for path in tmp_path.glob("*blobs/**/*") if path.is_file()]

        await api.done(ann, "big", size=1000)
        await api.done(ann, "attach", name="a.txt", text="x")
        answer = await ann.post("/v1/tasks/measure", files={"file": ("a", b"x")})
        await api.over(answer.headers["location"])
        assert len(files()) >= 3
        assert await delete(ann, all="true") == 3
        assert files() == []


async def test_the_keys_are_free_again(api: Api, ann: httpx.AsyncClient) -> None:
    async def submit() -> httpx.Response:
        return await ann.post("/v1/tasks/add", json={"a": 1}, headers={"idempotency-key": "k"})

    first = await submit()
    await api.over(first.headers["location"])
    assert await delete(ann, all="true") == 1
    again = await submit()
    assert again.status_code == 202
    assert "idempotency-replayed" not in again.headers
    assert again.headers["location"] != first.headers["location"]


async def test_thousands_and_the_client_goes_away() -> None:
    """It goes on to its end."""
    async with started(worker=False) as api, api.client("bob") as bob:
        add = api.jobs.get_task("add")
        await add.with_options(owner="ann").submit_many([{"a": n} for n in range(1700)])
        his = await api.submit(bob, "add", a=1)
        async with serving(api.jobs.app) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"DELETE /v1/jobs?all=true HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer user:ann\r\n\r\n"
            )
            await writer.drain()

            async def begun() -> bool:
                return sum(tally.jobs for tally in await api.jobs.store.tallies()) < 1701

            await wait_until(begun, what="the first of them to go")
            writer.transport.abort()

            async def all_gone() -> bool:
                return await left(api) == {his}

            await wait_until(all_gone, what="all of them to go")
