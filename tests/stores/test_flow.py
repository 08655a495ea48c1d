"""Flow control in SQLite: its cost does not grow with what waits, and a key leaves nothing behind; what an older file
becomes; what two processes see of each other."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from stores.processes import hear, new_job, process

from accepted.job import JobRecord, Limit, NewJob, Rate, Status, new_id
from accepted.stores.base import DELIVERY_QUEUE, Claimed, JobQuery, Submitted, Webhook, delivery_owner
from accepted.stores.conformance import ManualClock
from accepted.stores.sqlite import SQLiteStore
from accepted.stores.sqlite.database import migrate
from accepted.stores.sqlite.queries import migrations

MANY = 10_000
"""Held jobs: what a hundred thousand cost, this many show as well, in a second."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "jobs.db", clock=clock)
    await store.open()
    yield store
    await store.close()


def connection(store: SQLiteStore) -> sqlite3.Connection:
    assert store._writer is not None
    assert store._writer._connection is not None
    return store._writer._connection


async def submit(store: SQLiteStore, *jobs: NewJob) -> list[JobRecord]:
    answers = await store.submit(jobs)
    assert all(isinstance(answer, Submitted) for answer in answers), answers
    return [answer.job for answer in answers if isinstance(answer, Submitted)]


async def claim(store: SQLiteStore, limit: int = 100, task: str = "t") -> list[Claimed]:
    return list((await store.claim("w", queues=["default", DELIVERY_QUEUE], tasks=[task], limit=limit, lease=60)).jobs)


