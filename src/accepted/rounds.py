"""A service that works in rounds, in a task of its own, for as long as it is started."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from accepted.errors import StoreError

log = logging.getLogger("accepted")


class Rounds:
    """Derive from it and give `once`. Start and stop may be called again; both are for one event loop at a time."""

    def __init__(self, name: str, *, pause: float) -> None:
        """`pause`: seconds until the next round after one that the store could not serve."""
        self._name, self._pause = name, pause
        self._loop: asyncio.Task[None] | None = None

    async def once(self) -> float:
        """One round. Returns the seconds until the next is due. Raises StoreError."""
        raise NotImplementedError

    async def rest(self, seconds: float) -> None:
        """Between two rounds."""
        await asyncio.sleep(seconds)

    def start(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop().create_task(self._run(), name=f"accepted {self._name}")

    async def stop(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None

    async def _run(self) -> None:
        while True:
            try:
                delay = await self.once()
            except StoreError as error:
                log.error("%s: %s", self._name, error, extra={"action": self._name})
                delay = self._pause
            await self.rest(delay)
