"""What a running attempt writes, and how its worker keeps the lease."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accepted.errors import LeaseLost
from accepted.job import Kind, Lease, Progress, StepStatus
from accepted.stores.base import Held, WorkerInfo
from accepted.stores.sqlite.events import EventRow, trim, write_events
from accepted.stores.sqlite.outbox import News, tell_webhooks
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump, micros, pack_progress
from accepted.stores.sqlite.settling import leased
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.writer import Operation, Rank, alone

_SQL: Final = load("working")

FIRST_SIGHT: Final = 60.0
"""Seconds that a worker counts as alive before it first renews."""


@dataclass(frozen=True, slots=True)
class StepWrite:
    key: str
    name: str
    status: StepStatus
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Events (kind and JSON text), and what goes with them. `cost` is in billionths."""

    lease: Lease
    events: Sequence[tuple[Kind, str]]
    progress: Progress | None = None
    cost: int = 0
    step: StepWrite | None = None


@dataclass(slots=True)
class _Sum:
    """What the appends of a batch come to for one job."""

    seq: int
    progress: str | None = None
    cost: int = 0
    safe: bool = False
    """A step finished: what is lost from here on begins a new count of losses."""


def _append(tx: Transaction, requests: Sequence[Append]) -> list[int | Exception]:
    jobs = leased(tx, [request.lease for request in requests])
    by_n = {job.n: job for job in jobs.values()}
    sums = {job.n: _Sum(job.seq) for job in jobs.values()}
    events: list[EventRow] = []
    news: dict[str, News] = {}
    steps: list[list[Any]] = []
    artifacts: list[list[Any]] = []
    answers: list[int | Exception] = []
    for place, request in enumerate(requests):
        job = jobs.get(place)
        if job is None:
            answers.append(LeaseLost(request.lease.job_id, request.lease.token))
            continue
        total = sums[job.n]
        for kind, data in request.events:
            total.seq += 1
            told = data
            if kind is Kind.ARTIFACT:
                artifact = json.loads(data)
                artifacts.append([job.n, artifact["name"], data])
                told = dump({name: each for name, each in artifact.items() if name != "blob"})
            events.append((job.n, total.seq, job.attempt, kind, told))
            if kind is Kind.PROGRESS and job.watched:
                news[job.id] = News(job.id, job.owner, job.task, kind, total.seq)
        if request.progress is not None:
            total.progress = pack_progress(request.progress, tx.now)
        total.cost += request.cost
        step = request.step
        if step is not None:
            steps.append([job.n, step.key, total.seq, step.name, step.status, job.attempt, step.result])
            total.safe = total.safe or step.status is StepStatus.COMPLETED
        answers.append(total.seq)
    if by_n:
        tx.run(_SQL["append"], rows=dump([[n, s.seq, s.progress, s.cost, int(s.safe)] for n, s in sums.items()]))
        write_events(tx, events)
        trim(tx, by_n, {n: s.seq for n, s in sums.items()})
        tx.changed.update(job.id for job in by_n.values() if sums[job.n].seq > job.seq)
    tell_webhooks(tx, [*news.values()])
    if steps:
        tx.run(_SQL["write_steps"], now=tx.now, rows=dump(steps))
    if artifacts:
        tx.run(_SQL["write_artifacts"], rows=dump(artifacts))
    return answers


APPEND: Final[Operation[Append, int]] = Operation(_append, Rank.APPEND, lambda request: request.lease.job_id)


@dataclass(frozen=True, slots=True)
class Renewal:
    worker_id: str
    held: Mapping[str, int]
    lease: float
    registered: tuple[WorkerInfo, str] | None
    """The worker and its kernel, should it have been forgotten."""


@alone
def renew(tx: Transaction, asked: Renewal) -> dict[str, Held]:
    until = tx.now + micros(asked.lease)
    held = dump(asked.held)
    if not _see(tx, asked.worker_id, until) and asked.registered is not None:
        _write_worker(tx, *asked.registered)
        _see(tx, asked.worker_id, until)
    if not asked.held:
        return {}
    tx.run(_SQL["renew"], held=held, until=until)
    found = dict.fromkeys(asked.held, Held.LOST)
    for job_id, cancelling in tx.rows(_SQL["held"], held=held):
        found[job_id] = Held.CANCELLING if cancelling else Held.KEPT
    return found


@alone
def register(tx: Transaction, asked: tuple[WorkerInfo, str]) -> None:
    _write_worker(tx, *asked)


def _see(tx: Transaction, worker_id: str, until: int) -> bool:
    """False when there is no such worker."""
    return bool(tx.run(_SQL["seen"], id=worker_id, now=tx.now, until=until))


def _write_worker(tx: Transaction, worker: WorkerInfo, kernel: str) -> None:
    tx.run(
        _SQL["register"],
        id=worker.id,
        host=worker.host,
        kernel=kernel,
        pid=worker.pid,
        concurrency=worker.concurrency,
        tasks=dump(worker.tasks),
        queues=dump(worker.queues),
        started_at=micros(worker.started_at),
        now=tx.now,
        until=tx.now + micros(FIRST_SIGHT),
    )


@alone
def deregister(tx: Transaction, worker_id: str) -> None:
    bury_worker(tx, worker_id)


def bury_worker(tx: Transaction, worker_id: str) -> None:
    """It is no more: forget it, and let its leases be over."""
    tx.run(_SQL["deregister"], id=worker_id)
    tx.run(_SQL["expire_leases"], id=worker_id, now=tx.now)
