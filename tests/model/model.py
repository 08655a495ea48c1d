"""What a store is meant to do, said once more in lists and dictionaries: simple enough to be read as the specification.

It shares the table of transitions, the ports' words and the errors with the library, and no line of any store. All
times are seconds.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from math import inf
from typing import Any, NamedTuple, TypeVar

from accepted.errors import (
    AcceptedError,
    IdempotencyMismatch,
    JobGone,
    JobNotFound,
    LeaseLost,
    LimitReached,
    WrongState,
)
from accepted.job import (
    TERMINAL,
    TRANSITIONS,
    Artifact,
    EventDraft,
    IdempotencyKey,
    JobRecord,
    Kind,
    Lease,
    Limit,
    NewJob,
    Progress,
    Rate,
    Status,
    Step,
    StepStatus,
    Verb,
)
from accepted.stores.base import (
    DELIVERY_QUEUE,
    DELIVERY_TASK,
    SYSTEM_OWNERS,
    Claim,
    Claimed,
    Held,
    ScheduleRecord,
    Submitted,
    Tally,
    Waiting,
    Webhook,
    WorkerInfo,
    delivery_owner,
)

T = TypeVar("T")

TOMBSTONES = 30 * 86_400.0
WEBHOOK_RETENTION = 7 * 86_400.0
FIRST_SIGHT = 60.0

Line = tuple[tuple[Limit, ...], tuple[Rate, ...]]
"""Where a held job stands: with all that have the very same limits."""


class Full(NamedTuple):
    """A limit without room: "slot" or "pace", and its key."""

    kind: str
    key: str


class Told(NamedTuple):
    """An event; `data` as Python reads its JSON."""

    seq: int
    at: float
    attempt: int
    kind: Kind
    data: dict[str, Any]


@dataclass
class Job:
    """The fields of JobRecord, under the same names, and what only the store knows."""

    id: str
    task: str
    queue: str
    owner: str
    args: bytes
    priority: int
    max_retries: int
    submitted_at: float
    scheduled_at: float
    deadline_at: float | None
    deadline_cancels: bool
    retention: float
    slots: tuple[Limit, ...]
    paces: tuple[Rate, ...]
    quotas: tuple[Limit, ...]
    n: int
    allowed: float | None
    """How long after it is submitted, or retried by hand, its deadline is."""
    status: Status = Status.PENDING
    seq: int = 0
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    cancel_requested_at: float | None = None
    cancel_reason: str | None = None
    token: int = 0
    worker: str | None = None
    lease_expires_at: float | None = None
    progress: Progress = field(default_factory=Progress)
    result: bytes | None = None
    result_blob: str | None = None
    error: dict[str, Any] | None = None
    cost: float = 0.0
    waits: str | None = None
    """Pending: "turn" (ready), "time" or "limit"."""
    turn: int = 0
    resumes: bool = False
    ahead: bool = False
    """It goes on ahead of the pace."""
    events: list[Told] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    def copy(self) -> Job:
        return replace(self, events=[*self.events], steps={**self.steps}, artifacts={**self.artifacts})

    @property
    def line(self) -> Line:
        return self.slots, self.paces

    @property
    def place(self) -> tuple[int, int, int]:
        """Of two that wait, the one with the smaller place is before the other."""
        return -self.priority, self.turn, self.n

    @property
    def active(self) -> bool:
        return self.status not in TERMINAL


_RECORD = [each.name for each in fields(JobRecord) if each.name != "waiting_for"]


class Model:
    """The verbs have the names and arguments of the ports. `now` is set by whoever moves the clock."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.jobs: dict[str, Job] = {}
        self.tombstones: dict[str, JobGone] = {}
        self.keys: dict[tuple[str, str], tuple[IdempotencyKey, str]] = {}
        self.lines: dict[Line, Full] = {}
        """What each line waits for."""
        self.starts: dict[str, list[float]] = {}
        """When attempts started, by the key of a pace; all of them, for ever."""
        self.paced: dict[str, list[float]] = {}
        """The same without the attempts that follow an interruption or a crash: those go on ahead of the pace."""
        self.admitted: dict[str, list[float]] = {}
        """When submissions were admitted, by the key of an admission."""
        self.lanes: dict[tuple[str, str, int], int] = {}
        self.turns: dict[tuple[str, int, str], int] = {}
        self.endings: Counter[tuple[str, str, Status]] = Counter()
        self.workers_: dict[str, tuple[WorkerInfo, float]] = {}
        self.registered: dict[str, WorkerInfo] = {}
        """Those that have not said that they stop: one that is forgotten is known again when it renews."""
        """With the time until which each counts as alive."""
        self.schedules_: dict[str, ScheduleRecord] = {}
        self.webhooks_: dict[str, Webhook] = {}
        self.script: list[int] = []
        """Which of the allowed ways to go, each time when there are several; the first beyond its end."""
        self.made: list[tuple[int, int]] = []
        """Which was gone, of how many."""

    def copy(self, script: Sequence[int] = ()) -> Model:
        other = Model(self.now)
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, dict | list) else value)
        other.jobs = {job_id: job.copy() for job_id, job in self.jobs.items()}
        other.starts = {key: [*times] for key, times in self.starts.items()}
        other.paced = {key: [*times] for key, times in self.paced.items()}
        other.admitted = {key: [*times] for key, times in self.admitted.items()}
        other.script, other.made = [*script], []
        return other

    def choose(self, ways: Sequence[T]) -> T:
        """Where more than one way is right."""
        if len(ways) == 1:
            return ways[0]
        at = len(self.made)
        chosen = self.script[at] if at < len(self.script) else 0
        self.made.append((chosen, len(ways)))
        return ways[chosen]

    # ── what is so ───────────────────────────────────────────────────────────────────────────────────

    def record(self, job: Job) -> JobRecord:
        known = {name: getattr(job, name) for name in _RECORD}
        return JobRecord(**known, waiting_for=self.lines[job.line].key if job.waits == "limit" else None)

    def waiting_jobs(self, waits: str) -> list[Job]:
        return sorted((job for job in self.jobs.values() if job.waits == waits), key=lambda job: job.place)

    def used(self, key: str) -> int:
        """Slots are held by who runs and by who is ready to."""
        return sum(
            any(limit.key == key for limit in job.slots)
            for job in self.jobs.values()
            if job.status is Status.RUNNING or job.waits == "turn"
        )

    def ready(self, key: str) -> int:
        """Places in a pace are held by who is ready to start."""
        return sum(any(rate.key == key for rate in job.paces) for job in self.jobs.values() if job.waits == "turn")

    def counted(self, key: str) -> int:
        """Quotas are counted by who is not over."""
        return sum(any(limit.key == key for limit in job.quotas) for job in self.jobs.values() if job.active)

    def pace_used(self, rate: Rate) -> int:
        return within(self.starts.get(rate.key, []), rate, self.now) + self.ready(rate.key)

    def pace_free_at(self, rate: Rate) -> float:
        return free_at(self.starts.get(rate.key, []), rate, self.ready(rate.key), self.now)

    def first(self, full: Full) -> Job | None:
        """Whose turn it is under a limit."""
        held = (job for job in self.waiting_jobs("limit") if self.lines[job.line] == full)
        return next(held, None)

    def next_at(self) -> float | None:
        """When something will become ready by the clock."""
        times = [job.scheduled_at for job in self.waiting_jobs("time")]
        times += [self.resets_at(job) for job in self.waiting_jobs("limit") if self.lines[job.line].kind == "pace"]
        return min((at for at in times if at < inf), default=None)

    def resets_at(self, job: Job) -> float:
        """Of the pace that a job waits for."""
        rate = next(rate for rate in job.paces if rate.key == self.lines[job.line].key)
        return self.pace_free_at(rate)

    def waiting(self, job: Job) -> Waiting:
        alive = [info for info, until in self.workers_.values() if until > self.now]
        able = [info for info in alive if job.task in info.tasks and job.queue in info.queues]
        running = [other for other in self.jobs.values() if other.status is Status.RUNNING]
        busy = Counter(other.worker for other in running if other.queue != DELIVERY_QUEUE)
        position = None
        if job.waits == "turn":
            ahead = [other for other in self.waiting_jobs("turn") if other.queue == job.queue]
            position = sum(other.place <= job.place for other in ahead)
        known = Waiting(
            position=position,
            held_by=None,
            used=None,
            at_most=None,
            per=None,
            resets_at=None,
            free_slots=sum(max(0, info.concurrency - busy[info.id]) for info in able),
            workers=len(able),
        )
        if job.waits != "limit":
            return known
        kind, key = self.lines[job.line]
        if kind == "slot":
            at_most = next(limit.at_most for limit in job.slots if limit.key == key)
            return replace(known, held_by=key, used=self.used(key), at_most=at_most)
        rate = next(rate for rate in job.paces if rate.key == key)
        return replace(known, held_by=key, used=self.pace_used(rate), at_most=rate.at_most, per=rate.per)

    def tallies(self) -> set[Tally]:
        live = Counter((job.queue, job.task, job.status) for job in self.jobs.values() if job.active)
        return {Tally(*words, number) for words, number in (live + self.endings).items()}

    def oldest_pending(self) -> float | None:
        ready = self.waiting_jobs("turn")
        return min(ready, key=lambda job: job.n).submitted_at if ready else None

    def find(self, job_id: str) -> Job:
        if job_id in self.jobs:
            return self.jobs[job_id]
        raise self.tombstones.get(job_id) or JobNotFound(job_id)

    # ── moving ───────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, job: Job, kind: Kind, data: Mapping[str, Any], *, attempt: int | None = None) -> None:
        job.seq += 1
        job.events.append(Told(job.seq, self.now, job.attempt if attempt is None else attempt, kind, dict(data)))

    def _move(self, job: Job, verb: Verb, to: Status) -> None:
        assert job.status in TRANSITIONS[verb].sources or verb is Verb.SUBMIT
        assert to in TRANSITIONS[verb].targets
        job.status = to

    # ── limits ───────────────────────────────────────────────────────────────────────────────────────

    def _full(self, job: Job, *, behind: bool) -> Full | None:
        """What keeps a job from being ready: the tightest slot, or else the pace that has room last. `behind`: also
        a pace that others wait for, because nobody overtakes them."""
        slots = [limit for limit in job.slots if self.used(limit.key) >= limit.at_most]
        if slots:
            return Full("slot", min(slots, key=lambda limit: limit.at_most).key)
        paces = [rate for rate in job.paces if self.pace_free_at(rate) > self.now]
        if paces:
            return Full("pace", max(paces, key=self.pace_free_at).key)
        others = [Full("pace", rate.key) for rate in job.paces if Full("pace", rate.key) in self.lines.values()]
        return self.choose(others) if behind and others else None

    def _enter(self, job: Job) -> None:
        """To be ready, or to stand in its line; a line that is there already waits for what it waits for."""
        job.waits = None
        full = self._full(job, behind=True)
        if full is not None and self._room(job, self.lines.setdefault(job.line, full)):
            self.lines[job.line] = full
        job.waits = "turn" if full is None else "limit"

    def _room(self, job: Job, full: Full) -> bool:
        if full.kind == "slot":
            return all(self.used(limit.key) < limit.at_most for limit in job.slots if limit.key == full.key)
        return all(self.pace_free_at(rate) <= self.now for rate in job.paces if rate.key == full.key)

    def _hand_on(self, full: Full) -> None:
        """Room under a limit goes to those who wait for it, in their order. A line that finds another of its limits
        full waits for that one from then on."""
        while (job := self.first(full)) is not None:
            found = self._full(job, behind=False)
            if not self._room(job, full) or found == full:
                return
            if found is None:
                job.waits = "turn"
                self._forget_empty_lines()
            else:
                self.lines[job.line] = found

    def _forget_empty_lines(self) -> None:
        standing = {job.line for job in self.jobs.values() if job.waits == "limit"}
        self.lines = {line: full for line, full in self.lines.items() if line in standing}

    def _freed(self, jobs: Iterable[Job]) -> list[Full]:
        """What jobs hold, or stand in line for, that are about to leave."""
        found: dict[Full, None] = {}
        for job in jobs:
            if job.waits == "limit":
                found[self.lines[job.line]] = None
            if job.status is Status.RUNNING or job.waits == "turn":
                found |= {Full("slot", limit.key): None for limit in job.slots}
            if job.waits == "turn":
                found |= {Full("pace", rate.key): None for rate in job.paces}
        return [*found]

    def _release(self, freed: Iterable[Full]) -> None:
        self._forget_empty_lines()
        for full in freed:
            self._hand_on(full)

    # ── submitting ───────────────────────────────────────────────────────────────────────────────────

    def submit(self, jobs: Sequence[NewJob]) -> list[Submitted | Exception]:
        return [self._submit(new) for new in jobs]

    def _submit(self, new: NewJob) -> Submitted | Exception:
        known = self._known(new)
        if known is not None:
            return known
        refused = self._refusal(new.quotas, new.admissions)
        if refused is not None:
            return refused
        for rate in new.admissions:
            self.admitted.setdefault(rate.key, []).append(self.now)
        job = Job(
            id=new.id,
            task=new.task,
            queue=new.queue,
            owner=new.owner,
            args=new.args,
            priority=new.priority,
            max_retries=new.max_retries,
            submitted_at=self.now,
            scheduled_at=self.now if new.scheduled_at is None else new.scheduled_at,
            deadline_at=new.deadline_at,
            deadline_cancels=new.deadline_cancels,
            retention=new.retention,
            slots=new.slots,
            paces=new.paces,
            quotas=new.quotas,
            n=max((job.n for job in self.jobs.values()), default=0) + 1,
            allowed=None if new.deadline_at is None else new.deadline_at - self.now,
        )
        self._move(job, Verb.SUBMIT, Status.PENDING)
        told: dict[str, Any] = {"reason": "submitted"}
        if job.scheduled_at > self.now:
            job.waits = "time"
            told["at"] = iso(job.scheduled_at)
        else:
            self._give_turn(job)
            self._enter(job)
        self.jobs[job.id] = job
        self._tell(job, Kind.PENDING, told)
        if new.idempotency is not None:
            self.keys[new.idempotency.scope, new.idempotency.key] = new.idempotency, job.id
        return Submitted(self.record(job))

    def _known(self, new: NewJob) -> Submitted | Exception | None:
        """What an idempotency key answers."""
        if new.idempotency is None:
            return None
        kept, job_id = self.keys.get((new.idempotency.scope, new.idempotency.key), (None, ""))
        if kept is None or kept.expires_at <= self.now:
            return None
        if kept.fingerprint != new.idempotency.fingerprint:
            return IdempotencyMismatch(kept.key)
        try:
            return Submitted(self.record(self.find(job_id)), replayed=True)
        except JobGone as gone:
            return gone
        except JobNotFound:
            return None

    def _refusal(self, quotas: Sequence[Limit], admissions: Sequence[Rate] = ()) -> LimitReached | None:
        full = [limit for limit in quotas if self.counted(limit.key) >= limit.at_most]
        if full:
            limit = min(full, key=lambda limit: limit.at_most)
            return LimitReached(limit.key, used=self.counted(limit.key), at_most=limit.at_most)
        late = {rate: free_at(self.admitted.get(rate.key, []), rate, 0, self.now) for rate in admissions}
        rate = max(late, key=lambda rate: late[rate], default=None)
        if rate is None or late[rate] <= self.now:
            return None
        return LimitReached(
            rate.key,
            used=within(self.admitted[rate.key], rate, self.now),
            at_most=rate.at_most,
            per=rate.per,
            resets_at=late[rate],
            retry_after=late[rate] - self.now,
        )

    def _give_turn(self, job: Job) -> None:
        """The one after the owner's last, but none that the lane has passed."""
        place = job.queue, job.priority, job.owner
        job.turn = max(self.lanes.get((job.queue, job.task, job.priority), 0), self.turns.get(place, -1) + 1)
        self.turns[place] = job.turn

    def request_cancel(self, job_id: str, reason: str) -> JobRecord:
        job = self.find(job_id)
        if job.status is Status.PENDING:
            self._end([job], Verb.CANCEL, Status.CANCELLED, reason=reason)
        elif job.status is Status.RUNNING and job.cancel_requested_at is None:
            job.cancel_requested_at, job.cancel_reason = self.now, reason
            self._tell(job, Kind.CANCELLING, {"reason": reason})
        return self.record(job)

    def retry(self, job_id: str) -> JobRecord:
        job = self.find(job_id)
        if job.active:
            raise WrongState(job_id, job.status, verb="retry", allowed=["cancel", "delete"])
        refused = self._refusal(job.quotas)
        if refused is not None:
            raise refused
        if job.status is Status.COMPLETED:
            job.steps = {}
        self._move(job, Verb.RETRY, Status.PENDING)
        job.failures = job.losses = 0
        job.scheduled_at = self.now
        job.deadline_at = None if job.allowed is None else self.now + job.allowed
        job.finished_at = job.expires_at = job.cancel_requested_at = job.cancel_reason = None
        job.result = job.result_blob = job.error = None
        job.ahead = False
        self._give_turn(job)
        self._enter(job)
        self._tell(job, Kind.PENDING, {"reason": "retried"})
        return self.record(job)

    def delete(self, job_id: str, reason: str) -> JobRecord:
        record = self.record(self.find(job_id))
        self._remove([self.jobs[job_id]], reason)
        return record

    def delete_owned(
        self, owner: str, reason: str, *, statuses: frozenset[Status] = frozenset(), task: str | None = None, limit: int
    ) -> list[str]:
        found = [job for job in sorted(self.jobs.values(), key=lambda job: job.n) if job.owner == owner]
        found = [job for job in found if task in (None, job.task) and (not statuses or job.status in statuses)][:limit]
        self._remove(found, reason)
        removed = [job.id for job in found]
        self.keys = {words: (kept, job_id) for words, (kept, job_id) in self.keys.items() if job_id not in removed}
        return removed

    def _remove(self, jobs: Sequence[Job], reason: str) -> None:
        freed = self._freed(jobs)
        for job in jobs:
            del self.jobs[job.id]
            self.tombstones[job.id] = JobGone(job.id, owner=job.owner, at=self.now, reason=reason)
        self._release(freed)

    # ── working ──────────────────────────────────────────────────────────────────────────────────────

    def register_worker(self, worker: WorkerInfo) -> None:
        self.registered[worker.id] = worker
        self.workers_[worker.id] = replace(worker, seen_at=self.now), self.now + FIRST_SIGHT

    def deregister_worker(self, worker_id: str) -> None:
        self.registered.pop(worker_id, None)
        self.workers_.pop(worker_id, None)
        for job in self.jobs.values():
            if job.worker == worker_id and job.lease_expires_at is not None:
                job.lease_expires_at = min(job.lease_expires_at, self.now)

    def claim(self, worker_id: str, *, queues: Sequence[str], tasks: Sequence[str], limit: int, lease: float) -> Claim:
        for key in sorted({full.key for full in self.lines.values() if full.kind == "pace"}):
            self._hand_on(Full("pace", key))
        for job in sorted(self.waiting_jobs("time"), key=lambda job: (job.scheduled_at, job.n)):
            if job.scheduled_at <= self.now:
                self._give_turn(job)
                self._enter(job)
        ready = [job for job in self.waiting_jobs("turn") if job.queue in queues and job.task in tasks][:limit]
        for job in ready:
            self._start(job, worker_id, lease)
        for job in ready:
            for task in tasks:
                if (job.queue == DELIVERY_QUEUE) is (task == DELIVERY_TASK):  # no other lane has ever a job
                    lane = job.queue, task, job.priority
                    self.lanes[lane] = max(job.turn, self.lanes.get(lane, 0))
        done = StepStatus.COMPLETED
        claimed = [
            Claimed(self.record(job), {key: step for key, step in job.steps.items() if step.status is done})
            for job in ready
        ]
        for job in sorted(ready, key=lambda job: job.n):
            self._tell_webhooks(job, Kind.RUNNING)
        return Claim(claimed, self.next_at())

    def _start(self, job: Job, worker_id: str, lease: float) -> None:
        self._move(job, Verb.CLAIM, Status.RUNNING)
        job.waits = None
        job.attempt += 1
        job.token += 1
        job.worker, job.started_at, job.lease_expires_at = worker_id, self.now, self.now + lease
        job.progress = job.progress if job.resumes else Progress()
        job.resumes, job.error = False, None
        for rate in job.paces:
            self.starts.setdefault(rate.key, []).append(self.now)
            if not job.ahead:
                self.paced.setdefault(rate.key, []).append(self.now)
        job.ahead = False
        self._tell(job, Kind.RUNNING, {"worker": worker_id})

    def renew(self, worker_id: str, held: Mapping[str, int], lease: float) -> dict[str, Held]:
        if worker_id in self.registered:
            self.workers_[worker_id] = replace(self.registered[worker_id], seen_at=self.now), self.now + lease
        found = dict.fromkeys(held, Held.LOST)
        for job_id, token in held.items():
            job = self.jobs.get(job_id)
            if job is not None and job.status is Status.RUNNING and job.token == token:
                job.lease_expires_at = self.now + lease
                found[job_id] = Held.KEPT if job.cancel_requested_at is None else Held.CANCELLING
        return found

    def _held(self, lease: Lease) -> Job:
        """The job that the lease entitles to write to."""
        job = self.jobs.get(lease.job_id)
        if job is None or job.status is not Status.RUNNING or job.token != lease.token:
            raise LeaseLost(lease.job_id, lease.token)
        return job

    def report(
        self, lease: Lease, events: Sequence[EventDraft], *, progress: Progress | None = None, cost: float = 0.0
    ) -> int:
        job = self._held(lease)
        for draft in events:
            self._tell(job, draft.kind, draft.data)
            if draft.kind is Kind.ARTIFACT:
                job.artifacts[draft.data["name"]] = Artifact(**draft.data)
        if progress is not None:
            job.progress = replace(progress, reported_at=self.now)
        job.cost += cost
        told = [event.seq for event in job.events[len(job.events) - len(events) :] if event.kind is Kind.PROGRESS]
        if told:
            self._tell_webhooks(job, Kind.PROGRESS, seq=told[-1])
        return job.seq

    def _step(self, lease: Lease, key: str, name: str, status: StepStatus, result: bytes | None, **more: Any) -> None:
        job = self._held(lease)
        self._tell(job, Kind.STEP, {"name": name, "status": status, **more})
        before = job.steps.get(key)
        begins = before is None or status is StepStatus.RUNNING
        started_at = self.now if before is None or begins else before.started_at
        finished_at = None if status is StepStatus.RUNNING else self.now
        job.steps[key] = Step(key, name, status, job.attempt, started_at, finished_at, result)
        if status is StepStatus.COMPLETED:
            job.losses = 0

    def start_step(self, lease: Lease, key: str, name: str) -> None:
        self._step(lease, key, name, StepStatus.RUNNING, None)

    def finish_step(self, lease: Lease, key: str, name: str, result: bytes) -> None:
        self._step(lease, key, name, StepStatus.COMPLETED, result)

    def fail_step(self, lease: Lease, key: str, name: str, error: Mapping[str, Any]) -> None:
        self._step(lease, key, name, StepStatus.FAILED, None, error=dict(error))

    def complete(self, lease: Lease, result: bytes | None, *, result_blob: str | None = None) -> None:
        job = self._held(lease)
        job.result, job.result_blob = result, result_blob
        self._end([job], Verb.COMPLETE, Status.COMPLETED)

    def fail(self, lease: Lease, error: Mapping[str, Any]) -> None:
        self._end([self._held(lease)], Verb.FAIL, Status.FAILED, error=error)

    def cancel(self, lease: Lease, reason: str) -> None:
        job = self._held(lease)
        self._end([job], Verb.CANCEL, Status.CANCELLED, reason=job.cancel_reason or reason)

    def retry_later(self, lease: Lease, error: Mapping[str, Any], *, at: float, reason: str) -> Status:
        job = self._held(lease)
        if self._as_asked(job):
            return job.status
        freed = self._freed([job])
        self._give_back(job, Verb.RETRY_LATER, {"reason": reason, "at": iso(at), "error": dict(error)})
        job.failures += 1
        job.error, job.scheduled_at, job.waits, job.ahead = dict(error), at, "time", False
        self._release(freed)
        return job.status

    def interrupt(self, lease: Lease, reason: str) -> Status:
        job = self._held(lease)
        if not self._as_asked(job):
            self._give_back(job, Verb.INTERRUPT, {"reason": reason})
            job.attempt -= 1
            job.resumes = True
        return job.status

    def lose(self, lease: Lease, *, error: Mapping[str, Any] | None) -> Status:
        job = self._held(lease)
        if job.lease_expires_at is None or job.lease_expires_at > self.now:
            raise LeaseLost(lease.job_id, lease.token)
        if self._as_asked(job):
            return job.status
        job.losses += 1
        if error is None:
            self._give_back(job, Verb.LOSE, {"reason": "lost"})
        else:
            self._end([job], Verb.LOSE, Status.FAILED, error=error)
        return job.status

    def _give_back(self, job: Job, verb: Verb, data: Mapping[str, Any]) -> None:
        """In its old place, with the slots that it has."""
        self._move(job, verb, Status.PENDING)
        self._tell(job, Kind.PENDING, data)
        job.worker = job.lease_expires_at = job.error = None
        job.waits, job.ahead = "turn", True

    def _as_asked(self, job: Job) -> bool:
        """Whoever asked to cancel gets what he asked for, whatever else stopped the attempt."""
        if job.cancel_requested_at is None:
            return False
        self._end([job], Verb.CANCEL, Status.CANCELLED, reason=job.cancel_reason)
        return True

    def _end(
        self,
        jobs: Sequence[Job],
        verb: Verb,
        status: Status,
        *,
        error: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        freed = self._freed(jobs)
        for job in jobs:
            self._over(job, verb, status, error, reason)
        self._release(freed)
        for job in jobs:
            self._tell_webhooks(job, Kind(status))

    def _over(self, job: Job, verb: Verb, status: Status, error: Mapping[str, Any] | None, reason: str | None) -> None:
        self._move(job, verb, status)
        data = {"reason": reason} if status is Status.CANCELLED else {} if error is None else {"error": dict(error)}
        self._tell(job, Kind(status), data)
        job.waits = job.worker = job.lease_expires_at = None
        job.resumes = False
        job.finished_at, job.expires_at = self.now, self.now + job.retention
        job.error = None if error is None else dict(error)
        if status is Status.CANCELLED:
            job.cancel_reason = reason
            job.cancel_requested_at = self.now if job.cancel_requested_at is None else job.cancel_requested_at
        self.endings[job.queue, job.task, status] += 1

    # ── upkeep ───────────────────────────────────────────────────────────────────────────────────────

    def lost(self, limit: int) -> set[str]:
        running = (job for job in self.jobs.values() if job.lease_expires_at is not None)
        return {job.id for job in running if (job.lease_expires_at or 0) <= self.now}

    def expire(self, limit: int, error: Mapping[str, Any]) -> int:
        past = [job for job in self.jobs.values() if job.waits and job.deadline_at and job.deadline_at <= self.now]
        chosen = {job.id for job in sorted(past, key=lambda job: job.deadline_at or 0)[:limit]}
        past = [job for job in past if job.id in chosen]
        freed = self._freed(past)
        for job in past:
            if job.deadline_cancels:
                self._over(job, Verb.EXPIRE, Status.CANCELLED, None, "its deadline passed while it waited")
            else:
                self._over(job, Verb.EXPIRE, Status.FAILED, error, None)
        self._release(freed)
        for job in past:
            self._tell_webhooks(job, Kind(job.status))
        return len(past)

    def purge(self, limit: int) -> list[str]:
        gone = sorted((job for job in self.jobs.values() if job.expires_at), key=lambda job: job.expires_at or 0)
        gone = [job for job in gone if (job.expires_at or 0) <= self.now][:limit]
        self._remove(gone, "expired")
        self.keys = {words: kept for words, kept in self.keys.items() if kept[0].expires_at > self.now}
        self.tombstones = {name: one for name, one in self.tombstones.items() if one.at > self.now - TOMBSTONES}
        self.workers_ = {name: one for name, one in self.workers_.items() if one[0].seen_at > self.now - 86_400}
        for (queue, priority, owner), turn in [*self.turns.items()]:
            lanes = [at for lane, at in self.lanes.items() if (lane[0], lane[2]) == (queue, priority)]
            if lanes and turn < min(lanes):
                del self.turns[queue, priority, owner]
        return [job.id for job in gone]

    # ── scheduling ───────────────────────────────────────────────────────────────────────────────────

    def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        kept = self.schedules_.get(schedule.name)
        if kept is None or kept.spec != schedule.spec:
            self.schedules_[schedule.name] = schedule
        return self.schedules_[schedule.name]

    def fire(self, name: str, *, at: float, next_at: float, job: NewJob | None) -> Submitted | Exception | None:
        kept = self.schedules_.get(name)
        if kept is None or kept.next_at != at:
            return None
        answer = None if job is None else self._submit(job)
        last_job = answer.job.id if isinstance(answer, Submitted) else None
        self.schedules_[name] = replace(kept, next_at=next_at, last_at=at, last_job=last_job)
        return answer

    def drop_schedule(self, name: str) -> bool:
        return self.schedules_.pop(name, None) is not None

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────────────

    def add_webhook(self, webhook: Webhook, *, at_most: int) -> None:
        used = sum(other.owner == webhook.owner for other in self.webhooks_.values())
        if used >= at_most:
            raise LimitReached("webhooks", used=used, at_most=at_most)
        self.webhooks_[webhook.id] = webhook

    def replace_webhook(self, webhook: Webhook) -> bool:
        if webhook.id not in self.webhooks_:
            return False
        self.webhooks_[webhook.id] = webhook
        return True

    def remove_webhook(self, webhook_id: str) -> bool:
        found = self.webhooks_.pop(webhook_id, None) is not None
        waiting = [job for job in self.jobs.values() if job.owner == delivery_owner(webhook_id) and job.waits]
        self._end(
            sorted(waiting, key=lambda job: job.n), Verb.CANCEL, Status.CANCELLED, reason="the webhook was removed"
        )
        return found

    def _tell_webhooks(self, job: Job, kind: Kind, *, seq: int | None = None) -> None:
        if job.owner.startswith(SYSTEM_OWNERS):
            return
        for webhook in [*self.webhooks_.values()]:
            wanted = kind in webhook.kinds and (not webhook.tasks or job.task in webhook.tasks)
            if webhook.owner != job.owner or webhook.disabled_at is not None or not wanted:
                continue
            says = {"webhook": webhook.id, "job": job.id, "kind": kind, "seq": job.seq if seq is None else seq}
            progress = f"webhook-progress:{webhook.id}/{job.id}" if kind is Kind.PROGRESS else None
            self._submit(
                NewJob(
                    id=delivery_name(says),
                    task=DELIVERY_TASK,
                    args=json.dumps(says, separators=(",", ":")).encode(),
                    owner=delivery_owner(webhook.id),
                    queue=DELIVERY_QUEUE,
                    max_retries=10,
                    retention=WEBHOOK_RETENTION,
                    slots=(Limit(f"webhook:{webhook.id}", 4),),
                    paces=(Rate(progress, 1, 0.5),) if progress else (),
                    quotas=(Limit(progress, 1),) if progress else (),
                )
            )


def delivery_name(says: Mapping[str, Any]) -> str:
    """How the model calls a delivery, whose id the store draws by lot."""
    return f"{says['webhook']}/{says['job']}/{says['seq']}"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def within(times: Sequence[float], rate: Rate, now: float) -> int:
    """How many of the times count: a period ends `per` seconds after it begins, and does not hold its beginning."""
    return len(times) - bisect_right(times, now - rate.per)


def free_at(times: Sequence[float], rate: Rate, ready: int, now: float) -> float:
    """When there is room for one more: `now`, or later; infinity: not before one that is ready has started."""
    counted = rate.at_most - ready
    if counted <= 0:
        return inf
    return max(now, times[-counted] + rate.per) if len(times) >= counted else now


def outcome(model: Model, verb: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a verb answers, or the error that it raises."""
    try:
        return getattr(model, verb)(*arguments, **keywords)
    except AcceptedError as error:
        return error
