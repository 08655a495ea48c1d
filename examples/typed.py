"""What a strict type checker sees. `make lint` checks this file; it runs as a test too."""

from __future__ import annotations

from typing import assert_type

from accepted import Job, JobHandle, Jobs, SyncJob, current_job

jobs = Jobs("sqlite://:memory:")


@jobs.task
async def first(job: Job, repo: str, branch: str = "main") -> int:
    await job.progress(50)
    return len(repo + branch)


@jobs.task(retries=2)
async def keyword(repo: str, *, job: Job) -> list[str]:
    length = await job.step("length", first_length, repo)
    assert_type(length, int)
    return [repo] * length


@jobs.task(timeout="1m")
def plain(words: list[str], *, job: SyncJob) -> dict[str, int]:
    length = job.step("length", len, words)
    assert_type(length, int)
    return {"words": length}


@jobs.task
async def none(repo: str) -> str:
    current_job().log("no parameter needed")
    return repo


async def first_length(text: str) -> int:
    return len(text)


async def main() -> None:
    async with jobs:
        handle = await first.submit("owner/repo", branch="dev")
        assert_type(handle, JobHandle[int])
        assert_type(await handle.result(timeout=10), int)
        assert_type(await (await keyword.submit("ab")).result(timeout=10), list[str])
        assert_type(await (await plain.submit(["a", "b"])).result(timeout=10), dict[str, int])
        assert_type(await (await none.submit("x")).result(timeout=10), str)
