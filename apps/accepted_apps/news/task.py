"""The durable tasks: one round through sources, and the check of one source.

Articles are stored as they come, but belong to the owner only when the last step saves them all: a job that is
cancelled has saved nothing, and one that was killed finds what it has fetched already.
"""

# No `from __future__ import annotations`: the checks of the parameters depend on the settings.

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import Field

from accepted import Fail, Job, Jobs, Task
from accepted_apps.news.article import Article, NotAnArticle, article_of_hints, extract_article
from accepted_apps.news.documents.base import Known
from accepted_apps.news.errors import FetchFailed, NewsError
from accepted_apps.news.registry import validated
from accepted_apps.news.room import Newsroom
from accepted_apps.news.shapes import CheckResult, FoundLink, NewsArticle, NewsResult, Skipped, SourceReport
from accepted_apps.news.sources.model import Link, Source

NEWS: Final = "news"
CHECK: Final = "news-check"
FIRST_PERCENT: Final = 10.0
LAST_PERCENT: Final = 90.0
"""Between these two the percent grows over the sources; the rest is saving."""
READING_SHARE: Final = 0.2
"""Of a source's part of the percent; its articles have the rest."""
SKIPPED_SHOWN: Final = 20
LOOK_FIRST, LOOK_MOST = 0.05, 1.0
"""Seconds between two looks at an article that another job is fetching."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job goes through, as it stood when the job began. `began`: seconds since the epoch."""

    sources: list[Source]
    began: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one link: the document, or why there is none."""

    url: str
    document: int | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came of a source's links, in their order. `late`: how many were left when the time was over."""

    outcomes: list[Outcome]
    late: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """A document of the owner's, with the source that led to it first."""

    document: int
    source_id: str
    id: str
    new: bool


@dataclass(slots=True)
class Part:
    """What one source brought, on its way to the report."""

    report: SourceReport
    documents: list[int] = field(default_factory=list)
    counted: int = 0
    """Links that were looked at."""
    done: float = 0.0
    """0 to 1."""


def add_news(jobs: Jobs, room: Newsroom) -> Task[..., NewsResult]:
    """Register the task `news`. Raises ConfigurationError when the name is taken."""
    settings = room.settings

    @jobs.task(name=NEWS, timeout=settings.timeout, active_per_owner=settings.active_per_user, retries=settings.retries)
    async def news(
        sources: Annotated[
            list[Annotated[str, Field(min_length=1, max_length=2048)]],
            Field(min_length=1, max_length=settings.sources_max),
        ],
        limit: Annotated[int | None, Field(ge=1, le=settings.limit_max)] = None,
        include_media: bool = True,
        include_sections: bool = True,
        *,
        job: Job,
    ) -> NewsResult:
        """The newest articles of sources, each by id, name or URL: read, kept once, and handed over.

        A source that cannot be read is reported beside the articles of the others.
        """
        return await Round(room, job, limit or settings.limit).run(sources, include_media, include_sections)

    return news


def add_check(jobs: Jobs, room: Newsroom) -> Task[..., CheckResult]:
    """Register the task `news-check`. Raises ConfigurationError when the name is taken."""
    settings = room.settings

    @jobs.task(name=CHECK, timeout=settings.check_timeout, active_per_owner=settings.active_per_user)
    async def check(
        source: str | dict[str, Any],
        limit: Annotated[int, Field(ge=1, le=settings.limit_max)] = settings.check_limit,
        *,
        job: Job,
    ) -> CheckResult:
        """What a source would find now: one by id, name or URL, or a source as it would be entered."""
        try:
            if isinstance(source, str):
                (wanted,) = await room.registry.resolve(job.owner, [source])
            else:
                wanted = validated({"id": "check", **source})
            job.progress(20, f"Reading {wanted.name}")
            listing = await room.read(wanted, limit)
            job.spend(listing.cost, wanted.name)
        except NewsError as error:
            raise Fail(error.message, code=error.code, **_named(error)) from error
        return CheckResult(
            name=wanted.name,
            url=listing.url or wanted.url,
            method=wanted.method,
            title=listing.title,
            links=[FoundLink.of(link) for link in listing.links[:limit]],
            notes=listing.notes,
        )

    return check


def _named(error: NewsError) -> dict[str, str]:
    return {"field": error.field} if error.field else {}


