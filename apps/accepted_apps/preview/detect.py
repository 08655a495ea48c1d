"""What an answer is: the page, a wall in front of it, or a shell that a script has to fill.

Headers speak first, then marks of a challenge itself (never of the vendor, whose scripts stand on normal pages too),
and both marks and phrases count only together with how little there is to read: an article about walls is no wall.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser


class Kind(Enum):
    """Verdicts that lead to different tiers, or to none."""

    OK = "ok"
    BLOCKED = "blocked"
    NEEDS_JAVASCRIPT = "needs_javascript"
    CAPTCHA = "captcha"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    LOGIN = "login"
    SITE_ERROR = "site_error"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """kind, the sign that it was told by, and Retry-After in seconds where the site sent one."""

    kind: Kind
    sign: str = ""
    retry_after: float | None = None


# Pages with less text than this are looked at for the marks of challenges, for phrases, and for empty shells.
_MARK_TEXT = 3000
_PHRASE_TEXT = 1500
_SHELL_TEXT = 200

_HEADER_SIGNS = (
    ("cf-mitigated", re.compile("challenge"), Kind.BLOCKED, "Cloudflare challenge"),
    ("x-vercel-mitigated", re.compile("challenge|deny"), Kind.BLOCKED, "Vercel challenge"),
    ("x-amzn-waf-action", re.compile("captcha"), Kind.CAPTCHA, "AWS WAF CAPTCHA"),
    ("x-amzn-waf-action", re.compile("challenge"), Kind.BLOCKED, "AWS WAF challenge"),
    ("x-dd-b", re.compile("[12]"), Kind.BLOCKED, "DataDome challenge"),
    ("x-sucuri-block", re.compile(".+"), Kind.BLOCKED, "Sucuri block"),
)

_CAPTCHA_MARKS = (
    (re.compile(r"'rt':'c'|captcha-delivery\.com/captcha"), "DataDome CAPTCHA"),
    (re.compile(r"cType:\s*'interactive'"), "Cloudflare challenge for a person"),
    (re.compile(r"""id=["']px-captcha"""), "PerimeterX press and hold"),
    (re.compile(r"""action=["'][^"']*validateCaptcha"""), "CAPTCHA form"),
    (re.compile(r"""id=["']captcha-form"""), "CAPTCHA form"),
)
_BLOCK_MARKS = (
    (
        re.compile(r"_cf_chl_opt\b|__cf_chl_(?:f_)?tk=|/cdn-cgi/challenge-platform/h/\w/orchestrate"),
        "Cloudflare challenge",
    ),
    (re.compile(r"""["']cf-error-(?:code|details)["']"""), "Cloudflare block page"),
    (re.compile(r"_Incapsula_Resource\?[^\"']*incident_id|Incapsula incident ID"), "Imperva block page"),
    (re.compile(r"'rt':'i'|captcha-delivery\.com/(?:i\.js|interstitial)"), "DataDome challenge"),
    (re.compile(r"[?&]bm-verify="), "Akamai challenge"),
    (re.compile(r"KPSDK\.scriptStart"), "Kasada challenge"),
    (re.compile(r"sucuri_cloudproxy_js|Sucuri WebSite Firewall"), "Sucuri challenge"),
    (re.compile(r"""id=["']anubis_challenge|/\.within\.website/x/cmd/anubis/"""), "Anubis challenge"),
    (re.compile(r"AwsWafIntegration\.(?:getToken|checkForceRefresh|forceRefreshToken)"), "AWS WAF challenge"),
    (re.compile(r"_____tmd_____|x5secdata|acw_sc__v2"), "Alibaba challenge"),
    (
        re.compile(r"""id=["'](?:cf-challenge-running|challenge-spinner|trk_jschal_js|turnstile-wrapper)["']"""),
        "challenge page",
    ),
)
_CAPTCHA_WIDGETS = (
    ".g-recaptcha, .h-captcha, .cf-turnstile, .frc-captcha, [class*=geetest], [id=captcha], [class~=captcha], "
    'iframe[src*="recaptcha/api2/"], iframe[src*="recaptcha/enterprise/"], iframe[src*="hcaptcha.com"], '
    'iframe[src*="arkoselabs"], iframe[src*="funcaptcha"], img[src*="captcha" i], input[name*="captcha" i]'
)
_PERSON = re.compile(
    r"(?:verify|confirm|prove|check)\w*\s+(?:that\s+)?you(?:'|’| a)?re\s+(?:an?\s+)?(?:human|person|not a (?:ro)?bot)"
    r"|(?:i'm|i am|you are|you're) (?:not a robot|human)|are you (?:a )?(?:human|robot)|human verification"
    r"|(?:solve|complete|enter|type)[^.]{0,40}(?:captcha|characters (?:you see|in (?:the|this) image)|puzzle)"
    r"|press (?:&|and) hold|unusual traffic|robot check|captcha",
    re.IGNORECASE,
)
_CAPTCHA_PHRASE = re.compile(
    r"enter the characters you see|type the characters|press (?:&|and) hold to confirm"
    r"|(?:solve|complete) the (?:captcha|puzzle)",
    re.IGNORECASE,
)
_BLOCK_TITLE = re.compile(
    r"^(?:just a moment|attention required! \| cloudflare|ddos-guard|access denied|access to this page has been denied"
    r"|pardon our interruption|security check|bot verification|human verification|robot check|client challenge"
    r"|one moment, please|making sure you.re not a bot|vercel security checkpoint|you have been blocked"
    r"|checking your browser|before you continue|login • instagram$|- youtube$)",
    re.IGNORECASE,
)
_BLOCK_PHRASE = re.compile(
    r"(?:checking|verifying) your browser|request unsuccessful\. incapsula|enable javascript and cookies to continue"
    r"|the requested url was rejected\. please consult|blocked by network security|using automation tools"
    r"|(?:our systems have detected )?unusual traffic from your|you have been blocked|pardon our interruption"
    r"|reference #\d+\.[0-9a-f]+\.\d+\.[0-9a-f]+|access to this page has been denied|why have i been blocked"
    r"|(?:ddos|bot) protection by|making sure you.re not a bot|(?:automated|suspicious) (?:access|traffic|activity)",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"before you continue to"
    r"|(?:consent|agree)\w* (?:is required )?(?:to|before)[^.]{0,60}(?:continue|access|read|enter)",
    re.IGNORECASE,
)
_CONSENT_PATH = re.compile(r"/(?:cookie-?)?(?:consent|cookiewall|cookie-wall)(?:/|$)", re.IGNORECASE)
_ASKS_FOR_SCRIPT = re.compile(
    r"(?:enable|turn on|activate|requires?|needs?|without)\s+(?:java\s?script)|javascript (?:is|must be|has to be)"
    r"[^.]{0,30}(?:disabled|enabled|required|needed|off)",
    re.IGNORECASE,
)
_MOUNTS = (
    "#root, #app, #__next, #__nuxt, #___gatsby, #svelte, #main-app, app-root, "
    "[data-reactroot], [ng-app], [data-server-rendered]"
)
_UNSEEN = ["script", "style", "noscript", "template", "svg", "iframe"]
_CONTENT = "p, h1, h2, h3, li, td, article, img, pre, form, video, a[href]"
_BLOCK_STATUSES = {403, 418, 444, 503, 999}
_LAST_WORDS = {401: Kind.LOGIN, 404: Kind.NOT_FOUND, 410: Kind.NOT_FOUND}


