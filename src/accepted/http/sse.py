"""Event streams: the log of one job or of several as Server-Sent Events (docs/http.md, "Events").

A stream is a replay that goes live: strictly what follows the cursor, no gap, no repetition, however slow the
reader. It ends after the job's last event; a reconnect then gets 204 (`resume` returns None), which tells an
EventSource to stop. When the server stops, the stream just ends, and the client comes back with its cursor.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from accepted.errors import BadRequest, JobGone, JobNotFound, StoreError
from accepted.http.auth import Identity
from accepted.http.live import Live, Place
from accepted.hub import Ended, Events, Gap, Joined, Removed, Subscription, Trimmed, Update
from accepted.job import JobRecord

log = logging.getLogger("accepted.http")

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}
GRACE_SECONDS: Final = 1.0
"""Time a reader has to take what is being sent when its stream is ended from outside; then the socket is dropped."""
SEQ_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream begins. `finished`: jobs of which everything was delivered before."""

    cursors: Mapping[str, int]
    finished: frozenset[str]


def resume(records: Sequence[JobRecord], after: Mapping[str, int]) -> Start | None:
    """Where a stream of these jobs begins for a client that has everything up to `after`. None: all are over and
    everything was delivered, so answer 204."""
    # A cursor beyond the log is none of ours; believed, it would hold back the events to come.
    cursors = {record.id: min(after.get(record.id, 0), record.seq) for record in records}
    finished = frozenset(record.id for record in records if record.over and cursors[record.id] >= record.seq)
    return None if len(finished) == len(cursors) else Start(cursors, finished)


def read_cursor(text: str, jobs: Sequence[str]) -> dict[str, int]:
    """`Last-Event-ID` or `?after=`: "7" when the stream has one job, else "a:3,b:7". Jobs that are not named start
    at 0; names that are not in `jobs` are left out. Raises BadRequest."""
    if len(jobs) == 1 and ":" not in text:
        return {jobs[0]: _seq(text)}
    cursors: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        job_id, _, seq = part.strip().rpartition(":")
        if job_id in jobs:
            cursors[job_id] = _seq(seq)
    return cursors


def _seq(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadRequest('The cursor is not one of ours; expected the id of an event, such as "7" or "a:3,b:7".')
    return min(int(text), SEQ_MAX)


def event_stream(live: Live, start: Start, identity: Identity, *, several: bool = False) -> EventStream:
    """The response for a caller who may read all these jobs. `several`: each `id:` is a cursor of all of them, as
    on `/v1/events`, even if there is just one. Raises LimitReached, Unavailable before anything was sent."""
    return EventStream(live, start, live.places.take(identity.owner), several=several, until=identity.expires_at)


class EventStream(Response):
    """The running stream. Owns its place and its subscription; both are freed when it ends, however it ends.
    `until`: when the caller's right ends (seconds since the epoch), and so the stream."""

    def __init__(self, live: Live, start: Start, place: Place, *, several: bool, until: float | None) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._live = live
        self._place = place
        self._until = until
        self._open = set(start.cursors) - start.finished
        self._ids = _Ids(start.cursors) if several else None
        self._cursors = {job_id: start.cursors[job_id] for job_id in self._open}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []
        pump: asyncio.Task[None] | None = None
        forced = False

        def force() -> None:
            nonlocal forced
            forced = pump is not None and pump.cancel()

        def ended() -> None:
            # The stream ends by itself within moments, unless it is stuck in `send` to a reader that does not read.
            timers.append(loop.call_later(GRACE_SECONDS, force))

        gone: asyncio.Task[None] | None = None
        try:
            async with self._live.hub.watch(self._cursors, complete=True, on_end=ended) as subscription:
                gone = loop.create_task(_end_when_gone(receive, subscription))
                if self._until is not None:
                    timers.append(loop.call_later(self._until - time.time(), subscription.end))
                # A task of its own: waking this one up means to go through every layer of the application.
                pump = loop.create_task(self._pump(subscription, send))
                await pump
        except OSError:
            # The client went away in the middle of a send.
            return
        except asyncio.CancelledError:
            if not forced:
                raise
        finally:
            self._place.release()
            for timer in timers:
                timer.cancel()
            if gone is not None:
                gone.cancel()

    async def _pump(self, subscription: Subscription, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send_chunks(subscription, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_chunks(self, subscription: Subscription, send: Send) -> None:
        keep_alive = self._live.settings.keep_alive
        chunk = b"retry: %d\n\n" % self._live.settings.reconnect
        while True:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if not self._open:
                return
            try:
                updates = await subscription.next(keep_alive)
                if self._ids is None and len(updates) == 1 and isinstance(updates[0], Events):
                    chunk = self._shared(updates[0])
                else:
                    chunk = await self._chunk(subscription, updates) if updates else b": still here\n\n"
            except StoreError as error:
                log.warning("event stream dropped: %s", error)
                return
            if not chunk:
                return

    def _shared(self, events: Events) -> bytes:
        """The usual chunk: the very bytes that all watchers of this job share."""
        if events.over:
            self._open.clear()
        return events.sse

    async def _chunk(self, subscription: Subscription, updates: Sequence[Update]) -> bytes:
        """What these updates are on the wire; empty at the end."""
        parts: list[bytes] = []
        for update in updates:
            match update:
                case Events():
                    parts += [self._id(update.job_id, one.seq) + one.frame for one in update.messages]
                    if update.over:
                        self._open.discard(update.job_id)
                case Trimmed():
                    parts.append(await self._snapshot(subscription, update.job_id))
                case Removed(job_id):
                    parts.append(b'event: removed\ndata: {"job_id":%s}\n\n' % json.dumps(job_id).encode())
                    self._open.discard(job_id)
                case Ended():
                    return b""
                case Gap() | Joined():
                    # Streams are complete and follow no owner.
                    raise AssertionError(update)
        return b"".join(parts) or b": nothing\n\n"

    async def _snapshot(self, subscription: Subscription, job_id: str) -> bytes:
        """The job as it is, in place of events that are not kept; the stream goes on after it."""
        try:
            record = await self._live.hub.store.get(job_id)
        except (JobNotFound, JobGone):
            # The subscription says so itself, next.
            return b""
        data = await self._live.body(record)
        subscription.move(job_id, record.seq)
        if record.over:
            self._open.discard(job_id)
        return b"%sevent: snapshot\ndata: %s\n\n" % (self._id(job_id, record.seq), data.replace(b"\n", b" "))

    def _id(self, job_id: str, seq: int) -> bytes:
        return b"id: %d\n" % seq if self._ids is None else self._ids.line(job_id, seq)


class _Ids:
    """The cursor of several jobs, as the `id:` of each event."""

    def __init__(self, cursors: Mapping[str, int]) -> None:
        self._parts = {job_id: f"{job_id}:{seq}".encode() for job_id, seq in cursors.items()}

    def line(self, job_id: str, seq: int) -> bytes:
        self._parts[job_id] = f"{job_id}:{seq}".encode()
        return b"id: %s\n" % b",".join(self._parts.values())


async def _end_when_gone(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end()


def job_ids(text: str, at_most: int) -> list[str]:
    """`?jobs=a,b` without repetitions. Raises BadRequest when there are none or too many."""
    jobs: Collection[str] = dict.fromkeys(filter(None, (part.strip() for part in text.split(","))))
    if not 0 < len(jobs) <= at_most:
        raise BadRequest(f"jobs: expected 1 to {at_most} ids of jobs, separated by commas, got {len(jobs)}.")
    return list(jobs)
