"""Where an article is filed: section, category, tags."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from .linked import clean
from .page import Page, text_of
from .titles import folded

_TAG_METAS = ("article:tag", "parsely-tags", "sailthru.tags", "cxenseparse:keywords", "og:article:tag", "article:tags")
_KEYWORD_METAS = ("news_keywords", "keywords", "dc.subject", "dcterms.subject")
_SPLIT = re.compile(r"\s*[,;|、，；]\s*")
_MAX_TAGS, _MAX_LENGTH = 30, 60
_HOME = frozenset(
    [
        "home",
        "homepage",
        "startseite",
        "start",
        "accueil",
        "inicio",
        "início",
        "inicial",
        "portada",
        "strona",
        "główna",
        "etusivu",
        "forside",
        "головна",
        "главная",
        "首页",
        "首頁",
        "ホーム",
        "홈",
        "hjem",
        "news",
        "nachrichten",
    ]
)
_NO_SECTION = re.compile(
    r"^(?:\d+|[a-z]{2}(?:[-_][a-z]{2})?|articles?|story|stories|news|blogs?|posts?|archive|content|node|index|"
    r"amp|p|a|wp|web|www|home|www\.|.*\.(?:html?|php|aspx?))$",
    re.IGNORECASE,
)


def section_of(page: Page, title: str, hint: str) -> tuple[str, str]:
    """The section, and the department that it belongs to (the same if there is no other); empty if none is said."""
    trail = _trail(page, title)
    named = page.linked.texts(page.linked.first("articleSection"))
    named += [
        text
        for name in (
            "article:section",
            "og:article:section",
            "parsely-section",
            "sailthru.section",
            "section",
            "cxenseparse:section",
            "article.section",
            "category",
        )
        if (text := page.meta(name))
    ]
    named = [text for text in named if len(text) <= _MAX_LENGTH and folded(text)]
    section = named[0] if named else trail[-1] if trail else hint or _from_address(page.url)
    section = _SPLIT.split(section)[0] if section.count(",") > 1 else section
    return section, trail[0] if trail else section


def tags_of(page: Page, hints: list[str]) -> list[str]:
    """Distinct, in the page's order: what the page calls tags, before its keywords for search engines."""
    for texts in (_linked(page), _meta(page, _TAG_METAS), _meta(page, _KEYWORD_METAS), _links(page), hints):
        tags = _distinct(texts)
        if tags:
            return tags
    return []


def _distinct(texts: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in texts:
        tag = clean(text).strip("# \"'.,")
        if folded(tag) and len(tag) <= _MAX_LENGTH:
            found.setdefault(folded(tag), tag)
    return list(found.values())[:_MAX_TAGS]


def _linked(page: Page) -> list[str]:
    found: list[Any] = page.linked.texts(page.linked.first("keywords"))
    return [
        tag
        for text in found
        for tag in _SPLIT.split(text)
        if not tag.lower().startswith(("http:", "https:")) and ":" not in tag[:12]
    ]


def _meta(page: Page, names: tuple[str, ...]) -> list[str]:
    for name in names:
        texts = page.metas.get(name, [])
        if texts:
            return [tag for text in texts for tag in (_SPLIT.split(text) if len(texts) == 1 else [text])]
    return []


def _links(page: Page) -> list[str]:
    elements = page.tree.xpath("//a[contains(concat(' ', @rel, ' '), ' tag ')]")[:_MAX_TAGS]
    return [text for element in elements if (text := text_of(element))]


def _trail(page: Page, title: str) -> list[str]:
    """The breadcrumbs between the home page and the article."""
    for node in page.linked.of_type("BreadcrumbList"):
        items = [one for one in page.linked.many(node.get("itemListElement")) if isinstance(one, dict)]
        items.sort(key=_position)
        names = [
            next(iter(page.linked.texts(one.get("name") or page.linked.many(one.get("item")))), "") for one in items
        ]
        trail = _middle(names, title)
        if trail:
            return trail
    marked = page.tree.xpath("//*[contains(@itemtype, 'BreadcrumbList')]//*[@itemprop='name']")[:8]
    marked = marked or page.tree.xpath("//*[contains(@class, 'breadcrumb') or contains(@id, 'breadcrumb')]//a")[:8]
    return _middle([text_of(element) for element in marked], title)


def _position(node: dict[str, Any]) -> int:
    text = str(node.get("position") or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _middle(names: list[str], title: str) -> list[str]:
    named = [clean(name) for name in names if name]
    return [
        name
        for at, name in enumerate(named)
        if folded(name)
        and len(name) <= _MAX_LENGTH
        and folded(name) != folded(title)
        and folded(name) not in _HOME
        and not (at == 0 and "." in name)
        and not (at == len(named) - 1 and len(name) > 40)
    ]


def _from_address(url: str) -> str:
    segments = [unquote(one) for one in urlsplit(url).path.split("/")[1:-1] if one]
    for segment in segments[:2]:
        if (
            not _NO_SECTION.match(segment)
            and len(segment) <= 25
            and not re.search(r"\d", segment)
            and segment.count("-") <= 2
        ):
            return segment.replace("-", " ").replace("_", " ").capitalize()
    return ""
