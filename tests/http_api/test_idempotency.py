"""Idempotency-Key: one key and body, one job; across requests, processes and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from http_api.serving import Api, problem, started

from accepted.http import idempotency

KEY = {"idempotency-key": '"k-1"'}


async def post(client: httpx.AsyncClient, a: int = 1, **headers: str) -> httpx.Response:
    return await client.post("/v1/tasks/add", json={"a": a}, headers=KEY | headers)


async def test_the_same_again(api: Api, ann: httpx.AsyncClient) -> None:
    first, second = await post(ann), await post(ann)
    assert (first.status_code, second.status_code) == (202, 202)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == second.headers["location"]
    unquoted = await ann.post("/v1/tasks/add", json={"a": 1}, headers={"idempotency-key": "k-1"})
    assert unquoted.headers["idempotency-replayed"] == "true"
    waited = await post(ann, prefer="wait=20")
    assert (waited.status_code, waited.json()) == (200, 3)
    assert waited.headers["idempotency-replayed"] == "true"
    assert len((await api.jobs.list()).jobs) == 1
    assert api.calls == ["add"]


async def test_the_same_key_for_something_else(api: Api, ann: httpx.AsyncClient) -> None:
    await post(ann)
    problem(await post(ann, a=2), 422, "idempotency-mismatch")
    assert len((await api.jobs.list()).jobs) == 1


async def test_another_owner_or_route(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await post(ann)
    assert "idempotency-replayed" not in (await post(bob)).headers
    other = await ann.post("/v1/tasks/big", json={"size": 1}, headers=KEY)
    assert "idempotency-replayed" not in other.headers
    assert len((await api.jobs.list()).jobs) == 3


async def test_refused_input_keeps_no_key(ann: httpx.AsyncClient) -> None:
    wrong = await ann.post("/v1/tasks/add", json={"a": "x"}, headers=KEY)
    problem(wrong, 422, "invalid-input")
    assert (await post(ann)).status_code == 202


async def test_a_removed_job(ann: httpx.AsyncClient) -> None:
    first = await post(ann)
    await ann.delete(first.headers["location"])
    problem(await post(ann), 410, "job-gone")


async def test_many_at_once(api: Api, ann: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(ann) for _ in range(20)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1


async def test_the_same_files_whatever_their_boundary(api: Api, ann: httpx.AsyncClient) -> None:
    async def upload(content: bytes) -> httpx.Response:
        return await ann.post("/v1/tasks/measure", files={"file": ("a", content)}, data={"n": "1"}, headers=KEY)

    first, second = await upload(b"x"), await upload(b"x")
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    problem(await upload(b"y"), 422, "idempotency-mismatch")
    job_id = first.json()["id"]
    await api.over(first.headers["location"])
    assert (await ann.get(f"/v1/jobs/{job_id}/result")).json()["size"] == 1


async def test_the_first_is_still_coming_in(api: Api, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    coming, rest = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"a":'
        coming.set()
        await rest.wait()
        yield b"1}"

    headers = KEY | {"content-type": "application/json"}
    first = asyncio.ensure_future(ann.post("/v1/tasks/add", content=slow(), headers=headers))
    await coming.wait()
    monkeypatch.setattr(idempotency, "_PATIENCE", 0.05)
    again = await post(ann)
    assert problem(again, 409, "idempotency-in-flight")["retryable"] is True
    assert again.headers["retry-after"] == "1"
    monkeypatch.setattr(idempotency, "_PATIENCE", 20)
    second = asyncio.ensure_future(ann.post("/v1/tasks/add", content=b'{"a":1}', headers=headers))
    rest.set()
    assert (await first).headers["location"] == (await second).headers["location"]
    assert (await second).headers["idempotency-replayed"] == "true"


async def test_after_a_restart_and_in_another_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    async with started(url=url) as api, api.client() as ann:
        first = await post(ann)
    async with started(url=url) as api, api.client() as ann, started(url=url) as beside, beside.client() as other:
        for client in (ann, other):
            again = await post(client)
            assert again.headers["idempotency-replayed"] == "true"
            assert again.headers["location"] == first.headers["location"]
