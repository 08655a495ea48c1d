"""Storing new jobs: idempotency, admission, place in the order, and then all rows of a batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from accepted.errors import IdempotencyMismatch, JobGone, JobNotFound
from accepted.job import JobRecord, NewJob, Status, iso
from accepted.stores.base import Submitted
from accepted.stores.sqlite import watching
from accepted.stores.sqlite.limits import enter, refusal
from accepted.stores.sqlite.lines import Place, needs
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import (
    NO_PROGRESS,
    Waits,
    checked,
    dump,
    dump_data,
    micros,
    pack_limits,
    pack_rates,
    seconds,
    text,
)
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.turns import Lane
from accepted.stores.sqlite.writer import Operation, Rank

_SQL: Final = load("submitting")
_SUBMITTED: Final = dump_data({"reason": "submitted"})


def check(jobs: Iterable[NewJob]) -> None:
    """Raises ValueError for what no row can hold; called before the jobs are queued with those of others."""
    for job in jobs:
        checked(job.id, job.task, job.owner, job.queue)
        text(job.args)
        if job.slots or job.quotas:
            checked(*(limit.key for limit in (*job.slots, *job.quotas)))
        if job.paces or job.admissions:
            checked(*(rate.key for rate in (*job.paces, *job.admissions)))
        if job.idempotency is not None:
            checked(job.idempotency.scope, job.idempotency.key, job.idempotency.fingerprint)


def _submit(tx: Transaction, calls: Sequence[Sequence[NewJob]]) -> list[list[Submitted | Exception]]:
    batch = [job for call in calls for job in call]
    answers = store(tx, batch)
    starts = iter(answers)
    return [[next(starts) for _ in call] for call in calls]


SUBMIT: Final[Operation[Sequence[NewJob], list[Submitted | Exception]]] = Operation(_submit, Rank.SUBMIT)


def store(tx: Transaction, batch: Sequence[NewJob]) -> list[Submitted | Exception]:
    """Each job's answer, in order; those that are refused are not counted."""
    keys = _Keys(tx, batch)
    tx.turns.load((Lane(job.queue, job.task, job.priority), job.owner) for job in batch)
    tx.slots.load(limit for job in batch for limit in job.slots)
    tx.quotas.load(limit for job in batch for limit in job.quotas)
    tx.paces.load(rate for job in batch for rate in job.paces)
    tx.admissions.load(rate for job in batch for rate in job.admissions)
    first: int = tx.value(_SQL["next_n"])
    answers: list[Submitted | Exception] = []
    new: list[NewJob] = []
    rows: list[list[Any]] = []
    for job in batch:
        answer = keys.answer(job)
        counted = job.quotas or job.admissions
        if answer is None and counted:
            answer = refusal(tx, job.quotas, job.admissions)
        if answer is None:
            if counted:
                tx.quotas.take(job.quotas)
                tx.admissions.count(job.admissions)
            row, answer = _place(tx, job, first + len(rows))
            new.append(job)
            rows.append(row)
            keys.add(job, answer)
        answers.append(answer)
    if new:
        _insert(tx, first, new, rows)
        tx.lines.save()
        keys.save()
    return answers


