"""The article of a page, put together from all who say something about it."""

from __future__ import annotations

import html as markup
import re
from urllib.parse import urlsplit

from accepted_apps.news.errors import BadUrl
from accepted_apps.news.urls import canonical_url, domain_of

from .dates import Moment, published, updated
from .judgement import refuse
from .language import language_of, read_time, word_count
from .page import Page
from .people import authors_of
from .pictures import lead_image, media_in
from .shapes import Article, Hints, Media, NotAnArticle
from .text import Body, body_of
from .titles import folded, title_of
from .topics import section_of, tags_of

_EXCERPT = 300
_SENTENCE = re.compile(r"(?<=[.!?…])\s|(?<=[。！？।])")


def extract(body: bytes, url: str, content_type: str, hints: Hints) -> Article:
    """See `news.article.extract_article`."""
    try:
        return _extract(body, url, content_type, hints)
    except NotAnArticle:
        raise
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        ArithmeticError,
        RecursionError,
    ) as error:
        # The parsers below stumble over bytes that no browser would show either; one page must not end a job.
        raise NotAnArticle("This page cannot be read: its HTML is broken beyond repair.") from error


def _extract(body: bytes, url: str, content_type: str, hints: Hints) -> Article:
    page = Page(body, url, content_type)
    site = site_of(page)
    title = title_of(page, site, hints.title)
    lead = description_of(page)
    found = body_of(page, title.text, lead)
    refuse(page, found, title.text)
    authors, authors_by = authors_of(page, site, hints.authors)
    moment = published(page, hints.published_at)
    section, category = section_of(page, title.text, hints.section)
    address = _address(page)
    return Article(
        url=address,
        title=title.text or _first_line(found.text),
        text=found.text,
        excerpt=_excerpt(lead or hints.summary, found.text),
        authors=authors,
        published_at=moment.at if moment else None,
        published_day_only=moment is not None and moment.day_only,
        updated_at=updated(page, moment),
        section=section,
        category=category,
        site=site or _domain(address),
        domain=_domain(address),
        language=language_of(page, found.text),
        image=lead_image(page, hints.image),
        media=media_in(page, found.container) or _absolute(page, hints.media),
        tags=tags_of(page, hints.tags),
        word_count=word_count(found.text),
        read_time_minutes=read_time(found.text),
        extracted_by=_sources(found, title.source, authors_by, moment),
    )


def from_hints(url: str, hints: Hints) -> Article:
    """See `news.article.article_of_hints`."""
    content = hints.content if "<" in hints.content else markup.escape(hints.content).replace("\n", "<br><br>")
    page = f"<html><body><article>{content}</article></body></html>"
    article = extract(page.encode("utf-8", "replace"), url, "text/html; charset=utf-8", hints)
    article.extracted_by["text"] = "source"
    return article


def site_of(page: Page) -> str:
    """The site's own name; empty if it does not say."""
    named = page.meta("og:site_name", "application-name", "dc.publisher", "cre", "al:android:app_name")
    publishers = page.linked.texts(page.linked.first("publisher"))
    sites = [text for node in page.linked.of_type("WebSite") for text in page.linked.texts(node.get("name"))]
    name = named or next(iter([*publishers, *sites]), "")
    return name if len(name) <= 80 else ""


def description_of(page: Page) -> str:
    """What the page tells search engines and social networks it is about."""
    return (
        page.meta("og:description")
        or page.linked.text("description")
        or page.meta("description", "twitter:description", "dc.description")
    )


def _excerpt(said: str, text: str) -> str:
    if said and folded(said):
        return said if len(said) <= 2 * _EXCERPT else said[: 2 * _EXCERPT - 1].rstrip() + "…"
    excerpt = ""
    for sentence in _SENTENCE.split(text[: 4 * _EXCERPT].replace("\n", " ")):
        if excerpt and len(excerpt) + len(sentence) > _EXCERPT:
            break
        excerpt = f"{excerpt} {sentence}".strip()
    return excerpt if len(excerpt) <= 2 * _EXCERPT else excerpt[: _EXCERPT - 1].rstrip() + "…"


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0][:120]


def _address(page: Page) -> str:
    declared = [str(one) for one in page.tree.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")][
        :1
    ]
    declared += [text for text in (page.meta("og:url"),) if text]
    whole = page.linked.first("mainEntityOfPage", "url")
    declared += [
        text
        for one in page.linked.many(whole)
        for text in [one.get("@id") if isinstance(one, dict) else one]
        if isinstance(text, str)
    ]
    try:
        return canonical_url(page.url, declared)
    except BadUrl:
        return page.url


def _domain(url: str) -> str:
    try:
        return domain_of(url)
    except BadUrl:
        return urlsplit(url).hostname or ""


def _absolute(page: Page, media: list[Media]) -> list[Media]:
    return [one for one in media if page.absolute(one.url)]


def _sources(body: Body, title: str, authors: str, moment: Moment | None) -> dict[str, str]:
    found = {"text": body.source, "title": title, "authors": authors, "date": moment.source if moment else ""}
    return {name: source for name, source in found.items() if source}
