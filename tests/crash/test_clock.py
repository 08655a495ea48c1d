"""A wall clock that jumps, both ways, by an hour and by a day: no job is taken from a live worker, none gets stuck."""

from __future__ import annotations

import asyncio
import json
import os
import random
import struct
import time
from pathlib import Path

import pytest
from crash.scene import Workers, has_status, observer, read_log
from helpers import wait_until
from served import HERE

from accepted import Jobs, Kind, Status
from accepted.job import NewJob, new_id

HOUR, DAY = 3600.0, 86_400.0
LEASE = 3.0


class WallClock:
    """What time it is in the processes that are started with `variables`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.off = 0.0
        self.set(0.0)
        self.variables = {
            "CRASH_CLOCK": str(path),
            "PYTHONPATH": f"{HERE / 'crash' / 'clock'}{os.pathsep}{HERE}",
        }

    def set(self, off: float) -> None:
        """`off`: seconds from the real time."""
        self.off = off
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.write(struct.pack("d", off))

    def now(self) -> float:
        return time.time() + self.off


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


async def upkeep_passes(jobs: Jobs, clock: WallClock) -> None:
    """Wait until somebody has looked after the store in the present time: a job past its deadline is ended by it."""
    job = NewJob(new_id(), "nobody", b"{}", deadline_at=clock.now())
    await jobs.store.submit([job])
    await wait_until(lambda: has_status(jobs, job.id, Status.FAILED))


async def renewed(jobs: Jobs, job_id: str, clock: WallClock) -> bool:
    """Whether the lease was renewed in the present time."""
    expires_at = (await jobs.get_record(job_id)).lease_expires_at
    assert expires_at is not None, "somebody took it"
    return 0 < expires_at - clock.now() <= LEASE


SHORT = [HOUR, DAY, -DAY, -HOUR]
LONG = [0.0] + [random.choice([-1, 1]) * random.choice([HOUR, DAY, 60.0, 7.0]) for _ in range(40)]


@pytest.mark.parametrize("times", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)], ids=["short", "long"])
async def test_a_live_worker_keeps_its_job(workers: Workers, wall_clock: WallClock, times: list[float]) -> None:
    jobs, work, forever = observer(workers, upkeep=HOUR)  # this process has another clock: it looks after nothing
    async with jobs:
        await workers.started(lease=LEASE, **wall_clock.variables)
        await workers.started(lease=LEASE, **wall_clock.variables)
        handle = await forever.submit()
        await wait_until(lambda: workers.runs() == 1)
        for off in times:
            wall_clock.set(off)
            await upkeep_passes(jobs, wall_clock)
            await wait_until(lambda: renewed(jobs, handle.id, wall_clock))
            await upkeep_passes(jobs, wall_clock)
            record = await jobs.get_record(handle.id)
            assert (record.status, record.attempt, record.token) == (Status.RUNNING, 1, 1)
            assert await (await work.submit()).result(timeout=20) == [0, 1, 2, 3], "and others go on"
        await handle.cancel()
        await wait_until(lambda: has_status(jobs, handle.id, Status.CANCELLED))
        assert workers.runs() == 1


@pytest.mark.parametrize("off", [HOUR, -HOUR, DAY, -DAY])
async def test_a_dead_worker_is_seen_whatever_the_clock_says(
    workers: Workers, wall_clock: WallClock, off: float
) -> None:
    """Killed at the very moment of the jump, so that its leases say nothing."""
    jobs, _, forever = observer(workers, upkeep=HOUR)
    async with jobs:
        first = await workers.started(lease=LEASE, **wall_clock.variables)
        handle = await forever.submit()
        await wait_until(lambda: workers.runs() == 1)
        await workers.started(lease=LEASE, **wall_clock.variables)
        first.kill()
        wall_clock.set(off)
        await asyncio.to_thread(first.wait)
        await wait_until(lambda: workers.runs() == 2)
        reasons = [json.loads(e.data)["reason"] for e in await read_log(jobs, handle.id) if e.kind is Kind.PENDING]
        assert reasons == ["submitted", "lost"]
        record = await jobs.get_record(handle.id)
        assert (record.status, record.attempt, record.losses) == (Status.RUNNING, 2, 1)
