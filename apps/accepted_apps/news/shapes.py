"""The JSON of the news application: made with these types, and described by them in the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from accepted_apps.news.article import Article, Media
from accepted_apps.news.documents.base import Document
from accepted_apps.news.sources.model import Link, Source

Time = Annotated[datetime, PlainSerializer(lambda at: _utc(at).isoformat(timespec="milliseconds"), when_used="json")]
"""As the job API writes it: in UTC, with the offset in numbers."""


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


# ── articles ──


class MediaItem(_Shape):
    """A picture, video or sound of an article. `thumbnail` is a still of a video."""

    type: str
    url: str
    alt: str
    caption: str
    thumbnail: str

    @classmethod
    def of(cls, media: Media) -> MediaItem:
        return cls(type=media.type, url=media.url, alt=media.alt, caption=media.caption, thumbnail=media.thumbnail)


class ArticleSource(_Shape):
    """Where an article is from. `section` is empty where the request did not ask for it."""

    site: str
    domain: str
    section: str
    author: str


class Metrics(_Shape):
    """`readTime` in minutes. `publishedDay` is that of the article's readers, where `publishedAt` may say another."""

    read_time: int
    word_count: int
    published_at: Time | None
    published_day: date | None
    updated_at: Time | None

    @classmethod
    def of(cls, article: Article) -> Metrics:
        return cls(
            read_time=article.read_time_minutes,
            word_count=article.word_count,
            published_at=article.published_at,
            published_day=article.published_at.date() if article.published_at else None,
            updated_at=article.updated_at,
        )


class NewsArticle(_Shape):
    """One article of a result. `media` is the first of `allMedia`; both are null where the request asked for none."""

    title: str
    link: str
    excerpt: str
    image: str | None
    tags: list[str]
    category: str
    source: ArticleSource
    media: MediaItem | None = None
    all_media: list[MediaItem] | None = None
    metrics: Metrics
    full_text: str
    language: str
    source_id: str
    document_id: str

    @classmethod
    def of(
        cls, article: Article, *, source_id: str, document_id: str, with_media: bool = True, with_sections: bool = True
    ) -> NewsArticle:
        media = _media(article) if with_media else []
        return cls(
            title=article.title,
            link=article.url,
            excerpt=article.excerpt,
            image=article.image or None,
            tags=article.tags,
            category=article.category or article.section,
            source=_article_source(article, with_sections),
            media=media[0] if media else None,
            all_media=media if with_media else None,
            metrics=Metrics.of(article),
            full_text=article.text,
            language=article.language,
            source_id=source_id,
            document_id=document_id,
        )


def _article_source(article: Article, with_section: bool = True) -> ArticleSource:
    domain = article.domain or urlsplit(article.url).hostname or ""
    return ArticleSource(
        site=article.site or domain,
        domain=domain,
        section=article.section if with_section else "",
        author=", ".join(article.authors),
    )


def _media(article: Article) -> list[MediaItem]:
    """Those in the article; where it has none, its lead picture."""
    lead = [Media("image", article.image)] if article.image else []
    return [MediaItem.of(one) for one in article.media or lead]


# ── a job ──


class Skipped(_Shape):
    """An article that could not be read: `reason` is a sentence."""

    url: str
    reason: str
    code: str


class SourceReport(_Shape):
    """What came of one source. `error` and `code`: why it could not be read, else null. `articles`: how many are in the
    result; `new`: how many of them the caller did not have. `skipped`: the first of those that could not be read."""

    id: str
    name: str
    url: str
    method: str
    listed: int = 0
    articles: int = 0
    new: int = 0
    skipped: list[Skipped] = Field(default_factory=list)
    skipped_total: int = 0
    notes: list[str] = Field(default_factory=list)
    error: str | None = None
    code: str | None = None


class NewsResult(_Shape):
    """The articles of all sources, and a report on each source."""

    articles: list[NewsArticle]
    sources: list[SourceReport]


class Options(_Shape):
    """`limit`: articles of each source; left out: the number of the settings."""

    limit: int | None = Field(None, ge=1)
    include_media: bool | None = None
    include_sections: bool | None = None


class Submission(_Shape):
    """Sources by id, name or URL."""

    sources: list[str] = Field(min_length=1, examples=[["https://example.org/feed.xml"]])
    options: Options | None = None


