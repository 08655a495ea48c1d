"""News over HTTP: jobs, documents, and the registry of sources. Events, retries and tokens are the job API's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.formparsers import MultiPartException, MultiPartParser

from accepted import AcceptedError, JobGone, JobNotFound, JobRecord, Jobs, Task
from accepted.errors import BadRequest
from accepted.http.auth import JobVerb
from accepted.http.negotiation import media_type, parse_key
from accepted.http.reading import chunks, read_json
from accepted.http.waiting import while_connected
from accepted_apps.news.bodies import check_answer, job_answer
from accepted_apps.news.documents.base import Document
from accepted_apps.news.errors import BadSource, NewsError
from accepted_apps.news.opml import write_opml
from accepted_apps.news.registry import (
    Entry,
    RegistryFull,
    SharedSource,
    SourceExists,
    SourceNotFound,
    UnknownSource,
    validated,
)
from accepted_apps.news.room import Newsroom
from accepted_apps.news.shapes import (
    CheckAnswer,
    CheckResult,
    DocumentAnswer,
    DocumentList,
    DocumentState,
    Done,
    Failure,
    ImportAnswer,
    JobAnswer,
    LeftOut,
    NewsResult,
    Options,
    Pagination,
    SourceAnswer,
    SourceState,
    Started,
    Submission,
)
from accepted_apps.news.sources.model import Source
from accepted_apps.news.task import CHECK, NEWS
from accepted_apps.routing import (
    FRESH,
    REFUSALS,
    Routes,
    body_of,
    field_of,
    headers_of,
    json_answer,
    json_object,
    plain_status,
)

_BODY_MAX = 256 * 1024
_PAGE_MAX = 100
"""Documents in one answer."""
_CANCEL_WAIT = 5.0
"""Seconds that a running job is waited for before it is removed."""


class NotFound(NewsError):
    """There is no such thing of the caller's."""

    code = "not_found"


_STATUSES: dict[type[NewsError], int] = {
    NotFound: 404,
    SourceNotFound: 404,
    SourceExists: 409,
    SharedSource: 409,
    RegistryFull: 409,
}
_FAILURES = {
    **REFUSALS,
    400: "The input does not fit: `error` says why, `field` names it. Nothing was submitted.",
    404: "There is no such thing of the caller's.",
    409: "The registry does not allow it: `error` says why.",
    429: "The caller has as many jobs under way as allowed; `Retry-After` says when to try again.",
}


