"""Several stores on the same data, as several processes have them; and what is left after the end."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import asyncio

import pytest

from accepted.errors import LeaseLost, StoreError
from accepted.job import EventDraft, Kind, Lease, Limit, Status
from accepted.stores.base import Change
from accepted.stores.conformance.scene import ManualClock, Scene, Subject, wait_until


class Sharing:
    async def test_open_and_close_again(self, subject: Subject, clock: ManualClock) -> None:
        store = subject.make(clock)
        with pytest.raises(StoreError):
            await store.get("x")
        await store.close()
        await store.open()
        await store.open()
        scene = Scene(subject, store, clock)
        job = await scene.submit_one()
        pending = [asyncio.ensure_future(scene.submit_one()) for _ in range(20)]
        await asyncio.sleep(0)
        await store.close()
        await store.close()
        jobs = await asyncio.gather(*pending)
        with pytest.raises(StoreError):
            await store.get(job.id)
        again = subject.make(clock)
        await again.open()
        try:
            if subject.persistent:
                assert await again.get(job.id) == job
                assert [found.id for found in jobs] == [(await again.get(found.id)).id for found in jobs]
        finally:
            await again.close()

    async def test_two_see_each_other(self, subject: Subject, clock: ManualClock) -> None:
        one, two = subject.make(clock), subject.make(clock)
        await one.open()
        await two.open()
        try:
            scene, other = Scene(subject, one, clock), Scene(subject, two, clock)
            assert (await one.secret("s") == await two.secret("s")) is subject.shared
            if subject.shared:
                await self._one_truth(scene, other)
                await self._news(scene, other)
                await self._each_job_once(scene, other)
        finally:
            await one.close()
            await two.close()

    @staticmethod
    async def _one_truth(scene: Scene, other: Scene) -> None:
        job = await scene.submit_one(slots=(Limit("k", 1),), quotas=(Limit("q", 2),))
        assert await other.store.get(job.id) == job
        held = await other.submit_one(slots=(Limit("k", 1),), quotas=(Limit("q", 2),))
        assert held.waiting_for == "k"
        (refused,) = await scene.store.submit([scene.new(quotas=(Limit("q", 2),))])
        assert isinstance(refused, Exception)
        (claimed,) = await other.claim()
        with pytest.raises(LeaseLost):
            await scene.store.complete(Lease(held.id, 0, "w"), None)
        await scene.store.complete(claimed.job.lease, None)
        assert (await other.store.get(job.id)).status is Status.COMPLETED
        assert await scene.claim_ids() == [held.id]

    @staticmethod
    async def _news(scene: Scene, other: Scene) -> None:
        heard: list[Change] = []
        end = other.store.listen(heard.append)
        job = await scene.submit_one()
        await wait_until(lambda: any(change.ready for change in heard))
        (claimed,) = await other.claim()
        heard.clear()
        await scene.store.request_cancel(job.id, "enough")
        await wait_until(lambda: any(change.jobs is None or job.id in change.jobs for change in heard))
        heard.clear()
        await scene.store.report(claimed.job.lease, [EventDraft(Kind.LOG)])
        await wait_until(lambda: any(change.jobs is None or job.id in change.jobs for change in heard))
        await other.store.cancel(claimed.job.lease, "enough")
        end()

    @staticmethod
    async def _each_job_once(scene: Scene, other: Scene) -> None:
        async def work(mine: Scene) -> list[str]:
            done: list[str] = []
            while jobs := await mine.claim(5):
                await asyncio.gather(*(mine.store.complete(claimed.job.lease, b"1") for claimed in jobs))
                done += [claimed.job.id for claimed in jobs]
            return done

        submitted = [*await scene.submit(*(scene.new() for _ in range(60))), *await other.submit(other.new())]
        done = [job_id for part in await asyncio.gather(work(scene), work(other)) for job_id in part]
        assert sorted(done) == sorted(job.id for job in submitted)
