"""Sitemaps, those of news above all: addresses with title, date, keywords and pictures."""

from __future__ import annotations

import re

from lxml import etree

from accepted_apps.news.errors import NotAFeed

from .collect import absolute, media_of
from .model import MAX_LINKS, Link, Listing
from .words import moment, plain

_ROOT = re.compile(r"<(?:\w+:)?(urlset|sitemapindex)[\s>]", re.IGNORECASE)
_NEWS = re.compile(r"news|latest|article|post|actualit|nachricht|noticia", re.IGNORECASE)


def is_sitemap(text: str) -> bool:
    """Whether it is one, by its root element."""
    return _ROOT.search(text[:3000]) is not None


def parse_sitemap(text: str, url: str) -> Listing:
    """What a sitemap lists itself. Raises NotAFeed."""
    links = (_link(node, url) for node in _root(text, url).iter("{*}url"))
    return Listing(links=_newest([link for link in links if link is not None]))


def _newest(links: list[Link]) -> list[Link]:
    """A sitemap may hold 50,000, in any order."""
    newest = sorted(links, key=lambda link: link.published_at.timestamp() if link.published_at else 0.0, reverse=True)
    return newest[:MAX_LINKS]


def children(text: str, url: str) -> list[str]:
    """The sitemaps that a sitemap lists, those that promise the newest articles first; empty for anything else."""
    found = _ROOT.search(text[:3000])
    if not found or found[1].lower() != "sitemapindex":
        return []
    listed = [(_said(node, "loc"), _said(node, "lastmod")) for node in _root(text, url).iter("{*}sitemap")]
    named = [(absolute(loc, url), moment(changed)) for loc, changed in listed]
    named.sort(key=lambda each: each[1].timestamp() if each[1] else 0.0, reverse=True)
    named.sort(key=lambda each: _NEWS.search(each[0]) is None)
    return [address for address, _ in named if address]


def _root(text: str, url: str) -> etree._Element:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    start = text.index("<")
    document = re.sub(r"^<\?xml[^>]*\?>", "", text[start:])
    try:
        root = etree.fromstring(document.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise NotAFeed(f"{url} begins as a sitemap, and cannot be read as one.")
    return root


def _link(node: etree._Element, base: str) -> Link | None:
    location = _said(node, "loc")
    url = absolute(location, base) if "://" in location else ""
    if not url:
        return None
    pictures = [absolute(each.text, base) for each in node.iterfind("{*}image/{*}loc")]
    keywords = _said(node, "news/{*}keywords")
    return Link(
        url=url,
        title=plain(_said(node, "news/{*}title"), 500),
        published_at=moment(_said(node, "news/{*}publication_date")) or moment(_said(node, "lastmod")),
        tags=[word for part in keywords.split(",") if (word := plain(part, 100))],
        image=next(filter(None, pictures), ""),
        media=[each for picture in pictures if (each := media_of("image", picture))],
    )


def _said(node: etree._Element, path: str) -> str:
    return (node.findtext(f"{{*}}{path}") or "").strip()
