"""What the operations of one batch share: the connection, the time, the gauges, and what has changed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from accepted.stores.base import Change
from accepted.stores.sqlite.limits import Gauges
from accepted.stores.sqlite.lines import Lines
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump
from accepted.stores.sqlite.turns import Turns
from accepted.stores.sqlite.windows import Windows

_SQL = load("transaction")


@dataclass(frozen=True, slots=True)
class Options:
    """`tombstones`: seconds that a removed job is remembered; `webhook_retention`: that a delivery is kept."""

    max_events_per_job: int
    tombstones: float
    webhook_retention: float


class Transaction:
    """`now` is in microseconds, the same for everything that the batch writes."""

    def __init__(self, connection: sqlite3.Connection, now: int, options: Options) -> None:
        self.connection, self.now, self.options = connection, now, options
        self.slots = Gauges(self, "slot")
        self.quotas = Gauges(self, "quota")
        self.paces = Windows(self, "pace")
        self.admissions = Windows(self, "admission")
        self.lines = Lines(self)
        self.turns = Turns(self)
        self.endings: Counter[tuple[str, str, str]] = Counter()
        """How many jobs ended, by queue, task and status."""
        self.ready = False
        """Something can be claimed, or will be at a time that sleeping workers do not know yet."""
        self.offered: set[str] = set()
        """Jobs that this batch submitted ready to run, less those that its own claims took: nobody needs to be
        woken for a job that has already found its worker."""
        self.cancelling: set[str] = set()
        self.changed: set[str] = set()

    def run(self, statement: str, **parameters: Any) -> int:
        """Execute; how many rows it wrote."""
        return self.connection.execute(statement, parameters).rowcount

    def value(self, statement: str, **parameters: Any) -> Any:
        """The only column of the first row, or None."""
        row = self.connection.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """What a statement answers as one JSON array: many rows for one fetch."""
        found: list[Any] = from_json(self.value(statement, **parameters))
        return found

    def finish(self) -> None:
        """Write what was counted on the way."""
        self.lines.save()
        self.slots.save()
        self.quotas.save()
        self.paces.save()
        self.admissions.save()
        self.turns.save()
        if self.endings:
            self.run(_SQL["count_endings"], rows=dump([[*words, jobs] for words, jobs in self.endings.items()]))

    @property
    def change(self) -> Change | None:
        """What listeners have to know after the commit; None when nothing happened."""
        ready = self.ready or bool(self.offered)
        if not (ready or self.cancelling or self.changed):
            return None
        return Change(ready=ready, cancelling=frozenset(self.cancelling), jobs=frozenset(self.changed))
