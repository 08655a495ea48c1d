"""Many submissions in few requests, and deleting many jobs: what is sent, and what a real server makes of it."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client.scripted import Other, as_problem, dropped, in_turn
from helpers import wait_until
from served import Server

from accepted import errors
from accepted.client import AsyncClient, BatchItem, Client, Options, Policy, UnexpectedAnswer
from accepted.client.batches import Batch, in_batches
from accepted.client.flow import Answer, Request
from accepted.client.protocol import Api

BATCH = Batch(3, [b'{"a":1}', b'{"a":2}'])


def answered(*items: dict[str, Any]) -> Answer:
    body = b"".join(json.dumps({"index": n, **item}).encode() + b"\n" for n, item in enumerate(items))
    return Answer(200, {"content-type": "application/x-ndjson"}, body)


def stored(job_id: str, **more: Any) -> dict[str, Any]:
    return {"status": 202, **more, "job": {"id": job_id, "status": "pending", "links": {}}}


def api_to(*replies: Any, **policy: Any) -> tuple[Api, Other]:
    other = Other(in_turn(*replies))
    return Api("http://there", Policy(clock=other.clock, **policy)), other


# ── what is sent ──


def test_lines_and_headers() -> None:
    api, other = api_to(answered(stored("x"), stored("y", replayed=True)))
    options = Options(idempotency_key="k", wait=20, priority=5)
    assert other.run(api.batch("a b", BATCH, options)) == [
        BatchItem(3, "x", "pending"),
        BatchItem(4, "y", "pending", replayed=True),
    ]
    (sent,) = other.sent
    assert (sent.method, sent.path, sent.body) == ("POST", "/tasks/a%20b/batch", b'{"a":1}\n{"a":2}')
    assert sent.headers == {
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": '"k/3"',
        "Prefer": "respond-async",
        "Accepted-Priority": "5",
    }


def test_a_batch_is_repeated_with_its_key() -> None:
    api, other = api_to(dropped(), as_problem("unavailable", 503, retry_after=2), answered(stored("x"), stored("y")))
    other.run(api.batch("t", BATCH, Options()))
    assert len({request.headers["Idempotency-Key"] for request in other.sent}) == 1
    assert len(other.sent) == 3


def test_a_refused_item_is_the_error_that_it_stands_for() -> None:
    problem = {
        "type": "/v1/problems#limit-reached",
        "status": 429,
        "title": "t",
        "detail": "3 of at most 3",
        "limit": "l",
    }
    refused = {"line": 2, "status": 429, "retry_after": 9, "problem": {**problem, "used": 3, "at_most": 3}}
    api, other = api_to(answered(stored("x"), refused))
    error = other.run(api.batch("t", BATCH, Options()))[1].error
    assert isinstance(error, errors.LimitReached)
    assert (error.limit, error.retry_after, str(error)) == ("l", 9, "3 of at most 3")


@pytest.mark.parametrize("answer", [answered(stored("x")), Answer(200, {}, b"<html>"), Answer(200, {}, b"[]\n[]")])
def test_an_answer_to_something_else(answer: Answer) -> None:
    api, other = api_to(answer)
    with pytest.raises(UnexpectedAnswer):
        other.run(api.batch("t", BATCH, Options()))


def test_no_more_is_taken_than_the_next_request_needs() -> None:
    taken: list[int] = []

    def calls() -> Iterator[dict[str, int]]:
        for n in range(5):
            taken.append(n)
            yield {"a": n}

    batches = in_batches(calls(), 2)
    assert next(batches) == Batch(0, [b'{"a":0}', b'{"a":1}'])
    assert taken == [0, 1]
    assert [(batch.first, len(batch.lines)) for batch in batches] == [(2, 2), (4, 1)]
    assert list(in_batches([], 2)) == []


def test_a_request_is_not_too_long() -> None:
    line = b'"' + b"x" * 9 * 1024**2 + b'"'
    assert [len(batch.lines) for batch in in_batches([line] * 5, 10_000)] == [2, 2, 1]


@pytest.mark.parametrize("line", [b"", b" \n", b'{"a":\n1}'])
def test_json_that_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError, match="one line of JSON"):
        list(in_batches([line], 2))


def test_files_do_not_go_in_a_batch() -> None:
    with pytest.raises(errors.UnsupportedMediaType, match="first: a batch takes no files"):
        list(in_batches([{"first": io.BytesIO(b"x")}], 2))


@pytest.mark.parametrize(
    ("call", "query"),
    [
        (lambda jobs: jobs.delete_all(everything=True), {"all": "true"}),
        (
            lambda jobs: jobs.delete_all(status=["failed", "cancelled"], task="t"),
            {"status": "failed,cancelled", "task": "t"},
        ),
        (lambda jobs: jobs.delete_all(task="", status=(), owner="ann"), {"task": "", "status": "", "owner": "ann"}),
    ],
)
def test_what_to_delete(call: Callable[[Any], int], query: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    other = Other(in_turn(Answer(200, {"content-type": "application/json"}, b'{"deleted":3}')))
    with Client("http://127.0.0.1:1") as client:
        monkeypatch.setattr(client, "_run", other.run)
        assert call(client.jobs) == 3
    sent: Request = other.sent[0]
    assert (sent.method, sent.path, sent.query) == ("DELETE", "/jobs", query)


# ── a real server ──


def test_many_over_several_requests(server: Server) -> None:
    with Client(server.url) as client:
        task = client.tasks["add"].with_options(idempotency_key="several")
        given = [{"a": n} for n in range(25)]
        items = task.submit_many(given, size=10)
        assert [item.index for item in items] == list(range(25))
        assert client.jobs.get(items[24].job_id or "").result(20) == 25
        again = task.submit_many(given, size=10)
        assert [item.job_id for item in again] == [item.job_id for item in items]
        assert all(item.replayed for item in again)
        assert len({item.job_id for item in client.tasks["add"].submit_many(given)} - {i.job_id for i in items}) == 25


def test_some_are_refused(server: Server) -> None:
    with Client(server.url) as client:
        good, wrong, no_json = client.tasks["add"].submit_many([{"a": 1}, {"a": "x"}, b'{"a":'])
        assert good.error is None
        assert isinstance(wrong.error, errors.InvalidInput)
        assert wrong.error.errors[0]["pointer"] == "#/a"
        assert isinstance(no_json.error, errors.BadRequest)
        with pytest.raises(errors.TaskNotFound):
            client.tasks["nobody"].submit_many([{}])
        with pytest.raises(errors.UnsupportedMediaType, match="takes files"):
            client.tasks["join"].submit_many([{"sign": "x"}])
        assert client.tasks["nobody"].submit_many([]) == []


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be ill-treated."""
    server = Server(tmp_path / "data", ACCEPTED_WORKER="false")
    try:
        yield server.start()
    finally:
        server.clean_up()


