"""A receiver of webhooks: a real HTTP server that keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from helpers import wait_until


@dataclass(frozen=True)
class Received:
    """One request, and when it came in seconds since the epoch."""

    at: float
    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def type(self) -> str:
        found: str = self.event["type"]
        return found


@dataclass
class Answer:
    """`held`: it is not sent before this is set. `stalls`: its body never comes to its end."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    held: asyncio.Event | None = None
    stalls: bool = False


class Receiver:
    """`answers` are used up one by one; then `usual` it is."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self.usual = Answer()
        self.host, self.port = "", 0
        self.connections = 0
        """How many are open."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.received]

    async def got(self, count: int = 1) -> list[Received]:
        """The first `count` requests, once they have come."""
        await wait_until(lambda: len(self.received) >= count, what=f"{count} requests, not {self.types}")
        return self.received[:count]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:-2])}
                body = await reader.readexactly(int(headers["content-length"]))
                self.received.append(Received(time.time(), head[0], headers, body))
                answer = self.answers.pop(0) if self.answers else self.usual
                if answer.held is not None:
                    await answer.held.wait()
                await self._answer(writer, answer)
                if answer.stalls:
                    await reader.read()
        self.connections -= 1
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} Whatever", f"Content-Length: {len(answer.body) + answer.stalls}"]
        if answer.status in (204, 304):
            lines.pop()
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + (b"" if answer.status in (204, 304) else answer.body))
        await writer.drain()


@asynccontextmanager
async def receiving(
    host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(receiver.serve(reader, writer))
        connections.add(serving)
        serving.add_done_callback(connections.discard)
        serving.add_done_callback(lambda _: writer.close())

    server = await asyncio.start_server(connected, host, port, ssl=tls)
    receiver.host, receiver.port = server.sockets[0].getsockname()[:2]
    try:
        yield receiver
    finally:
        server.close()
        for one in list(connections):
            one.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
