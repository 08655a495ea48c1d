"""Tasks in processes of their own, which import this module."""

from __future__ import annotations

import resource

from accepted import Job, Jobs, Secret, SyncJob

jobs = Jobs("sqlite://:memory:", progress_interval=0.01)


def length(text: str) -> int:
    return len(text)


@jobs.task(isolation="process")
def most_core(password: Secret[str], *, job: SyncJob) -> tuple[int, int]:
    """How large a core dump of this process may be, and how long the secret is."""
    return resource.getrlimit(resource.RLIMIT_CORE)[0], job.step("length", length, password.get_secret_value())


@jobs.task(isolation="process", retries=3)
async def reveal_in_step(password: Secret[str], *, job: Job) -> str:
    return await job.step("reveal", _revealed, password)


async def _revealed(password: Secret[str]) -> str:
    return password.get_secret_value()
