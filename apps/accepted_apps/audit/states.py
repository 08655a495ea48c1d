"""The answers about jobs, made of what is stored of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json, to_json

from accepted import JobRecord, Jobs, Status

from .task import STEPS

_WORDS: Final = {Status.RUNNING: "processing"}


async def state_answer(jobs: Jobs, record: JobRecord) -> bytes:
    """The JSON of a `State`. The result is JSON already, and may be large."""
    members: dict[str, Any] = {
        "job_id": record.id,
        "status": _WORDS.get(record.status, str(record.status)),
        "progress": 100.0 if record.status is Status.COMPLETED else record.progress.percent or 0.0,
        "message": _message(record),
        "cost": round(record.cost, 6),
        "steps": [
            {"name": name, "percent": percent, "status": step_status(record, number)}
            for number, (name, percent) in enumerate(STEPS)
        ],
        "created_at": _time(record.submitted_at),
        "started_at": _time(record.started_at),
        "completed_at": _time(record.finished_at),
        "cancelling": True if record.status is Status.RUNNING and record.cancel_requested_at is not None else None,
    }
    if record.status is Status.COMPLETED:
        members["result"] = from_json(await jobs.read_result(record))
    elif record.status is Status.FAILED:
        members["error"] = error_of(record)[0]
        members["error_code"] = error_of(record)[1]
    return to_json({name: value for name, value in members.items() if value is not None})


def error_of(record: JobRecord) -> tuple[str, str]:
    """Sentence and code of a job that failed."""
    error = record.error or {}
    return str(error.get("detail", "The job failed.")), str(error.get("code", "task-failed"))


def step_status(record: JobRecord, number: int) -> str:
    """By how far the job has come: the percent of a step is reached when it has ended."""
    percent = record.progress.percent or 0.0
    before = STEPS[number - 1][1] if number else 0.0
    if record.status is Status.COMPLETED or percent >= STEPS[number][1]:
        return "completed"
    if percent < before or record.status is Status.PENDING:
        return "pending"
    return {Status.FAILED: "failed", Status.CANCELLED: "cancelled"}.get(record.status, "running")


def _message(record: JobRecord) -> str:
    """One sentence for whoever looks; while it runs, the step's name first."""
    match record.status:
        case Status.PENDING:
            return "Waiting for a free worker." if record.attempt == 0 else "Waiting for the next attempt."
        case Status.RUNNING:
            return record.progress.message or STEPS[0][0]
        case Status.COMPLETED:
            return "Analysis completed"
        case Status.FAILED:
            return error_of(record)[0]
        case _:
            return "The job was cancelled."


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
