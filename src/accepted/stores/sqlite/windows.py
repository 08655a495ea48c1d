"""Rates: what was counted under each key in its last seconds, exactly and in constant time.

Of the times in a window, the n-th newest (n being what the rate allows) tells when there is room again. A pace counts
starts, and the places of jobs that are ready and have not started, so that all of them may start at the same moment,
however late; an admission counts submissions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from accepted.job import Rate
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import FOREVER, dump, micros

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("windows")

MOST: Final = 1000
"""Times that a window keeps: the largest count of a rate. Fewer would do for the rate of the day, but jobs of before a
deploy may have another."""


@dataclass(slots=True)
class _Window:
    """Times are microseconds, rising."""

    times: list[int] = field(default_factory=list)
    ready: int = 0
    wake_at: int | None = None
    ends_at: int = 0
    per: int = 0
    """The longest period of the rates that were looked at: what is older goes."""
    known_wake_at: int | None = None
    """As sleeping workers know it."""
    changed: bool = False


class Windows:
    """The windows of one kind: read once a transaction, counted in memory, written once."""

    def __init__(self, tx: Transaction, kind: str) -> None:
        self._tx, self._kind = tx, kind
        self._windows: dict[str, _Window] = {}

    def load(self, rates: Iterable[Rate]) -> None:
        """Read the windows of many rates with one statement; the others read what is still missing."""
        keys = [key for key in {rate.key for rate in rates} if key not in self._windows]
        if not keys:
            return
        self._windows.update({key: _Window() for key in keys})
        now = self._tx.now
        rows = self._tx.rows(_SQL["windows"], kind=self._kind, keys=dump(keys))
        for key, times, ready, wake_at, ends_at, written_at in rows:
            window = self._windows[key] = _Window(times, ready, wake_at, ends_at, known_wake_at=wake_at)
            if written_at > now:
                # The clock was set back: what seems to come counts as now, and who waits is looked at again.
                window.times = [min(at, now) for at in times]
                window.wake_at = None if wake_at is None else now
                window.changed = True

    def _of(self, rate: Rate) -> _Window:
        window = self._windows.get(rate.key)
        if window is None:
            self.load([rate])
            window = self._windows[rate.key]
        window.per = max(window.per, micros(rate.per))
        return window

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────

    def free_at(self, rate: Rate) -> int:
        """When there is room for one more; FOREVER: not before one that is ready has started."""
        window = self._of(rate)
        return free_at(window.times, window.ready, rate)

    def room(self, rate: Rate) -> int:
        """How many more there may be now."""
        return rate.at_most - self.used(rate)

    def used(self, rate: Rate) -> int:
        window = self._of(rate)
        return used(window.times, window.ready, rate, self._tx.now)

    def full(self, rates: Sequence[Rate], *, behind: bool = False) -> Rate | None:
        """The rate that has room last, of those that have none now. `behind`: one that others wait for counts as
        full, though its time may have come: nobody overtakes them."""
        self.load(rates)
        found = [rate for rate in rates if self.free_at(rate) > self._tx.now]
        if behind and not found:
            found = [rate for rate in rates if self._windows[rate.key].wake_at is not None]
        return max(found, key=self.free_at, default=None)

    # ── counting ─────────────────────────────────────────────────────────────────────────────────────

    def take(self, rates: Iterable[Rate]) -> None:
        """A job is ready: it has a place under each."""
        for window in self._each(rates):
            window.ready += 1

    def give_back(self, rates: Iterable[Rate]) -> None:
        """A ready job will not start."""
        for window in self._each(rates):
            window.ready -= 1

    def start(self, rates: Sequence[Rate]) -> None:
        """A ready job starts: its places become starts."""
        self.give_back(rates)
        self.count(rates)
        for rate in rates:
            window = self._windows[rate.key]
            if window.wake_at is None:
                continue
            if self.free_at(rate) == FOREVER:
                # More are ready than its own number allows: who waits has another, and has to look by that.
                self._wake(window, self._tx.now)
            else:
                self.wait(rate)

    def count(self, rates: Iterable[Rate]) -> None:
        """One more, now."""
        for window in self._each(rates):
            window.times.append(self._tx.now)
            window.ends_at = max(window.ends_at, self._tx.now + window.per)

    def wait(self, rate: Rate) -> None:
        """Somebody waits for room. Looking too early harms nobody, so an earlier time stays."""
        window = self._of(rate)
        self._wake(window, min(self.free_at(rate), FOREVER if window.wake_at is None else window.wake_at))

    def handed_on(self, key: str, rate: Rate | None) -> None:
        """The room under a key has been given away. `rate`: that of the next who waits; None: nobody does."""
        self.load([Rate(key, 0, 0.0)])
        self._wake(self._windows[key], None if rate is None else self.free_at(rate))

    @staticmethod
    def _wake(window: _Window, at: int | None) -> None:
        window.changed = window.changed or window.wake_at != at
        window.wake_at = at

    def _each(self, rates: Iterable[Rate]) -> list[_Window]:
        windows = {rate.key: self._of(rate) for rate in rates}
        for window in windows.values():
            window.changed = True
        return [*windows.values()]

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────

    def save(self) -> bool:
        """Write what has changed; whether anything had."""
        changed = {key: window for key, window in self._windows.items() if window.changed}
        if not changed:
            return False
        kept, gone = [], []
        for key, window in changed.items():
            if window.per:
                del window.times[: bisect_right(window.times, self._tx.now - window.per)]
            del window.times[:-MOST]
            if window.times or window.ready or window.wake_at is not None:
                kept.append([key, window.times, window.ready, window.wake_at, window.ends_at])
            else:
                gone.append(key)
            self._announce(window)
            window.changed = False
        if kept:
            self._tx.run(_SQL["set_windows"], kind=self._kind, now=self._tx.now, rows=dump(kept))
        if gone:
            self._tx.run(_SQL["drop_windows"], kind=self._kind, keys=dump(gone))
        return True

    def _announce(self, window: _Window) -> None:
        """Workers that sleep until a later time, or for none, have to hear of an earlier one."""
        known = FOREVER if window.known_wake_at is None else window.known_wake_at
        if window.wake_at is not None and window.wake_at < known:
            self._tx.ready = True
        window.known_wake_at = window.wake_at


def used(times: Sequence[int], ready: int, rate: Rate, now: int) -> int:
    return len(times) - bisect_right(times, now - micros(rate.per)) + ready


def free_at(times: Sequence[int], ready: int, rate: Rate) -> int:
    """When the window has room for one more: as soon as the n-th newest time has left it."""
    counted = rate.at_most - ready
    if counted <= 0:
        return FOREVER
    return times[-counted] + micros(rate.per) if len(times) >= counted else 0


def due_paces(tx: Transaction, limit: int) -> list[str]:
    """Keys under which jobs wait and there may be room now."""
    return tx.rows(_SQL["due_windows"], now=tx.now, limit=limit)
