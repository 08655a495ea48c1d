"""What the news application remembers, in its own verbs. Each is one transaction of an engine.

An article is stored once for everybody (`keep`), and belongs to those owners whose jobs saved it (`save`). Between the
two lies the end of a job: what a cancelled one has fetched nobody has, though it need not be fetched again for a while.
"""

from __future__ import annotations

import json
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from accepted_apps.news.article import Article
from accepted_apps.news.caching import CacheEntry
from accepted_apps.news.documents.base import Document, Engine, Found, Known, Saved, Transaction, Turn
from accepted_apps.news.documents.words import BEFORE_MIN, Query, Term, compounds_of, parse_query, words_of
from accepted_apps.news.sources.model import Source
from accepted_apps.news.urls import article_key

COMPOUNDS_MAX: Final = 200
"""Longer words that a shorter one in a query may stand for."""
PURGED_MIN: Final = 60.0
"""Seconds between two purges of one process."""

_ARTICLE: Final = TypeAdapter(Article)
_ENTRY: Final = tuple(one.name for one in fields(CacheEntry))
_PAGE_ITSELF: Final = ""
"""The teller of what a page says of itself."""


class Documents:
    """The memory of one process; `engine` may be shared with other processes by its database."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._purged = 0.0

    async def close(self) -> None:
        """Idempotent. The next use opens it again."""
        await self._engine.close()

    # ── fetching ──

    async def known(self, address: str, *, owner: str, since: float) -> Known | None:
        """What an address led to when it was fetched, at `since` or later."""
        return await self._engine.read(lambda tx: _known(tx, article_key(address), owner, since))

    async def claim_fetch(
        self, address: str, holder: str, seconds: float, *, owner: str, since: float, part: str = ""
    ) -> Turn:
        """Ask for the turn to fetch an address, for `seconds` unless it is renewed; whoever gets it calls
        `release_fetch`.

        `holder`: the job. `part`: for what of its work. The same part of the same job gets its turn again when it goes
        on after a crash.
        """
        now, address = self._clock(), article_key(address)

        def verb(tx: Transaction) -> Turn:
            known = _known(tx, address, owner, since)
            if known is not None:
                return Turn(granted=False, known=known)
            taken = tx.run("take_turn", address=address, holder=holder, part=part, now=now, until=now + seconds)
            # On PostgreSQL somebody may have come to his end since this transaction looked first.
            known = _known(tx, address, owner, since) if taken else None
            if known is not None:
                tx.run("release_turn", address=address, holder=holder)
            return Turn(granted=bool(taken) and known is None, known=known)

        return await self._engine.write(verb)

    async def release_fetch(self, address: str, holder: str) -> None:
        """Idempotent."""
        await self._engine.write(lambda tx: tx.run("release_turn", address=article_key(address), holder=holder))

    async def renew_fetches(self, holder: str, seconds: float) -> None:
        """All turns of a job hold for so long from now on."""
        until = self._clock() + seconds
        await self._engine.write(lambda tx: tx.run("renew_turns", holder=holder, until=until))

    async def release_fetches(self, holder: str) -> None:
        """All turns that a job still holds."""
        await self._engine.write(lambda tx: tx.run("release_turns", holder=holder))

    async def keep(self, address: str, article: Article, *, told_to: str = _PAGE_ITSELF) -> Known:
        """Store an article that `address` led to: one row for its canonical URL, renewed where it has changed.

        `told_to`: the owner whose source told it, where the page itself could not be read.
        """
        now, said = self._clock(), _clean(json.dumps(_ARTICLE.dump_python(article, mode="json"), ensure_ascii=False))
        words = words_of(_texts(article))

        def verb(tx: Transaction) -> int:
            number = _put(tx, article, said, words, told_to, now)
            for one in sorted({article_key(address), article_key(article.url)}):
                _set_address(tx, one, told_to, number, "", "", now)
            return number

        number = await self._engine.write(verb)
        return Known(document=number, url=article.url, title=article.title, told=told_to != _PAGE_ITSELF)

    async def reject(self, address: str, code: str, reason: str) -> None:
        """Remember that an address leads to no article."""
        now = self._clock()
        await self._engine.write(
            lambda tx: _set_address(tx, article_key(address), _PAGE_ITSELF, None, code, _clean(reason), now)
        )

    # ── documents ──

    async def save(self, owner: str, found: Iterable[tuple[int, str]]) -> dict[int, Saved]:
        """Give an owner documents by their numbers, each with the id of a source that led to it. All or nothing; one
        that the owner has already stays one. A number whose document is gone is left out."""
        now = self._clock()

        def verb(tx: Transaction) -> dict[int, Saved]:
            saved: dict[int, Saved] = {}
            # In one order for everybody, so that two savers never wait for one another.
            for number, source_id in sorted(found):
                one = _save(tx, owner, number, source_id, now)
                if one is not None:
                    saved.setdefault(number, one)
            return saved

        return await self._engine.write(verb)

    async def articles(self, numbers: Iterable[int]) -> dict[int, Article]:
        """By the number of their documents; those that are gone are left out."""
        wanted = json.dumps([*numbers])
        found = await self._engine.read(lambda tx: tx.rows("articles", numbers=wanted))
        return {number: _ARTICLE.validate_json(said) for number, said in found}

    async def find(
        self, owner: str, *, limit: int, offset: int = 0, source_id: str | None = None, q: str = ""
    ) -> Found:
        """An owner's documents, newest first by their date: all, of one source, or those in which the words of `q` are
        (words.py says how it is read)."""
        query = parse_query(q)
        if q.strip() and query.empty:
            return Found([], 0)

        def verb(tx: Transaction) -> Found:
            where = {"owner": owner, "source_id": source_id, **_match(tx, query)}
            search = "wanted" in where
            rows = tx.rows("search" if search else "find", limit=limit, offset=offset, **where)
            ((total,),) = tx.rows("count_search" if search else "count", **where)
            return Found(_documents(tx, rows), total)

        return await self._engine.read(verb)

    async def get(self, owner: str, document_id: str) -> Document | None:
        """None: there is none of this owner's."""
        found = await self._engine.read(lambda tx: _documents(tx, tx.rows("one", owner=owner, id=document_id)))
        return found[0] if found else None

    # ── the registry ──

    async def sources(self, owner: str) -> list[Source]:
        """An owner's own sources, in the order in which they were added."""
        rows = await self._engine.read(lambda tx: tx.rows("sources", owner=owner))
        return [Source.model_validate_json(said) for (said,) in rows]

    async def add_sources(self, owner: str, sources: Sequence[Source], *, most: int) -> list[Source]:
        """Add those whose ids are free, as long as the owner has no more than `most`; returns those that were added."""

        def verb(tx: Transaction) -> list[Source]:
            ((have,),) = tx.rows("count_sources", owner=owner)
            added: list[Source] = []
            for source in sources:
                room = have + len(added) < most
                if room and tx.run("add_source", owner=owner, id=source.id, source=_said(source)):
                    added.append(source)
            return added

        return await self._engine.write(verb)

    async def replace_source(self, owner: str, source: Source) -> bool:
        """False: he has none with this id."""
        said = _said(source)
        return bool(
            await self._engine.write(lambda tx: tx.run("replace_source", owner=owner, id=source.id, source=said))
        )

    async def delete_source(self, owner: str, source_id: str) -> bool:
        """False: he has none with this id. Its documents stay."""
        return bool(await self._engine.write(lambda tx: tx.run("delete_source", owner=owner, id=source_id)))

    # ── pages (a `PageCache`) ──

    async def load(self, url: str) -> CacheEntry | None:
        """The answer that was kept of this URL."""

        def verb(tx: Transaction) -> CacheEntry | None:
            for row in tx.rows("load_page", url=url):
                entry = dict(zip(_ENTRY, row, strict=True))
                return CacheEntry(**{**entry, "body": zlib.decompress(entry["body"])})
            return None

        return await self._engine.read(verb)

    async def store(self, entry: CacheEntry) -> None:
        """Keep this answer, in place of the one before it."""

        def verb(tx: Transaction) -> None:
            parts = {name: getattr(entry, name) for name in _ENTRY}
            tx.run("store_page", **{**parts, "body": zlib.compress(entry.body, 1)})

        await self._engine.write(verb)

    # ── upkeep ──

    async def purge(self, before: float) -> None:
        """Forget what was fetched before that time: pages, and articles that nobody has. At most once a minute."""
        now = self._clock()
        if now < self._purged + PURGED_MIN:
            return
        self._purged = now

        def verb(tx: Transaction) -> None:
            tx.run("purge_addresses", before=before)
            tx.run("purge_documents", before=before)
            tx.run("purge_pages", before=before)
            tx.run("purge_fetches", now=now)

        await self._engine.write(verb)