class Started(_Shape):
    success: Literal[True] = True
    job_id: str
    status: str
    message: str


class Counts(_Shape):
    """Articles that were looked at, of those that were listed so far."""

    done: int
    total: int


class JobState(_Shape):
    """One job. `progress` is 10 to 100. `result` is there once it has completed: the articles. `report`: what came of
    each source; `failures`: those that could not be read, each with its sentence in `error`. `cost`: US dollars."""

    id: str
    status: str
    progress: float
    message: str
    counts: Counts | None
    cost: float
    cancelling: bool
    sources: list[str]
    options: Options
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    result: list[NewsArticle] | None = None
    report: list[SourceReport] | None = None
    failures: list[SourceReport] | None = None
    error: str | None = None
    code: str | None = None


class JobAnswer(_Shape):
    success: Literal[True] = True
    job: JobState


class Done(_Shape):
    """Something was done; `message` says what."""

    success: Literal[True] = True
    message: str


class Failure(_Shape):
    """Why a request was refused. `field`: the parameter that is wrong, where one is."""

    success: Literal[False] = False
    error: str
    code: str
    field: str | None = None


# ── documents ──


class DocumentSource(ArticleSource):
    """Where it is from, and the ids of the sources that led to it."""

    ids: list[str]


class DocumentState(_Shape):
    """One article that the caller's jobs saved. `processingDate`: when its page was last read."""

    id: str
    title: str
    url: str
    summary: str
    full_text: str
    published_at: Time | None
    source: DocumentSource
    media: MediaItem | None
    all_media: list[MediaItem]
    document_url: str
    processing_date: Time
    image: str | None
    tags: list[str]
    category: str
    language: str
    metrics: Metrics

    @classmethod
    def of(cls, document: Document, place: str) -> DocumentState:
        article = document.article
        media = _media(article)
        return cls(
            id=document.id,
            title=article.title,
            url=article.url,
            summary=article.excerpt,
            full_text=article.text,
            published_at=article.published_at,
            source=DocumentSource(**_article_source(article).model_dump(by_alias=False), ids=document.source_ids),
            media=media[0] if media else None,
            all_media=media,
            document_url=place,
            processing_date=datetime.fromtimestamp(document.fetched_at, UTC),
            image=article.image or None,
            tags=article.tags,
            category=article.category or article.section,
            language=article.language,
            metrics=Metrics.of(article),
        )


class Pagination(_Shape):
    limit: int
    offset: int
    total: int
    has_more: bool


class DocumentList(_Shape):
    """Newest first."""

    status: Literal["success"] = "success"
    documents: list[DocumentState]
    pagination: Pagination


class DocumentAnswer(_Shape):
    status: Literal["success"] = "success"
    document: DocumentState


# ── the registry ──


class SourceState(Source):
    """A source of the registry. `shared`: it is everybody's; changing it makes one of the caller's own."""

    shared: bool = False


class SourceAnswer(_Shape):
    success: Literal[True] = True
    source: SourceState


class LeftOut(_Shape):
    """A source of a file that was not entered, and why."""

    name: str
    url: str
    reason: str


class ImportAnswer(_Shape):
    success: Literal[True] = True
    message: str
    added: list[SourceState]
    skipped: list[LeftOut]


class FoundLink(_Shape):
    """An article that a source lists now."""

    title: str
    url: str
    published_at: Time | None
    summary: str
    image: str | None
    authors: list[str]
    section: str

    @classmethod
    def of(cls, link: Link) -> FoundLink:
        return cls(
            title=link.title,
            url=link.url,
            published_at=link.published_at,
            summary=link.summary[:500],
            image=link.image or None,
            authors=link.authors,
            section=link.section,
        )


class CheckResult(_Shape):
    """What a source would find now. `method`: how it was read; `url`: where the list was in the end."""

    name: str
    url: str
    method: str
    title: str
    links: list[FoundLink]
    notes: list[str]


class CheckAnswer(_Shape):
    """`check` is there once it has completed; `error` and `code` where the source cannot be read."""

    success: bool = True
    job_id: str
    status: str
    check: CheckResult | None = None
    error: str | None = None
    code: str | None = None
