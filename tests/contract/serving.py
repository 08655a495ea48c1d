"""A real server whose jobs do everything that the documents speak of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from http_api.serving import serving, users

from accepted import Fail, Job, Jobs


@dataclass
class Site:
    """The running server. `gate`: jobs that wait for it end when it is set."""

    base: str
    jobs: Jobs
    gate: asyncio.Event

    def client(self, user: str | None = "ann") -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer user:{user}"} if user else {}
        return httpx.AsyncClient(base_url=self.base, headers=headers, timeout=30)

    async def submit(self, task: str, user: str = "ann", **arguments: Any) -> str:
        """The id of a new job."""
        async with self.client(user) as client:
            answer = await client.post(f"/v1/tasks/{task}", json=arguments)
            assert answer.status_code == 202, answer.text
            job_id: str = answer.json()["id"]
            return job_id


@asynccontextmanager
async def site(data: Path, **settings: Any) -> AsyncIterator[Site]:
    gate = asyncio.Event()
    jobs = _jobs(data, gate, **settings)
    async with jobs, serving(jobs.app) as port:
        try:
            yield Site(f"http://127.0.0.1:{port}", jobs, gate)
        finally:
            gate.set()


def _jobs(data: Path, gate: asyncio.Event, **settings: Any) -> Jobs:
    jobs = Jobs(f"sqlite:///{data / 'jobs.db'}", auth=users, **settings)

    @jobs.task(retries=1, backoff=0.01)
    async def story(*, job: Job) -> str:
        """Something of every kind."""

        async def part() -> None:
            if job.attempt == 1:
                raise ValueError("the first time never works")

        await job.log("it begins", level="debug", attempt_number=job.attempt)
        await job.progress(50, "half", current=3, total=6, unit="rows")
        await job.step("part", part)
        await job.emit({"row": [1, None, "x"]})
        await job.spend(0.25, "tokens")
        await job.attach("report.csv", b"a,b\n")
        return "told"

    @jobs.task
    async def refuse() -> None:
        raise Fail("not today", code="not-today", hint="tomorrow")

    @jobs.task
    async def wait(*, job: Job) -> None:
        await job.progress(None, "at the gate")
        await gate.wait()

    @jobs.task
    async def chatter(lines: int, *, job: Job) -> None:
        for number in range(lines):
            job.log("x" * 4000, number=number)
            if number % 50 == 0:
                await job.log("written")

    return jobs
