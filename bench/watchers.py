"""Many watchers of one job in one process: raw sockets that keep up with a fast server.

`python -m bench.watchers '{"port": …, "job": "…", "watchers": 200, "transport": "sse", "folder": "…", "record": true}'`
creates the file `ready` in the folder when all of them follow, and prints a line of JSON when all were told the end.
"record" also writes the file `stream`: what the first of them received after that moment.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from bench.figure import percentile, run

_EVENT: Final = re.compile(
    rb'"seq":(\d+),"at":"([^"]+)".*?"kind":"(\w+)"(?:,"data":\{"value":\{"t":([0-9.]+))?', re.DOTALL
)
_SSE: Final = "GET /v1/jobs/{job}/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n"
_UPGRADE: Final = (
    "GET /v1/ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
)


@lru_cache(maxsize=1024)
def read_event(text: bytes) -> tuple[int, float, bytes, float]:
    """Number, time of the commit, kind, and the time that it was emitted (0: not by the ticker). All watchers receive
    the same bytes, so each is read once."""
    found = _EVENT.search(text)
    if found is None:
        return 0, 0.0, b"", 0.0
    at = datetime.fromisoformat(found[2].decode()).timestamp()
    return int(found[1]), at, found[3], float(found[4] or 0)


class Watcher(asyncio.Protocol):
    """One connection. `heard` is called with every piece that holds events; `over` when it was told the end."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._rest = b""
        self.following = False
        self.received = 0
        self.seen = 0
        """The last number; None was left out before it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.greet()

    def greet(self) -> None:
        self.transport.write(_SSE.format(job=self._audience.job).encode())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.received += len(data)
        if self._audience.record is not None:
            self._audience.count(self, data, now)
            return
        *pieces, self._rest = (self._rest + data).split(b"\n\n")
        for piece in pieces:
            self.event(piece[piece.find(b"event: ") :], now)

    def event(self, text: bytes, now: float) -> None:
        self._audience.heard(self, read_event(text), now)


class SocketWatcher(Watcher):
    """The same over WebSocket."""

    def greet(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(_UPGRADE.format(key=key).encode())
        self._open = False

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._rest += data
        if not self._open:
            head, found, self._rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._open = True
            self._send({"action": "subscribe", "job_id": self._audience.job, "after": 0})
        while (frame := self._frame()) is not None:
            self.event(frame, now)

    def _send(self, message: dict[str, object]) -> None:
        text = json.dumps(message).encode()
        # Masked with zeros: the mask is for proxies, and there is none.
        self.transport.write(bytes((0x81, 0x80 | 126)) + len(text).to_bytes(2) + bytes(4) + text)

    def _frame(self) -> bytes | None:
        rest = self._rest
        if len(rest) < 4:
            return None
        length, start = rest[1], 2
        if length == 126:
            length, start = int.from_bytes(rest[2:4]), 4
        if len(rest) < start + length:
            return None
        text, self._rest = rest[start : start + length], rest[start + length :]
        return text


class Countdown:
    def __init__(self, left: int) -> None:
        self._left = left
        self.zero = asyncio.Event()

    def one(self) -> None:
        self._left -= 1
        if not self._left:
            self.zero.set()


class Audience:
    """All of them."""

    def __init__(self, *, job: str, watchers: int, transport: str, record: bool) -> None:
        self.job = job
        self.record = bytearray() if record else None
        self._kind: Callable[[Audience], Watcher] = Watcher if transport == "sse" else SocketWatcher
        self._watchers = watchers
        self._first: Watcher | None = None
        self._following = Countdown(watchers)
        self.over = Countdown(watchers)
        self.lags: list[float] = []
        self.commit_lags: list[float] = []
        self.lost = 0
        self.began = self.ended = 0.0
        self.counting = False

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._watchers):
            _, made = await loop.create_connection(lambda: self._kind(self), "127.0.0.1", port)
            self._first = self._first or made
        await self._following.zero.wait()
        self.counting = True

    def count(self, watcher: Watcher, data: bytes, now: float) -> None:
        """Pieces of a stream whose content nobody looks at here."""
        if not watcher.following:
            watcher.following = b'"kind":"running"' in data or b"bench: here" in data
            if watcher.following:
                self._following.one()
        elif self.counting:
            self.began = self.began or now
            self.ended = now
            if watcher is self._first and self.record is not None:
                self.record += data
            if data.endswith(b"0\r\n\r\n"):
                self.over.one()

    def heard(self, watcher: Watcher, event: tuple[int, float, bytes, float], now: float) -> None:
        seq, at, kind, emitted = event
        if not seq:
            return
        if not watcher.following:
            watcher.following = True
            self._following.one()
        self.lost += seq != watcher.seen + 1
        watcher.seen = seq
        if self.counting and emitted > self.began:
            self.lags.append((now - emitted) * 1000)
            self.commit_lags.append((now - at) * 1000)
        if kind == b"completed":
            self.over.one()


async def watch(
    port: int, job: str, watchers: int, transport: str, folder: str, record: bool = False
) -> dict[str, float]:
    audience = Audience(job=job, watchers=watchers, transport=transport, record=record)
    await audience.connect(port)
    if not record:
        audience.began = time.time()
    ready = Path(folder) / "ready"
    ready.touch()
    cpu = time.process_time()
    await audience.over.zero.wait()
    cpu = time.process_time() - cpu
    if audience.record is not None:
        (Path(folder) / "stream").write_bytes(audience.record)
        return {"began": audience.began, "ended": audience.ended, "cpu": cpu}
    return {
        "p50_ms": percentile(audience.lags, 50),
        "p99_ms": percentile(audience.lags, 99),
        "commit_p50_ms": percentile(audience.commit_lags, 50),
        "commit_p99_ms": percentile(audience.commit_lags, 99),
        "events": len(audience.lags),
        "lost": audience.lost,
        "cpu": cpu,
    }


if __name__ == "__main__":
    print(json.dumps(run(watch(**json.loads(sys.argv[1])))))
