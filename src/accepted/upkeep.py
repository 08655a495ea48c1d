"""Upkeep: what nobody asks for and everybody needs. Any number of processes may do it at once."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final

from accepted.errors import LeaseLost
from accepted.rounds import Rounds
from accepted.runner import lost_problem, overdue_problem
from accepted.settings import Settings
from accepted.stores.base import DELIVERY_TASK, BlobStore, UpkeepStore

log = logging.getLogger("accepted")

_BATCH: Final = 200
_PURGE_EVERY: Final = 30.0
"""Seconds between looks for expired jobs; what is past its time by half a minute harms nobody."""
_STOOD_STILL: Final = 0.5
"""Seconds that the event loop is late, after which it counts as having been blocked."""


class Upkeep(Rounds):
    """One loop: rescue jobs whose worker is gone, end jobs past their deadline, remove what has expired."""

    def __init__(self, store: UpkeepStore, blobs: BlobStore, settings: Settings) -> None:
        super().__init__("upkeep", pause=10 * settings.upkeep)
        self._store, self._blobs, self._settings = store, blobs, settings
        self._next_purge = 0.0
        self._apart = _apart()
        self._renewed_by = 0.0

    async def rest(self, seconds: float) -> None:
        slept_at = time.monotonic()
        await super().rest(seconds)
        if time.monotonic() - slept_at > seconds + _STOOD_STILL:
            # What blocked the loop may have cost the worker beside it its leases; it takes them back first.
            await super().rest(_STOOD_STILL)

    async def once(self) -> float:
        if not self._clock_is_steady():
            return self._settings.upkeep
        rescued = await self.rescue()
        expired = await self._store.expire(_BATCH, overdue_problem())
        purged = 0
        if time.monotonic() >= self._next_purge:
            purged = await self.purge()
            if purged < _BATCH:
                self._next_purge = time.monotonic() + _PURGE_EVERY
        return 0.0 if max(rescued, expired, purged) >= _BATCH else self._settings.upkeep

    async def rescue(self) -> int:
        """Give lost jobs back to the queue, or fail those that took their workers down too often."""
        jobs = await self._store.lost(_BATCH)
        if not self._clock_is_steady():
            return 0
        for job in jobs:
            losses = job.losses + 1
            # A delivery is our own code, which takes no worker down: that its workers died says nothing against it.
            too_often = losses > self._settings.max_losses and job.task != DELIVERY_TASK
            error = lost_problem(losses) if too_often else None
            with suppress(LeaseLost):  # somebody else was quicker, or its worker came back in time
                became = await self._store.lose(job.lease, error=error)
                log.warning(
                    "job %s lost its worker %s; now %s",
                    job.id,
                    job.worker,
                    became,
                    extra={"action": "lose", "job_id": job.id, "task": job.task},
                )
        return len(jobs)

    def _clock_is_steady(self) -> bool:
        """False for a while after the wall clock was set, or the machine slept: leases seem to be over that are not,
        and live workers renew theirs first."""
        apart = _apart()
        if abs(apart - self._apart) > self._settings.lease / 3:  # a lease has at least two thirds of its time left
            log.warning(
                "the clock jumped by %+.0f s; workers renew their leases before any is taken",
                apart - self._apart,
                extra={"action": "clock"},
            )
            self._renewed_by = time.monotonic() + self._settings.lease / 2
        self._apart = apart
        return time.monotonic() >= self._renewed_by

    async def purge(self) -> int:
        """Remove finished jobs past their time, with their files."""
        gone = await self._store.purge(_BATCH)
        for job_id in gone:
            await self._blobs.delete_job(job_id)
        return len(gone)


def _apart() -> float:
    """How far the wall clock is from the one that nobody sets."""
    return time.time() - time.monotonic()
