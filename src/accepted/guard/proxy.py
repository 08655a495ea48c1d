"""A forward proxy on loopback that judges and pins every connection, for programs that fetch on their own.

A browser loads frames, scripts, WebSockets and redirects without asking; pointed at this proxy, it has no other way
out, and each of those goes through the same policy as every other request.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import secrets
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import httpcore

from .addresses import AddressPolicy, AddressRefused
from .dial import ProxyServer, dial

_MAX_HEAD = 64 * 1024
_CHUNK = 64 * 1024
_MAX_REFUSALS = 100
# Of one connection only (RFC 9110, 7.6.1), or meant for this proxy.
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One connection that the policy refused: what was asked for, and where it would have gone."""

    host: str
    port: int
    address: str | None
    reason: str


class _Rejected(Exception):
    """Answer the client with this status and text, and close."""

    def __init__(self, status: str, text: str, header: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.header = header


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class GuardingProxy:
    """An HTTP proxy on 127.0.0.1 with an ephemeral port; an async context manager that owns its connections.

    It takes CONNECT and absolute-form http requests, upgrades included. Each instance has a random user name and
    password, so no other process of the machine can use it. A refused connection is answered with 403 and a reason,
    and recorded in `refusals` (the first 100).

    upstream: the operator's proxy to go through; it is given checked addresses only.
    max_connections: open at one time; one more is answered 503.
    max_bytes: what all answers together may have; then every connection is closed and `exceeded` is true.
    connect_timeout: seconds for look-up and connection. lifetime: seconds that one connection may last.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        upstream: ProxyServer | None = None,
        max_connections: int = 128,
        max_bytes: int | None = None,
        connect_timeout: float = 15.0,
        lifetime: float = 300.0,
    ) -> None:
        self._policy = policy
        self._upstream = upstream
        self._max_connections = max_connections
        self._max_bytes = max_bytes
        self._connect_timeout = connect_timeout
        self._lifetime = lifetime
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.username = secrets.token_urlsafe(8)
        self.password = secrets.token_urlsafe(24)
        self.refusals: list[Refusal] = []
        self.received = 0
        self.exceeded = False

    @property
    def url(self) -> str:
        """Where it listens, without the credentials. RuntimeError outside the context."""
        if self._server is None:
            raise RuntimeError("The proxy is not running; use it as `async with GuardingProxy(...)`.")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self._hang_up()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def _hang_up(self) -> None:
        current = asyncio.current_task()
        for task in self._clients:
            if task is not current:
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this callback as a task
        self._clients.add(task)
        try:
            async with asyncio.timeout(self._lifetime):
                await self._answer(reader, writer)
        except (TimeoutError, OSError, httpcore.NetworkError, httpcore.TimeoutException, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._clients.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._clients) > self._max_connections or self.exceeded:
                raise _Rejected("503 Service Unavailable", "Too many connections, or too much data.")
            head = await _read_head(reader)
            self._authenticate(head)
            await self._forward(head, reader, writer)
        except _Rejected as rejected:
            body = f"{rejected.text}\n".encode()
            writer.write(
                f"HTTP/1.1 {rejected.status}\r\nContent-Type: text/plain; charset=utf-8\r\n{rejected.header}"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode("latin-1")
                + body
            )
            await writer.drain()

    def _authenticate(self, head: _Head) -> None:
        expected = "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        given = head.get("proxy-authorization") or ""
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise _Rejected(
                "407 Proxy Authentication Required",
                "This proxy serves one browser only.",
                'Proxy-Authenticate: Basic realm="accepted"\r\n',
            )

    async def _forward(self, head: _Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if head.method == "CONNECT":
            host, port, _ = _authority(f"//{head.target}", None)
            stream = await self._dial(host, port)
            opening = b""
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            if not head.target.lower().startswith("http://"):
                raise _Rejected("400 Bad Request", "Only CONNECT and absolute http:// targets are served.")
            host, port, path = _authority(head.target, 80)
            opening = _origin_form(head, path)
            stream = await self._dial(host, port)
        try:
            await stream.write(opening)
            await self._relay(reader, writer, stream, plain=head.method != "CONNECT")
        finally:
            await stream.aclose()

    async def _dial(self, host: str, port: int) -> httpcore.AsyncNetworkStream:
        try:
            return await dial(self._policy, host, port, proxy=self._upstream, timeout=self._connect_timeout)
        except AddressRefused as refused:
            if len(self.refusals) < _MAX_REFUSALS:
                self.refusals.append(Refusal(refused.host, port, refused.address, refused.reason))
            raise _not_dialled("403 Forbidden", "destination_ip_prohibited", refused) from None
        except httpcore.ConnectTimeout as error:
            raise _not_dialled("504 Gateway Timeout", "connection_timeout", error) from None
        except httpcore.ProxyError as error:
            # The operator's proxy does not work, so nothing is known of the site.
            raise _not_dialled("502 Bad Gateway", "proxy_internal_error", error) from None
        except httpcore.NetworkError as error:
            unknown = isinstance(error.__cause__, socket.gaierror)
            raise _not_dialled(
                "502 Bad Gateway", "dns_error" if unknown else "destination_unavailable", error
            ) from None

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stream: httpcore.AsyncNetworkStream,
        *,
        plain: bool,
    ) -> None:
        """Carry both directions until either end closes."""
        ways = {
            asyncio.create_task(_upload(reader, stream)),
            asyncio.create_task(self._download(stream, writer, plain=plain)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            ends = await asyncio.gather(*ways, return_exceptions=True)
        for end in ends:
            if isinstance(end, _Rejected):
                raise end
            if isinstance(end, Exception):
                await _flush(writer)
                raise end

    async def _download(
        self, stream: httpcore.AsyncNetworkStream, writer: asyncio.StreamWriter, *, plain: bool
    ) -> None:
        if plain:
            self._count(await self._response_head(stream, writer))
        while data := await stream.read(_CHUNK):
            self._count(len(data))
            if self.exceeded:
                return
            writer.write(data)
            await writer.drain()

    async def _response_head(self, stream: httpcore.AsyncNetworkStream, writer: asyncio.StreamWriter) -> int:
        try:
            return await _pass_response_head(stream, writer)
        except (ConnectionResetError, httpcore.ReadError):
            # Said in words, because a browser takes a bare end for an accident and asks again and again.
            text = "The site closed the connection without an answer."
            raise _Rejected("502 Bad Gateway", text, _status("connection_terminated")) from None

    def _count(self, size: int) -> None:
        self.received += size
        if self._max_bytes is not None and self.received > self._max_bytes and not self.exceeded:
            self.exceeded = True
            self._hang_up()


def _status(error: str, details: str = "") -> str:
    """RFC 9209, so that an answer of this proxy cannot be taken for the site's own."""
    printable = "".join(char if " " <= char <= "~" else "?" for char in details[:200])
    quoted = printable.replace("\\", "\\\\").replace('"', '\\"')
    parameter = f'; details="{quoted}"' if quoted else ""
    return f"Proxy-Status: accepted-guard; error={error}{parameter}\r\n"


def _not_dialled(status: str, kind: str, error: Exception) -> _Rejected:
    return _Rejected(status, str(error), _status(kind, str(error)))


async def _flush(writer: asyncio.StreamWriter) -> None:
    """Wait until all that was written has gone out, not only until there is room for more."""
    writer.transport.set_write_buffer_limits(0)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection that broke off as such: an answer without a length would seem complete after a plain end."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _upload(reader: asyncio.StreamReader, stream: httpcore.AsyncNetworkStream) -> None:
    while data := await reader.read(_CHUNK):
        await stream.write(data)


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    try:
        async with asyncio.timeout(10):
            raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Rejected("431 Request Header Fields Too Large", "The request's head is too large.") from None
    except asyncio.IncompleteReadError:
        raise ConnectionResetError from None
    first, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = first.split(" ")
    headers = tuple((name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon)
    if len(words) != 3 or len(headers) != len(lines):
        raise _Rejected("400 Bad Request", "The request's head is malformed.")
    return _Head(words[0].upper(), words[1], headers)


def _authority(url: str, default_port: int | None) -> tuple[str, int, str]:
    """Host, port and the rest of an absolute or network-path reference."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or default_port
    except ValueError:
        host = port = None
    if not host or not port:
        raise _Rejected("400 Bad Request", "The target has no host and port.")
    return host, port, f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"


def _origin_form(head: _Head, path: str) -> bytes:
    """The request as the site itself expects it; the Host header is the target's, whatever the client wrote."""
    if head.get("transfer-encoding") and head.get("content-length"):
        raise _Rejected("400 Bad Request", "The request has two lengths.")
    authority = head.target.split("/", 3)[2].split("?", 1)[0].rpartition("@")[2]
    upgrade = head.get("upgrade")
    kept = [pair for pair in head.headers if pair[0].lower() not in _HOP_BY_HOP | {"host", "upgrade"}]
    hop = [("Connection", "Upgrade"), ("Upgrade", upgrade)] if upgrade else [("Connection", "close")]
    return _head_bytes(f"{head.method} {path} HTTP/1.1", [("Host", authority), *kept, *hop])


async def _pass_response_head(stream: httpcore.AsyncNetworkStream, writer: asyncio.StreamWriter) -> int:
    """Hand on the head of the answer, marked as the last on this connection; the number of bytes read.

    Else a client could send its next request, for another host, down a relay that is pinned to this one.
    """
    raw, size = b"", 0
    while True:
        while b"\r\n\r\n" not in raw:
            more = await stream.read(_CHUNK)
            raw += more
            size += len(more)
            if not more or len(raw) > 2 * _MAX_HEAD:
                raise ConnectionResetError
        head, _, raw = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        code = status.split(" ")[1] if " " in status else ""
        if code.startswith("1"):
            writer.write(head + b"\r\n\r\n")
            if code != "101":
                continue
        else:
            pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            kept = [pair for pair in pairs if pair[0].lower() not in _HOP_BY_HOP]
            writer.write(_head_bytes(status, [*kept, ("Connection", "close")]))
        writer.write(raw)
        await writer.drain()
        return size


def _head_bytes(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{first}\r\n{lines}\r\n".encode("latin-1")
