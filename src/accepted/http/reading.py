"""Reading a request's body with bounds: how much may come, and how slowly."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Generator
from typing import Any, Final

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from accepted.errors import BadRequest, InvalidInput, PayloadTooLarge, UnsupportedMediaType
from accepted.http.negotiation import media_type
from accepted.http.problems import BodyTooSlow

_PATIENCE: Final = 30.0
"""Seconds that any body may take."""
_SLOWEST: Final = 8 * 1024
"""Bytes a second that a body has to come at beyond that."""
_BLANK: Final = b" \t\r\n"
"""What JSON takes for white space, which is less than Python does (RFC 8259, section 2)."""


async def chunks(request: Request, limit: int, what: str) -> AsyncIterator[bytes]:
    """The body as it comes, `limit` bytes at most. Raises PayloadTooLarge (before anything is read where the length
    was declared), BodyTooSlow, ClientDisconnect."""
    check_length(request, limit, what)
    loop, received, more = asyncio.get_running_loop(), 0, True
    deadline = loop.time() + _PATIENCE
    while more:
        try:
            async with asyncio.timeout_at(deadline + received / _SLOWEST):
                chunk, more = await _next(request)
        except TimeoutError:
            raise BodyTooSlow from None
        received += len(chunk)
        if received > limit:
            raise PayloadTooLarge(what, limit)
        if chunk:
            yield chunk


async def read_json(request: Request, limit: int) -> bytes:
    """The whole body, which says that it is JSON; b"" when there is none. Raises UnsupportedMediaType and what
    `chunks` raises. Not on `chunks`, for it is what every submission runs through: no generator, and a timer only where
    the body is not there with its head."""
    length = check_length(request, limit, "the body")
    waiting = Begun(request.receive())
    if waiting.there:
        body, more = _piece(waiting.value)
    else:
        body, more = b"", True
    if more:
        try:
            async with asyncio.timeout(_PATIENCE + length / _SLOWEST):
                if not waiting.there:
                    body, more = _piece(await waiting)
                if more:
                    body = await _rest(request, bytearray(body), limit)
        except TimeoutError:
            raise BodyTooSlow from None
    if len(body) > limit:
        raise PayloadTooLarge("the body", limit)
    if body and not is_json(request.headers.get("content-type")):
        raise UnsupportedMediaType("Send application/json.")
    return body


class Begun:
    """A message of the client's, asked for at once: where it is there already (`there`, `value`), nobody has to wait,
    or to set a timer. Else await it, in the coroutine that made it and before anything else."""

    def __init__(self, receiving: Awaitable[Message]) -> None:
        self.there = False
        self.value: Message = {}
        self._steps = receiving.__await__()
        try:
            self._step = next(self._steps)
        except StopIteration as answer:
            self.there, self.value = True, answer.value

    def __await__(self) -> Generator[Any, Any, Message]:
        """Goes on behind the first step, as `yield from` would have."""
        step = self._step
        while True:
            try:
                yield step
            except BaseException as error:  # a cancellation
                going_on = functools.partial(self._steps.throw, error)
            else:
                going_on = functools.partial(next, self._steps)
            try:
                step = going_on()
            except StopIteration as answer:
                message: Message = answer.value
                return message


def check_length(request: Request, limit: int, what: str) -> int:
    """How long the body may be: as long as declared, else `limit`. Raises PayloadTooLarge."""
    declared = request.headers.get("content-length")
    if declared is None or not declared.isdecimal():
        return limit
    if len(declared) > 18 or int(declared) > limit:
        raise PayloadTooLarge(what, limit)
    return int(declared)


async def _rest(request: Request, body: bytearray, limit: int) -> bytes:
    more = True
    while more and len(body) <= limit:
        chunk, more = await _next(request)
        body += chunk
    return bytes(body)


async def _next(request: Request) -> tuple[bytes, bool]:
    return _piece(await request.receive())


def _piece(message: Message) -> tuple[bytes, bool]:
    """A piece of the body, and whether there is more. Raises ClientDisconnect."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def read_object(request: Request, limit: int, *known: str) -> dict[str, Any]:
    """The members of a small JSON object that may be left out altogether. Raises BadRequest when it is no JSON,
    InvalidInput when it is no object or has other members than `known`."""
    body = await read_json(request, limit)
    if not body.strip(_BLANK):
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
