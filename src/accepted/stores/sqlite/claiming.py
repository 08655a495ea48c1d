"""Claiming, a short story: make ready what is due, pick, take, tell, hand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from accepted.job import Step
from accepted.stores.base import Claim, Claimed
from accepted.stores.sqlite import records
from accepted.stores.sqlite.limits import reserve
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Waits, dump, dump_data, micros, seconds, unpack_limits
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.turns import Lane
from accepted.stores.sqlite.writer import Operation, Rank

_SQL: Final = load("claiming")

DUE_AT_ONCE: Final = 500
"""Jobs made ready by one claim; if more are due, the claim answers that it wants to be asked again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`lease` is in seconds."""

    worker_id: str
    queues: Sequence[str]
    tasks: Sequence[str]
    limit: int
    lease: float


def _claim(tx: Transaction, asks: Sequence[Ask]) -> list[Claim | Exception]:
    return [_claim_one(tx, ask) for ask in asks]


CLAIM: Final[Operation[Ask, Claim]] = Operation(_claim, Rank.CLAIM)


def _claim_one(tx: Transaction, ask: Ask) -> Claim:
    next_at = _make_due_ready(tx)
    picked = _pick(tx, ask)
    jobs = _take(tx, picked, ask) if picked else []
    return Claim(jobs, None if next_at is None else seconds(next_at))


def _make_due_ready(tx: Transaction) -> int | None:
    """Jobs whose time has come get their turn, and their slots or the limit they wait for. Answers when the
    next one is due."""
    next_at = _next_due(tx)
    if next_at is None or next_at > tx.now:
        return next_at
    due = tx.rows(_SQL["due"], now=tx.now, limit=DUE_AT_ONCE)
    tx.turns.load((Lane(queue, task, priority), owner) for _, queue, task, priority, owner, _ in due)
    rows: list[list[Any]] = []
    for n, queue, task, priority, owner, slots in due:
        turn = tx.turns.give(Lane(queue, task, priority), owner)
        waiting_for = reserve(tx, unpack_limits(slots))
        rows.append([n, turn, Waits.TURN if waiting_for is None else Waits.LIMIT, waiting_for])
    tx.run(_SQL["make_ready"], rows=dump(rows))
    tx.ready = True
    return _next_due(tx)


def _next_due(tx: Transaction) -> int | None:
    next_at: int | None = tx.value(_SQL["next_due"])
    return next_at


def _pick(tx: Transaction, ask: Ask) -> list[int]:
    lanes = [(queue, task) for queue in ask.queues for task in ask.tasks]
    return tx.rows(_SQL["pick"], lanes=dump(lanes), limit=ask.limit)


def _take(tx: Transaction, picked: list[int], ask: Ask) -> list[Claimed]:
    ns = dump(picked)
    until = tx.now + micros(ask.lease)
    tx.run(_SQL["take"], picked=ns, worker=ask.worker_id, now=tx.now, until=until)
    tx.run(_SQL["tell"], picked=ns, now=tx.now, data=dump_data({"worker": ask.worker_id}))
    taken = {n: (turn, records.record(row)) for n, turn, row in tx.rows(_SQL["taken"], picked=ns)}
    jobs = [taken[n][1] for n in picked]
    ids = [job.id for job in jobs]
    tx.changed.update(ids)
    tx.offered.difference_update(ids)
    _advance(tx, ask, taken.values())
    steps = _finished_steps(tx, ns) if any(job.token > 1 for job in jobs) else {}
    return [Claimed(job, steps.get(n, {})) for n, job in zip(picked, jobs, strict=True)]


def _advance(tx: Transaction, ask: Ask, taken: Any) -> None:
    """Each lane that this worker serves has come as far as the last turn it took from any of them."""
    furthest: dict[tuple[str, int], int] = {}
    for turn, job in taken:
        place = job.queue, job.priority
        furthest[place] = max(turn, furthest.get(place, 0))
    for (queue, priority), turn in furthest.items():
        for task in ask.tasks:
            tx.turns.advance(Lane(queue, task, priority), turn)


def _finished_steps(tx: Transaction, picked: str) -> dict[int, dict[str, Step]]:
    steps: dict[int, dict[str, Step]] = {}
    for n, *row in tx.rows(_SQL["finished_steps"], picked=picked):
        found = records.step(row)
        steps.setdefault(n, {})[found.key] = found
    return steps
