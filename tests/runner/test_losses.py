"""Jobs whose workers die again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from accepted.job import NewJob, Status, new_id
from accepted.settings import Settings
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK
from accepted.stores.blobs import FolderBlobs
from accepted.stores.conformance.scene import ManualClock
from accepted.stores.sqlite import SQLiteStore
from accepted.upkeep import Upkeep

LOSSES = 3


@pytest.mark.parametrize(
    ("task", "queue", "ends_as"), [("t", "default", Status.FAILED), (DELIVERY_TASK, DELIVERY_QUEUE, Status.PENDING)]
)
async def test_who_took_its_workers_down_fails_and_a_delivery_does_not(
    tmp_path: Path, task: str, queue: str, ends_as: Status
) -> None:
    clock = ManualClock()
    store = SQLiteStore(tmp_path / "jobs.db", clock=clock)
    upkeep = Upkeep(store, FolderBlobs(tmp_path / "blobs"), Settings(max_losses=LOSSES))
    await store.open()
    try:
        job = NewJob(id=new_id(), task=task, args=b"{}", queue=queue)
        await store.submit([job])
        for number in range(LOSSES + 1):
            assert (await store.get(job.id)).status == Status.PENDING, number
            assert (await store.claim(f"w{number}", queues=[queue], tasks=[task], limit=1, lease=1.0)).jobs
            clock.advance(1.0)
            assert await upkeep.rescue() == 1
        assert (await store.get(job.id)).status == ends_as
    finally:
        await store.close()
