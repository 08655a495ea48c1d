"""robots.txt, fetched through the same client as the page, and kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from protego import Protego

from .errors import BadRedirect, Obstacle, PreviewError, RobotsRefused
from .settings import PreviewSettings
from .urls import redirect_target

if TYPE_CHECKING:
    from .impersonate import Impersonator

# RFC 9309, 2.5 and 2.3.1.2: a crawler reads at least 500 KiB and follows at least five redirects.
_MAX_BYTES = 512 * 1024
_MAX_REDIRECTS = 10
_TIMEOUT = 10.0
_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Rules:
    parser: Protego | None
    expires: float


class Robots:
    """Asks a site's robots.txt before a page is fetched; shared by all jobs of a process.

    A robots.txt that the site denies having (4xx) permits everything, one that fails on its side (5xx, 429) forbids
    everything for now (RFC 9309), so the tier ends there. One that cannot be reached at all decides nothing: the page
    itself will meet the same obstacle, and the next tier asks again by its own way.
    """

    def __init__(self, settings: PreviewSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._sites: dict[str, _Rules] = {}

    async def check(self, url: str, client: Impersonator) -> float:
        """The pause in seconds that the site asks for.

        Raises RobotsRefused when the page is not to be fetched, Obstacle when that cannot be known at present.
        """
        if not self._settings.respect_robots:
            return 0.0
        site = str(httpx.URL(url).copy_with(raw_path=b"/robots.txt", fragment=None))
        rules = self._sites.get(site)
        if rules is None or rules.expires <= self._clock():
            rules = await self._load(site, client)
        if rules is None or rules.parser is None:
            return 0.0
        agent = self._settings.robots_agent
        if not rules.parser.can_fetch(url, agent):
            raise RobotsRefused("The site's robots.txt asks that this page is not fetched by programs.")
        return min(rules.parser.crawl_delay(agent) or 0.0, self._settings.max_retry_after)

    async def _load(self, site: str, client: Impersonator) -> _Rules | None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                status, text = await _get(site, client)
        except (PreviewError, Obstacle, TimeoutError):
            return None
        if status == 429 or status >= 500:
            raise Obstacle(f"robots.txt cannot be read at present (HTTP {status})")
        rules = _Rules(Protego.parse(text) if status == 200 else None, self._clock() + self._settings.robots_ttl)
        if len(self._sites) >= _KEPT:
            self._sites.clear()
        self._sites[site] = rules
        return rules


async def _get(url: str, client: Impersonator) -> tuple[int, str]:
    for _ in range(_MAX_REDIRECTS + 1):
        answer = await client.get(url, limit=_MAX_BYTES, timeout=_TIMEOUT, cut=True)
        if answer.location is None:
            return answer.status, answer.body.decode("utf-8-sig", "replace")
        url = redirect_target(url, answer.location)
    raise BadRedirect("robots.txt redirects too many times.")
