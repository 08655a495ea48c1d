"""The climb through the tiers, against real servers and real proxies; tier 3 in a real Chromium."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from accepted_apps.preview.climb import Climber, Page, validated_tiers
from accepted_apps.preview.errors import (
    BadRedirect,
    Blocked,
    CaptchaNeedsPerson,
    InvalidInput,
    LoginRequired,
    NeedsJavaScript,
    NeverEnds,
    NotAPage,
    NotFound,
    NoTier,
    PreviewError,
    PrivateAddress,
    RateLimited,
    RobotsRefused,
    SiteError,
    TooLarge,
    Unreachable,
)
from accepted_apps.preview.settings import PreviewSettings

from .conftest import Reports
from .servers import HttpProxy, Request, Site, SocksProxy, redirect, reply

SettingsMaker = Callable[..., PreviewSettings]
PAGE = reply("<!doctype html><title>Plain</title><main><h1>Hello</h1><p id=x>World</p></main>")
SHELL = reply("<!doctype html><div id=root></div><script>root.innerHTML = '<h1>By script</h1>'</script>")


async def climb(settings: PreviewSettings, url: str, reports: Reports, *tiers: int) -> Page:
    async with Climber(settings) as climber:
        return await climber.climb(url, *tiers, report=reports)


async def failing(settings: PreviewSettings, url: str, reports: Reports, *tiers: int) -> PreviewError:
    with pytest.raises(PreviewError) as raised:
        await climb(settings, url, reports, *tiers)
    assert raised.value.message
    return raised.value


async def test_a_plain_page_costs_tier_1(settings: SettingsMaker, reports: Reports) -> None:
    async with Site({"/a": PAGE}, "127.0.0.5") as site:
        page = await climb(settings(), f"{site.url}/a#part", reports)
        result = page.as_dict()
        assert (result["url"], result["title"]) == (f"{site.url}/a", "Plain")
    assert set(result) == {"url", "title", "elements", "tier_info"}
    assert result["elements"][1] == {
        "id": "el-2",
        "type": "paragraph",
        "text": "World",
        "xpath": "//*[@id='x']",
        "css": '[id="x"]',
        "path": "html > body > main > p",
    }
    assert {k: v for k, v in result["tier_info"].items() if k != "escalation_log"} == {
        "tier_used": 1,
        "tier_name": "Lightweight",
        "cost_per_page": 0.0001,
    }
    [entry] = result["tier_info"]["escalation_log"]
    assert (entry["tier"], entry["outcome"], entry["cost"], entry["status_code"]) == (1, "ok", 0.0001, 200)
    assert [report.status for report in reports] == ["starting"]
    sent = site.requests[0].headers
    assert "Chrome/" in sent["user-agent"]
    assert (sent["sec-fetch-mode"], sent["upgrade-insecure-requests"]) == ("navigate", "1")


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_a_block_by_address_leads_to_the_proxies(
    settings: SettingsMaker, reports: Reports, kind: type[HttpProxy | SocksProxy]
) -> None:
    def by_address(request: Request) -> bytes:
        return PAGE if request.peer == "127.0.0.9" else reply("<h1>Forbidden</h1>", 403)

    async with (
        Site({"/": by_address}, "127.0.0.5") as site,
        kind("127.0.0.8") as blocked,
        kind("127.0.0.9") as good,
        kind() as dead,
    ):
        dead_url = dead.url
        await dead.__aexit__()
        page = await climb(settings(proxies=(dead_url, blocked.url, good.url)), site.url, reports)
        await dead.__aenter__()
    assert page.tier_info["tier_used"] == 2
    assert page.tier_info["cost_per_page"] == 0.005
    assert reports.signs == [(1, "escalated", "HTTP 403")]
    assert [entry["outcome"] for entry in page.tier_info["escalation_log"]] == ["escalated", "ok"]
    assert [report.status for report in reports] == ["starting", "escalating", "escalated"]


@pytest.mark.parametrize(
    ("path", "error", "sign"),
    [
        ("/403", Blocked, "HTTP 403"),
        ("/503", Blocked, "HTTP 503"),
        ("/429", Blocked, "HTTP 429"),
        ("/challenge", Blocked, "Cloudflare challenge"),
        ("/consent", Blocked, "consent wall"),
        ("/reset", Unreachable, "connection reset"),
        ("/silent", Unreachable, "time-out"),
        ("/packed", Unreachable, "a body packed as 'zpaq' cannot be unpacked"),
        ("/shell", NeedsJavaScript, "empty mount point of a script application"),
    ],
)
async def test_signs_that_escalate(
    settings: SettingsMaker, reports: Reports, path: str, error: type[PreviewError], sign: str
) -> None:
    async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    routes: dict[str, Any] = {
        "/403": reply("<h1>No</h1>", 403),
        "/503": reply("<h1>Busy</h1>", 503),
        "/429": reply("<h1>Slow down</h1>", 429),
        "/challenge": reply("<title>Just a moment...</title><script>window._cf_chl_opt={}</script>", 403),
        "/consent": reply("<h1>Before you continue to Site</h1><button>Accept all</button>"),
        "/reset": reset,
        "/silent": silent,
        "/packed": reply(b"xx", content_encoding="zpaq"),
        "/shell": SHELL,
    }
    async with Site(routes, "127.0.0.5") as site, HttpProxy() as proxy:
        made = settings(proxies=(proxy.url,), fetch_timeout=0.5)
        failed = await failing(made, site.url + path, reports)
        by_script = error is NeedsJavaScript
        assert len(site.requests) == (1 if by_script else 2)
    assert type(failed) is error
    assert [entry["tier"] for entry in failed.escalation_log] == [1, 2, 3]
    assert failed.escalation_log[0]["sign"] == sign
    assert failed.escalation_log[2]["outcome"] == "skipped"
    if by_script:
        assert failed.escalation_log[1]["outcome"] == "skipped"
        assert failed.escalation_log[1]["cost"] == 0


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/404", NotFound),
        ("/410", NotFound),
        ("/401", LoginRequired),
        ("/500", SiteError),
        ("/captcha", CaptchaNeedsPerson),
        ("/private", PrivateAddress),
        ("/private2", PrivateAddress),
        ("/loop", BadRedirect),
        ("/mail", BadRedirect),
        ("/scheme", BadRedirect),
        ("/login@", BadRedirect),
        ("/nonsense", BadRedirect),
        ("/pdf", NotAPage),
        ("/lie", NotAPage),
        ("/huge", TooLarge),
        ("/declared", TooLarge),
        ("/bomb", TooLarge),
        ("/endless", TooLarge),
        ("/drip", NeverEnds),
        ("/wait", RateLimited),
    ],
)
async def test_answers_that_end_the_climb(
    settings: SettingsMaker, reports: Reports, path: str, error: type[PreviewError]
) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"<p>more</p>" * 5000)
            await writer.drain()

    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>one")
        await asyncio.Event().wait()

    async with Site(host="127.0.0.5") as site, Site({"/": PAGE}) as inside, HttpProxy() as proxy:
        site.routes |= {
            "/404": reply("<h1>Nothing here</h1>", 404),
            "/410": reply("<h1>Gone</h1>", 410),
            "/401": reply("<h1>Sign in</h1>", 401),
            "/500": reply("<h1>Oops</h1>", 500),
            "/captcha": reply("<h1>Are you human?</h1><div class=g-recaptcha></div>"),
            "/private": redirect(inside.url),
            "/private2": redirect("/private"),
            "/loop": redirect("/loop"),
            "/mail": redirect("mailto:x@example.org"),
            "/scheme": redirect("intent://scan/#Intent"),
            "/login@": redirect("http://user:password@127.0.0.5/"),
            "/nonsense": redirect("http://[::1"),
            "/pdf": reply(b"%PDF", content_type="application/pdf"),
            "/lie": reply(b"%PDF-1.7", content_type="text/html"),
            "/huge": reply(b"<p>" + b"x" * 200_000, content_length=""),
            "/declared": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999999999\r\n\r\n<p>",
            "/bomb": reply(gzip.compress(b" " * 50_000_000), content_encoding="gzip"),
            "/endless": endless,
            "/drip": drip,
            "/wait": reply("<h1>Slow down</h1>", 429, retry_after="3600"),
        }
        made = settings(proxies=(proxy.url,), fetch_timeout=0.7, max_page_bytes=100_000)
        failed = await failing(made, site.url + path, reports)
        assert inside.connections == 0
        assert proxy.connections == 0
    assert type(failed) is error
    assert [(entry["tier"], entry["outcome"]) for entry in failed.escalation_log] == [(1, "failed")]
    if isinstance(failed, RateLimited):
        assert failed.retry_after == 3600


@pytest.mark.parametrize("tier", [1, 2])
async def test_retry_after_is_obeyed_then_the_same_tier_tried_again(
    settings: SettingsMaker, reports: Reports, tier: int
) -> None:
    def limited(request: Request) -> bytes:
        return PAGE if len(site.requests) > 1 else reply("<h1>Wait</h1>", 429, retry_after="7")

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with (
        Site({"/": limited}, "127.0.0.5") as site,
        HttpProxy("127.0.0.9") as proxy,
        Climber(settings(proxies=(proxy.url,))) as climber,
    ):
        climber.hosts._sleep = sleep
        page = await climber.climb(site.url, tier, report=reports)
    assert page.tier_info["tier_used"] == tier
    assert {request.peer for request in site.requests} == {"127.0.0.9" if tier == 2 else "127.0.0.1"}
    assert [round(seconds) for seconds in slept] == [7]
    assert "waiting 7 s" in reports[-1].message


async def test_a_redirect_to_a_private_address_in_tier_2(settings: SettingsMaker, reports: Reports) -> None:
    async with Site(host="127.0.0.5") as site, Site({"/": PAGE}) as inside, SocksProxy() as proxy:
        site.routes |= {"/": redirect("/2"), "/2": redirect(inside.url)}
        failed = await failing(settings(proxies=(proxy.url,)), site.url, reports, 2, 2)
        assert isinstance(failed, PrivateAddress)
        assert inside.connections == 0
        assert {host for host, _ in proxy.seen.targets} == {"127.0.0.5"}


@pytest.mark.browser
async def test_all_three_tiers(settings: SettingsMaker, reports: Reports) -> None:
    def door(request: Request) -> bytes:
        return SHELL if request.peer == "127.0.0.9" else reply("<h1>Forbidden</h1>", 403)

    async with Site({"/": door}, "127.0.0.5") as site, HttpProxy("127.0.0.9") as proxy:
        page = await climb(settings(proxies=(proxy.url,), browser=True), site.url, reports, 1, 9)
    assert page.tier_info["tier_used"] == 3
    assert [element.text for element in page.elements] == ["By script"]
    log = page.tier_info["escalation_log"]
    assert [(entry["tier"], entry["outcome"]) for entry in log] == [(1, "escalated"), (2, "escalated"), (3, "ok")]
    assert round(sum(entry["cost"] for entry in log), 4) == 0.0851
    assert [report.status for report in reports] == ["starting", "escalating", "escalated", "escalating", "escalated"]


@pytest.mark.browser
async def test_tier_3_ends_with_words_as_well(settings: SettingsMaker, reports: Reports) -> None:
    routes = {"/": redirect("/2"), "/403": reply("<h1>No</h1>", 403), "/404": reply("<h1>No</h1>", 404)}
    async with Site(routes, "127.0.0.5") as site, Site({"/": PAGE}) as inside:
        site.routes["/2"] = redirect(inside.url)
        made = settings(browser=True)
        for path, error in (("/", PrivateAddress), ("/403", Blocked), ("/404", NotFound)):
            failed = await failing(made, site.url + path, Reports(), 3, 3)
            assert type(failed) is error
        assert inside.connections == 0


async def test_tiers_that_are_not_configured_are_skipped_and_said_so(settings: SettingsMaker, reports: Reports) -> None:
    failed = await failing(settings(browser=True, browser_path="/nowhere"), "http://127.0.0.5/", reports, 2, 3)
    assert isinstance(failed, NoTier)
    assert "no proxies are configured" in failed.message
    assert "no Chromium or Chrome is installed" in failed.message
    assert [entry["outcome"] for entry in failed.escalation_log] == ["skipped", "skipped"]


async def test_robots_txt_is_honoured_cached_and_asked_before_the_page(
    settings: SettingsMaker, reports: Reports
) -> None:
    robots = reply("User-agent: *\nDisallow: /*?secret\nDisallow: /no\nAllow: /no/but\n", content_type="text/plain")
    async with Site({"/robots.txt": robots, "/": PAGE, "/no/but": PAGE}, "127.0.0.5") as site:
        async with Climber(settings(respect_robots=True)) as climber:
            await climber.climb(site.url, report=reports)
            await climber.climb(f"{site.url}/no/but", report=Reports())
            for path in ("/no", "/a?secret=1"):
                with pytest.raises(RobotsRefused):
                    await climber.climb(site.url + path, report=Reports())
        assert [request.path for request in site.requests] == ["/robots.txt", "/", "/no/but"]


@pytest.mark.parametrize(("status", "permitted"), [(404, True), (403, True), (500, False), (503, False)])
async def test_a_robots_txt_that_fails(settings: SettingsMaker, reports: Reports, status: int, permitted: bool) -> None:
    async with Site({"/robots.txt": reply("", status), "/": PAGE}, "127.0.0.5") as site:
        made = settings(respect_robots=True)
        if permitted:
            await climb(made, site.url, reports)
        else:
            failed = await failing(made, site.url, reports)
            assert "robots.txt" in failed.message
            assert failed.retryable
            assert not site.asked("/")


async def test_one_request_at_a_time_per_host(settings: SettingsMaker) -> None:
    open_now = most = 0

    async def page(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        writer.write(PAGE)

    async with Site({"/": page}, "127.0.0.5") as site, Climber(settings()) as climber:
        await asyncio.gather(*(climber.climb(site.url, report=Reports()) for _ in range(8)))
    assert most == 1


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"), [(1, 3, (1, 3)), (1, 99, (1, 3)), (2, 2, (2, 2)), (3, 7, (3, 3))]
)
def test_tiers(lowest: int, highest: int, expected: tuple[int, int]) -> None:
    assert validated_tiers(lowest, highest) == expected


@pytest.mark.parametrize(
    ("lowest", "highest", "field"),
    [(0, 3, "min_tier"), (1, 0, "max_tier"), (3, 2, "min_tier"), (True, 3, "min_tier"), (1, "3", "max_tier")],
)
def test_tiers_that_are_wrong_name_their_field(lowest: Any, highest: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        validated_tiers(lowest, highest)
    assert raised.value.field == field
    assert field in raised.value.message