def judge(status: int, headers: Mapping[str, str], html: str, url: str, *, now: dt.datetime | None = None) -> Verdict:
    """The verdict on an answer. Header names are in lower case; `now` is for tests."""
    retry_after = parse_retry_after(headers.get("retry-after"), now or dt.datetime.now(dt.UTC))
    page = _Reading(html)
    if found := _by_headers(headers):
        # The headers are the same whether the challenge runs by itself or waits for a person; the page is not.
        found = (found.kind is Kind.BLOCKED and _captcha(page, status)) or found
        return Verdict(found.kind, found.sign, retry_after)
    if (status not in _LAST_WORDS or status == 401) and (found := _wall(page, status, url)):
        return Verdict(found.kind, found.sign, retry_after)
    if status == 429:
        return Verdict(Kind.RATE_LIMITED, "HTTP 429", retry_after)
    if status in _BLOCK_STATUSES:
        return Verdict(Kind.BLOCKED, f"HTTP {status}", retry_after)
    if status >= 400:
        other = Kind.SITE_ERROR if status >= 500 else Kind.REJECTED
        return Verdict(_LAST_WORDS.get(status, other), f"HTTP {status}", retry_after)
    return _shell(page) or Verdict(Kind.OK)


def parse_retry_after(value: str | None, now: dt.datetime) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None when it holds neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - now).total_seconds())


