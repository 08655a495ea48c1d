"""The registry: the sources of an owner, beside those of a file that everybody sees; and how a request names them."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from accepted.errors import ConfigurationError
from accepted_apps.news.documents.documents import Documents
from accepted_apps.news.errors import BadSource, BadUrl, NewsError
from accepted_apps.news.opml import Outline, read_opml
from accepted_apps.news.settings import NewsSettings
from accepted_apps.news.sources.model import Source
from accepted_apps.news.urls import article_key, canonical_url

ID_MAX = 80
"""Characters of an id that is made of a name."""


class UnknownSource(NewsError):
    """A request names a source that is neither in the registry nor a URL."""

    code = "unknown_source"


class SourceExists(NewsError):
    """The registry has a source with this id already."""

    code = "source_exists"


class SharedSource(NewsError):
    """A source of everybody's cannot be removed by one."""

    code = "shared_source"


class RegistryFull(NewsError):
    """The owner has as many sources as allowed."""

    code = "registry_full"


class SourceNotFound(NewsError):
    """There is no source with this id."""

    code = "source_not_found"


@dataclass(frozen=True, slots=True)
class Entry:
    """A source as its owner sees it. `shared`: it is everybody's, and can be replaced by one's own, not changed."""

    source: Source
    shared: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: the sources that were added, and those left out, each with why."""

    added: list[Source]
    skipped: list[tuple[Outline, str]]


class Registry:
    """Sources by owner. One of an owner's own goes before a shared one with the same id."""

    def __init__(self, documents: Documents, shared: Sequence[Source], settings: NewsSettings) -> None:
        self._documents = documents
        self._shared = shared
        self._settings = settings

    async def entries(self, owner: str) -> list[Entry]:
        """The shared ones in the order of their file, then the owner's in the order in which they were added."""
        own = {source.id: source for source in await self._documents.sources(owner)}
        first = [
            Entry(own.pop(source.id), shared=False) if source.id in own else Entry(source, shared=True)
            for source in self._shared
        ]
        return [*first, *(Entry(source, shared=False) for source in own.values())]

    async def get(self, owner: str, source_id: str) -> Entry:
        """Raises SourceNotFound."""
        for entry in await self.entries(owner):
            if entry.source.id == source_id:
                return entry
        raise SourceNotFound(f"There is no source {source_id!r}; GET /api/news-sources lists those that there are.")

    async def resolve(self, owner: str, named: Sequence[str]) -> list[Source]:
        """The sources that a request means by id, name or URL, each once. A URL that nobody has entered is a source
        for this time. Raises UnknownSource and BadUrl, naming the element."""
        entries = [entry.source for entry in await self.entries(owner)]
        found: dict[str, Source] = {}
        for number, one in enumerate(named):
            source = _find(entries, one.strip()) or _unnamed(one.strip(), f"sources[{number}]")
            found.setdefault(source.id, source)
        return list(found.values())

    async def add(self, owner: str, given: Mapping[str, Any]) -> Source:
        """Enter a source; without an `id` it gets one made of its name.

        Raises BadSource, SourceExists, RegistryFull.
        """
        taken = {entry.source.id for entry in await self.entries(owner)}
        source = validated({**given, "id": given.get("id") or _free(slug(str(given.get("name") or "")), taken)})
        added, full = await self._add(owner, [source])
        if full:
            raise RegistryFull(
                f"The registry is full ({self._settings.registry_max} sources); remove one before you add another."
            )
        if not added:
            raise SourceExists(
                f"There is a source {source.id!r} already; change that one, or choose another id.", field="id"
            )
        return source

    async def replace(self, owner: str, source_id: str, given: Mapping[str, Any]) -> Source:
        """Change a source. A shared one is replaced for this owner alone. Raises SourceNotFound, BadSource,
        RegistryFull."""
        entry = await self.get(owner, source_id)
        if given.get("id", source_id) != source_id:
            raise BadSource("A source keeps its id; add another one and remove this.", field="id")
        source = validated({**given, "id": source_id})
        if entry.shared:
            return await self.add(owner, source.model_dump())
        await self._documents.replace_source(owner, source)
        return source

    async def remove(self, owner: str, source_id: str) -> None:
        """Its articles stay. Raises SourceNotFound, SharedSource."""
        if await self._documents.delete_source(owner, source_id):
            return
        await self.get(owner, source_id)
        raise SharedSource(f"The source {source_id!r} is everybody's: the operator of this server can remove it.")

    async def import_opml(self, owner: str, content: bytes) -> Imported:
        """Enter the sources of a file whose URLs the owner does not have yet. Raises BadOpml."""
        entries = [entry.source for entry in await self.entries(owner)]
        taken = {source.id for source in entries}
        urls = {article_key(source.url): source.name for source in entries}
        wanted: list[tuple[Outline, Source]] = []
        skipped: list[tuple[Outline, str]] = []
        for outline in read_opml(content):
            key = article_key(outline.url)
            if key in urls:
                skipped.append((outline, f"{urls[key]} has this address already."))
                continue
            try:
                source = _entered(outline, _free(slug(outline.name), taken))
            except BadSource as error:
                skipped.append((outline, error.message))
                continue
            urls[key] = source.name
            taken.add(source.id)
            wanted.append((outline, source))
        added, _ = await self._add(owner, [source for _, source in wanted])
        done = {source.id for source in added}
        full = f"The registry is full ({self._settings.registry_max} sources)."
        skipped += ((outline, full) for outline, source in wanted if source.id not in done)
        return Imported(added, skipped)

    async def _add(self, owner: str, sources: Sequence[Source]) -> tuple[list[Source], bool]:
        """Those that were added, and whether the registry is full."""
        most = self._settings.registry_max
        added = await self._documents.add_sources(owner, sources, most=most)
        full = len(added) < len(sources) and len(await self._documents.sources(owner)) >= most
        return added, full


