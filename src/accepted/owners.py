"""Jobs of an owner as they turn up: what makes "all my jobs" a live subscription (hub.py).

A change names jobs, not owners. So while somebody follows an owner, a change that names a job not yet known
here leads to one look at the owner's newest and active jobs: two small listings, however many jobs changed, and at
most one look every PAUSE seconds. Nothing happens here when nobody follows an owner.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from accepted.job import ACTIVE, JobRecord
from accepted.stores.base import JobQuery, WatchingStore

log = logging.getLogger("accepted.hub")

PAUSE: Final = 0.05
"""Seconds between two looks."""
PAGE: Final = 100
PAGES: Final = 20
"""So many new jobs are found in one look: PAGE × PAGES. More than any follower may follow."""
REMEMBERED: Final = 20_000
"""Ids kept to tell new jobs from known ones."""


class Follower(Protocol):
    """A subscription, as seen from here."""

    def join(self, record: JobRecord, after: int) -> bool: ...


class Owners:
    """Which subscription follows which owner. All in the hub's event loop."""

    def __init__(self, store: WatchingStore) -> None:
        self._store = store
        self._watches: dict[str | None, _Watch] = {}
        self._by_follower: dict[Follower, _Watch] = {}

    async def add(self, follower: Follower, owner: str | None) -> None:
        """From its return on, no new job of `owner` escapes `follower`. Raises StoreError."""
        self.remove(follower)
        watch = self._watches.get(owner)
        if watch is None:
            watch = self._watches[owner] = _Watch(self._store, owner)
        watch.followers.add(follower)
        self._by_follower[follower] = watch
        try:
            await watch.look()
        except BaseException:
            self.remove(follower)
            raise
        watch.start()

    def remove(self, follower: Follower) -> None:
        """Idempotent."""
        watch = self._by_follower.pop(follower, None)
        if watch is None:
            return
        watch.followers.discard(follower)
        if not watch.followers:
            watch.stop()
            del self._watches[watch.owner]

    def left(self, follower: Follower, job_id: str) -> None:
        """A followed job is over. If it is retried, that is news again."""
        watch = self._by_follower.get(follower)
        if watch is not None:
            watch.left(job_id)

    def hear(self, heard: set[str] | None) -> None:
        """Jobs that changed; None: unknown which."""
        for watch in self._watches.values():
            watch.hear(heard)

    def stop(self) -> None:
        for watch in self._watches.values():
            watch.stop()


class _Watch:
    """One owner. `seen`: the owner's jobs that were met; `quiet`: jobs whose changes are no reason to look, being
    followed already or somebody else's."""

    def __init__(self, store: WatchingStore, owner: str | None) -> None:
        self.owner = owner
        self.followers: set[Follower] = set()
        self._store = store
        self._seen: dict[str, None] = {}
        self._quiet: dict[str, None] = {}
        self._heard: set[str] = set()
        self._since: float | None = None
        """`submitted_at` of the newest job when the watch began; jobs from then on are new."""
        self._crowded = False
        self._due = asyncio.Event()
        self._looking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None and self.followers:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="accepted owner watch")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def hear(self, heard: set[str] | None) -> None:
        if heard is None:
            self._due.set()
        elif not heard <= self._quiet.keys():
            self._heard |= heard
            self._due.set()

    def left(self, job_id: str) -> None:
        self._quiet.pop(job_id, None)
        if self._crowded:
            self._due.set()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self.look()
            except Exception:
                # The store is away, or a bug: say so, and look again at the hub's next safety net.
                log.exception("cannot list the jobs of an owner")
            await asyncio.sleep(PAUSE)

    async def look(self) -> None:
        """Find jobs that the followers do not follow yet and let them join."""
        async with self._looking:
            heard, self._heard = self._heard, set()
            if self._since is None:
                await self._begin()
            # In this order: a job submitted between the two is new, and not one whose past is already told.
            active = (await self._store.list(JobQuery(owner=self.owner, statuses=ACTIVE, limit=PAGE))).jobs
            new = await self._new(self._since or 0.0)
            self._crowded = len(active) == PAGE
            for record in reversed(new):
                self._offer(record, 0)
            for record in reversed(active):
                # Older ones, and retried ones: their past is in the record that goes with them.
                self._offer(record, record.seq)
            self._seen.update(dict.fromkeys(record.id for record in active))
            self._quiet.update(dict.fromkeys(record.id for record in (*active, *new)))
            self._quiet.update(dict.fromkeys(job_id for job_id in heard if job_id not in self._seen))
            _forget(self._seen)
            _forget(self._quiet)

    def _offer(self, record: JobRecord, after: int) -> None:
        for follower in list(self.followers):
            follower.join(record, after)

    async def _begin(self) -> None:
        """Whatever is there now is not new."""
        page = await self._store.list(JobQuery(owner=self.owner, limit=PAGE))
        self._seen.update(dict.fromkeys(record.id for record in page.jobs))
        self._since = page.jobs[0].submitted_at if page.jobs else 0.0

    async def _new(self, since: float) -> list[JobRecord]:
        """Jobs submitted since the last look, newest first."""
        new: list[JobRecord] = []
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._store.list(JobQuery(owner=self.owner, cursor=cursor, limit=PAGE))
            unseen = [record for record in page.jobs if record.id not in self._seen]
            self._seen.update(dict.fromkeys(record.id for record in page.jobs))
            new += [record for record in unseen if record.submitted_at >= since]
            cursor = page.cursor
            if len(unseen) < len(page.jobs) or cursor is None:
                break
        return new


def _forget(ids: dict[str, None]) -> None:
    """Keep the newer half when there are too many."""
    if len(ids) > REMEMBERED:
        for job_id in list(ids)[: len(ids) - REMEMBERED // 2]:
            del ids[job_id]
