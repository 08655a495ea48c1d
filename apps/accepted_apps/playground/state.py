"""What one playground remembers: who asked for what, how often, and which addresses are a proxy's.

All of it belongs to one `State`, so two playgrounds in one process know nothing of each other.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

Address = tuple[str, int]

#: Where the proxies go out from: loopback addresses other than the one a direct client has.
EXIT_ADDRESSES = tuple(f"127.0.0.{last}" for last in range(2, 9))
INTERNAL_ADDRESS = "127.0.0.9"

# Visits are for tests and for a demo that may run for days: keep the recent ones only.
VISITS_KEPT = 10_000


@dataclass
class Visit:
    """One request that the site saw. `ended` is None while the answer is still being sent."""

    client: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None


def _cannot_reset(client: Address) -> None:
    raise ConnectionError(f"this server cannot reset the connection of {client}")


@dataclass
class State:
    """The memory of one playground.

    `internal_urls` are the canaries that nobody may reach; `reset_connection` sends a TCP reset to a client and is
    set by the server, since an ASGI application has no hold of the socket.
    """

    exits: frozenset[str] = frozenset(EXIT_ADDRESSES)
    internal_urls: tuple[str, ...] = (f"http://{INTERNAL_ADDRESS}:9009", "http://127.0.0.1:9009")
    crawl_delay: int | None = None
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    visits: deque[Visit] = field(default_factory=lambda: deque(maxlen=VISITS_KEPT))
    #: Outgoing sockets of proxies that could not bind to their exit address (macOS has 127.0.0.1 only).
    aliases: dict[Address, str] = field(default_factory=dict)
    reset_connection: Callable[[Address], None] = _cannot_reset
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def client_of(self, connection: HTTPConnection) -> str:
        """The address that a request came from, as the site tells its clients apart."""
        if connection.client is None:
            return "unknown"
        host, port = connection.client
        return self.aliases.get((host, port), host)

    def is_proxied(self, connection: HTTPConnection) -> bool:
        """Whether the request came through one of the playground's proxies."""
        return self.client_of(connection) in self.exits

    def count(self, *key: str) -> int:
        """Count one more of `key`; the first is 1."""
        self.counts[key] += 1
        return self.counts[key]

    def forget(self) -> None:
        """Back to the beginning: no visits, no counts."""
        self.counts.clear()
        self.visits.clear()

    async def pause(self, seconds: float) -> None:
        """Wait, but never longer than the site is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    def new_token(self) -> str:
        """A token for a browser challenge, signed so that it need not be remembered."""
        nonce = secrets.token_hex(8)
        return f"{nonce}.{self._signature(nonce)}"

    def is_cleared(self, cookie: str | None) -> bool:
        """Whether a clearance cookie holds a token of this playground and the number that solves it."""
        token, _, answer = (cookie or "").rpartition(".")
        nonce, _, signature = token.partition(".")
        if not answer.isascii() or not hmac.compare_digest(signature.encode(), self._signature(nonce).encode()):
            return False
        return fnv1a(f"{token}.{answer}") & CHALLENGE_MASK == 0

    def _signature(self, nonce: str) -> str:
        return hmac.new(self.key, nonce.encode(), hashlib.sha256).hexdigest()[:16]


#: The bits of the hash that a solved challenge has at zero: about a thousand tries for the browser's script.
CHALLENGE_MASK = 0x3FF


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash, which is four lines of JavaScript as well (assets/clearance.js)."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
