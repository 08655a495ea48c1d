"""What the server sends, as types: docs/http.md in Python.

Nothing is converted, and members that a newer server adds stay in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NotRequired, TypedDict, cast

from accepted.job import JSON, TERMINAL, TERMINAL_KINDS, Kind, Status

StatusWord = Literal["pending", "running", "completed", "failed", "cancelled"]


class ProgressDict(TypedDict):
    """How far it is. `percent` is 0–100; times are ISO 8601."""

    percent: float | None
    message: str | None
    current: float | None
    total: float | None
    unit: str | None
    estimated_end_at: NotRequired[str | None]
    last_reported_at: NotRequired[str | None]


class StepDict(TypedDict):
    name: str
    status: Literal["running", "completed", "failed"]
    attempt: int
    started_at: str
    finished_at: str | None


class ArtifactDict(TypedDict):
    """`sha256` is in hexadecimal."""

    name: str
    size_bytes: int
    media_type: str
    sha256: str
    url: NotRequired[str]


class JobDict(TypedDict):
    """A job. Times are ISO 8601 in UTC. In a listing `steps` and `artifacts` are left out."""

    id: str
    task: str
    queue: str
    owner: str
    status: StatusWord
    cancelling: bool
    seq: int
    priority: int
    attempt: int
    failures: int
    max_retries: int
    submitted_at: str
    scheduled_at: str
    started_at: str | None
    finished_at: str | None
    deadline_at: str | None
    expires_at: str | None
    progress: ProgressDict
    steps: NotRequired[list[StepDict]]
    waiting: dict[str, JSON] | None
    error: dict[str, JSON] | None
    cancel_reason: NotRequired[str | None]
    cost: float
    artifacts: NotRequired[list[ArtifactDict]]
    poll_after_ms: int | None
    links: dict[str, str]


class TaskDict(TypedDict):
    """A task; `arguments` and `result` are JSON Schemas, `files` the parameters that take files."""

    name: str
    description: str
    arguments: dict[str, JSON]
    result: dict[str, JSON]
    files: list[str]
    submit: str


class PageDict(TypedDict):
    """Newest first; `cursor` continues the listing, None: this was the last page."""

    jobs: list[JobDict]
    cursor: str | None


_STATUSES: Final = frozenset(map(str, Status))
SNAPSHOT: Final = "snapshot"
REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """Entry `seq` of a job's log, as `job.events()` gives it.

    `kind` is one of `accepted.job.Kind`, or "snapshot" (`data` is the whole job: events before `seq` are not kept
    any more), or "removed" (the job was deleted). `at` is ISO 8601.
    """

    job_id: str
    seq: int
    kind: str
    data: dict[str, Any]
    at: str | None = None
    attempt: int = 0

    @property
    def over(self) -> bool:
        """True when the job was over, or removed, with this event. Only a retry by hand is followed by more."""
        if self.kind == SNAPSHOT:
            return self.data.get("status") in TERMINAL
        return self.kind == REMOVED or self.kind in TERMINAL_KINDS

    @property
    def progress(self) -> ProgressDict | None:
        """How far the job is by this event; None when it does not say."""
        said = self.data.get("progress") if self.kind == SNAPSHOT else self.data
        if not isinstance(said, dict) or self.kind not in (SNAPSHOT, Kind.PROGRESS):
            return None
        return {
            "percent": said.get("percent"),
            "message": said.get("message"),
            "current": said.get("current"),
            "total": said.get("total"),
            "unit": said.get("unit"),
        }


def apply(job: JobDict, event: RemoteEvent) -> JobDict:
    """The job as it is after this event: what the event tells of it, the rest as before."""
    if event.kind == SNAPSHOT:
        return cast("JobDict", event.data)
    after = job.copy()
    after["seq"] = max(job["seq"], event.seq)
    if event.kind == Kind.RUNNING and event.attempt > job["attempt"]:
        after["progress"] = {"percent": None, "message": None, "current": None, "total": None, "unit": None}
    after["attempt"] = event.attempt or job["attempt"]
    if event.kind in _STATUSES:
        after["status"] = cast("StatusWord", str(event.kind))
        after["cancelling"] = False
        after["error"] = event.data.get("error") if event.kind == Kind.FAILED else None
    elif event.kind == Kind.CANCELLING:
        after["cancelling"] = True
    elif event.progress is not None:
        # An event tells all that is known; what it leaves out is not known any more, or, in an old event, not yet.
        after["progress"] = cast("ProgressDict", {**job["progress"], **event.progress})
    return after
