"""Feeds: RSS 0.9x to 2.0, Atom, JSON Feed, news sitemaps, broken and mislabelled ones too.

A page that is given as a feed is asked for the feed it names, then for the places where feeds usually are. Addresses of
Google News are not resolved: since 2024 only its own scripts know where they lead.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import feedparser
from selectolax.lexbor import LexborHTMLParser

from accepted_apps.news.article import Media
from accepted_apps.news.errors import FetchFailed, NewsError, NotAFeed
from accepted_apps.news.fetching import Fetched, Fetcher
from accepted_apps.preview.charset import decode

from .collect import absolute, media_of, unique
from .jsonfeed import is_json_feed, parse_json_feed
from .model import MAX_LINKS, Link, Listing
from .sitemap import children, is_sitemap, parse_sitemap
from .words import moment, plain, xml_text

_MAX_UNPACKED = 32 * 2**20
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_FEED_ROOT = re.compile(r"<(?:rss|feed|rdf:rdf|[\w]+:(?:rss|feed))[\s>]", re.IGNORECASE)
_HTML_ROOT = re.compile(
    r"\s*(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL
)
_CAPTIONS = re.compile(
    r"<media:(title|description|text|credit|keywords|copyright|comments)\b[^<>]*"
    r"(?:(?<=/)>|>((?:[^<]|<(?!/?media:))*)</media:\1\s*>)",
    re.IGNORECASE,
)
_CONTENT_URL = re.compile(r"<media:content\b[^<>]*?\burl\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_MAIL_AUTHOR = re.compile(r"\S*\s+\(([^()]+)\)?")
"""`desk@example.org (Ada Quist)`, of which feedparser leaves parts."""
_FEED_TYPES = re.compile(
    r"application/(?:(?:rss|atom|rdf|feed)\+(?:xml|json)|json|xml)|text/(?:rss\+)?xml", re.IGNORECASE
)
_OF_COMMENTS = re.compile(r"comment|kommentar|oembed|wp-json", re.IGNORECASE)
_FEED_LINK = re.compile(r"(?:^|[/._-])(?:rss|feeds?|atom)(?:$|[/._?-])|\.rdf$", re.IGNORECASE)
_USUAL_PLACES = ("feed", "rss", "feed.xml", "rss.xml", "atom.xml", "index.xml", "feed.json", "feeds/posts/default")
_MAX_NAMED = 4
_MAX_SITEMAPS = 3
_SUMMARY = 2000
_IS_AN_ARTICLE = 1000
"""Characters of a description from which it is taken for the article itself."""


async def list_feed(url: str, fetcher: Fetcher) -> Listing:
    """What the feed at an address lists, or the feed that the page at that address leads to.

    Raises NotAFeed, FetchFailed, BadUrl.
    """
    fetched = await fetcher.get(url, kind="feed")
    listing = await asyncio.to_thread(parse_feed, fetched)
    if listing is not None:
        return await _with_children(listing, fetched, fetcher)
    named = await asyncio.to_thread(feeds_of_page, fetched)
    if named is None:
        raise NotAFeed(
            f"{url} answers with {_kind(fetched)}, which is neither a feed nor a web page that leads to one."
        )
    return await _discovered(fetched, named, fetcher)


def parse_feed(fetched: Fetched) -> Listing | None:
    """A feed of any kind as a listing, without asking for anything more; None when it is none. It blocks.

    Raises NotAFeed for one that is empty of all that a feed must have.
    """
    body = _unpacked(fetched.body)
    text = xml_text(body, fetched.content_type)
    if is_json_feed(text):
        listing = parse_json_feed(text, fetched.url)
    elif is_sitemap(text):
        listing = parse_sitemap(text, fetched.url)
    elif _FEED_ROOT.search(text[:5000]) and not _HTML_ROOT.match(text):
        listing = _parse_xml(text, fetched.url)
    else:
        return None
    links = unique(_newest_first(listing.links))
    notes = [*listing.notes, *_about(links)]
    return replace(
        listing, links=links, notes=notes, url=fetched.url, not_modified=fetched.not_modified, cost=fetched.cost
    )


def feeds_of_page(fetched: Fetched) -> list[str] | None:
    """The feeds that a page names, those it declares first; None when it is no page. It blocks."""
    text = decode(fetched.body, fetched.content_type)
    if not _HTML_ROOT.match(text) and "html" not in fetched.content_type.lower():
        return None
    tree = LexborHTMLParser(text)
    base = _base(tree, fetched.url)
    declared = [
        link.attributes.get("href")
        for link in tree.css('link[rel~="alternate" i][type][href]')
        if _FEED_TYPES.fullmatch((link.attributes["type"] or "").split(";")[0].strip())
        and not _OF_COMMENTS.search(f"{link.attributes.get('href')} {link.attributes.get('title')}")
    ]
    linked = [
        href
        for anchor in tree.css("a[href]")
        if _FEED_LINK.search(urlsplit_path(href := anchor.attributes["href"] or "")) and not _OF_COMMENTS.search(href)
    ]
    found = [absolute(href, base) for href in (*declared, *linked)]
    return list(dict.fromkeys(url for url in found if url and url != fetched.url))


def urlsplit_path(href: str) -> str:
    """The path of an address; empty for none."""
    try:
        return urlsplit(href).path
    except ValueError:
        return ""


# ── asking on ──


async def _discovered(page: Fetched, named: list[str], fetcher: Fetcher) -> Listing:
    """The first feed that a page leads to. Raises NotAFeed."""
    spent = page.cost
    places = list(dict.fromkeys((*named[:_MAX_NAMED], *(_usual(page.url) if not named else ()))))
    for place in places:
        try:
            fetched = await fetcher.get(place, kind="feed")
            listing = await asyncio.to_thread(parse_feed, fetched)
        except FetchFailed as error:
            spent += error.cost
            continue
        except NewsError:
            continue
        spent += fetched.cost
        if listing is not None and (listing.links or named):
            note = f"The address is a web page; its feed is {place}."
            return replace(listing, notes=[note, *listing.notes], cost=spent)
    raise NotAFeed(
        f"{page.url} is a web page and leads to no feed that can be read. Read it as a homepage, or name its feed."
    )


def _usual(url: str) -> Iterator[str]:
    for place in _USUAL_PLACES:
        yield absolute(f"/{place}", url)


async def _with_children(listing: Listing, fetched: Fetched, fetcher: Fetcher) -> Listing:
    """A sitemap that lists sitemaps: the newest of them, those of news first."""
    named = await asyncio.to_thread(children, xml_text(_unpacked(fetched.body), fetched.content_type), fetched.url)
    if not named:
        return listing
    links, spent, notes = list(listing.links), listing.cost, list(listing.notes)
    for child in named[:_MAX_SITEMAPS]:
        try:
            below = await fetcher.get(child, kind="feed")
            found = await asyncio.to_thread(parse_feed, below)
        except FetchFailed as error:
            notes.append(f"{child} could not be read: {error.message}")
            spent += error.cost
            continue
        spent += below.cost
        links += found.links if found else []
    if len(named) > _MAX_SITEMAPS:
        notes.append(f"The sitemap lists {len(named)} others; the {_MAX_SITEMAPS} that promise the newest were read.")
    links = unique(_newest_first(links))
    return replace(listing, links=links, notes=notes, cost=spent, not_modified=False)


# ── the document ──


def _unpacked(body: bytes) -> bytes:
    """Sitemaps come packed as files; one that is too large or damaged ends where it must."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            return packed.read(_MAX_UNPACKED)
    except (OSError, EOFError, zlib.error):
        return b""


