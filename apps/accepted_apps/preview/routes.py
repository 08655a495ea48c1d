"""The preview over HTTP: submit and wait, submit and follow, look, cancel, history."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.requests import ClientDisconnect

from accepted import AcceptedError, JobCancelled, JobFailed, JobNotFound, JobRecord, Jobs, Status, Task
from accepted.errors import InvalidInput
from accepted.http.auth import Identity, JobVerb
from accepted.http.negotiation import parse_key
from accepted.http.problems import problem_response, unexpected
from accepted.http.reading import parse, read_json
from accepted.http.shapes import AcceptedProblem
from accepted.http.waiting import while_connected

from .bodies import History, Started, Submission, TaskState, TaskSummary, Tiers, channel, task_state
from .result import PreviewResult
from .settings import PreviewSettings
from .socket import ScraperSocket
from .task import TASK

log = logging.getLogger("accepted_apps.preview")

_BODY_MAX = 64 * 1024
_CANCEL_WAIT = 2.0
"""Seconds that a cancel is waited for, so that its answer can say that it is done. Most take milliseconds."""
_KNOWN = ("url", "min_tier", "max_tier")

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class ProblemRoute(APIRoute):
    """Every error is a problem object with a `detail` that a page can show, whatever application this is part of."""

    def get_route_handler(self) -> Answer:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                return problem_response(_invalid(error))
            except AcceptedError as error:
                return problem_response(error)
            except ClientDisconnect:
                return Response()  # nobody is left to read it; what was submitted goes on
            except Exception:
                log.exception("%s %s", request.method, request.url.path)
                return problem_response(unexpected())

        return answer


class PreviewRoutes:
    """The routes of one `Jobs`; `router` is what an application includes."""

    def __init__(self, jobs: Jobs, task: Task[..., PreviewResult], settings: PreviewSettings) -> None:
        self._jobs, self._task, self._settings = jobs, task, settings
        self.router = APIRouter(route_class=ProblemRoute, tags=["preview"])
        add = self._add
        add("POST", "/scraper/preview", self.preview, {200: PreviewResult, 202: TaskState}, 409, *_REFUSED, body=True)
        add("POST", "/scraper/preview/async", self.start, {202: Started}, *_REFUSED, body=True)
        add("GET", "/scraper/task/{task_id}", self.look, {200: TaskState}, 404, 410)
        add("DELETE", "/scraper/task/{task_id}", self.cancel, {200: TaskSummary, 202: TaskSummary}, 404, 410)
        add("GET", "/scraper/tasks", self.history, {200: History}, 400, 422)
        add("GET", "/scraper/tiers", self.tiers, {200: Tiers})
        self.router.add_api_websocket_route("/ws/scraper", self.socket, name="preview_socket")

    def _add(
        self,
        method: str,
        path: str,
        handler: Callable[..., Awaitable[Response]],
        models: dict[int, type[Any]],
        *problems: int,
        body: bool = False,
    ) -> None:
        content = {"application/json": {"schema": Submission.model_json_schema()}}
        responses: dict[int | str, dict[str, Any]] = {status: {"model": model} for status, model in models.items()}
        for status in (*problems, 401, 403):
            responses[status] = {"description": _PROBLEMS[status], "content": {"application/problem+json": _PROBLEM}}
        self.router.add_api_route(
            path,
            handler,
            name=f"preview_{handler.__name__}",
            methods=[method],
            status_code=min(models),
            response_model=None,
            responses=responses,
            openapi_extra={"requestBody": {"required": True, "content": content}} if body else None,
        )

    # ── submitting ──

    async def preview(self, request: Request) -> Response:
        """Preview a page: 200 with it if it is there in time, else 202 with the task, which goes on.

        Nothing is started twice: the caller follows the same task. A preview that failed in time answers 409.
        """
        until = asyncio.get_running_loop().time() + self._settings.wait
        record = await self._submit(request)
        left = until - asyncio.get_running_loop().time()
        if not record.over and left > 0:
            waiting = self._jobs.wait_over(record.id, left, after=record.seq)
            await while_connected(request.receive, waiting)
            record = await self._jobs.get_record(record.id)
        if not record.over:
            headers = {"Location": _place(request, record), "Retry-After": "1"}
            return _answer(await task_state(self._jobs, record), 202, headers)
        response = await self._ended(record)
        response.headers["Content-Location"] = _place(request, record)
        return response

    async def start(self, request: Request) -> Response:
        """Preview a page in the background: answers at once with the task and where its messages come."""
        record = await self._submit(request)
        started = Started(
            task_id=record.id,
            url=TaskSummary.of(record).url,
            message=f"The preview has started. Follow it on the WebSocket, or poll {_place(request, record)}.",
            websocket_channel=channel(record.id),
            websocket_url=self._settings.websocket_url or str(request.url_for("preview_socket")),
        )
        return _json(started.model_dump(), 202, {"Location": _place(request, record)})

    async def _submit(self, request: Request) -> JobRecord:
        """Durable when it returns. Raises InvalidInput, LimitReached, and what reading and access raise."""
        identity = await self._full(request)
        given = parse(await read_json(request, _BODY_MAX) or b"{}")
        if not isinstance(given, dict):
            raise InvalidInput([{"detail": "expected an object", "pointer": "#"}])
        key = parse_key(request.headers.get("idempotency-key"))
        task = self._task.with_options(owner=identity.owner, idempotency_key=key)
        # A front end may send more than is needed here.
        handle = await task.submit(**{name: given[name] for name in _KNOWN if name in given})
        return handle.record

    async def _ended(self, record: JobRecord) -> Response:
        if record.status is Status.COMPLETED:
            return _answer(await self._jobs.read_result(record))
        if record.status is Status.FAILED:
            return problem_response(JobFailed(record.id, record.error or {}))
        return problem_response(JobCancelled(record.id, record.cancel_reason))

    # ── one task ──

    async def look(self, request: Request, task_id: str) -> Response:
        """A task: how far it is, which tier is tried, what was tried before, and the page once it is there."""
        record = await self._find(request, task_id, "read")
        return _answer(await task_state(self._jobs, record))

    async def cancel(self, request: Request, task_id: str) -> Response:
        """Cancel a task: 200 when it is over, 202 while it is still being stopped. It stays in the history."""
        record = await self._find(request, task_id, "cancel")
        if not record.over:
            record = await self._jobs.cancel(record.id)
            await self._jobs.wait_over(record.id, _CANCEL_WAIT, after=record.seq)
            record = await self._jobs.get_record(record.id)
        return _json(TaskSummary.of(record).model_dump(mode="json"), 200 if record.over else 202)

    async def _find(self, request: Request, task_id: str, verb: JobVerb) -> JobRecord:
        """Raises JobNotFound for what is unknown, another's, or no preview."""
        access = self._jobs.access
        record = await access.job(await access.identify(request), self._jobs.store, task_id, verb)
        if record.task != TASK:
            raise JobNotFound(task_id)
        return record

    # ── the caller ──

    async def history(
        self,
        request: Request,
        status: Status | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Response:
        """The caller's tasks, newest first, without their results."""
        identity = await self._full(request)
        page = await self._jobs.list(owner=identity.owner, task=TASK, status=status or (), cursor=cursor, limit=limit)
        history = History(tasks=[TaskSummary.of(record) for record in page.jobs], cursor=page.cursor)
        return _json(history.model_dump(mode="json"))

    async def tiers(self, request: Request) -> Response:
        """The tiers with their prices, and why one of them would be skipped here."""
        await self._full(request)
        return _json(Tiers.of(self._settings).model_dump(mode="json"))

    async def socket(self, websocket: WebSocket) -> None:
        """Live messages of any number of tasks on one connection."""
        await ScraperSocket(websocket, self._jobs.live(websocket.scope), self._jobs).run()

    async def _full(self, request: Request) -> Identity:
        """The caller, who brings more than a token for one job. Raises NotAuthenticated, Forbidden."""
        identity = await self._jobs.access.identify(request)
        self._jobs.access.full(identity)
        return identity


_FRESH = {"Cache-Control": "private, no-cache"}
_PROBLEM = {"schema": AcceptedProblem.model_json_schema()}
_REFUSED = (400, 413, 415, 422, 429, 503)
"""What a submission may be refused with before anything is stored."""
_PROBLEMS = {
    400: "The request cannot be read.",
    401: "Nobody said who is calling.",
    403: "This caller may not come in.",
    404: "There is no such task of the caller's.",
    409: "The preview failed, or was cancelled: `detail` says why.",
    410: "The task was removed.",
    413: "The body is too large.",
    415: "The body is not JSON by its content type.",
    422: "The input does not fit: `detail` and `errors` name the field. Nothing was submitted.",
    429: "The caller has as many previews under way as allowed; `Retry-After` says when to try again.",
    503: "The server is starting, stopping or full; `Retry-After` says when to try again.",
}


def _place(request: Request, record: JobRecord) -> str:
    return request.url_for("preview_look", task_id=record.id).path


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return _answer(to_json(value), status, headers)


def _answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {**_FRESH, **(headers or {})}, media_type="application/json")


def _invalid(error: RequestValidationError) -> InvalidInput:
    """Of the query: FastAPI's objections as a problem that names the field."""
    return InvalidInput([{"detail": one["msg"], "pointer": f"#/{one['loc'][-1]}"} for one in error.errors()])
