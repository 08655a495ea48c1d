"""What counts as a URL to preview."""

from __future__ import annotations

import re

import httpx

from .errors import BadRedirect, InvalidInput

_ODD = re.compile(r"[\x00-\x20\x7f\\]")


def validated_url(url: object, *, max_length: int = 2048) -> str:
    """The URL in normal form (IDN as punycode, no fragment); InvalidInput with field `url` for anything else."""
    if not isinstance(url, str) or not url.strip():
        raise InvalidInput("url is missing: give the address of a web page.", field="url")
    text = url.strip()
    if len(text) > max_length:
        raise InvalidInput(f"url is longer than {max_length} characters.", field="url")
    if problem := _problem(text):
        raise InvalidInput(f"url {problem}.", field="url")
    return str(httpx.URL(text).copy_with(fragment=None))


def redirect_target(base: str, location: str) -> str:
    """Where a redirect leads; BadRedirect when that is no address that may be fetched."""
    try:
        url = str(httpx.URL(base).join(location.strip()).copy_with(fragment=None))
    except httpx.InvalidURL:
        url = ""
    if _problem(url):
        raise BadRedirect("The page redirects to something that is no http:// or https:// address.")
    return url


def host_key(url: str) -> str:
    """Host and port of a URL: what politeness, robots.txt and proxies are counted by."""
    parsed = httpx.URL(url)
    return f"{parsed.host}:{parsed.port or (443 if parsed.scheme == 'https' else 80)}"


def _problem(text: str) -> str | None:
    if not re.match(r"https?://", text, re.IGNORECASE):
        return "must begin with http:// or https://"
    if _ODD.search(text):
        return "contains spaces, control characters or backslashes"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        return f"is not valid: {error}"
    if url.userinfo:
        return "must not contain a user name or password"
    if url.port is not None and not 0 < url.port < 65536:
        return "has a port outside 1 to 65535"
    return None if url.host else "has no host name"
