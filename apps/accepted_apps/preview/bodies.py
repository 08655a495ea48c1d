"""The JSON of the preview's routes: made with these types, and described by them in the OpenAPI document."""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer
from pydantic_core import from_json, to_json

from accepted import JobRecord, Jobs, Kind, Status

from .climb import TIER_NAMES
from .finding import find_browser
from .result import PreviewResult, TierTried
from .settings import PreviewSettings
from .task import REPORT

_NEWEST = 100
"""How many of a task's newest events are looked through for the last report of the engine."""


Time = Annotated[datetime, PlainSerializer(lambda at: at.isoformat(timespec="milliseconds"), when_used="json")]
"""As the job API writes it: with the offset in numbers."""


class Submission(BaseModel):
    """What to preview. A `max_tier` above 3 is taken as 3."""

    url: str = Field(examples=["https://example.org/"])
    min_tier: int = Field(1, ge=1, le=3)
    max_tier: int = Field(3, ge=1)


class Started(BaseModel):
    """A task that was just submitted, and where its messages come."""

    task_id: str
    status: Literal["started"] = "started"
    url: str
    message: str
    websocket_channel: str
    websocket_url: str


class TaskSummary(BaseModel):
    """A task as it stands in the history. `cost` is what was spent so far, in US dollars."""

    task_id: str
    status: Status
    cancelling: bool
    url: str
    min_tier: int
    max_tier: int
    percent: float
    message: str
    cost: float
    error: str | None
    error_code: str | None
    created_at: Time
    started_at: Time | None
    completed_at: Time | None

    @classmethod
    def of(cls, record: JobRecord) -> TaskSummary:
        return cls(**_members(record))


class TaskState(TaskSummary):
    """One task. `tier` is the one being tried, or the last; `result` is there once it has completed."""

    tier: int | None
    tier_name: str | None
    cost_per_page: float | None
    escalation_log: list[TierTried]
    websocket_channel: str
    result: PreviewResult | None


class Tier(BaseModel):
    """A tier as it is configured here. `reason`: why it is skipped; null when it is not."""

    tier: int
    tier_name: str
    cost_per_page: float
    reason: str | None


class Tiers(BaseModel):
    tiers: list[Tier]

    @classmethod
    def of(cls, settings: PreviewSettings) -> Tiers:
        reasons = {2: _without_proxies(settings), 3: _without_browser(settings)}
        return cls(
            tiers=[
                Tier(tier=tier, tier_name=name, cost_per_page=settings.cost(tier), reason=reasons.get(tier))
                for tier, name in TIER_NAMES.items()
            ]
        )


class History(BaseModel):
    """The caller's tasks, newest first. `cursor` continues the listing; null: this is its end."""

    tasks: list[TaskSummary]
    cursor: str | None


async def task_state(jobs: Jobs, record: JobRecord) -> bytes:
    """The JSON of a `TaskState`. The result is JSON already, and may be large."""
    completed = record.status is Status.COMPLETED
    result = await jobs.read_result(record) if completed else b"null"
    climb = _as_report(from_json(result)["tier_info"]) if completed else await _last_report(jobs, record)
    state = {
        **TaskSummary.of(record).model_dump(mode="json"),
        "tier": climb.get("tier"),
        "tier_name": climb.get("tier_name"),
        "cost_per_page": climb.get("cost_per_page"),
        "escalation_log": (record.error or {}).get("escalation_log") or climb.get("escalation_log", []),
        "websocket_channel": channel(record.id),
    }
    return b'%s,"result":%s}' % (to_json(state)[:-1], result)


def _as_report(tier_info: dict[str, Any]) -> dict[str, Any]:
    return {**tier_info, "tier": tier_info["tier_used"]}


def _without_proxies(settings: PreviewSettings) -> str | None:
    return None if settings.proxies else "no proxies are configured"


def _without_browser(settings: PreviewSettings) -> str | None:
    if not settings.browser:
        return "the browser is switched off"
    return None if find_browser(settings.browser_path) else "no Chromium or Chrome is installed"


def channel(task_id: str) -> str:
    return f"scraper:{task_id}"


def report_of(data: bytes) -> dict[str, Any] | None:
    """The engine's report in the data of a log event; None when it is another entry."""
    report: dict[str, Any] | None = json.loads(data).get(REPORT)
    return report


async def _last_report(jobs: Jobs, record: JobRecord) -> dict[str, Any]:
    last: dict[str, Any] = {}
    found = jobs.events(record.id, after=max(0, record.seq - _NEWEST))
    async with aclosing(found) as events:
        async for event in events:
            if event.kind is Kind.LOG:
                last = report_of(event.data) or last
            if event.seq >= record.seq:
                break
    return last


def _members(record: JobRecord) -> dict[str, Any]:
    arguments, error = json.loads(record.args), record.error or {}
    failed = record.status is Status.FAILED
    return {
        "task_id": record.id,
        "status": record.status,
        "cancelling": record.status is Status.RUNNING and record.cancel_requested_at is not None,
        "url": arguments["url"],
        "min_tier": arguments.get("min_tier", 1),
        "max_tier": min(arguments.get("max_tier", 3), 3),
        "percent": 100.0 if record.status is Status.COMPLETED else record.progress.percent or 0.0,
        "message": _message(record),
        "cost": round(record.cost, 6),
        "error": str(error.get("detail", "The preview failed.")) if failed else None,
        "error_code": str(error.get("code", "task-failed")) if failed else None,
        "created_at": _time(record.submitted_at),
        "started_at": _time(record.started_at),
        "completed_at": _time(record.finished_at),
    }


def _message(record: JobRecord) -> str:
    """One sentence for whoever looks."""
    match record.status:
        case Status.PENDING:
            return "Waiting for a free worker." if record.attempt == 0 else "Waiting for the next attempt."
        case Status.RUNNING:
            return record.progress.message or "Starting."
        case Status.COMPLETED:
            return "The page is here."
        case Status.FAILED:
            return "The preview failed."
        case _:
            return "The preview was cancelled."


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
