"""Webhooks: who wants to be told. What they are told is in `outbox.py`."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from accepted.errors import LimitReached
from accepted.stores.base import Webhook, delivery_owner
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, dump, micros, optional_seconds, seconds
from accepted.stores.sqlite.settling import cancelled, end
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.writer import alone

_SQL: Final = load("webhooks")

REMOVED: Final = "the webhook was removed"
CANCELLED_AT_ONCE: Final = 500
"""Deliveries that wait, ended in one transaction."""


def _webhook(row: Any) -> Webhook:
    id_, owner, url, secrets, kinds, tasks, description, created_at, disabled_at, disabled_reason = row
    return Webhook(
        id=id_,
        owner=owner,
        url=url,
        secrets=tuple(json.loads(secrets)),
        kinds=frozenset(json.loads(kinds)),
        tasks=frozenset(json.loads(tasks)),
        description=description,
        created_at=seconds(created_at),
        disabled_at=optional_seconds(disabled_at),
        disabled_reason=disabled_reason,
    )


def get_webhook(connection: sqlite3.Connection, webhook_id: str) -> Webhook | None:
    row = connection.execute(_SQL["webhook"], (webhook_id,)).fetchone()
    return None if row is None else _webhook(row)


def get_webhooks(connection: sqlite3.Connection, owner: str) -> list[Webhook]:
    return [_webhook(row) for row in connection.execute(_SQL["webhooks"], (owner,))]


def _changeable(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "secrets": dump(webhook.secrets),
        "kinds": dump(sorted(webhook.kinds)),
        "tasks": dump(sorted(webhook.tasks)),
        "description": webhook.description,
        "disabled_at": None if webhook.disabled_at is None else micros(webhook.disabled_at),
        "disabled_reason": webhook.disabled_reason,
    }


@alone
def add_webhook(tx: Transaction, asked: tuple[Webhook, int]) -> None:
    webhook, at_most = asked
    used = tx.value(_SQL["count_webhooks"], owner=webhook.owner)
    if used >= at_most:
        raise LimitReached("webhooks", used=used, at_most=at_most)
    tx.run(_SQL["add_webhook"], owner=webhook.owner, created_at=micros(webhook.created_at), **_changeable(webhook))


@alone
def replace_webhook(tx: Transaction, webhook: Webhook) -> bool:
    return tx.run(_SQL["replace_webhook"], **_changeable(webhook)) == 1


@alone
def remove_webhook(tx: Transaction, webhook_id: str) -> bool:
    found = tx.run(_SQL["remove_webhook"], id=webhook_id) == 1
    _cancel_deliveries(tx, webhook_id)
    return found


@alone
def cancel_deliveries(tx: Transaction, webhook_id: str) -> bool:
    """Some of those that wait; whether there may be more."""
    return _cancel_deliveries(tx, webhook_id) == CANCELLED_AT_ONCE


def _cancel_deliveries(tx: Transaction, webhook_id: str) -> int:
    rows = tx.rows(_SQL["waiting_deliveries"], owner=delivery_owner(webhook_id), limit=CANCELLED_AT_ONCE)
    jobs = [Live(*row) for row in rows]
    end(tx, [(job, cancelled(job, REMOVED)) for job in jobs])
    return len(jobs)
