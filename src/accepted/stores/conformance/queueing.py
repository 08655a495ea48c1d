"""Submitting and claiming: admission, idempotency, order, fair turns, limits, delays."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from accepted.errors import IdempotencyMismatch, JobGone, LimitReached
from accepted.job import EventDraft, IdempotencyKey, Kind, Limit, NewJob, Status
from accepted.stores.conformance.scene import ERROR, LEASE, START, Scene, accepted, limits


class Submitting:
    async def test_what_was_given_is_kept(self, scene: Scene) -> None:
        new = scene.new(
            args='{"name": "Zoë 🎉", "quote": "\\"", "nul": "\\u0000", "half": "\\ud800"}'.encode(),
            task="täsk'\";--",
            owner="日本",
            queue="q/1",
            priority=-5,
            scheduled_at=START + 7.25,
            max_retries=3,
            deadline_at=START + 99.5,
            deadline_cancels=True,
            retention=12.5,
        )
        (job,) = await scene.submit(new)
        assert job == await scene.store.get(new.id)
        for field in ("id", "task", "args", "owner", "queue", "priority", "scheduled_at", "max_retries"):
            assert getattr(job, field) == getattr(new, field)
        for field in ("deadline_at", "deadline_cancels", "retention"):
            assert getattr(job, field) == getattr(new, field)
        (event,) = (await scene.store.events(job.id)).events
        assert json.loads(event.data)["at"].startswith("2025-10-09T08:53:27.250")

    async def test_many_megabytes(self, scene: Scene) -> None:
        big = json.dumps({"text": 'x"é\n' * 1_000_000}, ensure_ascii=False).encode()
        job = await scene.submit_one(args=big)
        (claimed,) = await scene.claim()
        assert claimed.job.args == big
        await scene.store.complete(claimed.job.lease, big)
        seen = await scene.store.get(job.id)
        assert seen.args == big
        assert seen.result == big

    async def test_a_batch_keeps_its_order_and_each_item_its_fate(self, scene: Scene) -> None:
        quota = limits("owner:ann", at_most=2)
        batch = [scene.new(quotas=quota) for _ in range(3)] + [scene.new()]
        answers = await scene.store.submit(batch)
        assert [type(answer).__name__ for answer in answers] == ["Submitted", "Submitted", "LimitReached", "Submitted"]
        assert [accepted(answers[n]).job.id for n in (0, 1, 3)] == [batch[n].id for n in (0, 1, 3)]
        refused = answers[2]
        assert isinstance(refused, LimitReached)
        assert (refused.limit, refused.used, refused.at_most) == ("owner:ann", 2, 2)
        assert await scene.claim_ids() == [batch[n].id for n in (0, 1, 3)]
        assert await scene.store.submit([]) == []

    @pytest.mark.parametrize(
        "way", ["complete", "fail", "cancel", "delete", "delete running", "cancel pending", "expire"]
    )
    async def test_quotas_count_jobs_that_are_not_over(self, scene: Scene, way: str) -> None:
        quotas = (Limit("owner:ann", 1), Limit("task:t", 5))
        pending = way in ("delete", "cancel pending", "expire")
        job = await (scene.submit_one if pending else scene.running)(quotas=quotas, deadline_at=START + 5)
        assert isinstance((await scene.store.submit([scene.new(quotas=quotas)]))[0], LimitReached)
        if not pending:
            await scene.store.interrupt(job.lease, "interrupted")
            assert isinstance((await scene.store.submit([scene.new(quotas=quotas)]))[0], LimitReached), "not over"
            (claimed,) = await scene.claim(tasks=[job.task])
            job = claimed.job
        if way == "complete":
            await scene.store.complete(job.lease, None)
        elif way == "fail":
            await scene.store.fail(job.lease, ERROR)
        elif way == "cancel":
            await scene.store.cancel(job.lease, "enough")
        elif way == "expire":
            scene.clock.advance(10)
            await scene.store.expire(1, ERROR)
        elif way == "cancel pending":
            await scene.store.request_cancel(job.id, "enough")
        else:
            await scene.store.delete(job.id, "enough")
        await scene.submit_one(quotas=quotas)

    async def test_retry_needs_its_quota(self, scene: Scene) -> None:
        quotas = limits("owner:ann")
        job = await scene.running(quotas=quotas)
        await scene.store.fail(job.lease, ERROR)
        other = await scene.submit_one(quotas=quotas)
        before = await scene.see(job.id)
        with pytest.raises(LimitReached):
            await scene.store.retry(job.id)
        assert await scene.see(job.id) == before
        await scene.store.delete(other.id, "enough")
        await scene.store.retry(job.id)
        assert isinstance((await scene.store.submit([scene.new(quotas=quotas)]))[0], LimitReached)

    # ── idempotency ──────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _keyed(scene: Scene, fingerprint: str = "f", scope: str = "ann /t", **fields: Any) -> NewJob:
        return scene.new(idempotency=IdempotencyKey(scope, "key", fingerprint, scene.clock() + 100), **fields)

    async def test_same_key_same_job(self, scene: Scene) -> None:
        (first,) = await scene.store.submit([self._keyed(scene, quotas=limits("q"))])
        (second,) = await scene.store.submit([self._keyed(scene, quotas=limits("q"))])
        assert (accepted(first).replayed, accepted(second).replayed) == (False, True)
        assert accepted(second).job == accepted(first).job
        assert len(await scene.claim_ids()) == 1
        (third,) = await scene.store.submit([self._keyed(scene)])
        assert accepted(third).job.status is Status.RUNNING, "the job as it is now"

    async def test_same_key_other_body(self, scene: Scene) -> None:
        _, other = await scene.store.submit([self._keyed(scene), self._keyed(scene, "g")])
        assert isinstance(other, IdempotencyMismatch)
        (elsewhere,) = await scene.store.submit([self._keyed(scene, "g", scope="bob /t")])
        assert not accepted(elsewhere).replayed

    async def test_same_key_at_the_same_time(self, scene: Scene) -> None:
        answers = await asyncio.gather(*(scene.store.submit([self._keyed(scene)]) for _ in range(20)))
        submitted = [accepted(answer) for (answer,) in answers]
        assert len({one.job.id for one in submitted}) == 1
        assert Counter(one.replayed for one in submitted) == {True: 19, False: 1}

    async def test_a_key_lives_its_time(self, scene: Scene) -> None:
        (first,) = await scene.store.submit([self._keyed(scene)])
        scene.clock.advance(100)
        (second,) = await scene.store.submit([self._keyed(scene, "g")])
        assert not accepted(second).replayed
        assert accepted(second).job.id != accepted(first).job.id

    async def test_key_of_a_removed_job(self, scene: Scene) -> None:
        (first,) = await scene.store.submit([self._keyed(scene)])
        await scene.store.delete(accepted(first).job.id, "enough")
        (second,) = await scene.store.submit([self._keyed(scene)])
        assert isinstance(second, JobGone)


class Claiming:
    async def test_order(self, scene: Scene) -> None:
        jobs = await scene.submit(*(scene.new(priority=priority) for priority in (0, 5, -1000, 5, 1000, 0)))
        assert await scene.claim_ids() == [jobs[n].id for n in (4, 1, 3, 0, 5, 2)]

    async def test_only_what_was_asked_for(self, scene: Scene) -> None:
        wanted = [
            await scene.submit_one(task=task, queue=queue) for task in ("t", "u") for queue in ("default", "slow")
        ]
        await scene.submit_one(task="other")
        await scene.submit_one(queue="other")
        assert await scene.claim_ids(3, tasks=["t", "u"], queues=["slow", "default"]) == [job.id for job in wanted[:3]]
        assert await scene.claim_ids(3, tasks=["t", "u"], queues=["slow", "default"]) == [wanted[3].id]
        assert await scene.claim_ids(tasks=[], queues=["default"]) == []
        assert await scene.claim_ids(tasks=["t", "u"], queues=["slow", "default"]) == []

    async def test_delayed(self, scene: Scene) -> None:
        later = await scene.submit_one(scheduled_at=START + 20)
        soon = await scene.submit_one(scheduled_at=START + 10)
        claim = await scene.claim_all()
        assert (list(claim.jobs), claim.next_at) == ([], START + 10)
        scene.clock.advance(10)
        now = await scene.submit_one()
        claim = await scene.claim_all()
        assert sorted(claimed.job.id for claimed in claim.jobs) == sorted([soon.id, now.id])
        assert claim.next_at == START + 20
        scene.clock.advance(10)
        claim = await scene.claim_all()
        assert ([claimed.job.id for claimed in claim.jobs], claim.next_at) == ([later.id], None)

    async def test_many_become_due(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(scheduled_at=START + 1) for _ in range(1500)))
        scene.clock.advance(1)
        taken = 0
        for _ in range(40):
            claim = await scene.claim_all(100)
            taken += len(claim.jobs)
            if claim.next_at is None and not claim.jobs:
                break
        assert taken == 1500

    async def test_interrupted_goes_back_to_its_place(self, scene: Scene) -> None:
        jobs = await scene.submit(*(scene.new() for _ in range(5)))
        claimed = await scene.claim(3)
        await scene.store.interrupt(claimed[1].job.lease, "interrupted")
        assert await scene.claim_ids(2) == [jobs[1].id, jobs[3].id]

    async def test_each_job_once(self, scene: Scene) -> None:
        jobs = await scene.submit(*(scene.new() for _ in range(100)))
        claims = await asyncio.gather(*(scene.claim_ids(7, worker=f"w{n}") for n in range(20)))
        taken = [job_id for claim in claims for job_id in claim]
        assert sorted(taken) == sorted(job.id for job in jobs)

    # ── fair turns ───────────────────────────────────────────────────────────────────────────────────

    async def test_one_job_of_another_owner_is_next(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(owner="many") for _ in range(1000)))
        await scene.claim(100)
        single = await scene.submit_one(owner="one")
        assert single.id in await scene.claim_ids(2)

    async def test_owners_take_turns(self, scene: Scene) -> None:
        for owner in ("a", "b", "c"):
            await scene.submit(*(scene.new(owner=owner) for _ in range(20)))
        for _ in range(10):
            assert Counter(claimed.job.owner for claimed in await scene.claim(6)) == {"a": 2, "b": 2, "c": 2}

    async def test_nobody_saves_turns_up(self, scene: Scene) -> None:
        """Who submits nothing for long gets no more than his share afterwards."""
        await scene.submit(*(scene.new(owner="busy") for _ in range(300)))
        await scene.claim(200)
        await scene.submit(*(scene.new(owner="idle") for _ in range(100)))
        owners = Counter(claimed.job.owner for claimed in await scene.claim(100))
        assert abs(owners["busy"] - owners["idle"]) <= 2

    async def test_turns_across_tasks_and_priorities(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(owner="many", task=f"t{n % 2}") for n in range(400)))
        urgent = await scene.submit_one(owner="many", task="t0", priority=10)
        assert await scene.claim_ids(1, tasks=["t0", "t1"]) == [urgent.id]
        await scene.claim(50, tasks=["t0", "t1"])
        single = await scene.submit_one(owner="one", task="t1")
        assert single.id in await scene.claim_ids(2, tasks=["t0", "t1"])

    async def test_a_worker_with_few_tasks_does_not_disturb_the_turns(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(owner="many", task="t") for _ in range(300)))
        await scene.submit_one(owner="many", task="rare")
        await scene.claim(20, tasks=["t"])
        await scene.claim(1, tasks=["rare"])
        single = await scene.submit_one(owner="one", task="t")
        assert single.id in await scene.claim_ids(2, tasks=["t"])


class Limits:
    async def test_at_most(self, scene: Scene) -> None:
        slots = limits("task:t", at_most=2)
        jobs = await scene.submit(*(scene.new(slots=slots) for _ in range(5)))
        assert [job.waiting_for for job in jobs] == [None, None, "task:t", "task:t", "task:t"]
        assert jobs[4] == await scene.store.get(jobs[4].id)
        first, second = await scene.claim()
        assert await scene.claim_ids() == []
        await scene.store.complete(second.job.lease, None)
        (third,) = await scene.claim()
        assert third.job.id == jobs[2].id, "in their order"
        assert await scene.claim_ids() == []
        await scene.store.complete(first.job.lease, None)
        await scene.store.complete(third.job.lease, None)
        assert await scene.claim_ids() == [jobs[3].id, jobs[4].id]

    @pytest.mark.parametrize("way", ["fail", "cancel", "retry_later", "delete", "lose for good"])
    async def test_a_slot_is_freed(self, scene: Scene, way: str) -> None:
        job = await scene.running(slots=limits("k"))
        waiting = await scene.submit_one(slots=limits("k"))
        assert await scene.claim_ids() == []
        if way == "fail":
            await scene.store.fail(job.lease, ERROR)
        elif way == "cancel":
            await scene.store.cancel(job.lease, "enough")
        elif way == "retry_later":
            await scene.store.retry_later(job.lease, ERROR, at=START + 1, reason="error")
        elif way == "delete":
            await scene.store.delete(job.id, "enough")
        else:
            scene.clock.advance(LEASE + 1)
            await scene.store.lose(job.lease, error=ERROR)
        assert await scene.claim_ids() == [waiting.id]

    async def test_a_ready_job_that_is_cancelled_frees_its_slot(self, scene: Scene) -> None:
        first, second, third = await scene.submit(*(scene.new(slots=limits("k")) for _ in range(3)))
        await scene.store.request_cancel(second.id, "enough")
        await scene.store.request_cancel(first.id, "enough")
        assert await scene.claim_ids() == [third.id]

    @pytest.mark.parametrize("way", ["interrupt", "lose"])
    async def test_a_slot_is_kept(self, scene: Scene, way: str) -> None:
        job = await scene.running(slots=limits("k"))
        await scene.submit_one(slots=limits("k"))
        if way == "interrupt":
            await scene.store.interrupt(job.lease, "interrupted")
        else:
            scene.clock.advance(LEASE + 1)
            await scene.store.lose(job.lease, error=None)
        assert await scene.claim_ids() == []
        assert await scene.claim_ids(tasks=["t", job.task]) == [job.id]

    async def test_several_limits(self, scene: Scene) -> None:
        """A job needs room under all of its limits, and holds none while it waits."""
        both = (Limit("task", 2), Limit("owner:ann", 1))
        first, held = await scene.submit(scene.new(slots=both), scene.new(slots=both))
        bob = await scene.submit_one(slots=(Limit("task", 2), Limit("owner:bob", 1)))
        carl = await scene.submit_one(slots=(Limit("task", 2), Limit("owner:carl", 1)))
        assert (held.waiting_for, bob.waiting_for, carl.waiting_for) == ("owner:ann", None, "task")
        claimed = {one.job.id: one.job for one in await scene.claim()}
        assert set(claimed) == {first.id, bob.id}
        await scene.store.complete(claimed[first.id].lease, None)
        assert await scene.claim_ids() in ([held.id], [carl.id])
        await scene.store.complete(claimed[bob.id].lease, None)
        assert len(await scene.claim_ids()) == 1

    async def test_from_one_limit_to_the_other(self, scene: Scene) -> None:
        """Held by one limit, freed there, held by the next: it is not forgotten on the way."""
        wide, narrow = Limit("wide", 2), Limit("narrow", 1)
        first, second = await scene.submit(scene.new(slots=(wide,)), scene.new(slots=(wide,)))
        waiting = await scene.submit_one(slots=(wide, narrow))
        claimed = {one.job.id: one.job for one in await scene.claim()}
        other = await scene.submit_one(slots=(narrow,))
        (running,) = await scene.claim()
        assert (waiting.waiting_for, running.job.id) == ("wide", other.id)
        await scene.store.complete(claimed[first.id].lease, None)
        assert (await scene.store.get(waiting.id)).waiting_for == "narrow"
        await scene.store.complete(running.job.lease, None)
        assert await scene.claim_ids() == [waiting.id]
        await scene.store.complete(claimed[second.id].lease, None)

    async def test_delayed_jobs_hold_nothing(self, scene: Scene) -> None:
        await scene.submit_one(slots=limits("k"), scheduled_at=START + 10)
        now = await scene.submit_one(slots=limits("k"))
        (running,) = await scene.claim()
        assert running.job.id == now.id
        scene.clock.advance(10)
        assert await scene.claim_ids() == []
        await scene.store.complete(running.job.lease, None)
        assert len(await scene.claim_ids()) == 1

    async def test_turns_under_a_limit(self, scene: Scene) -> None:
        """Those held by a shared limit take turns too."""
        shared = limits("domain:example.org")
        await scene.submit(*(scene.new(owner="many", slots=shared) for _ in range(50)))
        (running,) = await scene.claim()
        single = await scene.submit_one(owner="one", slots=shared)
        order = []
        for _ in range(3):
            await scene.store.complete(running.job.lease, None)
            (running,) = await scene.claim()
            order.append(running.job.id)
        assert single.id in order[:2]

    async def test_a_crowd_under_limits(self, scene: Scene) -> None:
        """Whatever is claimed at once, no limit is ever exceeded, and in the end all have run."""
        for n in range(60):
            await scene.submit_one(slots=(Limit("task", 5), Limit(f"owner:{n % 4}", 2)), owner=f"{n % 4}")
        done = 0
        running: list[Any] = []
        while done < 60:
            running += await scene.claim(4)
            assert 0 < len(running) <= 5
            assert max(Counter(one.job.owner for one in running).values()) <= 2
            finished, running = running[:2], running[2:]
            await asyncio.gather(*(scene.store.complete(one.job.lease, None) for one in finished))
            done += len(finished)

    async def test_why_it_waits(self, scene: Scene) -> None:
        ready = await scene.submit(*(scene.new() for _ in range(3)))
        for position, job in enumerate(ready, 1):
            waiting = await scene.store.waiting(job)
            assert (waiting.position, waiting.held_by, waiting.used, waiting.at_most) == (position, None, None, None)
        running = await scene.running(slots=limits("k"))
        held = await scene.submit_one(slots=limits("k"))
        waiting = await scene.store.waiting(held)
        assert (waiting.position, waiting.held_by, waiting.used, waiting.at_most) == (None, "k", 1, 1)
        delayed = await scene.submit_one(scheduled_at=START + 5)
        assert (await scene.store.waiting(delayed)).position is None
        assert (await scene.store.waiting(running)).position is None
        await scene.store.report(running.lease, [EventDraft(Kind.LOG)])
