"""Webhooks, and the deliveries that the store submits in the transaction of the event they tell of."""

# An assertion is what a test is made of.
# ruff: noqa: S101

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from accepted.errors import LimitReached
from accepted.job import EventDraft, Kind, Progress, Status
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK, Claimed, JobQuery, Webhook, delivery_owner
from accepted.stores.conformance.scene import ERROR, LEASE, START, Scene, limits

ENDS = frozenset({"completed", "failed", "cancelled"})


def webhook(name: str = "w1", owner: str = "ann", **fields: Any) -> Webhook:
    known = {"url": "https://example.org/", "secrets": ("whsec_a",), "kinds": ENDS, "tasks": frozenset[str]()}
    return Webhook(**{"id": name, "owner": owner, "description": "", "created_at": START, **known, **fields})


async def deliveries(scene: Scene, name: str = "w1") -> list[dict[str, Any]]:
    """What the deliveries to a webhook tell of, oldest first."""
    page = await scene.store.list(JobQuery(owner=delivery_owner(name), limit=1000))
    assert {job.task for job in page.jobs} <= {DELIVERY_TASK}
    return [json.loads(job.args) for job in reversed(page.jobs)]


async def deliver(scene: Scene, limit: int = 100) -> list[Claimed]:
    return await scene.claim(limit, tasks=[DELIVERY_TASK], queues=[DELIVERY_QUEUE], worker="d")


