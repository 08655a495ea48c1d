"""Everything that can keep a page from being previewed, in the words of the person who asked for it."""

from __future__ import annotations

from typing import Any

from accepted_apps.errors import ApplicationError


class PreviewError(ApplicationError):
    """A preview that cannot be made. escalation_log: what was tried, as in `Page.tier_info`."""

    code = "preview_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.escalation_log: list[dict[str, Any]] = []


class InvalidInput(PreviewError):
    """A parameter is not usable; `field` names it. Nothing was fetched."""

    code = "invalid_input"


class PrivateAddress(PreviewError):
    """The URL, or a redirect, leads to an address that is not on the public internet."""

    code = "address_refused"


class RobotsRefused(PreviewError):
    """The site's robots.txt asks not to fetch this page."""

    code = "robots_refused"


class NotFound(PreviewError):
    """The site says that there is no such page."""

    code = "not_found"


class LoginRequired(PreviewError):
    """The site shows this page to signed-in people only."""

    code = "login_required"


class CaptchaNeedsPerson(PreviewError):
    """The site asks for a person. It is never solved or gone around."""

    code = "captcha"


class Blocked(PreviewError):
    """Every permitted tier was turned away."""

    code = "blocked"
    retryable = True


class NeedsJavaScript(PreviewError):
    """The page is built by script, and the browser tier was not permitted or not configured."""

    code = "needs_javascript"


class RateLimited(PreviewError):
    """The site asks for a longer pause than one preview may wait; `retry_after` in seconds."""

    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(PreviewError):
    """No connection to the site, or none that lasted, in any permitted tier."""

    code = "unreachable"
    retryable = True


class SiteError(PreviewError):
    """The site answered with an error of its own (5xx)."""

    code = "site_error"
    retryable = True


class RequestRejected(PreviewError):
    """The site rejects the request as such (other 4xx)."""

    code = "rejected"


class BadRedirect(PreviewError):
    """Too many redirects, or one to something that is no web address."""

    code = "bad_redirect"


class NotAPage(PreviewError):
    """What the URL answers with is not HTML."""

    code = "not_a_page"


class TooLarge(PreviewError):
    """The page is larger than the limit."""

    code = "too_large"


class NeverEnds(PreviewError):
    """The site keeps sending without coming to an end."""

    code = "never_ends"


class NoTier(PreviewError):
    """None of the permitted tiers is configured."""

    code = "no_tier"


class BrowserUnavailable(PreviewError):
    """No Chromium or Chrome is installed, or it does not start."""

    code = "browser_unavailable"


class Obstacle(Exception):
    """One tier brought no answer; the message is the sign. Another tier may do better, so it is no PreviewError."""


class ProxyTrouble(Obstacle):
    """The proxy did not work, so nothing is known of the site."""
