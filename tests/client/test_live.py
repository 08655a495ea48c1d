"""Both clients against a real server, through real sockets: one list of behaviours, two drivers."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Server

from accepted import JobCancelled, JobFailed, JobGone, JobNotFound, Status, UploadFile
from accepted.client import AsyncClient, Client, Policy, ServerUnreachable, UnexpectedAnswer
from accepted.errors import (
    ConfigurationError,
    IdempotencyMismatch,
    InvalidInput,
    NotAuthenticated,
    ResultTimeout,
    TaskNotFound,
    WrongState,
)


class Awaited:
    """An async client as if it were a blocking one, so that each test is written once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, real: Any) -> None:
        self._loop, self._real = loop, real

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._call(found) if callable(found) else self._wrapped(found)

    def __getitem__(self, name: str) -> Any:
        return self._wrapped(self._real[name])

    def __iter__(self) -> Iterator[Any]:
        yield from self._drained(aiter(self._real))

    def __repr__(self) -> str:
        return repr(self._real)

    def _call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            made = function(*args, **kwargs)
            if inspect.iscoroutine(made):
                return self._wrapped(self._loop.run_until_complete(made))
            return self._drained(made) if hasattr(made, "__anext__") else self._wrapped(made)

        return call

    def _drained(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while True:
                yield self._wrapped(self._loop.run_until_complete(anext(items)))
        except StopAsyncIteration:
            return
        finally:
            self._loop.run_until_complete(items.aclose())  # type: ignore[attr-defined]  # a generator

    def _wrapped(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._wrapped(one) for one in value]
        return Awaited(self._loop, value) if type(value).__module__ == "accepted.client.aio" else value


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[Any]:
    if request.param == "sync":
        with Client(server.url) as made:
            yield made
        return
    with asyncio.Runner() as runner:
        awaited = AsyncClient(server.url)
        yield Awaited(runner.get_loop(), awaited)
        runner.run(awaited.aclose())


def kinds(events: Iterator[Any]) -> list[str]:
    return [event.kind for event in events]


def test_tasks(client: Any) -> None:
    found = {task["name"]: task for task in client.tasks}
    assert found["add"]["description"].startswith("Add two numbers.")
    assert found["add"]["arguments"]["required"] == ["a"]
    assert found["add"]["result"] == {"type": "integer"}
    assert found["join"]["files"] == ["first", "others"]
    assert client.tasks.list() == list(client.tasks)


def test_submit_and_result(client: Any) -> None:
    job = client.tasks["add"].submit(a=2, b=3)
    assert job.record["task"] == "add"
    assert job.result(timeout=20) == 5
    assert job.status is Status.COMPLETED
    assert job.refresh()["status"] == "completed"


def test_a_result_within_the_wait(client: Any) -> None:
    job = client.tasks["add"].with_options(wait=20).submit(a=2)
    assert (job.status, job.result()) == (Status.COMPLETED, 3)


def test_a_failure_within_the_wait(client: Any) -> None:
    job = client.tasks["refuse"].with_options(wait="20s").submit(why="closed")
    assert job.status is Status.FAILED
    with pytest.raises(JobFailed, match="closed"):
        job.result()


def test_a_failure_carries_the_problem(client: Any) -> None:
    job = client.tasks["refuse"].submit(why="closed")
    with pytest.raises(JobFailed, match="closed") as caught:
        job.result(timeout=20)
    assert caught.value.job_id == job.id
    assert caught.value.error["hint"] == "tomorrow"
    assert job.status is Status.FAILED


def test_events(client: Any) -> None:
    job = client.tasks["count"].submit(to=5)
    events = list(job.events())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.data["message"] for event in events if event.kind == "log"] == [f"number {n}" for n in range(1, 6)]
    assert events[-1].kind == "completed"
    assert (job.status, job.record["progress"]["percent"]) == (Status.COMPLETED, 100)
    assert list(job.events(after=events[2].seq)) == events[3:]
    assert list(job.events(after=events[-1].seq)) == []


