"""What the news application keeps, and the port that a database has to offer for it.

The verbs are in `documents.py`, once, as plain functions of a `Transaction`; an engine runs them, each in one
transaction, and brings the statements that they name (`sqlite.sql`, `postgres.sql`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from accepted_apps.news.article import Article
from accepted_apps.news.documents.words import Term

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an address led to when it was last fetched: the document with this number, or `code` and `reason` of why
    there is none. `told`: by the source, for the page itself could not be read."""

    document: int | None
    url: str = ""
    title: str = ""
    told: bool = False
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who fetches an address: the caller, if `granted`. Else what is known of it already; or, with neither, somebody
    else is at it."""

    granted: bool
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A document of an owner. `new`: this owner did not have it before."""

    id: str
    new: bool


@dataclass(frozen=True, slots=True)
class Document:
    """An article as one owner has it. `fetched_at`: seconds since the epoch. `source_ids`: what led to it."""

    id: str
    article: Article
    fetched_at: float
    source_ids: list[str]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was looked for, and how many there are."""

    documents: list[Document]
    total: int


class Transaction(Protocol):
    """Runs statements by name, with named parameters."""

    def rows(self, statement: str, /, **parameters: Any) -> list[tuple[Any, ...]]: ...

    def run(self, statement: str, /, **parameters: Any) -> int:
        """The number of rows that it changed."""

    def index(self, words: Sequence[str]) -> str:
        """These words as the parameter of `index_document`."""

    def match(self, terms: Iterable[Sequence[Term]]) -> str:
        """All of these groups, any term of a group, as the parameter of a search."""


class Engine(Protocol):
    """A database. It opens by itself when it is first used. Everything raises StoreError when it cannot be used."""

    async def read(self, verb: Callable[[Transaction], T]) -> T: ...

    async def write(self, verb: Callable[[Transaction], T]) -> T:
        """All of it or nothing. `verb` may be called again, where writers of several processes have met."""

    async def close(self) -> None:
        """Idempotent. The next use opens it again."""