def validated(given: Mapping[str, Any]) -> Source:
    """The source that a person has written. Raises BadSource naming the field."""
    try:
        # `shared` is what GET says of it, and may come back with the rest.
        return Source.model_validate({name: one for name, one in given.items() if one is not None and name != "shared"})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or _field_in(first["msg"])
        raise BadSource(f"{field}: {first['msg']}.", field=field) from None


def ad_hoc(url: str) -> Source:
    """A source for one time, whose method is found out when it is read. Raises BadUrl."""
    address = canonical_url(url)
    parts = urlsplit(address)
    name = (parts.hostname or "").removeprefix("www.")
    digest = hashlib.sha256(article_key(address).encode()).hexdigest()[:8]
    return Source(id=f"{slug(name + parts.path)}-{digest}", name=name + parts.path.rstrip("/"), url=address)


def slug(name: str) -> str:
    """An id made of a name: letters and digits of any script in lower case, joined by hyphens."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "-".join(re.findall(r"[^\W_]+", plain))[:ID_MAX].strip("-") or "source"


def shared_sources(path: Path | None) -> list[Source]:
    """The sources of a file: a JSON list of them, or OPML. Raises ConfigurationError naming what is wrong."""
    if path is None:
        return []
    try:
        content = path.read_bytes()
        is_opml = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        return _with_ids(_opml(content) if is_opml else _json(content))
    except OSError as error:
        raise ConfigurationError(f"ACCEPTED_NEWS_SOURCES: cannot read {path}: {error.strerror}") from error
    except (NewsError, ValueError) as error:
        raise ConfigurationError(f"ACCEPTED_NEWS_SOURCES: {path}: {error}") from error


def _entered(outline: Outline, source_id: str) -> Source:
    """Raises BadSource."""
    return validated(
        {
            "id": source_id,
            "name": outline.name,
            "url": outline.url,
            "category": outline.category,
            "method": outline.method,
            "selectors": {"linkFilter": outline.link_filter},
        }
    )


def _opml(content: bytes) -> list[Source]:
    return [_entered(outline, slug(outline.name)) for outline in read_opml(content)]


def _json(content: bytes) -> list[Source]:
    given = json.loads(content)
    listed = given.get("sources") if isinstance(given, dict) else given
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadSource("expected a list of sources, each an object with name, url and method")
    made: list[Source] = []
    for number, one in enumerate(listed):
        try:
            made.append(validated({"id": slug(str(one.get("name", ""))), **one}))
        except BadSource as error:
            raise BadSource(f"sources[{number}].{error.message}") from None
    return made


def _with_ids(sources: Iterable[Source]) -> list[Source]:
    """Each id once: a second one gets a number."""
    taken: set[str] = set()
    made: list[Source] = []
    for source in sources:
        made.append(source.model_copy(update={"id": _free(source.id, taken)}))
        taken.add(made[-1].id)
    return made


def _free(wanted: str, taken: Iterable[str]) -> str:
    known, made, number = set(taken), wanted, 1
    while made in known:
        number += 1
        made = f"{wanted}-{number}"
    return made


def _find(sources: Sequence[Source], named: str) -> Source | None:
    """By id, else by name, else by URL."""
    for source in sources:
        if source.id == named:
            return source
    for source in sources:
        if source.name.casefold() == named.casefold():
            return source
    if "://" not in named:
        return None
    try:
        key = article_key(named)
    except BadUrl:
        return None
    return next((source for source in sources if article_key(source.url) == key), None)


def _unnamed(named: str, field: str) -> Source:
    if "://" not in named:
        raise UnknownSource(
            f"{field}: there is no source with the id or name {named[:200]!r}; GET /api/news-sources lists those that "
            "there are, and any other is given by its URL with https:// in front.",
            field=field,
        )
    try:
        return ad_hoc(named)
    except BadUrl as error:
        raise BadUrl(f"{field}: {error.message}", field=field) from None


def _field_in(message: str) -> str:
    """The first word of an objection that is about several fields."""
    return message.split(" ", 1)[0]