class NewsRoutes(Routes):
    """Every error is `{"success": false, "error"}`: a sentence that a page can show."""

    name = "news"
    failures = _FAILURES

    def __init__(self, jobs: Jobs, task: Task[..., NewsResult], check: Task[..., CheckResult], room: Newsroom) -> None:
        super().__init__(jobs)
        self._task, self._check, self._room = task, check, room
        self._registry, self._settings = room.registry, room.settings
        add, job, source = self._add, "/api/news/scrape-job", "/api/news-sources"
        add("POST", job, self.start, {202: Started}, 400, 413, 415, 429, 503, extra=body_of(Submission))
        add("GET", job + "/{job_id}", self.look, {200: JobAnswer}, 404)
        add("DELETE", job + "/{job_id}", self.remove, {200: Done}, 404)
        add("GET", "/api/news/documents", self.documents, {200: DocumentList}, 400)
        add("GET", "/api/news/documents/{document_id}", self.document, {200: DocumentAnswer}, 404)
        add("GET", source, self.sources, {200: list[SourceState]})
        add("POST", source, self.add_source, {201: SourceAnswer}, 400, 409, 413, 415, extra=body_of(Source))
        add("POST", source + "/import", self.import_sources, {200: ImportAnswer}, 400, 413)
        add("GET", source + "/export", self.export_sources, {200: {"content": {"text/x-opml": {}}}})
        add("POST", source + "/check", self.check, {200: CheckAnswer, 202: CheckAnswer}, 400, 413, 415, 429, 503)
        add("GET", source + "/check/{job_id}", self.look_at_check, {200: CheckAnswer}, 404)
        add(
            "PUT",
            source + "/{source_id}",
            self.replace_source,
            {200: SourceAnswer},
            400,
            404,
            409,
            extra=body_of(Source),
        )
        add("DELETE", source + "/{source_id}", self.remove_source, {200: Done}, 404, 409)

    def own_refusal(self, error: Exception) -> Response | None:
        if not isinstance(error, NewsError):
            return None
        body = Failure(error=error.message, code=error.code, field=error.field)
        return _json(body, _STATUSES.get(type(error), 400))

    def refusal(self, error: AcceptedError) -> Response:
        body = Failure(error=error.public, code=error.slug, field=field_of(error))
        return _json(body, plain_status(error), headers_of(error))

    def described_refusal(self, status: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"model": Failure}

    # ── jobs ──

    async def start(self, request: Request) -> Response:
        """Read sources in the background: answers at once with the job."""
        identity = await self._full(request)
        given = json_object(await read_json(request, _BODY_MAX))
        named, options = _named_sources(given), _options(given.get("options"))
        await self._registry.resolve(identity.owner, named)
        key = parse_key(request.headers.get("idempotency-key"))
        task = self._task.with_options(owner=identity.owner, idempotency_key=key)
        record = (await task.submit(sources=named, **options)).record
        place = request.url_for("news_look", job_id=record.id).path
        message = f"The job has started: poll {place} to follow it."
        return _json(Started(job_id=record.id, status=str(record.status), message=message), 202, {"Location": place})

    async def look(self, request: Request, job_id: str) -> Response:
        """How far a job is, and its articles once they are there."""
        return json_answer(await job_answer(self._jobs, await self._job(request, job_id, NEWS, "read")))

    async def remove(self, request: Request, job_id: str) -> Response:
        """Cancel a job if it is not over, and remove it. The articles that it saved stay."""
        record = await self._job(request, job_id, NEWS, "delete")
        if not record.over:
            record = await self._jobs.cancel(record.id)
            await self._jobs.wait_over(record.id, _CANCEL_WAIT, after=record.seq)
        await self._jobs.delete(record.id)
        return _json(Done(message="The job was removed."))

    async def _job(self, request: Request, job_id: str, task: str, verb: JobVerb) -> JobRecord:
        """Raises NotFound for what is unknown, removed, another's, or a job of something else."""
        try:
            return await self._find(request, job_id, (task,), verb)
        except (JobNotFound, JobGone):
            raise NotFound("Job not found") from None

    # ── documents ──

    async def documents(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 20,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        source_id: Annotated[str | None, Query(alias="sourceId", max_length=200)] = None,
        q: Annotated[
            str, Query(max_length=1000, description='Words, "phrases", and - in front of what to leave out.')
        ] = "",
    ) -> Response:
        """The articles that the caller's jobs saved, newest first."""
        identity = await self._full(request)
        found = await self._room.documents.find(
            identity.owner, limit=limit, offset=offset, source_id=source_id or None, q=q
        )
        more = offset + len(found.documents) < found.total
        return _json(
            DocumentList(
                documents=[_document(request, one) for one in found.documents],
                pagination=Pagination(limit=limit, offset=offset, total=found.total, has_more=more),
            )
        )

    async def document(self, request: Request, document_id: str) -> Response:
        """One article that the caller's jobs saved."""
        identity = await self._full(request)
        found = await self._room.documents.get(identity.owner, document_id)
        if found is None:
            raise NotFound("Document not found")
        return _json(DocumentAnswer(document=_document(request, found)))

    # ── the registry ──

    async def sources(self, request: Request) -> Response:
        """The sources that the caller can name: everybody's, and the caller's own."""
        identity = await self._full(request)
        return json_answer(to_json([_source(one) for one in await self._registry.entries(identity.owner)]))

    async def add_source(self, request: Request) -> Response:
        """Enter a source; without an `id` it gets one made of its name."""
        identity = await self._full(request)
        source = await self._registry.add(identity.owner, json_object(await read_json(request, _BODY_MAX)))
        return _json(SourceAnswer(source=_source(Entry(source, shared=False))), 201)

    async def replace_source(self, request: Request, source_id: str) -> Response:
        """Change a source; one of everybody's is changed for the caller alone."""
        identity = await self._full(request)
        given = json_object(await read_json(request, _BODY_MAX))
        source = await self._registry.replace(identity.owner, source_id, given)
        return _json(SourceAnswer(source=_source(Entry(source, shared=False))))

    async def remove_source(self, request: Request, source_id: str) -> Response:
        """Remove one of the caller's own sources. The articles that it led to stay."""
        identity = await self._full(request)
        await self._registry.remove(identity.owner, source_id)
        return _json(Done(message="The source was removed."))

    async def import_sources(self, request: Request) -> Response:
        """Enter the sources of an OPML file: the body itself, or the file of a form."""
        identity = await self._full(request)
        done = await self._registry.import_opml(identity.owner, await self._file(request))
        added = [_source(Entry(one, shared=False)) for one in done.added]
        skipped = [LeftOut(name=one.name, url=one.url, reason=reason) for one, reason in done.skipped]
        message = f"{len(added)} sources were added, {len(skipped)} left out."
        return _json(ImportAnswer(message=message, added=added, skipped=skipped))

    async def export_sources(self, request: Request) -> Response:
        """All sources that the caller can name, as OPML."""
        identity = await self._full(request)
        sources = [one.source for one in await self._registry.entries(identity.owner)]
        headers = {"Content-Disposition": 'attachment; filename="news-sources.opml"', **FRESH}
        return Response(write_opml(sources), headers=headers, media_type="text/x-opml")

    async def _file(self, request: Request) -> bytes:
        """Raises BadRequest where a form holds no file."""
        limit = self._settings.opml_max
        body = b"".join([chunk async for chunk in chunks(request, limit, "the file")])
        if media_type(request.headers.get("content-type")) != "multipart/form-data":
            return body

        async def again() -> AsyncGenerator[bytes, None]:
            yield body

        try:
            form = await MultiPartParser(request.headers, again(), max_part_size=limit).parse()
        except (MultiPartException, KeyError) as error:
            raise BadRequest(f"The form cannot be read: {error}.") from None
        try:
            files = [await one.read() for _, one in form.multi_items() if not isinstance(one, str)]
        finally:
            await form.close()
        if not files:
            raise BadRequest("The form holds no file: send the OPML file as one of its fields.")
        return files[0]

    # ── what would this find now? ──

    async def check(self, request: Request) -> Response:
        """What a source would find now: 200 with it if it is there in time, else 202 with the job, which goes on."""
        identity = await self._full(request)
        given = json_object(await read_json(request, _BODY_MAX))
        source, limit = given.get("source"), given.get("limit") or self._settings.check_limit
        if isinstance(source, str):
            await self._resolve_one(identity.owner, source)
        elif isinstance(source, dict):
            validated({"id": "check", **source})
        else:
            raise BadSource(
                "source: expected an id, a name, a URL, or a source as it would be entered.", field="source"
            )
        record = (await self._check.with_options(owner=identity.owner).submit(source=source, limit=limit)).record
        waiting = self._jobs.wait_over(record.id, self._settings.check_wait, after=record.seq)
        await while_connected(request.receive, waiting)
        record = await self._jobs.get_record(record.id)
        place = request.url_for("news_look_at_check", job_id=record.id).path
        return _json(await check_answer(self._jobs, record), 200 if record.over else 202, {"Location": place})

    async def look_at_check(self, request: Request, job_id: str) -> Response:
        """A check that took longer."""
        record = await self._job(request, job_id, CHECK, "read")
        return _json(await check_answer(self._jobs, record))

    async def _resolve_one(self, owner: str, named: str) -> None:
        try:
            await self._registry.resolve(owner, [named])
        except NewsError as error:
            error.message, error.field = error.message.replace("sources[0]", "source", 1), "source"
            raise


