"""A job that blocks the event loop of its worker: what becomes of the worker's other jobs."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from helpers import wait_until

from accepted import Jobs, Status
from accepted.stores.base import UpkeepStore
from accepted.stores.sqlite import SQLiteStore

GIVES_UP = "the worker gives up its 2 jobs"


async def test_all_leases_are_given_up_and_taken_back_when_the_loop_runs_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", lease=60, cancel_grace=0.2, upkeep=0.1)
    released, gate = threading.Event(), asyncio.Event()

    @jobs.task
    async def blocking() -> None:
        while not released.is_set():
            time.sleep(0.005)  # noqa: ASYNC251

    @jobs.task
    async def neighbour() -> None:
        await gate.wait()

    async def elsewhere(blocked: str, job_ids: set[str]) -> None:
        """In a thread with a loop of its own, as another process would."""
        store = SQLiteStore(tmp_path / "jobs.db")
        await store.open()
        try:
            await store.request_cancel(blocked, "enough")
            await wait_until(lambda: GIVES_UP in caplog.text)
            await wait_until(lambda: _are_lost(store, job_ids))
            assert await store.workers() == [], "nobody counts on its slots"
        finally:
            released.set()
            await store.close()

    async with jobs:
        other = await neighbour.submit()
        await wait_until(lambda: jobs.worker.running == 1)
        handle = await blocking.submit()
        await asyncio.to_thread(asyncio.run, elsewhere(handle.id, {handle.id, other.id}))
        await wait_until(lambda: _are_lost(jobs.store, set()))
        record = await jobs.get_record(other.id)
        assert (record.status, record.attempt, record.losses) == (Status.RUNNING, 1, 0)
        assert len(await jobs.store.workers()) == 1
        gate.set()
        assert await jobs.wait_over(other.id, 20)
        assert await jobs.wait_over(handle.id, 20)
    assert caplog.text.count(GIVES_UP) == 1


async def _are_lost(store: UpkeepStore, job_ids: set[str]) -> bool:
    return {job.id for job in await store.lost(10)} == job_ids
