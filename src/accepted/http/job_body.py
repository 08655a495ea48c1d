"""The job as clients see it (docs/http.md, "The job"): one function that makes its JSON, one its ETag."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pydantic_core import to_json

from accepted.http.links import Links
from accepted.http.problems import job_problem
from accepted.job import JSON, Artifact, Glance, JobRecord, Progress, Status, Step, iso, new_id
from accepted.stores.base import Waiting

_POLL_MIN_MS: Final = 500
_POLL_MAX_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Details:
    """What a single job shows and a listing leaves out. `start_rate`: starts of its task in a second."""

    steps: Sequence[Step] = ()
    artifacts: Sequence[Artifact] = ()
    waiting: Waiting | None = None
    start_rate: float | None = None


def job_body(job: JobRecord, links: Links, details: Details | None = None) -> bytes:
    """The JSON of a job. Without `details` it is as in a listing: no steps, artifacts or position."""
    return to_json(job_members(job, links, details), inf_nan_mode="null")


def accepted_body(job: JobRecord, links: Links) -> bytes:
    """The same bytes as `job_body`, for the answer to a submission: jobs that were just stored differ in id, owner and
    time alone, and the rest is made once for all of a task."""
    now_due = job.scheduled_at == job.submitted_at and job.deadline_at is None and job.waiting_for is None
    if job.seq != 1 or not now_due or poll_after_ms(job) != _POLL_MIN_MS:
        return job_body(job, links)
    kind = (job.task, job.queue, job.priority, job.max_retries, links.base)
    form = _forms.get(kind)
    if form is None:
        if len(_forms) >= _FORMS_KEPT:
            _forms.clear()
        form = _forms[kind] = _form(job, links)
    return form % {b"id": job.id.encode(), b"owner": _quoted(job.owner), b"at": _when(job.submitted_at)}


_FORMS_KEPT: Final = 1000
_forms: Final[dict[tuple[str, str, int, int, str], bytes]] = {}


@lru_cache(maxsize=1024)
def _quoted(owner: str) -> bytes:
    return to_json(owner)


@lru_cache(maxsize=64)
def _when(at: float) -> bytes:
    """Jobs of one commit have one time."""
    return to_json(iso(at))


def _form(job: JobRecord, links: Links) -> bytes:
    """`job_body` with places for what differs, which are found by values that stand nowhere else in it."""
    at, job_id, owner = time.time(), new_id(), new_id()
    body = job_body(replace(job, id=job_id, owner=owner, submitted_at=at, scheduled_at=at), links)
    places = {job_id.encode(): b"%(id)b", _quoted(owner): b"%(owner)b", _when(at): b"%(at)b"}
    form = body.replace(b"%", b"%%")
    for found, place in places.items():
        form = form.replace(found, place)
    return form


def job_members(job: JobRecord, links: Links, details: Details | None = None) -> dict[str, JSON]:
    """The same as a mapping, for bodies that hold several jobs."""
    failed = job.status is Status.FAILED
    body: dict[str, JSON] = {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "owner": job.owner,
        "status": job.status.value,
        "cancelling": job.status is Status.RUNNING and job.cancel_requested_at is not None,
        "seq": job.seq,
        "priority": job.priority,
        "attempt": job.attempt,
        "failures": job.failures,
        "max_retries": job.max_retries,
        "submitted_at": iso(job.submitted_at),
        "scheduled_at": iso(job.scheduled_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "deadline_at": iso(job.deadline_at),
        "expires_at": iso(job.expires_at),
        "progress": _progress(job),
        "waiting": _waiting(job, details) if job.status is Status.PENDING else None,
        "error": job_problem(job.error) if failed and job.error is not None else None,
        "cancel_reason": job.cancel_reason,
        "cost": job.cost,
        "poll_after_ms": poll_after_ms(job),
        "links": links.of_job(job.id),
    }
    if details is not None:
        body["steps"] = [_step(step) for step in details.steps]
        body["artifacts"] = [_artifact(job.id, artifact, links) for artifact in details.artifacts]
    return body


def job_tag(job: JobRecord | Glance, waiting: Waiting | None = None) -> str:
    """The ETag. Weak, because what is estimated changes without a new event. While the job is pending, its place in
    the queue is part of it."""
    if waiting is None:
        return f'W/"{job.seq}"'
    place = (
        waiting.position,
        waiting.held_by,
        waiting.used,
        waiting.resets_at,
        waiting.free_slots,
        waiting.workers,
    )
    return f'W/"{job.seq}-{zlib.crc32(repr(place).encode()):08x}"'


def poll_after_ms(job: JobRecord | Glance) -> int | None:
    """When to ask again, in milliseconds: a twentieth of the job's age, so that short jobs are met soon and long ones
    are not asked all day. None: it is over, nothing more will come."""
    if job.over:
        return None
    now = time.time()
    wait = (now - job.submitted_at) / 20
    if job.status is Status.PENDING:
        wait = max(wait, job.scheduled_at - now)
    return max(_POLL_MIN_MS, min(_POLL_MAX_MS, int(wait * 1000)))


def _progress(job: JobRecord) -> dict[str, JSON]:
    progress = job.progress
    return {
        "percent": progress.percent,
        "message": progress.message,
        "current": progress.current,
        "total": progress.total,
        "unit": progress.unit,
        "estimated_end_at": iso(_estimated_end(job, progress)),
        "last_reported_at": iso(progress.reported_at),
    }


def _estimated_end(job: JobRecord, progress: Progress) -> float | None:
    """If the rest goes as fast as what was done. None before the first percent: nobody can tell."""
    percent, reported, started = progress.percent, progress.reported_at, job.started_at
    if job.status is not Status.RUNNING or not percent or percent < 1 or reported is None or started is None:
        return None
    return started + max(0.0, reported - started) * 100 / percent


def _waiting(job: JobRecord, details: Details | None) -> dict[str, JSON]:
    found = details.waiting if details is not None else None
    reason = _reason(job)
    start = _estimated_start(job, reason, found, details.start_rate if details is not None else None)
    limited = found is not None and found.held_by is not None
    return {
        "reason": reason,
        "position": found.position if found else None,
        "limit": (found.held_by if found else None) or job.waiting_for,
        "used": found.used if found and limited else None,
        "at_most": found.at_most if found and limited else None,
        "per_seconds": found.per if found and limited else None,
        "resets_at": iso(found.resets_at) if found and limited else None,
        "free_slots": found.free_slots if found else None,
        "workers": found.workers if found else None,
        "estimated_start_at": iso(start),
        "detail": _sentence(job, reason, found),
        "error": job_problem(job.error) if job.error is not None else None,
    }


def _reason(job: JobRecord) -> str:
    if job.scheduled_at > time.time():
        return "retry" if job.failures else "schedule"
    return "limit" if job.waiting_for is not None else "worker"


def _estimated_start(job: JobRecord, reason: str, waiting: Waiting | None, rate: float | None) -> float | None:
    if reason in ("schedule", "retry"):
        return job.scheduled_at
    if waiting is None:
        return None
    if reason == "limit":
        return waiting.resets_at
    if waiting.position is None:
        return None
    if waiting.free_slots >= waiting.position:
        return time.time()
    return time.time() + waiting.position / rate if rate and waiting.workers else None


def _sentence(job: JobRecord, reason: str, waiting: Waiting | None) -> str:
    if reason == "schedule":
        return f"It may start at {iso(job.scheduled_at)}."
    if reason == "retry":
        return f"Attempt {job.attempt} failed; the next may start at {iso(job.scheduled_at)}."
    if reason == "limit":
        return _limit_sentence(job, waiting)
    if waiting is None:
        return "It waits for a worker."
    if waiting.workers == 0:
        return f"No worker that knows the task {job.task!r} is running."
    if waiting.free_slots:
        return "A worker is about to take it."
    return f"All workers are busy; it is number {waiting.position} in the queue."


def _limit_sentence(job: JobRecord, waiting: Waiting | None) -> str:
    if waiting is None or waiting.used is None or waiting.at_most is None:
        return f"A limit holds it: {job.waiting_for}."
    if waiting.per is None:
        return f"{waiting.used} of at most {waiting.at_most} jobs are running under the limit {waiting.held_by}."
    until = f"; the next may start at {iso(waiting.resets_at)}" if waiting.resets_at is not None else ""
    return (
        f"{waiting.used} of at most {waiting.at_most} starts in any {waiting.per:g} s are used under the limit "
        f"{waiting.held_by}{until}."
    )


def _step(step: Step) -> dict[str, JSON]:
    return {
        "name": step.name,
        "status": step.status.value,
        "attempt": step.attempt,
        "started_at": iso(step.started_at),
        "finished_at": iso(step.finished_at),
    }


def _artifact(job_id: str, artifact: Artifact, links: Links) -> dict[str, JSON]:
    return {
        "name": artifact.name,
        "size_bytes": artifact.size_bytes,
        "media_type": artifact.media_type,
        "sha256": artifact.sha256,
        "url": links.artifact(job_id, artifact.name),
    }
