"""What a whole server answers about itself: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`,
`/asyncapi.json`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json
from starlette.responses import Response

from accepted.errors import Forbidden, Unavailable
from accepted.http import asyncapi, metrics
from accepted.http.openapi import document
from accepted.http.resource import Call, Resource

if TYPE_CHECKING:
    from accepted.jobs import Jobs

_OK: Final = b'{"status":"ok"}'
_PATIENCE: Final = 2.0
"""Seconds within which a store that is ready answers."""


class Service:
    """Health needs no identity, for load balancers have none; metrics are for administrators."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.resources: Sequence[Resource] = (
            Resource("/healthz", GET=self.health),
            Resource("/readyz", GET=self.ready),
            Resource("/metrics", GET=self.metrics),
            Resource("/openapi.json", GET=self.openapi),
            Resource("/asyncapi.json", GET=self.asyncapi),
        )

    async def health(self, call: Call) -> Response:  # noqa: ARG002  a handler
        """200 while the process lives."""
        return _answer(_OK)

    async def ready(self, call: Call) -> Response:  # noqa: ARG002  a handler
        """200 while requests can be served. Raises Unavailable while starting, stopping, or without the store."""
        if not self._jobs.started:
            raise Unavailable("This server is starting or stopping.")
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._jobs.store.oldest_pending()
        except TimeoutError:
            raise Unavailable("The store does not answer.") from None
        return _answer(_OK)

    async def metrics(self, call: Call) -> Response:
        """Raises Forbidden: how busy a service is, is its operator's business."""
        identity = await self._jobs.access.identify(call)
        self._jobs.access.full(identity)
        if not identity.admin:
            raise Forbidden("Metrics are for administrators.")
        return _answer(await metrics.render(self._jobs), metrics.MEDIA_TYPE)

    async def openapi(self, call: Call) -> Response:
        """The document of this API as the client reaches it."""
        return _answer(to_json(document(self._jobs, server=call.links.base)))

    async def asyncapi(self, call: Call) -> Response:
        """The document of streams, sockets and webhooks, as the client reaches them."""
        return _answer(to_json(asyncapi.document(self._jobs, server=call.links.base)))


def _answer(body: bytes, media_type: str = "application/json") -> Response:
    return Response(body, 200, {"Cache-Control": "no-store"}, media_type)
