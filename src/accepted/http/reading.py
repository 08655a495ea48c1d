"""Reading a request's body with bounds: how much may come, and how slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from accepted.errors import BadRequest, InvalidInput, PayloadTooLarge, UnsupportedMediaType
from accepted.http.negotiation import media_type
from accepted.http.problems import BodyTooSlow

_PATIENCE: Final = 30.0
"""Seconds that any body may take, and the longest silence within one."""
_SLOWEST: Final = 8 * 1024
"""Bytes a second that a body has to come at after that."""


async def chunks(request: Request, limit: int, what: str) -> AsyncIterator[bytes]:
    """The body as it comes, `limit` bytes at most. Raises PayloadTooLarge (before anything is read where the length
    was declared), BodyTooSlow, BadRequest, ClientDisconnect."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdecimal() and int(declared[:20]) > limit:
        raise PayloadTooLarge(what, limit)
    loop, receive, received = asyncio.get_running_loop(), request.receive, 0
    began = loop.time()
    while True:
        now = loop.time()
        if now > began + _PATIENCE + received / _SLOWEST:
            raise BodyTooSlow
        try:
            async with asyncio.timeout_at(now + _PATIENCE):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        received += len(chunk)
        if received > limit:
            raise PayloadTooLarge(what, limit)
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def read_json(request: Request, limit: int) -> bytes:
    """The whole body, which says that it is JSON; b"" when there is none. Raises UnsupportedMediaType and what
    `chunks` raises."""
    body = b"".join([chunk async for chunk in chunks(request, limit, "the body")])
    if body and not is_json(request.headers.get("content-type")):
        raise UnsupportedMediaType("Send application/json.")
    return body


async def read_object(request: Request, limit: int, *known: str) -> dict[str, Any]:
    """The members of a small JSON object that may be left out altogether. Raises BadRequest when it is no JSON,
    InvalidInput when it is no object or has other members than `known`."""
    body = await read_json(request, limit)
    if not body.strip():
        return {}
    value = parse(body)
    if not isinstance(value, dict):
        raise InvalidInput([{"detail": "expected an object", "pointer": "#"}])
    for name in value:
        if name not in known:
            raise InvalidInput([{"detail": f"unknown; known: {', '.join(known)}", "pointer": f"#/{name}"}])
    return value


def parse(body: bytes) -> Any:
    """JSON to Python. Raises BadRequest."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None


def is_json(content_type: str | None) -> bool:
    kind = media_type(content_type)
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
