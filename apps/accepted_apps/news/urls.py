"""The canonical URL of an article, and what tells whether two URLs are the same one.

Nothing is fetched, and no list is downloaded: public suffixes come from the snapshot that tldextract brings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote_plus, urljoin, urlsplit

import idna

from .errors import BadUrl
from .tracking import is_tracking

if TYPE_CHECKING:
    from tldextract import TLDExtract

_MAX_LENGTH = 2048
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_IGNORED = re.compile(r"[\t\r\n]")
_PORT = re.compile(r":(\d*)$")
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([^A-Za-z0-9._~!$&'()*+,;=:@/?-])")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
_AMPERSANDS = re.compile(r"&(?:amp;)*|^(?:amp;)+")
"""Some sites write URLs into feeds with one escape too many."""
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_VARIANT = re.compile(
    r"(?:amp|amp\.html?|mobile|m|print|print\.html?|full|single|all|comments?|forum|gallery|page|seite|p|pagina|\d{1,3})",
    re.IGNORECASE,
)
"""What a page's address may have more at its end than its canonical one: another form, another part of one article."""


def canonical_url(url: str, declared: Iterable[str] = ()) -> str:
    """The address under which an article is kept and shown; canonical of a canonical one is the same.

    In normal form: scheme and host in lower case, IDN as punycode, no default port, user name, fragment (but `#!…`) or
    session id, one way of percent-encoding, no dot segments; parameters that only say where a reader came from are
    left out, all others stay as they are, in their order, and so does a slash at the end.

    declared: what the page says of itself (rel=canonical, og:url, mainEntityOfPage), best first, absolute or relative.
    The first is taken that is on the same registrable site and leads to an article as far as one can see: not to the
    home page, and not to a section that the page is in. That is the only way from an AMP or mobile page to its article.

    Raises BadUrl for a `url` that is no http:// or https:// address; a declared one that is none is passed over.
    """
    own = _parsed(url)
    for text in declared:
        try:
            candidate = _parsed(_joined(_text(own), text.strip()))
        except (BadUrl, ValueError):
            continue
        if _stands_for(candidate, own):
            return _text(candidate)
    return _text(own)


def article_key(url: str) -> str:
    """The same for addresses that lead to the same article on any sane site, so a thing to compare and to be unique by.

    It is no address: scheme, `www.`, a slash or `index.html` at the end and the order of parameters do not count.
    Raises BadUrl.
    """
    parts = _parsed(url)
    host = parts.netloc.removeprefix("www.").removesuffix(":80").removesuffix(":443")
    path = _INDEX.sub("/", parts.path).rstrip("/")
    query = "&".join(sorted(filter(None, parts.query.split("&"))))
    return host + path + (f"?{query}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")


def same_site(one: str, other: str) -> bool:
    """Whether two URLs belong to one registrable site (`www.example.co.uk` and `m.example.co.uk`); False for no URL."""
    try:
        return site_of(one) == site_of(other)
    except BadUrl:
        return False


def site_of(url: str) -> str:
    """The registrable domain; host and port where there is none (an IP address, `localhost`). Raises BadUrl."""
    return _site(_parsed(url))


def domain_of(url: str) -> str:
    """The host as people read it: without `www.`, IDN in its own script. Raises BadUrl."""
    host = (urlsplit(_text(_parsed(url))).hostname or "").removeprefix("www.")
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


# ── reading ──


def _parsed(url: str) -> SplitResult:
    """In normal form. Raises BadUrl."""
    text = _IGNORED.sub("", url).strip("\x00 \x0b\x0c\x1f\x7f\xa0\ufeff\u200b")
    if not _SCHEME.match(text):
        raise BadUrl(f"{_shown(url)} is no web address: it must begin with http:// or https://.")
    if len(text) > _MAX_LENGTH:
        raise BadUrl(f"{_shown(url)} is longer than {_MAX_LENGTH} characters.")
    try:
        parts = urlsplit(text.replace("\\", "/"))
    except ValueError:
        raise BadUrl(f"{_shown(url)} is no valid web address.") from None
    scheme = parts.scheme.lower()
    return SplitResult(
        scheme, _netloc(scheme, parts.netloc, url), _path(parts.path), _query(parts.query), _fragment(parts.fragment)
    )


