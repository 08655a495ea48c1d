"""An httpx client whose every connection, at every redirect, goes to a checked and pinned address."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from .addresses import AddressPolicy, AddressRefused
from .dial import ProxyServer, dial


def guarded_client(
    policy: AddressPolicy,
    *,
    proxy: ProxyServer | str | None = None,
    verify: ssl.SSLContext | None = None,
    http2: bool = False,
    max_connections: int = 20,
    **options: Any,
) -> httpx.AsyncClient:
    """A client that connects only to addresses which the policy permits. The caller closes it.

    URLs, Host headers, TLS names, cookies and redirects keep httpx's meaning; only the connection is judged, so a
    redirect to a private address fails at that hop. Requests raise AddressRefused beside httpx's own errors.

    proxy: the operator's proxy; it is given the checked address, never the name.
    verify: the TLS context for targets; the system's certificates when None.
    options: any other argument of `httpx.AsyncClient` but `transport`, `mounts` and `trust_env`; the environment's
        proxies are never used, because they would look names up themselves.
    """
    server = ProxyServer.parse(proxy) if isinstance(proxy, str) else proxy
    transport = _GuardedTransport(policy, server, verify, http2=http2, max_connections=max_connections)
    return httpx.AsyncClient(transport=transport, trust_env=False, **options)


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, policy: AddressPolicy, proxy: ProxyServer | None) -> None:
        self._policy = policy
        self._proxy = proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - of httpcore's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - of httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        return await dial(self._policy, host, port, proxy=self._proxy, timeout=timeout)

    async def sleep(self, seconds: float) -> None:
        await httpcore.AnyIOBackend().sleep(seconds)


class _GuardedTransport(httpx.AsyncBaseTransport):
    """httpx's own transport takes no network backend; this one is built on httpcore's public API alone.

    So a change inside httpx cannot silently take the guard away.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        proxy: ProxyServer | None,
        verify: ssl.SSLContext | None,
        *,
        http2: bool,
        max_connections: int,
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=verify or ssl.create_default_context(),
            max_connections=max_connections,
            keepalive_expiry=5.0,
            http2=http2,
            network_backend=_GuardedBackend(policy, proxy),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        core_request = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            with _httpx_errors(request):
                response = await self._pool.handle_async_request(core_request)
        except AddressRefused as refused:
            raise AddressRefused(refused.host, refused.address, refused.reason, url=str(request.url)) from None
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors(self._request):
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _httpx_errors(request: httpx.Request) -> Iterator[None]:
    """httpcore's exceptions under the names that httpx gives the same ones."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.ProxyError) as error:
        same = getattr(httpx, type(error).__name__)
        raise same(str(error), request=request) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
