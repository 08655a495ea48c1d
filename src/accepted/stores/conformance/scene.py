"""What the cases share: a store with a clock that stands still, and short ways to bring jobs anywhere."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accepted.job import Event, JobRecord, Lease, Limit, NewJob, Status, new_id
from accepted.stores.base import Claim, Claimed, Clock, Store, Submitted

START: Final = 1_760_000_000.0
"""Where the clock stands at first."""
LEASE: Final = 30.0
ERROR: Final[Mapping[str, Any]] = {"type": "about:blank", "title": "It broke", "detail": "on purpose"}
PATIENCE: Final = 10.0
"""Seconds (real ones) within which news must arrive."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A backend to be examined. `make` gives a store that is not open yet; all that one subject makes work on
    the same data, which is empty at first. The rest are capabilities."""

    make: Callable[[Clock], Store]
    shared: bool
    """Several of its stores may be open at once and see each other."""
    persistent: bool
    """What one store wrote is there after it was closed."""
    events_kept: int | None = None
    """The stores made drop older events of a job than so many; at least 50."""


class ManualClock:
    """Time that passes when the case says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that can be seen of a job."""

    record: JobRecord
    events: Sequence[Event]


class Scene:
    """An open store, and the verbs with the arguments that a case does not care about filled in."""

    def __init__(self, subject: Subject, store: Store, clock: ManualClock) -> None:
        self.subject, self.store, self.clock = subject, store, clock
        self._count = itertools.count()

    def new(self, **fields: Any) -> NewJob:
        return NewJob(**{"id": new_id(), "task": "t", "args": b'{"a":1}', **fields})

    async def submit(self, *jobs: NewJob, **fields: Any) -> list[JobRecord]:
        """Submit, all must be accepted; without jobs a single new one with these fields."""
        answers = await self.store.submit(jobs or [self.new(**fields)])
        return [accepted(answer).job for answer in answers]

    async def submit_one(self, **fields: Any) -> JobRecord:
        (job,) = await self.submit(**fields)
        return job

    async def claim(
        self,
        limit: int = 100,
        *,
        tasks: Sequence[str] = ("t",),
        queues: Sequence[str] = ("default",),
        worker: str = "w",
    ) -> list[Claimed]:
        return list((await self.claim_all(limit, tasks=tasks, queues=queues, worker=worker)).jobs)

    async def claim_all(
        self,
        limit: int = 100,
        *,
        tasks: Sequence[str] = ("t",),
        queues: Sequence[str] = ("default",),
        worker: str = "w",
    ) -> Claim:
        return await self.store.claim(worker, queues=queues, tasks=tasks, limit=limit, lease=LEASE)

    async def claim_ids(self, limit: int = 100, **where: Any) -> list[str]:
        return [claimed.job.id for claimed in await self.claim(limit, **where)]

    async def running(self, **fields: Any) -> JobRecord:
        """A new job that runs."""
        task = f"only-{next(self._count)}"
        await self.submit_one(task=task, **fields)
        (claimed,) = await self.claim(tasks=[task])
        return claimed.job

    async def job(self, status: Status, **fields: Any) -> tuple[str, Lease]:
        """A new job in that status, with the lease of its latest attempt, or one of a worker that never was."""
        if status is Status.PENDING:
            job = await self.submit_one(task=f"only-{next(self._count)}", **fields)
            return job.id, Lease(job.id, job.token, "w")
        job = await self.running(**fields)
        if status is Status.COMPLETED:
            await self.store.complete(job.lease, b"1")
        elif status is Status.FAILED:
            await self.store.fail(job.lease, ERROR)
        elif status is Status.CANCELLED:
            await self.store.cancel(job.lease, "enough")
        return job.id, job.lease

    async def see(self, job_id: str) -> Snapshot:
        return Snapshot(await self.store.get(job_id), (await self.store.events(job_id)).events)

    async def kinds(self, job_id: str) -> list[str]:
        return [event.kind.value for event in (await self.store.events(job_id)).events]


def accepted(answer: Submitted | Exception) -> Submitted:
    if isinstance(answer, Exception):
        raise answer
    return answer


def limits(*keys: str, at_most: int = 1) -> tuple[Limit, ...]:
    return tuple(Limit(key, at_most) for key in keys)


async def wait_until(fact: Callable[[], bool]) -> None:
    """Wait for a fact. Raises TimeoutError when it does not come true."""
    end = time.monotonic() + PATIENCE
    while not fact():
        if time.monotonic() > end:
            raise TimeoutError("it did not come true")
        await asyncio.sleep(0.002)