def _text(parts: SplitResult) -> str:
    return parts.geturl()


def _netloc(scheme: str, netloc: str, url: str) -> str:
    host = netloc.rpartition("@")[2]
    port = ""
    if found := _PORT.search(host):
        host, port = host[: found.start()], found[1].lstrip("0") or found[1][:1]
    if port == "0" or len(port) > 5 or int(port or 1) > 65535:
        raise BadUrl(f"{_shown(url)} has a port outside 1 to 65535.")
    named = _host(unquote_plus(host) if "%" in host else host)
    if named is None:
        raise BadUrl(f"{_shown(url)} has no valid host name.")
    return named if port in ("", {"http": "80", "https": "443"}[scheme]) else f"{named}:{port}"


def _host(text: str) -> str | None:
    if text.startswith("[") and text.endswith("]"):
        try:
            return f"[{ip_address(text[1:-1])}]"
        except ValueError:
            return None
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    host = host.rstrip(".")
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def _path(path: str) -> str:
    segments: list[str] = []
    parts = _SESSION.sub("", _escaped(path)).split("/")
    for segment in parts[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if parts[-1] in (".", "..") and segments and segments[-1]:
        segments.append("")
    return "/" + "/".join(segments)


def _query(query: str) -> str:
    parts = _AMPERSANDS.split(query)
    return "&".join(_escaped(part) for part in parts if part and not is_tracking(*_parameter(part)))


def _parameter(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _fragment(fragment: str) -> str:
    """Only the kind that selects a page, of sites that once were made for it."""
    return _escaped(fragment) if fragment.startswith("!") and len(fragment) > 2 else ""


def _escaped(text: str) -> str:
    """One form: what need not be escaped is not, everything else is in upper case; a lone percent sign is one."""

    def one(found: re.Match[str]) -> str:
        if found[1]:
            character = chr(int(found[1], 16))
            return character if character in _UNRESERVED else f"%{found[1].upper()}"
        return "".join(f"%{byte:02X}" for byte in found[2].encode("utf-8", "surrogatepass"))

    return _ESCAPE.sub(one, text)


def _shown(url: str) -> str:
    text = url.strip()
    return repr(text if len(text) <= 100 else text[:99] + "…")


# ── judging ──


def _joined(base: str, text: str) -> str:
    """Raises ValueError or BadUrl for half an address, which would else stand for the page itself."""
    if not text or _SCHEME.fullmatch(text):
        raise BadUrl("Nothing is declared.")
    return urljoin(base, text)


def _stands_for(candidate: SplitResult, own: SplitResult) -> bool:
    """Whether a declared address is that of this page's article."""
    if _site(candidate) != _site(own):
        return False
    there, here = _segments(candidate), _segments(own)
    if there == here:
        return bool(candidate.query) or not own.query or (bool(here) and _names_article(here[-1]))
    if not there:
        return False
    if here[: len(there)] == there:
        return all(_VARIANT.fullmatch(segment) for segment in here[len(there) :])
    return True


def _names_article(segment: str) -> bool:
    """Whether the end of a path is enough to tell an article, without parameters: a slug or a number."""
    return segment.count("-") + segment.count("_") >= 2 or any(character.isdigit() for character in segment)


def _segments(parts: SplitResult) -> list[str]:
    return [segment for segment in _INDEX.sub("/", parts.path).split("/") if segment]


def _site(parts: SplitResult) -> str:
    host = parts.netloc
    return _registrable(_PORT.sub("", host)) or host


@lru_cache(maxsize=4096)
def _registrable(host: str) -> str:
    if host.startswith("["):
        return ""
    if found := _suffixes()(host).top_domain_under_public_suffix:
        return found
    # A top level that the list does not know is a suffix by itself; the end of an IP address is none.
    labels = host.split(".")
    return "" if len(labels) < 2 or labels[-1].isdigit() or _suffixes()(host).suffix else ".".join(labels[-2:])


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    from tldextract import TLDExtract  # 0.1 s, for whoever needs it

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
