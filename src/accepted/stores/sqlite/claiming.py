"""Claiming, a short story: make ready what is due, pick, take, tell, hand over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from accepted.job import JobRecord, Kind, Rate, Step
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK, Claim, Claimed
from accepted.stores.sqlite import records
from accepted.stores.sqlite.limits import enter, hand_on
from accepted.stores.sqlite.lines import Full, Place, needs
from accepted.stores.sqlite.outbox import News, tell_webhooks
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import FOREVER, Waits, dump, dump_data, micros, seconds
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.turns import Lane
from accepted.stores.sqlite.windows import due_paces
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
    next_at, news = _make_due_ready(tx)
    taken = [_take(tx, picked, ask) if (picked := _pick(tx, ask)) else [] for ask in asks]
    if tx.paces.save() or news:
        next_at = _next(tx)
    at = None if next_at is None else seconds(next_at)
    return [Claim(jobs, at) for jobs in taken]


CLAIM: Final[Operation[Ask, Claim]] = Operation(_claim, Rank.CLAIM)


def _make_due_ready(tx: Transaction) -> tuple[int | None, bool]:
    """Jobs whose time has come, their own or that of the pace they wait for, become ready or stand in their line.
    Answers when the next are due, and whether there were any: then that has changed."""
    due_at, wake_at, written_at = tx.rows(_SQL["next_due"])
    paced = wake_at is not None and (wake_at <= tx.now or written_at > tx.now)
    if paced:
        for key in due_paces(tx, DUE_AT_ONCE):
            hand_on(tx, Full("pace", key))
    due = due_at is not None and due_at <= tx.now
    if due:
        _enter_due(tx)
    return _earlier(due_at, wake_at), paced or due


def _enter_due(tx: Transaction) -> None:
    due = tx.rows(_SQL["due"], now=tx.now, limit=DUE_AT_ONCE)
    tx.turns.load((Lane(queue, task, priority), owner) for _, queue, task, priority, owner, _, _ in due)
    rows: list[list[Any]] = []
    for n, queue, task, priority, owner, slots, paces in due:
        turn = tx.turns.give(Lane(queue, task, priority), owner)
        wanted = needs(slots, paces)
        full = enter(tx, wanted, Place(-priority, turn, n))
        rows.append([n, turn, Waits.TURN, None] if full is None else [n, turn, Waits.LIMIT, wanted.line])
    tx.run(_SQL["make_ready"], rows=dump(rows))
    tx.lines.save()
    tx.ready = True


def _next(tx: Transaction) -> int | None:
    due_at, wake_at, _ = tx.rows(_SQL["next_due"])
    return _earlier(due_at, wake_at)


def _earlier(*times: int | None) -> int | None:
    """FOREVER is not a time to wait for."""
    return min((at for at in times if at is not None and at < FOREVER), default=None)


def _pick(tx: Transaction, ask: Ask) -> list[int]:
    lanes = [(queue, task) for queue in ask.queues for task in ask.tasks if _is_lane(queue, task)]
    return tx.rows(_SQL["pick"], lanes=dump(lanes), limit=ask.limit)


def _is_lane(queue: str, task: str) -> bool:
    """Deliveries have a queue of their own, in which nothing else stands."""
    return (queue == DELIVERY_QUEUE) is (task == DELIVERY_TASK)


def _take(tx: Transaction, picked: list[int], ask: Ask) -> list[Claimed]:
    ns = dump(picked)
    until = tx.now + micros(ask.lease)
    tx.run(_SQL["take"], picked=ns, worker=ask.worker_id, now=tx.now, until=until)
    tx.run(_SQL["tell"], picked=ns, now=tx.now, data=dump_data({"worker": ask.worker_id}))
    taken: dict[int, tuple[int, JobRecord]] = {}
    news: list[News] = []
    for n, turn, paces, watched, row in tx.rows(_SQL["taken"], picked=ns):
        job = records.record(row)
        taken[n] = turn, job
        if paces:
            tx.paces.start([Rate(*pace) for pace in paces])
        if watched:
            news.append(News(job.id, job.owner, job.task, Kind.RUNNING, job.seq))
    jobs = [taken[n][1] for n in picked]
    ids = [job.id for job in jobs]
    tx.changed.update(ids)
    tx.offered.difference_update(ids)
    _advance(tx, ask, taken.values())
    tell_webhooks(tx, news)
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
            if _is_lane(queue, task):
                tx.turns.advance(Lane(queue, task, priority), turn)


def _finished_steps(tx: Transaction, picked: str) -> dict[int, dict[str, Step]]:
    steps: dict[int, dict[str, Step]] = {}
    for n, *row in tx.rows(_SQL["finished_steps"], picked=picked):
        found = records.step(row)
        steps.setdefault(n, {})[found.key] = found
    return steps
