"""Plain Starlette."""

from __future__ import annotations

from starlette.applications import Starlette

from accepted import Jobs, SyncJob

jobs = Jobs("sqlite:///jobs.db")


@jobs.task
def count(words: list[str], *, job: SyncJob) -> dict[str, int]:
    counted: dict[str, int] = {}
    for word in job.track(words, "Counting", upto=100):
        counted[word] = counted.get(word, 0) + 1
    return counted


app = Starlette(routes=list(jobs.routes), lifespan=jobs.lifespan)
