"""Every verb from every status with every lease: the table of `job.py`, walked."""

# An assertion is what a test is made of, and which exception is raised is part of what is tested.
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from accepted.errors import JobGone, JobNotFound, LeaseLost, WrongState
from accepted.job import TERMINAL, TRANSITIONS, EventDraft, Kind, Lease, Progress, Status, StepStatus, Verb
from accepted.stores.base import Store
from accepted.stores.conformance.scene import ERROR, LEASE, START, Scene, accepted

Do = Callable[[Store, str, Lease], Awaitable[Any]]

VERBS: Final[dict[str, tuple[Verb, Do]]] = {
    "claim": (
        Verb.CLAIM,
        lambda s, *_: s.claim("w", queues=["default"], tasks=[f"only-{n}" for n in range(9)], limit=9, lease=LEASE),
    ),
    "complete": (Verb.COMPLETE, lambda s, _, lease: s.complete(lease, b'{"ok":true}')),
    "fail": (Verb.FAIL, lambda s, _, lease: s.fail(lease, ERROR)),
    "retry_later": (
        Verb.RETRY_LATER,
        lambda s, _, lease: s.retry_later(lease, ERROR, at=START + 500, reason="error"),
    ),
    "interrupt": (Verb.INTERRUPT, lambda s, _, lease: s.interrupt(lease, "interrupted")),
    "lose": (Verb.LOSE, lambda s, _, lease: s.lose(lease, error=None)),
    "lose for good": (Verb.LOSE, lambda s, _, lease: s.lose(lease, error=ERROR)),
    "request_cancel": (Verb.CANCEL, lambda s, job_id, _: s.request_cancel(job_id, "enough")),
    "cancel": (Verb.CANCEL, lambda s, _, lease: s.cancel(lease, "enough")),
    "expire": (Verb.EXPIRE, lambda s, *_: s.expire(10, ERROR)),
    "retry": (Verb.RETRY, lambda s, job_id, _: s.retry(job_id)),
}
"""Each way to do a verb. Submitting makes its own job, and has cases of its own."""

LEASED: Final = frozenset({"complete", "fail", "retry_later", "interrupt", "lose", "lose for good", "cancel"})
"""Those that take a lease."""

OUTCOMES: Final[dict[str, Status]] = {
    "claim": Status.RUNNING,
    "complete": Status.COMPLETED,
    "fail": Status.FAILED,
    "retry_later": Status.PENDING,
    "interrupt": Status.PENDING,
    "lose": Status.PENDING,
    "lose for good": Status.FAILED,
    "request_cancel": Status.CANCELLED,
    "cancel": Status.CANCELLED,
    "expire": Status.FAILED,
    "retry": Status.PENDING,
}


def _legal(way: str, status: Status, lease: str) -> bool:
    verb, _ = VERBS[way]
    if status not in TRANSITIONS[verb].sources:
        return False
    if way in LEASED:
        return status is Status.RUNNING and lease == "right"
    return not (way == "request_cancel" and status is Status.RUNNING)


