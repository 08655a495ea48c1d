"""Which addresses outgoing requests may reach, decided after name resolution.

`AddressPolicy.resolve` answers with the address itself, and callers connect to that address: a second look-up
never happens, so a name whose answer changes between check and connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import re
import socket
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from accepted.errors import AcceptedError

IPAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up (host, port) and answers with IP literals, best first; raises OSError when there is none."""

# IANA special-purpose registries, written out: `ipaddress.is_global` counts multicast as global and changes
# with the patch release of Python.
_REFUSED_V4 = [
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("169.254.0.0/16", "link-local, where cloud metadata lives"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
]
_REFUSED_V6 = [
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "reserved for documentation"),
        ("3fff::/20", "reserved for documentation"),
    )
]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMERIC = re.compile(r"[0-9a-fx.]+")


class AddressRefused(AcceptedError):
    """A request would have reached an address that is not on the public internet.

    `host` is what was asked for, `address` what it stands for (None when the host could not be understood),
    `url` the whole URL where the caller knows it.
    """

    slug, title, status = "address-refused", "Not a public address", 422

    def __init__(self, host: str, address: str | None, reason: str, *, url: str | None = None) -> None:
        self.host = host
        self.address = address
        self.reason = reason
        self.url = url
        where = f" ({address})" if address and address != host else ""
        super().__init__(
            f"{url or host!r}{where} is refused because it {reason}; "
            "use a public address, or put your own test site on the allow-list."
        )


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address to connect to: an IP literal and a port, never a name."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class _AllowRule:
    network: IPv4Network | IPv6Network | None
    host: str | None
    port: int | None

    @classmethod
    def parse(cls, entry: str) -> _AllowRule:
        """Read `host`, `host:port`, `ip`, `ip:port`, `[ipv6]:port` or `cidr`; ValueError for anything else."""
        name, port = _split_port(entry.strip())
        try:
            return cls(ip_network(name, strict=False), None, port)
        except ValueError:
            pass
        host = canonical_host(name)
        if host is None:
            raise ValueError(f"{entry!r} in the allow-list is no host, host:port, IP address, ip:port or CIDR network.")
        return cls(None, host, port)

    def permits(self, host: str, ip: IPAddress, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return ip.version == self.network.version and ip in self.network
        return self.host == host


class AddressPolicy:
    """Refuses every address that is not globally routable, but for an allow-list.

    allow: hosts, `host:port`, IPs, `ip:port` or CIDR networks that are reachable although private, such as one's
        own test site. A host entry covers whatever the name resolves to.
    resolver: how names are looked up; the event loop's `getaddrinfo` unless a test brings its own.

    ValueError when an entry of the allow-list cannot be understood.
    """

    def __init__(self, allow: Iterable[str] = (), *, resolver: Resolver | None = None) -> None:
        self._allow = tuple(_AllowRule.parse(entry) for entry in allow)
        self._resolver = resolver or _getaddrinfo

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Look a host up once and return the addresses to connect to, best first.

        One refused address refuses the name: a public name that also answers with an inside address is either an
        attack or a mistake in its zone, and picking the public answer would make the outcome depend on order.

        Raises AddressRefused, or OSError when the name has no address.
        """
        name = canonical_host(host)
        if name is None or not 0 < port < 65536:
            raise AddressRefused(host, None, "is not a valid host and port")
        literal = _literal(name)
        answers = [str(literal)] if literal else list(await self._resolver(name, port))
        if not answers:
            raise OSError(f"{host!r} has no address")
        return [self._judged(host, name, answer, port) for answer in dict.fromkeys(answers)]

    def _judged(self, host: str, name: str, answer: str, port: int) -> Address:
        try:
            ip = _unmapped(ip_address(answer))
        except ValueError:
            raise AddressRefused(host, answer, "does not resolve to an IP address") from None
        if not any(rule.permits(name, ip, port) for rule in self._allow) and (kind := refusal(ip)):
            raise AddressRefused(host, str(ip), f"is {kind}")
        return Address(str(ip), port)


def refusal(ip: IPAddress) -> str | None:
    """Say in words why an address is not public, or None when it is."""
    ip = _unmapped(ip)
    if isinstance(ip, IPv4Address):
        return next((kind for network, kind in _REFUSED_V4 if ip in network), None)
    if getattr(ip, "scope_id", None):
        return "bound to one interface by a zone id"
    kind = next((kind for network, kind in _REFUSED_V6 if ip in network), None)
    if kind:
        return kind
    embedded = _embedded_v4(ip)
    if embedded is not None and (inner := refusal(embedded)):
        return f"IPv6 that leads to {embedded}, which is {inner}"
    if ip not in _GLOBAL_UNICAST and ip not in _NAT64:
        return "reserved"
    return None


def canonical_host(host: str) -> str | None:
    """The host as a resolver takes it (ASCII, lower case, no final dot or brackets), or None if it is none."""
    text = unicodedata.normalize("NFKC", host).lower()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if ":" in text:
        return _canonical_v6(text)
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    text = text.removesuffix(".")
    return text if len(text) <= 253 and _HOST_NAME.fullmatch(text) else None


def _canonical_v6(text: str) -> str | None:
    try:
        ip = IPv6Address(text)
    except ValueError:
        return None
    return None if ip.scope_id else str(ip)


def _literal(name: str) -> IPAddress | None:
    """The address that a socket would take from a numeric host, with all the forms that inet_aton knows."""
    if ":" in name:
        return IPv6Address(name)
    if not _NUMERIC.fullmatch(name):
        return None
    try:
        return IPv4Address(socket.inet_aton(name))
    except OSError:
        return None


def _unmapped(ip: IPAddress) -> IPAddress:
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _embedded_v4(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that 6to4, NAT64 or ISATAP would send an IPv6 packet on to."""
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip in _NAT64 or int.from_bytes(ip.packed[8:12]) in _ISATAP_MARKS:
        return IPv4Address(ip.packed[12:])
    return None


def _split_port(entry: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+):(\d{1,5})", entry)
    if match:
        return match[1].strip("[]"), int(match[2])
    return entry.strip("[]"), None


async def _getaddrinfo(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(sockaddr[0]) for *_, sockaddr in found]
