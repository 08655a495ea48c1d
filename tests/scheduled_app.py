"""A task that runs every second, whatever the number of processes: `accepted worker scheduled_app:jobs`."""

from __future__ import annotations

import os

from accepted import Jobs

jobs = Jobs()


@jobs.task
async def tick(word: str) -> int:
    return os.getpid()


jobs.schedule(tick, every="1s", arguments={"word": "tick"}, overlap="allow")