class _Reading:
    """A page as a reader meets it: title, visible text, and the tree."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.tree = LexborHTMLParser(html)
        title = self.tree.css_first("title")
        self.title = " ".join(title.text().split()) if title else ""
        self.scripts = len(self.tree.css("script"))
        self.no_script_text = " ".join(node.text() for node in self.tree.css("noscript"))
        self.has_form_fields = bool(self.tree.css('input[type="password"], textarea:not([name*="captcha" i])'))
        self.widget = bool(self.tree.css(_CAPTCHA_WIDGETS))
        self.tree.strip_tags(_UNSEEN)
        body = self.tree.body
        self.text = " ".join(body.text(separator=" ").split()) if body else ""


def _by_headers(headers: Mapping[str, str]) -> Verdict | None:
    for name, pattern, kind, sign in _HEADER_SIGNS:
        if pattern.search(headers.get(name, "")):
            return Verdict(kind, sign)
    return None


def _wall(page: _Reading, status: int, url: str) -> Verdict | None:
    if len(page.text) > _MARK_TEXT:
        return None
    return _captcha(page, status) or _challenge(page) or _consent(page, url)


def _captcha(page: _Reading, status: int) -> Verdict | None:
    for pattern, sign in _CAPTCHA_MARKS:
        if pattern.search(page.html):
            return Verdict(Kind.CAPTCHA, sign)
    if len(page.text) > _PHRASE_TEXT or page.has_form_fields:
        return None
    words = f"{page.title} {page.text}"
    if page.widget and (status in (401, 403, 429, 503) or _PERSON.search(words)):
        return Verdict(Kind.CAPTCHA, "CAPTCHA widget")
    if _CAPTCHA_PHRASE.search(words):
        return Verdict(Kind.CAPTCHA, "asks to solve a CAPTCHA")
    return None


def _challenge(page: _Reading) -> Verdict | None:
    for pattern, sign in _BLOCK_MARKS:
        if pattern.search(page.html):
            return Verdict(Kind.BLOCKED, sign)
    if len(page.text) > _PHRASE_TEXT:
        return None
    if match := _BLOCK_TITLE.search(page.title):
        return Verdict(Kind.BLOCKED, f"challenge page titled {match[0].strip()!r}")
    if match := _BLOCK_PHRASE.search(f"{page.text} {page.no_script_text}"):
        return Verdict(Kind.BLOCKED, f"challenge page that says {match[0].lower()[:60]!r}")
    return None


def _consent(page: _Reading, url: str) -> Verdict | None:
    parts = urlsplit(url)
    elsewhere = (parts.hostname or "").startswith("consent.") or _CONSENT_PATH.search(parts.path)
    asks = len(page.text) <= _PHRASE_TEXT and _CONSENT.search(page.text) and not page.tree.css("article, main h2")
    return Verdict(Kind.BLOCKED, "consent wall") if elsewhere or asks else None


def _shell(page: _Reading) -> Verdict | None:
    """A page that says next to nothing although it brings scripts."""
    if len(page.text) > _SHELL_TEXT or not page.scripts:
        return _refresh(page)
    if _ASKS_FOR_SCRIPT.search(f"{page.no_script_text} {page.text}"):
        return Verdict(Kind.NEEDS_JAVASCRIPT, "asks to enable JavaScript")
    mounts = page.tree.css(_MOUNTS)
    if any(not "".join(node.text().split()) for node in mounts) and len(page.text) <= _SHELL_TEXT:
        return Verdict(Kind.NEEDS_JAVASCRIPT, "empty mount point of a script application")
    if len(page.text) < 50 and not page.tree.css(_CONTENT):
        return Verdict(Kind.NEEDS_JAVASCRIPT, "scripts and almost no text")
    return _refresh(page)


def _refresh(page: _Reading) -> Verdict | None:
    refresh = page.tree.css_first('meta[http-equiv="refresh" i]')
    content = (refresh.attributes.get("content") or "") if refresh else ""
    if "url" in content.lower() and len(page.text) <= _SHELL_TEXT:
        return Verdict(Kind.NEEDS_JAVASCRIPT, "redirects by a meta element")
    return None
