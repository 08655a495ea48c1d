"""What an extraction takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from accepted_apps.news.errors import NewsError

MediaType = Literal["image", "video", "audio"]


class NotAnArticle(NewsError):
    """The page holds no article that can be read: a listing, an empty shell, a login wall … The message says which."""

    code = "not_an_article"


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, video or sound inside the article. URLs are absolute; `thumbnail` is a still of a video."""

    type: MediaType
    url: str
    alt: str = ""
    caption: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a feed or a list of links says about an article before its page is read. All of it may be missing.

    `content` is HTML or plain text, where the source carries the article itself. `published_at` is aware.
    """

    title: str = ""
    published_at: datetime | None = None
    authors: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    image: str = ""
    summary: str = ""
    section: str = ""
    content: str = field(default="", repr=False)
    media: list[Media] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article of a news site.

    url: canonical. text: paragraphs, separated by one line break. published_at, updated_at: aware; updated_at with
    the offset that the page gives, UTC where it gives none; published_at by the clock of the place, as far as the page
    tells it. Where `published_day_only`, it is midnight of a day of which no time is known.
    section: where the site files it; category: the broad department above that, if the page tells it, else the same.
    image: the lead picture. language: ISO 639-1, empty where it cannot be told. read_time_minutes: at least 1.
    extracted_by: which means gave the text, the title, the date …, for people who look for the reason of a wrong one.
    """

    url: str
    title: str
    text: str = field(repr=False)
    excerpt: str = field(repr=False)
    authors: list[str] = field(default_factory=list)
    published_at: datetime | None = None
    published_day_only: bool = False
    updated_at: datetime | None = None
    section: str = ""
    category: str = ""
    site: str = ""
    domain: str = ""
    language: str = ""
    image: str = ""
    media: list[Media] = field(default_factory=list, repr=False)
    tags: list[str] = field(default_factory=list)
    word_count: int = 0
    read_time_minutes: int = 1
    extracted_by: dict[str, str] = field(default_factory=dict, repr=False)
