"""One watched job in memory: its newest events, encoded once, and who waits for more (hub.py owns these)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from accepted.job import TERMINAL_KINDS, Event, JobRecord, Kind, iso

BATCH_BYTES: Final = 96 * 1024
"""About how much one `next()` hands over; with the transport's own buffer it bounds what a slow watcher holds."""
RING_BYTES: Final = 4 * 1024 * 1024
"""A job with huge events keeps fewer than `watcher_queue` of them in memory."""
PAGES_KEPT: Final = 4
"""Pages of BATCH_BYTES of one job, for those who fell behind its ring together."""
_STATUS_KINDS = TERMINAL_KINDS | {Kind.PENDING, Kind.RUNNING}


_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
"""As numbers, because looking for a byte in bytes takes a tenth of looking for bytes in bytes."""


def encode(event: Event) -> bytes:
    """The event as every transport sends it (docs/http.md, "Events"). The stored data is spliced in unparsed."""
    data = event.data
    if _NEWLINE in data or _RETURN in data:
        # Only white space between tokens: inside a JSON text they are escaped. A bare one would end SSE's line.
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"%b%d%b%b}" % (_before_seq(event.job_id), event.seq, _after_seq(event.at, event.attempt, event.kind), data)


@lru_cache(maxsize=64)
def _before_seq(job_id: str) -> bytes:
    return f'{{"job_id":{json.dumps(job_id)},"seq":'.encode()


@lru_cache(maxsize=64)
def _after_seq(at: float, attempt: int, kind: Kind) -> bytes:
    """The same for most events of one commit."""
    return f',"at":"{iso(at)}","attempt":{attempt},"kind":"{kind}","data":'.encode()


# ── what a watcher gets ──────────────────────────────────────────────────────────────────────────────


class Message:
    """One event, encoded once for all who watch. `json` is the event."""

    __slots__ = ("_frame", "_text", "event", "json", "seq")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.seq = event.seq
        self.json = encode(event)
        self._frame: bytes | None = None
        self._text: str | None = None

    @property
    def frame(self) -> bytes:
        """Its SSE lines without `id:`, which streams of several jobs number in their own way."""
        if self._frame is None:
            self._frame = b"event: %b\ndata: %b\n\n" % (self.event.kind.encode(), self.json)
        return self._frame

    @property
    def sse(self) -> bytes:
        # Not made of the frame: that would be kept beside the JSON for nothing.
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (self.seq, self.event.kind.encode(), self.json)

    @property
    def text(self) -> str:
        """The WebSocket message."""
        if self._text is None:
            self._text = '{"type":"event",' + self.json[1:].decode()
        return self._text


class Events:
    """New events of one job, in order. Shared by all watchers that stood at the same place.

    `over`: the last one ended the job, and nothing newer is known.
    """

    __slots__ = ("_sse", "job_id", "messages", "over", "size")

    def __init__(self, job_id: str, messages: Sequence[Message], *, over: bool) -> None:
        self.job_id = job_id
        self.messages = messages
        self.over = over
        self.size = sum(len(message.json) for message in messages)
        self._sse: bytes | None = None

    @property
    def seq(self) -> int:
        """Of the newest: the cursor after these."""
        return self.messages[-1].seq

    @property
    def sse(self) -> bytes:
        """All of them as one chunk of an event stream of this job."""
        if self._sse is None:
            self._sse = b"".join([message.sse for message in self.messages])
        return self._sse


@dataclass(frozen=True, slots=True)
class Gap:
    """This watcher was too slow: events `from_seq` … `to_seq` are left out; a snapshot of the job makes up for it."""

    job_id: str
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Events before `first_seq` are not kept any more; a snapshot comes first. Unless the watcher says otherwise
    with `move(job_id, after)`, it goes on with `first_seq`."""

    job_id: str
    first_seq: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A job of a followed owner, from now on part of this subscription: its events after `after` come next."""

    record: JobRecord
    after: int


@dataclass(frozen=True, slots=True)
class Removed:
    """The job is gone; nothing more comes of it."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscription is over: the hub stops, or somebody called `end()`. Nothing comes after it."""


Update = Events | Gap | Trimmed | Joined | Removed | Ended


# ── one watched job ──────────────────────────────────────────────────────────────────────────────────


class Reader(Protocol):
    """A subscription, as seen from here."""

    def news(self, job_id: str) -> None:
        """The job's feed has changed."""


