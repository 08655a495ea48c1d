"""Submitting over HTTP: from a request to a stored job, and from the job to 202 or 200.

`Submitting` is what `POST /v1/tasks/{task}` and `@jobs.endpoint` share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from accepted.errors import (
    BadRequest,
    InvalidInput,
    JobCancelled,
    JobFailed,
    TaskNotFound,
    Unavailable,
    UnsupportedMediaType,
)
from accepted.http.artifacts import send_blob
from accepted.http.auth import Identity
from accepted.http.idempotency import Claim, InFlight, scope
from accepted.http.job_body import accepted_body, poll_after_ms
from accepted.http.links import Links
from accepted.http.negotiation import (
    Prefer,
    media_type,
    parse_duration,
    parse_key,
    parse_prefer,
    parse_priority,
)
from accepted.http.problems import job_problem, problem_response, retry_after
from accepted.http.reading import read_json
from accepted.http.resource import Call, Ready
from accepted.http.uploads import form_arguments, read_form
from accepted.http.waiting import while_connected
from accepted.job import JobRecord, Status
from accepted.stores.base import Submitted
from accepted.task import Options, Task
from accepted.value import value

if TYPE_CHECKING:
    from accepted.jobs import Jobs


@value
class Asked:
    """What the headers of a submission ask for, beside its content. Durations in seconds."""

    prefer: Prefer
    claim: Claim | None
    options: Options

    @classmethod
    def of(cls, headers: Headers, identity: Identity, route: str) -> Asked:
        """The owner is the caller's, whatever the request says. Raises BadRequest."""
        key = parse_key(headers.get("idempotency-key"))
        return cls(
            prefer=parse_prefer(headers.getlist("prefer") if "prefer" in headers else ()),
            claim=Claim(scope(identity.owner, route), key) if key is not None else None,
            options=Options(
                owner=identity.owner,
                priority=parse_priority(headers.get("accepted-priority")),
                delay=parse_duration("Accepted-Delay", headers.get("accepted-delay")) or 0.0,
                cancel_after=parse_duration("Cancel-After", headers.get("cancel-after")),
            ),
        )


class Submitting:
    """One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.in_flight = InFlight()

    # ── POST /v1/tasks/{task} ──

    async def post(self, call: Call) -> Response:
        """The handler."""
        jobs = self._jobs
        identity = await jobs.access.identify(call)
        jobs.access.full(identity)
        task = public_task(jobs, call.path_params["task"])
        asked = Asked.of(call.headers, identity, f"tasks/{task.name}")
        if asked.claim is None:
            submitted = await self.read_and_store(call, task, asked)
        else:
            async with self.in_flight.hold(asked.claim):
                submitted = await self.read_and_store(call, task, asked)
        wait = self.capped(asked.prefer.wait)
        job = await self.awaited(call, submitted.job, wait, since=call.received)
        headers = answer_headers(submitted, asked.prefer, wait)
        return await self.respond(job, call.links, headers, waited=bool(wait))

    # ── shared with @jobs.endpoint ──

    async def read_and_store(self, request: Request, task: Task[..., Any], asked: Asked) -> Submitted:
        """The job that the body describes. Raises InvalidInput, UnsupportedMediaType and what reading and storing
        raise."""
        settings = self._jobs.settings
        kind = media_type(request.headers.get("content-type"))
        if kind == "multipart/form-data":
            async with read_form(request, settings) as form:
                return await self.store(task, form_arguments(task, form), asked, form.digests)
        if kind and not kind.endswith("json"):
            raise UnsupportedMediaType(f"Send application/json or multipart/form-data, not {kind}.")
        body = await read_json(request, settings.body_max)
        return await self.store(task, read_arguments(task, body, "body"), asked, (body,))

    def capped(self, wait: float | None) -> float | None:
        """As long as the setting allows."""
        return None if wait is None else min(wait, self._jobs.settings.wait_max)

    async def store(
        self, task: Task[..., Any], arguments: dict[str, Any], asked: Asked, content: Iterable[bytes]
    ) -> Submitted:
        """Durable when it returns. `content` is what two requests with one key are compared by. Raises what a store
        raises for a job that it cannot take; Unavailable while starting or stopping."""
        jobs, options = self._jobs, asked.options
        check_started(jobs)
        if asked.claim is not None:
            key = asked.claim.of_body(content, kept=jobs.settings.idempotency, vault=task.vault)
            options = replace(options, idempotency_key=key)
        made = (await jobs.submit_new(task, [(arguments, options)]))[0]
        if isinstance(made, Exception):
            raise made
        submitted: Submitted = made
        return submitted

    async def awaited(self, request: Request, job: JobRecord, wait: float | None, *, since: float) -> JobRecord:
        """The job once it is over, or as it is `wait` seconds after `since` (loop time). Raises ClientDisconnect: the
        wait ends with the client, the job does not."""
        if not wait or job.over:
            return job
        left = since + wait - asyncio.get_running_loop().time()
        if left > 0:
            await while_connected(request.receive, self._jobs.wait_over(job.id, left, after=job.seq))
        return await self._jobs.get_record(job.id)

    async def respond(self, job: JobRecord, links: Links, headers: dict[str, str], *, waited: bool) -> Response:
        """200 with the result of a job that is over and 202 with one that is not; 409 for one that failed or was
        cancelled. A job that nobody waited for is 202 even if it is over by now."""
        if not (job.over and waited):
            return accepted_response(job, links, headers)
        headers["Content-Location"] = links.job(job.id)
        try:
            return await result_response(self._jobs, job, headers)
        except (JobFailed, JobCancelled) as error:
            response = problem_response(error)
            response.headers.update(headers)
            return response


def public_tasks(jobs: Jobs) -> dict[str, Task[..., Any]]:
    """The tasks that may be submitted by name. Not those of endpoints: whoever submitted them directly would go round
    the endpoint's dependencies, and could say themselves who they are."""
    return {name: task for name, task in jobs.tasks.items() if not hasattr(task.function, "accepted_endpoint")}


