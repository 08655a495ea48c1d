"""The sales analysis over HTTP: submit and follow, submit and wait, the result, its files. Cancel, history and live
updates are the job API's."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import StreamingResponse

from accepted import AcceptedError, JobNotFound, JobRecord, Jobs, Status, Task
from accepted.errors import UnsupportedMediaType
from accepted.http.negotiation import media_type, parse_key
from accepted.http.uploads import read_form
from accepted.http.waiting import while_connected
from accepted_apps.routing import FRESH, Routes, field_of, headers_of, json_answer, plain_status
from accepted_apps.sales.bench import Bench
from accepted_apps.sales.downloads import CSV, SHEETS, XLSX, file_ending
from accepted_apps.sales.errors import SalesError
from accepted_apps.sales.given import check_exports, given_in
from accepted_apps.sales.shapes import Failure, JobState, Marketplaces, Pending, SalesResult, Started, job_state, reason
from accepted_apps.sales.task import TASK

_FAILURES: Final = {
    400: "The input does not fit: `detail` says why, `field` names it. Nothing was submitted.",
    401: "Nobody said who is calling.",
    403: "This caller may not come in.",
    404: "There is no such analysis of the caller's.",
    408: "The body came too slowly.",
    409: "The analysis was cancelled; or the first request with this `Idempotency-Key` is still under way.",
    410: "The analysis was removed, or purged when its time was over.",
    413: "The body is too large.",
    415: "The body is not multipart/form-data.",
    429: "The caller has as many analyses under way as allowed; `Retry-After` says when to try again.",
    500: "The analysis failed: `detail` says why.",
    503: "The server is starting, stopping or full; `Retry-After` says when to try again.",
}
_REFUSED: Final = (400, 408, 409, 413, 415, 429, 503)


class SalesRoutes(Routes):
    """Every error is `{"detail"}`: a sentence that a page can show."""

    name = "sales"
    failures = _FAILURES

    def __init__(self, jobs: Jobs, task: Task[..., SalesResult], bench: Bench) -> None:
        super().__init__(jobs)
        self._task, self._bench, self._settings = task, bench, bench.settings
        content = {"multipart/form-data": {"schema": task.schemas()[0]}}
        form = {"requestBody": {"required": True, "content": content}}
        ready, results = {200: SalesResult, 202: Pending}, "/api/v1/job-results/{job_id}"
        file = {200: {"description": "The file.", "content": {XLSX: {}, CSV: {}}}, 202: Pending}
        add = self._add
        add("POST", "/api/v1/start-analysis", self.start, {202: Started}, *_REFUSED, extra=form)
        add("POST", "/api/v1/amazon-sales-intelligence", self.analyse, ready, *_REFUSED, 500, extra=form)
        add("GET", "/api/v1/job-status/{job_id}", self.status, {200: JobState}, 404, 410)
        add("GET", results, self.results, ready, 404, 409, 410, 500)
        add("GET", f"{results}/download", self.download, file, 400, 404, 409, 410, 500)
        add("GET", "/api/v1/marketplaces", self.marketplaces, {200: Marketplaces})

    def own_refusal(self, error: Exception) -> Response | None:
        if not isinstance(error, SalesError):
            return None
        return _refused(error.message, error.code, field=error.field)

    def refusal(self, error: AcceptedError) -> Response:
        return _refused(error.public, error.slug, plain_status(error), field=field_of(error), headers=headers_of(error))

    def described_refusal(self, status: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"model": Failure}

    # ── submitting ──

    async def start(self, request: Request) -> Response:
        """Analyse in the background: answers at once with the job."""
        record = await self._submit(request)
        place = request.url_for("sales_status", job_id=record.id).path
        message = f"The analysis has started: poll {place} to follow it."
        started = Started(job_id=record.id, status="processing", message=message)
        return _json(started, 202, {"Location": place})

    async def analyse(self, request: Request) -> Response:
        """Analyse: 200 with the result if it is there in time, else 202 with the job, which goes on.

        Nothing is started twice: the caller follows the same job.
        """
        until = asyncio.get_running_loop().time() + self._settings.wait
        record = await self._submit(request)
        left = until - asyncio.get_running_loop().time()
        if not record.over and left > 0:
            waiting = self._jobs.wait_over(record.id, left, after=record.seq)
            await while_connected(request.receive, waiting)
            record = await self._jobs.get_record(record.id)
        response = await self._result(request, record)
        response.headers["Content-Location" if record.over else "Location"] = request.url_for(
            "sales_results" if record.over else "sales_status", job_id=record.id
        ).path
        return response

    async def _submit(self, request: Request) -> JobRecord:
        """Durable when it returns. Raises SalesError, LimitReached, and what reading and access raise."""
        identity = await self._full(request)
        if media_type(request.headers.get("content-type")) != "multipart/form-data":
            raise UnsupportedMediaType("Send multipart/form-data with asin_or_url, marketplace and the exports.")
        key = parse_key(request.headers.get("idempotency-key"))
        async with read_form(request, self._jobs.settings) as form:
            given = given_in(form)
            self._task.validate(dict(given))
            await check_exports(given, self._settings.limits)
            task = self._task.with_options(owner=identity.owner, idempotency_key=key)
            return (await task.submit(**given)).record

    # ── one analysis ──

    async def status(self, request: Request, job_id: str) -> Response:
        """How far an analysis is: its steps by name, counts, cost."""
        record = await self._find(request, job_id, (TASK,), "read")
        return _json(await self._state(request, record))

    async def results(self, request: Request, job_id: str) -> Response:
        """The result: 202 while there is none yet, 500 when the analysis failed, 409 when it was cancelled."""
        return await self._result(request, await self._find(request, job_id, (TASK,), "read"))

    async def download(
        self,
        request: Request,
        job_id: str,
        file: Annotated[str, Query(alias="format")] = "xlsx",
        sheet: str = SHEETS[0],
    ) -> Response:
        """The result as a workbook, or one of its sheets as CSV."""
        record = await self._find(request, job_id, (TASK,), "read")
        ending = file_ending(file, sheet)
        if record.status is not Status.COMPLETED:
            return await self._result(request, record)
        for known in await self._jobs.store.artifacts(job_id):
            attached = await self._jobs.store.artifact(job_id, known.name) if known.name.endswith(ending) else None
            if attached is not None:
                headers = {
                    "Content-Disposition": f'attachment; filename="{known.name}"',
                    "Content-Length": str(known.size_bytes),
                    "X-Content-Type-Options": "nosniff",
                    **FRESH,
                }
                return StreamingResponse(
                    self._jobs.blobs.read(job_id, attached.blob), 200, headers, media_type=known.media_type
                )
        raise JobNotFound(job_id)

    async def _result(self, request: Request, record: JobRecord) -> Response:
        match record.status:
            case Status.COMPLETED:
                return json_answer(await self._jobs.read_result(record))
            case Status.FAILED:
                detail, code = reason(record)
                return _refused(detail, code, 500)
            case Status.CANCELLED:
                return _refused("The analysis was cancelled: it has no result.", "cancelled", 409)
            case _:
                state = await self._state(request, record)
                detail = "The analysis is still being processed: ask again in a moment."
                return _json(Pending(**state.model_dump(), detail=detail), 202, {"Retry-After": "1"})

    async def _state(self, request: Request, record: JobRecord) -> JobState:
        reached = await self._jobs.store.steps(record.id) if record.attempt else []
        downloads: dict[str, str] = {}
        if record.status is Status.COMPLETED:
            place = request.url_for("sales_download", job_id=record.id).path
            downloads = {"xlsx": f"{place}?format=xlsx", **{one: f"{place}?format=csv&sheet={one}" for one in SHEETS}}
        return job_state(record, reached, downloads)

    # ── the service ──

    async def marketplaces(self, request: Request) -> Response:
        """Which of Amazon's shops can be analysed, and who judges here."""
        await self._full(request)
        return _json(Marketplaces.of(self._bench.judge, self._settings.file_max))


def _json(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    # Two members of the contract are null where there is nothing to say; what stands beside them is left out then.
    said = body.model_dump(mode="json", exclude_none=True)
    if isinstance(body, JobState):
        said = {**dict.fromkeys(("completed_at", "error")), **said}
    return json_answer(to_json(said), status, headers)


def _refused(
    detail: str, code: str, status: int = 400, *, field: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    return _json(Failure(detail=detail, message=detail, code=code, field=field), status, headers)