class Feed:
    """What the hub knows of one job while somebody watches it.

    The ring holds every stored event with floor < seq ≤ cursor. `examined_from`: since which event the hub has
    looked at the job's status; `rewind`: a waiter wants older ones looked at (they do not go into the ring).
    """

    __slots__ = (
        "batches",
        "change_waiters",
        "current",
        "cursor",
        "examined_from",
        "floor",
        "job_id",
        "over",
        "over_waiters",
        "pages",
        "reading",
        "removed",
        "resting",
        "rewind",
        "ring",
        "ring_bytes",
        "status_seq",
        "subscriptions",
    )

    def __init__(self, job_id: str, after: int) -> None:
        self.job_id = job_id
        self.cursor = self.floor = self.examined_from = after
        self.rewind: int | None = None
        self.ring: deque[Message] = deque()
        self.ring_bytes = 0
        self.batches: dict[int, Events] = {}
        self.pages: dict[int, Events] = {}
        """The last that were read for watchers behind the ring, by the `seq` that they follow."""
        self.reading: dict[int, asyncio.Task[Events | Trimmed | None]] = {}
        """Such reads under way."""
        self.resting = False
        """Not read for a moment, because many were just told."""
        self.current = False
        """Read to its end at least once."""
        self.status_seq = 0
        self.over = False
        self.removed = False
        self.subscriptions: set[Reader] = set()
        self.over_waiters: dict[asyncio.Future[bool], int] = {}
        self.change_waiters: dict[asyncio.Future[bool], int] = {}
        """Each with the `seq` after which it wants to see something."""

    @property
    def idle(self) -> bool:
        return not (self.subscriptions or self.over_waiters or self.change_waiters)

    @property
    def state(self) -> tuple[int, bool, bool]:
        """Differs when there is something to tell."""
        return self.cursor, self.current, self.removed

    def add(self, events: Sequence[Event], first_seq: int, *, ring_events: int) -> None:
        """Take in a page that the store gave. Older ones than the cursor only tell about the status."""
        if first_seq > self.cursor + 1:
            self.ring.clear()
            self.ring_bytes, self.floor = 0, first_seq - 1
        for event in events:
            seq = event.seq
            if event.kind in _STATUS_KINDS and seq > self.status_seq:
                self.status_seq, self.over = seq, event.kind in TERMINAL_KINDS
            if seq <= self.cursor:
                continue
            self.cursor = seq
            if self.subscriptions:
                self._append(Message(event), ring_events)
            else:
                # Nobody reads events, only waiters are here: encoding them would be for nothing.
                self.ring.clear()
                self.ring_bytes, self.floor = 0, seq
        self.batches.clear()
        # A job that is retried goes on after what was its end.
        self.pages = {after: page for after, page in self.pages.items() if not page.over}

    def _append(self, message: Message, ring_events: int) -> None:
        self.ring.append(message)
        self.ring_bytes += len(message.json)
        while len(self.ring) > ring_events or (self.ring_bytes > RING_BYTES and len(self.ring) > 1):
            dropped = self.ring.popleft()
            self.ring_bytes -= len(dropped.json)
            self.floor = dropped.seq

    def take(self, after: int) -> Events:
        """The batch that follows `after`, which lies in floor ≤ after < cursor. Made once for all who stand there."""
        batch = self.batches.get(after)
        if batch is None:
            newer: list[Message] = []
            for message in reversed(self.ring):
                if message.seq <= after:
                    break
                newer.append(message)
            batch = self.batches[after] = self._batch(reversed(newer))
        return batch

    def page(self, after: int, events: Sequence[Event], first_seq: int) -> Events | Trimmed | None:
        """The batch that a watcher behind the ring gets from this page of the log, and others who come by there."""
        if first_seq > after + 1:
            return Trimmed(self.job_id, first_seq)
        known = [Message(event) for event in events if event.seq <= self.cursor]
        if not known:
            return None
        batch = self._batch(known)
        self.pages[after] = batch
        if len(self.pages) > PAGES_KEPT:
            del self.pages[next(iter(self.pages))]
        return batch

    def _batch(self, messages: Iterable[Message]) -> Events:
        taken = about(BATCH_BYTES, messages)
        last = taken[-1]
        return Events(self.job_id, taken, over=last.seq == self.cursor and last.event.kind in TERMINAL_KINDS)

    def is_over(self, after: int) -> bool:
        """The job ended after `after`, as far as its log has been read: to the end, that is."""
        ended = self.over and self.status_seq > after and self.current and self.rewind is None
        return self.removed or ended

    def settle(self) -> None:
        """Answer those who wait for what has come."""
        for future, after in list(self.over_waiters.items()):
            if self.is_over(after):
                answer(future, True)
        for future, after in list(self.change_waiters.items()):
            if self.removed or self.cursor > after:
                answer(future, True)


def about(size: int, messages: Iterable[Message]) -> list[Message]:
    """The first of `messages`, as many as make up about `size` bytes, and at least one."""
    taken: list[Message] = []
    for message in messages:
        taken.append(message)
        size -= len(message.json)
        if size <= 0:
            break
    return taken


def answer(future: asyncio.Future[bool], answer: bool) -> None:
    if not future.done():
        future.set_result(answer)