@contextmanager
def work(store: SQLiteStore) -> Iterator[list[int]]:
    """How many thousand instructions SQLite's machine executes meanwhile: work, counted and not timed."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    connection(store).set_progress_handler(count, 1000)
    try:
        yield counted
    finally:
        connection(store).set_progress_handler(None, 0)


async def crowd(store: SQLiteStore, **limits: Any) -> None:
    """Many jobs of one owner, all but the first few held."""
    for _ in range(0, MANY, 5000):
        await submit(store, *(new_job("many", **limits) for _ in range(5000)))


PACED = {"paces": (Rate("pace", 1, 60.0),)}
SLOTTED = {"slots": (Limit("slot", 1),)}


@pytest.mark.parametrize("limits", [PACED, SLOTTED], ids=["pace", "slot"])
async def test_a_crowd_that_is_held_costs_others_nothing(
    store: SQLiteStore, clock: ManualClock, limits: dict[str, Any]
) -> None:
    other = {"paces": (Rate("other", 5, 1.0),), "slots": (Limit("else", 5),)}

    async def round_trip() -> int:
        with work(store) as counted:
            await submit(store, replace(new_job("one", **other), task="u"))
            (claimed,) = await claim(store, task="u")
            await store.complete(claimed.job.lease, None)
        clock.advance(1)
        return counted[0]

    for _ in range(3):
        alone = await round_trip()
    await crowd(store, **limits)
    for _ in range(3):
        beside = await round_trip()
    assert beside <= alone + 1


async def test_a_crowd_goes_from_one_limit_to_the_other_as_a_whole(store: SQLiteStore, clock: ManualClock) -> None:
    """The pace has room while the slot has none, and then the other way round: what moves is the line."""
    await crowd(store, slots=(Limit("slot", 2),), paces=(Rate("pace", 3, 60.0),))
    first, second = await claim(store)
    with work(store) as counted:
        await store.complete(first.job.lease, None)
        await store.complete(second.job.lease, None)
        (third,) = await claim(store)
        held = (await store.list(JobQuery(owner="many", limit=1))).jobs[0]
        assert held.waiting_for == "pace"
        clock.advance(60)
        assert len(await claim(store)) == 1, "the third still runs"
        held = (await store.list(JobQuery(owner="many", limit=1))).jobs[0]
        assert held.waiting_for == "slot"
        await store.complete(third.job.lease, None)
    assert counted[0] < 50
    assert connection(store).execute("SELECT count(*) FROM lines").fetchone() == (1,)


async def test_many_keys_wait_and_each_wakes_by_itself(store: SQLiteStore, clock: ManualClock) -> None:
    """A thousand domains, each at one a minute: what is not due is not looked at."""
    domains = [f"key:crawl/{n}" for n in range(1000)]
    await submit(store, *(new_job(paces=(Rate(key, 1, 60.0),)) for key in domains for _ in range(3)))
    assert len(await claim(store, 999)) == 999
    clock.advance(1)
    assert len(await claim(store, 999)) == 1
    with work(store) as counted:
        assert await claim(store) == []
    assert counted[0] <= 1
    clock.advance(59)
    taken = []
    while found := await claim(store, 1000):
        taken += found
    assert len(taken) == 999


async def test_a_key_that_means_nothing_any_more_leaves_no_row(store: SQLiteStore, clock: ManualClock) -> None:
    limits: dict[str, Any] = {"slots": (Limit("s", 1),), "admissions": (Rate("a", 100, 5.0),)}
    jobs = [new_job(paces=(Rate(f"p{n % 7}", 1, 10.0),), **limits) for n in range(30)]
    for job in await submit(store, *jobs[:20]):
        await store.request_cancel(job.id, "enough")
    await submit(store, *jobs[20:])
    done = 0
    while done < 10:
        for claimed in await claim(store):
            await store.complete(claimed.job.lease, None)
            done += 1
        clock.advance(1)
    clock.advance(20)
    await claim(store)
    await store.purge(100)
    for table in ("gauges", "lines", "windows"):
        assert connection(store).execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


async def test_a_window_keeps_what_it_needs_and_no_more(store: SQLiteStore, clock: ManualClock) -> None:
    """Interruptions start again ahead of the pace: what has left the period goes all the same."""
    (job,) = await submit(store, new_job(paces=(Rate("pace", 3, 5.0),)))
    for _ in range(20):
        (claimed,) = await claim(store)
        await store.interrupt(claimed.job.lease, "interrupted")
        clock.advance(1)
    (kept,) = connection(store).execute("SELECT json_array_length(times) FROM windows").fetchone()
    assert kept == 5
    assert (await store.get(job.id)).status is Status.PENDING


async def test_without_limits_and_webhooks_no_statement_more(store: SQLiteStore) -> None:
    """A job that uses none of it costs what it always did; the numbers are what a job is made of."""
    statements: list[str] = []
    await submit(store, new_job())
    await claim(store)
    connection(store).set_trace_callback(statements.append)
    await submit(store, new_job())
    (claimed,) = await claim(store)
    await store.complete(claimed.job.lease, b"1")
    connection(store).set_trace_callback(None)
    for table in ("windows", "lines", "webhooks", "gauges"):
        asked = [each for each in statements if f" {table}" in each.replace("\n", " ")]
        assert all("jobs" in each for each in asked), "only beside what is read anyway"
    assert len(statements) == 23, statements


# ── the older file ───────────────────────────────────────────────────────────────────────────────────


async def test_held_jobs_of_an_older_file(tmp_path: Path) -> None:
    """Schema 1 named the limit in each job; its held jobs stand in lines afterwards, and run in their order."""
    old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
    migrate(old, migrations()[0])
    for n, (waits, key, slots) in enumerate(
        (
            ("turn", None, '[["task:t",1]]'),
            ("limit", "task:t", '[["task:t",1]]'),
            ("limit", "task:t", '[["task:t",1]]'),
            ("limit", "task:t", '[["task:t",1],["owner:ann/t",2]]'),
        ),
        1,
    ):
        old.execute(
            "INSERT INTO jobs (n, id, task, queue, owner, status, waits, waiting_for, priority, turn, seq, max_retries,"
            " submitted_at, scheduled_at, deadline_cancels, retention, slots)"
            " VALUES (?, ?, 't', 'default', 'ann', 'pending', ?, ?, 0, ?, 1, 0, 0, 0, 0, 1000000, ?)",
            (n, f"job-{n}", waits, key, n, slots),
        )
        old.execute("INSERT INTO inputs (job, args) VALUES (?, '{}')", (n,))
        old.execute("INSERT INTO events (job, seq, at, attempt, kind, data) VALUES (?, 1, 0, 0, 'pending', '{}')", (n,))
    old.execute("INSERT INTO gauges (kind, key, used) VALUES ('slot', 'task:t', 1), ('slot', 'owner:ann/t', 0)")
    old.close()
    store = SQLiteStore(tmp_path / "old.db")
    await store.open()
    assert (await store.get("job-2")).waiting_for == "task:t"
    assert (await store.waiting(await store.get("job-4"))).held_by == "task:t"
    order = []
    while found := await claim(store):
        (claimed,) = found
        order.append(claimed.job.id)
        await store.complete(claimed.job.lease, None)
    assert order == ["job-1", "job-2", "job-3", "job-4"]
    await store.close()


# ── several processes ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pace_holds_over_all_processes(tmp_path: Path) -> None:
    """By the real clock: three processes claim as fast as they can, and sleep to the time that a claim names."""
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    await submit(store, *(new_job(paces=(Rate("pace", 10, 0.2),)) for _ in range(40)))
    with process("paced", path, "a") as a, process("paced", path, "b") as b, process("paced", path, "c") as c:
        taken = [hear(child)["taken"] for child in (a, b, c)]
    assert sum(taken) == 40
    jobs = (await store.list(JobQuery(limit=100))).jobs
    starts = sorted(round((job.started_at or 0.0) * 1_000_000) for job in jobs)
    assert len(starts) == 40
    for first, eleventh in zip(starts, starts[10:], strict=False):
        assert eleventh - first >= 200_000
    await store.close()


async def test_another_process_adds_a_webhook(tmp_path: Path, store: SQLiteStore) -> None:
    """What one store writes the other sees in its next transaction: nothing is remembered in between."""
    (job, second) = await submit(store, new_job("ann"), new_job("ann"))
    one, two = await claim(store)
    await store.complete(one.job.lease, None)
    other = SQLiteStore(tmp_path / "jobs.db")
    await other.open()
    hook = Webhook(
        new_id(), "ann", "https://example.org/", ("whsec_a",), frozenset({"completed"}), frozenset(), "", 0.0
    )
    await other.add_webhook(hook, at_most=1)
    await other.close()
    await store.complete(two.job.lease, None)
    (delivery,) = await claim(store, task="accepted.webhook")
    assert second.id.encode() in delivery.job.args
    assert job.id.encode() not in delivery.job.args


async def test_a_kill_loses_no_delivery_and_makes_none_twice(tmp_path: Path) -> None:
    """An end and its delivery are one transaction: after `kill -9` there is one for each job that is over."""
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    ends = frozenset({"completed"})
    await store.add_webhook(
        Webhook("w", "a-0", "https://example.org/", ("whsec_a",), ends, frozenset(), "", 0.0), at_most=1
    )

    async def deliveries() -> list[JobRecord]:
        return [*(await store.list(JobQuery(owner=delivery_owner("w"), limit=1000))).jobs]

    async def some() -> bool:
        return len(await deliveries()) >= 20

    with process("crowd", path, "a", "60") as child:
        await wait_until(some)
        child.kill()
        child.wait()
    told = sorted(json.loads(job.args)["job"] for job in await deliveries())
    over = await store.list(JobQuery(owner="a-0", statuses=frozenset({Status.COMPLETED}), limit=1000))
    assert told == sorted(job.id for job in over.jobs)
    await store.close()


async def test_a_delivery_is_kept_as_long_as_was_said(tmp_path: Path, clock: ManualClock) -> None:
    store = SQLiteStore(tmp_path / "short.db", clock=clock, webhook_retention=5.0)
    await store.open()
    hook = Webhook("w", "ann", "https://example.org/", ("whsec_a",), frozenset({"completed"}), frozenset(), "", 0.0)
    await store.add_webhook(hook, at_most=1)
    await submit(store, new_job("ann"))
    (claimed,) = await claim(store)
    await store.complete(claimed.job.lease, None)
    (delivery,) = await claim(store, task="accepted.webhook")
    await store.complete(delivery.job.lease, None)
    clock.advance(5)
    assert await store.purge(10) == [delivery.job.id]
    await store.close()
