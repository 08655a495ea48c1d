"""The SQLite store by itself: submits in bulk and one at a time, claim and finish in a loop, with history behind it.

    python bench/store.py [--jobs 20000] [--finished 0] [--waiting 0] [--memory]

Figures are of this machine and this disk: compare runs, not machines.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from accepted.job import NewJob, new_id
from accepted.stores.base import Claimed
from accepted.stores.sqlite import SQLiteStore

AT_ONCE = 200
ARGS = b'{"repo":"owner/name","branch":"main"}'


def new_job(owner: str = "local", task: str = "noop") -> NewJob:
    return NewJob(new_id(), task, ARGS, owner=owner)


async def submit(store: SQLiteStore, jobs: int) -> None:
    for _ in range(jobs // AT_ONCE):
        await asyncio.gather(*(store.submit([new_job()]) for _ in range(AT_ONCE)))


async def submit_one_by_one(store: SQLiteStore, jobs: int) -> None:
    for _ in range(jobs):
        await store.submit([new_job()])


async def work(store: SQLiteStore, jobs: int, task: str = "noop") -> None:
    """Claim a hundred, finish each by a call of its own, claim the next while they finish."""
    left = jobs
    finishing: list[Awaitable[None]] = []

    async def finish(claimed: Claimed) -> None:
        await store.complete(claimed.job.lease, b'{"ok":true}')

    while left > 0:
        claim = await store.claim("w", queues=["default"], tasks=[task], limit=100, lease=60)
        await asyncio.gather(*finishing)
        finishing = [asyncio.ensure_future(finish(claimed)) for claimed in claim.jobs]
        left -= len(claim.jobs)
    await asyncio.gather(*finishing)


async def end_to_end(store: SQLiteStore, jobs: int) -> None:
    """Both at the same time: what a process does that submits to its own worker."""
    await asyncio.gather(submit(store, jobs), work(store, jobs))


async def fill(store: SQLiteStore, finished: int, waiting: int) -> None:
    for _ in range(finished // 1000):
        await store.submit([new_job(task="old") for _ in range(1000)])
        await work(store, 1000, "old")
    for start in range(0, waiting, 1000):
        await store.submit([new_job(f"owner-{n % 1000}") for n in range(start, start + 1000)])


async def timed(name: str, jobs: int, run: Callable[[], Awaitable[None]]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    await run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:44} {jobs / wall:10,.0f} jobs/s {cpu / jobs * 1e6:8.0f} µs of CPU each")


def fsync_rate(folder: Path) -> float:
    with (folder / "fsync").open("wb") as file:
        start = time.perf_counter()
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
        return 200 / (time.perf_counter() - start)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--finished", type=int, default=0, help="finished jobs in the file before")
    parser.add_argument("--waiting", type=int, default=0, help="pending jobs of 1,000 owners in the file before")
    parser.add_argument("--memory", action="store_true")
    asked = parser.parse_args()
    versions = f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    print(f"{versions}, {platform.machine()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        print(f"WAL, synchronous=FULL; {fsync_rate(Path(folder)):,.0f} fdatasync/s on this disk")
        store = SQLiteStore(None if asked.memory else Path(folder) / "jobs.db")
        start = time.perf_counter()
        await store.open()
        print(f"opened in {(time.perf_counter() - start) * 1000:.0f} ms")
        await fill(store, asked.finished, asked.waiting)
        jobs = asked.jobs
        await timed(f"submit, {AT_ONCE} at once", jobs, lambda: submit(store, jobs))
        await timed("submit, one at a time", jobs // 20, lambda: submit_one_by_one(store, jobs // 20))
        await timed("claim by 100 and complete one by one", jobs, lambda: work(store, jobs))
        await timed("submit, claim and complete at once", jobs, lambda: end_to_end(store, jobs))
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
