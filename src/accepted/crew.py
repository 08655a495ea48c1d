"""Worker processes beside a server: started again when they die, ended with it."""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

log = logging.getLogger("accepted.serving")

_PAUSE: Final = 0.5
"""Seconds before the first restart; doubled for each further one."""
_PAUSE_MAX: Final = 30.0
_SETTLED: Final = 30.0
"""A process that lived for so many seconds did start well: the pause begins anew."""


class Crew:
    """Keeps `size` processes of `command` running.

    Each has a pipe from here as its standard input and stops when that ends: so they end with the server however it
    ends, kill -9 included. They are in sessions of their own, so that a Ctrl-C in the terminal reaches the server
    alone, which then tells them. `patience`: seconds before one that was told to stop is killed.
    """

    def __init__(self, command: Sequence[str], size: int, *, patience: float) -> None:
        self._command = command
        self._size = size
        self._patience = patience
        self._processes: set[Process] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._keepers = [loop.create_task(self._keep()) for _ in range(self._size)]

    def tell(self) -> None:
        """Tell them to stop; they drain while the server does. Idempotent."""
        if not self._stopping.is_set():
            self._stopping.set()
            for process in self._processes:
                process.terminate()

    async def stop(self) -> None:
        """Returns when all have ended."""
        self.tell()
        if self._keepers:
            _, late = await asyncio.wait(self._keepers, timeout=self._patience)
            if late:
                log.warning("%d worker processes did not stop in %g s and are killed", len(late), self._patience)
                self.kill()
                await asyncio.wait(late)

    def kill(self) -> None:
        """At once. Safe in a signal handler."""
        self._stopping.set()
        for process in list(self._processes):
            with suppress(ProcessLookupError):
                process.kill()

    async def _keep(self) -> None:
        loop, pause = asyncio.get_running_loop(), _PAUSE
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._run()
            if self._stopping.is_set():
                return
            if loop.time() - began > _SETTLED:
                pause = _PAUSE
            log.warning("a worker process ended with code %d; another starts in %g s", code, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _PAUSE_MAX)

    async def _run(self) -> int:
        """One process, from its start to its end."""
        process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, start_new_session=True)
        self._processes.add(process)
        if self._stopping.is_set():
            process.terminate()
        try:
            return await process.wait()
        finally:
            self._processes.discard(process)
