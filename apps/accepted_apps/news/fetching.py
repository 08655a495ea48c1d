"""Fetching feeds and pages politely: one request at a time for a host, nothing twice that has not changed.

Everything goes through the preview's guarded client: private addresses are refused at every redirect, robots.txt and
Retry-After are obeyed, sizes and times are bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from accepted.guard import AddressPolicy
from accepted_apps.preview.charset import decode
from accepted_apps.preview.climb import Climber, Report, final_error
from accepted_apps.preview.detect import Kind, Verdict, judge
from accepted_apps.preview.errors import Blocked, Obstacle, PreviewError, RateLimited, RequestRejected, Unreachable
from accepted_apps.preview.fetch import HTML_TYPES, PageFetcher, page_of
from accepted_apps.preview.impersonate import Answer
from accepted_apps.preview.urls import host_key, validated_url

from .caching import CacheEntry, PageCache, fresh_for, may_be_kept
from .errors import BadUrl, FetchFailed
from .flights import Flights

Sort = Literal["page", "feed"]
_GOOD = (200, 203)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An answer with status 200. Header names are in lower case; `body` is unpacked, as the site encoded it.

    url: where it was found, after redirects. not_modified: it is what was kept from before, and still holds: the site
    says so (304), or had said for how long. from_cache: `body` was not sent again; then `headers` are those of the
    answer that says so, none where nobody was asked. tier, cost: of the preview's tiers, in US dollars.
    """

    url: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(repr=False)
    content_type: str = ""
    not_modified: bool = False
    from_cache: bool = False
    tier: int = 1
    cost: float = 0.0


