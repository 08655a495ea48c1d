"""Small real servers on loopback: a scripted web site, an HTTP proxy and a SOCKS5 proxy."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from accepted.guard import Resolver


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    peer: str

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]


Script = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
Route = bytes | Callable[[Request], bytes] | Script


def reply(body: str | bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer; header names are written with underscores."""
    data = body.encode() if isinstance(body, str) else body
    fields = {"content_type": "text/html; charset=utf-8", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value)
    head = f"HTTP/1.1 {status} Status\r\n{lines}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return head.encode("latin-1") + data


def redirect(to: str, status: int = 302) -> bytes:
    return reply(b"", status, location=to)


class _Listener:
    """A server whose open connections are closed with it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0
        self.tls: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._run, self.host, 0, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def quiet(self) -> None:
        """Wait until every connection so far has ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


class Site(_Listener):
    """Answers by path; everything it was asked stands in `requests`."""

    def __init__(
        self, routes: Mapping[str, Route] | None = None, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(host)
        self.routes: dict[str, Route] = dict(routes or {})
        self.requests: list[Request] = []
        self.tls = tls

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read_request(reader, writer)
        self.requests.append(request)
        route = self.routes.get(request.path, reply("<h1>Not found</h1>", 404))
        if isinstance(route, bytes):
            writer.write(route)
        elif asyncio.iscoroutinefunction(route):
            await route(request, writer)
        else:
            answer = route(request)  # type: ignore[call-arg]
            assert isinstance(answer, bytes)
            writer.write(answer)
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, colon, value in (x.partition(":") for x in lines) if colon}
    return Request(method, target, headers, writer.get_extra_info("peername")[0])


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, source: str | None
) -> None:
    far_reader, far_writer = await asyncio.open_connection(host, port, local_addr=(source, 0) if source else None)
    ways = [asyncio.create_task(_pipe(reader, far_writer)), asyncio.create_task(_pipe(far_reader, writer))]
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        far_writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await far_writer.wait_closed()


@dataclass
class _Seen:
    targets: list[tuple[str, int]] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)


class HttpProxy(_Listener):
    """CONNECT only. `targets` are what clients asked for; `source` is the address it connects from."""

    def __init__(self, source: str | None = None, refuse: str | None = None) -> None:
        super().__init__()
        self.source = source
        self.refuse = refuse
        self.seen = _Seen()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read_request(reader, writer)
        assert request.method == "CONNECT", request
        host, _, port = request.target.rpartition(":")
        self.seen.targets.append((host.strip("[]"), int(port)))
        self.seen.credentials.append(request.headers.get("proxy-authorization", ""))
        if self.refuse:
            writer.write(f"HTTP/1.1 {self.refuse}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await _join(reader, writer, host.strip("[]"), int(port), self.source)


class SocksProxy(_Listener):
    """SOCKS5 with optional username and password; records whether it was given a name or an address."""

    def __init__(self, source: str | None = None, login: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.source = source
        self.login = login
        self.seen = _Seen()

    @property
    def url(self) -> str:
        login = f"{self.login[0]}:{self.login[1]}@" if self.login else ""
        return f"socks5://{login}{self.host}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if self.login else 0
        writer.write(bytes([5, wanted if wanted in methods else 255]))
        if self.login:
            _, length = await reader.readexactly(2)
            user = (await reader.readexactly(length)).decode()
            password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            writer.write(bytes([1, 0 if (user, password) == self.login else 1]))
        _, _, _, kind = await reader.readexactly(4)
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            host = str(ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.seen.targets.append((host, port))
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await _join(reader, writer, host, port, self.source)


class Names:
    """A resolver with scripted answers; each name's answers follow one another, the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): rounds for name, rounds in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        rounds = self._answers.get(host)
        if rounds is None:
            raise OSError(f"no such name: {host}")
        return rounds.pop(0) if len(rounds) > 1 else rounds[0]


_typed: Resolver = Names()


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's TLS context for one self-signed name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + cert.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=cert.public_bytes(serialization.Encoding.PEM).decode())
    return server, client
