"""A job as data: its states, the table of legal transitions, its events and steps. No I/O.

                        ┌──────── retry ─────────┬───────────────┐
                        ▼                        │               │
    submit ──▶ pending ──claim──▶ running ──complete──▶ completed │
                 ▲  │               │ ├──fail──▶ failed ──────────┤
                 │  │               │ └──cancel──▶ cancelled ─────┘
                 │  └───cancel──────┼──────────────▲
                 └─ retry_later ────┤
                 └─ interrupt ──────┤
                 └─ lose ───────────┘

Read this file first, then `stores/base.py` (who moves a job), then `runner.py` (who decides).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic_core import to_json

from accepted.value import value

JSON = Any
"""A value that JSON can hold; named where a signature would otherwise say Any."""


class Status(StrEnum):
    """Where a job stands. The words are part of the HTTP contract."""

    PENDING = "pending"
    """Waiting: for a free worker, for a limit, or for its time (`scheduled_at` in the future)."""
    RUNNING = "running"
    """A worker holds its lease. `cancel_requested_at` set means: being cancelled."""
    COMPLETED = "completed"
    """The function returned; the result waits until `expires_at`."""
    FAILED = "failed"
    """The last attempt raised, ran out of time or out of retries; `error` says why."""
    CANCELLED = "cancelled"
    """Somebody asked for it, or the caller's `Cancel-After` was over. Not a failure."""


ACTIVE: Final = frozenset({Status.PENDING, Status.RUNNING})
TERMINAL: Final = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Verb(StrEnum):
    """What can be done to a job; each verb is one method of a store."""

    SUBMIT = "submit"
    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    RETRY_LATER = "retry_later"
    INTERRUPT = "interrupt"
    LOSE = "lose"
    CANCEL = "cancel"
    EXPIRE = "expire"
    RETRY = "retry"


@value
class Transition:
    """One row of the table. `leased`: only the holder of the attempt's lease token may do it."""

    verb: Verb
    sources: frozenset[Status]
    targets: frozenset[Status]
    leased: bool
    meaning: str


def _row(verb: Verb, sources: set[Status], targets: set[Status], *, leased: bool, meaning: str) -> Transition:
    return Transition(verb, frozenset(sources), frozenset(targets), leased, meaning)


_P, _R = Status.PENDING, Status.RUNNING
_DONE, _FAILED, _CANCELLED = Status.COMPLETED, Status.FAILED, Status.CANCELLED

TRANSITIONS: Final[Mapping[Verb, Transition]] = {
    row.verb: row
    for row in (
        _row(Verb.SUBMIT, set(), {_P}, leased=False, meaning="a new job"),
        _row(Verb.CLAIM, {_P}, {_R}, leased=False, meaning="a worker takes it: attempt and token + 1"),
        _row(Verb.COMPLETE, {_R}, {_DONE}, leased=True, meaning="the function returned"),
        _row(Verb.FAIL, {_R}, {_FAILED}, leased=True, meaning="it raised and no retry is left"),
        _row(Verb.RETRY_LATER, {_R}, {_P}, leased=True, meaning="it raised; failures + 1; again at `at`"),
        _row(Verb.INTERRUPT, {_R}, {_P}, leased=True, meaning="the worker stops; the attempt does not count"),
        _row(Verb.LOSE, {_R}, {_P, _FAILED}, leased=False, meaning="lease over or worker dead; losses + 1"),
        _row(
            Verb.CANCEL,
            {_P, _R},
            {_CANCELLED},
            leased=False,
            meaning="pending: at once; running: by its holder",
        ),
        _row(
            Verb.EXPIRE,
            {_P},
            {_FAILED, _CANCELLED},
            leased=False,
            meaning="its deadline passed while it waited",
        ),
        _row(Verb.RETRY, set(TERMINAL), {_P}, leased=False, meaning="asked for by hand; failures start at 0"),
    )
}
"""Every legal change of status. Stores guard each with `WHERE status = …` (and the token where
`leased`) and write its event in the same transaction; `conformance.py` walks this table."""


