"""POST /v1/tasks/{task}: docs/http.md, "Submit"."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from helpers import wait_until
from http_api.serving import Api, problem, serving, started

from accepted import Jobs
from accepted.errors import StoreError
from accepted.http import job_body, reading
from accepted.http.links import Links
from accepted.http.shapes import AcceptedJob


async def test_accepted(api: Api, ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/gated", json={"name": "x"})
    assert answer.status_code == 202
    body = answer.json()
    AcceptedJob.model_validate(body)
    assert answer.headers["location"] == body["links"]["self"] == f"/v1/jobs/{body['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["vary"] == "Prefer"
    assert body["status"] == "pending"
    assert body["owner"] == "ann"
    assert body["poll_after_ms"] >= 500
    assert body["waiting"]["reason"] == "worker"
    assert "preference-applied" not in answer.headers
    # It was committed before the answer left.
    assert (await api.jobs.get(body["id"])).record.task == "gated"


async def test_the_form_of_the_answer_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made once for a task is the job that `GET` would show, whatever there is in its names."""
    jobs = Jobs("sqlite://:memory:", worker=False)
    names = ["plain", "100%", "%(id)b %s", 'a "quoted" \\ one', "żółw", "new\nline"]
    tasks = [jobs.task(name=name, queue=name, retries=number)(answered) for number, name in enumerate(names)]
    tasks.append(jobs.task(name="limited", concurrency=1)(answered))
    kinds: list[dict[str, Any]] = [{}, {"priority": 7}, {"delay": 60.0}, {"cancel_after": 60.0}]
    async with jobs:
        made = [
            (await task.with_options(owner=owner, **kind).submit(1)).record
            for task, owner, kind in itertools.product(tasks, names, kinds)
        ]
        for job, links in itertools.product(made, (Links("/v1"), Links("/50%/v1"))):
            assert job_body.accepted_body(job, links) == job_body.job_body(job, links)
        another = (await tasks[0].with_options(owner="another").submit(2)).record
    expected = job_body.job_body(another, links)
    # By now nothing is made as a whole any more.
    monkeypatch.delattr(job_body, "job_members")
    assert job_body.accepted_body(another, links) == expected


async def answered(n: int) -> int:
    return n


