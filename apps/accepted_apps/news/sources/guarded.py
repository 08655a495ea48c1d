"""The guard for programs that speak httpx2, which the MCP client does: their requests go out by the guarded client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import httpx2

from accepted.guard import AddressPolicy, AddressRefused, guarded_client

_MAX_BYTES = 16 * 2**20
_OF_THE_CONNECTION = (b"host", b"content-length", b"transfer-encoding", b"connection")


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport for `httpx2.AsyncClient` that connects only where the policy permits, and follows no redirect itself.

    refused: the first address that was refused, if one was. too_large: whether all answers together were more than is
    read. The client gets a failed connection in both cases.
    """

    def __init__(self, policy: AddressPolicy, *, timeout: float) -> None:
        self.refused: AddressRefused | None = None
        self.too_large = False
        self._left = _MAX_BYTES
        self._client = guarded_client(policy, timeout=timeout, follow_redirects=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. Raises the errors of httpx2."""
        headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _OF_THE_CONNECTION]
        sent = httpx.Request(request.method, str(request.url), headers=headers, content=await request.aread())
        try:
            response = await self._client.send(sent, stream=True)
        except AddressRefused as refused:
            self.refused = self.refused or refused
            raise httpx2.ConnectError(str(refused), request=request) from refused
        except httpx.HTTPError as error:
            raise _same(error, request) from error
        return httpx2.Response(
            status_code=response.status_code,
            headers=response.headers.raw,
            stream=_Body(self, response, request),
        )

    def take(self, part: bytes) -> bool:
        """Count what came in; False when it is more than is read."""
        self._left -= len(part)
        self.too_large = self.too_large or self._left < 0
        return not self.too_large

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, transport: GuardedTransport, response: httpx.Response, request: httpx2.Request) -> None:
        self._transport = transport
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.aiter_raw():
                if not self._transport.take(part):
                    raise httpx2.ReadError("the answer is too large", request=self._request)
                yield part
        except httpx.HTTPError as error:
            raise _same(error, self._request) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _same(error: httpx.HTTPError, request: httpx2.Request) -> httpx2.HTTPError:
    """The error by the name that httpx2 gives the same one."""
    kind = getattr(httpx2, type(error).__name__, httpx2.TransportError)
    made: httpx2.HTTPError = kind(str(error), request=request)
    return made
