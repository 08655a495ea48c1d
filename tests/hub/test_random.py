"""Whatever happens to a watcher, what it received is what was stored: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hub.fakes import Log

from accepted.hub import Ended, Events, Gap, Hub, Trimmed
from accepted.job import TERMINAL_KINDS, EventDraft, Kind, NewJob, new_id
from accepted.stores.base import Store, WatchingStore
from accepted.stores.sqlite import SQLiteStore

Running = Callable[..., AbstractAsyncContextManager[Hub]]


async def complete_reader(hub: Hub, job_id: str, chance: random.Random) -> list[int]:
    """Follows to the end; now and then it goes away and comes back with its cursor, or dawdles."""
    seen: list[int] = []
    while True:
        async with hub.watch({job_id: seen[-1] if seen else 0}, complete=True) as subscription:
            while chance.random() > 0.1:
                for update in await subscription.next():
                    assert isinstance(update, Events)
                    seen += [message.seq for message in update.messages]
                    if update.over:
                        return seen
                for _ in range(chance.choice((0, 0, 1, 30))):
                    await asyncio.sleep(0)


async def live_reader(hub: Hub, job_id: str, chance: random.Random) -> list[int]:
    """The same on terms of a socket: what a gap names counts as seen."""
    seen: list[int] = []
    async with hub.watch({job_id: 0}, complete=False) as subscription:
        while True:
            for update in await subscription.next():
                match update:
                    case Events():
                        seen += [message.seq for message in update.messages]
                        if update.over:
                            return seen
                    case Gap(_, first, last):
                        seen += range(first, last + 1)
                        record = await hub.store.get(job_id)
                        if record.over and record.seq == last:
                            return seen
                    case _:
                        raise AssertionError(update)
            for _ in range(chance.choice((0, 1, 100))):
                await asyncio.sleep(0)


async def polling_reader(hub: Hub, job_id: str) -> list[int]:
    """JSON pages, with a long poll between them."""
    seen: list[int] = []
    while True:
        page = await hub.store.events(job_id, after=seen[-1] if seen else 0, limit=7)
        seen += [event.seq for event in page.events]
        if page.events and page.events[-1].kind in TERMINAL_KINDS:
            return seen
        if len(page.events) < 7:
            await hub.changed(job_id, seen[-1] if seen else 0, 10)


@pytest.mark.parametrize("seed", range(12))
async def test_random_disconnects_on_a_log(seed: int, log: Log, running: Running) -> None:
    chance = random.Random(seed)
    events = chance.randrange(50, 400)

    async def write() -> None:
        log.write("j", Kind.PENDING)
        for _ in range(events):
            log.write("j", *[Kind.PROGRESS] * chance.randrange(1, 6), tell=chance.random() > 0.05)
            for _ in range(chance.choice((0, 0, 1, 5))):
                await asyncio.sleep(0)
        log.write("j", Kind.COMPLETED)

    log.write("j")
    async with running(log, poll=0.05, watcher_queue=chance.choice((1, 4, 16, 256))) as hub:
        readers = [complete_reader(hub, "j", random.Random(chance.random())) for _ in range(5)]
        readers += [live_reader(hub, "j", random.Random(chance.random())) for _ in range(3)]
        readers += [polling_reader(hub, "j") for _ in range(2)]
        async with asyncio.timeout(30):
            *received, _ = await asyncio.gather(*readers, write())
        for kind, seen in zip(["complete"] * 5 + ["live"] * 3 + ["polling"] * 2, received, strict=True):
            assert (kind, seen) == (kind, log.stored("j"))
        assert hub.watchers == hub.watched == 0


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = SQLiteStore(None if request.param == "memory" else tmp_path / "jobs.db")
    await store.open()
    yield store
    await store.close()


@pytest.mark.parametrize("seed", range(3))
async def test_random_disconnects_on_sqlite(seed: int, store: Store, running: Running) -> None:
    chance = random.Random(seed)
    (submitted,) = await store.submit([NewJob(new_id(), "t", b"{}")])
    assert not isinstance(submitted, Exception)
    job_id = submitted.job.id

    async def work() -> None:
        (claimed,) = (await store.claim("w", queues=["default"], tasks=["t"], limit=1, lease=60)).jobs
        for _ in range(chance.randrange(50, 150)):
            drafts = [EventDraft(Kind.PROGRESS, {"percent": 1.0})] * chance.randrange(1, 4)
            await store.report(claimed.job.lease, drafts)
        await store.complete(claimed.job.lease, b"null")

    async with running(store, watcher_queue=chance.choice((4, 32, 256))) as hub:
        readers = [complete_reader(hub, job_id, random.Random(chance.random())) for _ in range(5)]
        readers += [live_reader(hub, job_id, random.Random(chance.random())) for _ in range(3)]
        readers += [polling_reader(hub, job_id) for _ in range(2)]
        async with asyncio.timeout(60):
            *received, over, _ = await asyncio.gather(*readers, hub.over(job_id, 60), work())
        stored = [event.seq for event in (await store.events(job_id)).events]
        assert over is True
        assert all(seen == stored for seen in received)


async def test_a_log_that_is_trimmed_while_it_is_read(tmp_path: Path, running: Running) -> None:
    """A reader either gets an event, or was told that it is not kept any more."""
    store: WatchingStore
    store = opened = SQLiteStore(tmp_path / "jobs.db", max_events_per_job=50)
    await opened.open()
    try:
        job_id = new_id()
        await opened.submit([NewJob(job_id, "t", b"{}")])
        (claimed,) = (await opened.claim("w", queues=["default"], tasks=["t"], limit=1, lease=60)).jobs
        async with running(store, watcher_queue=8) as hub, hub.watch({job_id: 0}, complete=True) as subscription:

            async def read() -> list[int]:
                seen = [0]
                while True:
                    for update in await subscription.next():
                        match update:
                            case Trimmed(_, first_seq):
                                assert first_seq > seen[-1] + 1
                                seen = [first_seq - 1]
                            case Events():
                                for message in update.messages:
                                    assert message.seq == seen[-1] + 1
                                    seen.append(message.seq)
                                if update.over:
                                    return seen
                            case Ended() | _:
                                raise AssertionError(update)
                    for _ in range(len(seen) % 3 * 10):
                        await asyncio.sleep(0)

            async def work() -> None:
                for _ in range(200):
                    await opened.report(claimed.job.lease, [EventDraft(Kind.LOG, {"message": "m"})] * 3)
                await opened.complete(claimed.job.lease, b"1")

            async with asyncio.timeout(60):
                seen, _ = await asyncio.gather(read(), work())
            assert seen[-1] == (await store.get(job_id)).seq
    finally:
        await opened.close()
