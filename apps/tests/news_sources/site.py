"""A small real web site on loopback that answers by a script, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from accepted_apps.playground.streams import BROKEN_OFF, StreamServer


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Said:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] | None = None


Route = Said | Callable[[Asked], Said | Awaitable[Said]]


def said(body: str | bytes = b"", status: int = 200, **headers: str) -> Said:
    """An answer; header names are written with underscores."""
    fields = {"content_type": "text/html; charset=utf-8"} | headers
    data = body.encode() if isinstance(body, str) else body
    return Said(data, status, {name.replace("_", "-"): value for name, value in fields.items() if value})


class Site(StreamServer):
    """Routes by path and query; `asked` are the requests in their order, `open` the connections that there are now."""

    def __init__(self, routes: Mapping[str, Route] | None = None) -> None:
        super().__init__()
        self.routes: dict[str, Route] = dict(routes or {})
        self.asked: list[Asked] = []
        self.open = 0

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    @property
    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    async def __aenter__(self) -> Self:
        await self.start("127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            fields = (line.partition(":") for line in lines)
            asked = Asked(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in fields})
            self.asked.append(asked)
            answer = asyncio.create_task(self._answer(asked))
            gone = asyncio.create_task(reader.read())
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            for task in (answer, gone):
                if not task.done():
                    task.cancel()
            if answer.done():
                _write(writer, answer.result())
                await writer.drain()
        except BROKEN_OFF:
            pass
        finally:
            self.open -= 1

    async def _answer(self, asked: Asked) -> Said:
        route = self.routes.get(asked.path, said("<h1>Not found</h1>", 404))
        if isinstance(route, Said):
            return route
        result = route(asked)
        return await result if inspect.isawaitable(result) else result


def _write(writer: asyncio.StreamWriter, answer: Said) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (answer.headers or {}).items())
    head = f"HTTP/1.1 {answer.status} X\r\n{lines}Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode("latin-1") + answer.body)
