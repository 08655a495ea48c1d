"""The history, newest first, a page at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, Final

from accepted.job import Status
from accepted.stores.base import JobQuery, Page
from accepted.stores.sqlite import cursors
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump, record

_SQL: Final = load("listing")

MOST: Final = 1000
"""Jobs on a page."""
SEARCHED: Final = 100_000
"""Jobs that a search for text looks at for one page. The page may then be short, even empty, and still have a
cursor that goes on."""

_RARE_ENDS: Final = frozenset({Status.FAILED, Status.CANCELLED})


def get_page(connection: sqlite3.Connection, query: JobQuery) -> Page:
    """Raises BadRequest when the cursor is not one of ours."""
    limit = max(1, min(query.limit, MOST))
    (newest,) = connection.execute(_SQL["newest"]).fetchone()
    below = newest + 1 if query.cursor is None else min(cursors.decode(query.cursor), newest + 1)
    above = max(0, below - 1 - SEARCHED) if query.text else 0
    parameters = {
        "owner": query.owner,
        "task": query.task,
        "statuses": dump(sorted(query.statuses)) if query.statuses else None,
        "text": f"%{_escaped(query.text)}%" if query.text else None,
        "below": below,
        "above": above,
        "limit": limit + 1,
    }
    rows = list(islice(_rows(connection, query, parameters), limit + 1))
    if len(rows) > limit:
        return Page([record(row[1:]) for row in rows[:limit]], cursors.encode(rows[limit - 1][0]))
    return Page([record(row[1:]) for row in rows], cursors.encode(above + 1) if above else None)


def _rows(connection: sqlite3.Connection, query: JobQuery, parameters: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """By the index that leaves the least to look at."""
    if query.owner is not None:
        return iter(connection.execute(_SQL["by_owner"], parameters))
    if query.statuses and Status.COMPLETED not in query.statuses:
        parts = [connection.execute(_SQL["by_end"], {**parameters, "status": s}) for s in query.statuses & _RARE_ENDS]
        if Status.PENDING in query.statuses:
            parts.append(connection.execute(_SQL["pending"], parameters))
        if Status.RUNNING in query.statuses:
            parts.append(connection.execute(_SQL["running"], parameters))
        return merge(*parts, key=lambda row: -row[0])
    if query.task is not None:
        return iter(connection.execute(_SQL["by_task"], parameters))
    return iter(connection.execute(_SQL["all"], parameters))


def _escaped(text: str) -> str:
    """Text in which LIKE finds no wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
