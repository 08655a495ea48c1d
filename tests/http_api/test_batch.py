"""Many submissions in one request: each line stored or refused alone; whole bodies refused; again after a crash."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from helpers import wait_until
from http_api.serving import Api, problem, serving, started
from served import Server

from accepted.http import reading
from accepted.http.shapes import AcceptedBatchItem

NDJSON = {"content-type": "application/x-ndjson"}
KEY = {"idempotency-key": '"b-1"'}


def lines(values: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


async def post(client: httpx.AsyncClient, body: Any, task: str = "add", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/v1/tasks/{task}/batch", content=body, headers=NDJSON | named, timeout=60)


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    """What became of each job, after a look at the form of the answer."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    found = [json.loads(line) for line in answer.text.splitlines()]
    for item in found:
        AcceptedBatchItem.model_validate(item)
    assert [item["index"] for item in found] == list(range(len(found)))
    return found


def statuses(answer: httpx.Response) -> list[int]:
    return [item["status"] for item in items(answer)]


async def stored(api: Api) -> list[dict[str, Any]]:
    """The arguments of all jobs, oldest first."""
    return [json.loads(job.args) for job in reversed((await api.jobs.list(limit=200)).jobs)]


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_line_is_a_job(api: Api, ann: httpx.AsyncClient) -> None:
    answered = items(await post(ann, lines({"a": n} for n in range(5))))
    assert [item["status"] for item in answered] == [202] * 5
    for n, item in enumerate(answered):
        assert set(item) == {"index", "status", "job"}
        job = item["job"]
        assert set(job) == {"id", "status", "links"}
        await api.over(job["links"]["self"])
        assert (await ann.get(job["links"]["result"])).json() == n + 2
    assert (await api.jobs.get_record(answered[0]["job"]["id"])).owner == "ann"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1}\n{"a":2}',
        b'{"a":1}\r\n{"a":2}\r\n',
        b'\xef\xbb\xbf{"a":1}\n{"a":2}\n',
        b'\n \t\n{"a":1}\n\r\n\n  {"a":2}  \n\n',
    ],
)
async def test_how_lines_may_end(api: Api, ann: httpx.AsyncClient, body: bytes) -> None:
    assert statuses(await post(ann, body)) == [202, 202]
    assert [one["a"] for one in await stored(api)] == [1, 2]


