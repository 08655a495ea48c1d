"""Links as they are gathered: each article once, whatever its addresses look like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from accepted_apps.news.article import Media
from accepted_apps.news.errors import BadUrl
from accepted_apps.news.urls import article_key, canonical_url

from .model import Link


def absolute(url: object, base: str) -> str:
    """An address as it stands in a document, in normal form; empty for none that could be fetched."""
    if not isinstance(url, str) or not url.strip():
        return ""
    try:
        return canonical_url(joined(base, url.strip()))
    except (BadUrl, ValueError):
        return ""


def joined(base: str, url: str) -> str:
    """`urljoin`, which takes most of a document's time when it is asked for what is absolute already."""
    from urllib.parse import urljoin

    return url if url.startswith(("https://", "http://")) else urljoin(base, url)


def unique(links: Iterable[Link]) -> list[Link]:
    """Each article once, where it stands first, with what all of its entries say together."""
    found: dict[str, Link] = {}
    for link in links:
        key = article_key(link.url)
        found[key] = _merged(found[key], link) if key in found else link
    return list(found.values())


def _merged(first: Link, second: Link) -> Link:
    missing = {
        field.name: getattr(second, field.name)
        for field in fields(Link)
        if not getattr(first, field.name) and getattr(second, field.name)
    }
    return replace(first, **missing) if missing else first


def media_of(kind: str, url: str, *, caption: str = "", alt: str = "", thumbnail: str = "") -> Media | None:
    """A picture, video or sound by its type or medium (`image/jpeg`, `video`); None for anything else."""
    sort = kind.partition("/")[0].lower()
    if not url or sort not in ("image", "video", "audio"):
        return None
    return Media(type=sort, url=url, alt=alt, caption=caption, thumbnail=thumbnail)  # type: ignore[arg-type]  # checked