class Transitions:
    @pytest.mark.parametrize("lease", ["right", "older", "newer"])
    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize("way", list(VERBS))
    async def test_every_verb_from_every_status(self, scene: Scene, way: str, status: Status, lease: str) -> None:
        verb, do = VERBS[way]
        job_id, held = await scene.job(status, deadline_at=START + 100)
        held = Lease(job_id, held.token + {"right": 0, "older": -1, "newer": 1}[lease], held.worker)
        if verb in (Verb.LOSE, Verb.EXPIRE):
            scene.clock.advance(200)
        before = await scene.see(job_id)
        error: Exception | None = None
        try:
            await do(scene.store, job_id, held)
        except (LeaseLost, WrongState) as raised:
            error = raised
        after = await scene.see(job_id)

        if _legal(way, status, lease):
            assert error is None
            assert after.record.status is OUTCOMES[way]
            assert after.record.status in TRANSITIONS[verb].targets
            self._one_event(before.events, after.events, after.record.seq)
            assert after.events[-1].kind.value == after.record.status.value
        elif way == "request_cancel" and status is Status.RUNNING:
            assert after.record.status is Status.RUNNING
            assert after.record.cancel_requested_at == scene.clock()
            self._one_event(before.events, after.events, after.record.seq)
            assert after.events[-1].kind is Kind.CANCELLING
        else:
            assert after == before, "nothing may be written"
            expected = LeaseLost if way in LEASED else WrongState if way == "retry" else None
            assert type(error) is expected if expected else error is None

    @staticmethod
    def _one_event(before: Any, after: Any, seq: int) -> None:
        assert after[:-1] == before
        assert [event.seq for event in after] == list(range(1, seq + 1))

    async def test_what_is_removed(self, scene: Scene) -> None:
        job_id, _ = await scene.job(Status.RUNNING)
        assert not await scene.store.removed(job_id)
        await scene.store.delete(job_id, "deleted")
        assert await scene.store.removed(job_id)
        assert await scene.store.removed("never-was")

    @pytest.mark.parametrize("status", list(Status))
    @pytest.mark.parametrize("lease", ["right", "older", "newer"])
    async def test_only_the_holder_of_a_running_job_may_report(self, scene: Scene, status: Status, lease: str) -> None:
        job_id, held = await scene.job(status)
        held = Lease(job_id, held.token + {"right": 0, "older": -1, "newer": 1}[lease], held.worker)
        store = scene.store
        before = await scene.see(job_id)
        writes: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.report(held, [EventDraft(Kind.LOG, {"message": "x"})], progress=Progress(5), cost=1.0),
            lambda: store.start_step(held, "k", "step"),
            lambda: store.finish_step(held, "k", "step", b"1"),
            lambda: store.fail_step(held, "l", "other", ERROR),
        ]
        if status is Status.RUNNING and lease == "right":
            for write in writes:
                await write()
            after = await scene.see(job_id)
            assert after.record.seq == before.record.seq + len(writes)
            assert [event.seq for event in after.events] == list(range(1, after.record.seq + 1))
            return
        for write in writes:
            with pytest.raises(LeaseLost) as raised:
                await write()
            assert (raised.value.job_id, raised.value.token) == (job_id, held.token)
        assert await scene.see(job_id) == before
        assert await store.steps(job_id) == []

    async def test_what_is_not_there_cannot_be_changed(self, scene: Scene) -> None:
        store = scene.store
        removed = await scene.submit_one()
        await store.delete(removed.id, "enough")
        for job_id, error in (("no-such-job", JobNotFound), (removed.id, JobGone)):
            for act in (
                store.get(job_id),
                store.events(job_id),
                store.request_cancel(job_id, "x"),
                store.retry(job_id),
                store.delete(job_id, "x"),
            ):
                with pytest.raises(error):
                    await act
            with pytest.raises(LeaseLost):
                await store.complete(Lease(job_id, 1, "w"), None)

    # ── what each leaves behind ──────────────────────────────────────────────────────────────────────

    async def test_submit_and_claim(self, scene: Scene) -> None:
        job = await scene.submit_one(owner="ann", priority=3)
        assert (job.status, job.seq, job.attempt, job.token) == (Status.PENDING, 1, 0, 0)
        assert job.submitted_at == job.scheduled_at == scene.clock()
        scene.clock.advance(1)
        (claimed,) = await scene.claim(worker="w1")
        job = claimed.job
        assert (job.status, job.seq, job.attempt, job.token, job.worker) == (Status.RUNNING, 2, 1, 1, "w1")
        assert job.started_at == scene.clock()
        assert job.lease_expires_at == scene.clock() + LEASE
        assert job.lease == Lease(job.id, 1, "w1")
        assert job == await scene.store.get(job.id)
        events = (await scene.store.events(job.id)).events
        assert [(event.kind, event.attempt, json.loads(event.data)) for event in events] == [
            (Kind.PENDING, 0, {"reason": "submitted"}),
            (Kind.RUNNING, 1, {"worker": "w1"}),
        ]
        assert [event.at for event in events] == [START, START + 1]

    async def test_complete(self, scene: Scene) -> None:
        job = await scene.running(retention=500.0)
        scene.clock.advance(2)
        await scene.store.complete(job.lease, b'{"n": 1.50}')
        job = await scene.store.get(job.id)
        assert (job.result, job.result_blob, job.error) == (b'{"n": 1.50}', None, None), "the very bytes"
        assert (job.finished_at, job.expires_at) == (scene.clock(), scene.clock() + 500)
        assert (job.worker, job.lease_expires_at) == (None, None)

    async def test_complete_with_a_blob(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.complete(job.lease, None, result_blob="result.json")
        job = await scene.store.get(job.id)
        assert (job.result, job.result_blob) == (None, "result.json")

    async def test_fail(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.fail(job.lease, ERROR)
        seen = await scene.see(job.id)
        assert seen.record.error == ERROR
        assert json.loads(seen.events[-1].data) == {"error": ERROR}

    async def test_retry_later(self, scene: Scene) -> None:
        job = await scene.running()
        became = await scene.store.retry_later(job.lease, ERROR, at=scene.clock() + 60, reason="timeout")
        seen = await scene.see(job.id)
        assert became is seen.record.status is Status.PENDING
        assert (seen.record.failures, seen.record.attempt, seen.record.scheduled_at) == (1, 1, START + 60)
        data = json.loads(seen.events[-1].data)
        assert (data["reason"], data["error"]) == ("timeout", ERROR)
        assert data["at"].startswith("2025-10-09T08:54:20")
        assert await scene.claim_ids(tasks=[job.task]) == []
        scene.clock.advance(60)
        (again,) = await scene.claim(tasks=[job.task])
        assert (again.job.attempt, again.job.token, again.job.progress.percent) == (2, 2, None)

    async def test_interrupt(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.report(job.lease, [], progress=Progress(percent=40.0, message="so far"))
        assert await scene.store.interrupt(job.lease, "interrupted") is Status.PENDING
        assert (await scene.store.get(job.id)).attempt == 0, "it does not count"
        (again,) = await scene.claim(tasks=[job.task])
        assert (again.job.attempt, again.job.token, again.job.failures, again.job.losses) == (1, 2, 0, 0)
        assert (again.job.progress.percent, again.job.progress.message) == (40.0, "so far")

    async def test_lose(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.report(job.lease, [], progress=Progress(percent=40.0))
        scene.clock.advance(LEASE + 1)
        assert await scene.store.lose(job.lease, error=None) is Status.PENDING
        seen = await scene.see(job.id)
        assert (seen.record.losses, seen.record.failures) == (1, 0)
        assert json.loads(seen.events[-1].data)["reason"] == "lost"
        (again,) = await scene.claim(tasks=[job.task])
        assert (again.job.attempt, again.job.progress.percent) == (2, None)
        with pytest.raises(LeaseLost):
            await scene.store.complete(job.lease, b"1")
        await scene.store.finish_step(again.job.lease, "k", "step", b"1")
        assert (await scene.store.get(job.id)).losses == 0, "it came further"

    async def test_lose_for_good(self, scene: Scene) -> None:
        job = await scene.running()
        scene.clock.advance(LEASE + 1)
        assert await scene.store.lose(job.lease, error=ERROR) is Status.FAILED
        job = await scene.store.get(job.id)
        assert (job.error, job.losses) == (ERROR, 1)

    async def test_a_job_that_is_not_lost_cannot_be_lost(self, scene: Scene) -> None:
        job = await scene.running()
        scene.clock.advance(LEASE - 1)
        with pytest.raises(LeaseLost):
            await scene.store.lose(job.lease, error=None)

    @pytest.mark.parametrize("way", ["retry_later", "interrupt", "lose", "lose for good"])
    async def test_whoever_asked_to_cancel_gets_it(self, scene: Scene, way: str) -> None:
        job = await scene.running()
        await scene.store.request_cancel(job.id, "enough")
        scene.clock.advance(LEASE + 1)
        assert await VERBS[way][1](scene.store, job.id, job.lease) is Status.CANCELLED
        seen = await scene.see(job.id)
        assert (seen.record.status, seen.record.cancel_reason) == (Status.CANCELLED, "enough")
        assert json.loads(seen.events[-1].data) == {"reason": "enough"}

    async def test_words_that_no_database_likes(self, scene: Scene) -> None:
        """Reasons and names of steps may come from anywhere: kept as well as can be, refused never."""
        odd = "half \ud800, nul \0, quote ' \" \\"
        job = await scene.running()
        await scene.store.start_step(job.lease, "k", odd)
        await scene.store.request_cancel(job.id, odd)
        await scene.store.interrupt(job.lease, odd)
        seen = await scene.see(job.id)
        assert seen.record.cancel_reason is not None
        assert seen.record.cancel_reason.endswith("quote ' \" \\")
        failing = await scene.running()
        error = {"detail": odd, "number": 1.5, "none": None}
        await scene.store.fail(failing.lease, error)
        assert (await scene.store.get(failing.id)).error == error
        await scene.store.delete(failing.id, odd)
        with pytest.raises(JobGone):
            await scene.store.get(failing.id)

    async def test_a_cancel_is_asked_for_once(self, scene: Scene) -> None:
        job = await scene.running()
        first = await scene.store.request_cancel(job.id, "enough")
        scene.clock.advance(1)
        assert await scene.store.request_cancel(job.id, "really") == first
        assert (first.cancel_requested_at, first.cancel_reason) == (START, "enough")
        await scene.store.complete(job.lease, b"1")
        assert (await scene.store.get(job.id)).status is Status.COMPLETED, "it may still complete"

    @pytest.mark.parametrize("status", sorted(TERMINAL))
    async def test_retry(self, scene: Scene, status: Status) -> None:
        job = await scene.running(deadline_at=START + 100)
        await scene.store.finish_step(job.lease, "k", "step", b"1")
        if status is Status.COMPLETED:
            await scene.store.complete(job.lease, b"1")
        elif status is Status.FAILED:
            await scene.store.fail(job.lease, ERROR)
        else:
            await scene.store.cancel(job.lease, "enough")
        scene.clock.advance(500)
        again = await scene.store.retry(job.id)
        assert again == await scene.store.get(job.id)
        assert (again.status, again.failures, again.losses) == (Status.PENDING, 0, 0)
        assert (again.result, again.error, again.finished_at, again.expires_at) == (None, None, None, None)
        assert (again.cancel_requested_at, again.cancel_reason) == (None, None)
        assert again.deadline_at == START + 600, "as much time as at first"
        (claimed,) = await scene.claim(tasks=[job.task])
        assert (claimed.job.attempt, claimed.job.token) == (2, 2)
        assert bool(claimed.steps) is (status is not Status.COMPLETED)
        await scene.store.complete(claimed.job.lease, b"2")
        assert (await scene.store.get(job.id)).result == b"2"

    async def test_retried_again_it_has_as_much_time_as_at_first(self, scene: Scene) -> None:
        job = await scene.submit_one(deadline_at=START + 100)
        for at in (30, 90, 500):
            await scene.store.request_cancel(job.id, "enough")
            scene.clock.now = START + at
            assert (await scene.store.retry(job.id)).deadline_at == START + at + 100

    @pytest.mark.parametrize("status", list(Status))
    async def test_delete(self, scene: Scene, status: Status) -> None:
        job_id, lease = await scene.job(status, owner="ann")
        before = await scene.store.get(job_id)
        assert await scene.store.delete(job_id, "enough") == before
        with pytest.raises(JobGone) as gone:
            await scene.store.get(job_id)
        assert (gone.value.owner, gone.value.at, gone.value.reason) == ("ann", START, "enough")
        with pytest.raises(LeaseLost):
            await scene.store.complete(lease, b"1")
        assert await scene.store.steps(job_id) == []

    async def test_deadline_that_cancels(self, scene: Scene) -> None:
        failing = await scene.submit_one(deadline_at=START + 10)
        cancelling = await scene.submit_one(deadline_at=START + 10, deadline_cancels=True)
        later = await scene.submit_one(deadline_at=START + 20)
        scene.clock.advance(15)
        assert await scene.store.expire(10, ERROR) == 2
        assert (await scene.store.get(failing.id)).error == ERROR
        assert (await scene.store.get(cancelling.id)).status is Status.CANCELLED
        assert (await scene.store.get(later.id)).status is Status.PENDING

    async def test_a_deadline_leaves_the_losses_as_they_were(self, scene: Scene) -> None:
        job = await scene.running(deadline_at=START + LEASE + 10)
        scene.clock.advance(LEASE + 1)
        await scene.store.lose(job.lease, error=None)
        scene.clock.advance(10)
        assert await scene.store.expire(10, ERROR) == 1
        over = await scene.store.get(job.id)
        assert (over.status, over.losses) == (Status.FAILED, 1)

    # ── steps and reports ────────────────────────────────────────────────────────────────────────────

    async def test_report(self, scene: Scene) -> None:
        job = await scene.running()
        progress = Progress(percent=12.5, message="“häppy” \ud800 \0", current=1, total=8, unit="pages")
        drafts = [EventDraft(Kind.PROGRESS, progress.data()), EventDraft(Kind.LOG, {"message": "line\nline \0 \ud800"})]
        assert await scene.store.report(job.lease, drafts, progress=progress, cost=0.25) == 4
        assert await scene.store.report(job.lease, [], cost=0.5) == 4
        seen = await scene.see(job.id)
        assert seen.record.progress.data() == progress.data()
        assert seen.record.progress.reported_at == scene.clock()
        assert seen.record.cost == 0.75
        assert [json.loads(event.data) for event in seen.events[2:]] == [draft.data for draft in drafts]

    async def test_steps(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.start_step(job.lease, "k1", "first")
        scene.clock.advance(1)
        await scene.store.finish_step(job.lease, "k1", "first", b'{"n": 1}')
        await scene.store.start_step(job.lease, "k2", "second")
        await scene.store.fail_step(job.lease, "k2", "second", ERROR)
        await scene.store.start_step(job.lease, "k0", "third")
        steps = await scene.store.steps(job.id)
        assert [(step.key, step.name, step.status, step.result) for step in steps] == [
            ("k1", "first", StepStatus.COMPLETED, b'{"n": 1}'),
            ("k2", "second", StepStatus.FAILED, None),
            ("k0", "third", StepStatus.RUNNING, None),
        ]
        assert (steps[0].started_at, steps[0].finished_at) == (START, START + 1)
        events = (await scene.store.events(job.id, after=2)).events
        assert [(e.kind, json.loads(e.data)["name"], json.loads(e.data)["status"]) for e in events] == [
            (Kind.STEP, "first", "running"),
            (Kind.STEP, "first", "completed"),
            (Kind.STEP, "second", "running"),
            (Kind.STEP, "second", "failed"),
            (Kind.STEP, "third", "running"),
        ]
        assert json.loads(events[3].data)["error"] == ERROR
        await scene.store.interrupt(job.lease, "interrupted")
        (again,) = await scene.claim(tasks=[job.task])
        assert dict(again.steps) == {"k1": steps[0]}, "those that need not run again"
        await scene.store.start_step(again.job.lease, "k2", "second")
        assert [step.key for step in await scene.store.steps(job.id)] == ["k1", "k2", "k0"]

    async def test_calls_of_one_caller_keep_their_order(self, scene: Scene) -> None:
        job, other = await scene.running(), await scene.running()
        calls = [scene.store.report(job.lease, [EventDraft(Kind.LOG, {"n": n})]) for n in range(20)]
        seqs = await asyncio.gather(
            *calls,
            scene.store.complete(other.lease, None),
            scene.store.complete(job.lease, b"1"),
            scene.store.report(job.lease, [EventDraft(Kind.LOG, {"n": 20})]),
            return_exceptions=True,
        )
        assert seqs[:20] == list(range(3, 23))
        assert isinstance(seqs[-1], LeaseLost)
        logged = [json.loads(e.data)["n"] for e in (await scene.see(job.id)).events if e.kind is Kind.LOG]
        assert logged == list(range(20))

    async def test_an_attempt_ends_once(self, scene: Scene) -> None:
        job = await scene.running()
        ends = await asyncio.gather(
            scene.store.complete(job.lease, b"1"),
            scene.store.complete(job.lease, b"2"),
            scene.store.fail(job.lease, ERROR),
            scene.store.interrupt(job.lease, "interrupted"),
            return_exceptions=True,
        )
        assert [type(end) for end in ends] == [type(None), LeaseLost, LeaseLost, LeaseLost]
        assert await scene.kinds(job.id) == ["pending", "running", "completed"]
        assert (await scene.store.get(job.id)).result == b"1"

    async def test_a_crowd(self, scene: Scene) -> None:
        """Two hundred callers at once: each job once, each event in its place, one failure nobody else's."""
        answers = await asyncio.gather(*(scene.store.submit([scene.new()]) for _ in range(200)))
        ids = {accepted(answer).job.id for (answer,) in answers}
        claims = await asyncio.gather(*(scene.claim(30, worker=f"w{n}") for n in range(10)))
        jobs = [claimed.job for claim in claims for claimed in claim]
        assert sorted(job.id for job in jobs) == sorted(ids)
        ends = await asyncio.gather(
            *(scene.store.complete(job.lease, b"1") for job in jobs),
            *(scene.store.complete(Lease(job.id, 7, "thief"), b"2") for job in jobs[:50]),
            return_exceptions=True,
        )
        assert ends[:200] == [None] * 200
        assert {type(end) for end in ends[200:]} == {LeaseLost}
        for job_id in ids:
            assert await scene.kinds(job_id) == ["pending", "running", "completed"]