async def test_over_kill_9(own: Server) -> None:
    """Each of them once, and the caller notices nothing."""

    def numbers() -> list[int]:
        connection = sqlite3.connect(own.data / "jobs.db")
        try:
            return [int(row[0]) for row in connection.execute("SELECT json_extract(args, '$.a') FROM inputs")]
        finally:
            connection.close()

    async with AsyncClient(own.url, policy=Policy(timeout=20, retries=60)) as client:
        submitting = asyncio.ensure_future(client.tasks["add"].submit_many([{"a": n} for n in range(6000)], size=3000))
        for least in (1, 3001):
            await wait_until(lambda least=least: len(numbers()) >= least)  # type: ignore[misc]
            own.kill()
            await asyncio.to_thread(own.start)
        items = await submitting
    assert [item.index for item in items] == list(range(6000))
    assert not any(item.error for item in items)
    assert sorted(numbers()) == list(range(6000))


async def test_ten_thousand_in_one_request_async(server: Server) -> None:
    async with AsyncClient(server.url) as client:
        task = client.tasks["add"].with_options(delay="1h")
        items = await task.submit_many({"a": n} for n in range(10_000))
        assert len({item.job_id for item in items}) == 10_000
        first = [item async for item in task.submit_each(({"a": n} for n in range(3)), size=2)]
        assert [item.index for item in first] == [0, 1, 2]
        assert await client.jobs.delete_all(status="pending", task="add") >= 10_003


def test_deleting(server: Server) -> None:
    with Client(server.url) as client:
        client.tasks["echo"].with_options(delay="1h").submit_many([{"text": "x"}] * 3)
        assert client.jobs.delete_all(task="echo", status=["pending"]) == 3
        assert client.jobs.list(task="echo").jobs == []
        with pytest.raises(errors.BadRequest, match="nothing was deleted"):
            client.jobs.delete_all()
        with pytest.raises(errors.BadRequest, match="status: say which"):
            client.jobs.delete_all(task="echo", status=[])
        with pytest.raises(errors.InvalidInput):
            client.jobs.delete_all(status="finished")
