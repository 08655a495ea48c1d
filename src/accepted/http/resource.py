"""One path of the API as an ASGI application: a handler for each method, and every error a problem object.

Errors are turned into answers here, not by handlers registered on an application, so that the routes behave the
same inside any host application.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar, overload

from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from accepted.errors import AcceptedError
from accepted.http.links import Links, links_here
from accepted.http.problems import MethodNotAllowed, TwoLengths, problem_response, unexpected
from accepted.job import JSON

log = logging.getLogger("accepted.http")

T = TypeVar("T")
Handler = Callable[["Call"], Awaitable[Response]]


class IndexedHeaders(Headers):
    """Starlette's look through the whole list each time, and a request to us is asked for a dozen of them."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        # Of a header that comes twice the first counts, as in the class above.
        self._index = dict(reversed(raw))

    def __getitem__(self, key: str) -> str:
        return self._index[_on_the_wire(key)].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._index)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and _on_the_wire(key) in self._index

    @overload
    def get(self, key: str, /) -> str | None: ...

    @overload
    def get(self, key: str, default: str | T, /) -> str | T: ...

    def get(self, key: str, default: Any = None, /) -> Any:
        value = self._index.get(_on_the_wire(key))
        return default if value is None else value.decode("latin-1")


@lru_cache(maxsize=256)
def _on_the_wire(name: str) -> bytes:
    """We ask for the same few names all day."""
    return name.lower().encode("latin-1")


class Ready(Response):
    """An answer of JSON, or without a body, whose headers are encoded once: most are the same each time."""

    def __init__(self, body: bytes | None, status: int, headers: Mapping[str, str]) -> None:
        self.status_code, self.body, self.background = status, body or b"", None
        self.raw_headers = [_header(name, value) for name, value in headers.items()]
        if body is not None:
            self.raw_headers.append((b"content-length", b"%d" % len(body)))
            self.raw_headers.append((b"content-type", b"application/json"))


@lru_cache(maxsize=1024)
def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")


class Call(Request):
    """A request to one of the API's own routes. `received`: when it came, by the loop's clock, in seconds."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, links: Links) -> None:
        super().__init__(scope, receive, send)
        self.links = links
        self.received = asyncio.get_running_loop().time()
        self._indexed = IndexedHeaders(list(scope["headers"]))

    @property
    def headers(self) -> Headers:
        return self._indexed

    @property
    def job_id(self) -> str:
        """From the path."""
        job_id: str = self.scope["path_params"]["job_id"]
        return job_id


class Resource:
    """`path` is below the API's base, such as "/jobs/{job_id}"; `handlers` are by method, GET answers HEAD too."""

    def __init__(self, path: str, **handlers: Handler) -> None:
        self.path = path
        self._depth = path.count("/")
        self._handlers: Final = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self.methods = sorted(self._handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(scope, receive, send, links_here(scope, self._depth))
        try:
            response = await self._answer(call)
        except ClientDisconnect:
            # Nobody is left to be answered. What was submitted before goes on.
            return
        await response(scope, receive, send)

    async def _answer(self, call: Call) -> Response:
        try:
            handler = self._handlers.get(call.method)
            if handler is None:
                raise MethodNotAllowed(call.method, self.methods)
            if "transfer-encoding" in call.headers and "content-length" in call.headers:
                raise TwoLengths
            return await handler(call)
        except (ClientDisconnect, HTTPException):
            # An HTTPException is the host application's own: of its authenticator, of its limit on bodies.
            raise
        except AcceptedError as error:
            if error.status >= 500:
                log.warning("%s %s: %s", call.method, self.path, error, extra={"action": "refuse"}, exc_info=error)
            return problem_response(error)
        except Exception:
            log.exception("%s %s", call.method, self.path, extra={"action": "crash"})
            return problem_response(unexpected())


def json_answer(value: JSON, status: int = 200, **headers: str) -> Response:
    """What most handlers answer. Never kept by a cache: it holds tokens, secrets, or what changes any moment."""
    body = to_json(value, inf_nan_mode="null")
    return Response(body, status, {"Cache-Control": "no-store", **headers}, media_type="application/json")
