"""Articles in whatever a program answers with: found by the names that their parts usually have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .collect import absolute
from .model import Link
from .words import moment, plain

_LISTS = ("articles", "items", "results", "result", "news", "stories", "entries", "documents", "hits", "posts",
          "data", "response")  # fmt: skip
_WRAPPERS = ("article", "fields", "attributes", "metadata", "source", "item")
_URL = ("url", "link", "href", "weburl", "articleurl", "permalink", "canonicalurl", "sourceurl", "uri", "guid", "id")
_TITLE = ("title", "headline", "webtitle", "name", "heading")
_CONTENT = ("content", "text", "body", "fulltext", "articlebody", "bodytext", "contenthtml", "contenttext",
            "html", "markdown")  # fmt: skip
_SUMMARY = ("summary", "description", "excerpt", "abstract", "snippet", "standfirst", "trailtext", "lead", "teaser")
_DATE = ("publishedat", "published", "datepublished", "pubdate", "publicationdate", "publishdate", "publisheddate",
         "webpublicationdate", "date", "datetime", "createdat", "created", "timestamp", "time")  # fmt: skip
_AUTHORS = ("authors", "author", "byline", "creator", "creators", "writer", "writers")
_TAGS = ("tags", "keywords", "topics", "categories")
_IMAGE = ("image", "imageurl", "urltoimage", "thumbnail", "thumbnailurl", "picture", "cover", "leadimage", "images")
_SECTION = ("section", "sectionname", "category", "department")
_DEEP = 4
_MARKDOWN = re.compile(r"(?<!!)\[([^\]\n]{3,300})\]\((https?://[^\s)]+)\)")
_LABEL = re.compile(r"^[\W_]*([A-Za-z][A-Za-z _-]{1,20}?)[*_]*\s*:[*_]*\s+(.+)$")
_SPLIT = re.compile(r"\n\s*(?:\n|-{3,})\s*")


@dataclass(frozen=True, slots=True)
class Found:
    """The links, and how many entries had none."""

    links: list[Link]
    without: int


def links_of(answer: Any, base: str) -> Found | None:
    """The articles in an answer: JSON that was read, or text. None where nothing in it could be a list of them."""
    items = _from_text(answer) if isinstance(answer, str) else _items(answer, _DEEP)
    if items is None:
        return None
    links = [link for item in items if (link := _link(item, base)) is not None]
    return None if items and not links else Found(links, len(items) - len(links))


def _items(answer: Any, deep: int) -> list[dict[str, Any]] | None:
    """The first list of objects, where lists of articles usually are first."""
    if isinstance(answer, list):
        inside = [each for each in answer if isinstance(each, dict)]
        return inside if inside or not answer else None
    if not isinstance(answer, dict) or not deep:
        return None
    members = {_name(name): value for name, value in answer.items()}
    ordered = [members[name] for name in _LISTS if name in members]
    for value in (*ordered, *members.values()):
        found = _items(value, deep - 1) if isinstance(value, list | dict) else None
        if found is not None and (not found or any(map(_looks_like_one, found))):
            return found
    return [answer] if _looks_like_one(answer) else None


def _looks_like_one(item: dict[str, Any]) -> bool:
    members = _members(item)
    return any(isinstance(members.get(name), str) and "/" in members[name] for name in _URL)


def _from_text(text: str) -> list[dict[str, Any]] | None:
    """Blocks of `Title: …`, `URL: …`, or links in Markdown."""
    blocks = [dict(_labels(block)) for block in _SPLIT.split(text[:2_000_000])]
    labelled = [block for block in blocks if _looks_like_one(block)]
    if labelled:
        return labelled
    return [{"title": title, "url": url} for title, url in _MARKDOWN.findall(text)] or None


def _labels(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        if found := _LABEL.match(line[:2000]):
            yield found[1], found[2].strip()


def _name(name: object) -> str:
    return re.sub(r"[\W_]", "", str(name)).lower()


def _members(item: dict[str, Any]) -> dict[str, Any]:
    """By plain names, with what a wrapper inside holds."""
    members = {_name(name): value for name, value in item.items()}
    for wrapper in _WRAPPERS:
        if isinstance(inside := members.get(wrapper), dict):
            members = {_name(name): value for name, value in inside.items()} | members
    return members


def _link(item: dict[str, Any], base: str) -> Link | None:
    members = _members(item)
    url = next(filter(None, (_address(members.get(name), base) for name in _URL)), "")
    if not url:
        return None
    content = _text(members, _CONTENT)
    return Link(
        url=url,
        title=plain(_text(members, _TITLE), 500),
        published_at=next(filter(None, (moment(members.get(name)) for name in _DATE)), None),
        authors=_names(_first(members, _AUTHORS)),
        tags=_names(_first(members, _TAGS)),
        image=_picture(_first(members, _IMAGE), base),
        summary=plain(_text(members, _SUMMARY) or content, 2000),
        section=plain(_text(members, _SECTION), 100),
        content=content,
    )


def _address(value: object, base: str) -> str:
    said = value if isinstance(value, str) else ""
    return absolute(said, base) if said.startswith(("http://", "https://", "/")) else ""


def _first(members: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((members[name] for name in names if members.get(name)), None)


def _text(members: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((members[name] for name in names if isinstance(members.get(name), str) and members[name].strip()), "")


def _names(value: Any) -> list[str]:
    """Names in a list of words or of objects, or in one line."""
    if isinstance(value, str):
        value = re.split(r"\s*[,;]\s*|\s+(?:and|und|et|y)\s+", value.removeprefix("By ").removeprefix("by "))
    parts = value if isinstance(value, list) else [value]
    said = [plain(part.get("name") or part.get("title") if isinstance(part, dict) else part, 200) for part in parts]
    return list(dict.fromkeys(filter(None, said)))


def _picture(value: Any, base: str) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("url") or value.get("src") or value.get("href")
    return absolute(value, base)
