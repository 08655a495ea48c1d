"""Idempotency-Key (IETF draft): the same key and body make one job, however often they are sent.

The store keeps the keys, in the same transaction as the job; so they work across processes and survive restarts.
What it cannot know is a request that is still coming in: `InFlight` does, for this process. Across processes two
such requests both reach the store, where one wins and the other is told so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from accepted.errors import IdempotencyInFlight
from accepted.job import IdempotencyKey
from accepted.secret import Vault
from accepted.task import fingerprint

_PATIENCE: Final = 1.0
"""Seconds that a second request waits for the first."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a request carries, within its scope: owner and route."""

    scope: str
    key: str

    def of_body(self, parts: Iterable[bytes], *, kept: float, vault: Vault | None = None) -> IdempotencyKey:
        """What the store compares; kept for `kept` seconds. `vault`: of a task with secrets, whose hash is keyed, so
        that nobody who reads the store can compare it with guesses."""
        found = fingerprint(*parts) if vault is None else vault.digest(self.scope.encode(), *parts).hex()
        return IdempotencyKey(self.scope, self.key, found, time.time() + kept)


def scope(owner: str, route: str) -> str:
    """Whose key it is and where: the same key of two owners, or at two routes, is two keys."""
    return f"{route}|{owner}"


class InFlight:
    """Keys whose first request is not answered yet."""

    def __init__(self) -> None:
        self._ends: dict[Claim, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def hold(self, claim: Claim) -> AsyncIterator[None]:
        """From reading the body to the commit of the job. Raises IdempotencyInFlight when another request with this
        key is not through within a second."""
        await self._wait(claim)
        end = self._ends[claim] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._ends[claim]
            end.set_result(None)

    async def _wait(self, claim: Claim) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while (first := self._ends.get(claim)) is not None:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not (await asyncio.wait((first,), timeout=left))[0]:
                raise IdempotencyInFlight(claim.key)
