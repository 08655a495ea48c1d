"""Reading a response's body without ever holding more than a limit, whatever it was packed from."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from .errors import Obstacle, TooLarge


async def read_body(response: httpx.Response, limit: int) -> bytes:
    """The body, decompressed; never more than the limit in memory, whatever it was packed from."""
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in body_parts(response, limit):
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


async def body_parts(response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    """The body in unpacked pieces of at most 64 KiB; no more than `limit` packed bytes are read.

    Raises TooLarge, or Obstacle when it is packed in a way that cannot be read.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        async for part in response.aiter_raw():
            yield part
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Obstacle(f"content encoding {encoding[:40]!r}, which was not asked for")
    inflater = Inflater()
    packed = 0
    async for part in response.aiter_raw():
        packed += len(part)
        if packed > limit:
            raise _too_large(limit)
        try:
            for piece in inflater.feed(part):
                yield piece
        except zlib.error:
            raise Obstacle("compressed data that cannot be read") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The page is larger than {limit / 2**20:.3g} MiB.")


class Inflater:
    """gzip (of several members), zlib or raw deflate, in pieces of at most 64 KiB."""

    _PIECE = 64 * 1024

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(wbits=47)
        self._fresh = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Unpack some more; zlib.error when it is no such data."""
        while data:
            if self._engine.eof:
                self._engine = zlib.decompressobj(wbits=47)
            piece = self._piece(data)
            data = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
            if piece:
                yield piece

    def _piece(self, data: bytes) -> bytes:
        try:
            piece = self._engine.decompress(data, self._PIECE)
        except zlib.error:
            if not self._fresh:
                raise
            # Some servers send deflate without the zlib header that the standard asks for.
            self._engine = zlib.decompressobj(wbits=-15)
            piece = self._engine.decompress(data, self._PIECE)
        self._fresh = False
        return piece
