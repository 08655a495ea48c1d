"""News over HTTP: jobs, documents, and the registry of sources. Events, retries and tokens are the job API's."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from accepted import AcceptedError, JobGone, JobNotFound, JobRecord, Jobs, Task
from accepted.errors import BadRequest, InvalidInput
from accepted.http.auth import Identity, JobVerb
from accepted.http.negotiation import media_type, parse_key
from accepted.http.problems import problem_response, unexpected
from accepted.http.reading import chunks, parse, read_json
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

log = logging.getLogger("accepted_apps.news")

_BODY_MAX = 256 * 1024
_PAGE_MAX = 100
"""Documents in one answer."""
_CANCEL_WAIT = 5.0
"""Seconds that a running job is waited for before it is removed."""

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class NotFound(NewsError):
    """There is no such thing of the caller's."""

    code = "not_found"


class ErrorRoute(APIRoute):
    """Every error is `{"success": false, "error"}`: a sentence that a page can show."""

    def get_route_handler(self) -> Answer:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return _failure(_invalid(error))
            except NewsError as error:
                return _json(
                    Failure(error=error.message, code=error.code, field=error.field), _STATUSES.get(type(error), 400)
                )
            except AcceptedError as error:
                return _failure(error)
            except ClientDisconnect:
                return Response()  # nobody is left to read it; what was submitted goes on
            except Exception:
                log.exception("%s %s", request.method, request.url.path)
                return _failure(unexpected())

        return answer


class NewsRoutes:
    """The routes of one `Jobs`; `router` is what an application includes."""

    def __init__(self, jobs: Jobs, task: Task[..., NewsResult], check: Task[..., CheckResult], room: Newsroom) -> None:
        self._jobs, self._task, self._check, self._room = jobs, task, check, room
        self._registry, self._settings = room.registry, room.settings
        self.router = APIRouter(route_class=ErrorRoute, tags=["news"])
        add, job, source = self._add, "/api/news/scrape-job", "/api/news-sources"
        add("POST", job, self.start, {202: Started}, 400, 413, 415, 429, 503, body=Submission)
        add("GET", job + "/{job_id}", self.look, {200: JobAnswer}, 404)
        add("DELETE", job + "/{job_id}", self.remove, {200: Done}, 404)
        add("GET", "/api/news/documents", self.documents, {200: DocumentList}, 400)
        add("GET", "/api/news/documents/{document_id}", self.document, {200: DocumentAnswer}, 404)
        add("GET", source, self.sources, {200: list[SourceState]})
        add("POST", source, self.add_source, {201: SourceAnswer}, 400, 409, 413, 415, body=Source)
        add("POST", source + "/import", self.import_sources, {200: ImportAnswer}, 400, 413)
        add("GET", source + "/export", self.export_sources, {200: None})
        add("POST", source + "/check", self.check, {200: CheckAnswer, 202: CheckAnswer}, 400, 413, 415, 429, 503)
        add("GET", source + "/check/{job_id}", self.look_at_check, {200: CheckAnswer}, 404)
        add("PUT", source + "/{source_id}", self.replace_source, {200: SourceAnswer}, 400, 404, 409, body=Source)
        add("DELETE", source + "/{source_id}", self.remove_source, {200: Done}, 404, 409)

    def _add(
        self,
        method: str,
        path: str,
        handler: Callable[..., Awaitable[Response]],
        models: dict[int, Any],
        *failures: int,
        body: type[BaseModel] | None = None,
    ) -> None:
        responses: dict[int | str, dict[str, Any]] = {
            status: {"model": model} if model else {"content": {"text/x-opml": {}}} for status, model in models.items()
        }
        for status in (*failures, 401, 403):
            responses[status] = {"model": Failure, "description": _FAILURES[status]}
        extra: dict[str, Any] | None = None
        if body is not None:
            schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            extra = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
        self.router.add_api_route(
            path,
            handler,
            name=f"news_{handler.__name__}",
            methods=[method],
            status_code=min(models),
            response_model=None,
            responses=responses,
            openapi_extra=extra,
        )

    # ── jobs ──

    async def start(self, request: Request) -> Response:
        """Read sources in the background: answers at once with the job."""
        identity = await self._full(request)
        given = _object(await read_json(request, _BODY_MAX))
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
        return _answer(await job_answer(self._jobs, await self._find(request, job_id, NEWS, "read")))

    async def remove(self, request: Request, job_id: str) -> Response:
        """Cancel a job if it is not over, and remove it. The articles that it saved stay."""
        record = await self._find(request, job_id, NEWS, "delete")
        if not record.over:
            record = await self._jobs.cancel(record.id)
            await self._jobs.wait_over(record.id, _CANCEL_WAIT, after=record.seq)
        await self._jobs.delete(record.id)
        return _json(Done(message="The job was removed."))

    async def _find(self, request: Request, job_id: str, task: str, verb: JobVerb) -> JobRecord:
        """Raises NotFound for what is unknown, removed, another's, or a job of something else."""
        access = self._jobs.access
        try:
            record = await access.job(await access.identify(request), self._jobs.store, job_id, verb)
        except (JobNotFound, JobGone):
            raise NotFound("Job not found") from None
        if record.task != task:
            raise NotFound("Job not found")
        return record

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
        return _answer(to_json([_source(one) for one in await self._registry.entries(identity.owner)]))

    async def add_source(self, request: Request) -> Response:
        """Enter a source; without an `id` it gets one made of its name."""
        identity = await self._full(request)
        source = await self._registry.add(identity.owner, _object(await read_json(request, _BODY_MAX)))
        return _json(SourceAnswer(source=_source(Entry(source, shared=False))), 201)

    async def replace_source(self, request: Request, source_id: str) -> Response:
        """Change a source; one of everybody's is changed for the caller alone."""
        identity = await self._full(request)
        given = _object(await read_json(request, _BODY_MAX))
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
        headers = {"Content-Disposition": 'attachment; filename="news-sources.opml"', **_FRESH}
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
        given = _object(await read_json(request, _BODY_MAX))
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
        record = await self._find(request, job_id, CHECK, "read")
        return _json(await check_answer(self._jobs, record))

    async def _resolve_one(self, owner: str, named: str) -> None:
        try:
            await self._registry.resolve(owner, [named])
        except NewsError as error:
            error.message, error.field = error.message.replace("sources[0]", "source", 1), "source"
            raise

    async def _full(self, request: Request) -> Identity:
        """The caller, who brings more than a token for one job. Raises NotAuthenticated, Forbidden."""
        identity = await self._jobs.access.identify(request)
        self._jobs.access.full(identity)
        return identity


