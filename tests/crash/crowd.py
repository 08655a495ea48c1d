"""Processes that do everything to one SQLite file at once, and note what was acknowledged to them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable
from typing import TypeVar

import crash_app
from stores.processes import new_job, say

from accepted.job import EventDraft, Kind, Lease, Progress
from accepted.stores.sqlite import SQLiteStore

R = TypeVar("R")


class Member:
    """One process. Notes a line `verb job` behind each answer; knows how long the longest call took, in seconds."""

    def __init__(self, path: str, ledger: str) -> None:
        self.store = SQLiteStore(path)
        self.longest = 0.0
        self._ledger = ledger

    async def call(self, verb: str, job_id: str, awaitable: Awaitable[R]) -> R:
        began = time.monotonic()
        result = await awaitable
        self.longest = max(self.longest, time.monotonic() - began)
        if job_id:
            crash_app.note(self._ledger, f"{verb} {job_id}")
        return result

    async def submits(self, end: float) -> None:
        while time.monotonic() < end:
            job = new_job(f"owner {time.monotonic_ns() % 7}")
            await self.call("submit", job.id, self.store.submit([job]))

    async def works(self, worker: str, end: float) -> None:
        claim = self.store.claim
        while True:
            found = await self.call("claim", "", claim(worker, queues=["default"], tasks=["t"], limit=5, lease=600))
            if not found.jobs and time.monotonic() > end:
                return
            await asyncio.gather(*(self._runs(claimed.job.lease) for claimed in found.jobs))

    async def _runs(self, lease: Lease) -> None:
        draft = EventDraft(Kind.LOG, {"message": "here"})
        await self.call("report", lease.job_id, self.store.report(lease, [draft], progress=Progress(50.0)))
        await self.call("complete", lease.job_id, self.store.complete(lease, b'"done"'))


async def crowd(path: str, ledger: str, seconds: str) -> None:
    """Until the time is over and no job is left; then say how long the longest call took."""
    member = Member(path, ledger)
    await member.store.open()
    say(ready=True)
    sys.stdin.readline()
    end = time.monotonic() + float(seconds)
    await asyncio.gather(member.submits(end), member.works("a", end), member.works("b", end))
    await member.store.close()
    say(longest=member.longest)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
