"""The same work asked for several times at once is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    passengers: int = 0


class Flights(Generic[T]):
    """Whoever asks for a key that is under way waits for it and gets the same answer, or the same error.

    One that is cancelled leaves the others their answer; when the last has left, the work is cancelled, and has ended
    when that one's cancellation goes on.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def join(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The answer for a key; `work` is called where nobody has begun it."""
        flight = self._flights.get(key)
        if flight is None or flight.task.done():
            flight = self._flights[key] = _Flight(asyncio.ensure_future(_run(work)))
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                await _ended(flight.task)

    async def close(self) -> None:
        """Cancel what is under way; its passengers are cancelled too."""
        for flight in list(self._flights.values()):
            await _ended(flight.task)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


async def _ended(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # told to the passengers, or to nobody any more
