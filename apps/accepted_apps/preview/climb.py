"""From the cheapest tier upwards, until one of them brings the page.

Which verdicts end the climb stands in `final_error`, where the others lead in `_Climb._leave`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from accepted.guard import AddressPolicy, ProxyServer

from .detect import Kind, Verdict, judge
from .elements import Element, extract
from .errors import (
    Blocked,
    BrowserUnavailable,
    CaptchaNeedsPerson,
    InvalidInput,
    LoginRequired,
    NeedsJavaScript,
    NotFound,
    NoTier,
    Obstacle,
    PreviewError,
    ProxyTrouble,
    RateLimited,
    RequestRejected,
    SiteError,
    Unreachable,
)
from .finding import find_browser
from .politeness import HostTurns
from .proxies import ProxyPool
from .robots import Robots
from .settings import PreviewSettings
from .urls import host_key, validated_url

if TYPE_CHECKING:
    from .fetch import Fetched, PageFetcher

TIER_NAMES = {1: "Lightweight", 2: "IP Rotation", 3: "Browser Mode"}
_STARTS_AT = {1: 10, 2: 40, 3: 65}
_LEAVES_AT = {1: 35, 2: 60, 3: 90}


@dataclass(frozen=True, slots=True)
class Report:
    """One live message; its fields are those of the `scraper:progress` messages."""

    status: str
    message: str
    percent: int
    tier: int
    tier_name: str
    cost_per_page: float
    escalation_log: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Reporter = Callable[[Report], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Page:
    """A previewed page. `html` is what it was read from, and no part of the result."""

    url: str
    title: str
    elements: list[Element]
    tier_info: dict[str, Any]
    html: str = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The result as clients get it."""
        return {
            "url": self.url,
            "title": self.title,
            "elements": [element.as_dict() for element in self.elements],
            "tier_info": self.tier_info,
        }


@dataclass(frozen=True, slots=True)
class _Brought:
    """What one attempt brought: an answer with its verdict, and in tier 3 the elements that hold in the browser."""

    verdict: Verdict
    fetched: Fetched | None = None
    content: tuple[str, list[Element]] | None = None


