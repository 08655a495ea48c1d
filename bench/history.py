"""What history and a long queue cost those who submit and claim."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from accepted.job import Lease, NewJob, new_id
from accepted.stores.sqlite import SQLiteStore
from bench.figure import Bench, Row, at_most, median, run
from bench.store import new_job, work
from bench.submitting import many

CLAIMED_AT_ONCE = 20
"""The default concurrency of a worker."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One file, and what the rounds measured of it: seconds of the clock, and of processor time."""

    store: SQLiteStore
    submits: list[tuple[float, float]] = field(default_factory=list)
    claims: list[tuple[float, float]] = field(default_factory=list)

    async def measure(self, jobs: int) -> None:
        cpu = time.process_time()
        self.submits.append((await many(lambda: self.store.submit([new_job()]), jobs), time.process_time() - cpu))
        leases: list[Lease] = []
        cpu, clock = time.process_time(), time.perf_counter()
        while len(leases) < jobs:
            claim = await self.store.claim("w", queues=["default"], tasks=["noop"], limit=CLAIMED_AT_ONCE, lease=600)
            leases += [claimed.job.lease for claimed in claim.jobs]
        self.claims.append((time.perf_counter() - clock, time.process_time() - cpu))
        await asyncio.gather(*(self.store.complete(lease, b"null") for lease in leases))


def history(bench: Bench) -> list[Row]:
    return run(_history(bench))


async def _history(bench: Bench) -> list[Row]:
    finished, waiting = bench.pick((1_000_000, 100_000), (2_000, 1_000))
    empty = Measured(SQLiteStore(bench.folder / "empty.db"))
    old = Measured(SQLiteStore(bench.folder / "finished.db"))
    long = Measured(SQLiteStore(bench.folder / "pending.db"))
    await _finish_one(old.store)
    await asyncio.to_thread(_copy_the_one, bench.folder / "finished.db", finished)
    await long.store.open()
    for start in range(0, waiting, 1_000):
        await long.store.submit([new_job(f"owner-{n % 1_000}") for n in range(start, start + 1_000)])
    await empty.store.open()
    await old.store.open()
    for _ in range(bench.pick(9, 2)):
        for one in (empty, old, long):
            await one.measure(bench.pick(2_000, 200))
    for one in (empty, old, long):
        await one.store.close()
    size = (bench.folder / "finished.db").stat().st_size / 1024**3
    return [
        *_compared(f"with {finished:,} finished jobs ({size:.1f} GiB)", old, empty),
        *_compared(f"with {waiting:,} pending of 1,000 owners", long, empty),
    ]


def _compared(what: str, ours: Measured, empty: Measured) -> Iterator[Row]:
    for verb, mine, others in (("submit", ours.submits, empty.submits), ("claim", ours.claims, empty.claims)):
        # The first round warms the caches of both.
        clock, cpu = (median([a[kind] / b[kind] for a, b in zip(mine[1:], others[1:], strict=True)]) for kind in (0, 1))
        yield at_most(f"{verb} {what}", clock, 1.2, "{:.2f} × the time with none", f" (CPU time {cpu:.2f})")


async def _finish_one(store: SQLiteStore) -> None:
    await store.open()
    await store.submit([NewJob(new_id(), "noop", b'{"repo":"owner/name","branch":"main"}')])
    await work(store, 1)
    await store.close()


def _copy_the_one(path: Path, count: int) -> None:
    """Rows as the store itself wrote them, so often that a store would take ten minutes for it."""
    numbers = "WITH RECURSIVE copies(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < ?)"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        for table, key in (("jobs", "n"), ("inputs", "job"), ("results", "job"), ("events", "job")):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            changed = {key: f"{key} + k", "id": "substr(id, 1, 24) || printf('%012x', k)"}
            values = ", ".join(changed.get(column, column) for column in columns)
            database.execute(
                f"{numbers} INSERT INTO {table} SELECT {values} FROM copies, {table} WHERE {key} = 1", (count,)
            )
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