async def test_in_pieces_that_end_anywhere(api: Api, ann: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in b'\xef\xbb\xbf\n{"a":1}\n\n{"a":2}':
            yield bytes([byte])

    assert statuses(await post(ann, pieces())) == [202, 202]
    assert [one["a"] for one in await stored(api)] == [1, 2]


@pytest.mark.parametrize(
    "kind", ["application/jsonl", "application/json-lines", "application/jsonlines; charset=utf-8"]
)
async def test_other_names_of_the_type(ann: httpx.AsyncClient, kind: str) -> None:
    assert statuses(await post(ann, b'{"a":1}', content_type=kind)) == [202]


@pytest.mark.parametrize("body", [b"", b"\n\n"])
async def test_no_lines(ann: httpx.AsyncClient, body: bytes) -> None:
    assert items(await post(ann, body)) == []


async def test_each_fails_alone(api: Api, ann: httpx.AsyncClient) -> None:
    body = b'{"a":1}\n\n{"a":\n[]\n{"a":"x"}\n{"a":1,"z":1}\n{"a":"\xff"}\n{"a":2}\n'
    answered = items(await post(ann, body))
    assert [item["status"] for item in answered] == [202, 400, 422, 422, 422, 400, 202]
    assert [item["line"] for item in answered if "line" in item] == [3, 4, 5, 6, 7]
    no_json = answered[1]["problem"]
    assert no_json["type"].endswith("#bad-request")
    assert no_json["detail"].startswith("The line is not JSON")
    assert answered[3]["problem"]["errors"][0]["pointer"] == "#/a"
    assert [one["a"] for one in await stored(api)] == [1, 2]


async def test_one_that_is_too_large() -> None:
    async with started(body_max=100) as api, api.client() as ann:
        body = lines([{"first": {"text": "x" * 50}}, {"first": {"text": "x" * 100}}, {"first": {"text": "y"}}])
        answered = items(await post(ann, body, task="items"))
        assert [item["status"] for item in answered] == [202, 413, 202]
        assert answered[1]["problem"]["limit"] == 100


async def test_a_limit_in_the_middle() -> None:
    async with started(owner_active_max=3, worker=False) as api, api.client("ann") as ann, api.client("bob") as bob:
        answered = items(await post(ann, lines({"a": n} for n in range(5))))
        assert [item["status"] for item in answered] == [202, 202, 202, 429, 429]
        assert answered[3]["retry_after"] == 5
        assert answered[3]["problem"]["limit"] == "active:ann/*"
        assert statuses(await post(bob, lines([{"a": 1}]))) == [202]


async def test_the_whole_queue_is_full() -> None:
    async with started(active_max=2, worker=False) as api, api.client() as ann:
        answered = items(await post(ann, lines({"a": n} for n in range(3))))
        assert [item["status"] for item in answered] == [202, 202, 503]
        assert answered[2]["problem"]["type"].endswith("#queue-full")
        assert answered[2]["retry_after"] == 5


async def test_one_for_which_no_key_can_be_made() -> None:
    """The others of its transaction are stored, in their order."""
    api = Api()

    def parity(a: int) -> str:
        if a == 3:
            raise ValueError("three")
        return {0: "even", 1: "odd"}[a % 5]

    @api.jobs.task(key=parity, per_key=1)
    async def keyed(a: int) -> int:
        return a

    async with api.jobs, api.client() as ann:
        answered = items(await post(ann, lines({"a": a} for a in (0, 1, 3, 4, 5, 6)), task="keyed"))
        assert [item["status"] for item in answered] == [202, 202, 422, 500, 202, 202]
        assert "three" in answered[2]["problem"]["errors"][0]["detail"]
        assert answered[3]["problem"]["detail"] == "Something went wrong on the server; its log says what."
        assert [one["a"] for one in await stored(api)] == [0, 1, 5, 6]


async def test_more_than_is_kept_in_memory(api: Api, ann: httpx.AsyncClient) -> None:
    body = lines({"first": {"text": f"{n:0>100}"}, "others": [{"text": "x" * 100}] * 80} for n in range(150))
    assert len(body) > 1024**2
    assert set(statuses(await post(ann, body, task="items"))) == {202}
    assert [int(one["first"]["text"]) for one in await stored(api)] == list(range(150))


async def test_in_a_host_application(api: Api) -> None:
    app = FastAPI()
    app.include_router(api.jobs.router, prefix="/host")
    async with api.client("ann", app=app) as ann:
        answer = await ann.post("/host/v1/tasks/add/batch", content=b'{"a":1}', headers=NDJSON)
        (item,) = items(answer)
        assert item["job"]["links"]["self"] == f"/host/v1/jobs/{item['job']['id']}"
        assert (await ann.delete("/host/v1/jobs?all=true")).json() == {"deleted": 1}


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────


async def test_headers_apply_to_all_and_nobody_waits(api: Api, ann: httpx.AsyncClient) -> None:
    asked = {"accepted_priority": "7", "accepted_delay": "1h", "cancel_after": "2h", "prefer": "wait=60"}
    for item in items(await post(ann, lines([{"name": "x"}, {"name": "y"}]), task="gated", **asked)):
        job = await api.jobs.get_record(item["job"]["id"])
        assert job.priority == 7
        assert job.scheduled_at - job.submitted_at == pytest.approx(3600, abs=1)
        assert job.deadline_cancels
    problem(await post(ann, b"{}", accepted_priority="high"), 400, "bad-request")


# ── refused as a whole ───────────────────────────────────────────────────────────────────────────────


async def test_too_many() -> None:
    async with started(batch_max=3) as api, api.client() as ann:
        body = problem(await post(ann, lines({"a": n} for n in range(4))), 413, "payload-too-large")
        assert body["detail"] == "The batch has more than 3 jobs; send the rest in another, or raise batch_max."
        assert await stored(api) == []
        assert statuses(await post(ann, b"\n\n\n\n" + lines({"a": n} for n in range(3)))) == [202] * 3


@pytest.mark.parametrize("declared", [True, False])
async def test_too_large(declared: bool) -> None:
    async with started(batch_body_max=1000) as api, api.client() as ann:
        body = lines({"a": n} for n in range(200))

        async def undeclared() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 100):
                yield body[at : at + 100]

        problem(await post(ann, body if declared else undeclared()), 413, "payload-too-large")
        assert await stored(api) == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_other_types(api: Api, ann: httpx.AsyncClient, kind: str) -> None:
    problem(await post(ann, b'{"a":1}', content_type=kind), 415, "unsupported-media-type")
    assert await stored(api) == []


