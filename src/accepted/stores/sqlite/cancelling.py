"""What is done to jobs from outside: cancel, retry, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accepted.errors import WrongState
from accepted.job import ACTIVE, JobRecord, Kind, Status
from accepted.stores.sqlite import watching
from accepted.stores.sqlite.events import trim, write_events
from accepted.stores.sqlite.limits import enter, refusal, release
from accepted.stores.sqlite.lines import Place, needs
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, Waits, dump, dump_data, unpack_limits
from accepted.stores.sqlite.settling import cancelled, end
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.turns import Lane
from accepted.stores.sqlite.writer import alone

_SQL: Final = load("cancelling")


def _live(tx: Transaction, job_id: str) -> Live:
    """Raises JobNotFound, JobGone."""
    rows = tx.rows(_SQL["live"], id=job_id)
    if not rows:
        raise watching.gone(tx.connection, job_id)
    return Live(*rows[0])


@alone
def request_cancel(tx: Transaction, asked: tuple[str, str]) -> JobRecord:
    job_id, reason = asked
    job = _live(tx, job_id)
    if job.status == Status.PENDING:
        end(tx, [(job, cancelled(job, reason))])
    elif job.status == Status.RUNNING and job.cancel_requested_at is None:
        tx.run(_SQL["request_cancel"], job=job.n, now=tx.now, reason=reason)
        _tell(tx, job, Kind.CANCELLING, dump_data({"reason": reason}))
        tx.cancelling.add(job_id)
    return watching.get(tx.connection, job_id)


@alone
def retry(tx: Transaction, job_id: str) -> JobRecord:
    job = _live(tx, job_id)
    if job.status in ACTIVE:
        raise WrongState(job_id, Status(job.status), verb="retry", allowed=["cancel", "delete"])
    quotas = unpack_limits(job.quotas)
    refused = refusal(tx, quotas)
    if refused is not None:
        raise refused
    tx.quotas.take(quotas)
    lane = Lane(job.queue, job.task, job.priority)
    tx.turns.load([(lane, job.owner)])
    turn = tx.turns.give(lane, job.owner)
    wanted = needs(job.slots, job.paces)
    full = enter(tx, wanted, Place(-job.priority, turn, job.n))
    if job.status == Status.COMPLETED:
        tx.run(_SQL["forget_steps"], job=job.n)
    tx.run(_SQL["forget_result"], job=job.n)
    tx.run(
        _SQL["retry"],
        job=job.n,
        now=tx.now,
        turn=turn,
        waits=Waits.TURN if full is None else Waits.LIMIT,
        line=None if full is None else wanted.line,
        # The whole job has as much time as it had at first: counted from its last retry by hand, if there was one.
        deadline_at=None if job.deadline_at is None else tx.now + job.deadline_at - _begun_at(tx, job),
    )
    tx.lines.save()
    _tell(tx, job, Kind.PENDING, dump_data({"reason": "retried"}))
    tx.ready = True
    return watching.get(tx.connection, job_id)


def _begun_at(tx: Transaction, job: Live) -> int:
    retried_at: int | None = tx.value(_SQL["retried_at"], job=job.n)
    return job.submitted_at if retried_at is None else retried_at


@alone
def delete(tx: Transaction, asked: tuple[str, str]) -> JobRecord:
    job_id, reason = asked
    job = _live(tx, job_id)
    record = watching.get(tx.connection, job_id)
    _delete(tx, [job], reason)
    return record


@dataclass(frozen=True, slots=True)
class Owned:
    """Up to `limit` jobs of an owner; no statuses, no task: all."""

    owner: str
    reason: str
    statuses: frozenset[Status]
    task: str | None
    limit: int


@alone
def delete_owned(tx: Transaction, asked: Owned) -> list[str]:
    rows = tx.rows(
        _SQL["owned"],
        owner=asked.owner,
        task=asked.task,
        statuses=dump(sorted(asked.statuses)) if asked.statuses else None,
        limit=asked.limit,
    )
    jobs = [Live(*row) for row in rows]
    ids = [job.id for job in jobs]
    if jobs:
        _delete(tx, jobs, asked.reason)
        tx.run(_SQL["forget_keys_of"], ids=dump(ids))
    return ids


def _delete(tx: Transaction, jobs: Sequence[Live], reason: str) -> None:
    """In whatever state; who runs one is told, and what they held is handed on."""
    remove(tx, [job.n for job in jobs], reason)
    release(tx, [job for job in jobs if job.status in ACTIVE], quotas=True)
    tx.cancelling.update(job.id for job in jobs if job.status == Status.RUNNING)
    tx.changed.update(job.id for job in jobs)


def remove(tx: Transaction, ns: list[int], reason: str) -> None:
    """Remove jobs with all that belongs to them; a tombstone stays of each."""
    jobs = dump(ns)
    tx.run(_SQL["bury"], jobs=jobs, now=tx.now, reason=reason)
    for statement in (
        "remove_events",
        "remove_steps",
        "remove_artifacts",
        "remove_results",
        "remove_inputs",
        "remove_jobs",
    ):
        tx.run(_SQL[statement], jobs=jobs)


def _tell(tx: Transaction, job: Live, kind: Kind, data: str) -> None:
    """The event of a change that has counted it in `seq`."""
    write_events(tx, [(job.n, job.seq + 1, job.attempt, kind, data)])
    trim(tx, {job.n: job}, {job.n: job.seq + 1})
    tx.changed.add(job.id)