class Round:
    """One attempt of one job. Used once."""

    def __init__(self, room: Newsroom, job: Job, limit: int) -> None:
        self._room = room
        self._job = job
        self._limit = limit
        self._began = time.time()
        self._parts: dict[str, Part] = {}
        self._places = asyncio.Semaphore(room.settings.articles_at_once)

    async def run(self, named: list[str], with_media: bool, with_sections: bool) -> NewsResult:
        """The articles and the report. Raises Fail when no source can be read."""
        job = self._job
        job.progress(FIRST_PERCENT)
        plan = await job.step("Looking up the sources", look_up, self._room, job.owner, named)
        self._began = plan.began
        self._parts = {source.id: Part(_report(source)) for source in plan.sources}
        async with self._turns():
            await self._go_through(plan.sources)
        self._give_up_if_all_failed()
        wanted = [(one, part.report.id) for part in self._parts.values() for one in part.documents]
        holdings = await job.step("Saving articles", save, self._room, job.owner, wanted)
        for holding in holdings:
            self._parts[holding.source_id].report.new += holding.new
        articles = await self._room.documents.articles(holding.document for holding in holdings)
        await self._tidy()
        return NewsResult(
            articles=[
                NewsArticle.of(
                    articles[one.document],
                    source_id=one.source_id,
                    document_id=one.id,
                    with_media=with_media,
                    with_sections=with_sections,
                )
                for one in holdings
            ],
            sources=[part.report for part in self._parts.values()],
        )

    # ── sources ──

    async def _go_through(self, sources: list[Source]) -> None:
        at_once = asyncio.Semaphore(self._room.settings.sources_at_once)

        async def one(source: Source) -> None:
            async with at_once:
                await self._source(source)

        await all_of(one(source) for source in sources)

    async def _source(self, source: Source) -> None:
        """Never raises for what is wrong with the source: that goes into its report."""
        part = self._parts[source.id]
        try:
            reading = await self._job.step(f"Reading {source.name}", read, self, source)
            part.report.notes, part.report.listed = reading.notes, len(reading.links)
            self._grow(part, READING_SHARE)
            gathered = await self._job.step(f"Articles of {source.name}", gather, self, source, reading.links)
            self._account(part, gathered)
        except NewsError as error:
            part.report.error, part.report.code = error.message, error.code
            self._job.log(f"{source.name}: {error.message}", "warning", source=source.id, code=error.code)
        self._grow(part, 1.0)

    def _account(self, part: Part, gathered: Gathered) -> None:
        report = part.report
        part.counted = report.listed
        part.documents = [one.document for one in gathered.outcomes if one.document is not None]
        failed = [one for one in gathered.outcomes if one.document is None]
        report.skipped_total = len(failed) + gathered.late
        report.skipped = [Skipped(url=one.url, reason=one.reason, code=one.code) for one in failed[:SKIPPED_SHOWN]]
        report.articles = len(part.documents)
        if gathered.late:
            report.notes = [*report.notes, f"The time for one source was over: {gathered.late} articles were left out."]
        if part.documents:
            return
        if failed:
            raise NothingReadable(f"None of its articles could be read; the first: {failed[0].reason}", failed[0].code)
        if gathered.late:
            raise TooSlow(f"None of its articles came within {self._room.settings.source_timeout:g} seconds.")

    def _give_up_if_all_failed(self) -> None:
        reports = [part.report for part in self._parts.values()]
        if any(report.error is None for report in reports):
            return
        said = "; ".join(f"{report.name}: {(report.error or '').removesuffix('.')}" for report in reports[:3])
        more = f"; and {len(reports) - 3} more" if len(reports) > 3 else ""
        raise Fail(
            f"No source could be read. {said}{more}.",
            code="no_source_readable",
            failures=[report.model_dump(mode="json") for report in reports],
        )

    def _grow(self, part: Part, done: float) -> None:
        part.done = max(part.done, done)
        mean = sum(one.done for one in self._parts.values()) / len(self._parts)
        self._job.progress(
            FIRST_PERCENT + (LAST_PERCENT - FIRST_PERCENT) * mean,
            current=sum(one.counted for one in self._parts.values()),
            total=sum(one.report.listed for one in self._parts.values()),
            unit="articles",
        )

    # ── articles ──

    async def read(self, source: Source) -> "Reading":
        """A source's links. Raises NewsError."""
        try:
            async with asyncio.timeout(self._room.settings.source_timeout):
                listing = await self._room.read(source, self._limit)
        except TimeoutError:
            raise TooSlow(f"It did not answer within {self._room.settings.source_timeout:g} seconds.") from None
        except FetchFailed as error:
            self._pay(error.cost, source)
            raise
        self._pay(listing.cost, source)
        return Reading(listing.links[: self._limit], listing.notes)

    async def gather(self, source: Source, links: list[Link]) -> Gathered:
        """The articles of a source's links; those that took too long are left out."""
        outcomes: dict[int, Outcome] = {}

        async def one(number: int, link: Link) -> None:
            async with self._places:
                outcomes[number] = await self._article(source, link)
            part = self._parts[source.id]
            part.counted = len(outcomes)
            self._grow(part, READING_SHARE + (1 - READING_SHARE) * len(outcomes) / len(links))

        try:
            async with asyncio.timeout(self._room.settings.source_timeout):
                await all_of(one(number, link) for number, link in enumerate(links))
        except TimeoutError:
            pass  # what is there by now counts
        return Gathered([outcomes[number] for number in sorted(outcomes)], late=len(links) - len(outcomes))

    async def _article(self, source: Source, link: Link) -> Outcome:
        known = await self._known(link) or await self._in_turn(source, link)
        if known.document is None:
            return Outcome(link.url, code=known.code, reason=known.reason)
        self._job.emit({"title": known.title, "url": known.url, "sourceId": source.id})
        return Outcome(known.url, document=known.document)

    async def _in_turn(self, source: Source, link: Link) -> Known:
        """Fetch it, unless somebody else is at it: then wait for what comes of that."""
        documents, pause = self._room.documents, LOOK_FIRST
        while True:
            turn = await documents.claim_fetch(
                link.url,
                self._job.id,
                self._room.settings.turn,
                part=source.id,
                owner=self._job.owner,
                since=self._since,
            )
            if turn.known is not None:
                return turn.known
            if turn.granted:
                try:
                    return await self._fetch(source, link)
                finally:
                    await documents.release_fetch(link.url, self._job.id)
            await asyncio.sleep(pause)
            pause = min(LOOK_MOST, pause * 2)

    async def _fetch(self, source: Source, link: Link) -> Known:
        """What the page holds; where it cannot be read, what the source itself carries of it."""
        if source.method == "mcp" and link.content:
            # Such a tool answers with the articles; that their pages can be read too is not said.
            return await self._told(link, "", "")
        try:
            fetched = await self._room.fetcher().get(link.url)
            self._pay(fetched.cost, source)
            article = await self._room.in_thread(
                extract_article, fetched.body, fetched.url, content_type=fetched.content_type, hints=link
            )
        except NotAnArticle as error:
            return await self._told(link, error.code, str(error))
        except NewsError as error:
            self._pay(getattr(error, "cost", 0.0), source)
            return await self._told(link, error.code, error.message, passing=error.retryable)
        return await self._keep(link, article)

    async def _told(self, link: Link, code: str, reason: str, *, passing: bool = False) -> Known:
        try:
            if not link.content:
                raise NotAnArticle(reason)
            article = await self._room.in_thread(article_of_hints, link.url, link)
        except NotAnArticle as error:
            code, reason = code or error.code, reason or str(error)
            if not passing:
                await self._room.documents.reject(link.url, code, reason)
            return Known(document=None, code=code, reason=reason)
        return await self._keep(link, article, told_to=self._job.owner)

    async def _keep(self, link: Link, article: Article, told_to: str = "") -> Known:
        return await self._room.documents.keep(link.url, article, told_to=told_to)

    async def _known(self, link: Link) -> Known | None:
        return await self._room.documents.known(link.url, owner=self._job.owner, since=self._since)

    @property
    def _since(self) -> float:
        """What was fetched later than this is not fetched again: neither by an attempt that follows a crash."""
        return min(self._began, time.time() - self._room.settings.fresh)

    def _pay(self, cost: float, source: Source) -> None:
        if cost:
            self._job.spend(cost, source.name)

    # ── turns ──

    @asynccontextmanager
    async def _turns(self) -> AsyncIterator[None]:
        """Hold on to what this job is fetching, however long a host makes it wait; let go of all of it at the end."""
        documents, job_id = self._room.documents, self._job.id

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._room.settings.turn / 3)
                await documents.renew_fetches(job_id, self._room.settings.turn)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await documents.release_fetches(job_id)

    async def _tidy(self) -> None:
        settings = self._room.settings
        kept = max(settings.keep_pages, settings.fresh, settings.timeout * (1 + settings.retries))
        await self._room.documents.purge(time.time() - kept)


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's links, and what is to be said of them."""

    links: list[Link]
    notes: list[str]


