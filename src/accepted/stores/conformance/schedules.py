"""Schedules: each time is fired once, whoever sees that it is due."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from dataclasses import replace

from accepted.errors import LimitReached
from accepted.job import Limit
from accepted.stores.base import ScheduleRecord, Submitted
from accepted.stores.conformance.scene import START, Scene

DAILY = ScheduleRecord("daily", '{"cron":"0 3 * * *"}', "ann", next_at=START + 0.5)


class Schedules:
    async def test_one_that_is_known_keeps_its_place(self, scene: Scene) -> None:
        assert await scene.store.put_schedule(DAILY) == DAILY
        await scene.store.fire("daily", at=DAILY.next_at, next_at=START + 9, job=None)
        kept = await scene.store.put_schedule(DAILY)
        assert kept == replace(DAILY, next_at=START + 9, last_at=DAILY.next_at)
        changed = replace(DAILY, spec='{"cron":"0 4 * * *"}', next_at=START + 5, owner="bob")
        assert await scene.store.put_schedule(changed) == changed, "a new one begins anew"
        other = replace(DAILY, name="a")
        await scene.store.put_schedule(other)
        assert await scene.store.schedules() == [other, changed]

    async def test_a_time_is_fired_once(self, scene: Scene) -> None:
        await scene.store.put_schedule(DAILY)
        jobs = [scene.new(owner="ann") for _ in range(10)]
        answers = await asyncio.gather(
            *(scene.store.fire("daily", at=DAILY.next_at, next_at=START + 60, job=job) for job in jobs)
        )
        (fired,) = [answer for answer in answers if answer is not None]
        assert isinstance(fired, Submitted)
        (schedule,) = await scene.store.schedules()
        assert (schedule.next_at, schedule.last_at, schedule.last_job) == (START + 60, START + 0.5, fired.job.id)
        assert await scene.claim_ids() == [fired.job.id]
        assert await scene.store.fire("none", at=START, next_at=START + 60, job=scene.new()) is None

    async def test_a_time_that_is_left_out(self, scene: Scene) -> None:
        await scene.store.put_schedule(DAILY)
        await scene.store.fire("daily", at=DAILY.next_at, next_at=START + 60, job=scene.new())
        assert await scene.store.fire("daily", at=START + 60, next_at=START + 120, job=None) is None
        (schedule,) = await scene.store.schedules()
        assert (schedule.next_at, schedule.last_at, schedule.last_job) == (START + 120, START + 60, None)
        assert len(await scene.claim_ids()) == 1

    async def test_a_job_that_is_refused(self, scene: Scene) -> None:
        """It is answered, and the schedule goes on."""
        await scene.store.put_schedule(DAILY)
        job = scene.new(quotas=(Limit("q", 0),))
        assert isinstance(await scene.store.fire("daily", at=DAILY.next_at, next_at=START + 60, job=job), LimitReached)
        (schedule,) = await scene.store.schedules()
        assert (schedule.next_at, schedule.last_at, schedule.last_job) == (START + 60, START + 0.5, None)

    async def test_dropping(self, scene: Scene) -> None:
        await scene.store.put_schedule(DAILY)
        assert await scene.store.drop_schedule("daily") is True
        assert await scene.store.drop_schedule("daily") is False
        assert await scene.store.schedules() == []
        assert await scene.store.fire("daily", at=DAILY.next_at, next_at=START + 60, job=scene.new()) is None
