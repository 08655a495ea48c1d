"""Reads a TLS ClientHello, and sums it up as JA4 does: https://github.com/FoxIO-LLC/ja4 (the BSD-licensed part)."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from .servers import _Listener

_SERVER_NAME, _GROUPS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 13, 16, 43


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count, "a ClientHello that ends too early"
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> _Bytes:
        """What follows a length of `size` bytes."""
        return _Bytes(self.take(self.number(size)))

    def numbers(self) -> list[int]:
        found = []
        while self.data:
            found.append(self.number(2))
        return found


def is_grease(number: int) -> bool:
    """RFC 8701: 0x0a0a, 0x1a1a, …: meant to be ignored, and sent by Chrome to keep servers used to that."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


@dataclass(frozen=True)
class ClientHello:
    """Numbers in the order sent, GREASE included."""

    ciphers: list[int]
    extensions: list[int]
    groups: list[int]
    signatures: list[int]
    versions: list[int]
    alpn: list[str]
    server_name: str | None

    @classmethod
    def parse(cls, record: bytes) -> ClientHello:
        data = _Bytes(record)
        assert data.number(1) == 22, "no TLS handshake"
        data.take(2)
        data = data.vector(2)
        assert data.number(1) == 1, "no ClientHello"
        data = data.vector(3)
        data.take(2 + 32)
        data.vector(1)
        ciphers = data.vector(2).numbers()
        data.vector(1)
        extensions: dict[int, _Bytes] = {}
        rest = data.vector(2)
        while rest.data:
            kind = rest.number(2)
            extensions[kind] = rest.vector(2)
        alpn = extensions[_ALPN].vector(2) if _ALPN in extensions else _Bytes(b"")
        names = []
        while alpn.data:
            names.append(alpn.vector(1).data.decode())
        server_name = None
        if _SERVER_NAME in extensions:
            entry = extensions[_SERVER_NAME].vector(2)
            entry.take(1)
            server_name = entry.vector(2).data.decode()
        return cls(
            ciphers=ciphers,
            extensions=list(extensions),
            groups=extensions[_GROUPS].vector(2).numbers(),
            signatures=extensions[_SIGNATURES].vector(2).numbers(),
            versions=extensions[_VERSIONS].vector(1).numbers(),
            alpn=names,
            server_name=server_name,
        )

    @property
    def ja4(self) -> str:
        """Version, counts and ALPN; then hashes of the ciphers and of the extensions, both sorted, without GREASE."""
        ciphers = [number for number in self.ciphers if not is_grease(number)]
        extensions = [number for number in self.extensions if not is_grease(number)]
        version = {0x0304: "13", 0x0303: "12"}[max(number for number in self.versions if not is_grease(number))]
        alpn = self.alpn[0][0] + self.alpn[0][-1] if self.alpn else "00"
        hashed = _listed(sorted({*extensions} - {_SERVER_NAME, _ALPN})) + "_" + _listed(self.signatures)
        return (
            f"t{version}{'d' if self.server_name else 'i'}{len(ciphers):02}{len(extensions):02}{alpn}"
            f"_{_short(_listed(sorted(ciphers)))}_{_short(hashed)}"
        )


def _listed(numbers: list[int]) -> str:
    return ",".join(f"{number:04x}" for number in numbers)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Eavesdropper(_Listener):
    """Keeps the ClientHello of everybody who connects, and hangs up."""

    def __init__(self, host: str = "127.0.0.5") -> None:
        super().__init__(host)
        self.heard: list[ClientHello] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        self.heard.append(ClientHello.parse(head + await reader.readexactly(int.from_bytes(head[3:]))))
