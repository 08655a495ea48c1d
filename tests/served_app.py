"""What the client's and the command line's tests serve: `accepted serve served_app:jobs` (or `:app`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from accepted import Fail, Job, Jobs, SyncJob, UploadFile

jobs = Jobs()
prepared = asyncio.Event()


@jobs.task
async def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Nothing else.
    """
    return a + b


@jobs.task
async def echo(text: str) -> str:
    return text


@jobs.task
async def refuse(why: str) -> None:
    raise Fail(why, code="not-today", hint="tomorrow")


@jobs.task
async def count(to: int, pause: float = 0.01, *, job: Job) -> int:
    """Log every number."""
    for number in range(1, to + 1):
        job.log(f"number {number}")
        await job.progress(100 * number / to, f"at {number}")
        await asyncio.sleep(pause)
    return to


@jobs.task
async def gate(path: str, *, job: Job) -> str:
    """Run until a file appears, and return what is in it."""
    await job.progress(10, "waiting")
    while not await asyncio.to_thread(Path(path).exists):  # noqa: ASYNC110  another process makes it
        await asyncio.sleep(0.02)
    return await asyncio.to_thread(Path(path).read_text)


@jobs.task
def join(first: UploadFile, others: list[UploadFile] = [], sign: str = "", *, job: SyncJob) -> dict[str, str]:  # noqa: B006
    joined = sign.join(one.path.read_text() for one in (first, *others))
    job.attach("joined.txt", joined.encode())
    return {"joined": joined, "first": first.filename}


@jobs.task
async def is_prepared() -> bool:
    """Whether the application's lifespan runs in the process of this job."""
    return prepared.is_set()


@jobs.task(retries=1, backoff=0.05)
async def story(*, job: Job) -> dict[str, str]:
    """Something of every kind."""

    async def part(name: str) -> str:
        return name

    async def wrong() -> None:
        raise ValueError("wrong \x1b[31m turn")

    await job.step("first part", part, "a")
    job.log("careful", level="warning", where="\x1b]0;title\x07here")
    job.emit({"row": 1})
    job.spend(0.25, "tokens")
    if job.attempt == 1:
        await job.step("second part", wrong)
    await job.attach("report.csv", b"a,b\n")
    await job.progress(50, "half", current=3, total=6, unit="rows")
    return {"over": "\x9bnow"}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with jobs:
        prepared.set()
        yield


app = Starlette(routes=[*jobs.routes], lifespan=lifespan)
forgetful = Starlette(routes=[*jobs.routes])


@asynccontextmanager
async def _broken(app: Starlette) -> AsyncIterator[None]:
    raise RuntimeError("no browser found")
    yield


broken = Starlette(lifespan=_broken)
number = 7