def public_task(jobs: Jobs, name: str) -> Task[..., Any]:
    """Raises TaskNotFound."""
    task = jobs.tasks.get(name)
    if task is None or hasattr(task.function, "accepted_endpoint"):
        raise TaskNotFound(name, sorted(public_tasks(jobs)))
    return task


def answer_headers(submitted: Submitted, prefer: Prefer, wait: float | None) -> dict[str, str]:
    """What every answer to a submission says, however it ends. `wait`: the seconds that were waited at most."""
    headers = {"Vary": "Prefer"}
    applied = prefer.applied(wait)
    if applied is not None:
        headers["Preference-Applied"] = applied
    if submitted.replayed:
        headers["Idempotency-Replayed"] = "true"
    return headers


def accepted_response(job: JobRecord, links: Links, headers: dict[str, str]) -> Response:
    """202: the job, where it is, and when to ask again."""
    headers["Retry-After"] = retry_after((poll_after_ms(job) or 0) / 1000)
    headers["Cache-Control"] = "no-store"
    response = Ready(accepted_body(job, links), 202, headers)
    response.raw_headers.append((b"location", links.job(job.id).encode()))
    return response


async def result_response(jobs: Jobs, job: JobRecord, headers: dict[str, str]) -> Response:
    """200: the result of a completed job, from its row or as a stream. Raises JobFailed, JobCancelled."""
    if job.status is Status.FAILED:
        raise JobFailed(job.id, job_problem(job.error or {}))
    if job.status is Status.CANCELLED:
        raise JobCancelled(job.id, job.cancel_reason)
    headers["Cache-Control"] = "private, no-cache"
    if job.result_blob is not None:
        return await send_blob(jobs.blobs, job.id, job.result_blob, headers, media_type="application/json")
    return Response(job.result if job.result is not None else b"null", 200, headers, media_type="application/json")


def check_started(jobs: Jobs) -> None:
    """Raises Unavailable."""
    if not jobs.started:
        raise Unavailable("This server is starting or stopping; try again in a moment.")


def read_arguments(task: Task[..., Any], content: bytes, what: str) -> dict[str, Any]:
    """The task's arguments, validated. Tells `content` that is no JSON (BadRequest, naming `what` it is) from one that
    does not fit (InvalidInput)."""
    try:
        return task.validate_json(content)
    except InvalidInput:
        try:
            from_json(content or b"{}")
        except ValueError as error:
            raise BadRequest(f"The {what} is not JSON: {error}.") from None
        raise
