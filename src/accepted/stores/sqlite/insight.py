"""Counting and explaining, for those who watch a service: never in anybody's way."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any, Final

from accepted.job import JobRecord, Rate, Status
from accepted.stores.base import DELIVERY_QUEUE, Tally, Waiting, WorkerInfo
from accepted.stores.sqlite import records, windows
from accepted.stores.sqlite.lines import needs_of
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import FOREVER, micros, seconds

_SQL: Final = load("insight")
_NOWHERE: Final[tuple[Any, ...]] = (None,) * 6


def get_tallies(connection: sqlite3.Connection) -> list[Tally]:
    rows = connection.execute(_SQL["tallies"])
    return [Tally(queue, task, Status(status), jobs) for queue, task, status, jobs in rows]


def get_oldest_pending(connection: sqlite3.Connection) -> float | None:
    row = connection.execute(_SQL["oldest_pending"]).fetchone()
    return None if row is None else seconds(row[0])


def get_workers(connection: sqlite3.Connection, now: float) -> list[WorkerInfo]:
    return [records.worker(row) for row in connection.execute(_SQL["workers"], (micros(now),))]


def get_waiting(connection: sqlite3.Connection, job: JobRecord, now: float) -> Waiting:
    row = connection.execute(_SQL["standing"], (job.id,)).fetchone()
    kind, key, line, used, window, position = row or _NOWHERE
    parameters = {"now": micros(now), "task": job.task, "queue": job.queue, "deliveries": DELIVERY_QUEUE}
    workers, free = connection.execute(_SQL["capacity"], parameters).fetchone()
    known = Waiting(
        position=position,
        held_by=key,
        used=None,
        at_most=None,
        per=None,
        resets_at=None,
        free_slots=free,
        workers=workers,
    )
    if line is None:
        return known
    held = needs_of(line)
    if kind == "slot":
        at_most = next(limit.at_most for limit in held.slots if limit.key == key)
        return replace(known, used=used, at_most=at_most)
    rate = next(rate for rate in held.paces if rate.key == key)
    return replace(known, at_most=rate.at_most, per=rate.per, **_pace(window, rate, micros(now)))


def _pace(window: str, rate: Rate, now: int) -> dict[str, Any]:
    """What a pace counts: starts, and jobs that are about to start."""
    times, ready, wake_at = json.loads(window)
    return {"used": windows.used(times, ready, rate, now), "resets_at": seconds(wake_at) if wake_at < FOREVER else None}