def _named_sources(given: dict[str, Any]) -> list[str]:
    """Raises UnknownSource for what are no names; how many there may be, the task says."""
    named = given.get("sources")
    if not isinstance(named, list) or not named:
        raise UnknownSource("sources: expected a list of ids, names or URLs, with one at least.", field="sources")
    for number, one in enumerate(named):
        if not isinstance(one, str) or not one.strip():
            field = f"sources[{number}]"
            raise UnknownSource(f"{field}: expected an id, a name or a URL as text.", field=field)
    return named


def _options(given: Any) -> dict[str, Any]:
    """As the task's arguments. What a front end sends besides, and null, is left alone."""
    if not isinstance(given, dict | None):
        raise BadRequest("options: expected an object.")
    aliases = {field.alias or name: name for name, field in Options.model_fields.items()}
    return {aliases[one]: value for one, value in (given or {}).items() if one in aliases and value is not None}


def _document(request: Request, document: Document) -> DocumentState:
    return DocumentState.of(document, str(request.url_for("news_document", document_id=document.id).path))


def _source(entry: Entry) -> SourceState:
    return SourceState(**entry.source.model_dump(), shared=entry.shared)


def _json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    sparse = isinstance(body, Failure | CheckAnswer)
    return json_answer(body.model_dump_json(exclude_none=sparse).encode(), status, headers)
