"""How fast an account asks Instagram: by Instaloader's own limits, for all jobs of the process together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

import instaloader

from accepted_apps.profiles.pacing import Pacing

from .instagram_wire import Wire

NETWORK: Final = "Instagram"
OWN_PACE: Final = "The pace that Instagram allows an account"


class AccountPace:
    """What one account, or one address without an account, has asked for lately. For any thread.

    factor: how much faster than the library's limits. gap: seconds between the starts of two requests.
    """

    def __init__(self, factor: float, gap: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._factor = factor
        self._gap = gap
        self._clock = clock
        self._limits: Any = instaloader.RateController(None)  # type: ignore[arg-type]  # it needs its context to talk
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._paused_until = 0.0

    def take(self, kind: str) -> tuple[float, str]:
        """Seconds to wait before a request of this kind, and who asks for that. 0: it may start now, and counts."""
        with self._lock:
            now = self._clock()
            if self._paused_until > now:
                return self._paused_until - now, NETWORK
            if wait := self._allowed_in(kind, now):
                return wait, OWN_PACE
            if self._next_at > now:
                return self._next_at - now, ""
            self._next_at = now + self._gap
            self._asked_at(kind).append(self._scaled(now))
            return 0.0, ""

    def refused(self, kind: str, retry_after: float | None) -> None:
        """Instagram has answered 429: nobody asks before it allows that, or before the library would ask again."""
        with self._lock:
            now = self._clock()
            # The request that was refused counts from now: it may have been under way for longer than the window.
            self._asked_at(kind)[-1:] = [self._scaled(now)]
            wait = retry_after if retry_after is not None else self._allowed_in(kind, now, refused=True)
            self._paused_until = max(self._paused_until, now + wait)

    @property
    def pause(self) -> float:
        """Seconds that are left of a pause that Instagram has asked for."""
        return max(0.0, self._paused_until - self._clock())

    def _asked_at(self, kind: str) -> list[float]:
        times: list[float] = self._limits._query_timestamps.setdefault(kind, [])
        return times

    def _allowed_in(self, kind: str, now: float, *, refused: bool = False) -> float:
        return float(self._limits.query_waittime(kind, self._scaled(now), refused)) / self._factor

    def _scaled(self, now: float) -> float:
        """The library's limits are windows of time: for them time goes faster."""
        return now * self._factor


class Controller(instaloader.RateController):
    """What a context of the library asks before each request, in its thread; it never sleeps by itself."""

    def __init__(self, pace: AccountPace, pacing: Pacing, wire: Wire) -> None:
        self._pace = pace
        self._pacing = pacing
        self._wire = wire

    def wait_before_query(self, query_type: str) -> None:
        """Wait for the pace, and show it. Raises Cancelled, and RateLimited where the wait is too long for a worker."""
        while True:
            self._pacing.check()
            self._wire.check()
            seconds, who = self._pace.take(query_type)
            if not seconds:
                return
            if who:
                self._pacing.sync_wait(seconds, who, stopped=self._wire.stopped)
            else:
                self._wire.pause(seconds)

    def handle_429(self, query_type: str) -> None:
        """The next request waits, of all jobs with this account."""
        self._pace.refused(query_type, self._wire.retry_after)
