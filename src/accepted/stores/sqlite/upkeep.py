"""Looking after the store: lost jobs, deadlines, removal. Any number of processes may do it at once."""

from __future__ import annotations

from typing import Final

from accepted.job import JobRecord
from accepted.stores.sqlite import records
from accepted.stores.sqlite.cancelling import remove
from accepted.stores.sqlite.liveness import Liveness
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, micros
from accepted.stores.sqlite.settling import cancelled, end, failed
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.working import bury_worker
from accepted.stores.sqlite.writer import alone

_SQL: Final = load("upkeep")

_WINDOWS_PER_JOB: Final = 50
"""Windows are small, and there may be one of each job's own key: many go for each job that may go."""

DEADLINE: Final = "its deadline passed while it waited"


@alone
def lost(tx: Transaction, asked: tuple[int, Liveness | None]) -> list[JobRecord]:
    limit, liveness = asked
    if liveness is not None:
        here = tx.rows(_SQL["busy_workers"], kernel=liveness.kernel)
        for worker_id in liveness.dead(here):
            bury_worker(tx, worker_id)
    return [records.record(row) for row in tx.rows(_SQL["lost"], now=tx.now, limit=limit)]


@alone
def expire(tx: Transaction, asked: tuple[int, str]) -> int:
    limit, error = asked
    jobs = [(Live(*row), cancels) for row, cancels in tx.rows(_SQL["past_deadline"], now=tx.now, limit=limit)]
    end(tx, [(job, cancelled(job, DEADLINE) if cancels else failed(job, error)) for job, cancels in jobs])
    return len(jobs)


@alone
def purge(tx: Transaction, limit: int) -> list[str]:
    expired = tx.rows(_SQL["expired"], now=tx.now, limit=limit)
    if expired:
        remove(tx, [n for n, _ in expired], "expired")
        tx.changed.update(job_id for _, job_id in expired)
    for name in ("forget_keys", "forget_tickets", "forget_workers"):
        tx.run(_SQL[name], now=tx.now, limit=limit)
    tx.run(_SQL["forget_tombstones"], before=tx.now - micros(tx.options.tombstones), limit=limit)
    tx.run(_SQL["forget_windows"], now=tx.now, limit=limit * _WINDOWS_PER_JOB)
    tx.run(_SQL["forget_turns"])
    return [job_id for _, job_id in expired]
