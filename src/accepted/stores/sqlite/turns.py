"""Fair turns between owners: start-time fair queueing, in constant time a job.

A job that begins to wait gets the turn after its owner's last one, but never one that its lane has already
passed. A hundred thousand jobs of one owner therefore spread over a hundred thousand turns, while another's
single job gets the turn that is on now and is next. Claiming goes by priority, turn, age.

How far a lane (queue, task, priority) has come is moved by every claim, for all tasks that the claiming worker
would have taken: so tasks that are served together share one course, and a worker that serves only one
of them does not push the others ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("turns")


class Lane(NamedTuple):
    queue: str
    task: str
    priority: int


class Turns:
    """The lanes and the owners' last turns: read once a transaction, counted in memory, written once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._lanes: dict[Lane, int] = {}
        self._last: dict[tuple[str, int, str], int] = {}
        self._advanced: dict[Lane, int] = {}
        self._given: set[tuple[str, int, str]] = set()

    def load(self, places: Iterable[tuple[Lane, str]]) -> None:
        """Read what `give` will need for these lanes and owners."""
        pairs = set(places)
        lanes = {lane for lane, _ in pairs if lane not in self._lanes}
        owners = {(lane.queue, lane.priority, owner) for lane, owner in pairs} - self._last.keys()
        if not lanes and not owners:
            return
        self._lanes.update((lane, self._advanced.get(lane, 0)) for lane in lanes)
        self._last.update(dict.fromkeys(owners, -1))
        found = self._tx.rows(_SQL["turns"], lanes=dump([*lanes]), owners=dump([*owners]))
        for queue, task, priority, turn in found[0]:
            lane = Lane(queue, task, priority)
            self._lanes[lane] = max(turn, self._lanes[lane])
        for queue, priority, owner, turn in found[1]:
            self._last[queue, priority, owner] = turn

    def give(self, lane: Lane, owner: str) -> int:
        """The next turn of the owner in this lane. `load` has been called for both."""
        place = (lane.queue, lane.priority, owner)
        turn = max(self._lanes[lane], self._last[place] + 1)
        self._last[place] = turn
        self._given.add(place)
        return turn

    def advance(self, lane: Lane, turn: int) -> None:
        """A job of this turn was claimed where the lane's would have been."""
        self._advanced[lane] = max(turn, self._advanced.get(lane, 0))
        if lane in self._lanes:
            self._lanes[lane] = max(turn, self._lanes[lane])

    def save(self) -> None:
        if self._advanced:
            self._tx.run(_SQL["advance_lanes"], rows=dump([[*lane, turn] for lane, turn in self._advanced.items()]))
        if self._given:
            self._tx.run(_SQL["give_turns"], rows=dump([[*place, self._last[place]] for place in self._given]))
