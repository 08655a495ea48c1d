"""Watching, insight, upkeep, access: what is seen, what is cleared away, who may come in."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import replace

import pytest

from accepted.errors import BadRequest, JobGone, JobNotFound
from accepted.job import TERMINAL, Artifact, EventDraft, IdempotencyKey, Kind, Status
from accepted.stores.base import ApiKey, Attached, Change, Held, JobQuery, WorkerInfo
from accepted.stores.conformance.scene import ERROR, LEASE, START, Scene, accepted, wait_until


def worker(worker_id: str = "w", *, tasks: tuple[str, ...] = ("t",), concurrency: int = 4) -> WorkerInfo:
    return WorkerInfo(worker_id, socket.gethostname(), os.getpid(), concurrency, tasks, ("default",), START, START)


class Watching:
    async def test_a_glance_shows_what_the_job_shows(self, scene: Scene) -> None:
        delayed = await scene.submit_one(owner="ann", scheduled_at=START + 60)
        for job_id in (delayed.id, *[(await scene.job(status))[0] for status in Status]):
            glance, job = await scene.store.glance(job_id), await scene.store.get(job_id)
            seen = (glance.owner, glance.status, glance.seq, glance.submitted_at, glance.scheduled_at, glance.over)
            assert seen == (job.owner, job.status, job.seq, job.submitted_at, job.scheduled_at, job.over)
        with pytest.raises(JobNotFound):
            await scene.store.glance("no-such-job")

    async def test_events_by_pages(self, scene: Scene) -> None:
        job = await scene.running()
        await scene.store.report(job.lease, [EventDraft(Kind.LOG, {"n": n}) for n in range(20)])
        assert [e.seq for e in (await scene.store.events(job.id, limit=5)).events] == [1, 2, 3, 4, 5]
        assert [e.seq for e in (await scene.store.events(job.id, after=5, limit=3)).events] == [6, 7, 8]
        nothing = await scene.store.events(job.id, after=22)
        assert (list(nothing.events), nothing.first_seq) == ([], 1)
        page = await scene.store.events(job.id, after=20)
        assert [(e.job_id, e.seq, e.kind, e.attempt, json.loads(e.data)) for e in page.events] == [
            (job.id, 21, Kind.LOG, 1, {"n": 18}),
            (job.id, 22, Kind.LOG, 1, {"n": 19}),
        ]
        with pytest.raises(JobNotFound):
            await scene.store.events("no-such-job")

    async def test_events_of_many_jobs(self, scene: Scene) -> None:
        first, second, quiet = await scene.submit(*(scene.new() for _ in range(3)))
        removed = await scene.submit_one()
        await scene.store.delete(removed.id, "enough")
        await scene.store.request_cancel(second.id, "enough")
        found = await scene.store.events_after({first.id: 0, second.id: 0, quiet.id: 1, removed.id: 0, "none": 0})
        assert set(found) == {first.id, second.id, removed.id, "none"}
        assert found[removed.id] is None
        assert found["none"] is None
        pages = {job_id: [e.seq for e in page.events] for job_id, page in found.items() if page is not None}
        assert pages == {first.id: [1], second.id: [1, 2]}
        one = (await scene.store.events_after({second.id: 0}, limit=1))[second.id]
        assert one is not None
        assert [event.seq for event in one.events] == [1]
        assert await scene.store.events_after({}) == {}
        many = {job.id: 0 for job in await scene.submit(*(scene.new() for _ in range(200)))}
        assert set(await scene.store.events_after(many)) == set(many)

    async def test_a_long_log_loses_its_oldest_events(self, scene: Scene) -> None:
        kept = scene.subject.events_kept
        job = await scene.running()
        artifact = Artifact("report.csv", 12, "text/csv", "ab" * 32)
        told = {"name": "report.csv", "size_bytes": 12, "media_type": "text/csv", "sha256": "ab" * 32}
        await scene.store.report(job.lease, [EventDraft(Kind.ARTIFACT, told)])
        for n in range(0, 300, 20):
            await scene.store.report(job.lease, [EventDraft(Kind.LOG, {"n": m}) for m in range(n, n + 20)])
        page = await scene.store.events(job.id)
        assert [event.seq for event in page.events] == list(range(page.first_seq, 304))
        assert (page.first_seq > 1) is (kept is not None)
        assert kept is None or len(page.events) <= kept
        first = await scene.store.events(job.id, limit=10)
        assert list(first.events) == list(page.events[:10])
        assert await scene.store.artifacts(job.id) == [artifact], "that it can be fetched is not forgotten"
        after = await scene.store.events(job.id, after=page.first_seq + 5, limit=3)
        assert [e.seq for e in after.events] == [page.first_seq + n for n in (6, 7, 8)]
        await scene.store.complete(job.lease, None)
        assert (await scene.store.get(job.id)).seq == 304

    async def test_artifacts(self, scene: Scene) -> None:
        job = await scene.running()
        for name, size in (("b", 1), ("a", 2), ("b", 3)):
            told = {"name": name, "size_bytes": size, "media_type": "text/plain", "sha256": "00"}
            await scene.store.report(job.lease, [EventDraft(Kind.ARTIFACT, told)])
        assert await scene.store.artifacts(job.id) == [
            Artifact("a", 2, "text/plain", "00"),
            Artifact("b", 3, "text/plain", "00"),
        ]
        assert await scene.store.artifacts("no-such-job") == []

    async def test_an_artifact_by_name(self, scene: Scene) -> None:
        job = await scene.running()
        told = {"name": "b", "size_bytes": 1, "media_type": "text/plain", "sha256": "00"}
        for blob in ("b-1", "b-2"):
            await scene.store.report(job.lease, [EventDraft(Kind.ARTIFACT, {**told, "blob": blob})])
        attached = Attached(Artifact("b", 1, "text/plain", "00"), "b-2")
        assert await scene.store.artifact(job.id, "b") == attached
        assert await scene.store.artifacts(job.id) == [attached.artifact]
        *_, event = (await scene.store.events(job.id)).events
        assert json.loads(event.data) == told, "nobody is told of blobs"
        for none in ("c", "", "\0", "\ud800"):
            assert await scene.store.artifact(job.id, none) is None
        assert await scene.store.artifact("no-such-job", "b") is None

    async def test_an_artifact_from_before_blobs_had_names_of_their_own(self, scene: Scene) -> None:
        job = await scene.running()
        told = {"name": "b", "size_bytes": 1, "media_type": "text/plain", "sha256": "00"}
        await scene.store.report(job.lease, [EventDraft(Kind.ARTIFACT, told)])
        attached = await scene.store.artifact(job.id, "b")
        assert attached is not None
        assert attached.blob == "artifact.b"

    async def test_list_by_pages(self, scene: Scene) -> None:
        jobs = await scene.submit(*(scene.new() for _ in range(25)))
        found: list[str] = []
        cursor = None
        sizes = []
        while True:
            page = await scene.store.list(JobQuery(limit=10, cursor=cursor))
            found += [job.id for job in page.jobs]
            sizes.append(len(page.jobs))
            cursor = page.cursor
            if cursor is None:
                break
            await scene.submit_one()  # what comes meanwhile moves nothing
        assert found == [job.id for job in reversed(jobs)]
        assert sizes == [10, 10, 5]
        for cursor in ("nonsense", "", "x" * 500, "é"):
            with pytest.raises(BadRequest):
                await scene.store.list(JobQuery(cursor=cursor))

    async def test_list_by_what_they_are(self, scene: Scene) -> None:
        ids: dict[tuple[str, Status], str] = {}
        for owner in ("ann", "bob"):
            for status in Status:
                ids[owner, status], _ = await scene.job(status, owner=owner)

        async def found(query: JobQuery) -> set[str]:
            return {job.id for job in (await scene.store.list(query)).jobs}

        for status in Status:
            statuses = frozenset({status})
            assert await found(JobQuery(statuses=statuses)) == {ids["ann", status], ids["bob", status]}
            assert await found(JobQuery(statuses=statuses, owner="ann")) == {ids["ann", status]}
        assert await found(JobQuery(statuses=TERMINAL)) == {ids[key] for key in ids if key[1] in TERMINAL}
        assert await found(JobQuery(owner="bob")) == {ids[key] for key in ids if key[0] == "bob"}
        mixed = frozenset({Status.FAILED, Status.RUNNING, Status.PENDING, Status.CANCELLED})
        page = await scene.store.list(JobQuery(statuses=mixed))
        assert [job.id for job in page.jobs] == [ids[key] for key in reversed(ids) if key[1] in mixed]
        assert await found(JobQuery(owner="nobody")) == set()
        held = await scene.submit_one(task="mine", scheduled_at=START + 5)
        assert await found(JobQuery(task="mine", statuses=frozenset({Status.PENDING}))) == {held.id}
        assert await found(JobQuery(task="mine", statuses=TERMINAL)) == set()

    async def test_list_by_text(self, scene: Scene) -> None:
        wanted = await scene.submit_one(args='{"url":"https://exämple.org/100%_done"}'.encode(), owner="ann")
        await scene.submit_one(args=b'{"url":"https://example.org/100xydone"}', owner="ann")
        named = await scene.submit_one(task="preview-page", owner="ann")

        async def found(text: str) -> list[str]:
            return [job.id for job in (await scene.store.list(JobQuery(text=text, owner="ann"))).jobs]

        assert await found("exämple") == [wanted.id]
        assert await found("100%_done") == [wanted.id]
        assert await found("preview") == [named.id]
        assert await found(wanted.id) == [wanted.id]
        assert await found("'; drop table jobs") == []

    async def test_listeners_hear_what_changed(self, scene: Scene) -> None:
        heard: list[Change] = []
        end = scene.store.listen(heard.append)

        def knows(job_id: str, *, ready: bool = False, cancelling: bool = False) -> bool:
            mine = [change for change in heard if change.jobs is None or job_id in change.jobs]
            return (
                bool(mine)
                and (not ready or any(change.ready for change in heard))
                and (not cancelling or any(job_id in change.cancelling for change in heard))
            )

        job = await scene.submit_one()
        await wait_until(lambda: knows(job.id, ready=True))
        heard.clear()
        (claimed,) = await scene.claim()
        await wait_until(lambda: knows(job.id))
        heard.clear()
        await scene.store.report(claimed.job.lease, [EventDraft(Kind.LOG)])
        await wait_until(lambda: knows(job.id))
        heard.clear()
        await scene.store.request_cancel(job.id, "enough")
        await wait_until(lambda: knows(job.id, cancelling=True))
        heard.clear()
        await scene.store.interrupt(claimed.job.lease, "interrupted")
        await wait_until(lambda: knows(job.id))
        running = await scene.running()
        heard.clear()
        await scene.store.delete(running.id, "enough")
        await wait_until(lambda: knows(running.id, cancelling=True))
        end()
        end()
        heard.clear()
        await scene.submit_one()
        await scene.store.tallies()
        assert heard == []

    async def test_a_freed_slot_and_a_due_job_are_news(self, scene: Scene) -> None:
        heard: list[Change] = []
        job = await scene.running()
        scene.store.listen(heard.append)
        await scene.store.retry_later(job.lease, ERROR, at=START + 5, reason="error")
        await wait_until(lambda: any(change.ready for change in heard))

    async def test_a_listener_that_fails_harms_nobody(self, scene: Scene) -> None:
        heard: list[Change] = []

        def fails(change: Change) -> None:
            raise RuntimeError(f"on purpose, at {change}")

        scene.store.listen(fails)
        scene.store.listen(heard.append)
        await scene.submit_one()
        await wait_until(lambda: bool(heard))
        await scene.submit_one()


class Insight:
    async def test_tallies(self, scene: Scene) -> None:
        await scene.submit(*(scene.new(scheduled_at=START + 5 * (n % 2)) for n in range(4)))
        await scene.claim(1)
        done = await scene.running(queue="default")
        await scene.store.complete(done.lease, None)
        await scene.store.retry(done.id)
        counted = {(tally.queue, tally.task, tally.status): tally.jobs for tally in await scene.store.tallies()}
        assert {key: jobs for key, jobs in counted.items() if jobs} == {
            ("default", "t", Status.PENDING): 3,
            ("default", "t", Status.RUNNING): 1,
            ("default", done.task, Status.PENDING): 1,
            ("default", done.task, Status.COMPLETED): 1,
        }

    async def test_oldest_pending(self, scene: Scene) -> None:
        assert await scene.store.oldest_pending() is None
        await scene.submit_one(scheduled_at=START + 500)
        scene.clock.advance(1)
        await scene.submit_one()
        scene.clock.advance(1)
        await scene.submit_one(priority=5)
        assert await scene.store.oldest_pending() == START + 1

    async def test_a_worker_that_was_silent_for_days_is_known_again(self, scene: Scene) -> None:
        await scene.store.register_worker(worker("w1"))
        known = await scene.store.workers()
        scene.clock.advance(2 * 86_400)
        await scene.store.purge(100)
        assert await scene.store.workers() == []
        await asyncio.to_thread(scene.store.renew, "w1", {}, LEASE)
        (found,) = await scene.store.workers()
        assert replace(found, seen_at=known[0].seen_at) == known[0]
        assert found.seen_at == scene.clock()
        await scene.store.deregister_worker("w1")
        await asyncio.to_thread(scene.store.renew, "w1", {}, LEASE)
        assert await scene.store.workers() == [], "it has stopped"

    async def test_workers_and_their_free_slots(self, scene: Scene) -> None:
        await scene.store.register_worker(worker("w1"))
        await scene.store.register_worker(worker("w2", tasks=("u", "t"), concurrency=2))
        await scene.store.register_worker(worker("w3", tasks=("u",)))
        assert [found.id for found in await scene.store.workers()] == ["w1", "w2", "w3"]
        job, *_ = await scene.submit(*(scene.new() for _ in range(4)))
        await scene.claim(1, worker="w1")
        await scene.claim(2, worker="w2")
        waiting = await scene.store.waiting(job)
        assert (waiting.workers, waiting.free_slots) == (2, 3)
        scene.clock.advance(5)
        await asyncio.to_thread(scene.store.renew, "w1", {}, LEASE)
        (found,) = [each for each in await scene.store.workers() if each.id == "w1"]
        assert (found.seen_at, found.tasks, found.queues) == (START + 5, ("t",), ("default",))
        await scene.store.deregister_worker("w2")
        assert [found.id for found in await scene.store.workers()] == ["w1", "w3"]
        scene.clock.advance(500)
        assert await scene.store.workers() == [], "not heard of for long"


class Upkeep:
    async def test_renewing(self, scene: Scene) -> None:
        kept, cancelling, over = [await scene.running() for _ in range(3)]
        await scene.store.request_cancel(cancelling.id, "enough")
        await scene.store.complete(over.lease, None)
        scene.clock.advance(LEASE - 1)
        held = {kept.id: 1, cancelling.id: 1, over.id: 1, "none": 1}
        assert await asyncio.to_thread(scene.store.renew, "w", held, LEASE) == {
            kept.id: Held.KEPT,
            cancelling.id: Held.CANCELLING,
            over.id: Held.LOST,
            "none": Held.LOST,
        }
        assert (await scene.store.get(kept.id)).lease_expires_at == scene.clock() + LEASE
        assert (await scene.see(kept.id)).events[-1].kind is Kind.RUNNING, "no event"
        scene.clock.advance(LEASE - 1)
        assert await scene.store.lost(10) == []
        before = await scene.store.get(kept.id)
        assert scene.store.renew("w", {kept.id: 2}, LEASE) == {kept.id: Held.LOST}, "on the loop's thread, too"
        assert await scene.store.get(kept.id) == before

    async def test_lost(self, scene: Scene) -> None:
        jobs = [await scene.running() for _ in range(3)]
        assert await scene.store.lost(10) == []
        scene.clock.advance(LEASE)
        lost = await scene.store.lost(10)
        assert sorted(job.id for job in lost) == sorted(job.id for job in jobs)
        assert lost[0] == await scene.store.get(lost[0].id)
        assert len(await scene.store.lost(2)) == 2
        await asyncio.to_thread(scene.store.renew, "w", {jobs[0].id: 1}, LEASE)
        assert jobs[0].id not in {job.id for job in await scene.store.lost(10)}

    async def test_a_worker_that_left_holds_nothing(self, scene: Scene) -> None:
        await scene.store.register_worker(worker("w"))
        job = await scene.running()
        await scene.store.deregister_worker("w")
        assert [found.id for found in await scene.store.lost(10)] == [job.id]
        assert await scene.store.lose(job.lease, error=None) is Status.PENDING

    async def test_purge(self, scene: Scene) -> None:
        short, long = await scene.running(retention=10), await scene.running(retention=100)
        running = await scene.running(retention=0)
        await scene.store.finish_step(short.lease, "k", "step", b"1")
        await scene.store.complete(short.lease, b"1")
        await scene.store.complete(long.lease, b"1")
        assert await scene.store.purge(10) == []
        scene.clock.advance(10)
        assert await scene.store.purge(10) == [short.id]
        assert await scene.store.purge(10) == []
        with pytest.raises(JobGone):
            await scene.store.glance(short.id)
        with pytest.raises(JobGone) as gone:
            await scene.store.get(short.id)
        assert (gone.value.at, gone.value.owner) == (START + 10, "local")
        assert await scene.store.events_after({short.id: 0}) == {short.id: None}
        assert await scene.store.steps(short.id) == []
        assert (await scene.store.get(long.id)).result == b"1"
        assert (await scene.store.get(running.id)).status is Status.RUNNING
        scene.clock.advance(90)
        assert await scene.store.purge(10) == [long.id]

    async def test_purge_a_part_at_a_time(self, scene: Scene) -> None:
        for job in await scene.submit(*(scene.new(retention=1) for _ in range(25))):
            await scene.store.request_cancel(job.id, "enough")
        scene.clock.advance(2)
        assert [len(await scene.store.purge(10)) for _ in range(4)] == [10, 10, 5, 0]

    async def test_tombstones_do_not_stay_for_ever(self, scene: Scene) -> None:
        job = await scene.submit_one()
        await scene.store.delete(job.id, "enough")
        scene.clock.advance(400 * 86_400)
        await scene.store.purge(10)
        with pytest.raises(JobNotFound):
            await scene.store.get(job.id)

    async def test_a_key_that_outlived_the_tombstone(self, scene: Scene) -> None:
        key = IdempotencyKey("ann", "key", "f", START + 1000 * 86_400)
        (first,) = await scene.store.submit([scene.new(idempotency=key)])
        await scene.store.delete(accepted(first).job.id, "enough")
        scene.clock.advance(400 * 86_400)
        await scene.store.purge(10)
        (second,) = await scene.store.submit([scene.new(idempotency=key)])
        assert not accepted(second).replayed


class Access:
    async def test_keys(self, scene: Scene) -> None:
        key = ApiKey("k1", "laptop", "ann", "ab" * 32, admin=True, created_at=START)
        other = ApiKey("k2", "server", "bob", "cd" * 32, admin=False, created_at=START + 1)
        await scene.store.add_key(key)
        await scene.store.add_key(other)
        assert await scene.store.keys() == [key, other]
        assert await scene.store.find_key("ab" * 32) == key
        assert await scene.store.find_key("ef" * 32) is None
        assert await scene.store.revoke_key("k1") is True
        assert await scene.store.revoke_key("k1") is False
        assert await scene.store.find_key("ab" * 32) is None

    async def test_a_ticket_is_good_once(self, scene: Scene) -> None:
        answers = await asyncio.gather(*(scene.store.redeem("ticket", expires_at=START + 30) for _ in range(5)))
        assert sorted(answers) == [False, False, False, False, True]
        assert await scene.store.redeem("other", expires_at=START + 30)
        scene.clock.advance(29)
        await scene.store.purge(10)
        assert not await scene.store.redeem("ticket", expires_at=START + 30)

    async def test_secrets(self, scene: Scene) -> None:
        first, again, other = await asyncio.gather(*(scene.store.secret(name) for name in ("a", "a", "b")))
        assert first == again != other
        assert len(first) == len(other) == 32
