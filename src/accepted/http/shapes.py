"""The JSON that the API answers, as types: what the OpenAPI document says of it. docs/http.md explains the members.

Nothing is validated with these on the way out; tests hold `job_body.py` and the others against them. The names have a
prefix because they become components of the host application's own document, beside its models.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from accepted.job import Kind, Status, StepStatus

Path = Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
Json = Annotated[Any, Field(description="Any JSON value.")]


def words(kinds: type[StrEnum]) -> Any:
    """Not the enum itself: it would be a component named `Status`, which many an application has already."""
    return Field(json_schema_extra={"enum": [kind.value for kind in kinds]})


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AcceptedProblem(BaseModel):
    """A problem object (RFC 9457). Some types have members of their own; docs/problems.md has a section for each."""

    model_config = ConfigDict(extra="allow")

    type: Path
    title: str
    status: int
    detail: str | None = None
    retryable: bool | None = None


class AcceptedProgress(_Shape):
    percent: float | None
    message: str | None
    current: float | None
    total: float | None
    unit: str | None
    estimated_end_at: AwareDatetime | None
    last_reported_at: AwareDatetime | None


class AcceptedStep(_Shape):
    name: str
    status: Annotated[str, words(StepStatus)]
    attempt: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class AcceptedArtifact(_Shape):
    name: str
    size_bytes: int
    media_type: str
    sha256: str
    url: Path


class AcceptedWaiting(_Shape):
    """Why a pending job has not started."""

    reason: Literal["worker", "limit", "schedule", "retry"]
    position: int | None
    limit: str | None
    used: int | None
    at_most: int | None
    per_seconds: float | None
    resets_at: AwareDatetime | None
    free_slots: int | None
    workers: int | None
    estimated_start_at: AwareDatetime | None
    detail: str
    error: AcceptedProblem | None


class AcceptedLinks(_Shape):
    self_: Annotated[Path, Field(alias="self")]
    events: Path
    result: Path
    cancel: Path
    retry: Path
    ws: Path


class AcceptedJob(_Shape):
    """One durable run of a task. `steps` and `artifacts` are there where it is the only job of the answer."""

    id: str
    task: str
    queue: str
    owner: str
    status: Annotated[str, words(Status)]
    cancelling: bool
    seq: int
    priority: int
    attempt: int
    failures: int
    max_retries: int
    submitted_at: AwareDatetime
    scheduled_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    deadline_at: AwareDatetime | None
    expires_at: AwareDatetime | None
    progress: AcceptedProgress
    waiting: AcceptedWaiting | None
    error: AcceptedProblem | None
    cancel_reason: str | None
    cost: float
    poll_after_ms: int | None
    links: AcceptedLinks
    steps: list[AcceptedStep] = Field(default_factory=list)
    artifacts: list[AcceptedArtifact] = Field(default_factory=list)


class AcceptedJobPage(_Shape):
    """`cursor` continues the listing; null: this is its end."""

    jobs: list[AcceptedJob]
    cursor: str | None


class AcceptedBatchJob(_Shape):
    id: str
    status: Annotated[str, words(Status)]
    links: AcceptedLinks


class AcceptedBatchItem(_Shape):
    """What became of one job of a batch: `job` when it was stored (202), else `problem`. `index` counts jobs from 0,
    `line` lines from 1; `retry_after` is in seconds."""

    index: int
    status: int
    replayed: bool = False
    job: AcceptedBatchJob | None = None
    line: int | None = None
    retry_after: int | None = None
    problem: AcceptedProblem | None = None


class AcceptedDeleted(_Shape):
    deleted: int


class AcceptedEvent(_Shape):
    job_id: str
    seq: int
    at: AwareDatetime
    attempt: int
    kind: Annotated[str, words(Kind)]
    data: dict[str, Any]


class AcceptedEventPage(_Shape):
    events: list[AcceptedEvent]
    first_seq: int
    last_seq: int
    more: bool


class AcceptedTask(_Shape):
    name: str
    description: str
    arguments: dict[str, Any]
    result: dict[str, Any] | bool
    files: list[str]
    submit: Path


class AcceptedTaskList(_Shape):
    tasks: list[AcceptedTask]


class AcceptedSchedule(_Shape):
    """`every_seconds`, or `cron` and `timezone`. `last_job` is null when the last time was left out."""

    name: str
    task: str
    owner: str
    cron: str | None
    timezone: str | None
    every_seconds: float | None
    next_at: AwareDatetime
    last_at: AwareDatetime | None
    last_job: str | None


class AcceptedScheduleList(_Shape):
    schedules: list[AcceptedSchedule]


class AcceptedToken(_Shape):
    token: str
    verbs: list[str]
    expires_at: AwareDatetime


class AcceptedTicket(_Shape):
    ticket: str
    expires_at: AwareDatetime


class AcceptedHealth(_Shape):
    status: Literal["ok"]


SHAPES: tuple[type[BaseModel], ...] = (
    AcceptedProblem,
    AcceptedJob,
    AcceptedJobPage,
    AcceptedDeleted,
    AcceptedEventPage,
    AcceptedTaskList,
    AcceptedScheduleList,
    AcceptedToken,
    AcceptedTicket,
    AcceptedHealth,
)
