"""Random histories of everything that can happen to jobs under limits: after each step the file says what is so."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from stores.processes import new_job
from stores.test_flow import connection

from accepted.errors import AcceptedError
from accepted.job import Limit, NewJob, Rate
from accepted.stores.base import Claimed
from accepted.stores.conformance import ManualClock
from accepted.stores.sqlite import SQLiteStore
from accepted.stores.sqlite.lines import needs, needs_of
from accepted.stores.sqlite.records import FOREVER, micros
from accepted.stores.sqlite.windows import free_at

ERROR = {"title": "on purpose"}


@pytest.fixture
async def store(clock: ManualClock) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(None, clock=clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class History:
    """What happens. `running` are attempts that have been claimed, some of which have lost their lease since."""

    def __init__(self, store: SQLiteStore, clock: ManualClock, chance: random.Random) -> None:
        self.store, self.clock, self.chance = store, clock, chance
        self.ids: list[str] = []
        self.running: list[Claimed] = []

    async def step(self) -> None:
        steps = (self.submit, self.submit, self.claim, self.claim, self.settle, self.settle, self.settle, self.outside)
        await self.chance.choice(steps)()
        if self.chance.random() < 0.3:
            self.clock.advance(self.chance.choice((0.01, 0.1, 1.0, 1.0, 20.0, -5.0)))

    def new(self) -> NewJob:
        chance = self.chance
        owner, key = f"o{chance.randrange(3)}", f"k{chance.randrange(3)}"
        slots = (Limit("task", chance.choice((4, 4, 4, 3))), Limit(owner, 2), Limit(key, 1))
        paces = (Rate("task", 5, 1.0), Rate(owner, chance.choice((3, 3, 2)), 2.0), Rate(key, 1, 0.5))
        return replace(
            new_job(owner, slots=slots[: chance.randrange(4)], paces=paces[chance.randrange(4) :]),
            quotas=(Limit(owner, 25),) if chance.random() < 0.5 else (),
            admissions=(Rate(owner, 20, 3.0),) if chance.random() < 0.5 else (),
            priority=chance.choice((0, 0, 0, 1)),
            scheduled_at=self.clock() + 2 if chance.random() < 0.15 else None,
            deadline_at=self.clock() + 30 if chance.random() < 0.15 else None,
        )

    async def submit(self) -> None:
        jobs = [self.new() for _ in range(self.chance.randint(1, 6))]
        self.ids += [job.id for job in jobs]
        await self.store.submit(jobs)

    async def claim(self) -> None:
        claim = await self.store.claim(
            "w", queues=["default"], tasks=["t"], limit=self.chance.randint(1, 4), lease=self.chance.choice((5.0, 60.0))
        )
        self.running += claim.jobs

    async def settle(self) -> None:
        if not self.running:
            return
        lease = self.running.pop(self.chance.randrange(len(self.running))).job.lease
        with suppress(AcceptedError):
            match self.chance.randrange(6):
                case 0 | 1:
                    await self.store.complete(lease, b"1")
                case 2:
                    await self.store.fail(lease, ERROR)
                case 3:
                    await self.store.retry_later(lease, ERROR, at=self.clock() + 1, reason="error")
                case 4:
                    await self.store.interrupt(lease, "interrupted")
                case _:
                    await self.store.lose(lease, error=None)

    async def outside(self) -> None:
        job_id = self.chance.choice(self.ids) if self.ids else "none"
        with suppress(AcceptedError):
            match self.chance.randrange(7):
                case 0 | 1:
                    await self.store.request_cancel(job_id, "enough")
                case 2:
                    await self.store.delete(job_id, "enough")
                case 3:
                    await self.store.retry(job_id)
                case 4:
                    await self.store.expire(10, ERROR)
                case 5:
                    await self.store.delete_owned(f"o{self.chance.randrange(3)}", "enough", limit=3)
                case _:
                    for job in await self.store.lost(5):
                        await self.store.lose(job.lease, error=self.chance.choice((None, ERROR)))

    async def end(self) -> None:
        """From here on everything is claimed and completed. Fails when something stays."""
        for claimed in self.running:
            with suppress(AcceptedError):
                await self.store.complete(claimed.job.lease, b"1")
        idle = 0
        while idle < 40:
            claim = await self.store.claim("w", queues=["default"], tasks=["t"], limit=50, lease=60)
            for claimed in claim.jobs:
                await self.store.complete(claimed.job.lease, b"1")
            for job in await self.store.lost(50):
                await self.store.lose(job.lease, error=None)
            idle = 0 if claim.jobs else idle + 1
            self.clock.advance(2.0)


def check(file: sqlite3.Connection, now: int) -> None:
    """What is counted is what the jobs hold; who is held is held by something."""
    jobs = file.execute(
        "SELECT n, status, waits, line, priority, turn, slots, paces, quotas FROM jobs"
        " WHERE status IN ('pending', 'running')"
    ).fetchall()
    slots: Counter[str] = Counter()
    quotas: Counter[str] = Counter()
    ready: Counter[str] = Counter()
    first: dict[str, Any] = {}
    for n, status, waits, line, priority, turn, slots_, paces_, quotas_ in jobs:
        held = needs(slots_, paces_)
        quotas.update(key for key, _ in json.loads(quotas_ or "[]"))
        if status == "running" or waits == "turn":
            slots.update(limit.key for limit in held.slots)
        if waits == "turn":
            ready.update(rate.key for rate in held.paces)
        if waits == "limit":
            assert line == held.line
            first[line] = min(first.get(line, (-priority, turn, n)), (-priority, turn, n))
    assert dict(file.execute("SELECT key, used FROM gauges WHERE kind = 'slot'")) == slots
    assert dict(file.execute("SELECT key, used FROM gauges WHERE kind = 'quota'")) == quotas
    windows = file.execute("SELECT key, times, ready, wake_at, written_at FROM windows WHERE kind = 'pace'").fetchall()
    assert {key: places for key, _, places, _, _ in windows if places} == ready
    lines = file.execute("SELECT line, kind, waiting_for, -priority, turn, n FROM lines").fetchall()
    assert {line: tuple(place) for line, _, _, *place in lines} == first
    check_held(lines, slots, {key: (json.loads(times), *others) for key, times, *others in windows}, now)


def check_held(lines: Sequence[Any], slots: Counter[str], windows: dict[str, Any], now: int) -> None:
    """Those behind the first, too: they wait for it, though their own numbers may differ."""
    heads: dict[tuple[str, str], str] = {}
    for line, kind, key, *_ in sorted(lines, key=lambda each: each[3:]):
        heads.setdefault((kind, key), line)
    for (kind, key), line in heads.items():
        wanted = needs_of(line)
        if kind == "slot":
            assert any(slots[limit.key] >= limit.at_most for limit in wanted.slots if limit.key == key), "it is full"
            continue
        times, places, wake_at, written_at = windows[key]
        rates = [rate for rate in wanted.paces if rate.key == key]
        assert wake_at is not None, "somebody will look"
        assert wake_at < FOREVER or places, "or a start will tell when"
        clock_set_back = written_at > now
        assert wake_at <= now or any(free_at(times, places, rate) > now for rate in rates) or clock_set_back


async def live(store: SQLiteStore, clock: ManualClock, seed: int, steps: int) -> None:
    history = History(store, clock, random.Random(seed))
    for _ in range(steps):
        await history.step()
        check(connection(store), micros(clock()))
    await history.end()
    check(connection(store), micros(clock()))
    left = connection(store).execute("SELECT count(*) FROM jobs WHERE status IN ('pending', 'running')").fetchone()
    assert left == (0,), "nothing is forgotten"
    clock.advance(100)
    await store.claim("w", queues=["default"], tasks=["t"], limit=1, lease=60)
    await store.purge(100)
    for table in ("gauges", "lines", "windows"):
        assert connection(store).execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_counted_is_what_is_so(store: SQLiteStore, clock: ManualClock, seed: int) -> None:
    await live(store, clock, seed, 120)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
async def test_what_is_counted_is_what_is_so_for_long(store: SQLiteStore, clock: ManualClock, seed: int) -> None:
    await live(store, clock, seed, 500)
