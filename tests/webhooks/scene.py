"""A service with a receiver, and what every test of webhooks says to both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from helpers import wait_until
from http_api.serving import Api, started
from webhooks.receiver import Receiver

AT_ONCE = (0.0,)
"""Pauses between tries, in seconds."""
LONG = (600.0,)


class Scene:
    """`ann` is a client of the service. Her webhook is made by `register`."""

    def __init__(self, api: Api, ann: httpx.AsyncClient, receiver: Receiver) -> None:
        self.api, self.ann, self.receiver = api, ann, receiver

    async def register(self, client: httpx.AsyncClient | None = None, **members: Any) -> dict[str, Any]:
        """The new webhook, with its secret."""
        answer = await (client or self.ann).post("/v1/webhooks", json={"url": self.receiver.url, **members})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def webhook(self, webhook: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ann.get(webhook["links"]["self"])).json()
        return found

    async def deliveries(self, webhook: dict[str, Any]) -> list[dict[str, Any]]:
        """Its log, newest first."""
        answer = await self.ann.get(webhook["links"]["deliveries"])
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    async def delivery(self, webhook: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        """The newest delivery, once it has these members."""

        async def fits() -> dict[str, Any] | None:
            log = await self.deliveries(webhook)
            return log[0] if log and all(log[0][name] == value for name, value in wanted.items()) else None

        found: dict[str, Any] = await wait_until(fits, what=f"a delivery with {wanted}")
        return found

    async def tried(self, webhook: dict[str, Any], tries: int) -> dict[str, Any]:
        """The newest delivery, once it waits after so many tries."""

        async def has() -> dict[str, Any] | None:
            log = await self.deliveries(webhook)
            waits = log and len(log[0]["attempts"]) == tries and log[0]["next_at"] is not None
            return log[0] if waits else None

        found: dict[str, Any] = await wait_until(has, what=f"a delivery that waits after {tries} tries")
        return found


@asynccontextmanager
async def scene(
    receiver: Receiver, *, pauses: tuple[float, ...] | None = AT_ONCE, **settings: Any
) -> AsyncIterator[Scene]:
    """`pauses` None: the real ones."""
    allowed = {"webhook_allow": (f"{receiver.host}:{receiver.port}",), **settings}
    async with started(**allowed) as api, api.client("ann") as ann:
        if pauses is not None:
            api.jobs.deliveries.pauses = pauses
        yield Scene(api, ann, receiver)
