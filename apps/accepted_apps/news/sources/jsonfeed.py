"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from accepted_apps.news.article import Media
from accepted_apps.news.errors import NotAFeed

from .collect import absolute, media_of
from .model import MAX_LINKS, Link, Listing
from .words import moment, plain


def is_json_feed(text: str) -> bool:
    """Whether it is one by its beginning; what else is JSON is told by `parse_json_feed`."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def parse_json_feed(text: str, url: str) -> Listing:
    """Raises NotAFeed for other JSON and for broken one."""
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise NotAFeed(f"{url} begins as JSON, and cannot be read as such.") from None
    items = document.get("items")
    if not isinstance(items, list) or not ("jsonfeed" in str(document.get("version")) or "title" in document):
        raise NotAFeed(f"{url} is JSON, but no JSON Feed: it has no `version` and `items` as those have.")
    base, items = absolute(document.get("home_page_url"), url) or url, items[:MAX_LINKS]
    authors = _authors(document)
    links = [link for item in items if isinstance(item, dict) and (link := _link(item, base, authors)) is not None]
    notes = []
    if without := len(items) - len(links):
        notes.append(f"{without} of {len(items)} items have no address of an article and were passed over.")
    return Listing(links=links, title=plain(document.get("title"), 300), notes=notes)


def _link(item: dict[str, Any], base: str, authors: list[str]) -> Link | None:
    identifier = str(item.get("id") or "")
    by_id = identifier if identifier.startswith(("http://", "https://")) else ""
    # `external_url` is what a link blog writes about; where there is nothing else, that is the article.
    url = next(filter(None, (absolute(each, base) for each in (item.get("url"), by_id, item.get("external_url")))), "")
    if not url:
        return None
    content = item.get("content_html") or item.get("content_text") or ""
    tags = item.get("tags")
    return Link(
        url=url,
        title=plain(item.get("title"), 500),
        published_at=moment(item.get("date_published")) or moment(item.get("date_modified")),
        authors=_authors(item) or authors,
        tags=[name for tag in tags if (name := plain(tag, 100))] if isinstance(tags, list) else [],
        image=absolute(item.get("image"), base) or absolute(item.get("banner_image"), base),
        summary=plain(item.get("summary") or content, 2000),
        content=content if isinstance(content, str) else "",
        media=list(_media(item, base)),
    )


def _authors(holder: dict[str, Any]) -> list[str]:
    """Of version 1.1 (`authors`) and 1.0 (`author`)."""
    found = holder.get("authors") if isinstance(holder.get("authors"), list) else [holder.get("author")]
    names = (plain(each.get("name"), 200) for each in found or () if isinstance(each, dict))
    return [name for name in names if name]


def _media(item: dict[str, Any], base: str) -> Iterator[Media]:
    attachments = item.get("attachments")
    for each in attachments if isinstance(attachments, list) else ():
        if isinstance(each, dict):
            found = media_of(
                str(each.get("mime_type")), absolute(each.get("url"), base), alt=plain(each.get("title"), 300)
            )
            if found:
                yield found