# ── articles ─────────────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, address: str, owner: str, since: float) -> Known | None:
    rows = tx.rows("known", address=address, owner=owner, since=float(since))
    if not rows:
        return None
    document, url, title, teller, code, reason = rows[0]
    told = teller != _PAGE_ITSELF
    return Known(document=document, url=url or "", title=title or "", told=told, code=code, reason=reason)


def _put(tx: Transaction, article: Article, said: str, words: list[str], teller: str, now: float) -> int:
    """The number of the document, whose article is this one now."""
    key = article_key(article.url)
    parts = {"url": article.url, "title": _clean(article.title), "article": said, "fetched_at": now}
    found = tx.rows("document_of", key=key, teller=teller)
    if not found:
        found = tx.rows("add_document", key=key, teller=teller, **parts)
        if found:
            return _index(tx, found[0][0], words)
        found = tx.rows("document_of", key=key, teller=teller)
    number, before = found[0]
    if before == said:
        tx.run("touch_document", n=number, fetched_at=now)
        return int(number)
    tx.run("replace_document", n=number, **parts)
    return _index(tx, number, words)


def _index(tx: Transaction, number: int, words: list[str]) -> int:
    tx.run("index_document", n=number, words=tx.index(words))
    tx.run("add_compounds", words=json.dumps(compounds_of(words)))
    return number


