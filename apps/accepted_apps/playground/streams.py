"""A TCP server on asyncio streams that ends its connections when it is closed."""

import asyncio
import socket
from abc import ABC, abstractmethod
from contextlib import suppress

BROKEN_OFF = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class StreamServer(ABC):
    """Base of the proxies and the canary. `close` leaves no task and no socket behind."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.address = ("", 0)

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; it is closed on return."""

    async def start(self, host: str, port: int = 0) -> None:
        """Listen; port 0 takes a free one, found in `address` afterwards."""
        self._server = await asyncio.start_server(self._connected, host, port, family=socket.AF_INET)
        self.address = self._server.sockets[0].getsockname()

    async def close(self) -> None:
        """Stop listening and break off every open connection."""
        self._closing.set()
        if self._server is not None:
            self._server.close()
        # Aborting wakes the handlers, which then end by themselves: a cancelled one would be logged as an error.
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    def adopt(self, writer: asyncio.StreamWriter) -> None:
        """Have a further connection, opened by a handler, end with this server."""
        self._writers.add(writer)
        if self._closing.is_set():
            writer.transport.abort()

    async def dismiss(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection."""
        self._writers.discard(writer)
        writer.close()
        with suppress(*BROKEN_OFF):
            await writer.wait_closed()

    async def pause(self, seconds: float) -> None:
        """Wait, but never longer than this server is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine always runs in a task
        self._tasks.add(task)
        self.adopt(writer)
        try:
            # A peer that talks nonsense (ValueError, from parsing it) is hung up on.
            with suppress(*BROKEN_OFF, ValueError):
                await self.serve(reader, writer)
        finally:
            await self.dismiss(writer)
            self._tasks.discard(task)
