"""Clients that iterate while the server is killed (kill -9) or stopped, and started again."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import wait_until
from served import Server

from accepted.client import AsyncClient, Client, Policy, RemoteEvent

QUICK = Policy(timeout=10, patience=60)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be ill-treated."""
    server = Server(tmp_path / "data")
    try:
        yield server.start()
    finally:
        server.clean_up()


def whole(events: list[RemoteEvent]) -> bool:
    """No gap, no repetition, to the end."""
    return [event.seq for event in events] == list(range(1, len(events) + 1)) and events[-1].kind == "completed"


async def test_events_over_kill_9(own: Server) -> None:
    chance = random.Random(7)
    async with AsyncClient(own.url, policy=QUICK) as client:
        job = await client.tasks["count"].submit(to=150, pause=0.02)
        events: list[RemoteEvent] = []

        async def follow() -> None:
            async for event in job.events():
                events.append(event)  # noqa: PERF401  looked at meanwhile

        following = asyncio.create_task(follow())
        for _ in range(3):
            seen = len(events) + chance.randrange(20, 60)
            await wait_until(lambda seen=seen: following.done() or len(events) >= seen)  # type: ignore[misc]
            own.kill()
            await asyncio.to_thread(own.start)
        await asyncio.wait_for(following, 60)
        assert whole(events)
        assert await job.result(20) == 150
        kept = [event async for event in job.events()]
        assert [event.seq for event in kept] == [event.seq for event in events]


def test_events_over_an_orderly_restart(own: Server, tmp_path: Path) -> None:
    path, ready = tmp_path / "go", threading.Event()
    with Client(own.url, policy=QUICK) as client:
        job = client.tasks["gate"].submit(path=str(path))
        events: list[RemoteEvent] = []

        def follow() -> None:
            for event in job.events():
                events.append(event)
                if event.kind == "progress":
                    ready.set()

        thread = threading.Thread(target=follow)
        thread.start()
        assert ready.wait(20)
        assert own.stop() == 0
        own.start()
        path.write_text("done")
        thread.join(60)
        assert whole(events)
        reasons = [event.data.get("reason") for event in events if event.kind == "pending"]
        assert reasons == ["submitted", "interrupted"]


def test_a_result_over_a_restart(own: Server, tmp_path: Path) -> None:
    path = tmp_path / "go"
    results: list[str] = []
    with Client(own.url, policy=QUICK) as client:
        job = client.tasks["gate"].submit(path=str(path))
        thread = threading.Thread(target=lambda: results.append(job.result(60)))
        thread.start()
        next(event for event in job.events() if event.kind == "progress")
        own.kill()
        own.start()
        path.write_text("done")
        thread.join(60)
    assert results == ["done"]


def test_a_submission_while_the_server_is_away(own: Server) -> None:
    own.kill()
    starting = threading.Thread(target=own.start)
    with Client(own.url, policy=Policy(retries=12)) as client:
        starting.start()
        job = client.tasks["add"].submit(a=1)
        starting.join()
        assert job.result(20) == 2
        assert len(client.jobs.list().jobs) == 1