class Kind(StrEnum):
    """What an event says; the `event:` line of SSE. The first six follow the status."""

    PENDING = "pending"
    """data: reason ("submitted", "error", "timeout", "interrupted", "lost", "retried"), at?, error?"""
    RUNNING = "running"
    """data: worker"""
    COMPLETED = "completed"
    FAILED = "failed"
    """data: error (code, title, detail and what the function added; over HTTP a job's own is a whole problem object)"""
    CANCELLED = "cancelled"
    """data: reason"""
    CANCELLING = "cancelling"
    """data: reason; the attempt has been told to stop"""
    PROGRESS = "progress"
    """data: percent, message, current, total, unit"""
    STEP = "step"
    """data: name, status ("running", "completed", "failed"), error?"""
    LOG = "log"
    """data: level, message, and what the caller added"""
    OUTPUT = "output"
    """data: value; a part of the result, early"""
    ARTIFACT = "artifact"
    """data: name, size_bytes, media_type, sha256"""
    COST = "cost"
    """data: amount, what, total (US dollars unless the task says otherwise)"""


TERMINAL_KINDS: Final = frozenset({Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED})


@value
class Progress:
    """How far a running attempt is, as last reported.

    `percent` is 0–100 and never falls within an attempt; `current` of `total` counts `unit`s.
    """

    percent: float | None = None
    message: str | None = None
    current: float | None = None
    total: float | None = None
    unit: str | None = None
    reported_at: float | None = None

    def data(self) -> dict[str, JSON]:
        """The members that are known, as a progress event carries them."""
        pairs = (
            ("percent", self.percent),
            ("message", self.message),
            ("current", self.current),
            ("total", self.total),
            ("unit", self.unit),
        )
        return {name: value for name, value in pairs if value is not None}


@value
class Limit:
    """At most `at_most` jobs that carry `key` may run (a slot) or be not over (a quota) at once.

    Keys are made above the store: `task:NAME`, `owner:NAME/TASK`, `key:…`. A store compares them only.
    """

    key: str
    at_most: int


@value
class Rate:
    """At most `at_most` in any `per` seconds that carry `key` may start (a pace) or be submitted (an admission).

    Any: a sliding window, not one that begins anew each minute. `at_most` is 1 … 1,000, because each one counts for
    itself; `per` is 0.001 s … 366 days.
    """

    key: str
    at_most: int
    per: float


@value
class IdempotencyKey:
    """`scope` is owner and route; `fingerprint` a hash of the request's body. Kept until `expires_at`."""

    scope: str
    key: str
    fingerprint: str
    expires_at: float


@value
class NewJob:
    """A job about to be stored. Times are seconds since the epoch, UTC; durations are seconds."""

    id: str
    task: str
    args: bytes
    """A JSON object by parameter name, already validated."""
    owner: str = "local"
    queue: str = "default"
    priority: int = 0
    """Higher goes first; −1000 … 1000."""
    scheduled_at: float | None = None
    """Not before this; None: now."""
    max_retries: int = 0
    deadline_at: float | None = None
    """The whole job must be over by then, waiting and all attempts included."""
    deadline_cancels: bool = False
    """What the deadline does: cancel (the caller's `Cancel-After`) or fail (the task's own limit)."""
    retention: float = 7 * 86400.0
    """How long the finished job is kept."""
    slots: tuple[Limit, ...] = ()
    """Concurrency: it starts only when each of these has room."""
    paces: tuple[Rate, ...] = ()
    """Each start, of a retry too, counts; it starts only when each of these has room."""
    quotas: tuple[Limit, ...] = ()
    """Admission: it is refused when one of these is full."""
    admissions: tuple[Rate, ...] = ()
    """Admission: it is refused while one of these is used up."""
    idempotency: IdempotencyKey | None = None


@value
class Lease:
    """The right to write for one attempt. A rising `token` fences off every earlier holder."""

    job_id: str
    token: int
    worker: str


