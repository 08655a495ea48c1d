"""Real forward proxies, HTTP and SOCKS5, each of which goes out from an address of its own.

They are a stand-in for a pool of rented ones: the site sees another peer address for each. They reach loopback only,
so nothing that is tested with them can leave the machine, and nobody can use them as an open proxy.
"""

import asyncio
import base64
import errno
import ipaddress
import socket
import struct
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from accepted_apps.playground.state import INTERNAL_ADDRESS, Address
from accepted_apps.playground.streams import StreamServer

_CHUNK_BYTES = 64 * 1024

#: Names that only the proxies know. A client that lets the proxy resolve them never sees the address.
NAMES = {
    "localhost": "127.0.0.1",
    "site.playground.test": "127.0.0.1",
    "internal.playground.test": INTERNAL_ADDRESS,
}


class UnreachableError(Exception):
    """The destination is not on loopback, or nothing listens there."""


@dataclass(frozen=True)
class Rules:
    """How a proxy behaves.

    It goes out from `exit_address`, after `delay_seconds`; with `credentials` ("user:password") it asks for them; a
    `failing` one takes every request and answers that it could not be done.
    """

    exit_address: str
    delay_seconds: float = 0.0
    credentials: str = ""
    failing: bool = False


class Proxy(StreamServer):
    """What both kinds share: where it may go, how it goes there, and copying between the two ends."""

    scheme = ""

    def __init__(self, rules: Rules, aliases: MutableMapping[Address, str]) -> None:
        super().__init__()
        self.rules = rules
        #: "host:port" of every destination asked for, reached or not, spelled as the client spelled it.
        self.targets: list[str] = []
        self._aliases = aliases

    @property
    def url(self) -> str:
        """The proxy as a client's setting names it, credentials included."""
        credentials = f"{self.rules.credentials}@" if self.rules.credentials else ""
        host, port = self.address
        return f"{self.scheme}://{credentials}{host}:{port}"

    @asynccontextmanager
    async def dial(self, host: str, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the destination; raises `UnreachableError`."""
        self.targets.append(f"{host}:{port}")
        await self.pause(self.rules.delay_seconds)
        if self.rules.failing:
            raise UnreachableError("this proxy always fails")
        reader, writer = await self._connect(_loopback(host), port)
        name = writer.get_extra_info("sockname")
        self._aliases[name] = self.rules.exit_address
        self.adopt(writer)
        try:
            yield reader, writer
        finally:
            del self._aliases[name]
            await self.dismiss(writer)

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        outgoing = socket.socket()
        outgoing.setblocking(False)
        try:
            _bind_if_possible(outgoing, self.rules.exit_address)
            await asyncio.get_running_loop().sock_connect(outgoing, (host, port))
            return await asyncio.open_connection(sock=outgoing)
        except OSError as error:
            outgoing.close()
            raise UnreachableError(str(error)) from error


class HttpProxy(Proxy):
    """CONNECT for tunnels, absolute form for plain HTTP; one request per connection in the latter."""

    scheme = "http"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request head and carry it out."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        if not self._may_use(lines):
            await _say(writer, "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="playground"\r\n')
            return
        method, target, _ = lines[0].split(" ", 2)
        try:
            if method == "CONNECT":
                await self._tunnel(target, reader, writer)
            else:
                await self._forward(method, target, lines[1:], reader, writer)
        except UnreachableError:
            await _say(writer, "502 Bad Gateway")

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = urlsplit(f"//{target}")
        async with self.dial(to.hostname or "", to.port or 443) as (far_reader, far_writer):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, far_reader, far_writer)

    async def _forward(
        self, method: str, target: str, headers: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        to = urlsplit(target)
        origin_form = urlunsplit(("", "", to.path or "/", to.query, ""))
        # Closed after one answer, as the next request on this connection may be for another host.
        kept = [line for line in headers if not line.lower().startswith(("proxy-", "connection:"))]
        head = "\r\n".join([f"{method} {origin_form} HTTP/1.1", *kept, "Connection: close", "", ""])
        async with self.dial(to.hostname or "", to.port or 80) as (far_reader, far_writer):
            far_writer.write(head.encode("latin-1"))
            await _join(reader, writer, far_reader, far_writer)

    def _may_use(self, lines: list[str]) -> bool:
        if not self.rules.credentials:
            return True
        expected = base64.b64encode(self.rules.credentials.encode()).decode()
        return any(line.lower().startswith("proxy-authorization:") and line.endswith(f" {expected}") for line in lines)


class SocksProxy(Proxy):
    """SOCKS version 5 (RFC 1928), the CONNECT command, without authentication."""

    scheme = "socks5"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greeting, request, then copying."""
        _, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        host = await _read_host(reader, kind)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        try:
            async with self.dial(host, port) as (far_reader, far_writer):
                writer.write(_socks_reply(0))
                await _join(reader, writer, far_reader, far_writer)
        except UnreachableError:
            writer.write(_socks_reply(4))
            await writer.drain()


async def _read_host(reader: asyncio.StreamReader, kind: int) -> str:
    match kind:
        case 1:
            return socket.inet_ntop(socket.AF_INET, await reader.readexactly(4))
        case 4:
            return socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
        case _:
            (length,) = await reader.readexactly(1)
            return (await reader.readexactly(length)).decode("idna")


def _socks_reply(code: int) -> bytes:
    return bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])


def _loopback(host: str) -> str:
    """The address of a destination, which must be an IPv4 loopback one."""
    address = NAMES.get(host, host)
    try:
        if ipaddress.IPv4Address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise UnreachableError(f"{host} is not on loopback")


def _bind_if_possible(outgoing: socket.socket, address: str) -> None:
    """Go out from `address`; where the system has only 127.0.0.1, the alias tells the site."""
    try:
        outgoing.bind((address, 0))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise


async def _say(writer: asyncio.StreamWriter, status: str, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1"))
    await writer.drain()


async def _join(
    near_reader: asyncio.StreamReader,
    near_writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    await asyncio.gather(_copy(near_reader, far_writer), _copy(far_reader, near_writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy to the end, then half-close; a broken end breaks the other, so that both copies stop."""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
