"""A task, its job, and the routes: `accepted serve examples.quickstart:app`, or any ASGI server."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from pydantic import BaseModel

from accepted import Job, Jobs


class Report(BaseModel):
    repo: str
    routes: list[str]


jobs = Jobs("sqlite:///jobs.db")


async def discover(repo: str, branch: str) -> list[str]:
    await asyncio.sleep(0.1)
    return [f"GET /{repo}", f"POST /{repo}@{branch}"]


@jobs.task(retries=3, timeout="15m", per_owner=2)
async def audit(repo: str, branch: str = "main", *, job: Job) -> Report:
    """Find the routes of a repository."""
    routes = await job.step("Discovering APIs", discover, repo, branch)
    for route in job.track(routes, "Matching APIs"):
        await job.log(f"matched {route}")
    await job.progress(75, "Generating analysis")
    return Report(repo=repo, routes=routes)


app = FastAPI(lifespan=jobs.lifespan)
app.include_router(jobs.router)
