"""Counting and explaining, for those who watch a service: never in anybody's way."""

from __future__ import annotations

import sqlite3
from typing import Final

from accepted.job import JobRecord, Status
from accepted.stores.base import Tally, Waiting, WorkerInfo
from accepted.stores.sqlite import records
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import micros, seconds, unpack_limits

_SQL: Final = load("insight")


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
    waiting_for, slots, used, position = row or (None, None, None, None)
    at_most = next((limit.at_most for limit in unpack_limits(slots) if limit.key == waiting_for), None)
    parameters = {"now": micros(now), "task": job.task, "queue": job.queue}
    workers, free = connection.execute(_SQL["capacity"], parameters).fetchone()
    return Waiting(
        position=position,
        held_by=waiting_for,
        used=used if waiting_for is not None else None,
        at_most=at_most,
        free_slots=free,
        workers=workers,
    )
