"""Concurrency limits (slots), paces and admission limits (quotas), each check in constant time.

A pending job is ready only when it holds a slot under each of its limits and a place in each of its paces. Otherwise
it holds nothing and stands in a line (`lines.py`), outside the index that claiming reads; whoever gives something back
hands it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from accepted.errors import LimitReached
from accepted.job import Limit, Rate
from accepted.stores.sqlite.lines import Full, Needs, Place, needs, needs_of
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, Waits, dump, seconds, unpack_limits, unpack_rates

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("limits")
_AT_ONCE: Final = 25
"""Held jobs, and lines, looked at with one statement."""


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


def refusal(tx: Transaction, quotas: Sequence[Limit], admissions: Sequence[Rate] = ()) -> LimitReached | None:
    """Why a job is not admitted; None when it is."""
    if quotas:
        full = tx.quotas.full(quotas)
        if full is not None:
            return LimitReached(full.key, used=tx.quotas.used(full.key), at_most=full.at_most)
    rate = tx.admissions.full(admissions) if admissions else None
    if rate is None:
        return None
    free_at = tx.admissions.free_at(rate)
    return LimitReached(
        rate.key,
        used=tx.admissions.used(rate),
        at_most=rate.at_most,
        per=rate.per,
        resets_at=seconds(free_at),
        retry_after=seconds(free_at - tx.now),
    )


def enter(tx: Transaction, wanted: Needs, place: Place) -> Full | None:
    """Make a job ready: it gets all that it needs. Or it gets nothing and stands in its line, which waits for the
    limit that is answered."""
    full = _reserve(tx, wanted, behind=True)
    if full is None:
        return None
    found = tx.lines.join(wanted.line, full, place)
    if found != full and _room(tx, wanted, found) > 0:
        # Its line was held up by one before it, with other numbers; now it comes first.
        tx.lines.move(wanted.line, full)
        found = full
    if found.kind == "pace":
        _wait(tx, wanted, found)
    return found


def _reserve(tx: Transaction, wanted: Needs, *, behind: bool) -> Full | None:
    """Take all, or nothing and answer what is full: a slot first, because it is given back once and a pace would be
    looked at again and again, by the clock."""
    slot = tx.slots.full(wanted.slots)
    if slot is not None:
        return Full("slot", slot.key)
    pace = tx.paces.full(wanted.paces, behind=behind)
    if pace is not None:
        return Full("pace", pace.key)
    tx.slots.take(wanted.slots)
    tx.paces.take(wanted.paces)
    return None


def _wait(tx: Transaction, wanted: Needs, full: Full) -> None:
    for rate in wanted.paces:
        if rate.key == full.key:
            tx.paces.wait(rate)


def release(tx: Transaction, jobs: Sequence[Live], *, quotas: bool) -> None:
    """Give back what the jobs hold and, as `quotas` says, their places among those not over. Their rows say already
    what has become of them; `jobs` are as they were before."""
    freed: dict[Full, None] = {}
    for job in jobs:
        if job.line is not None:
            # By its own numbers it may have held up those behind it, which have others.
            waited_for = tx.lines.waits_for(job.line)
            if waited_for is not None:
                freed[waited_for] = None
            tx.lines.leave(job.line)
        elif job.waits != Waits.TIME and (job.slots or job.paces):
            held = needs(job.slots, job.paces)
            tx.slots.free(held.slots)
            freed.update(dict.fromkeys(Full("slot", limit.key) for limit in held.slots))
            if job.waits == Waits.TURN:
                tx.paces.give_back(held.paces)
                freed.update(dict.fromkeys(Full("pace", rate.key) for rate in held.paces))
    if quotas:
        for job in jobs:
            tx.quotas.free(unpack_limits(job.quotas))
    for full in freed:
        hand_on(tx, full)


def go_on(tx: Transaction, jobs: Iterable[Live]) -> None:
    """Running jobs are ready again, in their old place: they keep their slots, and start ahead of the pace."""
    for job in jobs:
        if job.paces:
            tx.paces.take(unpack_rates(job.paces))


def hand_on(tx: Transaction, full: Full) -> None:
    """Give the room under a limit to the jobs that wait for it, in their order.

    A line that finds another of its limits full goes on waiting for that one instead, as a whole: so the work is in
    what becomes ready, not in how many wait.
    """
    tx.lines.save()
    first = tx.lines.first(full)
    while first is not None and (room := _room(tx, first, full)) > 0:
        if not _offer(tx, full, min(room, _AT_ONCE)):
            break
        tx.lines.save()
        first = tx.lines.first(full)
    if full.kind == "pace":
        rates = [rate for rate in first.paces if rate.key == full.key] if first is not None else []
        tx.paces.handed_on(full.key, max(rates, key=tx.paces.free_at, default=None))


def _room(tx: Transaction, wanted: Needs, full: Full) -> int:
    """By the numbers of the line itself: after a deploy those of others may differ."""
    if full.kind == "pace":
        return min(tx.paces.room(rate) for rate in wanted.paces if rate.key == full.key)
    return min(limit.at_most for limit in wanted.slots if limit.key == full.key) - tx.slots.used(full.key)


def _offer(tx: Transaction, full: Full, room: int) -> bool:
    """To the next so many jobs, until the limit is full for one of them. Whether anything has moved."""
    ready: list[int] = []
    elsewhere: set[str] = set()
    for n, line in tx.lines.held(full, room):
        if line in elsewhere:
            continue
        wanted = needs_of(line)
        found = _reserve(tx, wanted, behind=False)
        if found == full:
            break  # it goes on waiting here, and so do those behind it
        if found is None:
            ready.append(n)
            tx.lines.leave(line)
            continue
        elsewhere.add(line)
        tx.lines.move(line, found)
        if found.kind == "pace":
            _wait(tx, wanted, found)
    if ready:
        tx.lines.release(ready)
        tx.ready = True
    return bool(ready or elsewhere)
