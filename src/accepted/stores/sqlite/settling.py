"""How an attempt is over: each verb says what becomes of its job; all of a batch are written together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from accepted.errors import LeaseLost
from accepted.job import Kind, Lease, Status, iso
from accepted.stores.sqlite.events import EventRow, write_events
from accepted.stores.sqlite.limits import go_on, release
from accepted.stores.sqlite.outbox import News, tell_webhooks
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, Waits, dump, dump_data, seconds
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.writer import Operation, Rank

_SQL: Final = load("working")


@dataclass(frozen=True, slots=True)
class End:
    """The job is over. Errors, data and results are JSON text."""

    status: Status
    data: str = "{}"
    error: str | None = None
    cancel_reason: str | None = None
    result: str | None = None
    result_blob: str | None = None
    losses: int = 0


@dataclass(frozen=True, slots=True)
class Back:
    """The job waits again: in its old place and with its slots, or (`at` given) for a time, in microseconds."""

    data: str
    attempt: int
    failures: int
    losses: int
    at: int | None = None
    resumes: bool = False
    error: str | None = None


Outcome = End | Back
Decide = Callable[[Live, int], Outcome | None]
"""What becomes of a job at a time; None: the lease does not entitle to it."""


@dataclass(frozen=True, slots=True)
class Settle:
    lease: Lease
    decide: Decide


# ── the verbs ────────────────────────────────────────────────────────────────────────────────────────


def complete(result: str | None, result_blob: str | None) -> Decide:
    return lambda job, _: End(Status.COMPLETED, result=result, result_blob=result_blob, losses=job.losses)


def fail(error: str) -> Decide:
    return lambda job, _: failed(job, error)


def failed(job: Live, error: str) -> End:
    return End(Status.FAILED, f'{{"error":{error}}}', error=error, losses=job.losses)


def cancel(reason: str) -> Decide:
    return lambda job, _: cancelled(job, job.cancel_reason or reason)


def cancelled(job: Live, reason: str) -> End:
    return End(Status.CANCELLED, dump_data({"reason": reason}), cancel_reason=reason, losses=job.losses)


def retry_later(error: str, at: int, reason: str) -> Decide:
    told = dump_data({"reason": reason, "at": iso(seconds(at))})
    data = f'{told[:-1]},"error":{error}}}'

    def decide(job: Live, _: int) -> Outcome:
        return _as_asked(job) or Back(
            data, attempt=job.attempt, failures=job.failures + 1, losses=job.losses, at=at, error=error
        )

    return decide


def interrupt(reason: str) -> Decide:
    data = dump_data({"reason": reason})

    def decide(job: Live, _: int) -> Outcome:
        return _as_asked(job) or Back(
            data, attempt=job.attempt - 1, failures=job.failures, losses=job.losses, resumes=True
        )

    return decide


def lose(error: str | None) -> Decide:
    def decide(job: Live, now: int) -> Outcome | None:
        if job.lease_expires_at is None or job.lease_expires_at > now:
            return None
        losses = job.losses + 1
        if error is not None and job.cancel_requested_at is None:
            return replace(failed(job, error), losses=losses)
        return _as_asked(job) or Back('{"reason":"lost"}', attempt=job.attempt, failures=job.failures, losses=losses)

    return decide


def _as_asked(job: Live) -> End | None:
    """Whoever asked to cancel gets what he asked for, whatever else stopped the attempt."""
    if job.cancel_requested_at is None:
        return None
    return cancelled(job, job.cancel_reason or "requested")


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────


def leased(tx: Transaction, leases: Sequence[Lease]) -> dict[int, Live]:
    """The jobs that these leases hold, by the lease's place in the list; the others are fenced off."""
    rows = tx.rows(_SQL["leased"], leases=dump([(lease.job_id, lease.token) for lease in leases]))
    return {place: Live(*row) for place, row in rows}


def _settle(tx: Transaction, requests: Sequence[Settle]) -> list[Status | Exception]:
    jobs = leased(tx, [request.lease for request in requests])
    answers: list[Status | Exception] = []
    settled: dict[int, tuple[Live, Outcome]] = {}
    for place, request in enumerate(requests):
        job = jobs.get(place)
        outcome = None if job is None or job.n in settled else request.decide(job, tx.now)
        if job is None or outcome is None:
            answers.append(LeaseLost(request.lease.job_id, request.lease.token))
            continue
        settled[job.n] = job, outcome
        answers.append(outcome.status if isinstance(outcome, End) else Status.PENDING)
    end(tx, [(job, outcome) for job, outcome in settled.values() if isinstance(outcome, End)])
    _give_back(tx, [(job, outcome) for job, outcome in settled.values() if isinstance(outcome, Back)])
    return answers


SETTLE: Final[Operation[Settle, Status]] = Operation(_settle, Rank.SETTLE, lambda request: request.lease.job_id)


def end(tx: Transaction, pairs: Sequence[tuple[Live, End]]) -> None:
    """Bring jobs, pending or running, to their end. The caller has looked at their status."""
    if not pairs:
        return
    alike: dict[tuple[Any, ...], list[int]] = {}
    for job, e in pairs:
        alike.setdefault((e.status, e.error, e.cancel_reason, e.result_blob, e.losses), []).append(job.n)
    for (status, error, cancel_reason, result_blob, losses), ns in alike.items():
        tx.run(
            _SQL["end"],
            jobs=dump(ns),
            now=tx.now,
            status=status,
            error=error,
            cancel_reason=cancel_reason,
            result_blob=result_blob,
            losses=losses,
        )
    results = [(job.n, ending.result) for job, ending in pairs if ending.result is not None]
    if results:
        tx.run(_SQL["write_results"], rows=dump(results))
    _tell(tx, [(job, Kind(ending.status), job.attempt, ending.data) for job, ending in pairs])
    for job, ending in pairs:
        tx.endings[job.queue, job.task, ending.status] += 1
    release(tx, [job for job, _ in pairs], quotas=True)
    tell_webhooks(
        tx,
        [News(job.id, job.owner, job.task, Kind(ending.status), job.seq + 1) for job, ending in pairs if job.watched],
    )


def _give_back(tx: Transaction, pairs: Sequence[tuple[Live, Back]]) -> None:
    if not pairs:
        return
    rows: list[list[Any]] = []
    for job, back in pairs:
        waits = Waits.TURN if back.at is None else Waits.TIME
        rows.append([job.n, waits, back.at, back.attempt, back.failures, back.losses, int(back.resumes), back.error])
    tx.run(_SQL["give_back"], rows=dump(rows))
    _tell(tx, [(job, Kind.PENDING, job.attempt, back.data) for job, back in pairs])
    release(tx, [job for job, back in pairs if back.at is not None], quotas=False)
    go_on(tx, [job for job, back in pairs if back.at is None])
    tx.ready = True


def _tell(tx: Transaction, news: Sequence[tuple[Live, Kind, int, str]]) -> None:
    """One event for each job, under its next number; `end` and `give_back` count it."""
    rows: list[EventRow] = [(job.n, job.seq + 1, attempt, kind, data) for job, kind, attempt, data in news]
    write_events(tx, rows)
    tx.changed.update(job.id for job, *_ in news)