async def test_a_task_with_files(ann: httpx.AsyncClient) -> None:
    refused = problem(await post(ann, b"{}", task="measure"), 415, "unsupported-media-type")
    assert "'measure' takes files" in refused["detail"]


async def test_who_and_what(api: Api, ann: httpx.AsyncClient) -> None:
    problem(await post(ann, b"{}", task="nobody"), 404, "task-not-found")
    async with api.client(None) as nobody:
        problem(await post(nobody, b'{"a":1}'), 401, "not-authenticated")
        token = (await ann.post(await api.done(ann, "add", a=1) + "/tokens")).json()["token"]
        problem(await post(nobody, b'{"a":1}', authorization=f"Bearer {token}"), 403, "forbidden")
    problem(await ann.get("/v1/tasks/add/batch"), 405, "method-not-allowed")


async def test_a_body_that_does_not_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE", 0.1)
    async with serving(api.jobs.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("content-length: 100") + b'{"a":1}\n')
        assert b"body-too-slow" in await reader.read()
        writer.close()
    assert await stored(api) == []


# ── the client goes away ─────────────────────────────────────────────────────────────────────────────


def head(*headers: str) -> bytes:
    given = ("host: localhost", "authorization: Bearer user:ann", "content-type: application/x-ndjson", *headers)
    return "\r\n".join(("POST /v1/tasks/add/batch HTTP/1.1", *given, "", "")).encode()


async def test_in_the_middle_of_the_body(api: Api, ann: httpx.AsyncClient) -> None:
    """Nothing is stored, and the key is free."""
    async with serving(api.jobs.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("content-length: 16", 'idempotency-key: "b-1"') + b'{"a":1}\n')
        await writer.drain()
        writer.close()
    assert await stored(api) == []
    answered = items(await post(ann, b'{"a":1}\n{"a":2}\n', **KEY))
    assert not any("replayed" in item for item in answered)


async def test_after_the_body() -> None:
    """The batch goes on to its end."""
    async with started(worker=False) as api:
        body = lines({"a": n} for n in range(3000))
        async with serving(api.jobs.app) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head(f"content-length: {len(body)}") + body)
            await writer.drain()
            await wait_until(lambda: stored(api), what="the first of them")
            writer.transport.abort()

            async def all_there() -> bool:
                return sum(tally.jobs for tally in await api.jobs.store.tallies()) == 3000

            await wait_until(all_there, what="all of them")


async def test_the_store_goes_away_in_the_middle(tmp_path: Path) -> None:
    """What was stored is said to be, the rest is not."""
    path = tmp_path / "jobs.db"
    async with started(url=f"sqlite:///{path}", worker=False, upkeep=3600) as api, api.client() as ann:
        end = api.jobs.store.listen(lambda change: path.unlink(missing_ok=True) if change.jobs else None)
        answered = items(await post(ann, lines({"a": n} for n in range(1200))))
        end()
        kept = [item for item in answered if item["status"] == 202]
        assert 0 < len(kept) < 1200
        rest = answered[len(kept) :]
        assert {item["status"] for item in rest} == {503}
        assert rest[0]["problem"]["type"].endswith("#store-unavailable")
        assert rest[0]["retry_after"] == 5


# ── again ────────────────────────────────────────────────────────────────────────────────────────────


def ids(answer: httpx.Response) -> list[str]:
    return [item["job"]["id"] for item in items(answer)]