def _parse_xml(text: str, url: str) -> Listing:
    """RSS and Atom, by feedparser. Raises NotAFeed."""
    captions: dict[str, str] = {}
    start = text.find("<")
    document = _CAPTIONS.sub(lambda found: _caption(found, captions), _XML_DECLARATION.sub("", text[start:], count=1))
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    parsed: Any = feedparser.parse(io.BytesIO(document.encode("utf-8", "replace")), response_headers=headers)
    if not parsed.version and not parsed.entries:
        raise NotAFeed(f"{url} begins as a feed, and cannot be read as one: {_reason(parsed)}.")
    base = absolute(parsed.feed.get("link"), url) or url
    entries = parsed.entries[:MAX_LINKS]
    links = [link for entry in entries if (link := _link(entry, base, captions)) is not None]
    notes = []
    if without := len(entries) - len(links):
        notes.append(f"{without} of {len(entries)} entries have no address of an article and were passed over.")
    if parsed.bozo:
        notes.append(f"The feed is not well-formed ({_reason(parsed)}); it was read as far as that goes.")
    return Listing(links=links, title=plain(parsed.feed.get("title"), 300), notes=notes)


def _caption(found: re.Match[str], captions: dict[str, str]) -> str:
    """Takes out what describes a picture, which feedparser would take for the words of the entry."""
    if found[1].lower() == "description" and found[2]:
        before = found.string[max(0, found.start() - 3000) : found.start()]
        if urls := _CONTENT_URL.findall(before):
            captions.setdefault(plain(urls[-1]), plain(_CDATA.sub(r"\1", found[2]), 500))
    return ""


