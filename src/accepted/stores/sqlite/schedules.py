"""Schedules: where each stands, and firing one of its times once."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from accepted.job import NewJob
from accepted.stores.base import ScheduleRecord, Submitted
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import micros, optional_seconds, seconds
from accepted.stores.sqlite.submitting import store
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.writer import alone

_SQL: Final = load("schedules")


def _schedule(row: Any) -> ScheduleRecord:
    name, spec, owner, next_at, last_at, last_job = row
    return ScheduleRecord(name, spec, owner, seconds(next_at), optional_seconds(last_at), last_job)


def get_schedules(connection: sqlite3.Connection) -> list[ScheduleRecord]:
    return [_schedule(row) for row in connection.execute(_SQL["schedules"])]


@alone
def put_schedule(tx: Transaction, schedule: ScheduleRecord) -> ScheduleRecord:
    tx.run(
        _SQL["put_schedule"],
        name=schedule.name,
        spec=schedule.spec,
        owner=schedule.owner,
        next_at=micros(schedule.next_at),
        last_at=None if schedule.last_at is None else micros(schedule.last_at),
        last_job=schedule.last_job,
    )
    return _schedule(tx.connection.execute(_SQL["schedule"], {"name": schedule.name}).fetchone())


@dataclass(frozen=True, slots=True)
class Fire:
    """`job` None: this time is left out."""

    name: str
    at: float
    next_at: float
    job: NewJob | None


@alone
def fire(tx: Transaction, asked: Fire) -> list[Submitted | Exception]:
    """What became of the job, if there was one to store: a refusal is an answer here, and the schedule moves on."""
    moved = tx.run(_SQL["move_on"], name=asked.name, at=micros(asked.at), next_at=micros(asked.next_at))
    if not moved or asked.job is None:
        return []
    (answer,) = answers = store(tx, [asked.job])
    if isinstance(answer, Submitted):
        tx.run(_SQL["set_last_job"], name=asked.name, job=answer.job.id)
    return answers


@alone
def drop_schedule(tx: Transaction, name: str) -> bool:
    return tx.run(_SQL["drop_schedule"], name=name) == 1
