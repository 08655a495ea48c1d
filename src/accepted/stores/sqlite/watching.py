"""Reading jobs, events, steps: functions of a connection, each one statement and so one snapshot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from accepted.errors import JobGone, JobNotFound
from accepted.job import Artifact, Event, Glance, JobRecord, Step
from accepted.stores.base import Attached, EventsPage
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump, event, glance, record, seconds, step

_SQL: Final = load("watching")


def get(connection: sqlite3.Connection, job_id: str) -> JobRecord:
    row = connection.execute(_SQL["get"], (job_id,)).fetchone()
    if row is None:
        raise gone(connection, job_id)
    return record(row[1:])


def get_glance(connection: sqlite3.Connection, job_id: str) -> Glance:
    row = connection.execute(_SQL["glance"], (job_id,)).fetchone()
    if row is None:
        raise gone(connection, job_id)
    return glance(row)


def gone(connection: sqlite3.Connection, job_id: str) -> JobGone | JobNotFound:
    """Why there is no such job."""
    row = connection.execute(_SQL["tombstone"], (job_id,)).fetchone()
    if row is None:
        return JobNotFound(job_id)
    owner, at, reason = row
    return JobGone(job_id, owner=owner, at=seconds(at), reason=reason)


def get_steps(connection: sqlite3.Connection, job_id: str) -> list[Step]:
    return [step(row) for row in connection.execute(_SQL["steps"], (job_id,))]


def get_artifacts(connection: sqlite3.Connection, job_id: str) -> list[Artifact]:
    found = (json.loads(data) for (data,) in connection.execute(_SQL["artifacts"], (job_id,)))
    return [_artifact(data) for data in found]


def get_artifact(connection: sqlite3.Connection, job_id: str, name: str) -> Attached | None:
    row = connection.execute(_SQL["artifact"], (job_id, name)).fetchone()
    if row is None:
        return None
    data = json.loads(row[0])
    # What was attached before blobs had names of their own has none.
    return Attached(_artifact(data), data.get("blob", f"artifact.{name}"))


def _artifact(data: dict[str, Any]) -> Artifact:
    return Artifact(data["name"], data["size_bytes"], data["media_type"], data["sha256"])


def get_events(connection: sqlite3.Connection, job_id: str, after: int, limit: int) -> EventsPage:
    page = _page(connection, job_id, after, limit)
    if page is None:
        raise gone(connection, job_id)
    return page


def _page(connection: sqlite3.Connection, job_id: str, after: int, limit: int) -> EventsPage | None:
    rows = connection.execute(_SQL["events"], {"job": job_id, "after": after, "limit": limit}).fetchall()
    if not rows:
        return None
    first_seq, seq, *_ = rows[0]
    return EventsPage(() if seq is None else [event(job_id, row) for row in rows], first_seq)


def get_events_after(
    connection: sqlite3.Connection, cursors: Mapping[str, int], limit: int
) -> dict[str, EventsPage | None]:
    """Pages by job, without those that have no newer events."""
    if len(cursors) == 1:
        # The usual case, in half of the time: the rows of one job lie in their order.
        ((job_id, after),) = cursors.items()
        page = _page(connection, job_id, after, limit)
        return {job_id: page} if page is None or page.events else {}
    pages: dict[str, EventsPage | None] = {}
    events: dict[str, list[Event]] = {}
    for job_id, *row in connection.execute(_SQL["events_after"], {"cursors": dump(cursors), "limit": limit}):
        first_seq, seq, *_ = row
        if first_seq is None:
            pages[job_id] = None
        elif seq is not None:
            if job_id not in pages:
                pages[job_id] = EventsPage(events.setdefault(job_id, []), first_seq)
            events[job_id].append(event(job_id, row))
    return pages
