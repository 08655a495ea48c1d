"""Profiles over HTTP: submit, look, and what can be read here. Cancel, history and live updates are the job API's."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from accepted import AcceptedError, Jobs, Task
from accepted.http.negotiation import parse_key
from accepted.http.reading import read_json
from accepted_apps.routing import (
    REFUSALS,
    Routes,
    body_of,
    field_of,
    headers_of,
    json_answer,
    json_object,
    plain_status,
)

from .bodies import Failure, Providers, Started, State, Submission, state
from .errors import InvalidInput
from .model import Result
from .settings import ProfilesSettings
from .task import TASK
from .urls import parse_url

_BODY_MAX = 64 * 1024
_KNOWN = ("url", "mode", "posts", "comments")
_FAILURES = {
    **REFUSALS,
    400: "The input does not fit: `error` says why, `field` names it. Nothing was submitted.",
    404: "There is no such job of the caller's.",
    410: "The job was removed.",
    429: "The caller has as many profiles under way as allowed; `Retry-After` says when to try again.",
}


class ProfilesRoutes(Routes):
    """Every error is `{"error"}`: a sentence that a page can show."""

    name = "profiles"
    failures = _FAILURES

    def __init__(self, jobs: Jobs, task: Task[..., Result], settings: ProfilesSettings) -> None:
        super().__init__(jobs)
        self._task, self._settings = task, settings
        body = body_of(Submission)
        self._add("POST", "/api/scrape", self.scrape, {202: Started}, 400, 413, 415, 429, 503, extra=body)
        self._add("GET", "/api/scrape/status/{job_id}", self.status, {200: State}, 404, 410)
        self._add("GET", "/api/scrape/providers", self.providers, {200: Providers})

    def own_refusal(self, error: Exception) -> Response | None:
        if not isinstance(error, InvalidInput):
            return None
        return _json(Failure(error=error.message, code=error.code, field=error.field), 400)

    def refusal(self, error: AcceptedError) -> Response:
        body = Failure(error=error.public, code=error.slug, field=field_of(error))
        return _json(body, plain_status(error), headers_of(error))

    def described_refusal(self, status: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"model": Failure}

    async def scrape(self, request: Request) -> Response:
        """Read a profile, or one post, in the background: answers at once with the job."""
        identity = await self._full(request)
        given = _known(json_object(await read_json(request, _BODY_MAX)))
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
        return json_answer(await state(self._jobs, await self._find(request, job_id, (TASK,), "read")))

    async def providers(self, request: Request) -> Response:
        """Which networks can be read here, through what, and what is missing for the others."""
        await self._full(request)
        return _json(Providers.of(self._settings))


def _known(given: dict[str, Any]) -> dict[str, Any]:
    """The members that are known here; a front end may send more, and null for what it leaves out."""
    return {name: given[name] for name in _KNOWN if given.get(name) is not None}


def _json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_answer(to_json(body, exclude_none=isinstance(body, Failure)), status, headers)