class Fetcher:
    """Fetches for all jobs of a process, on one event loop: an async context manager.

    climber: the preview's engine, whose settings, turns per host, robots.txt and tiers are used; it stays the caller's.
    cache: where answers are kept. max_age: seconds for which a site's word on freshness is believed without asking
    again; 0 asks every time. max_tier: 1 to 3; above 1, a page that is blocked is tried in the preview's higher tiers,
    at their prices.
    """

    def __init__(
        self,
        climber: Climber,
        *,
        cache: PageCache | None = None,
        max_age: float = 300.0,
        max_tier: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._climber = climber
        self._settings = climber.settings
        self._cache = cache
        self._max_age = max_age
        self._max_tier = max_tier
        self._clock = clock
        self._flights: Flights[Fetched] = Flights()

    @property
    def policy(self) -> AddressPolicy:
        """Which addresses may be reached, for connections that are not made here."""
        return self._climber.policy

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._flights.close()

    async def get(self, url: str, *, kind: Sort = "page", cache: bool = True) -> Fetched:
        """One page (HTML, nothing else) or feed (of any type). The same URL asked for twice at once is fetched once.

        cache: whether what was kept is used, and what comes is kept.
        Raises BadUrl, or FetchFailed with the reason and what was spent.
        """
        asked = _fetchable(url, self._settings.url_max_length)
        return await self._flights.join((asked, kind, cache), lambda: self._get(asked, kind, cache))

    async def _get(self, url: str, kind: Sort, cache: bool) -> Fetched:
        store = self._cache if cache else None
        kept = await store.load(url) if store else None
        if kept and self._clock() < kept.fresh_until:
            return _from_cache(kept, {}, 0.0)
        fetched = await self._ask(url, kind, kept)
        if fetched.not_modified and kept:
            kept = self._renewed(kept, fetched.headers)
            fetched = _from_cache(kept, fetched.headers, fetched.cost)
        elif fetched.tier == 1 and may_be_kept(fetched.headers):
            kept = self._entry(url, fetched)
        else:
            kept = None
        if store and kept:
            await store.store(kept)
        return fetched

    async def _ask(self, url: str, kind: Sort, kept: CacheEntry | None) -> Fetched:
        """The answer of the site, by the cheapest tier that brings one."""
        price = self._settings.cost(1)
        try:
            answered = await self._first_tier(url, kind, kept)
        except PreviewError as error:
            raise _failed(error, url, price) from error
        if isinstance(answered, Fetched):
            return answered
        if kind == "feed" or self._max_tier < 2:
            raise _failed(answered, url, price)
        return await self._climb(url, price)

    async def _first_tier(self, url: str, kind: Sort, kept: CacheEntry | None) -> Fetched | PreviewError:
        """What came, or why nothing did where another tier may do better. Raises the other PreviewErrors."""
        try:
            answered = await self._try(url, kind, kept)
            if isinstance(answered, Verdict) and answered.retry_after is not None:
                self._postpone(url, answered, answered.retry_after)
                answered = await self._try(url, kind, kept)
        except Obstacle as obstacle:
            return Unreachable(f"The page could not be reached: {obstacle}.")
        if isinstance(answered, Fetched):
            return answered
        if answered.retry_after is not None:
            self._postpone(url, answered, answered.retry_after)
        return Blocked(f"The site turned the request away: {answered.sign}.")

    def _postpone(self, url: str, verdict: Verdict, wait: float) -> None:
        """Raises RateLimited where the site asks for more patience than there is."""
        if wait > self._settings.max_retry_after:
            raise RateLimited(
                f"The site asks to wait {wait:.0f} seconds ({verdict.sign}), longer than is waited here "
                f"({self._settings.max_retry_after:g} seconds). Try again after that time.",
                retry_after=wait,
            )
        self._climber.hosts.postpone(host_key(url), wait)

    async def _try(self, url: str, kind: Sort, kept: CacheEntry | None) -> Fetched | Verdict:
        """One fetch, and the verdict where another try or tier may do better. Raises Obstacle and PreviewError."""
        climber = self._climber
        async with PageFetcher(self._settings, climber.policy, hosts=climber.hosts, robots=climber.robots) as fetcher:
            final, answer = await fetcher.get(url, kept.validators if kept else None)
            if answer.status == 304 and kept and final != kept.final_url:
                # The redirect leads elsewhere by now, and what was kept is another page's.
                final, answer = await fetcher.get(url)
        if answer.status == 304 and kept:
            return Fetched(url=final, headers=answer.headers, body=b"", not_modified=True, cost=self._settings.cost(1))
        return await asyncio.to_thread(self._taken, final, answer, kind)

    def _taken(self, url: str, answer: Answer, kind: Sort) -> Fetched | Verdict:
        """In a thread, because judging reads the page. Raises a PreviewError where no other tier would help."""
        if kind == "page" or answer.status not in _GOOD or _is_html(answer):
            verdict = judge(answer.status, answer.headers, _html(url, answer, kind), url)
            if error := final_error(verdict):
                raise error
            if not self._good_enough(verdict):
                return verdict
        if answer.status not in _GOOD:
            raise RequestRejected(f"The site answers without a page (HTTP {answer.status}).")
        return Fetched(
            url=url,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.headers.get("content-type", ""),
            cost=self._settings.cost(1),
        )

    def _good_enough(self, verdict: Verdict) -> bool:
        """Without a browser, a page that a script builds is taken as it is: its metadata may hold the article."""
        return verdict.kind is Kind.OK or (verdict.kind is Kind.NEEDS_JAVASCRIPT and self._max_tier < 3)

    async def _climb(self, url: str, spent: float) -> Fetched:
        try:
            page = await self._climber.climb(url, 2, self._max_tier, report=_unheard)
        except PreviewError as error:
            raise _failed(error, url, spent + sum(entry["cost"] for entry in error.escalation_log)) from error
        info = page.tier_info
        return Fetched(
            url=page.url,
            body=page.html.encode("utf-8", "replace"),
            content_type="text/html; charset=utf-8",
            tier=info["tier_used"],
            cost=spent + sum(entry["cost"] for entry in info["escalation_log"]),
        )

    def _entry(self, asked: str, fetched: Fetched) -> CacheEntry:
        now = self._clock()
        return CacheEntry(
            url=asked,
            final_url=fetched.url,
            content_type=fetched.content_type,
            body=fetched.body,
            etag=fetched.headers.get("etag", ""),
            last_modified=fetched.headers.get("last-modified", ""),
            fetched_at=now,
            fresh_until=now + fresh_for(fetched.headers, self._max_age),
        )

    def _renewed(self, kept: CacheEntry, headers: Mapping[str, str]) -> CacheEntry:
        now = self._clock()
        return replace(
            kept,
            etag=headers.get("etag", kept.etag),
            last_modified=headers.get("last-modified", kept.last_modified),
            fetched_at=now,
            fresh_until=now + fresh_for(headers, self._max_age),
        )


def _from_cache(kept: CacheEntry, headers: Mapping[str, str], cost: float) -> Fetched:
    return Fetched(
        url=kept.final_url,
        headers=headers,
        body=kept.body,
        content_type=kept.content_type,
        not_modified=True,
        from_cache=True,
        cost=cost,
    )


def _fetchable(url: str, max_length: int) -> str:
    try:
        return validated_url(url, max_length=max_length)
    except PreviewError as error:
        raise BadUrl(error.message, field=error.field) from None


def _html(url: str, answer: Answer, kind: Sort) -> str:
    """Raises NotAPage for a page that is none."""
    return page_of(url, answer).html if kind == "page" else decode(answer.body, answer.headers.get("content-type", ""))


def _is_html(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").split(";")[0].strip().lower() in HTML_TYPES


def _failed(error: PreviewError, url: str, cost: float) -> FetchFailed:
    return FetchFailed(
        error.message,
        code=error.code,
        url=url,
        retryable=error.retryable,
        retry_after=getattr(error, "retry_after", None),
        cost=cost,
    )


async def _unheard(_report: Report) -> None:
    """The climb's reports: the job that waits tells of the fetch as a whole."""
