"""What a job's body shows beyond its record, read once for all who ask at the same time.

Steps and artifacts change only with an event, so what was read at a `seq` holds for it. A place in the queue changes
without one; it is believed for a moment, so that clients that poll too fast cost a counting of the queue a few times
a second, not each time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from accepted.http.job_body import Details
from accepted.job import JobRecord, Status
from accepted.stores.base import Waiting

if TYPE_CHECKING:
    from accepted.jobs import Jobs

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_PLACE_HOLDS: Final = 0.25
"""Seconds for which a place in the queue is believed."""
_KEPT: Final = 2_000
_KEPT_ITEMS: Final = 50
"""A job with more steps and artifacts than this is read each time rather than kept."""


class Views:
    """One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._details: Recent[tuple[str, int], Details] = Recent(_KEPT)
        self._waiting: Recent[tuple[str, int], tuple[float, Waiting]] = Recent(_KEPT)

    async def waiting(self, job: JobRecord) -> Waiting | None:
        """Why it is pending; None when it is not."""
        if job.status is not Status.PENDING:
            return None
        found = self.believed(job.id, job.seq)
        if found is None:
            until = time.monotonic() + _PLACE_HOLDS
            found = await self._jobs.store.waiting(job)
            self._waiting.put((job.id, job.seq), (until, found))
        return found

    def believed(self, job_id: str, seq: int) -> Waiting | None:
        """Why it is pending, as somebody was told a moment ago; None when nobody was."""
        until, found = self._waiting.get((job_id, seq)) or (0.0, None)
        return found if time.monotonic() <= until else None

    async def details(self, job: JobRecord) -> Details:
        """Steps, artifacts, and why it waits."""
        key = (job.id, job.seq)
        found = self._details.get(key)
        if found is None:
            found = await self._read(job)
            if len(found.steps) + len(found.artifacts) <= _KEPT_ITEMS:
                self._details.put(key, found)
        if job.status is not Status.PENDING:
            return found
        return replace(found, waiting=await self.waiting(job), start_rate=self._jobs.meter.start_rate(job.task))

    async def _read(self, job: JobRecord) -> Details:
        if not job.attempt and job.status is Status.PENDING:
            # It never ran, so it has neither: most polls of a full queue end here.
            return Details()
        store = self._jobs.store
        steps, artifacts = await asyncio.gather(store.steps(job.id), store.artifacts(job.id))
        # Without the steps' results, which nobody is shown and which may be large.
        return Details([replace(step, result=None) for step in steps], artifacts)


class Recent(Generic[K, V]):
    """The values that were put last, up to a number of them."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._values: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._at_most:
            del self._values[next(iter(self._values))]
