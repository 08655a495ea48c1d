"""How rows and Python values become each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from accepted.job import (
    Event,
    Glance,
    JobRecord,
    Kind,
    Limit,
    Progress,
    Rate,
    Status,
    Step,
    StepStatus,
    json_text,
)
from accepted.stores.base import WorkerInfo

MICROSECONDS: Final = 1_000_000
FOREVER: Final = 4_000_000_000 * MICROSECONDS
"""About the year 2096: what a time or duration beyond it, infinity too, is kept as."""
BILLIONTHS: Final = 1_000_000_000

NO_PROGRESS: Final = Progress()


class Waits(StrEnum):
    """What a pending job waits for: the words of `jobs.waits`."""

    TURN = "turn"
    """Ready; it holds a slot of each of its limits, and a place in each of its paces."""
    TIME = "time"
    """For `scheduled_at`."""
    LIMIT = "limit"
    """In a line, which waits for a limit."""


class Live(NamedTuple):
    """What a transition needs to know of a job; the columns of the statements `live_*`."""

    n: int
    id: str
    status: str
    waits: str | None
    line: str | None
    seq: int
    first_seq: int
    attempt: int
    token: int
    failures: int
    losses: int
    queue: str
    task: str
    owner: str
    priority: int
    slots: str | None
    paces: str | None
    quotas: str | None
    cancel_requested_at: int | None
    cancel_reason: str | None
    lease_expires_at: int | None
    submitted_at: int
    deadline_at: int | None
    watched: int
    """1: its owner has webhooks."""


dump_data: Final = json_text
"""A user's data as JSON text."""


def micros(seconds: float) -> int:
    return round(seconds * MICROSECONDS) if abs(seconds) < FOREVER / MICROSECONDS else FOREVER


def seconds(micros: int) -> float:
    return micros / MICROSECONDS


def optional_seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / MICROSECONDS


def dump(value: Any) -> str:
    """A value of ours as compact JSON, for a statement to read."""
    return to_json(value).decode()


def text(value: bytes) -> str:
    """JSON as it goes into a TEXT column. Raises ValueError when it is not UTF-8 or holds a NUL."""
    decoded = value.decode()
    if "\0" in decoded:
        raise ValueError("JSON cannot hold a NUL character; write it as \\u0000")
    return decoded


def checked(*names: str) -> None:
    """Raises ValueError for names that SQLite would cut short (NUL) or cannot hold (half of a surrogate pair)."""
    for name in names:
        if not name.isascii():
            name.encode()
        if "\0" in name:
            raise ValueError(f"a name cannot hold a NUL character: {name!r}")


def cleaned(words: str) -> str:
    """Words for people to read, without what SQLite cannot hold."""
    return words.encode(errors="replace").decode().replace("\0", "?")


def pack_limits(limits: Sequence[Limit]) -> str | None:
    return dump([[limit.key, limit.at_most] for limit in limits]) if limits else None


def unpack_limits(packed: str | None) -> list[Limit]:
    return [Limit(key, at_most) for key, at_most in json.loads(packed)] if packed else []


def pack_rates(rates: Sequence[Rate]) -> str | None:
    return dump([[rate.key, rate.at_most, rate.per] for rate in rates]) if rates else None


def unpack_rates(packed: str | None) -> list[Rate]:
    return [Rate(key, at_most, per) for key, at_most, per in json.loads(packed)] if packed else []


def pack_progress(progress: Progress, now: int) -> str:
    at = seconds(now) if progress.reported_at is None else progress.reported_at
    return dump_data([progress.percent, progress.message, progress.current, progress.total, progress.unit, at])


_STATUS: Final = {status.value: status for status in Status}
_KIND: Final = {kind.value: kind for kind in Kind}


def record(row: Sequence[Any]) -> JobRecord:
    """A row of the view `records`, without its n, or of `packed`."""
    (
        id_, task, queue, owner, status, seq, args, priority, attempt, failures, losses, max_retries,
        submitted_at, scheduled_at, started_at, finished_at, deadline_at, deadline_cancels, retention, expires_at,
        cancel_requested_at, cancel_reason, token, worker, lease_expires_at, waiting_for, progress, result,
        result_blob, error, cost,
    ) = row  # fmt: skip
    return JobRecord(
        id_,
        task,
        queue,
        owner,
        _STATUS[status],
        seq,
        args.encode(),
        priority,
        attempt,
        failures,
        losses,
        max_retries,
        submitted_at / MICROSECONDS,
        scheduled_at / MICROSECONDS,
        optional_seconds(started_at),
        optional_seconds(finished_at),
        optional_seconds(deadline_at),
        deadline_cancels == 1,
        retention / MICROSECONDS,
        optional_seconds(expires_at),
        optional_seconds(cancel_requested_at),
        cancel_reason,
        token,
        worker,
        optional_seconds(lease_expires_at),
        waiting_for,
        NO_PROGRESS if progress is None else Progress(*json.loads(progress)),
        None if result is None else result.encode(),
        result_blob,
        None if error is None else json.loads(error),
        cost / BILLIONTHS,
    )


def glance(row: Sequence[Any]) -> Glance:
    owner, status, seq, submitted_at, scheduled_at = row
    return Glance(owner, _STATUS[status], seq, submitted_at / MICROSECONDS, scheduled_at / MICROSECONDS)


def event(job_id: str, row: Sequence[Any]) -> Event:
    """A row of the statement `events`."""
    _, seq, at, attempt, kind, data = row
    return Event(job_id, seq, at / MICROSECONDS, attempt, _KIND[kind], data)


def step(row: Sequence[Any]) -> Step:
    key, name, status, attempt, started_at, finished_at, result = row
    return Step(
        key,
        name,
        StepStatus(status),
        attempt,
        started_at / MICROSECONDS,
        optional_seconds(finished_at),
        None if result is None else result.encode(),
    )


def worker(row: Sequence[Any]) -> WorkerInfo:
    id_, host, pid, concurrency, tasks, queues, started_at, seen_at = row
    return WorkerInfo(
        id_,
        host,
        pid,
        concurrency,
        tuple(json.loads(tasks)),
        tuple(json.loads(queues)),
        started_at / MICROSECONDS,
        seen_at / MICROSECONDS,
    )