def test_events_may_be_left(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "go"
    job = client.tasks["gate"].submit(path=str(path))
    for event in job.events():
        if event.kind == "progress":
            break
    path.write_text("on")
    assert job.result(timeout=20) == "on"


def test_events_of_a_job_that_was_retried_by_hand(client: Any) -> None:
    job = client.tasks["refuse"].submit(why="closed")
    first = kinds(job.events())
    assert job.retry()["status"] == "pending"
    both = kinds(job.events())
    assert both[: len(first)] == first
    assert both.count("failed") == 2
    assert both[-1] == "failed"


def test_follow(client: Any, tmp_path: Path) -> None:
    reports: list[float] = []
    job = client.tasks["count"].submit(to=5, pause=0.05)
    assert job.follow(on_progress=lambda progress: reports.append(progress["percent"] or 0)) == 5
    assert reports[-1] == 100
    assert reports == sorted(reports)


def test_cancel(client: Any, tmp_path: Path) -> None:
    job = client.tasks["gate"].submit(path=str(tmp_path / "never"))
    for event in job.events():
        if event.kind == "running":
            job.cancel(reason="enough")
    with pytest.raises(JobCancelled, match="enough"):
        job.result(timeout=20)
    assert job.status is Status.CANCELLED
    assert job.cancel()["status"] == "cancelled"


def test_a_running_job_is_not_over_in_time(client: Any, tmp_path: Path) -> None:
    job = client.tasks["gate"].submit(path=str(tmp_path / "never"))
    for timeout in (0, 0.3):
        with pytest.raises(ResultTimeout, match="it goes on"):
            job.result(timeout=timeout)
    with pytest.raises(WrongState):
        job.retry()
    job.delete()
    with pytest.raises(JobGone, match="deleted"):
        job.refresh()
    job.delete()


def test_a_job_removed_while_it_is_followed(client: Any, tmp_path: Path) -> None:
    job = client.tasks["gate"].submit(path=str(tmp_path / "never"))
    seen = []
    for event in job.events():
        seen.append(event.kind)
        if event.kind == "running":
            job.delete()
    assert seen[-1] == "removed"


def test_a_job_by_its_id(client: Any) -> None:
    job = client.tasks["add"].submit(a=1)
    again = client.jobs.get(job.id)
    assert again.result(20) == 2
    client.jobs.retry(job.id)
    client.jobs.cancel(job.id, reason="no")
    client.jobs.delete(job.id)
    with pytest.raises(JobGone):
        client.jobs.get(job.id)
    with pytest.raises(JobNotFound, match="nobody"):
        client.jobs.get("nobody")


def test_listings(client: Any) -> None:
    ids = [client.tasks["echo"].submit(text=f"find me {n}").id for n in range(5)]
    page = client.jobs.list(task="echo", text="find me", limit=2)
    assert [job.id for job in page.jobs] == ids[:2:-1]
    rest = client.jobs.list(task="echo", text="find me", limit=50, cursor=page.cursor)
    assert [job.id for job in rest.jobs][:3] == ids[2::-1]
    for job in client.jobs.iterate(text="find me"):
        job.result(20)
        job.delete()
    assert client.jobs.list(status=["completed", Status.FAILED], text="find me").jobs == []
    assert client.jobs.list(status="pending", task="nothing").cursor is None


def test_files_go_and_come_back(client: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "größe.txt"
    first.write_text("a")
    second.write_text("ß")
    with second.open("rb") as stream:
        job = client.tasks["join"].submit(first=first, others=[UploadFile.of(first), stream], sign="-")
        assert job.result(20) == {"joined": "a-a-ß", "first": "first.txt"}
    assert [file["name"] for file in job.artifacts()] == ["joined.txt"]
    assert job.download("joined.txt", tmp_path) == tmp_path / "joined.txt"
    assert (tmp_path / "joined.txt").read_text() == "a-a-ß"
    with pytest.raises(Exception, match=r"nothing\.txt"):
        job.download("nothing.txt", tmp_path / "nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.txt", "größe.txt", "joined.txt"]


def test_idempotency(client: Any) -> None:
    task = client.tasks["add"].with_options(idempotency_key="once upon a time")
    assert task.submit(a=1).id == task.submit(a=1).id
    with pytest.raises(IdempotencyMismatch, match="once upon a time"):
        task.submit(a=2)
    assert client.tasks["add"].submit(a=1).id != client.tasks["add"].submit(a=1).id


def test_delay_and_priority(client: Any) -> None:
    job = client.tasks["add"].with_options(delay="1h", priority=5, cancel_after="2h").submit(a=1)
    assert (job.status, job.record["priority"]) == (Status.PENDING, 5)
    assert job.record["deadline_at"]
    job.cancel()


def test_errors(client: Any) -> None:
    with pytest.raises(TaskNotFound, match="nothing"):
        client.tasks["nothing"].submit()
    with pytest.raises(InvalidInput) as caught:
        client.tasks["add"].submit(a="many", c=1)
    assert {one["pointer"] for one in caught.value.errors} == {"#/a", "#/c"}


def test_nothing_secret_in_a_repr(client: Any) -> None:
    assert "Client('http://127.0.0.1" in repr(client)
    job = client.tasks["echo"].submit(text="x")
    assert repr(job).endswith(f"RemoteJob(id={job.id!r}, task='echo', status='pending')")
    with Client("http://user:password@127.0.0.1:1", key="ak_secret") as other:
        texts = repr([other, vars(other), other.tasks["x"], other.jobs])
        assert "ak_secret" not in texts
        assert "password" not in texts
    with Client("http://user:password@127.0.0.1:1", retries=0) as other, pytest.raises(ServerUnreachable) as caught:
        other.tasks.list()
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://there", "", "http://"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected the address of a server"):
        Client(url)


def test_one_credential_is_enough() -> None:
    with pytest.raises(ConfigurationError):
        Client("http://there", key="a", token="b")


def test_nobody_there() -> None:
    with Client("http://127.0.0.1:9", retries=1) as client, pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9"):
        client.jobs.get("x")


def test_somebody_else_there(server: Server) -> None:
    with Client(server.url, prefix="/v7") as client, pytest.raises(Exception, match="Nothing is served"):
        client.tasks.list()

    def html(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, html="<h1>Not found</h1>")

    with (
        Client("http://there", transport=httpx.MockTransport(html)) as client,
        pytest.raises(UnexpectedAnswer, match="404"),
    ):
        client.tasks.list()


def test_a_server_that_accepts_and_never_answers() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            Client(url, policy=Policy(timeout=0.1, retries=1)) as client,
            pytest.raises(ServerUnreachable, match="no answer in time"),
        ):
            client.tasks.list()


def test_one_client_in_many_threads(server: Server) -> None:
    results: list[int] = []
    with Client(server.url) as client:

        def work(number: int) -> None:
            results.append(client.tasks["add"].submit(a=number, b=0).result(20))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == list(range(12))


async def test_many_jobs_followed_at_once(server: Server) -> None:
    async with AsyncClient(server.url) as client:

        async def work(number: int) -> int:
            job = await client.tasks["count"].submit(to=number)
            return len([event async for event in job.events() if event.kind == "log"])

        assert await asyncio.gather(*(work(number) for number in range(1, 31))) == list(range(1, 31))


def test_keys(tmp_path: Path) -> None:
    from accepted.http.auth import new_key
    from accepted.settings import Settings, load
    from accepted.stores import open_store

    text, key = new_key("test", "ann")

    async def add() -> None:
        store = open_store(load(Settings, data=tmp_path))
        await store.open()
        await store.add_key(key)
        await store.close()

    asyncio.run(add())
    server = Server(tmp_path, ACCEPTED_AUTH="keys")
    try:
        server.start()
        with Client(server.url, key=text) as client:
            assert client.tasks["add"].submit(a=1).record["owner"] == "ann"
        with Client(server.url) as client, pytest.raises(NotAuthenticated):
            client.tasks["add"].submit(a=1)
    finally:
        server.clean_up()
