"""What streams are compared with: a loop that writes recorded chunks to every connection, as fast as they go.

`python -m bench.raw '{"stream": "FILE", "gate": "FILE"}'` prints its port; it begins once the file `gate` exists.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final, cast

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


async def serve(stream: str, gate: str) -> None:
    recorded = chunks(Path(stream).read_bytes())  # noqa: ASYNC240  nothing else runs yet
    connections: list[Connection] = []
    server = await asyncio.get_running_loop().create_server(lambda: Connection(connections), "127.0.0.1", 0)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240  another process makes it
        await asyncio.sleep(0.01)
    for chunk in recorded:
        for one in connections:
            if not one.writable.is_set():
                await one.writable.wait()
            one.transport.write(chunk)
        # uvloop sends at the end of a turn of the loop: else it would make one chunk of all.
        await asyncio.sleep(0)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(**json.loads(sys.argv[1])))