def _reason(parsed: Any) -> str:
    problem = parsed.get("bozo_exception")
    return plain(str(getattr(problem, "getMessage", lambda: problem)()), 200) if problem else "it is empty"


def _link(entry: Any, base: str, captions: dict[str, str]) -> Link | None:
    url = _address(entry, base)
    if not url:
        return None
    media = _media(entry, url, captions)
    tags = [plain(tag.get("label") or tag.get("term"), 100) for tag in entry.get("tags", ())]
    summary, content = _bodies(entry)
    return Link(
        url=url,
        title=plain(entry.get("title"), 500),
        published_at=_published(entry),
        authors=_authors(entry),
        tags=list(dict.fromkeys(filter(None, tags))),
        image=_image(entry, url, media, content or summary),
        summary=plain(summary, _SUMMARY),
        section=plain(entry.get("section"), 100),
        content=content,
        media=media,
    )


def _address(entry: Any, base: str) -> str:
    """The article's own address: as it was before a feed service changed it, the link, or an id that is one."""
    for name in ("feedburner_origlink", "pheedo_origlink", "link"):
        if url := absolute(entry.get(name), base):
            return url
    identifier = str(entry.get("id") or "")
    return absolute(identifier, base) if identifier.startswith(("http://", "https://")) else ""


def _published(entry: Any) -> Any:
    for name in ("published", "created", "updated"):
        # Not the entry's own `get`, which gives one of them for the other, and warns of it.
        if found := moment(dict.get(entry, name)):
            return found
    return None


def _authors(entry: Any) -> list[str]:
    names = [plain(author.get("name"), 200) for author in entry.get("authors", ())]
    said = [found[1] if (found := _MAIL_AUTHOR.fullmatch(name)) else name for name in names]
    return list(dict.fromkeys(name for name in said if name and "@" not in name))


def _bodies(entry: Any) -> tuple[str, str]:
    """The summary, and the article itself where the entry has it; both may be markup."""
    contents = [str(each.get("value") or "") for each in entry.get("content", ())]
    summary = str(entry.get("summary") or "") or next(iter(contents), "")
    longest = max([*contents, summary], key=len)
    if longest != summary or len(plain(longest)) >= _IS_AN_ARTICLE:
        return summary, longest
    return summary, ""


def _media(entry: Any, base: str, captions: dict[str, str]) -> list[Media]:
    found: list[Media | None] = []
    for each in entry.get("media_content", ()):
        url = str(each.get("url") or "")
        kind = each.get("medium") or each.get("type") or _kind_by_name(url)
        found.append(media_of(kind, absolute(url, base), caption=captions.get(url, "")))
    for each in entry.get("enclosures", ()):
        url = str(each.get("href") or "")
        found.append(media_of(each.get("type") or _kind_by_name(url), absolute(url, base)))
    return list({each.url: each for each in found if each}.values())


def _kind_by_name(url: str) -> str:
    return "image" if re.search(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|\?)", url, re.IGNORECASE) else ""


def _image(entry: Any, base: str, media: list[Media], markup: str) -> str:
    thumbnails = [each.get("url") for each in entry.get("media_thumbnail", ())]
    own = [(entry.get("image") or {}).get("href")]
    inside: list[str | None] = []
    if "<img" in markup:
        inside = [image.attributes.get("src") for image in LexborHTMLParser(markup).css("img[src]")[:1]]
    pictures = [each.url for each in media if each.type == "image"]
    return next(filter(None, (absolute(url, base) for url in (*pictures, *own, *thumbnails, *inside))), "")


# ── the whole ──


def _newest_first(links: list[Link]) -> list[Link]:
    """Sorted where the oldest come first, as in sitemaps; else in the order of the feed, which may be a choice."""
    dates = [link.published_at for link in links if link.published_at]
    rising = sum(before < after for before, after in pairwise(dates))
    falling = sum(before > after for before, after in pairwise(dates))
    if rising <= 2 * falling or len(dates) < 2:
        return links
    return sorted(links, key=lambda link: link.published_at.timestamp() if link.published_at else 0.0, reverse=True)


def _about(links: list[Link]) -> Iterator[str]:
    if not links:
        yield "The feed holds no entry at present."
    if any((urlsplit(link.url).hostname or "") == "news.google.com" for link in links):
        yield "Addresses of Google News are not resolved; name the publishers' own feeds instead."


def _base(tree: LexborHTMLParser, url: str) -> str:
    element = tree.css_first("base[href]")
    return (absolute(element.attributes["href"], url) if element else "") or url


def _kind(fetched: Fetched) -> str:
    return fetched.content_type.split(";")[0].strip() or "something without a type"
