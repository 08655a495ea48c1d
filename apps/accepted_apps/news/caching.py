"""What is kept of an answer so that it need not be sent again: its freshness, its validators, its body."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Protocol

_DIRECTIVE = re.compile(r"([a-z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|([^\s,;]+)))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """An answer with status 200, as it was fetched.

    url: what was asked for. final_url: where it was found, after redirects. etag, last_modified: as the site wrote
    them, empty where it did not. fetched_at, fresh_until: seconds since 1970; until then nobody needs to ask again.
    """

    url: str
    final_url: str
    content_type: str
    body: bytes = field(repr=False)
    etag: str = ""
    last_modified: str = ""
    fetched_at: float = 0.0
    fresh_until: float = 0.0

    @property
    def validators(self) -> dict[str, str]:
        """The headers that ask whether it has changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value}


class PageCache(Protocol):
    """Keeps one entry for a URL; may forget any of them at any time."""

    async def load(self, url: str) -> CacheEntry | None:
        """The entry of this URL, if there is one."""

    async def store(self, entry: CacheEntry) -> None:
        """Keep this entry, in place of the one before it."""


class MemoryCache:
    """A `PageCache` of one process that forgets what was not asked for the longest time.

    max_bytes: all bodies together.
    """

    def __init__(self, max_bytes: int = 64 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, CacheEntry] = OrderedDict()

    async def load(self, url: str) -> CacheEntry | None:
        """As `PageCache` says."""
        if url in self._entries:
            self._entries.move_to_end(url)
        return self._entries.get(url)

    async def store(self, entry: CacheEntry) -> None:
        """As `PageCache` says."""
        before = self._entries.pop(entry.url, None)
        self._bytes += len(entry.body) - (len(before.body) if before else 0)
        self._entries[entry.url] = entry
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._entries.popitem(last=False)[1].body)


def may_be_kept(headers: Mapping[str, str]) -> bool:
    """Whether an answer may be kept and is of use when it is: it is fresh for a while, or can be asked after."""
    if "no-store" in _directives(headers):
        return False
    return bool(headers.get("etag") or headers.get("last-modified")) or _lifetime(headers) > 0


def fresh_for(headers: Mapping[str, str], most: float) -> float:
    """For how many seconds from now an answer is good without asking (RFC 9111, 4.2), up to `most`."""
    if "no-cache" in _directives(headers):
        return 0.0
    return max(0.0, min(_lifetime(headers) - _seconds(headers.get("age", "")), most))


def _lifetime(headers: Mapping[str, str]) -> float:
    directives = _directives(headers)
    if "max-age" in directives:
        return _seconds(directives["max-age"])
    return max(0.0, _moment(headers.get("expires", "")) - _moment(headers.get("date", "")))


def _directives(headers: Mapping[str, str]) -> dict[str, str]:
    found = _DIRECTIVE.finditer(headers.get("cache-control", ""))
    return {each[1].lower(): each[2] or each[3] or "" for each in found}


def _seconds(text: str) -> float:
    return float(text[:9]) if text.isascii() and text.isdigit() else 0.0


def _moment(text: str) -> float:
    """Seconds since 1970; 0 for what is no date, so that an answer that expires at `0` has done so."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