async def test_the_same_again(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    body = lines({"a": n} for n in range(3))
    first, second = await post(ann, body, **KEY), await post(ann, body, **KEY)
    assert ids(first) == ids(second)
    assert not any("replayed" in item for item in items(first))
    assert all(item["replayed"] is True for item in items(second))
    assert set(ids(first)).isdisjoint(ids(await post(bob, body, **KEY)))
    single = await ann.post("/v1/tasks/add", json={"a": 0}, headers={"idempotency-key": '"b-1/0"'})
    assert "idempotency-replayed" not in single.headers


async def test_the_same_key_for_something_else(api: Api, ann: httpx.AsyncClient) -> None:
    await post(ann, lines([{"a": 1}, {"a": "x"}, {"a": 3}]), **KEY)
    answered = items(await post(ann, lines([{"a": 1}, {"a": 2}, {"a": 4}, {"a": 5}]), **KEY))
    assert [item["status"] for item in answered] == [202, 202, 422, 202]
    assert [item.get("replayed", False) for item in answered] == [True, False, False, False]
    assert answered[2]["problem"]["type"].endswith("#idempotency-mismatch")
    assert [one["a"] for one in await stored(api)] == [1, 3, 2, 5]


async def test_one_of_them_was_removed(ann: httpx.AsyncClient) -> None:
    body = lines({"a": n} for n in range(2))
    first = items(await post(ann, body, **KEY))
    await ann.delete(first[0]["job"]["links"]["self"])
    assert statuses(await post(ann, body, **KEY)) == [410, 202]


async def test_two_at_once(api: Api, ann: httpx.AsyncClient) -> None:
    body = lines({"a": n} for n in range(50))
    first, second = await asyncio.gather(post(ann, body, **KEY), post(ann, body, **KEY))
    assert ids(first) == ids(second)
    assert len(await stored(api)) == 50


# ── ten thousand ─────────────────────────────────────────────────────────────────────────────────────


async def test_ten_thousand_while_others_are_served(tmp_path: Path) -> None:
    async with started(url=f"sqlite:///{tmp_path / 'jobs.db'}", worker=False) as api, serving(api.jobs.app) as port:
        options = {"base_url": f"http://localhost:{port}", "headers": {"authorization": "Bearer user:ann"}}
        async with httpx.AsyncClient(**options) as ann, httpx.AsyncClient(**options) as other:  # type: ignore[arg-type]
            batch = asyncio.ensure_future(post(ann, lines({"a": n} for n in range(10_000))))
            await wait_until(lambda: stored(api), what="the first of them")
            meanwhile = 0
            while not batch.done():
                assert (await other.get("/v1/tasks")).status_code == 200
                meanwhile += 1
            answered = items(await batch)
        assert {item["status"] for item in answered} == {202}
        assert len({item["job"]["id"] for item in answered}) == 10_000
        assert meanwhile > 10


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", ACCEPTED_WORKER="false")
    try:
        yield server.start()
    finally:
        server.clean_up()


async def test_kill_9_in_the_middle_and_again(own: Server) -> None:
    """Each of ten thousand exactly once."""
    body = lines({"a": n} for n in range(10_000))

    def rows(question: str) -> list[Any]:
        connection = sqlite3.connect(own.data / "jobs.db")
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def count() -> int:
        return int(rows("SELECT count(*) FROM jobs")[0][0])

    async with httpx.AsyncClient(base_url=own.url) as client:
        lost = asyncio.ensure_future(post(client, body, **KEY))
        await wait_until(count, what="the first of them")
        assert own.process
        own.process.send(signal.SIGKILL)
        with suppress(httpx.TransportError):
            await lost
    await asyncio.to_thread(own.process.ends)
    before = count()
    assert 0 < before <= 10_000
    await asyncio.to_thread(own.start)
    async with httpx.AsyncClient(base_url=own.url) as client:
        answered = items(await post(client, body, **KEY))
    assert {item["status"] for item in answered} == {202}
    assert [item["index"] for item in answered if item.get("replayed")] == list(range(before))
    found = rows("SELECT jobs.id, json_extract(inputs.args, '$.a') FROM jobs JOIN inputs ON inputs.job = jobs.n")
    assert dict(found) == {item["job"]["id"]: item["index"] for item in answered}
    assert len(found) == 10_000
