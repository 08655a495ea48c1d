"""A process that holds a job's lease, sleeps over it, and then tries every verb of its old attempt."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

from stores.processes import info, say

from accepted.errors import LeaseLost
from accepted.job import EventDraft, Kind, Progress
from accepted.runner import StoreSink
from accepted.settings import Settings
from accepted.stores.blobs import FolderBlobs
from accepted.stores.sqlite import SQLiteStore

VERBS = (
    "report",
    "start_step",
    "finish_step",
    "fail_step",
    "attach",
    "complete",
    "fail",
    "retry_later",
    "interrupt",
    "cancel",
    "lose",
    "renew",
)


async def hold_and_try(path: str) -> None:
    store = SQLiteStore(path)
    await store.open()
    await store.register_worker(info("old"))
    (claimed,) = (await store.claim("old", queues=["default"], tasks=["t"], limit=1, lease=1)).jobs
    say(claimed=[claimed.job.id])
    sys.stdin.readline()
    lease = claimed.job.lease
    sink = StoreSink(store, FolderBlobs(Path(path).with_name("blobs")), lease, Settings())
    tries: dict[str, Awaitable[object]] = {
        "report": sink.report([EventDraft(Kind.LOG, {"message": "late"})], Progress(99.0), 1.0),
        "start_step": sink.start_step("step", "step"),
        "finish_step": sink.finish_step("step", "step", b"1"),
        "fail_step": sink.fail_step("step", "step", {"title": "late"}),
        "attach": sink.attach("late.txt", b"late", "text/plain"),
        "complete": store.complete(lease, b'"late"'),
        "fail": store.fail(lease, {"title": "late"}),
        "retry_later": store.retry_later(lease, {"title": "late"}, at=time.time(), reason="error"),
        "interrupt": store.interrupt(lease, "late"),
        "cancel": store.cancel(lease, "late"),
        "lose": store.lose(lease, error=None),
    }
    ledger: dict[str, str] = {}
    for verb, attempt in tries.items():
        try:
            await attempt
            ledger[verb] = "done"
        except LeaseLost:
            ledger[verb] = LeaseLost.__name__
    ledger["renew"] = store.renew("old", {lease.job_id: lease.token}, 60)[lease.job_id]
    say(ledger=ledger)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
