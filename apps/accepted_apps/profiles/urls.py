"""What a URL asks for: which network, a profile or a post, and whose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import unquote

import httpx

from .errors import InvalidInput

Network = Literal["instagram", "mastodon", "bluesky"]
Kind = Literal["profile", "post"]
Mode = Literal["auto", "profile", "post"]
MODES: Final = get_args(Mode)

EXAMPLES: Final = (
    "a profile or a post, such as https://www.instagram.com/NAME/, https://mastodon.social/@NAME or "
    "https://bsky.app/profile/NAME"
)
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]+(?::[0-9]+)?(?:[/?#]|$)", re.IGNORECASE)
_AT_URI = re.compile(r"at://([^/]+)(?:/app\.bsky\.feed\.post/([^/?#]+))?/?")

_INSTAGRAM_HOSTS = frozenset({"instagram.com", "www.instagram.com", "m.instagram.com", "instagr.am", "www.instagr.am"})
_INSTAGRAM_NAME = re.compile(r"[A-Za-z0-9_.]{1,30}")
_INSTAGRAM_CODE = re.compile(r"[A-Za-z0-9_-]{5,64}")
_INSTAGRAM_POSTS = frozenset({"p", "reel", "reels", "tv"})
_INSTAGRAM_PAGES = frozenset(
    {"about", "accounts", "api", "ar", "challenge", "developer", "direct", "directory", "explore", "graphql", "legal"}
    | {"oauth", "p", "press", "privacy", "reel", "reels", "share", "static", "stories", "tv", "web"}
)

_HANDLE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}")
_DID = re.compile(r"did:(?:plc:[a-z2-7]{24}|web:[A-Za-z0-9.%:-]{1,240})")
_RKEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")

_MASTODON_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:@[A-Za-z0-9.:-]+)?")
_MASTODON_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Their profiles are written /@NAME as well, and they speak another language.
_FOREIGN = re.compile(
    r"(?:.*\.)?(?:youtube\.com|youtu\.be|tiktok\.com|medium\.com|threads\.(?:net|com)|substack\.com|snapchat\.com"
    r"|x\.com|twitter\.com|facebook\.com|linkedin\.com|reddit\.com|telegram\.(?:me|org)|t\.me|rumble\.com|npmjs\.com)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for. Made by `parse_url`; JSON can hold it, so it may be an argument of a step.

    url: in normal form. base: scheme, host and port, without a slash at the end. name: a user name, handle or DID; ""
    for a post on Instagram, whose URL need not name anybody. id: the post's shortcode, id or record key; "" for a
    profile.
    """

    network: Network
    kind: Kind
    url: str
    base: str
    name: str
    id: str = ""

    @property
    def host(self) -> str:
        """Host, and port where it is not the usual one."""
        return self.base.partition("://")[2]


def parse_url(url: object, mode: str = "auto", *, max_length: int = 2048) -> Target:
    """What a URL asks for. Raises InvalidInput naming `url` or `mode`."""
    if not isinstance(url, str) or not url.strip():
        raise InvalidInput(f"url is missing: give the address of {EXAMPLES}.", field="url")
    text = url.strip()
    if len(text) > max_length:
        raise InvalidInput(f"url is longer than {max_length} characters.", field="url")
    target = _of_at_uri(text) or _of_page(_parsed(text))
    if target is None:
        raise InvalidInput(f"url is of no network that is read here: give the address of {EXAMPLES}.", field="url")
    _check_mode(target, mode)
    return target


def _check_mode(target: Target, mode: str) -> None:
    if mode not in MODES:
        raise InvalidInput(f"mode must be one of {', '.join(MODES)}.", field="mode")
    if mode not in ("auto", target.kind):
        raise InvalidInput(f"mode is {mode}, but the url is that of a {target.kind}.", field="mode")