class Webhooks:
    async def test_a_webhook_is_kept_as_it_was_given(self, scene: Scene) -> None:
        first = webhook(
            kinds=frozenset({"running"}), tasks=frozenset({"t", "u"}), secrets=("whsec_b", "whsec_a"), description="é"
        )
        second = webhook("w2", created_at=START + 1.5)
        await scene.store.add_webhook(second, at_most=2)
        await scene.store.add_webhook(first, at_most=2)
        assert await scene.store.webhook("w1") == first
        assert await scene.store.webhook("none") is None
        assert await scene.store.webhooks("ann") == [first, second]
        assert await scene.store.webhooks("bob") == []
        with pytest.raises(LimitReached):
            await scene.store.add_webhook(webhook("w3"), at_most=2)
        await scene.store.add_webhook(webhook("w3", owner="bob"), at_most=2)
        changed = replace(webhook(url="https://example.net/"), disabled_at=START + 2, disabled_reason="410")
        assert await scene.store.replace_webhook(replace(changed, owner="bob", created_at=0.0)) is True
        assert await scene.store.webhook("w1") == changed
        assert await scene.store.replace_webhook(webhook("none")) is False
        assert await scene.store.remove_webhook("w1") is True
        assert await scene.store.remove_webhook("w1") is False
        assert await scene.store.webhooks("ann") == [second]

    @pytest.mark.parametrize("way", ["complete", "fail", "cancel", "cancel pending", "expire", "lose for good"])
    async def test_an_end_is_told_once(self, scene: Scene, way: str) -> None:
        await scene.store.add_webhook(webhook(), at_most=1)
        pending = way in ("cancel pending", "expire")
        job = await (scene.submit_one if pending else scene.running)(
            owner="ann", queue="default", deadline_at=START + 5
        )
        assert await deliveries(scene) == []
        if way == "complete":
            await scene.store.complete(job.lease, b"1")
        elif way == "fail":
            await scene.store.fail(job.lease, ERROR)
        elif way == "cancel":
            await scene.store.cancel(job.lease, "enough")
        elif way == "cancel pending":
            await scene.store.request_cancel(job.id, "enough")
            await scene.store.request_cancel(job.id, "enough")
        elif way == "expire":
            scene.clock.advance(10)
            await scene.store.expire(10, ERROR)
        else:
            scene.clock.advance(LEASE)
            await scene.store.lose(job.lease, error=ERROR)
        seen = await scene.see(job.id)
        assert await deliveries(scene) == [
            {"webhook": "w1", "job": job.id, "kind": seen.record.status.value, "seq": seen.record.seq}
        ]

    async def test_a_delivery_is_a_job_like_any_other(self, scene: Scene) -> None:
        await scene.store.add_webhook(webhook(), at_most=1)
        await scene.submit(*(scene.new(owner="ann", queue="slow") for _ in range(6)))
        for claimed in await scene.claim(queues=["slow"]):
            await scene.store.complete(claimed.job.lease, None)
        assert await scene.claim(tasks=[DELIVERY_TASK], queues=["slow"], worker="d") == []
        first, *others = await deliver(scene)
        assert len(others) == 3, "four at once, in a queue of their own"
        assert (first.job.owner, first.job.task, first.job.max_retries) == (delivery_owner("w1"), DELIVERY_TASK, 10)
        assert first.job.retention > 0
        await scene.store.complete(first.job.lease, None)
        assert len(await deliver(scene)) == 1
        assert len(await deliveries(scene)) == 6, "nobody is told of a delivery's end"

    async def test_only_what_is_wanted(self, scene: Scene) -> None:
        await scene.store.add_webhook(webhook("failed", kinds=frozenset({"failed"})), at_most=9)
        await scene.store.add_webhook(webhook("u", tasks=frozenset({"u"})), at_most=9)
        await scene.store.add_webhook(webhook("all"), at_most=9)
        await scene.store.add_webhook(webhook("off", disabled_at=START, disabled_reason="410"), at_most=9)
        await scene.store.add_webhook(webhook("bob", owner="bob"), at_most=9)
        await scene.submit(*(scene.new(owner="ann", task=task) for task in ("t", "u", "u")))
        for claimed in await scene.claim(tasks=["t", "u"]):
            await scene.store.complete(claimed.job.lease, None)
        told = {name: len(await deliveries(scene, name)) for name in ("failed", "u", "all", "off", "bob")}
        assert told == {"failed": 0, "u": 2, "all": 3, "off": 0, "bob": 0}

    async def test_a_job_without_webhooks_is_told_to_nobody(self, scene: Scene) -> None:
        job = await scene.running(owner="ann")
        await scene.store.complete(job.lease, None)
        await scene.store.add_webhook(webhook(), at_most=1)
        other = await scene.running(owner="bob")
        await scene.store.complete(other.lease, None)
        assert await deliver(scene) == []

    async def test_a_retried_job_ends_again(self, scene: Scene) -> None:
        await scene.store.add_webhook(webhook(), at_most=1)
        job = await scene.running(owner="ann")
        await scene.store.fail(job.lease, ERROR)
        await scene.store.retry(job.id)
        (claimed,) = await scene.claim(tasks=[job.task])
        await scene.store.complete(claimed.job.lease, None)
        assert [told["kind"] for told in await deliveries(scene)] == ["failed", "completed"]

    async def test_starts_are_told(self, scene: Scene) -> None:
        await scene.store.add_webhook(webhook(kinds=frozenset({"running"})), at_most=1)
        job = await scene.running(owner="ann")
        await scene.store.interrupt(job.lease, "interrupted")
        (claimed,) = await scene.claim(tasks=[job.task])
        told = await deliveries(scene)
        assert [(each["kind"], each["seq"]) for each in told] == [("running", job.seq), ("running", claimed.job.seq)]

    async def test_progress_is_told_now_and_then(self, scene: Scene) -> None:
        """One delivery of a job's progress at a time, and one in half a second; what is told is the newest anyway."""
        await scene.store.add_webhook(webhook(kinds=frozenset({"progress"})), at_most=1)
        job = await scene.running(owner="ann")

        async def report(percent: float) -> None:
            progress = Progress(percent)
            await scene.store.report(
                job.lease, [EventDraft(Kind.PROGRESS, progress.data()), EventDraft(Kind.LOG)], progress=progress
            )

        for percent in (1, 2, 3):
            await report(percent)
        (first,) = await deliver(scene)
        assert json.loads(first.job.args) == {"webhook": "w1", "job": job.id, "kind": "progress", "seq": job.seq + 1}
        await report(4)
        assert len(await deliveries(scene)) == 1
        await scene.store.complete(first.job.lease, None)
        scene.clock.advance(0.25)
        await report(5)
        assert await deliver(scene) == []
        scene.clock.advance(0.25)
        (second,) = await deliver(scene)
        assert json.loads(second.job.args)["kind"] == "progress"
        await scene.store.complete(second.job.lease, None)
        await scene.store.report(job.lease, [EventDraft(Kind.LOG)])
        await scene.store.complete(job.lease, None)
        assert len(await deliveries(scene)) == 2

    async def test_what_waits_for_a_webhook_that_is_removed(self, scene: Scene) -> None:
        """It is cancelled; what is under way goes on, and another webhook's deliveries do."""
        await scene.store.add_webhook(webhook(), at_most=9)
        await scene.store.add_webhook(webhook("w2"), at_most=9)
        await scene.submit(*(scene.new(owner="ann") for _ in range(600)))
        for claimed in await scene.claim(600):
            await scene.store.complete(claimed.job.lease, None)
        running = [one for one in await deliver(scene) if one.job.owner == delivery_owner("w1")]
        assert len(running) == 4
        await scene.store.remove_webhook("w1")
        page = await scene.store.list(JobQuery(owner=delivery_owner("w1"), limit=1000))
        assert Counter(job.status for job in page.jobs) == {Status.CANCELLED: 596, Status.RUNNING: 4}
        page = await scene.store.list(JobQuery(owner=delivery_owner("w2"), statuses=frozenset({Status.CANCELLED})))
        assert page.jobs == []
        await scene.store.complete(running[0].job.lease, None)

    async def test_a_refused_end_is_not_told(self, scene: Scene) -> None:
        await scene.store.add_webhook(webhook(), at_most=1)
        job = await scene.running(owner="ann", slots=limits("k"))
        await scene.store.complete(job.lease, None)
        with pytest.raises(Exception, match="does not hold"):
            await scene.store.fail(job.lease, ERROR)
        assert len(await deliveries(scene)) == 1
