"""A source as the registry describes it, and what reading one brings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from accepted_apps.news.article import Hints
from accepted_apps.news.errors import BadUrl
from accepted_apps.news.urls import canonical_url

from .filters import LinkFilter

MAX_LINKS = 2000
"""What is looked at of one source, however long it is: more than anybody reads at once, and bounded in time."""
Method = Literal["feed", "homepage", "mcp"]

_ID = re.compile(r"[^\s/?#%&]+")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise PydanticCustomError("source_id", "must not hold spaces or any of / ? # % &")
    return text


def _web_address(text: str) -> str:
    try:
        canonical_url(text)
    except BadUrl as error:
        raise PydanticCustomError("web_address", "{said}", {"said": error.message.removesuffix(".")}) from None
    return text.strip()


def _icon(text: str) -> str:
    """A picture's address, or a character or two such as an emoji: what a page can show."""
    return _web_address(text) if "://" in text or len(text) > 16 else text.strip()


def _link_filter(text: str) -> str:
    try:
        LinkFilter(text)
    except ValueError as error:
        raise PydanticCustomError("link_filter", "{said}", {"said": str(error).removesuffix(".")}) from None
    return text.strip()


WebAddress = Annotated[str, Field(max_length=2048), AfterValidator(_web_address)]


class Selectors(BaseModel):
    """How links are found on a homepage. `linkFilter` is empty (by the structure of the page), a CSS selector, a part
    of a URL, or a pattern; docs/news.md says which is which."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)

    link_filter: Annotated[str, Field(alias="linkFilter", max_length=1000), AfterValidator(_link_filter)] = ""


class Source(BaseModel):
    """One source. Its JSON is `{id, name, url, icon, category, method, selectors: {linkFilter}}`, and for an MCP server
    `tool` and `arguments` besides.

    url: the feed, the page with the links, or the MCP server's endpoint. tool: the one to call; empty: the server's
    only one, or the one that is obviously meant. arguments: what it is called with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, str_strip_whitespace=True)

    id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_id)]
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
    url: WebAddress
    icon: Annotated[str, Field(max_length=2048), AfterValidator(_icon)] = ""
    category: Annotated[str, Field(max_length=100), AfterValidator(_one_line)] = ""
    method: Method = "feed"
    selectors: Selectors = Selectors()
    tool: Annotated[str, Field(max_length=200)] = ""
    arguments: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_fit_the_method(self) -> Self:
        if self.method != "mcp" and (self.tool or self.arguments):
            said = f"tool and arguments are for sources with the method 'mcp', and this one has {self.method!r}"
            raise PydanticCustomError("method", "{said}", {"said": said})
        if self.method != "homepage" and self.selectors.link_filter:
            said = f"selectors.linkFilter is for sources with the method 'homepage', and this one has {self.method!r}"
            raise PydanticCustomError("method", "{said}", {"said": said})
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Hints):
    """An article as its source lists it: where it is, and what is known of it before it is read.

    url: in normal form (`canonical_url`), without tracking parameters.
    """

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a source lists now, in its own order: feeds mostly by time, homepages by prominence.

    url: where the list was read in the end, after redirects and autodiscovery. not_modified: the source says that
    nothing has changed since `links` were read the last time. notes: sentences for the person who looks after the
    source, on what was passed over or repaired. cost: in US dollars.
    """

    links: list[Link] = field(default_factory=list)
    title: str = ""
    url: str = ""
    not_modified: bool = False
    notes: list[str] = field(default_factory=list)
    cost: float = 0.0
