"""A stand-in served on a port of its own, from a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import uvicorn
from starlette.types import ASGIApp

_START_SECONDS = 20.0


class HasApp(Protocol):
    """A stand-in."""

    @property
    def app(self) -> ASGIApp: ...


T = TypeVar("T", bound=HasApp)


class Served(Generic[T]):
    """A stand-in that takes connections from `start` to `close`, or in a `with` block. A port of 0 is a free one."""

    def __init__(self, network: T, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.network = network
        self.url = ""
        """Without a slash at the end."""
        self._host, self._port = host, port
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    def start(self) -> Self:
        """Return when it takes connections. Raises OSError for a port that is in use."""
        self._listening = socket.create_server((self._host, self._port), backlog=128)
        self.url = "http://{}:{}".format(*self._listening.getsockname())
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the stand-in does not start")
        return self

    def close(self) -> None:
        """Stop, and break off what is open. Calling it again does nothing."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join()
            self._listening.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        config = uvicorn.Config(
            self.network.app,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = server = uvicorn.Server(config)

        async def serve() -> None:
            # Connections wait in the socket's queue from here on.
            self._ready.set()
            await server.serve(sockets=[self._listening])

        asyncio.run(serve())