_FRESH = {"Cache-Control": "private, no-cache"}
_STATUSES: dict[type[NewsError], int] = {
    NotFound: 404,
    SourceNotFound: 404,
    SourceExists: 409,
    SharedSource: 409,
    RegistryFull: 409,
}
_FAILURES = {
    400: "The input does not fit: `error` says why, `field` names it. Nothing was submitted.",
    401: "Nobody said who is calling.",
    403: "This caller may not come in.",
    404: "There is no such thing of the caller's.",
    409: "The registry does not allow it: `error` says why.",
    413: "The body is too large.",
    415: "The body is not JSON by its content type.",
    429: "The caller has as many jobs under way as allowed; `Retry-After` says when to try again.",
    503: "The server is starting, stopping or full; `Retry-After` says when to try again.",
}


def _object(body: bytes) -> dict[str, Any]:
    given = parse(body or b"{}")
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object.")
    return given


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


def _failure(error: AcceptedError) -> Response:
    """The library's own errors in this application's shape, with their headers."""
    field = None
    if isinstance(error, InvalidInput) and error.errors:
        field = str(error.errors[0]["pointer"]).removeprefix("#/")
    body = Failure(error=error.public, code=error.slug, field=field)
    headers = {
        name: value for name, value in problem_response(error).headers.items() if not name.startswith("content-")
    }
    return _json(body, 400 if error.status == 422 else error.status, headers)


def _json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    sparse = isinstance(body, Failure | CheckAnswer)
    return _answer(body.model_dump_json(exclude_none=sparse).encode(), status, headers)


def _answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {**_FRESH, **(headers or {})}, media_type="application/json")


def _invalid(error: RequestValidationError) -> InvalidInput:
    """Of the query: FastAPI's objections as a problem that names the field."""
    return InvalidInput([{"detail": one["msg"], "pointer": f"#/{one['loc'][-1]}"} for one in error.errors()])