class Climber:
    """What the previews of one process share: the warm browser, the proxies, turns per host and robots.txt.

    An async context manager; closing it ends the browser. It belongs to one event loop.
    """

    def __init__(self, settings: PreviewSettings | None = None, *, policy: AddressPolicy | None = None) -> None:
        self.settings = settings or PreviewSettings()
        self.policy = policy or AddressPolicy(self.settings.allow)
        # What drives browsers, and what speaks as they do, takes a while to load; who only submits needs none of it.
        from .browser import Browser

        self.browser = Browser(self.settings, self.policy) if self.settings.browser else None
        self.proxies = ProxyPool(
            self.settings.proxies,
            cooldown=self.settings.proxy_cooldown,
            cooldown_max=self.settings.proxy_cooldown_max,
        )
        self.hosts = HostTurns(self.settings.host_delay)
        self.robots = Robots(self.settings)

    async def __aenter__(self) -> Climber:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the browser. Idempotent."""
        if self.browser is not None:
            await self.browser.close()

    async def climb(self, url: str, min_tier: int = 1, max_tier: int = 3, *, report: Reporter) -> Page:
        """Bring a page through the tiers from `min_tier` to `max_tier` (above 3 is taken as 3).

        `report` is awaited at each step. Raises a PreviewError, whose `escalation_log` says what was tried.
        """
        checked = validated_url(url, max_length=self.settings.url_max_length)
        lowest, highest = validated_tiers(min_tier, max_tier)
        return await _Climb(self, checked, report).run(lowest, highest)


def validated_tiers(min_tier: object, max_tier: object) -> tuple[int, int]:
    """Both tiers as they are used; InvalidInput names the field that is wrong."""
    for name, tier in (("min_tier", min_tier), ("max_tier", max_tier)):
        if not isinstance(tier, int) or isinstance(tier, bool) or tier < 1:
            raise InvalidInput(f"{name} must be a whole number from 1 to 3.", field=name)
    assert isinstance(min_tier, int) and isinstance(max_tier, int)  # noqa: S101, PT018 - checked above
    highest = min(max_tier, 3)
    if min_tier > highest:
        raise InvalidInput(f"min_tier must not be greater than max_tier ({highest}).", field="min_tier")
    return min_tier, highest


class _Climb:
    """One preview on its way up."""

    def __init__(self, shared: Climber, url: str, report: Reporter) -> None:
        self._shared = shared
        self._settings = shared.settings
        self._url = url
        self._report = report
        self._log: list[dict[str, Any]] = []
        self._last: PreviewError | None = None
        self._passed_over: str | None = None
        """Why the tiers below the browser are of no more use."""
        self._address_blocked = False

    async def run(self, lowest: int, highest: int) -> Page:
        try:
            for tier in range(lowest, highest + 1):
                page = await self._tier(tier, highest)
                if page is not None:
                    return page
            raise self._last or self._no_tier()
        except PreviewError as error:
            error.escalation_log = self._log
            raise

    async def _tier(self, tier: int, highest: int) -> Page | None:
        if reason := self._skip(tier):
            self._note(tier, "skipped", reason)
            await self._say("escalating", tier, _STARTS_AT[tier], f"{_named(tier)} is skipped: {reason}.")
            return None
        first = all(entry["outcome"] == "skipped" for entry in self._log)
        status = "starting" if first else "escalated"
        await self._say(status, tier, _STARTS_AT[tier], f"Trying {_named(tier)}.")
        started = time.monotonic()
        brought = await self._attempts(tier, started)
        if brought.verdict.kind is Kind.OK and brought.fetched is not None:
            self._note(tier, "ok", "", started, status_code=brought.fetched.status)
            return await self._page(tier, brought.fetched, brought.content)
        await self._leave(tier, highest, brought, started)
        return None

    async def _attempts(self, tier: int, started: float) -> _Brought:
        """What the tier brings in the end; a PreviewError that ends the climb is noted on its way."""
        try:
            brought = await self._one(tier)
            wait = brought.verdict.retry_after
            if brought.verdict.kind in (Kind.RATE_LIMITED, Kind.BLOCKED) and wait is not None:
                brought = await self._again(tier, brought, wait)
            if last_word := final_error(brought.verdict):
                raise last_word
        except PreviewError as error:
            self._note(tier, "failed", error.code, started)
            raise
        return brought

    async def _one(self, tier: int) -> _Brought:
        return await (self._through_proxies(tier) if tier == 2 else self._attempt(tier))

    async def _attempt(self, tier: int, proxy: ProxyServer | None = None) -> _Brought:
        """One try of one tier, through one way out."""
        try:
            if tier == 3:
                return await self._browse()
            async with self._fetcher(proxy) as fetcher:
                fetched = await fetcher.fetch(self._url)
        except ProxyTrouble:
            raise
        except Obstacle as obstacle:
            return _Brought(Verdict(Kind.BLOCKED, str(obstacle)))
        return _Brought(await asyncio.to_thread(_judged, fetched), fetched)

    async def _through_proxies(self, tier: int) -> _Brought:
        host = host_key(self._url)
        brought = _Brought(Verdict(Kind.BLOCKED, "every proxy is cooling down for this host"))
        tried: list[ProxyServer] = []
        challenged: list[ProxyServer] = []
        for _ in range(self._settings.proxy_attempts):
            proxy = self._shared.proxies.pick(host, tried=tried)
            if proxy is None:
                break
            tried.append(proxy)
            try:
                brought = await self._attempt(tier, proxy)
            except ProxyTrouble as trouble:
                self._shared.proxies.failed(proxy, host)
                brought = _Brought(Verdict(Kind.BLOCKED, str(trouble)))
                continue
            if brought.verdict.kind not in (Kind.BLOCKED, Kind.RATE_LIMITED):
                self._shared.proxies.succeeded(proxy, host)
                for other in challenged:
                    self._shared.proxies.blocked(other, host)
                break
            if brought.verdict.retry_after is not None:
                break  # the host asks for a pause, which another proxy would not keep
            if brought.fetched is None or brought.verdict.sign.startswith("HTTP "):
                self._shared.proxies.blocked(proxy, host)
            else:
                # A challenge that everybody meets says nothing of this proxy, unless another one gets by.
                challenged.append(proxy)
        return brought

    async def _browse(self) -> _Brought:
        browser = self._shared.browser
        if browser is None:
            raise BrowserUnavailable("The browser tier is switched off.")
        host = host_key(self._url)
        proxy = self._shared.proxies.pick(host) if self._address_blocked else None
        async with self._fetcher(proxy) as fetcher:
            delay = await fetcher.check_robots(self._url)
            async with self._shared.hosts.turn(host, delay=delay), browser.open(self._url, proxy=proxy) as live:
                fetched = live.fetched
                verdict = await asyncio.to_thread(_judged, fetched)
                content = None
                if verdict.kind is Kind.OK:
                    title, elements = await self._extract(fetched.html)
                    content = (title, _numbered(await live.confirm(elements)))
            if fetched.url != self._url:
                # Where a redirect in the browser led is known afterwards only; then it is at least not handed out.
                await fetcher.check_robots(fetched.url)
        return _Brought(verdict, fetched, content)

    async def _again(self, tier: int, brought: _Brought, wait: float) -> _Brought:
        """Obey Retry-After, then try the same tier once more: that is cheaper than the next one."""
        if wait > self._settings.max_retry_after:
            raise RateLimited(
                f"The site asks to wait {wait:.0f} seconds, longer than a preview waits "
                f"({self._settings.max_retry_after:g} seconds). Try again after that time.",
                retry_after=wait,
            )
        self._shared.hosts.postpone(host_key(self._url), wait)
        sign = brought.verdict.sign
        await self._say("escalating", tier, _STARTS_AT[tier], f"{sign}: waiting {wait:.0f} s, as the site asks.")
        again = await self._one(tier)
        if again.verdict.retry_after is not None:
            self._shared.hosts.postpone(
                host_key(self._url), min(again.verdict.retry_after, self._settings.max_retry_after)
            )
        return again

    def _skip(self, tier: int) -> str | None:
        if tier < 3 and self._passed_over:
            return self._passed_over
        if tier == 2 and not len(self._shared.proxies):
            return "no proxies are configured"
        if tier == 3 and self._shared.browser is None:
            return "the browser is switched off"
        if tier == 3 and find_browser(self._settings.browser_path) is None:
            return "no Chromium or Chrome is installed"
        return None

    async def _leave(self, tier: int, highest: int, brought: _Brought, started: float) -> None:
        """Note why the tier was not enough, and what the climb would end with if it were the last."""
        sign = brought.verdict.sign
        self._note(
            tier, "escalated" if tier < highest else "failed", sign, started,
            status_code=brought.fetched.status if brought.fetched else None,
        )  # fmt: skip
        if brought.verdict.kind is Kind.NEEDS_JAVASCRIPT:
            self._passed_over = "the page is built by script, which only a browser runs"
            self._last = NeedsJavaScript(
                f"The page is built by script ({sign}), and the browser tier is not permitted or not configured."
                if tier < 3
                else f"The page did not fill in the browser either ({sign})."
            )
        elif brought.fetched is None:
            self._address_blocked = True
            self._last = Unreachable(f"The page could not be reached: {sign}.")
        else:
            self._address_blocked = True
            self._last = Blocked(f"The site turned the request away in every permitted tier; last sign: {sign}.")
        if tier < highest:
            await self._say("escalating", tier, _LEAVES_AT[tier], f"{_named(tier)} was not enough: {sign}.")

    async def _page(self, tier: int, fetched: Fetched, content: tuple[str, list[Element]] | None) -> Page:
        title, elements = content or await self._extract(fetched.html)
        return Page(
            url=fetched.url,
            title=title,
            elements=elements,
            tier_info={
                "tier_used": tier,
                "tier_name": TIER_NAMES[tier],
                "cost_per_page": self._settings.cost(tier),
                "escalation_log": self._log,
            },
            html=fetched.html,
        )

    async def _extract(self, html: str) -> tuple[str, list[Element]]:
        settings = self._settings
        return await asyncio.to_thread(extract, html, max_elements=settings.max_elements, max_text=settings.max_text)

    def _fetcher(self, proxy: ProxyServer | None) -> PageFetcher:
        from .fetch import PageFetcher

        shared = self._shared
        return PageFetcher(self._settings, shared.policy, hosts=shared.hosts, robots=shared.robots, proxy=proxy)

    def _note(
        self, tier: int, outcome: str, sign: str, started: float | None = None, *, status_code: int | None = None
    ) -> None:
        """One entry of the escalation log. A skipped tier took no time and cost nothing."""
        self._log.append(
            {
                "tier": tier,
                "tier_name": TIER_NAMES[tier],
                "outcome": outcome,
                "sign": sign,
                "status_code": status_code,
                "seconds": 0.0 if started is None else round(time.monotonic() - started, 3),
                "cost": 0.0 if started is None else self._settings.cost(tier),
            }
        )

    async def _say(self, status: str, tier: int, percent: int, message: str) -> None:
        cost = self._settings.cost(tier)
        await self._report(Report(status, message, percent, tier, TIER_NAMES[tier], cost, list(self._log)))

    def _no_tier(self) -> PreviewError:
        reasons = "; ".join(f"{_named(entry['tier'])}: {entry['sign']}" for entry in self._log)
        return NoTier(f"None of the permitted tiers can be used ({reasons}).")


def final_error(verdict: Verdict) -> PreviewError | None:
    """What a verdict that no other tier would change means; None for the others."""
    if verdict.kind is Kind.CAPTCHA:
        return CaptchaNeedsPerson(
            "The site asks for a person to solve a CAPTCHA. That is never done by this service: open the page yourself."
        )
    if verdict.kind is Kind.NOT_FOUND:
        return NotFound(f"The site says that there is no such page ({verdict.sign}).")
    if verdict.kind is Kind.LOGIN:
        return LoginRequired("The site shows this page to signed-in people only (HTTP 401).")
    if verdict.kind is Kind.SITE_ERROR:
        return SiteError(f"The site answers with an error of its own ({verdict.sign}). Try again later.")
    if verdict.kind is Kind.REJECTED:
        return RequestRejected(f"The site rejects the request ({verdict.sign}).")
    return None


def _judged(fetched: Fetched) -> Verdict:
    return judge(fetched.status, fetched.headers, fetched.html, fetched.url)


def _numbered(elements: list[Element]) -> list[Element]:
    return [
        Element(f"el-{number}", each.type, each.text, each.xpath, each.css, each.path)
        for number, each in enumerate(elements, 1)
    ]


def _named(tier: int) -> str:
    return f"tier {tier} ({TIER_NAMES[tier]})"
