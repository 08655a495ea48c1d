"""One request at a time per host, with a pause in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_KEPT = 10_000


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    users: int = 0


class HostTurns:
    """Hands out turns per host, in the order in which they are asked for; shared by all jobs of a process.

    delay: seconds between the end of one turn and the start of the next. `clock` and `sleep` are for tests.
    """

    def __init__(
        self,
        delay: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._delay = delay
        self._clock = clock
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, *, follow_up: bool = False, delay: float = 0.0) -> AsyncIterator[None]:
        """Hold the host alone. A follow_up (a redirect within one page) waits for a postponement only.

        delay: a longer pause that this host asks for.
        """
        entry = self._hosts.setdefault(host, _Host())
        entry.users += 1
        try:
            async with entry.lock:
                wait = entry.free_at - self._clock()
                if wait > 0 and not (follow_up and wait <= max(self._delay, delay)):
                    await self._sleep(wait)
                try:
                    yield
                finally:
                    entry.free_at = max(entry.free_at, self._clock() + max(self._delay, delay))
        finally:
            entry.users -= 1
            self._forget()

    def postpone(self, host: str, seconds: float) -> None:
        """Let nobody ask the host before this time has passed (Retry-After)."""
        entry = self._hosts.setdefault(host, _Host())
        entry.free_at = max(entry.free_at, self._clock() + seconds)

    def _forget(self) -> None:
        if len(self._hosts) > _KEPT:
            now = self._clock()
            for host in [key for key, entry in self._hosts.items() if not entry.users and entry.free_at <= now]:
                del self._hosts[host]
