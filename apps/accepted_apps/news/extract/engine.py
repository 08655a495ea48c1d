"""The article of a page, put together from all who say something about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from trafilatura import bare_extraction

from .shapes import Article, Hints, NotAnArticle


def extract(body: bytes, url: str, content_type: str, hints: Hints) -> Article:
    """See `news.article.extract_article`."""
    document = bare_extraction(body, url=url, favor_precision=True, with_metadata=True)
    if document is None or not document.text:
        raise NotAnArticle("This page holds no article: no running text was found in it.")
    text = document.text
    return Article(
        url=document.url or url,
        title=document.title or hints.title,
        text=text,
        excerpt=document.description or hints.summary,
        authors=[name.strip() for name in (document.author or "").split(";") if name.strip()] or hints.authors,
        published_at=hints.published_at,
        section=hints.section,
        category=hints.section,
        site=document.sitename or "",
        domain=urlsplit(url).hostname or "",
        image=document.image or hints.image,
        media=hints.media,
        tags=hints.tags,
        word_count=len(text.split()),
        read_time_minutes=max(1, round(len(text.split()) / 238)),
        extracted_by={"text": "trafilatura"},
    )


def from_hints(url: str, hints: Hints) -> Article:
    """See `news.article.article_of_hints`."""
    page = f"<html><body><article>{hints.content}</article></body></html>"
    return extract(page.encode(), url, "text/html; charset=utf-8", hints)