def _set_address(
    tx: Transaction, address: str, teller: str, document: int | None, code: str, reason: str, now: float
) -> None:
    tx.run(
        "set_address",
        address=address,
        teller=teller,
        document=document,
        code=code,
        reason=reason,
        fetched_at=now,
    )


def _texts(article: Article) -> list[str]:
    """What a search looks through."""
    about = [article.section, article.category, article.site, article.domain]
    return [article.title, article.excerpt, article.text, *article.authors, *article.tags, *about]


def _clean(text: str) -> str:
    """Without what databases refuse: halves of surrogate pairs, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


# ── holdings ─────────────────────────────────────────────────────────────────────────────────────────


def _save(tx: Transaction, owner: str, number: int, source_id: str, now: float) -> Saved | None:
    heads = tx.rows("document_head", n=number)
    if not heads:
        return None
    key, teller, said = heads[0]
    at = _published(said)
    newest = now if at is None else min(at, now)
    made = tx.rows(
        "add_holding",
        id=str(uuid.uuid4()),
        owner=owner,
        key=key,
        document=number,
        saved_at=now,
        newest_at=newest,
    )
    holding, document_id, _, before = tx.rows("holding_of", owner=owner, key=key)[0]
    # What a source tells does not take the place of what the page itself has told.
    if not made and (teller == _PAGE_ITSELF or before != _PAGE_ITSELF):
        tx.run("move_holding", n=holding, document=number, published_at=now if at is None else at)
    tx.run("add_finder", holding=holding, source_id=source_id)
    return Saved(document_id, bool(made))


def _published(said: str) -> float | None:
    found = json.loads(said).get("published_at")
    return None if found is None else datetime.fromisoformat(found).timestamp()


def _documents(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> list[Document]:
    finders: dict[int, list[str]] = {}
    for holding, source_id in tx.rows("finders", numbers=json.dumps([row[0] for row in rows])) if rows else ():
        finders.setdefault(holding, []).append(source_id)
    return [
        Document(document_id, _ARTICLE.validate_json(said), fetched_at, finders.get(holding, []))
        for holding, document_id, said, fetched_at in rows
    ]


# ── searching ────────────────────────────────────────────────────────────────────────────────────────


def _match(tx: Transaction, query: Query) -> Mapping[str, str | None]:
    """The parameters of a search; without `wanted`, where only is said what shall not be in it."""
    found: dict[str, str | None] = {"unwanted": None}
    if query.wanted:
        found["wanted"] = tx.match([_group(tx, term) for term in query.wanted])
    if query.unwanted:
        # Any of them: one group.
        found["unwanted"] = tx.match([[one for term in query.unwanted for one in _group(tx, term)]])
    return found


def _group(tx: Transaction, term: Term) -> list[Term]:
    """The term, and the longer words that hold it."""
    if not term.part:
        return [term]
    longer = tx.rows("compounds_with", part=term.words[0], before=BEFORE_MIN, most=COMPOUNDS_MAX)
    return [term, *(Term((word,)) for (word,) in longer)]


def _said(source: Source) -> str:
    return _clean(source.model_dump_json())
