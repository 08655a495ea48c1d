"""Appending to the logs of jobs, for every verb that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import Live, dump
from accepted.stores.sqlite.transaction import Transaction

_SQL: Final = load("working")

EventRow = tuple[int, int, int, str, str]
"""The job's n, seq, attempt, kind, data."""


def write_events(tx: Transaction, rows: Sequence[EventRow]) -> None:
    tx.run(_SQL["insert_events"], now=tx.now, rows=dump(rows))


def trim(tx: Transaction, jobs: Mapping[int, Live], last: Mapping[int, int]) -> None:
    """Drop the oldest events of logs that have grown too long, a tenth at once. `last` is their newest seq."""
    most = tx.options.max_events_per_job
    for n, seq in last.items():
        if seq - jobs[n].first_seq + 1 > most:
            first_seq = seq - most + max(1, most // 10)
            tx.run(_SQL["trim_events"], job=n, first_seq=first_seq)
            tx.run(_SQL["set_first_seq"], job=n, first_seq=first_seq)
