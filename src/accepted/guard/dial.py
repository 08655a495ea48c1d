"""Opening a connection to a checked address, directly or through the operator's proxy.

A proxy is always given an IP address that this process has judged (CONNECT ip:port, or SOCKS5 with an IP), never a
name that it would look up itself. That holds for plain http as well: in absolute form a proxy has to replace the
Host header by the target's (RFC 9112, 3.2.2), so an IP there would lose the name of the site; a tunnel keeps it.
The proxy must therefore allow CONNECT to the ports in use.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import httpcore

from .addresses import Address, AddressPolicy

_MAX_PROXY_HEAD = 16 * 1024
_SOCKS_REPLIES = {
    1: "general failure",
    2: "connection not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """A forward proxy that the operator configured. It is trusted: its own address is not judged."""

    scheme: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> ProxyServer:
        """Read `http://`, `https://`, `socks5://` or `socks5h://` with optional credentials; ValueError otherwise.

        The message never repeats the URL, which may hold a password.
        """
        parts = urlsplit(url)
        default_ports = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
        if parts.scheme not in default_ports or not parts.hostname:
            raise ValueError("A proxy is written as http://, https:// or socks5://[user:password@]host:port.")
        if max(len(parts.username or ""), len(parts.password or "")) > 255:
            raise ValueError("The user name and the password of a proxy may have 255 characters each.")
        return cls(
            # Names are resolved here in any case, so the two SOCKS5 spellings mean the same.
            scheme=parts.scheme.removesuffix("h"),
            host=parts.hostname,
            port=parts.port or default_ports[parts.scheme],
            username=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password or "") if parts.username is not None else None,
        )

    @property
    def label(self) -> str:
        """The proxy for logs and messages, without credentials."""
        return f"{self.scheme}://{self.host}:{self.port}"


async def dial(
    policy: AddressPolicy, host: str, port: int, *, proxy: ProxyServer | None = None, timeout: float | None = None
) -> httpcore.AsyncNetworkStream:
    """Connect to a host by name, over the first of its checked addresses that answers. The caller closes.

    timeout: seconds for look-up, connection and the proxy's handshake together.

    Raises AddressRefused; httpcore's ConnectError, ConnectTimeout or ProxyError otherwise.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _dial(policy, host, port, proxy)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"no connection to {host}:{port} within {timeout} s") from None
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


async def _dial(policy: AddressPolicy, host: str, port: int, proxy: ProxyServer | None) -> httpcore.AsyncNetworkStream:
    addresses = await policy.resolve(host, port)
    if proxy is not None:
        # One try is all: few proxies have IPv6, so IPv4 goes first.
        return await _through(proxy, min(addresses, key=lambda address: ":" in address.ip))
    failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            # An address that swallows packets must not use up the time of those after it.
            return await httpcore.AnyIOBackend().connect_tcp(
                address.ip, address.port, timeout=3.0 if left > 1 else None
            )
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            failure = error
    raise failure or httpcore.ConnectError(f"{host} has no address")


async def _through(proxy: ProxyServer, target: Address) -> httpcore.AsyncNetworkStream:
    try:
        stream = await httpcore.AnyIOBackend().connect_tcp(proxy.host, proxy.port)
    except httpcore.ConnectError as error:
        raise httpcore.ProxyError(f"proxy {proxy.label} cannot be reached: {error}") from error
    try:
        if proxy.scheme == "https":
            stream = await stream.start_tls(ssl.create_default_context(), proxy.host)
        await (_socks5 if proxy.scheme == "socks5" else _connect)(stream, proxy, target)
    except (httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError) as error:
        await stream.aclose()
        raise httpcore.ProxyError(f"proxy {proxy.label} closed the connection: {error}") from error
    except BaseException:
        await stream.aclose()
        raise
    return stream


async def _connect(stream: httpcore.AsyncNetworkStream, proxy: ProxyServer, target: Address) -> None:
    authority = f"[{target.ip}]:{target.port}" if ":" in target.ip else f"{target.ip}:{target.port}"
    head = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    if proxy.username is not None:
        userpass = f"{proxy.username}:{proxy.password}".encode()
        head += f"Proxy-Authorization: Basic {base64.b64encode(userpass).decode()}\r\n"
    await stream.write(f"{head}\r\n".encode("latin-1"))
    reply = b""
    while not reply.endswith(b"\r\n\r\n"):
        # One byte at a time, so that nothing of the tunnel's own traffic is taken with the proxy's answer.
        byte = await stream.read(1)
        reply += byte
        if not byte or len(reply) > _MAX_PROXY_HEAD:
            raise httpcore.ProxyError(f"proxy {proxy.label} gave no HTTP answer to CONNECT")
    status = reply.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(status) < 2 or not (status[1].startswith(b"2") and len(status[1]) == 3):
        shown = b" ".join(status[1:]).decode("ascii", "replace")[:80]
        raise httpcore.ProxyError(f"proxy {proxy.label} refused CONNECT to port {target.port}: {shown}")


async def _socks5(stream: httpcore.AsyncNetworkStream, proxy: ProxyServer, target: Address) -> None:
    """RFC 1928 with the username and password of RFC 1929."""
    await stream.write(b"\x05\x01\x00" if proxy.username is None else b"\x05\x02\x00\x02")
    version, method = await _exactly(stream, 2, proxy)
    if version != 5 or method not in (0, 2) or (method == 2 and proxy.username is None):
        raise httpcore.ProxyError(f"proxy {proxy.label} asks for a way of signing in that is not configured")
    if method == 2:
        user, password = (proxy.username or "").encode(), (proxy.password or "").encode()
        await stream.write(struct.pack("!BB", 1, len(user)) + user + struct.pack("!B", len(password)) + password)
        if (await _exactly(stream, 2, proxy))[1] != 0:
            raise httpcore.ProxyError(f"proxy {proxy.label} did not accept its user name and password")
    ip = ip_address(target.ip)
    kind = 1 if ip.version == 4 else 4
    await stream.write(struct.pack("!BBBB", 5, 1, 0, kind) + ip.packed + struct.pack("!H", target.port))
    _, reply, _, bound = await _exactly(stream, 4, proxy)
    if reply != 0:
        reason = _SOCKS_REPLIES.get(reply, f"error {reply}")
        raise httpcore.ProxyError(f"proxy {proxy.label} could not connect: {reason}")
    length = {1: 4, 4: 16}.get(bound) or (await _exactly(stream, 1, proxy))[0]
    await _exactly(stream, length + 2, proxy)


async def _exactly(stream: httpcore.AsyncNetworkStream, count: int, proxy: ProxyServer) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.read(count - len(data))
        if not more:
            raise httpcore.ProxyError(f"proxy {proxy.label} closed the connection during the SOCKS5 handshake")
        data += more
    return data