class _Keys:
    """The idempotency keys of a batch: those that are known, and those that it makes known."""

    def __init__(self, tx: Transaction, batch: Sequence[NewJob]) -> None:
        self._tx = tx
        wanted = [(job.idempotency.scope, job.idempotency.key) for job in batch if job.idempotency is not None]
        found = tx.rows(_SQL["known_keys"], keys=dump(wanted), now=tx.now) if wanted else []
        self._known: dict[tuple[str, str], tuple[str, str]] = {
            (scope, key): (fingerprint, job_id) for scope, key, fingerprint, job_id in found
        }
        self._made: dict[str, Submitted] = {}
        self._rows: list[list[Any]] = []

    def answer(self, job: NewJob) -> Submitted | Exception | None:
        """What the job's key answers already; None when the job is new."""
        wanted = job.idempotency
        if wanted is None or (wanted.scope, wanted.key) not in self._known:
            return None
        fingerprint, job_id = self._known[wanted.scope, wanted.key]
        if fingerprint != wanted.fingerprint:
            return IdempotencyMismatch(wanted.key)
        if job_id in self._made:
            return Submitted(self._made[job_id].job, replayed=True)
        try:
            return Submitted(watching.get(self._tx.connection, job_id), replayed=True)
        except JobGone as gone:
            return gone
        except JobNotFound:  # removed so long ago that its tombstone has gone too
            return None

    def add(self, job: NewJob, submitted: Submitted) -> None:
        wanted = job.idempotency
        if wanted is not None:
            self._known[wanted.scope, wanted.key] = wanted.fingerprint, job.id
            self._made[job.id] = submitted
            self._rows.append([wanted.scope, wanted.key, wanted.fingerprint, job.id, micros(wanted.expires_at)])

    def save(self) -> None:
        if self._rows:
            self._tx.run(_SQL["remember_keys"], rows=dump(self._rows))


def _place(tx: Transaction, job: NewJob, n: int) -> tuple[list[Any], Submitted]:
    """The job's row, without its number: where it stands among those that wait."""
    now = tx.now
    scheduled_at = now if job.scheduled_at is None else micros(job.scheduled_at)
    deadline_at = None if job.deadline_at is None else micros(job.deadline_at)
    retention = micros(job.retention)
    slots, paces = pack_limits(job.slots), pack_rates(job.paces)
    waits, turn, told = Waits.TURN, 0, _SUBMITTED
    full, line = None, None
    if scheduled_at > now:
        waits = Waits.TIME
        told = dump_data({"reason": "submitted", "at": iso(seconds(scheduled_at))})
    else:
        turn = tx.turns.give(Lane(job.queue, job.task, job.priority), job.owner)
        if slots or paces:
            wanted = needs(slots, paces)
            full = enter(tx, wanted, Place(-job.priority, turn, n))
            if full is not None:
                waits, line = Waits.LIMIT, wanted.line
    if waits is Waits.TURN:
        tx.offered.add(job.id)
    elif waits is Waits.TIME:
        tx.ready = True  # workers that sleep until the next one is due have to hear of it
    tx.changed.add(job.id)
    row = [
        job.id,
        job.task,
        job.queue,
        job.owner,
        job.priority,
        turn,
        waits,
        line,
        slots,
        paces,
        pack_limits(job.quotas),
        job.max_retries,
        scheduled_at,
        deadline_at,
        int(job.deadline_cancels),
        retention,
        told,
    ]
    record = JobRecord(
        id=job.id,
        task=job.task,
        queue=job.queue,
        owner=job.owner,
        status=Status.PENDING,
        seq=1,
        args=job.args,
        priority=job.priority,
        attempt=0,
        failures=0,
        losses=0,
        max_retries=job.max_retries,
        submitted_at=seconds(now),
        scheduled_at=seconds(scheduled_at),
        started_at=None,
        finished_at=None,
        deadline_at=None if deadline_at is None else seconds(deadline_at),
        deadline_cancels=job.deadline_cancels,
        retention=seconds(retention),
        expires_at=None,
        cancel_requested_at=None,
        cancel_reason=None,
        token=0,
        worker=None,
        lease_expires_at=None,
        waiting_for=None if full is None else full.key,
        progress=NO_PROGRESS,
        result=None,
        result_blob=None,
        error=None,
        cost=0.0,
    )
    return row, Submitted(record)


def _insert(tx: Transaction, first: int, jobs: Sequence[NewJob], rows: Sequence[list[Any]]) -> None:
    tx.run(_SQL["insert_jobs"], first=first, now=tx.now, rows=dump(rows))
    tx.run(_SQL["insert_inputs"], first=first, args=dump([text(job.args) for job in jobs]))
    tx.run(_SQL["insert_events"], first=first, now=tx.now, rows=dump([row[-1] for row in rows]))