def _parsed(text: str) -> httpx.URL:
    if "://" not in text and _HOST.match(text):
        text = f"https://{text}"
    if not re.match(r"https?://", text, re.IGNORECASE):
        raise InvalidInput(f"url must begin with https://: give the address of {EXAMPLES}.", field="url")
    if _ODD.search(text):
        raise InvalidInput("url contains spaces, control characters or backslashes.", field="url")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"url is not valid: {error}.", field="url") from None
    if url.userinfo:
        raise InvalidInput("url must not contain a user name or password.", field="url")
    if not url.host or (url.port is not None and not 0 < url.port < 65536):
        raise InvalidInput("url has no host name, or a port outside 1 to 65535.", field="url")
    return url


def _of_page(url: httpx.URL) -> Target | None:
    parts = [unquote(part) for part in url.raw_path.decode("ascii").partition("?")[0].split("/") if part]
    host = url.host.lower().rstrip(".")
    if host in _INSTAGRAM_HOSTS:
        return _instagram(parts)
    if len(parts) >= 2 and parts[0] == "profile":
        return _bluesky(parts[1:])
    if _FOREIGN.fullmatch(host):
        return None
    return _mastodon(f"{url.scheme}://{url.netloc.decode('ascii')}", parts)


# ── Instagram ──


def _instagram(parts: list[str]) -> Target | None:
    base = "https://www.instagram.com"
    if len(parts) >= 2 and parts[-2] in _INSTAGRAM_POSTS and len(parts) <= 3 and _INSTAGRAM_CODE.fullmatch(parts[-1]):
        name = parts[0] if len(parts) == 3 else ""
        return Target("instagram", "post", f"{base}/p/{parts[-1]}/", base, name, parts[-1])
    if not parts or parts[0].lower() in _INSTAGRAM_PAGES:
        return None
    name = parts[0].removeprefix("@").lower()
    if not _INSTAGRAM_NAME.fullmatch(name) or parts[1:] not in ([], ["reels"], ["tagged"]):
        return None
    return Target("instagram", "profile", f"{base}/{name}/", base, name)


# ── Bluesky ──


def _of_at_uri(text: str) -> Target | None:
    found = _AT_URI.fullmatch(text)
    return _bluesky([found[1], "post", found[2]] if found[2] else [found[1]]) if found else None


def _bluesky(parts: list[str]) -> Target | None:
    """Whatever host shows it: the network is the same everywhere."""
    base, name = "https://bsky.app", parts[0].removeprefix("@")
    if not _DID.fullmatch(name):
        name = name.lower()
        if not _HANDLE.fullmatch(name):
            return None
    url = f"{base}/profile/{name}"
    match parts[1:]:
        case []:
            return Target("bluesky", "profile", url, base, name)
        case ["post", key, *_] if _RKEY.fullmatch(key):
            return Target("bluesky", "post", f"{url}/post/{key}", base, name, key)
        case _:
            return None


# ── Mastodon and what speaks its language ──


def _mastodon(base: str, parts: list[str]) -> Target | None:
    if parts[:1] in (["web"], ["deck"]):
        parts = parts[1:]
    match parts:
        case [name] if name.startswith("@"):
            return _mastodon_profile(base, name[1:])
        case [name, "with_replies" | "media" | "featured" | "following" | "followers"] if name.startswith("@"):
            return _mastodon_profile(base, name[1:])
        case ["users", name]:
            return _mastodon_profile(base, name)
        case [name, "statuses", key] if name.startswith("@"):
            return _mastodon_post(base, name[1:], key)
        case [name, key] if name.startswith("@"):
            return _mastodon_post(base, name[1:], key)
        case ["users", name, "statuses", key]:
            return _mastodon_post(base, name, key)
        case ["statuses" | "notice", key]:
            return _mastodon_post(base, "", key)
        case _:
            return None


def _mastodon_profile(base: str, name: str) -> Target | None:
    if not _MASTODON_NAME.fullmatch(name):
        return None
    return Target("mastodon", "profile", f"{base}/@{name}", base, name)


def _mastodon_post(base: str, name: str, key: str) -> Target | None:
    if not _MASTODON_ID.fullmatch(key) or (name and not _MASTODON_NAME.fullmatch(name)):
        return None
    return Target("mastodon", "post", f"{base}/@{name}/{key}" if name else f"{base}/statuses/{key}", base, name, key)
