"""Rates: how many start, and how many come in, in any period; and many jobs under many limits at once."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from typing import Any

import pytest

from accepted.errors import LimitReached
from accepted.job import IdempotencyKey, Limit, Rate
from accepted.stores.base import Change, Claimed
from accepted.stores.conformance.scene import ERROR, LEASE, START, Scene, limits, wait_until


def rate(at_most: int, per: float, key: str = "pace:t") -> tuple[Rate, ...]:
    return (Rate(key, at_most, per),)


class Pacing:
    async def test_the_first_start_at_once_and_the_rest_in_their_time(self, scene: Scene) -> None:
        paces = rate(2, 10)
        jobs = await scene.submit(*(scene.new(paces=paces) for _ in range(5)))
        assert [job.waiting_for for job in jobs] == [None, None, "pace:t", "pace:t", "pace:t"]
        assert jobs[4] == await scene.store.get(jobs[4].id)
        claim = await scene.claim_all(1)
        assert [claimed.job.id for claimed in claim.jobs] == [jobs[0].id]
        scene.clock.advance(4)
        claim = await scene.claim_all()
        assert [claimed.job.id for claimed in claim.jobs] == [jobs[1].id]
        assert claim.next_at == START + 10
        scene.clock.advance(5.999)
        assert await scene.claim_ids() == []
        scene.clock.advance(0.001)
        claim = await scene.claim_all()
        assert [claimed.job.id for claimed in claim.jobs] == [jobs[2].id]
        assert claim.next_at == START + 14
        scene.clock.advance(4)
        claim = await scene.claim_all()
        assert [claimed.job.id for claimed in claim.jobs] == [jobs[3].id]
        scene.clock.advance(6)
        claim = await scene.claim_all()
        assert ([claimed.job.id for claimed in claim.jobs], claim.next_at) == ([jobs[4].id], None)

    async def test_ready_jobs_may_all_start_at_the_same_moment(self, scene: Scene) -> None:
        """However long they wait for a worker: places are not used up by time."""
        await scene.submit(*(scene.new(paces=rate(3, 1)) for _ in range(9)))
        claim = await scene.claim_all(tasks=["other"])
        assert claim.next_at is None, "no time is known while none has started"
        scene.clock.advance(100)
        assert len(await scene.claim_ids()) == 3
        scene.clock.advance(1)
        assert len(await scene.claim_ids()) == 3

    async def test_a_start_tells_sleeping_workers_when_the_next_may(self, scene: Scene) -> None:
        heard: list[Change] = []
        await scene.submit(*(scene.new(paces=rate(1, 5)) for _ in range(2)))
        scene.store.listen(heard.append)
        await scene.claim()
        await wait_until(lambda: any(change.ready for change in heard))
        assert (await scene.claim_all(tasks=["other"])).next_at == START + 5

    async def test_a_place_that_is_given_back_is_handed_on(self, scene: Scene) -> None:
        first, second, third = await scene.submit(*(scene.new(paces=rate(1, 5)) for _ in range(3)))
        await scene.store.request_cancel(second.id, "enough")
        await scene.store.request_cancel(first.id, "enough")
        assert await scene.claim_ids() == [third.id]

    @pytest.mark.parametrize("way", ["delete", "expire"])
    async def test_it_is_handed_on_whoever_gives_it_back(self, scene: Scene, way: str) -> None:
        first = await scene.submit_one(paces=rate(1, 5), deadline_at=START + 1)
        second = await scene.submit_one(paces=rate(1, 5))
        scene.clock.advance(1)
        if way == "delete":
            await scene.store.delete(first.id, "enough")
        else:
            await scene.store.expire(10, ERROR)
        assert await scene.claim_ids() == [second.id]

    @pytest.mark.parametrize("way", ["cancel", "delete", "expire"])
    async def test_nobody_stands_behind_one_who_has_left(self, scene: Scene, way: str) -> None:
        _, held = await scene.submit(*(scene.new(paces=rate(1, 5), deadline_at=START + 1) for _ in range(2)))
        await scene.claim()
        scene.clock.advance(1)
        if way == "cancel":
            await scene.store.request_cancel(held.id, "enough")
        elif way == "delete":
            await scene.store.delete(held.id, "enough")
        else:
            await scene.store.expire(10, ERROR)
        scene.clock.advance(4)
        assert (await scene.submit_one(paces=rate(1, 5))).waiting_for is None

    @pytest.mark.parametrize("way", ["interrupt", "lose"])
    async def test_an_interrupted_one_goes_on_at_once_and_is_counted(self, scene: Scene, way: str) -> None:
        job = await scene.running(paces=rate(2, 100))
        other = await scene.submit_one(paces=rate(2, 100))
        held = await scene.submit_one(paces=rate(2, 100))
        assert await scene.claim_ids() == [other.id]
        scene.clock.advance(50)
        if way == "interrupt":
            await scene.store.interrupt(job.lease, "interrupted")
        else:
            await scene.store.lose(job.lease, error=None)
        assert await scene.claim_ids(tasks=[job.task]) == [job.id]
        scene.clock.advance(50)
        assert await scene.claim_ids() == [held.id], "the starts at 0 have left the window, the one at 50 has not"
        late = await scene.submit_one(paces=rate(2, 100))
        assert await scene.claim_ids() == []
        scene.clock.advance(50)
        assert await scene.claim_ids() == [late.id]

    async def test_a_retry_is_a_start(self, scene: Scene) -> None:
        job = await scene.running(paces=rate(1, 10))
        await scene.store.retry_later(job.lease, ERROR, at=START + 5, reason="error")
        scene.clock.advance(5)
        assert (await scene.claim_all(tasks=[job.task])).next_at == START + 10
        assert (await scene.store.get(job.id)).waiting_for == "pace:t"
        scene.clock.advance(5)
        (claimed,) = await scene.claim(tasks=[job.task])
        await scene.store.fail(claimed.job.lease, ERROR)
        assert (await scene.store.retry(job.id)).waiting_for == "pace:t"
        scene.clock.advance(10)
        assert await scene.claim_ids(tasks=[job.task]) == [job.id]

    async def test_nobody_overtakes_those_who_wait(self, scene: Scene) -> None:
        """A job that comes when the time has come stands behind those that waited for it; one of higher priority does
        not."""
        await scene.running(paces=rate(1, 10))
        first = await scene.submit_one(paces=rate(1, 10))
        scene.clock.advance(10)
        second = await scene.submit_one(paces=rate(1, 10))
        urgent = await scene.submit_one(paces=rate(1, 10), priority=5)
        order = []
        for _ in range(3):
            order += await scene.claim_ids()
            scene.clock.advance(10)
        assert order == [urgent.id, first.id, second.id]

    async def test_slot_and_pace(self, scene: Scene) -> None:
        """A job needs both, and holds neither while it waits: in the end all have run, and none too early."""
        needed: dict[str, Any] = {"slots": limits("slot", at_most=2), "paces": rate(3, 10)}
        jobs = await scene.submit(*(scene.new(**needed) for _ in range(5)))
        assert [job.waiting_for for job in jobs] == [None, None, "slot", "slot", "slot"]
        one, two = await scene.claim()
        await scene.store.complete(one.job.lease, None)
        await scene.store.complete(two.job.lease, None)
        assert [(await scene.store.get(job.id)).waiting_for for job in jobs[2:]] == [None, "pace:t", "pace:t"]
        (three,) = await scene.claim()
        free = await scene.submit_one(slots=limits("slot", at_most=2))
        assert free.waiting_for is None, "who waits for the pace holds no slot"
        scene.clock.advance(10)
        assert await scene.claim_ids() == [free.id]
        assert (await scene.store.get(jobs[3].id)).waiting_for == "slot"
        await scene.store.complete(three.job.lease, None)
        assert await scene.claim_ids() == [jobs[3].id]

    async def test_a_pace_and_a_slot_of_the_same_name(self, scene: Scene) -> None:
        needed: dict[str, Any] = {"slots": limits("same"), "paces": rate(1, 10, "same")}
        first, second = await scene.submit(*(scene.new(**needed) for _ in range(2)))
        (claimed,) = await scene.claim()
        assert claimed.job.id == first.id
        assert (await scene.store.waiting(second)).per is None
        await scene.store.complete(claimed.job.lease, None)
        assert (await scene.store.waiting(second)).per == 10
        assert await scene.claim_ids() == []
        scene.clock.advance(10)
        assert await scene.claim_ids() == [second.id]

    async def test_each_job_by_its_own_numbers(self, scene: Scene) -> None:
        """After a deploy that changed the rate, jobs of before and after it share the key."""
        await scene.submit(*(scene.new(paces=rate(1, 10)) for _ in range(2)))
        assert len(await scene.claim_ids()) == 1
        more = await scene.submit_one(paces=rate(5, 10))
        assert more.waiting_for == "pace:t", "it stands behind the one that waits"
        scene.clock.advance(10)
        assert len(await scene.claim_ids()) == 2

    async def test_why_it_waits_for_a_pace(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(paces=rate(2, 60)) for _ in range(3)))
        await scene.claim()
        scene.clock.advance(20)
        held = await scene.submit_one(paces=rate(2, 60))
        waiting = await scene.store.waiting(held)
        assert (waiting.held_by, waiting.used, waiting.at_most, waiting.per) == ("pace:t", 2, 2, 60)
        assert (waiting.resets_at, waiting.position) == (START + 60, None)
        scene.clock.advance(500)
        ready = await scene.submit_one()
        assert (await scene.store.waiting(ready)).per is None

    async def test_a_clock_that_is_set_back(self, scene: Scene) -> None:
        """A start that seems to come counts as now: nobody waits for the clock to catch up."""
        await scene.submit(*(scene.new(paces=rate(1, 10)) for _ in range(3)))
        assert len(await scene.claim_ids()) == 1
        scene.clock.advance(-86_400)
        claim = await scene.claim_all()
        assert (list(claim.jobs), claim.next_at) == ([], START - 86_390)
        scene.clock.advance(10)
        assert len(await scene.claim_ids()) == 1
        scene.clock.advance(10)
        assert len(await scene.claim_ids()) == 1

    @pytest.mark.parametrize("seed", range(3))
    async def test_no_period_however_it_is_cut_sees_more(self, scene: Scene, seed: int) -> None:
        """A random history of many owners and keys, of interruptions, retries and cancels: at no time are there more
        starts in the period, or jobs at once, than the limits say; and in the end every job is over."""
        chance = random.Random(seed)  # noqa: S311
        history = _History()
        waiting = 120
        for n in range(waiting):
            owner, key = f"o{n % 5}", f"k{n % 7}"
            job = await scene.submit_one(
                owner=owner,
                slots=(Limit("task", 6), Limit(owner, 3)),
                paces=(Rate("task", 10, 1.0), Rate(owner, 4, 1.5), Rate(key, 1, 0.25)),
            )
            history.needs[job.id] = ("task", owner, key)
        running: list[Claimed] = []
        for _ in range(3000):
            for claimed in await scene.claim(chance.randint(1, 5)):
                history.started(claimed, scene.clock())
                running.append(claimed)
            assert len(running) <= 6
            for claimed in running[: chance.randint(0, 3)]:
                running.remove(claimed)
                if chance.random() < 0.2:
                    await scene.store.retry_later(claimed.job.lease, ERROR, at=scene.clock() + 0.3, reason="error")
                else:
                    await scene.store.complete(claimed.job.lease, None)
                    waiting -= 1
            if not waiting:
                break
            scene.clock.advance(chance.choice((0.0, 0.01, 0.1, 0.2)))
        assert waiting == 0
        history.check({"task": (10, 1.0), "o": (4, 1.5), "k": (1, 0.25)})


class _History:
    def __init__(self) -> None:
        self.needs: dict[str, tuple[str, ...]] = {}
        self._starts: dict[str, list[float]] = defaultdict(list)

    def started(self, claimed: Claimed, at: float) -> None:
        for key in self.needs[claimed.job.id]:
            self._starts[key].append(at)

    def check(self, rates: dict[str, tuple[int, float]]) -> None:
        for key, starts in self._starts.items():
            at_most, per = rates.get(key) or rates[key[0]]
            for place, start in enumerate(starts):
                # A microsecond, which is as exact as times are kept.
                assert bisect_left(starts, start + per - 1e-6) - place <= at_most, key


class Admissions:
    async def test_so_many_come_in_in_any_period(self, scene: Scene) -> None:
        admissions = rate(2, 60, "owner:ann")
        await scene.submit_one(admissions=admissions)
        scene.clock.advance(10)
        await scene.submit_one(admissions=admissions)
        scene.clock.advance(5)
        (refused,) = await scene.store.submit([scene.new(admissions=admissions)])
        assert isinstance(refused, LimitReached)
        assert (refused.limit, refused.used, refused.at_most, refused.per) == ("owner:ann", 2, 2, 60)
        assert (refused.resets_at, refused.retry_after) == (START + 60, 45)
        scene.clock.advance(44.999)
        assert isinstance((await scene.store.submit([scene.new(admissions=admissions)]))[0], LimitReached)
        scene.clock.advance(0.001)
        await scene.submit_one(admissions=admissions)
        assert isinstance((await scene.store.submit([scene.new(admissions=admissions)]))[0], LimitReached)
        await scene.submit_one(admissions=rate(2, 60, "owner:bob"))

    async def test_who_is_refused_is_not_counted(self, scene: Scene) -> None:
        """Neither by this rate nor by the other limits, and those that are admitted are."""
        admissions = rate(3, 60)
        full = {"admissions": admissions, "quotas": (Limit("none", 0),)}
        answers = await scene.store.submit(
            [scene.new(**full), scene.new(admissions=admissions), *(scene.new(**full) for _ in range(3))]
        )
        assert [isinstance(answer, LimitReached) for answer in answers] == [True, False, True, True, True]
        batch = [scene.new(admissions=admissions, quotas=limits("q", at_most=9)) for _ in range(5)]
        answers = await scene.store.submit(batch)
        assert [isinstance(answer, LimitReached) for answer in answers] == [False, False, True, True, True]
        for _ in range(7):
            await scene.submit_one(quotas=limits("q", at_most=9))

    async def test_a_repeated_key_is_not_counted(self, scene: Scene) -> None:
        fields: dict[str, Any] = {
            "admissions": rate(1, 60),
            "idempotency": IdempotencyKey("ann /t", "key", "f", START + 100),
        }
        (first,) = await scene.store.submit([scene.new(**fields)])
        again, third = await scene.store.submit([scene.new(**fields), scene.new(admissions=rate(1, 60))])
        assert not isinstance(first, Exception)
        assert not isinstance(again, Exception)
        assert (first.replayed, again.replayed, again.job.id) == (False, True, first.job.id)
        assert isinstance(third, LimitReached)

    async def test_a_retry_by_hand_is_not_counted(self, scene: Scene) -> None:
        job = await scene.running(admissions=rate(1, 60))
        await scene.store.fail(job.lease, ERROR)
        await scene.store.retry(job.id)
        scene.clock.advance(60)
        await scene.submit_one(admissions=rate(1, 60))

    async def test_admission_by_a_clock_that_is_set_back(self, scene: Scene) -> None:
        await scene.submit_one(admissions=rate(1, 60))
        scene.clock.advance(-86_400)
        (refused,) = await scene.store.submit([scene.new(admissions=rate(1, 60))])
        assert isinstance(refused, LimitReached)
        assert refused.retry_after == 60


class Crowds:
    async def test_a_crowd_that_waits_for_one_limit_after_the_other(self, scene: Scene) -> None:
        """One owner has many jobs under two limits that are full in turn, another has few: all run, in fair turns."""
        both = (Limit("task", 2), Limit("owner:many", 1))
        await scene.submit(*(scene.new(owner="many", slots=both) for _ in range(300)))
        few = [
            job.id
            for job in await scene.submit(
                *(scene.new(owner="few", slots=(Limit("task", 2), Limit("owner:few", 1))) for _ in range(20))
            )
        ]
        running = await scene.claim()
        done: list[str] = []
        while running:
            assert len(running) <= 2
            first, running = running[0], running[1:]
            await scene.store.complete(first.job.lease, None)
            done.append(first.job.id)
            running += await scene.claim()
        assert len(done) == 320
        assert set(few) <= set(done[:45])

    async def test_a_line_whose_first_leaves(self, scene: Scene) -> None:
        running = await scene.running(slots=limits("k"))
        held = await scene.submit(*(scene.new(slots=limits("k")) for _ in range(4)))
        urgent = await scene.submit_one(slots=limits("k"), priority=1)
        await scene.store.request_cancel(urgent.id, "enough")
        await scene.store.delete(held[0].id, "enough")
        await scene.store.request_cancel(held[2].id, "enough")
        for wanted in (held[1], held[3]):
            await scene.store.complete(running.lease, None)
            (claimed,) = await scene.claim()
            running = claimed.job
            assert running.id == wanted.id
        await scene.store.complete(running.lease, None)
        assert (await scene.submit_one(slots=limits("k"))).waiting_for is None

    async def test_a_held_one_that_is_lost_and_found(self, scene: Scene) -> None:
        """A lost job keeps its slot; its line goes on waiting until it is over."""
        job = await scene.running(slots=limits("k"))
        held = await scene.submit_one(slots=limits("k"))
        scene.clock.advance(LEASE)
        await scene.store.lose(job.lease, error=None)
        assert (await scene.store.get(held.id)).waiting_for == "k"
        await scene.store.request_cancel(job.id, "enough")
        assert await scene.claim_ids() == [held.id]
