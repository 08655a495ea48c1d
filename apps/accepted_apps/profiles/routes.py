"""Profiles over HTTP: submit, look, and what can be read here. Cancel, history and live updates are the job API's."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import ClientDisconnect

from accepted import AcceptedError, JobNotFound, Jobs, Task
from accepted.errors import BadRequest
from accepted.errors import InvalidInput as InvalidArguments
from accepted.http.auth import Identity
from accepted.http.negotiation import parse_key
from accepted.http.problems import problem_response, unexpected
from accepted.http.reading import parse, read_json

from .bodies import Failure, Providers, Started, State, Submission, state
from .errors import InvalidInput
from .model import Result
from .settings import ProfilesSettings
from .task import TASK
from .urls import parse_url

log = logging.getLogger("accepted_apps.profiles")

_BODY_MAX = 64 * 1024
_KNOWN = ("url", "mode", "posts", "comments")

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class ErrorRoute(APIRoute):
    """Every error is `{"error"}`: a sentence that a page can show, whatever application this is part of."""

    def get_route_handler(self) -> Answer:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except InvalidInput as error:
                return _json(Failure(error=error.message, code=error.code, field=error.field), 400)
            except AcceptedError as error:
                return _failure(error)
            except ClientDisconnect:
                return Response()  # nobody is left to read it; what was submitted goes on
            except Exception:
                log.exception("%s %s", request.method, request.url.path)
                return _failure(unexpected())

        return answer


class ProfilesRoutes:
    """The routes of one `Jobs`; `router` is what an application includes."""

    def __init__(self, jobs: Jobs, task: Task[..., Result], settings: ProfilesSettings) -> None:
        self._jobs, self._task, self._settings = jobs, task, settings
        self.router = APIRouter(route_class=ErrorRoute, tags=["profiles"])
        self._add("POST", "/api/scrape", self.scrape, {202: Started}, 400, 413, 415, 429, 503, body=True)
        self._add("GET", "/api/scrape/status/{job_id}", self.status, {200: State}, 404, 410)
        self._add("GET", "/api/scrape/providers", self.providers, {200: Providers})

    def _add(
        self,
        method: str,
        path: str,
        handler: Callable[..., Awaitable[Response]],
        models: dict[int, type[Any]],
        *failures: int,
        body: bool = False,
    ) -> None:
        content = {"application/json": {"schema": Submission.model_json_schema()}}
        responses: dict[int | str, dict[str, Any]] = {status: {"model": model} for status, model in models.items()}
        for status in (*failures, 401, 403):
            responses[status] = {"model": Failure, "description": _FAILURES[status]}
        self.router.add_api_route(
            path,
            handler,
            name=f"profiles_{handler.__name__}",
            methods=[method],
            status_code=min(models),
            response_model=None,
            responses=responses,
            openapi_extra={"requestBody": {"required": True, "content": content}} if body else None,
        )

    async def scrape(self, request: Request) -> Response:
        """Read a profile, or one post, in the background: answers at once with the job."""
        identity = await self._full(request)
        given = _object(await read_json(request, _BODY_MAX))
        parse_url(given.get("url"), given.get("mode", "auto"), max_length=self._settings.url_max_length)
        key = parse_key(request.headers.get("idempotency-key"))
        task = self._task.with_options(owner=identity.owner, idempotency_key=key)
        record = (await task.submit(**given)).record
        place = request.url_for("profiles_status", job_id=record.id).path
        message = f"The job has started: poll {place} to follow it."
        started = Started(id=record.id, job_id=record.id, status=str(record.status), message=message)
        return _json(started, 202, {"Location": place})

    async def status(self, request: Request, job_id: str) -> Response:
        """How far a job is, and its result once it is there."""
        access = self._jobs.access
        record = await access.job(await access.identify(request), self._jobs.store, job_id, "read")
        if record.task != TASK:
            raise JobNotFound(job_id)
        return _answer(await state(self._jobs, record))

    async def providers(self, request: Request) -> Response:
        """Which networks can be read here, through what, and what is missing for the others."""
        await self._full(request)
        return _json(Providers.of(self._settings))

    async def _full(self, request: Request) -> Identity:
        """The caller, who brings more than a token for one job. Raises NotAuthenticated, Forbidden."""
        identity = await self._jobs.access.identify(request)
        self._jobs.access.full(identity)
        return identity


_FAILURES = {
    400: "The input does not fit: `error` says why, `field` names it. Nothing was submitted.",
    401: "Nobody said who is calling.",
    403: "This caller may not come in.",
    404: "There is no such job of the caller's.",
    410: "The job was removed.",
    413: "The body is too large.",
    415: "The body is not JSON by its content type.",
    429: "The caller has as many profiles under way as allowed; `Retry-After` says when to try again.",
    503: "The server is starting, stopping or full; `Retry-After` says when to try again.",
}


def _object(body: bytes) -> dict[str, Any]:
    """The members that are known here; a front end may send more, and null for what it leaves out."""
    given = parse(body or b"{}")
    if not isinstance(given, dict):
        raise BadRequest('The body is no JSON object: send {"url": "…"}.')
    return {name: given[name] for name in _KNOWN if given.get(name) is not None}


def _failure(error: AcceptedError) -> Response:
    """The library's own errors in this application's shape, with their headers."""
    field = None
    if isinstance(error, InvalidArguments):
        field = error.errors[0]["pointer"].removeprefix("#/") if error.errors else None
    body = Failure(error=error.public, code=error.slug, field=field)
    headers = {
        name: value for name, value in problem_response(error).headers.items() if not name.startswith("content-")
    }
    return _json(body, 400 if error.status == 422 else error.status, headers)


def _json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return _answer(to_json(body, exclude_none=isinstance(body, Failure)), status, headers)


def _answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        body, status, {"Cache-Control": "private, no-cache", **(headers or {})}, media_type="application/json"
    )
