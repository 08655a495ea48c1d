"""What `test_slow_crowds.py` serves in a process of its own: `accepted serve attacks.flood_app:jobs`."""

from __future__ import annotations

from accepted import Job, Jobs

LINE = "x" * 4000

jobs = Jobs()


@jobs.task
async def flood(lines: int, *, job: Job) -> int:
    """Each line is an event of four kilobytes."""
    for number in range(1, lines + 1):
        job.log(LINE)
        if number % 50 == 0:
            await job.log("written")
    return lines


@jobs.task
async def echo(text: str) -> str:
    return text
