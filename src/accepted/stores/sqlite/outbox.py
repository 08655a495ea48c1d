"""The outbox: an event that webhooks want becomes their deliveries, jobs like any other, in its own transaction.

Whether a job's owner has webhooks at all is read with the job (`Live.watched`): so it is what this very transaction
sees, whichever process wrote it, and where nobody has any, nothing more is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from accepted.job import Kind, Limit, NewJob, Rate, new_id
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK, SYSTEM_OWNERS, delivery_owner
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import dump
from accepted.stores.sqlite.submitting import store

if TYPE_CHECKING:
    from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("webhooks")

AT_ONCE: Final = 4
"""Deliveries to one webhook that are under way."""
TRIES: Final = 10
"""More of them, after the first."""
PROGRESS_EVERY: Final = 0.5
"""Seconds between deliveries of one job's progress to one webhook."""


class News(NamedTuple):
    """An event that somebody may want to be told of."""

    job_id: str
    owner: str
    task: str
    kind: Kind
    seq: int


def tell_webhooks(tx: Transaction, news: Sequence[News]) -> None:
    """Submit a delivery for each webhook that wants one of the events. Nobody is told of a delivery's own events."""
    told = [each for each in news if not each.owner.startswith(SYSTEM_OWNERS)]
    if not told:
        return
    webhooks = tx.rows(_SQL["wanting"], owners=dump(sorted({each.owner for each in told})))
    deliveries = [
        _delivery(webhook_id, each, tx.options.webhook_retention)
        for each in told
        for webhook_id, owner, kinds, tasks in webhooks
        if owner == each.owner and each.kind in kinds and (not tasks or each.task in tasks)
    ]
    if deliveries:
        # A refusal is one of progress: a delivery of it waits or is under way already, and will tell the newest.
        store(tx, deliveries)


def _delivery(webhook_id: str, news: News, retention: float) -> NewJob:
    progress = f"webhook-progress:{webhook_id}/{news.job_id}" if news.kind is Kind.PROGRESS else None
    return NewJob(
        id=new_id(),
        task=DELIVERY_TASK,
        args=dump({"webhook": webhook_id, "job": news.job_id, "kind": news.kind, "seq": news.seq}).encode(),
        owner=delivery_owner(webhook_id),
        queue=DELIVERY_QUEUE,
        max_retries=TRIES,
        retention=retention,
        slots=(Limit(f"webhook:{webhook_id}", AT_ONCE),),
        paces=(Rate(progress, 1, PROGRESS_EVERY),) if progress else (),
        quotas=(Limit(progress, 1),) if progress else (),
    )
