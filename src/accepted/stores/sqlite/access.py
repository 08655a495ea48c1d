"""API keys, one-time tickets, secrets."""

from __future__ import annotations

import os
import sqlite3
from typing import Any, Final

from accepted.stores.base import ApiKey
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import MICROSECONDS, micros
from accepted.stores.sqlite.transaction import Transaction
from accepted.stores.sqlite.writer import alone

_SQL: Final = load("access")


def _key(row: Any) -> ApiKey:
    id_, name, owner, digest, admin, created_at, last_used_at = row
    used = None if last_used_at is None else last_used_at / MICROSECONDS
    return ApiKey(id_, name, owner, digest, admin == 1, created_at / MICROSECONDS, used)


def find_key(connection: sqlite3.Connection, digest: str) -> ApiKey | None:
    row = connection.execute(_SQL["find_key"], (digest,)).fetchone()
    return None if row is None else _key(row)


def get_keys(connection: sqlite3.Connection) -> list[ApiKey]:
    return [_key(row) for row in connection.execute(_SQL["keys"])]


@alone
def add_key(tx: Transaction, key: ApiKey) -> None:
    tx.run(
        _SQL["add_key"],
        id=key.id,
        name=key.name,
        owner=key.owner,
        digest=key.digest,
        admin=int(key.admin),
        created_at=micros(key.created_at),
    )


@alone
def key_used(tx: Transaction, key_id: str) -> None:
    tx.run(_SQL["key_used"], id=key_id, now=tx.now)


@alone
def revoke_key(tx: Transaction, key_id: str) -> bool:
    return tx.run(_SQL["revoke_key"], id=key_id) == 1


@alone
def redeem(tx: Transaction, asked: tuple[str, float]) -> bool:
    ticket, expires_at = asked
    return tx.run(_SQL["redeem"], ticket=ticket, expires_at=micros(expires_at)) == 1


@alone
def secret(tx: Transaction, name: str) -> bytes:
    tx.run(_SQL["make_secret"], name=name, value=os.urandom(32))
    value: bytes = tx.value(_SQL["secret"], name=name)
    return value
