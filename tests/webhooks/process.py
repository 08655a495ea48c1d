"""A worker process: `python process.py DATABASE ALLOWED [dies]`.

With `dies` it is killed, as by kill -9, the moment the end of a job is stored: before the delivery that was stored with
it is sent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from accepted import Jobs
from accepted.stores.base import DELIVERY_TASK


def make(database: str, allowed: str, **settings: Any) -> Jobs:
    jobs = Jobs(f"sqlite:///{database}", webhook_allow=(allowed,), **settings)

    @jobs.task
    async def add(a: int, b: int = 2) -> int:
        return a + b

    return jobs


def die_at_the_end(jobs: Jobs) -> None:
    complete = jobs.store.complete

    async def completed(*args: Any, **kwargs: Any) -> None:
        await complete(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    jobs.store.complete = completed  # type: ignore[method-assign]


async def main(database: str, allowed: str, *words: str) -> None:
    # One at once: while the job runs nothing else is claimed, so no delivery gets ahead of the end.
    jobs = make(database, allowed, concurrency=1, upkeep=0.1)
    assert DELIVERY_TASK in jobs.deliveries.tasks
    if words == ("dies",):
        die_at_the_end(jobs)
    async with jobs:
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
