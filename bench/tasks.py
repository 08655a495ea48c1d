"""The tasks that are measured: `accepted serve bench.tasks:jobs`, `accepted worker bench.tasks:jobs`."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from accepted import Job, Jobs

jobs = Jobs()


@jobs.task
async def order(repo: str, branch: str = "main", depth: int = 1) -> str:
    """What is submitted in the figures about submitting."""
    return f"{repo}@{branch}:{depth}"


@jobs.task
async def stamp() -> float:
    """When its first line ran, by the clock that all processes of a machine share."""
    return time.monotonic()


@jobs.task
async def marathon(ledger: str) -> None:
    """Notes who begins it and when, and never ends."""
    begun = f"{os.getpid()} {time.monotonic()}\n"
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, begun.encode())
    os.close(descriptor)
    await asyncio.Event().wait()


@jobs.task
async def ticker(ticks: int, pause: float, *, job: Job) -> None:
    """Emits the time."""
    for _ in range(ticks):
        job.emit({"t": time.time()})
        await asyncio.sleep(pause)


@jobs.task
async def burst(gate: str, commits: int, events: int, *, job: Job) -> None:
    """Once the file `gate` exists: so many commits with so many events each, as fast as the disk takes them."""
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240  another process makes it
        await asyncio.sleep(0.01)
    for commit in range(commits):
        for number in range(events):
            job.emit({"row": commit * events + number, "text": "something of the length that a line in a log has"})
        # Without this it would write at the pace of `progress_interval`, which is not what is measured.
        await job._reporter.flush()
    Path(f"{gate}-done").touch()  # noqa: ASYNC240  nothing else runs here
