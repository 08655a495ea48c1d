"""The preview over HTTP: submit and wait, submit and follow, look, cancel, history."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query, Request, Response, WebSocket
from pydantic_core import to_json

from accepted import JobCancelled, JobFailed, JobRecord, Jobs, Status, Task
from accepted.errors import InvalidInput
from accepted.http.negotiation import parse_key
from accepted.http.problems import problem_response
from accepted.http.reading import parse, read_json
from accepted.http.waiting import while_connected
from accepted_apps.routing import REFUSALS, ProblemRoutes, body_of, json_answer

from .bodies import History, Started, Submission, TaskState, TaskSummary, Tiers, channel, task_state
from .result import PreviewResult
from .settings import PreviewSettings
from .socket import ScraperSocket
from .task import TASK

_BODY_MAX = 64 * 1024
_CANCEL_WAIT = 2.0
"""Seconds that a cancel is waited for, so that its answer can say that it is done. Most take milliseconds."""
_KNOWN = ("url", "min_tier", "max_tier")

_REFUSED = (400, 413, 415, 422, 429, 503)
"""What a submission may be refused with before anything is stored."""
_PROBLEMS = {
    **REFUSALS,
    400: "The request cannot be read.",
    404: "There is no such task of the caller's.",
    409: "The preview failed, or was cancelled: `detail` says why.",
    410: "The task was removed.",
    422: "The input does not fit: `detail` and `errors` name the field. Nothing was submitted.",
    429: "The caller has as many previews under way as allowed; `Retry-After` says when to try again.",
}


class PreviewRoutes(ProblemRoutes):
    """The routes of one `Jobs`; `router` is what an application includes."""

    name = "preview"
    failures = _PROBLEMS

    def __init__(self, jobs: Jobs, task: Task[..., PreviewResult], settings: PreviewSettings) -> None:
        super().__init__(jobs)
        self._task, self._settings = task, settings
        add = self._add
        add(
            "POST",
            "/scraper/preview",
            self.preview,
            {200: PreviewResult, 202: TaskState},
            409,
            *_REFUSED,
            extra=body_of(Submission),
        )
        add("POST", "/scraper/preview/async", self.start, {202: Started}, *_REFUSED, extra=body_of(Submission))
        add("GET", "/scraper/task/{task_id}", self.look, {200: TaskState}, 404, 410)
        add("DELETE", "/scraper/task/{task_id}", self.cancel, {200: TaskSummary, 202: TaskSummary}, 404, 410)
        add("GET", "/scraper/tasks", self.history, {200: History}, 400, 422)
        add("GET", "/scraper/tiers", self.tiers, {200: Tiers})
        self.router.add_api_websocket_route("/ws/scraper", self.socket, name="preview_socket")

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
            return json_answer(await task_state(self._jobs, record), 202, headers)
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
            return json_answer(await self._jobs.read_result(record))
        if record.status is Status.FAILED:
            return problem_response(JobFailed(record.id, record.error or {}))
        return problem_response(JobCancelled(record.id, record.cancel_reason))

    # ── one task ──

    async def look(self, request: Request, task_id: str) -> Response:
        """A task: how far it is, which tier is tried, what was tried before, and the page once it is there."""
        record = await self._find(request, task_id, (TASK,), "read")
        return json_answer(await task_state(self._jobs, record))

    async def cancel(self, request: Request, task_id: str) -> Response:
        """Cancel a task: 200 when it is over, 202 while it is still being stopped. It stays in the history."""
        record = await self._find(request, task_id, (TASK,), "cancel")
        if not record.over:
            record = await self._jobs.cancel(record.id)
            await self._jobs.wait_over(record.id, _CANCEL_WAIT, after=record.seq)
            record = await self._jobs.get_record(record.id)
        return _json(TaskSummary.of(record).model_dump(mode="json"), 200 if record.over else 202)

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


def _place(request: Request, record: JobRecord) -> str:
    return request.url_for("preview_look", task_id=record.id).path


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_answer(to_json(value), status, headers)
