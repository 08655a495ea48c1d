"""A log store in memory whose reads can be counted, held back and made to fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

from accepted.errors import JobGone, JobNotFound, StoreError
from accepted.job import TERMINAL_KINDS, Artifact, Event, Glance, JobRecord, Kind, Progress, Status, Step
from accepted.stores.base import Change, EventsPage, JobQuery, Listener, Page, Waiting


class Log:
    """A WatchingStore of which a test is the writer. `reads` counts `events_after`, `pages` counts `events`."""

    def __init__(self) -> None:
        self.events_of: dict[str, list[Event]] = {}
        self.owners: dict[str, str] = {}
        self.first: dict[str, int] = {}
        self.gone: set[str] = set()
        self.listeners: set[Listener] = set()
        self.reads = self.pages = self.listings = 0
        self.asked: list[dict[str, int]] = []
        self.fails = False
        self.open = asyncio.Event()
        self.open.set()

    # ── writing ──

    def write(self, job_id: str, *kinds: Kind, owner: str = "ann", data: object = None, tell: bool = True) -> int:
        """Append events; the last seq. `tell` False: the notification is lost."""
        events = self.events_of.setdefault(job_id, [])
        self.owners.setdefault(job_id, owner)
        self.first.setdefault(job_id, 1)
        for kind in kinds:
            seq = self.last(job_id) + 1
            payload = json.dumps({"n": seq} if data is None else data).encode()
            events.append(Event(job_id, seq, 1000.0 + seq, 1, kind, payload))
        if tell:
            self.tell(frozenset({job_id}))
        return self.last(job_id)

    def tell(self, jobs: frozenset[str] | None) -> None:
        for listener in list(self.listeners):
            listener(Change(ready=False, cancelling=frozenset(), jobs=jobs))

    def last(self, job_id: str) -> int:
        events = self.events_of[job_id]
        return events[-1].seq if events else self.first[job_id] - 1

    def trim(self, job_id: str, first_seq: int) -> None:
        self.events_of[job_id] = [event for event in self.events_of[job_id] if event.seq >= first_seq]
        self.first[job_id] = first_seq

    def remove(self, job_id: str) -> None:
        self.gone.add(job_id)
        del self.events_of[job_id]
        self.tell(frozenset({job_id}))

    def stored(self, job_id: str) -> list[int]:
        return [event.seq for event in self.events_of[job_id]]

    # ── the port ──

    async def get(self, job_id: str) -> JobRecord:
        self._check(job_id)
        return self._record(job_id)

    async def glance(self, job_id: str) -> Glance:
        job = await self.get(job_id)
        return Glance(job.owner, job.status, job.seq, job.submitted_at, job.scheduled_at)

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> EventsPage:
        self.pages += 1
        await self._reach()
        self._check(job_id)
        return self._page(job_id, after, limit)

    async def events_after(self, cursors: Mapping[str, int], *, limit: int = 1000) -> dict[str, EventsPage | None]:
        self.reads += 1
        self.asked.append(dict(cursors))
        await self._reach()
        pages: dict[str, EventsPage | None] = {}
        for job_id, after in cursors.items():
            if job_id not in self.events_of:
                pages[job_id] = None
            elif (page := self._page(job_id, after, limit)).events:
                pages[job_id] = page
        return pages

    async def steps(self, job_id: str) -> list[Step]:
        return []

    async def artifacts(self, job_id: str) -> list[Artifact]:
        return []

    async def waiting(self, job: JobRecord) -> Waiting:
        return Waiting(None, None, None, None, None, None, 0, 0)

    def listen(self, listener: Listener) -> Callable[[], None]:
        self.listeners.add(listener)
        return lambda: self.listeners.discard(listener)

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        await self.open.wait()
        if self.fails:
            raise StoreError("the disk is away")

    def _check(self, job_id: str) -> None:
        if job_id in self.gone:
            raise JobGone(job_id, owner=self.owners[job_id], at=0.0, reason="deleted")
        if job_id not in self.events_of:
            raise JobNotFound(job_id)

    def _page(self, job_id: str, after: int, limit: int) -> EventsPage:
        events = [event for event in self.events_of[job_id] if event.seq > after]
        return EventsPage(events[:limit], self.first[job_id])

    def _record(self, job_id: str) -> JobRecord:
        status = Status.PENDING
        for event in self.events_of[job_id]:
            if event.kind in TERMINAL_KINDS | {Kind.PENDING, Kind.RUNNING}:
                status = Status(event.kind.value)
        born = float(list(self.events_of).index(job_id))
        return JobRecord(
            id=job_id,
            task="t",
            queue="default",
            owner=self.owners[job_id],
            status=status,
            seq=self.last(job_id),
            args=b"{}",
            priority=0,
            attempt=1,
            failures=0,
            losses=0,
            max_retries=0,
            submitted_at=born,
            scheduled_at=born,
            started_at=None,
            finished_at=None,
            deadline_at=None,
            deadline_cancels=False,
            retention=1.0,
            expires_at=None,
            cancel_requested_at=None,
            cancel_reason=None,
            token=1,
            worker=None,
            lease_expires_at=None,
            waiting_for=None,
            progress=Progress(),
            result=None,
            result_blob=None,
            error=None,
            cost=0.0,
        )

    # Last: below it, `list` is this method.

    async def list(self, query: JobQuery) -> Page:
        self.listings += 1
        await self._reach()
        found = [
            self._record(job_id) for job_id in reversed(self.events_of) if query.owner in (None, self.owners[job_id])
        ]
        if query.statuses:
            found = [record for record in found if record.status in query.statuses]
        start = int(query.cursor or 0)
        end = start + query.limit
        return Page(found[start:end], str(end) if end < len(found) else None)
