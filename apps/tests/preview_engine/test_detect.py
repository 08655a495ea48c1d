"""The verdicts on answers: walls, shells, and pages that only look like either."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from accepted_apps.preview.detect import Kind, judge, parse_retry_after

PROSE = "<p>" + "A sentence of an article that somebody wants to read. " * 80 + "</p>"
ARTICLE = f"<html><title>On walls</title><body><h1>On walls</h1>{PROSE}"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

WALLS: list[tuple[str, int, dict[str, str], str]] = [
    ("header cf", 403, {"cf-mitigated": "challenge"}, ARTICLE),
    ("header vercel", 429, {"x-vercel-mitigated": "challenge"}, ""),
    ("header waf", 202, {"x-amzn-waf-action": "challenge"}, ""),
    ("status 403", 403, {}, "<h1>Forbidden</h1>"),
    ("status 503", 503, {}, "<h1>Unavailable</h1>"),
    ("status 999", 999, {}, ""),
    ("cloudflare", 403, {}, "<title>Just a moment...</title><script>window._cf_chl_opt={cType: 'managed'}</script>"),
    ("large cloudflare", 200, {}, "<script>window._cf_chl_opt={}</script><style>" + "x{}" * 150_000 + "</style>"),
    ("cloudflare block", 403, {}, '<div id="cf-error-details"><h1>Sorry, you have been blocked</h1></div>'),
    ("imperva 200", 200, {}, "<iframe src='/_Incapsula_Resource?SWUDNSAI=31&incident_id=1'>Request unsuccessful."),
    ("distil 200", 200, {}, "<title>Pardon Our Interruption</title><p>As you were browsing"),
    (
        "akamai in references",
        403,
        {},
        "<title>Access Denied</title>No permission. Reference&#32;&#35;18&#46;2d351ab8&#46;1557333295&#46;a4e16ab",
    ),
    ("akamai 200", 200, {}, "<meta http-equiv=refresh content=\"5; URL='/?bm-verify=AAQ'\">"),
    ("anubis 401", 401, {}, '<title>Making sure you\'re not a bot!</title><script id="anubis_challenge"></script>'),
    ("datadome", 403, {}, "<script>var dd={'rt':'i','cid':'x','host':'geo.captcha-delivery.com'}</script>"),
    ("sucuri", 200, {}, "<script>var s={};sucuri_cloudproxy_js='';</script>"),
    ("reddit", 403, {}, "<p>You've been blocked by network security."),
    ("f5", 200, {}, "The requested URL was rejected. Please consult with your administrator. Your support ID is: 1"),
    ("youtube shell", 200, {}, "<title> - YouTube</title><body></body>"),
    ("instagram login", 200, {}, "<title>Login • Instagram</title><body></body>"),
    ("consent", 200, {}, "<title>x</title><h1>Before you continue to Google</h1><button>Accept all</button>"),
]
CAPTCHAS: list[tuple[str, int, dict[str, str], str]] = [
    ("waf header", 405, {"x-amzn-waf-action": "captcha"}, ""),
    ("recaptcha", 200, {}, "<h1>Please verify you are human</h1><div class=g-recaptcha data-sitekey=x></div>"),
    ("hcaptcha 403", 403, {}, "<p>One more step</p><div class=h-captcha></div>"),
    ("turnstile", 403, {}, "<p>Check</p><div class='cf-turnstile'></div>"),
    ("google sorry", 429, {}, "<p>Our systems have detected unusual traffic</p><form id='captcha-form'></form>"),
    (
        "amazon",
        200,
        {},
        "<title>Robot Check</title><h4>Enter the characters you see below</h4><form action='/errors/validateCaptcha'>",
    ),
    ("datadome", 403, {}, "<script>var dd={'rt':'c','cid':'x'}</script>"),
    ("perimeterx", 403, {}, "<div id='px-captcha'></div><p>Press &amp; Hold to confirm you are a human"),
    ("cloudflare interactive", 403, {}, "<script>window._cf_chl_opt={cType: 'interactive'}</script>"),
    (
        "cloudflare interactive, with its header",
        403,
        {"cf-mitigated": "challenge"},
        "<title>Just a moment...</title><script>window._cf_chl_opt={cvId:'3',cType:'interactive'}</script>",
    ),
]
SHELLS = [
    '<div id="root"></div><script src=/app.js></script>',
    "<div id=app> </div><noscript>You need to enable JavaScript to run this app.</noscript><script></script>",
    "<noscript>We're sorry but this works not without JavaScript</noscript><app-root></app-root><script></script>",
    "<title>Loading</title><body>Loading…<script src=x></script>",
    "<body><script>document.write('all of it')</script>",
    "<meta http-equiv=Refresh content='0; URL=/next'><body>",
]
PAGES = [
    ARTICLE,
    f"{ARTICLE}<p>Just a moment... Access Denied. Checking your browser. Verify you are human: captcha.",
    f"{ARTICLE}<pre>window._cf_chl_opt = {{}}; KPSDK.scriptStart; id='px-captcha'</pre>",
    f"{ARTICLE}<script src='/_Incapsula_Resource?SWJIYLWA=7'></script><script src=//js.datadome.co/tags.js></script>",
    "<h1>Shop</h1><p>Lamp</p><script>__CF$cv$params={};a='/cdn-cgi/challenge-platform/scripts/jsd/main.js'</script>",
    "<h1>Log in</h1><form><input type=password><div class=g-recaptcha></div><button>In</button></form>",
    "<h1>Contact</h1><form><textarea name=message></textarea><div class=h-captcha></div></form>",
    "<h1>Hi</h1><p>tiny page</p><script src=/analytics.js></script>",
    "<p>ok",
    "<h1>Newsletter</h1><p>Join us.</p><form><input name=email><div class=g-recaptcha></div></form>",
    "<h1>Small shop</h1><p>We use cookies. <button>Accept all</button></p><main><h2>Lamps</h2><p>nice</p></main>",
    f"<div id=root>{PROSE}</div><script></script><noscript>Enable JavaScript for comments</noscript>",
]


def verdict(status: int, html: str, headers: dict[str, str] | None = None, url: str = "https://site.test/a") -> Kind:
    return judge(status, headers or {}, html, url).kind


@pytest.mark.parametrize(("name", "status", "headers", "html"), WALLS, ids=[wall[0] for wall in WALLS])
def test_walls(name: str, status: int, headers: dict[str, str], html: str) -> None:
    found = judge(status, headers, html, "https://site.test/")
    assert found.kind is Kind.BLOCKED, found
    assert found.sign


@pytest.mark.parametrize(("name", "status", "headers", "html"), CAPTCHAS, ids=[each[0] for each in CAPTCHAS])
def test_captchas_that_ask_for_a_person(name: str, status: int, headers: dict[str, str], html: str) -> None:
    assert verdict(status, html, headers) is Kind.CAPTCHA


@pytest.mark.parametrize("html", SHELLS)
def test_shells(html: str) -> None:
    assert verdict(200, html) is Kind.NEEDS_JAVASCRIPT


@pytest.mark.parametrize("html", PAGES, ids=lambda html: str(html)[-60:])
def test_pages(html: str) -> None:
    assert judge(200, {"server": "cloudflare", "x-datadome": "protected"}, html, "https://site.test/").kind is Kind.OK


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, Kind.NOT_FOUND),
        (410, Kind.NOT_FOUND),
        (401, Kind.LOGIN),
        (429, Kind.RATE_LIMITED),
        (500, Kind.SITE_ERROR),
        (502, Kind.SITE_ERROR),
        (400, Kind.REJECTED),
        (451, Kind.REJECTED),
    ],
)
def test_statuses(status: int, kind: Kind) -> None:
    assert verdict(status, "<h1>Words</h1>") is kind


def test_a_404_that_speaks_of_captchas_is_a_404() -> None:
    assert verdict(404, "<h1>Not found</h1><p>Are you human?</p><div class=g-recaptcha></div>") is Kind.NOT_FOUND


def test_a_redirect_to_a_consent_host_is_a_wall() -> None:
    assert verdict(200, "<h1>Cookies</h1>", url="https://consent.site.test/m?continue=x") is Kind.BLOCKED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, 999999999.0),
    ],
)
def test_retry_after(value: Any, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
