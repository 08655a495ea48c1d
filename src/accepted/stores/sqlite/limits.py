"""Concurrency limits (slots) and admission limits (quotas), each check in constant time.

A pending job is ready only when it holds a slot under every one of its limits. Otherwise it waits for the
one limit that is full, outside the index that claiming reads; whoever frees a slot there hands it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from accepted.job import Limit
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, Waits, dump, unpack_limits

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("limits")
_AT_ONCE: Final = 100
"""Held jobs looked at with one statement."""


class Gauges:
    """How many jobs hold each key: read once a transaction, counted in memory, written once."""

    def __init__(self, tx: Transaction, kind: str) -> None:
        self._tx, self._kind = tx, kind
        self._used: dict[str, int] = {}
        self._changed: set[str] = set()

    def load(self, limits: Iterable[Limit]) -> None:
        """Read the gauges of many limits with one statement; `full` reads what is still missing."""
        keys = [key for key in {limit.key for limit in limits} if key not in self._used]
        if keys:
            self._used.update(dict.fromkeys(keys, 0))
            self._used.update(self._tx.rows(_SQL["gauges"], kind=self._kind, keys=dump(keys)))

    def used(self, key: str) -> int:
        self.load([Limit(key, 0)])
        return self._used[key]

    def full(self, limits: Sequence[Limit]) -> Limit | None:
        """The tightest of the limits that have no room. The tightest, because jobs that wait for a wide
        limit only to find the narrow one full would be moved from one to the other in vain."""
        self.load(limits)
        return min(
            (limit for limit in limits if self._used[limit.key] >= limit.at_most),
            key=lambda limit: limit.at_most,
            default=None,
        )

    def take(self, limits: Iterable[Limit]) -> None:
        self._count(limits, 1)

    def free(self, limits: Iterable[Limit]) -> None:
        self._count(limits, -1)

    def _count(self, limits: Iterable[Limit], by: int) -> None:
        for key in {limit.key for limit in limits}:
            self._used[key] = self.used(key) + by
            self._changed.add(key)

    def save(self) -> None:
        if self._changed:
            rows = dump([[key, self._used[key]] for key in self._changed])
            self._tx.run(_SQL["set_gauges"], kind=self._kind, rows=rows)
            self._tx.run(_SQL["drop_empty_gauges"], kind=self._kind, keys=dump([*self._changed]))
            self._changed.clear()


def reserve(tx: Transaction, slots: Sequence[Limit]) -> str | None:
    """Take a slot under each limit; or take none, and answer the key to wait for."""
    full = tx.slots.full(slots)
    if full is not None:
        return full.key
    tx.slots.take(slots)
    return None


def release(tx: Transaction, jobs: Sequence[Live], *, quotas: bool) -> None:
    """Give back the slots that the jobs hold and, as `quotas` says, their places among those not over."""
    slots = [unpack_limits(job.slots) for job in jobs if job.slots and job.waits not in (Waits.TIME, Waits.LIMIT)]
    for limits in slots:
        tx.slots.free(limits)
    if quotas:
        for job in jobs:
            tx.quotas.free(unpack_limits(job.quotas))
    for key in dict.fromkeys(limit.key for limits in slots for limit in limits):
        _hand_on(tx, key)


def _hand_on(tx: Transaction, key: str) -> None:
    """Give the free slots of a limit to the jobs that wait for it, in their order.

    One that finds another of its limits full goes on waiting for that one instead.
    """
    moved = _AT_ONCE
    while moved == _AT_ONCE:
        moves: list[tuple[int, str | None]] = []
        for n, packed in tx.rows(_SQL["held"], key=key, limit=_AT_ONCE):
            slots = unpack_limits(packed)
            if tx.slots.used(key) >= min(limit.at_most for limit in slots if limit.key == key):
                break  # it goes on waiting here, and so do those behind it
            moves.append((n, reserve(tx, slots)))
        if moves:
            tx.run(_SQL["move_held"], rows=dump(moves))
        tx.ready = tx.ready or any(waiting_for is None for _, waiting_for in moves)
        moved = len(moves)
