"""The answers about jobs, made of what is stored of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from accepted import JobRecord, Jobs, Status
from accepted_apps.news.shapes import CheckAnswer, CheckResult, Counts, JobState, Options
from accepted_apps.news.task import FIRST_PERCENT


async def job_answer(jobs: Jobs, record: JobRecord) -> bytes:
    """The JSON of a `JobAnswer`. The result is JSON already, and may be large."""
    job = JobState(**_members(record)).model_dump(mode="json", exclude_unset=True)
    if record.status is Status.COMPLETED:
        result = from_json(await jobs.read_result(record))
        job["result"] = result["articles"]
        job |= _reports(result["sources"])
    return to_json({"success": True, "job": job})


async def check_answer(jobs: Jobs, record: JobRecord) -> CheckAnswer:
    answer = CheckAnswer(job_id=record.id, status=str(record.status))
    if record.status is Status.COMPLETED:
        answer.check = CheckResult.model_validate_json(await jobs.read_result(record))
    elif record.over:
        answer.success = False
        answer.error, answer.code = _reason(record)
    return answer


def _reports(reports: list[dict[str, Any]]) -> dict[str, Any]:
    return {"report": reports, "failures": [one for one in reports if one["error"] is not None]}


def _members(record: JobRecord) -> dict[str, Any]:
    arguments, progress = json.loads(record.args), record.progress
    members: dict[str, Any] = {
        "id": record.id,
        "status": str(record.status),
        "progress": 100.0 if record.status is Status.COMPLETED else max(FIRST_PERCENT, progress.percent or 0.0),
        "message": _message(record),
        "counts": None
        if progress.total is None
        else Counts(done=int(progress.current or 0), total=int(progress.total)),
        "cost": round(record.cost, 6),
        "cancelling": record.status is Status.RUNNING and record.cancel_requested_at is not None,
        "sources": arguments["sources"],
        "options": Options(
            limit=arguments.get("limit"),
            include_media=arguments.get("include_media"),
            include_sections=arguments.get("include_sections"),
        ),
        "created_at": _time(record.submitted_at),
        "started_at": _time(record.started_at),
        "completed_at": _time(record.finished_at),
    }
    if record.status is Status.FAILED:
        members["error"], members["code"] = _reason(record)
        reports = (record.error or {}).get("failures")
        if isinstance(reports, list):
            members |= _reports(reports)
    return members


def _reason(record: JobRecord) -> tuple[str, str]:
    if record.status is Status.CANCELLED:
        return "The job was cancelled.", "cancelled"
    error = record.error or {}
    return str(error.get("detail", "The job failed.")), str(error.get("code", "task-failed"))


def _message(record: JobRecord) -> str:
    """One sentence for whoever looks."""
    match record.status:
        case Status.PENDING:
            return "Waiting for a free worker." if record.attempt == 0 else "Waiting for the next attempt."
        case Status.RUNNING:
            return record.progress.message or "Starting."
        case Status.COMPLETED:
            return "The articles are here."
        case Status.FAILED:
            return "The job failed."
        case _:
            return "The job was cancelled."


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
