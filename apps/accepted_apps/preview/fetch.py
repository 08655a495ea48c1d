"""Tiers 1 and 2: one page over HTTP, with a browser's headers, bounded in hops, size and time."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from accepted.guard import AddressPolicy, AddressRefused, ProxyServer, guarded_client

from .body import read_body
from .charset import decode
from .errors import BadRedirect, NeverEnds, NotAPage, Obstacle, PrivateAddress, ProxyTrouble, Unreachable
from .politeness import HostTurns
from .robots import Robots
from .settings import PreviewSettings
from .urls import host_key, joined_url

_REDIRECTS = (301, 302, 303, 307, 308)
HTML_TYPES = ("text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a tier brought back: the last answer of a chain of redirects. Header names are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    html: str


def browser_headers(settings: PreviewSettings) -> dict[str, str]:
    """The headers of a first navigation, in Chrome's order.

    But for br and zstd, which cannot be asked for because nothing here reads them.
    """
    version = settings.chrome_version
    return {
        "Connection": "keep-alive",
        "sec-ch-ua": f'"Google Chrome";v="{version}", "Chromium";v="{version}", "Not A(Brand";v="24"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"Linux"',
        "Upgrade-Insecure-Requests": "1",
        "User-Agent": settings.user_agent,
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        "Sec-Fetch-Site": "none",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-User": "?1",
        "Sec-Fetch-Dest": "document",
        "Accept-Encoding": "gzip, deflate",
        "Accept-Language": settings.accept_language,
    }


@cache
def _tls() -> ssl.SSLContext:
    """Loading the system's certificates takes tens of milliseconds, so it is done once."""
    return ssl.create_default_context()


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
        self._client = guarded_client(
            policy,
            proxy=proxy,
            verify=_tls(),
            http2=True,
            headers=browser_headers(settings),
            timeout=httpx.Timeout(settings.fetch_timeout, connect=settings.connect_timeout),
        )

    async def __aenter__(self) -> PageFetcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def fetch(self, url: str) -> Fetched:
        """Follow redirects to a page. Raises Obstacle where another tier may do better, else a PreviewError."""
        time_left = self._settings.fetch_timeout
        for hop in range(self._settings.max_redirects + 1):
            delay = await self.check_robots(url)
            async with self._hosts.turn(host_key(url), follow_up=hop > 0, delay=delay):
                started = time.monotonic()
                answer = await self._one(url, max(time_left, 0.1))
                time_left -= time.monotonic() - started
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise BadRedirect(f"The page redirects more than {self._settings.max_redirects} times.")

    async def check_robots(self, url: str) -> float:
        """What robots.txt says of a page, read by this way out; see `Robots.check`."""
        return await self._robots.check(url, self._client)

    async def _one(self, url: str, time_left: float) -> Fetched | str:
        """One request: the page, or the URL that it redirects to."""
        answering = False
        try:
            async with asyncio.timeout(time_left), self._client.stream("GET", url) as response:
                answering = True
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return _redirect(url, response.headers["location"])
                body = await read_body(response, self._settings.max_page_bytes)
        except AddressRefused as refused:
            raise PrivateAddress(str(refused)) from None
        except TimeoutError:
            if answering:
                raise NeverEnds(f"The page did not end within {self._settings.fetch_timeout:g} seconds.") from None
            raise Obstacle("time-out") from None
        except httpx.InvalidURL:
            # httpx reads the Location header itself, also when it is not to follow it.
            raise _bad_redirect() from None
        except httpx.HTTPError as error:
            raise _obstacle(error, answering=answering) from error
        return await asyncio.to_thread(_page, url, response, body)


def _redirect(url: str, location: str) -> str:
    target = joined_url(url, location)
    if target is None:
        raise _bad_redirect()
    return target


def _bad_redirect() -> BadRedirect:
    return BadRedirect("The page redirects to something that is no http:// or https:// address.")


def _obstacle(error: httpx.HTTPError, *, answering: bool) -> Exception:
    if isinstance(error, httpx.RemoteProtocolError) and "location header" in str(error):
        return _bad_redirect()
    if isinstance(error, httpx.ProxyError):
        return ProxyTrouble(str(error))
    if isinstance(error, httpx.TimeoutException):
        return Obstacle("the answer stopped half-way" if answering else "time-out")
    if isinstance(error, httpx.ConnectError):
        if _unknown_name(error):
            return Unreachable("The host name of the URL does not exist, or cannot be looked up at present.")
        return Obstacle(f"no connection ({error})")
    return Obstacle("connection reset")


def _unknown_name(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__
    return False


def _page(url: str, response: httpx.Response, body: bytes) -> Fetched:
    content_type = response.headers.get("content-type", "")
    html = decode(body, content_type)
    kind = content_type.split(";")[0].strip().lower()
    # Walls and errors may come as anything; only a page that would be shown has to be HTML.
    if response.status_code == 200 and kind not in HTML_TYPES and not (kind == "" and html.lstrip()[:1] == "<"):
        raise NotAPage(f"The URL answers with {kind or 'something'} that is not a web page.")
    return Fetched(url, response.status_code, dict(response.headers), html)
