"""Lines: where held jobs stand, those with the very same limits in one.

What holds the first of a line holds all of it. So a line waits as a whole for one limit, and goes on to the next
by one UPDATE, however many stand in it. A line without jobs has no row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from accepted.job import Limit, Rate
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump, unpack_limits, unpack_rates

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("lines")


class Full(NamedTuple):
    """A limit without room: its kind ("slot", "pace") and key."""

    kind: str
    key: str


class Place(NamedTuple):
    """Where a job stands among those that wait; of two, the smaller is before the other."""

    behind: int
    """Its priority, negative."""
    turn: int
    n: int


class Needs(NamedTuple):
    """What a job needs to start, and the name of the line in which those with the same needs stand."""

    slots: list[Limit]
    paces: list[Rate]
    line: str


def needs(slots: str | None, paces: str | None) -> Needs:
    """From the columns of these names."""
    return Needs(unpack_limits(slots), unpack_rates(paces), f"[{slots or 'null'},{paces or 'null'}]")


class Lines:
    """The lines that a transaction touches. Joining and leaving are written together, before anybody reads them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._fulls: dict[str, Full] = {}
        """What a line waits for."""
        self._joining: dict[str, Place] = {}
        self._left: set[str] = set()

    def join(self, line: str, full: Full, place: Place) -> Full:
        """A job comes to stand in a line, which waits for `full` if it is new. Answers what it waits for."""
        found = self._fulls[line] = self.waits_for(line) or full
        self._joining[line] = min(place, self._joining.get(line, place))
        return found

    def waits_for(self, line: str) -> Full | None:
        """None: there is no such line."""
        found = self._fulls.get(line)
        if found is None:
            row = self._tx.connection.execute(_SQL["line"], {"line": line}).fetchone()
            found = None if row is None else Full(*row)
        return found

    def leave(self, line: str) -> None:
        """A job of the line is, or is about to be, somewhere else."""
        self._left.add(line)

    def move(self, line: str, full: Full) -> None:
        """The whole line waits for another limit."""
        self._tx.run(_SQL["move_line"], line=line, kind=full.kind, key=full.key)
        self._fulls[line] = full

    def first(self, full: Full) -> Needs | None:
        """The line whose turn it is under a limit."""
        line = self._tx.value(_SQL["first_line"], kind=full.kind, key=full.key)
        return None if line is None else needs_of(line)

    def held(self, full: Full, limit: int) -> list[tuple[int, str]]:
        """The next jobs that wait for a limit: their numbers, and their lines."""
        return self._tx.rows(_SQL["held"], kind=full.kind, key=full.key, limit=limit)

    def release(self, jobs: list[int]) -> None:
        """These jobs are ready."""
        self._tx.run(_SQL["leave_line"], jobs=dump(jobs))

    def save(self) -> None:
        if self._joining:
            rows = [
                [line, *self._fulls[line], -place.behind, place.turn, place.n] for line, place in self._joining.items()
            ]
            self._tx.run(_SQL["join_lines"], rows=dump(rows))
            self._joining.clear()
        if self._left:
            lines = dump([*self._left])
            self._tx.run(_SQL["drop_empty_lines"], lines=lines)
            self._tx.run(_SQL["set_first"], lines=lines)
            for line in self._left:
                self._fulls.pop(line, None)
            self._left.clear()


def needs_of(line: str) -> Needs:
    slots, paces = json.loads(line)
    return Needs([Limit(*each) for each in slots or ()], [Rate(*each) for each in paces or ()], line)