def _report(source: Source) -> SourceReport:
    return SourceReport(id=source.id, name=source.name, url=source.url, method=source.method)


class TooSlow(NewsError):
    """A source took longer than the setting allows."""

    code = "source_too_slow"
    retryable = True


class NothingReadable(NewsError):
    """A source lists articles, and none of them can be read."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


# ── steps: what they are given makes their keys; a Round or a Newsroom counts by its type only ──


async def look_up(room: Newsroom, owner: str, named: list[str]) -> Plan:
    """The sources that are meant. Raises Fail for one that is not known."""
    try:
        return Plan(await room.registry.resolve(owner, named), time.time())
    except NewsError as error:
        raise Fail(error.message, code=error.code, **_named(error)) from error


async def read(going: Round, source: Source) -> Reading:
    return await going.read(source)


async def gather(going: Round, source: Source, links: list[Link]) -> Gathered:
    return await going.gather(source, links)


async def save(room: Newsroom, owner: str, wanted: list[tuple[int, str]]) -> list[Holding]:
    """Give the owner all of them at once. An article that several sources list is the first one's."""
    saved = await room.documents.save(owner, wanted)
    first: dict[int, Holding] = {}
    for document, source_id in wanted:
        if document in saved:
            first.setdefault(document, Holding(document, source_id, saved[document].id, saved[document].new))
    return list(first.values())


async def all_of(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them at once. The first error ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in coroutines:
                group.create_task(one)
    except BaseExceptionGroup as error:
        raise error.exceptions[0] from None
