"""The article of a page: what the rest of the news application uses of the extractor."""

from __future__ import annotations

from .extract.shapes import Article, Hints, Media, MediaType, NotAnArticle

__all__ = ["Article", "Hints", "Media", "MediaType", "NotAnArticle", "article_of_hints", "extract_article"]


def extract_article(html: bytes, url: str, *, content_type: str | None = None, hints: Hints | None = None) -> Article:
    """The article of a page, from the page's own words; `hints` fill what it does not say.

    It blocks for some hundredths of a second up to seconds for a page of megabytes: call it in a thread, in as
    many at once as you like. content_type: the header of that name. Raises NotAnArticle, and nothing else, whatever
    the bytes are.
    """
    # The parsers take half a second to load: whoever only submits never needs them.
    from .extract.engine import extract

    return extract(html, url, content_type or "", hints or Hints())


def article_of_hints(url: str, hints: Hints) -> Article:
    """The article as its source carries it, for a page that cannot be read. Raises NotAnArticle without a text."""
    from .extract.engine import from_hints

    return from_hints(url, hints)
