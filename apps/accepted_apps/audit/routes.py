"""The audit over HTTP: submit and wait, submit and follow, look. Cancel, history and live updates are the job API's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from pydantic_core import to_json

from accepted import AcceptedError, JobRecord, Jobs, Status, Task
from accepted.errors import InvalidInput as InvalidArguments
from accepted.http.auth import take_query
from accepted.http.negotiation import parse_key
from accepted.http.waiting import while_connected
from accepted_apps.routing import REFUSALS, Routes, body_of, headers_of, json_answer, plain_status

from . import errors
from .errors import AuditError, InvalidInput
from .given import objection_of, read_given
from .repository.fetch import look_up
from .repository.place import Place, parse_place
from .repository.protocol import Advertised
from .settings import AuditSettings
from .shapes import AuditResult, Branches, Failure, Repository, RepositoryAnswer, Started, State, Submission
from .states import error_of, state_answer
from .task import TASK


class AuditRoutes(Routes):
    """Every error is `{"detail", "code", "field"?}`: a sentence that a page can show, and the parameter that is wrong.

    Each route is there with and without a slash at its end, because a redirect would lose what was posted.
    """

    name = "audit"
    failures: ClassVar[Mapping[int, str]] = {
        **REFUSALS,
        400: "The input does not fit: `detail` says why, `field` names it, and nothing was submitted. Of the "
        "blocking form "
        "also: the repository is not there, or not shown.",
        404: "There is no such job of the caller's.",
        410: "The job was removed.",
        415: "The body cannot be read by its content type.",
        429: "The caller has as many audits under way as allowed; `Retry-After` says when to try again.",
        500: "The audit failed: `detail` says why. 502, 504: the repository's server did not answer.",
        502: "The repository's server cannot answer now.",
        504: "The repository's server did not answer in time.",
    }

    def __init__(self, jobs: Jobs, task: Task[..., AuditResult], settings: AuditSettings) -> None:
        super().__init__(jobs)
        self._task, self._settings = task, settings
        self._lookups = asyncio.Semaphore(_LOOKUPS)
        refused = (400, 413, 415, 429, 503)
        finished = {200: AuditResult, 202: Started}
        for described in (True, False):
            end = "/" if described else ""
            start, blocking = f"{_START}{end}", f"{_BLOCKING}{end}"
            self._add("POST", start, self.start, {202: Started}, *refused, extra=_SUBMISSION, described=described)
            self._add("POST", blocking, self.analyze, finished, *refused, 500, extra=_SUBMISSION, described=described)
        self._add("GET", "/status/{job_id}", self.status, {200: State}, 404, 410)
        self._add("GET", "/status/{job_id}/", self.status, {200: State}, 404, 410, described=False)

        looked = (400, 502, 504)
        self._add(
            "GET", "/repository-info/{github_repo:path}", self.info, {200: RepositoryAnswer}, *looked, extra=_LOOK
        )
        self._add(
            "GET", "/repository-branches/{github_repo:path}", self.branches, {200: Branches}, *looked, extra=_LOOK
        )

    def own_refusal(self, error: Exception) -> Response | None:
        if not isinstance(error, AuditError):
            return None
        status = _OF_FAILED.get(error.code, 400)
        return _json(Failure(detail=error.message, code=error.code, field=error.field), status)

    def refusal(self, error: AcceptedError) -> Response:
        detail, field = objection_of(error) if isinstance(error, InvalidArguments) else (error.public, None)
        return _json(Failure(detail=detail, code=error.slug, field=field), plain_status(error), headers_of(error))

    def described_refusal(self, status: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"model": Failure}

    async def start(self, request: Request) -> Response:
        """Audit a repository in the background: answers at once with the job."""
        return self._started(request, await self._submit(request))

    async def analyze(self, request: Request) -> Response:
        """Audit a repository: 200 with the result if it is there in time, else 202 with the job, which goes on."""
        until = asyncio.get_running_loop().time() + self._settings.wait
        record = await self._submit(request)
        left = until - asyncio.get_running_loop().time()
        if not record.over and left > 0:
            await while_connected(request.receive, self._jobs.wait_over(record.id, left, after=record.seq))
            record = await self._jobs.get_record(record.id)
        place = {"Content-Location": _place(request, record)}
        match record.status:
            case Status.COMPLETED:
                return json_answer(await self._jobs.read_result(record), 200, place)
            case Status.FAILED:
                detail, code = error_of(record)
                return _json(Failure(detail=detail, code=code), _OF_FAILED.get(code, 500), place)
            case Status.CANCELLED:
                return _json(Failure(detail="The audit was cancelled.", code="cancelled"), 409, place)
            case _:
                return self._started(request, record)

    async def status(self, request: Request, job_id: str) -> Response:
        """How far a job is, and its result once it is there."""
        return json_answer(await state_answer(self._jobs, await self._find(request, job_id, (TASK,), "read")))

    async def info(self, request: Request, github_repo: str) -> Response:
        """Whether a repository can be audited, and which branches it has; nothing of it is fetched."""
        place, known = await self._look_up(request, github_repo)
        names, default = known.names(), known.default_branch() or None
        repository = Repository(
            owner=place.owner, name=place.repo, full_name=place.name, clone_url=place.url, default_branch=default
        )
        answer = RepositoryAnswer(
            repository=repository, branches=names, total_branches=len(names), default_branch=default
        )
        return _json(answer)

    async def branches(self, request: Request, github_repo: str) -> Response:
        """The branches of a repository; nothing of it is fetched."""
        _, known = await self._look_up(request, github_repo)
        names = known.names()
        return _json(Branches(branches=names, total_branches=len(names)))

    async def _look_up(self, request: Request, github_repo: str) -> tuple[Place, Advertised]:
        token = take_query(request, "token")
        await self._full(request)
        # Where a proxy makes one slash of two, the query still has the URL as it was sent.
        place = parse_place(request.query_params.get("github_repo") or github_repo.strip("/"), "", self._settings)
        if place.path:
            raise InvalidInput(
                "github_repo is a path of this machine, whose branches are not told; name the branch in the audit.",
                field="github_repo",
            )
        async with self._lookups:
            return place, await look_up(place, token, self._settings)

    async def _submit(self, request: Request) -> JobRecord:
        """Durable when it returns. Raises InvalidInput, LimitReached, and what reading and access raise."""
        take_query(request, "token")  # before anything can end the request, and log it
        identity = await self._full(request)
        async with read_given(request, self._jobs, self._settings.report_max) as given:
            if "github_repo" not in given.values:
                raise InvalidInput(
                    "github_repo is missing; write owner/repo, or the URL of a repository.", field="github_repo"
                )
            if not given.values.get("worst_apis") and given.report is None:
                raise InvalidInput(
                    "worst_apis has no endpoint; send a list of them, or the report of a load test.", field="worst_apis"
                )
            key = parse_key(request.headers.get("idempotency-key"))
            task = self._task.with_options(owner=identity.owner, idempotency_key=key)
            return (await task.submit(**given.values, report=given.report)).record

    def _started(self, request: Request, record: JobRecord) -> Response:
        place = _place(request, record)
        message = f"Analysis started. Poll {place} for updates."
        return _json(Started(job_id=record.id, message=message), 202, {"Location": place, "Retry-After": "1"})


_LOOKUPS: Final = 8
"""Repositories whose branches are asked for at once; others wait."""
_START: Final = "/analyze-worst-apis-with-github-async"
_BLOCKING: Final = "/analyze-worst-apis-with-github"
_JSON: Final = body_of(Submission)["requestBody"]["content"]["application/json"]
_FILE: Final = {"schema": {"type": "object", "properties": {"report": {"type": "string", "format": "binary"}}}}
_TOKEN: Final = {
    "name": "token",
    "in": "query",
    "schema": {"type": "string", "format": "password"},
    "description": "For a private repository.",
}
_LOOK: Final = {"parameters": [_TOKEN]}
_SUBMISSION: Final = {
    "parameters": [
        {
            "name": "github_repo",
            "in": "query",
            "required": True,
            "schema": {"type": "string"},
            "description": "`owner/repo`, the URL of a git repository, or a path that the operator allows.",
        },
        {
            "name": "branch",
            "in": "query",
            "schema": {"type": "string"},
            "description": "Empty: the repository's default branch.",
        },
        {
            **_TOKEN,
            "description": "For a private repository. It may stand in the body as well, where no proxy logs it.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": _JSON,
            "multipart/form-data": _FILE,
            "text/csv": {"schema": {"type": "string"}},
        },
    },
}
_OF_FAILED: Final = {
    **{
        kind.code: 400
        for kind in (
            errors.InvalidInput,
            errors.AddressNotAllowed,
            errors.RepositoryMissing,
            errors.TokenRefused,
            errors.BranchMissing,
            errors.RepositoryEmpty,
            errors.RepositoryTooLarge,
            errors.NotARepository,
            errors.ReportUnreadable,
        )
    },
    errors.RepositoryTrouble.code: 502,
    errors.RepositoryTooSlow.code: 504,
}
"""What the blocking form answers where the audit failed, by its code; else 500."""


def _place(request: Request, record: JobRecord) -> str:
    return request.url_for("audit_status", job_id=record.id).path


def _json(body: Started | Failure | Branches, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return json_answer(to_json(body), status, headers)
