"""Fetching: what the site is asked for, and how often; whom nobody waits for, and what is left of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise

import pytest
from accepted_apps.news.caching import CacheEntry, MemoryCache, fresh_for, may_be_kept
from accepted_apps.news.errors import BadUrl, FetchFailed
from accepted_apps.news.fetching import Fetched, Fetcher
from accepted_apps.playground import Playground
from accepted_apps.preview.climb import Climber
from accepted_apps.preview.settings import PreviewSettings
from helpers import wait_until

from .site import Asked, Said, Site, said

Fetching = Callable[..., Fetcher]
FEED = "<rss version='2.0'><channel><title>x</title></channel></rss>"


def tagged(tag: str, body: str = FEED, **headers: str) -> Callable[[Asked], Said]:
    """An answer with an ETag, which is not sent again to whoever has it."""

    def answer(asked: Asked) -> Said:
        has = asked.headers.get("if-none-match") == tag
        return said("" if has else body, 304 if has else 200, etag=tag, content_type="application/rss+xml", **headers)

    return answer


async def failing(fetcher: Fetcher, url: str, **options: str) -> FetchFailed:
    with pytest.raises(FetchFailed) as raised:
        await fetcher.get(url, **options)  # type: ignore[arg-type]
    return raised.value


# ── what is sent again ──


async def test_what_has_not_changed_is_not_sent_again(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = tagged('"a"')
    fetcher = fetching(cache=MemoryCache())
    first = await fetcher.get(f"{site.url}/feed", kind="feed")
    again = await fetcher.get(f"{site.url}/feed", kind="feed")
    assert [each.headers.get("if-none-match") for each in site.asked] == [None, '"a"']
    assert (first.not_modified, first.from_cache, first.status) == (False, False, 200)
    assert (again.not_modified, again.from_cache) == (True, True)
    assert again.body == first.body == FEED.encode()
    assert again.content_type == "application/rss+xml"
    site.routes["/feed"] = tagged('"b"', "<rss/>")
    third = await fetcher.get(f"{site.url}/feed", kind="feed")
    assert (third.body, third.not_modified) == (b"<rss/>", False)


async def test_a_date_is_asked_after_too(site: Site, fetching: Fetching) -> None:
    date = formatdate(1_700_000_000, usegmt=True)
    site.routes["/feed"] = said(FEED, last_modified=date)
    fetcher = fetching(cache=MemoryCache())
    for _ in range(2):
        await fetcher.get(f"{site.url}/feed", kind="feed")
    assert [each.headers.get("if-modified-since") for each in site.asked] == [None, date]


async def test_nothing_is_asked_while_the_site_has_said_that_it_need_not_be(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = said(FEED, cache_control="public, max-age=3600")
    fetcher = fetching(cache=MemoryCache(), max_age=60.0)
    for _ in range(3):
        fetched = await fetcher.get(f"{site.url}/feed", kind="feed")
    assert site.paths == ["/feed"]
    assert (fetched.not_modified, fetched.cost) == (True, 0.0)


async def test_the_site_s_word_is_believed_for_so_long_only(site: Site) -> None:
    site.routes["/feed"] = said(FEED, cache_control="max-age=3600")
    now = [1000.0]
    climber = Climber(PreviewSettings(allow=("127.0.0.1",), host_delay=0.0, respect_robots=False, browser=False))
    async with Fetcher(climber, cache=MemoryCache(), max_age=60.0, clock=lambda: now[0]) as fetcher:
        for at in (1000.0, 1059.0, 1061.0):
            now[0] = at
            await fetcher.get(f"{site.url}/feed", kind="feed")
    assert len(site.asked) == 2


async def test_without_a_cache_everything_is_asked_for_each_time(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = tagged('"a"', cache_control="max-age=3600")
    for fetcher, options in ((fetching(), {}), (fetching(cache=MemoryCache()), {"cache": False})):
        for _ in range(2):
            await fetcher.get(f"{site.url}/feed", kind="feed", **options)
    assert [each.headers.get("if-none-match") for each in site.asked] == [None] * 4


async def test_what_must_not_be_kept_is_not(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = tagged('"a"', cache_control="no-store")
    fetcher = fetching(cache=MemoryCache())
    for _ in range(2):
        await fetcher.get(f"{site.url}/feed", kind="feed")
    assert [each.headers.get("if-none-match") for each in site.asked] == [None, None]


async def test_304_of_another_page_than_the_one_that_was_kept(site: Site, fetching: Fetching) -> None:
    """Yesterday's and today's page have the same tag, and the redirect leads from one to the other."""
    site.routes |= {"/today": said(status=302, location="/1"), "/1": tagged('"x"', "one"), "/2": tagged('"x"', "two")}
    fetcher = fetching(cache=MemoryCache())
    assert (await fetcher.get(f"{site.url}/today", kind="feed")).body == b"one"
    site.routes["/today"] = said(status=302, location="/2")
    fetched = await fetcher.get(f"{site.url}/today", kind="feed")
    assert (fetched.body, fetched.url, fetched.not_modified) == (b"two", f"{site.url}/2", False)


async def test_304_that_nobody_asked_for(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = said(status=304)
    assert (await failing(fetching(cache=MemoryCache()), f"{site.url}/feed", kind="feed")).code == "rejected"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": 'public, MAX-AGE="60"'}, 60),
        ({"cache-control": "max-age=600"}, 300),
        ({"cache-control": "max-age=60, no-cache"}, 0),
        ({"cache-control": "max-age=60", "age": "45"}, 15),
        ({"cache-control": "max-age=60", "age": "99"}, 0),
        ({"cache-control": "max-age=soon"}, 0),
        ({"cache-control": "max-age=0", "expires": formatdate(2000, usegmt=True), "date": formatdate(1900)}, 0),
        ({"expires": formatdate(2000, usegmt=True), "date": formatdate(1900)}, 100),
        ({"expires": "0", "date": formatdate(1900)}, 0),
        ({"expires": "-1"}, 0),
    ],
)
def test_for_how_long_an_answer_is_good(headers: dict[str, str], seconds: float) -> None:
    assert fresh_for(headers, 300.0) == seconds
    assert may_be_kept(headers | {"etag": "1"})
    assert not may_be_kept(headers | {"etag": "1", "cache-control": "no-store"})


async def test_the_cache_in_memory_forgets_what_was_not_asked_for_the_longest_time() -> None:
    cache = MemoryCache(max_bytes=30)
    for name in "abcad":
        await cache.store(CacheEntry(url=name, final_url=name, content_type="", body=bytes(10)))
    kept = [name for name in "abcd" if await cache.load(name)]
    assert kept == ["a", "c", "d"]
    await cache.store(CacheEntry(url="d", final_url="d", content_type="", body=bytes(31)))
    assert not [name for name in "abcd" if await cache.load(name)]


# ── several at once ──


def gate() -> tuple[asyncio.Event, Callable[[Asked], object]]:
    """An answer that waits for an event."""
    opened = asyncio.Event()

    async def answer(_: Asked) -> Said:
        await opened.wait()
        return said(FEED)

    return opened, answer


async def test_the_same_address_at_the_same_time_is_fetched_once(site: Site, fetching: Fetching) -> None:
    opened, site.routes["/feed"] = gate()  # type: ignore[assignment]
    fetcher = fetching()
    both = [asyncio.create_task(fetcher.get(f"{site.url}/feed{end}", kind="feed")) for end in ("", "#top", "")]
    await wait_until(lambda: site.paths)
    opened.set()
    answers = await asyncio.gather(*both)
    assert site.paths == ["/feed"]
    assert {answer.body for answer in answers} == {FEED.encode()}
    await fetcher.get(f"{site.url}/feed", kind="feed")
    assert len(site.paths) == 2


async def test_one_that_is_cancelled_does_not_take_the_others_with_it(site: Site, fetching: Fetching) -> None:
    opened, site.routes["/feed"] = gate()  # type: ignore[assignment]
    fetcher = fetching()
    first, second = (asyncio.create_task(fetcher.get(f"{site.url}/feed", kind="feed")) for _ in range(2))
    await wait_until(lambda: site.paths)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    opened.set()
    assert (await second).body == FEED.encode()
    assert site.paths == ["/feed"]


async def test_the_last_one_that_is_cancelled_leaves_no_connection(site: Site, fetching: Fetching) -> None:
    _, site.routes["/feed"] = gate()  # type: ignore[assignment]
    fetcher = fetching()
    tasks = [asyncio.create_task(fetcher.get(f"{site.url}/feed", kind="feed")) for _ in range(2)]
    await wait_until(lambda: site.open == 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await wait_until(lambda: site.open == 0)
    site.routes["/feed"] = said(FEED)
    assert (await fetcher.get(f"{site.url}/feed", kind="feed")).body == FEED.encode()


async def test_an_error_is_everybody_s(site: Site, fetching: Fetching) -> None:
    fetcher = fetching()
    errors = await asyncio.gather(*(failing(fetcher, f"{site.url}/none") for _ in range(3)))
    assert [error.code for error in errors] == ["not_found"] * 3
    assert site.paths == ["/none"]


async def test_one_request_at_a_time_with_a_pause_for_a_host(site: Site, fetching: Fetching) -> None:
    spans: list[tuple[float, float]] = []

    async def answer(_: Asked) -> Said:
        started = time.monotonic()
        await asyncio.sleep(0.05)
        spans.append((started, time.monotonic()))
        return said(FEED)

    site.routes |= {f"/{number}": answer for number in range(3)}
    fetcher = fetching(host_delay=0.1)
    await asyncio.gather(*(fetcher.get(f"{site.url}/{number}", kind="feed") for number in range(3)))
    assert all(after[0] - before[1] >= 0.09 for before, after in pairwise(spans))


# ── what the site, or the network, does not want ──


async def test_a_pause_that_the_site_asks_for_is_kept_and_then_it_is_tried_again(
    site: Site, fetching: Fetching
) -> None:
    times: list[float] = []

    def answer(_: Asked) -> Said:
        times.append(time.monotonic())
        return said(FEED) if len(times) > 1 else said("busy", 429, retry_after="1")

    site.routes["/feed"] = answer
    assert (await fetching().get(f"{site.url}/feed", kind="feed")).body == FEED.encode()
    assert times[1] - times[0] >= 0.99


async def test_a_longer_pause_is_told(site: Site, fetching: Fetching) -> None:
    site.routes["/feed"] = said("busy", 429, retry_after="7200")
    error = await failing(fetching(), f"{site.url}/feed", kind="feed")
    assert (error.code, error.retryable, error.retry_after) == ("rate_limited", True, 7200.0)
    assert "7200 seconds" in error.message
    assert site.paths == ["/feed"]


async def test_robots_txt_is_obeyed(site: Site, fetching: Fetching) -> None:
    site.routes |= {
        "/robots.txt": said("User-agent: *\nDisallow: /private/", content_type="text/plain"),
        "/private/feed": said(FEED),
        "/feed": said(FEED),
    }
    fetcher = fetching(respect_robots=True)
    assert (await failing(fetcher, f"{site.url}/private/feed", kind="feed")).code == "robots_refused"
    await fetcher.get(f"{site.url}/feed", kind="feed")
    assert site.paths == ["/robots.txt", "/feed"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said("<h1>no</h1>", 404), "not_found"),
        (said("<h1>no</h1>", 410), "not_found"),
        (said("<h1>no</h1>", 401), "login_required"),
        (said("<h1>no</h1>", 500), "site_error"),
        (said("<h1>no</h1>", 400), "rejected"),
        (said("", 204), "rejected"),
        (said("<h1>no</h1>", 403), "blocked"),
        (said("<h1>no</h1>", 503), "blocked"),
        (said("<title>Just a moment...</title><p>x", cf_mitigated="challenge"), "blocked"),
        (said("<title>Shop</title><p>Verify you are human<div class=h-captcha>"), "captcha"),
        (said(status=302, location="/page"), "bad_redirect"),
        (said(status=302, location="javascript:x"), "bad_redirect"),
        (said("x" * 2000), "too_large"),
    ],
)
@pytest.mark.parametrize("kind", ["page", "feed"])
async def test_what_goes_wrong_is_said(site: Site, fetching: Fetching, answer: Said, code: str, kind: str) -> None:
    site.routes["/page"] = answer
    error = await failing(fetching(max_page_bytes=1500), f"{site.url}/page", kind=kind)
    assert error.code == code
    assert error.message.endswith(".")
    assert error.cost == PreviewSettings().tier1_cost


async def test_a_page_has_to_be_html_and_a_feed_need_not_be_anything(site: Site, fetching: Fetching) -> None:
    site.routes["/x"] = said(b"\x00\x01", content_type="application/octet-stream")
    assert (await failing(fetching(), f"{site.url}/x")).code == "not_a_page"
    assert (await fetching().get(f"{site.url}/x", kind="feed")).body == b"\x00\x01"


async def test_a_page_that_a_script_builds_is_taken_as_it_is(site: Site, fetching: Fetching) -> None:
    shell = '<script type="application/ld+json">{}</script><script src=x></script><div id=root></div>'
    site.routes["/x"] = said(shell)
    assert (await fetching().get(f"{site.url}/x")).body == shell.encode()


async def test_nobody_there(fetching: Fetching, site: Site) -> None:
    url = site.url
    await site.close()
    error = await failing(fetching(), f"{url}/")
    assert (error.code, error.retryable) == ("unreachable", True)


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/", "http://10.0.0.1/", "http://127.0.0.9/", "http://[::1]/", "http://127.0.0.1:9/"]
)
@pytest.mark.parametrize("kind", ["page", "feed"])
async def test_private_addresses_are_refused_at_once_and_behind_redirects(
    site: Site, fetching: Fetching, to: str, kind: str
) -> None:
    site.routes |= {"/feed": said(status=301, location="/on"), "/on": said(status=302, location=to)}
    for url in (to, f"{site.url}/feed"):
        assert (await failing(fetching(), url, kind=kind)).code == "address_refused"


@pytest.mark.parametrize("url", ["ftp://a.example/", "feed", "http://anna:geheim@a.example/feed"])
async def test_what_is_no_address_is_not_fetched(fetching: Fetching, url: str) -> None:
    with pytest.raises(BadUrl) as raised:
        await fetching().get(url)
    assert "geheim" not in raised.value.message


# ── tiers ──


async def test_what_is_blocked_climbs_where_that_is_permitted_and_says_what_it_cost() -> None:
    with Playground() as web:
        settings = PreviewSettings(
            allow=("127.0.0.1",), host_delay=0.0, respect_robots=False, browser=False, proxies=web.proxies
        )
        async with Climber(settings) as climber:
            async with Fetcher(climber) as fetcher:
                error = await failing(fetcher, f"{web.url}/address")
                assert (error.code, error.cost) == ("blocked", settings.tier1_cost)
            async with Fetcher(climber, max_tier=2) as fetcher:
                fetched: Fetched = await fetcher.get(f"{web.url}/address")
    assert fetched.tier == 2
    assert fetched.cost == pytest.approx(settings.tier1_cost + settings.tier2_cost)
    assert b"Harbour Kettle" in fetched.body
    assert fetched.content_type == "text/html; charset=utf-8"
