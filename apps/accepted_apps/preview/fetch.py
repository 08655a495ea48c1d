"""Tiers 1 and 2: one page over HTTP as a browser asks for it, bounded in hops, size and time."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from accepted.guard import AddressPolicy, ProxyServer

from .charset import decode
from .errors import BadRedirect, NotAPage
from .impersonate import Answer, Impersonator
from .politeness import HostTurns
from .robots import Robots
from .settings import PreviewSettings
from .urls import host_key, redirect_target

HTML_TYPES = ("text/html", "application/xhtml+xml")
_FILE = re.compile(r"(?:<html><head></head><body>)?(?:%PDF-|%!PS-|GIF8[79]a|.PNG\r?\n|PK\x03\x04)")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a tier brought back: the last answer of a chain of redirects. Header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    html: str


class PageFetcher:
    """Fetches one page, through one way out; an async context manager that owns its connections and cookies."""

    def __init__(
        self,
        settings: PreviewSettings,
        policy: AddressPolicy,
        *,
        hosts: HostTurns,
        robots: Robots,
        proxy: ProxyServer | None = None,
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._robots = robots
        self._client = Impersonator(
            policy,
            impersonate=settings.impersonate,
            accept_language=settings.accept_language,
            connect_timeout=settings.connect_timeout,
            proxy=proxy,
        )

    async def __aenter__(self) -> PageFetcher:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def fetch(self, url: str) -> Fetched:
        """Follow redirects to a page. Raises Obstacle where another tier may do better, else a PreviewError."""
        return await asyncio.to_thread(page_of, *await self.get(url))

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[str, Answer]:
        """Follow redirects to an answer of any kind, and where it was found. `headers`: for every request on the way.

        Raises Obstacle where another tier may do better, else a PreviewError.
        """
        time_left = self._settings.fetch_timeout
        for hop in range(self._settings.max_redirects + 1):
            delay = await self.check_robots(url)
            async with self._hosts.turn(host_key(url), follow_up=hop > 0, delay=delay):
                started = time.monotonic()
                limit, timeout = self._settings.max_page_bytes, max(time_left, 0.1)
                answer = await self._client.get(url, limit=limit, timeout=timeout, headers=headers)
                time_left -= time.monotonic() - started
            if answer.location is None:
                return url, answer
            url = redirect_target(url, answer.location)
        raise BadRedirect(f"The page redirects more than {self._settings.max_redirects} times.")

    async def check_robots(self, url: str) -> float:
        """What robots.txt says of a page, read by this way out; see `Robots.check`."""
        return await self._robots.check(url, self._client)


def page_of(url: str, answer: Answer) -> Fetched:
    """An answer as a page; blocks while it decodes. Raises NotAPage for anything but HTML with status 200."""
    content_type = answer.headers.get("content-type", "")
    html = decode(answer.body, content_type)
    kind = content_type.split(";")[0].strip().lower()
    # Walls and errors may come as anything; only a page that would be shown has to be HTML.
    if answer.status == 200 and kind not in HTML_TYPES and not (kind == "" and html.lstrip()[:1] == "<"):
        raise NotAPage(f"The URL answers with {kind or 'something'} that is not a web page.")
    check_text(html)
    return Fetched(url, answer.status, answer.headers, html)


def check_text(html: str) -> None:
    """NotAPage for a file that is only called a page, as fetched or as a browser has put it into an empty document."""
    if _FILE.match(html):
        raise NotAPage("The URL answers with a file that is called a web page, and is none.")
