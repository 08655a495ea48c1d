"""The pool of forward proxies: rotation, health, and a cool-down per proxy and host."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from accepted.guard import ProxyServer


@dataclass(slots=True)
class _Health:
    server: ProxyServer
    failures: int = 0
    """Failures in a row, over all hosts."""
    used: int = 0
    """Number of the pick that used it last; the least recent goes first."""
    strikes: dict[str, int] = field(default_factory=dict)
    resting: dict[str, float] = field(default_factory=dict)


class ProxyPool:
    """Picks the proxy that has failed least and rested longest, never one that is cooling down for the host.

    urls: http://, https:// or socks5:// with optional credentials; ValueError (without the URL) otherwise.
    cooldown, cooldown_max: seconds; the pause doubles with each failure in a row for the same host.
    """

    def __init__(
        self,
        urls: Iterable[str],
        *,
        cooldown: float = 30.0,
        cooldown_max: float = 1800.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proxies = {server: _Health(server) for server in map(ProxyServer.parse, urls)}
        self._cooldown = cooldown
        self._cooldown_max = cooldown_max
        self._clock = clock
        self._picks = 0

    def __len__(self) -> int:
        return len(self._proxies)

    def pick(self, host: str, *, tried: Collection[ProxyServer] = ()) -> ProxyServer | None:
        """The next proxy for a host but those tried; None while all others are cooling down for it."""
        now = self._clock()
        free = [
            health
            for server, health in self._proxies.items()
            if server not in tried and health.resting.get(host, 0.0) <= now
        ]
        if not free:
            return None
        best = min(free, key=lambda health: (health.failures, health.used))
        self._picks += 1
        best.used = self._picks
        return best.server

    def succeeded(self, server: ProxyServer, host: str) -> None:
        """The proxy brought a page of the host."""
        health = self._proxies[server]
        health.failures = 0
        health.strikes.pop(host, None)
        health.resting.pop(host, None)

    def blocked(self, server: ProxyServer, host: str) -> None:
        """The host turned the proxy away: the proxy is well, but has to rest for this host."""
        self._rest(self._proxies[server], host)

    def failed(self, server: ProxyServer, host: str) -> None:
        """The proxy itself did not work."""
        health = self._proxies[server]
        health.failures += 1
        self._rest(health, host)

    def _rest(self, health: _Health, host: str) -> None:
        now = self._clock()
        health.resting = {name: until for name, until in health.resting.items() if until > now - self._cooldown_max}
        health.strikes = {name: count for name, count in health.strikes.items() if name in health.resting}
        strikes = health.strikes.get(host, 0)
        health.strikes[host] = strikes + 1
        # The exponent is bounded because a float is.
        health.resting[host] = now + min(self._cooldown * 2 ** min(strikes, 30), self._cooldown_max)