@value
class JobRecord:
    """One job as stored. Times are seconds since the epoch, UTC."""

    id: str
    task: str
    queue: str
    owner: str
    status: Status
    seq: int
    """Number of its newest event: the job's version, and its ETag."""
    args: bytes
    priority: int
    attempt: int
    """Which attempt runs or ran last; 0 before the first. An interrupted one is not counted."""
    failures: int
    """Attempts that raised or timed out; a retry is due while this is ≤ `max_retries`."""
    losses: int
    """Attempts in a row that died with their worker since a step last finished."""
    max_retries: int
    submitted_at: float
    scheduled_at: float
    started_at: float | None
    """Start of the latest attempt."""
    finished_at: float | None
    deadline_at: float | None
    deadline_cancels: bool
    retention: float
    expires_at: float | None
    """When the finished job is removed; None while it is not over."""
    cancel_requested_at: float | None
    cancel_reason: str | None
    token: int
    worker: str | None
    lease_expires_at: float | None
    waiting_for: str | None
    """Pending only: the key of the limit that holds it, or None (ready, or not yet its time)."""
    progress: Progress
    result: bytes | None
    """The JSON of the result; None while there is none, or when it is in the blob store."""
    result_blob: str | None
    """Name of the blob that holds a result too large for a row."""
    error: dict[str, JSON] | None
    cost: float

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    @property
    def lease(self) -> Lease:
        """The lease of the present attempt. Raises ValueError when nobody holds one."""
        if self.worker is None:
            raise ValueError(f"job {self.id} is {self.status}: nobody holds a lease on it")
        return Lease(self.id, self.token, self.worker)


@value
class Glance:
    """The least that tells a poller whether the job is still the one it knows; as in `JobRecord`."""

    owner: str
    status: Status
    seq: int
    submitted_at: float
    scheduled_at: float

    @property
    def over(self) -> bool:
        return self.status in TERMINAL


@value
class Event:
    """Entry `seq` (1, 2, 3 …) of one job's append-only log."""

    job_id: str
    seq: int
    at: float
    attempt: int
    kind: Kind
    data: bytes
    """A JSON object, as it was written: encoded once, sent as it is."""


@value
class EventDraft:
    """An event that has no number yet."""

    kind: Kind
    data: Mapping[str, JSON] = field(default_factory=dict)


class StepStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@value
class Step:
    """A named, checkpointed part of a job. `key` is a hash of its name and arguments."""

    key: str
    name: str
    status: StepStatus
    attempt: int
    started_at: float
    finished_at: float | None
    result: bytes | None


@value
class Artifact:
    """A named file of a job. `sha256` is in hexadecimal."""

    name: str
    size_bytes: int
    media_type: str
    sha256: str


def new_id() -> str:
    """A UUID version 7 (RFC 9562 §5.7): 74 random bits, so nobody guesses it; rising with time, so
    that an index on ids grows at one end and stays in the cache."""
    milliseconds = time.time_ns() // 1_000_000
    try:
        random = _randoms.pop()
    except IndexError:
        random = _draw()
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_randoms: Final[list[int]] = []
"""Drawn from the system in larger pieces: each draw lets go of the interpreter's lock, and a store's busy thread
would take it. `pop` is atomic; what one thread took no other sees."""


def _draw() -> int:
    piece = os.urandom(10 * 257)
    numbers = [int.from_bytes(piece[at : at + 10]) for at in range(0, len(piece), 10)]
    _randoms.extend(numbers[1:])
    return numbers[0]


if hasattr(os, "register_at_fork"):
    # A forked child must not hand out its parent's numbers.
    os.register_at_fork(after_in_child=_randoms.clear)


def json_text(data: JSON) -> str:
    """A user's data as JSON. What JSON has no word for (NaN, infinity) becomes null; half of a surrogate pair, which
    UTF-8 cannot hold, stays escaped. Raises TypeError for what is not JSON at all."""
    try:
        return to_json(data, inf_nan_mode="null").decode()
    except ValueError:
        return json.dumps(data, separators=(",", ":"))


def iso(at: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC with offset, in milliseconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
