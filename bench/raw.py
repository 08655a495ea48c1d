"""What streams are compared with: a loop that writes recorded chunks to every connection, as fast as they go.

`python -m bench.raw '{"stream": "FILE", "gate": "FILE", "uvicorn": false}'` prints its port; it begins once the file
`gate` exists. "uvicorn": the same loop as an ASGI application that does nothing else, which is what a stream cannot be
faster than behind that server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, cast

from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from bench.figure import run

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_HERE: Final = b"f\r\n: bench: here\n\n\r\n"


class Connection(asyncio.Protocol):
    def __init__(self, connections: list[Connection]) -> None:
        self._connections = connections
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  whatever it asks for
        self.transport.write(_HEAD + _HERE)
        self._connections.append(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


def chunks(stream: bytes) -> list[bytes]:
    """The chunks of a body as they went over the wire, their frames included."""
    found, at = [], 0
    while at < len(stream):
        line = stream.index(b"\r\n", at)
        end = line + 2 + int(stream[at:line], 16) + 2
        found.append(stream[at:end])
        at = end
    return found


async def serve(stream: str, gate: str, uvicorn: bool) -> None:
    recorded = chunks(Path(stream).read_bytes())  # noqa: ASYNC240  nothing else runs yet
    await (_over_uvicorn if uvicorn else _over_sockets)(recorded, Path(gate))
    await asyncio.Event().wait()


async def _over_sockets(recorded: Sequence[bytes], gate: Path) -> None:
    connections: list[Connection] = []
    server = await asyncio.get_running_loop().create_server(lambda: Connection(connections), "127.0.0.1", 0)
    await _begin(server, gate)
    for chunk in recorded:
        for one in connections:
            if not one.writable.is_set():
                await one.writable.wait()
            one.transport.write(chunk)
        # Some loops send at the end of a turn: else they would make one chunk of all.
        await asyncio.sleep(0)


async def _over_uvicorn(recorded: Sequence[bytes], gate: Path) -> None:
    sends: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  ASGI
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b": bench: here\n\n", "more_body": True})
        sends.append(send)
        await asyncio.Event().wait()

    config = Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    protocol = partial(cast("Callable[..., asyncio.Protocol]", config.http_protocol_class), config, ServerState(), {})
    await _begin(await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0), gate)
    for chunk in recorded:
        body = chunk[chunk.index(b"\r\n") + 2 : -2]
        message = {"type": "http.response.body", "body": body, "more_body": bool(body)}
        for send in sends:
            await send(message)
        await asyncio.sleep(0)


async def _begin(server: asyncio.Server, gate: Path) -> None:
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    while not gate.exists():  # noqa: ASYNC110, ASYNC240  another process makes it
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    run(serve(**json.loads(sys.argv[1])))