async def test_done_within_the_wait(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/add", json={"a": 1}, headers={"prefer": "wait=20"})
    assert (answer.status_code, answer.json()) == (200, 3)
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.headers["vary"] == "Prefer"
    job = await ann.get(answer.headers["content-location"])
    assert job.json()["status"] == "completed"


async def test_not_done_within_the_wait(api: Api, ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/gated", json={}, headers={"prefer": "respond-async, wait=1"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async, wait=1"
    assert answer.json()["status"] == "running"
    api.gate.set()
    await api.over(answer.headers["location"])


async def test_respond_async_is_at_once(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/add", json={"a": 1}, headers={"prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"


async def test_the_wait_is_capped() -> None:
    async with started(wait_max=0.05) as api, api.client() as ann:
        answer = await ann.post("/v1/tasks/gated", json={}, headers={"prefer": "wait=3600"})
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "wait=0"


async def test_failed_within_the_wait(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/fail", json={}, headers={"prefer": "wait=20"})
    body = problem(answer, 409, "job-failed")
    assert body["error"]["type"].endswith("#no-luck")
    assert body["error"]["detail"] == "no luck"
    assert body["error"]["color"] == "red"
    assert body["error"]["attempts"] == 1
    assert answer.headers["content-location"].startswith("/v1/jobs/")
    assert (await ann.get(answer.headers["content-location"] + "/result")).json() == body


async def test_cancelled_within_the_wait(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/gated", json={}, headers={"prefer": "wait=20", "cancel-after": "200ms"})
    problem(answer, 409, "job-cancelled")


async def test_a_large_result_comes_whole(ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/big", json={"size": 300_000}, headers={"prefer": "wait=20"})
    assert answer.json() == "x" * 300_000
    assert answer.headers["content-length"] == "300002"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/a"),
        ({"a": "x"}, "#/a"),
        ({"a": 1, "c": 2}, "#/c"),
        ([], "#"),
        ({"a": 1, "owner": "bob"}, "#/owner"),
        ({"a": 1, "job": {}}, "#/job"),
    ],
)
async def test_input_that_does_not_fit(api: Api, ann: httpx.AsyncClient, body: object, pointer: str) -> None:
    answer = await ann.post("/v1/tasks/add", json=body)
    found = problem(answer, 422, "invalid-input")
    assert [one["pointer"] for one in found["errors"]] == [pointer]
    assert not (await api.jobs.list()).jobs


@pytest.mark.parametrize("body", [b"{", b"\xff", b"{} {}", b"[" * 100_000])
async def test_bodies_that_are_no_json(api: Api, ann: httpx.AsyncClient, body: bytes) -> None:
    answer = await ann.post("/v1/tasks/add", content=body, headers={"content-type": "application/json"})
    problem(answer, 400, "bad-request")
    assert not (await api.jobs.list()).jobs


async def test_no_body_is_no_arguments(ann: httpx.AsyncClient) -> None:
    assert (await ann.post("/v1/tasks/fail")).status_code == 202


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/json", None])
async def test_other_content_types(ann: httpx.AsyncClient, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    problem(await ann.post("/v1/tasks/add", content=b'{"a": 1}', headers=headers), 415, "unsupported-media-type")


async def test_kinds_of_json(ann: httpx.AsyncClient) -> None:
    for kind in ("application/json; charset=utf-8", "application/vnd.x+json", "Application/JSON"):
        answer = await ann.post("/v1/tasks/add", content=b'{"a": 1}', headers={"content-type": kind})
        assert answer.status_code == 202, kind


async def test_no_such_task(ann: httpx.AsyncClient) -> None:
    assert "add" in problem(await ann.post("/v1/tasks/nope", json={}), 404, "task-not-found")["detail"]


async def test_who_are_you(api: Api) -> None:
    async with api.client(None) as nobody:
        answer = await nobody.post("/v1/tasks/add", json={"a": 1})
        problem(answer, 401, "not-authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        stranger = await nobody.post("/v1/tasks/add", json={"a": 1}, headers={"authorization": "Bearer nonsense"})
        problem(stranger, 401, "not-authenticated")


async def test_what_the_headers_set(api: Api, ann: httpx.AsyncClient) -> None:
    headers = {"cancel-after": "90s", "accepted-priority": "10", "accepted-delay": "1h"}
    body = (await ann.post("/v1/tasks/add", json={"a": 1}, headers=headers)).json()
    record = (await api.jobs.get(body["id"])).record
    assert body["priority"] == 10
    assert record.deadline_at == pytest.approx(record.submitted_at + 90, abs=1)
    assert record.deadline_cancels
    assert record.scheduled_at == pytest.approx(record.submitted_at + 3600, abs=1)
    assert body["waiting"]["reason"] == "schedule"
    assert body["waiting"]["estimated_start_at"] == body["scheduled_at"]
    assert body["poll_after_ms"] == 30_000


@pytest.mark.parametrize("header", ["cancel-after", "accepted-priority", "accepted-delay", "idempotency-key"])
async def test_headers_out_of_form(ann: httpx.AsyncClient, header: str) -> None:
    answer = await ann.post("/v1/tasks/add", json={"a": 1}, headers={header: "a b"})
    assert header in problem(answer, 400, "bad-request")["detail"].lower()


async def test_a_limit_of_the_caller() -> None:
    async with started(owner_active_max=1) as api, api.client("ann") as ann, api.client("bob") as bob:
        await api.running(ann)
        answer = await ann.post("/v1/tasks/gated", json={})
        body = problem(answer, 429, "limit-reached")
        assert int(answer.headers["retry-after"]) >= 1
        assert (body["used"], body["at_most"], body["retryable"]) == (1, 1, True)
        assert body["limit"]
        assert (await bob.post("/v1/tasks/gated", json={})).status_code == 202


async def test_not_while_stopped(api: Api) -> None:
    async with started() as other, other.client() as ann:
        await other.jobs.stop()
        try:
            answer = await ann.post("/v1/tasks/add", json={"a": 1})
            problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        finally:
            await other.jobs.start()


async def test_the_store_is_away(api: Api, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(api.jobs.store, "submit", broken)
    answer = await ann.post("/v1/tasks/add", json={"a": 1})
    assert problem(answer, 503, "store-unavailable")["retryable"] is True
    assert "retry-after" in answer.headers


async def test_a_bug_tells_nothing(api: Api, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(api.jobs, "submit_new", broken)
    answer = await ann.post("/v1/tasks/add", json={"a": 1})
    problem(answer, 500, "internal-error")
    assert "secret" not in answer.text


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_that_says_it_is_too_large() -> None:
    async with started(body_max=100) as api, api.client() as ann:
        answer = await ann.post("/v1/tasks/add", json={"a": "x" * 200})
        assert problem(answer, 413, "payload-too-large")["limit"] == 100
        assert answer.headers["connection"] == "close"


async def test_a_body_that_turns_out_too_large() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 50
            yield b" " * 50

    async with started(body_max=100) as api, api.client() as ann:
        answer = await ann.post("/v1/tasks/add", content=endless(), headers={"content-type": "application/json"})
        problem(answer, 413, "payload-too-large")
        assert sent <= 200


async def test_a_body_in_pieces(ann: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in b'{"a": 40}':
            yield bytes([byte])

    headers = {"content-type": "application/json", "prefer": "wait=20"}
    assert (await ann.post("/v1/tasks/add", content=pieces(), headers=headers)).json() == 42


@pytest.mark.parametrize("begun", [b"--", b""], ids=["in its middle", "before it begins"])
async def test_a_body_that_stops_coming(api: Api, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(reading, "_PATIENCE", 0.05)
    monkeypatch.setattr(reading, "_SLOWEST", 1e9)
    async with serving(api.jobs.app) as port:
        for head in (b"content-type: application/json", b"content-type: multipart/form-data; boundary=x"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"POST /v1/tasks/add HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer user:ann\r\n%s\r\n"
                b"content-length: 1000\r\n\r\n%s" % (head, begun)
            )
            answer = await asyncio.wait_for(reader.read(), 20)
            assert answer.startswith(b"HTTP/1.1 408"), answer
            assert b"body-too-slow" in answer
            writer.close()


async def test_a_body_that_comes_after_its_head(api: Api) -> None:
    async with serving(api.jobs.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/tasks/add HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer user:ann\r\n"
            b"content-type: application/json\r\nprefer: wait=20\r\nexpect: 100-continue\r\ncontent-length: 8\r\n\r\n"
        )
        # The server says so when somebody asks for the body, and nobody has it yet.
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b'{"a": 2}')
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(1) == b"4"
        writer.close()


async def test_a_client_that_goes_away_before_its_body_stores_nothing(api: Api) -> None:
    async with serving(api.jobs.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/tasks/add HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer user:ann\r\n"
            b"content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 8\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert (await api.jobs.list()).jobs == []


async def test_a_client_that_goes_away_cancels_nothing(api: Api, ann: httpx.AsyncClient) -> None:
    async with serving(api.jobs.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/tasks/gated HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer user:ann\r\n"
            b"prefer: wait=60\r\ncontent-length: 0\r\n\r\n"
        )
        await wait_until(lambda: api.calls, what="the job to run")
        assert api.jobs.hub.watched == 1
        writer.close()
        await wait_until(lambda: not api.jobs.hub.watched, what="the end of the wait")
    (job,) = (await api.jobs.list()).jobs
    assert job.status == "running"
    api.gate.set()
    assert await api.jobs.wait_over(job.id, 20)
    assert (await ann.get(f"/v1/jobs/{job.id}/result")).status_code == 200
