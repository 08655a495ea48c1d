"""Tasks for the crash tests, and a worker process: `python crash_app.py DATABASE LEDGER LEASE`.

Every execution of a step appends a line `job step attempt` to the ledger, with one write call, so that what ran
is known whatever became of the process. `crash.application` serves the same tasks.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from accepted import Job, Jobs, Task, current_job

STEPS = 4

Work = Task[..., Any]


def note(ledger: str, line: str) -> None:
    """Append a line with one write call."""
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode() + b"\n")
    os.close(descriptor)


def make(database: str, ledger: str, **settings: Any) -> tuple[Jobs, Work, Work]:
    jobs = Jobs(f"sqlite:///{database}", **settings)
    return jobs, *register(jobs, ledger)


def register(jobs: Jobs, ledger: str) -> tuple[Work, Work]:
    async def part(number: int) -> int:
        job = current_job()
        note(ledger, f"{job.id} {number} {job.attempt}")
        await asyncio.sleep(0.01)
        return number

    @jobs.task
    async def work(parts: int = STEPS, *, job: Job) -> list[int]:
        done = []
        for number in range(parts):
            await job.progress(100 * number / parts, f"part {number}")
            done.append(await job.step(f"part {number}", part, number))
        return done

    @jobs.task
    async def forever(*, job: Job) -> None:
        await job.step("once", part, 0)
        note(ledger, f"{job.id} running {job.attempt}")
        while True:
            await job.progress(message="still here")
            await asyncio.sleep(0.01)

    return work, forever


async def main() -> None:
    jobs, _, _ = make(sys.argv[1], sys.argv[2], lease=float(sys.argv[3]), max_losses=1000, drain=0.2)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with jobs:
        print("ready", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
