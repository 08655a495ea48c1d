"""Removing all that an owner has."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

from typing import Any

import pytest

from accepted.errors import JobGone, LeaseLost
from accepted.job import IdempotencyKey, Status
from accepted.stores.base import Change, JobQuery
from accepted.stores.conformance.pacing import rate
from accepted.stores.conformance.scene import START, Scene, accepted, limits, wait_until


class Removing:
    async def test_all_of_an_owner_in_whatever_state(self, scene: Scene) -> None:
        heard: list[Change] = []
        scene.store.listen(heard.append)
        jobs = [await scene.job(status, owner="ann") for status in Status]
        kept = [await scene.job(status, owner="bob") for status in Status]
        delayed = await scene.submit_one(owner="ann", scheduled_at=START + 5)
        ids = await scene.store.delete_owned("ann", "account closed", limit=100)
        assert sorted(ids) == sorted([delayed.id, *(job_id for job_id, _ in jobs)])
        assert await scene.store.delete_owned("ann", "account closed", limit=100) == []
        for job_id, lease in jobs:
            with pytest.raises(JobGone, match="account closed"):
                await scene.store.get(job_id)
            with pytest.raises(LeaseLost):
                await scene.store.complete(lease, None)
        running = jobs[list(Status).index(Status.RUNNING)][0]
        await wait_until(lambda: any(running in change.cancelling for change in heard))
        page = await scene.store.list(JobQuery(limit=100))
        assert sorted(job.id for job in page.jobs) == sorted(job_id for job_id, _ in kept)

    async def test_a_part_at_a_time(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(owner="ann") for _ in range(25)))
        assert [len(await scene.store.delete_owned("ann", "enough", limit=10)) for _ in range(4)] == [10, 10, 5, 0]

    async def test_only_some(self, scene: Scene) -> None:
        done, _ = await scene.job(Status.COMPLETED, owner="ann")
        failed, _ = await scene.job(Status.FAILED, owner="ann")
        await scene.submit_one(owner="ann", task="t")
        other = await scene.submit_one(owner="ann", task="u")
        ends = frozenset({Status.COMPLETED, Status.FAILED})
        assert sorted(await scene.store.delete_owned("ann", "enough", statuses=ends, limit=9)) == sorted([done, failed])
        assert await scene.store.delete_owned("ann", "enough", statuses=ends, limit=9) == []
        assert await scene.store.delete_owned("ann", "enough", task="u", limit=9) == [other.id]
        assert len(await scene.claim_ids()) == 1

    async def test_what_they_held_is_handed_on(self, scene: Scene) -> None:
        shared: dict[str, Any] = {
            "slots": limits("slot", at_most=2),
            "paces": rate(2, 100),
            "quotas": limits("all", at_most=6),
        }
        await scene.submit(*(scene.new(owner="ann", **shared) for _ in range(4)))
        held = await scene.submit(*(scene.new(owner="bob", **shared) for _ in range(2)))
        assert {job.waiting_for for job in held} == {"slot"}
        await scene.store.delete_owned("ann", "enough", limit=100)
        assert await scene.claim_ids() == [job.id for job in held]
        await scene.submit(*(scene.new(**shared) for _ in range(4)))

    async def test_their_keys_are_forgotten(self, scene: Scene) -> None:
        def keyed(owner: str) -> Any:
            return scene.new(owner=owner, idempotency=IdempotencyKey(f"/t|{owner}", "key", "f", START + 100))

        (first,) = await scene.store.submit([keyed("ann")])
        (other,) = await scene.store.submit([keyed("bob")])
        await scene.store.delete_owned("ann", "enough", limit=100)
        again, replayed = await scene.store.submit([keyed("ann"), keyed("bob")])
        assert not accepted(again).replayed
        assert accepted(again).job.id != accepted(first).job.id
        assert accepted(replayed).job.id == accepted(other).job.id
