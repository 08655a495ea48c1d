"""From the end of a job to a receiver's 2xx, over real connections."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from standardwebhooks import Webhook as Independent
from webhooks.receiver import Answer, Receiver, receiving
from webhooks.scene import LONG, Scene, scene

from accepted import Job
from accepted.http.message_shapes import AcceptedDelivery, AcceptedTestDelivery
from accepted.http.webhook_shapes import AcceptedWebhookDelivery
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK, delivery_owner
from accepted.version import __version__
from accepted.webhooks import SignatureInvalid, verify


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


async def test_a_completed_job_is_told_with_its_result(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register()
    path = await at_once.api.done(at_once.ann, "add", a=1)
    (request,) = await receiver.got()
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"accepted/{__version__}"
    assert request.headers["accept-encoding"] == "identity"
    job = (await at_once.ann.get(path)).json()
    assert request.event == {
        "type": "job.completed",
        "timestamp": job["finished_at"],
        "data": {"job_id": job["id"], "seq": job["seq"], "job": job, "result": 3},
    }
    AcceptedDelivery.model_validate_json(request.body)
    assert verify(webhook["secret"], request.headers, request.body) == request.event
    assert Independent(webhook["secret"]).verify(request.body, dict(request.headers)) == request.event
    delivery = await at_once.delivery(webhook, status="completed")
    assert delivery["id"] == request.id
    assert (delivery["type"], delivery["job_id"], delivery["seq"]) == ("job.completed", job["id"], job["seq"])
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["error"], attempt["answer"]) == (200, None, "thanks")
    AcceptedWebhookDelivery.model_validate(delivery)


async def test_failed_and_cancelled_are_two_things_and_each_is_told_once(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register()
    failed = await at_once.api.done(at_once.ann, "fail")
    cancelled = await at_once.api.running(at_once.ann)
    await at_once.ann.post(cancelled + "/cancel")
    await at_once.api.over(cancelled)
    await receiver.got(2)
    told = {one.event["data"]["job_id"]: one for one in receiver.received}
    assert told[failed.rsplit("/", 1)[1]].type == "job.failed"
    assert told[failed.rsplit("/", 1)[1]].event["data"]["job"]["error"]["detail"] == "no luck"
    assert told[cancelled.rsplit("/", 1)[1]].type == "job.cancelled"
    # A last one, after which nothing of the first two can be under way.
    await at_once.api.done(at_once.ann, "add", a=1)
    await at_once.delivery(webhook, type="job.completed", status="completed")
    assert sorted(receiver.types) == ["job.cancelled", "job.completed", "job.failed"]


async def test_each_run_of_a_job_ends_once(at_once: Scene, receiver: Receiver) -> None:
    await at_once.register()
    path = await at_once.api.done(at_once.ann, "fail")
    await receiver.got()
    await at_once.ann.post(path + "/retry")
    await at_once.api.over(path)
    await receiver.got(2)
    assert receiver.types == ["job.failed", "job.failed"]
    assert receiver.received[0].id != receiver.received[1].id


async def test_only_what_was_asked_for_and_of_ones_own_jobs(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register(events=["job.running", "job.completed"], tasks=["add"])
    async with at_once.api.client("bob") as bob:
        await at_once.api.done(bob, "add", a=5)
    await at_once.api.done(at_once.ann, "fail")
    await at_once.api.done(at_once.ann, "big", size=1)
    await at_once.api.done(at_once.ann, "add", a=1)
    await receiver.got(2)
    await at_once.delivery(webhook, status="completed")
    assert sorted(receiver.types) == ["job.completed", "job.running"]
    assert {one.event["data"]["job"]["owner"] for one in receiver.received} == {"ann"}


async def test_a_result_that_is_large_is_not_sent(at_once: Scene, receiver: Receiver) -> None:
    await at_once.register()
    await at_once.api.done(at_once.ann, "big", size=100_000)
    (request,) = await receiver.got()
    assert request.event["data"]["result"] is None
    result = await at_once.ann.get(request.event["data"]["job"]["links"]["result"])
    assert len(result.json()) == 100_000


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_2xx_is_success(at_once: Scene, receiver: Receiver, status: int) -> None:
    receiver.usual = Answer(status)
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(webhook, status="completed")
    assert [one["status"] for one in delivery["attempts"]] == [status]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503, 504])
async def test_anything_else_is_sent_again_the_same_bytes(at_once: Scene, receiver: Receiver, status: int) -> None:
    receiver.answers = [Answer(status, {"Location": receiver.url})] * 2
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(webhook, status="completed")
    first, second, third = receiver.received
    assert first.id == second.id == third.id == delivery["id"]
    assert first.body == second.body == third.body
    for request in receiver.received:
        assert verify(webhook["secret"], request.headers, request.body)
        assert abs(int(request.headers["webhook-timestamp"]) - request.at) < 2
    assert [one["status"] for one in delivery["attempts"]] == [status, status, 200]
    assert f"answered {status}" in delivery["attempts"][0]["error"]


@pytest.mark.parametrize(
    ("answer", "at_least", "at_most"),
    [
        (Answer(500), 4.0, 6.0),
        (Answer(400), 4.0, 6.0),
        (Answer(302, {"Location": "/"}), 4.0, 6.0),
        (Answer(429), 8.0, 12.0),
        (Answer(502), 8.0, 12.0),
        (Answer(504), 8.0, 12.0),
        (Answer(503, {"Retry-After": "120"}), 120.0, 120.0),
        (Answer(503, {"Retry-After": "0"}), 4.0, 6.0),
        (Answer(503, {"Retry-After": "soon"}), 4.0, 6.0),
        (Answer(503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}), 86_400.0, 86_400.0),
        (Answer(503, {"Retry-After": "9" * 40}), 86_400.0, 86_400.0),
        (Answer(503, {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}), 4.0, 6.0),
    ],
    ids=lambda value: (
        f"{value.status} {value.headers.get('Retry-After', '')[:20]}" if isinstance(value, Answer) else ""
    ),
)
async def test_how_long_it_waits(
    in_real_time: Scene, receiver: Receiver, answer: Answer, at_least: float, at_most: float
) -> None:
    receiver.usual = answer
    webhook = await in_real_time.register()
    await in_real_time.api.done(in_real_time.ann, "add", a=1)
    delivery = await in_real_time.tried(webhook, 1)
    (attempt,) = delivery["attempts"]
    spent = attempt["ms"] / 1000
    # What the machine needed between the answer and the write comes on top.
    assert at_least - 0.01 <= seconds_between(attempt["at"], delivery["next_at"]) - spent <= at_most + 3.0


async def test_after_ten_further_tries_it_fails(at_once: Scene, receiver: Receiver) -> None:
    receiver.usual = Answer(500, body=b"out of order")
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(webhook, status="failed")
    assert len(receiver.received) == len(delivery["attempts"]) == 11
    assert delivery["error"] == "The receiver answered 500."
    assert delivery["attempts"][-1]["answer"] == "out of order"
    assert (await at_once.webhook(webhook))["disabled_at"] is None


async def test_410_disables_until_it_is_enabled_again(at_once: Scene, receiver: Receiver) -> None:
    receiver.answers = [Answer(410)]
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    first = await at_once.delivery(webhook, status="failed")
    now = await at_once.webhook(webhook)
    assert now["disabled_at"] is not None
    assert "410" in now["disabled_reason"]
    await at_once.api.done(at_once.ann, "add", a=2)
    refused = await at_once.ann.post(f"{webhook['links']['deliveries']}/{first['id']}/resend")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("#webhook-disabled")
    enabled = await at_once.ann.patch(webhook["links"]["self"], json={"disabled": False})
    assert enabled.json()["disabled_at"] is enabled.json()["disabled_reason"] is None
    await at_once.api.done(at_once.ann, "add", a=3)
    await at_once.delivery(webhook, status="completed")
    assert [one.event["data"]["result"] for one in receiver.received] == [3, 5]


async def test_what_waits_when_a_webhook_is_disabled_or_removed_is_not_sent(receiver: Receiver) -> None:
    async with scene(receiver, pauses=LONG) as there:
        receiver.usual = Answer(500)
        disabled, removed = await there.register(), await there.register()
        await there.api.done(there.ann, "add", a=1)
        (first,) = [await there.tried(disabled, 1)]
        gone = await there.tried(removed, 1)
        await there.ann.delete(removed["links"]["self"])
        await there.ann.patch(disabled["links"]["self"], json={"disabled": True})
        record = await there.api.jobs.get_record(gone["id"])
        assert record.status == "cancelled"
        # The other waits for its time; by then it finds out.
        await there.api.jobs.store.request_cancel(first["id"], "to be sent now")
        await there.api.jobs.retry(first["id"])
        delivery = await there.delivery(disabled, status="failed")
        assert "disabled (asked for)" in delivery["error"]
        assert len(receiver.received) == 2


async def test_a_receiver_that_is_slow_delays_no_other(receiver: Receiver) -> None:
    held = asyncio.Event()
    async with receiving() as quick:
        both = (f"127.0.0.1:{receiver.port}", f"127.0.0.1:{quick.port}")
        async with scene(receiver, webhook_allow=both) as there:
            receiver.usual = Answer(held=held)
            slow, other = await there.register(), await there.register(url=quick.url)
            for number in range(6):
                await there.api.done(there.ann, "add", a=number)
            await quick.got(6)
            # Four are under way, the others wait for one of these.
            await receiver.got(4)
            await there.delivery(other, status="completed")
            assert len(receiver.received) == 4
            held.set()
            await receiver.got(6)
            await there.delivery(slow, status="completed")


async def test_receivers_that_are_slow_take_no_slot_of_a_job(receiver: Receiver) -> None:
    held = asyncio.Event()
    async with scene(receiver, concurrency=2, webhook_concurrency=2) as there:
        receiver.usual = Answer(held=held)
        await there.register()
        for number in range(3):
            await there.api.done(there.ann, "add", a=number)
        await receiver.got(2)
        paths = [await there.api.running(there.ann), await there.api.running(there.ann)]
        assert there.api.jobs.worker.running == 2
        third = await there.api.submit(there.ann, "add", a=3)
        job = await there.api.jobs.get_record(third.rsplit("/", 1)[1])
        waiting = await there.api.jobs.store.waiting(job)
        assert (waiting.workers, waiting.free_slots) == (1, 0)
        assert len(receiver.received) == 2, "the third delivery waits for a slot of a delivery"
        held.set()
        await receiver.got(3)
        assert there.api.jobs.worker.running == 2, "while every slot of a job is taken, deliveries go out"
        there.api.gate.set()
        for path in (*paths, third):
            await there.api.over(path)


async def test_a_worker_of_another_queue_delivers(receiver: Receiver) -> None:
    async with scene(receiver, queues=("elsewhere",)) as there:
        webhook = await there.register()
        path = await there.api.submit(there.ann, "add", a=1)
        await there.ann.post(webhook["links"]["test"])
        await there.ann.post(path + "/cancel")
        await receiver.got(2)
        assert sorted(receiver.types) == ["job.cancelled", "webhook.test"]
        (worker,) = await there.api.jobs.store.workers()
        assert worker.queues == ("elsewhere", DELIVERY_QUEUE)


async def test_no_answer_in_time(receiver: Receiver) -> None:
    async with scene(receiver, webhook_timeout=0.2, pauses=LONG) as there:
        receiver.usual = Answer(held=asyncio.Event())
        webhook = await there.register()
        await there.api.done(there.ann, "add", a=1)
        (attempt,) = (await there.tried(webhook, 1))["attempts"]
        assert attempt["status"] is None
        assert attempt["error"] == "no answer within 0.2 s"
        assert attempt["ms"] >= 200


async def test_nobody_there(receiver: Receiver) -> None:
    async with receiving() as gone:
        url, port = gone.url, gone.port
    async with scene(receiver, pauses=LONG, webhook_allow=(f"127.0.0.1:{port}",)) as there:
        webhook = await there.register(url=url)
        await there.api.done(there.ann, "add", a=1)
        (attempt,) = (await there.tried(webhook, 1))["attempts"]
        assert attempt["status"] is None
        assert attempt["error"].startswith("no answer: ")


async def test_the_status_counts_though_the_body_stalls(receiver: Receiver) -> None:
    async with scene(receiver, webhook_timeout=0.3) as there:
        receiver.usual = Answer(body=b"so far", stalls=True)
        webhook = await there.register()
        await there.api.done(there.ann, "add", a=1)
        delivery = await there.delivery(webhook, status="completed")
        assert delivery["attempts"][0]["answer"] == "so far"


async def test_of_a_long_answer_the_log_keeps_the_beginning(at_once: Scene, receiver: Receiver) -> None:
    receiver.usual = Answer(500, body=b"\xff" + b"x" * 300_000)
    receiver.answers = [receiver.usual]
    webhook = await at_once.register()
    receiver.usual = Answer()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(webhook, status="completed")
    assert delivery["attempts"][0]["answer"] == "�" + "x" * 499


async def test_cookies_are_not_kept(at_once: Scene, receiver: Receiver) -> None:
    receiver.usual = Answer(headers={"Set-Cookie": "session=1; Path=/"})
    await at_once.register()
    for number in range(2):
        await at_once.api.done(at_once.ann, "add", a=number)
        await receiver.got(number + 1)
    assert not any("cookie" in one.headers for one in receiver.received)


async def test_connections_end_with_the_service_and_begin_with_it(tmp_path: Path, receiver: Receiver) -> None:
    async with scene(receiver, url=f"sqlite:///{tmp_path}/jobs.db") as there:
        await there.register()
        await there.api.done(there.ann, "add", a=1)
        await receiver.got()
        await wait_until(lambda: receiver.connections == 1)
        await there.api.jobs.stop()
        await wait_until(lambda: receiver.connections == 0)
        await there.api.jobs.start()
        await there.api.done(there.ann, "add", a=2)
        await receiver.got(2)


async def test_while_a_secret_is_replaced_both_fit(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register()
    old = webhook["secret"]
    rotated = await at_once.ann.post(webhook["links"]["rotate"])
    assert rotated.status_code == 200
    new = rotated.json()["secret"]
    await at_once.api.done(at_once.ann, "add", a=1)
    (request,) = await receiver.got()
    assert verify(old, request.headers, request.body) == verify(new, request.headers, request.body)
    newest = (await at_once.ann.post(webhook["links"]["rotate"], json={"overlap": 0})).json()["secret"]
    await at_once.api.done(at_once.ann, "add", a=2)
    request = (await receiver.got(2))[1]
    assert verify(newest, request.headers, request.body)
    for secret in (old, new):
        with pytest.raises(SignatureInvalid):
            verify(secret, request.headers, request.body)


async def test_sent_again_by_hand_it_is_the_same_delivery(at_once: Scene, receiver: Receiver) -> None:
    receiver.usual = Answer(500)
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    failed = await at_once.delivery(webhook, status="failed")
    receiver.usual = Answer()
    resend = f"{webhook['links']['deliveries']}/{failed['id']}/resend"
    answer = await at_once.ann.post(resend)
    assert answer.status_code == 202
    assert answer.json()["id"] == failed["id"]
    again = await at_once.delivery(webhook, status="completed")
    assert len(again["attempts"]) == 12
    assert len({(one.id, one.body) for one in receiver.received}) == 1
    # And once more, though it has arrived.
    assert (await at_once.ann.post(resend)).status_code == 202
    await receiver.got(13)
    assert receiver.received[-1].id == failed["id"]
    assert receiver.received[-1].event == receiver.received[0].event


async def test_a_delivery_that_waits_cannot_be_sent_again(receiver: Receiver) -> None:
    async with scene(receiver, pauses=LONG) as there:
        receiver.usual = Answer(500)
        webhook = await there.register()
        await there.api.done(there.ann, "add", a=1)
        waiting = await there.tried(webhook, 1)
        answer = await there.ann.post(f"{webhook['links']['deliveries']}/{waiting['id']}/resend")
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("#wrong-state")


async def test_of_a_job_that_was_removed_its_end_is_told_all_the_same(receiver: Receiver) -> None:
    async with scene(receiver, worker=False) as there:
        await there.register()
        path = await there.api.submit(there.ann, "add", a=1)
        job = (await there.ann.post(path + "/cancel")).json()
        assert (await there.ann.delete(path)).status_code == 204
        await there.api.jobs.worker.start()
        (request,) = await receiver.got()
        assert request.event == {
            "type": "job.cancelled",
            "timestamp": job["finished_at"],
            "data": {"job_id": job["id"], "seq": job["seq"], "job": None, "result": None},
        }
        AcceptedDelivery.model_validate_json(request.body)


async def test_progress_comes_every_half_second_at_most_and_not_after_the_end(receiver: Receiver) -> None:
    async with scene(receiver) as there:

        @there.api.jobs.task
        async def ticking(*, job: Job) -> None:
            ticks = 0
            while not there.api.gate.is_set():
                ticks += 1
                job.progress(min(99.0, ticks / 10))
                await asyncio.sleep(0.01)

        webhook = await there.register(events=["job.progress", "job.completed"])
        path = await there.api.submit(there.ann, "ticking")
        await wait_until(lambda: receiver.types.count("job.progress") >= 4)
        there.api.gate.set()
        await there.api.over(path)
        await wait_until(lambda: "job.completed" in receiver.types)
        await wait_until(lambda: _all_over(there, webhook))
        progress = [one for one in receiver.received if one.type == "job.progress"]
        assert {one.event["data"]["job"]["status"] for one in progress} == {"running"}
        percents = [one.event["data"]["job"]["progress"]["percent"] for one in progress]
        assert percents == sorted(percents)
        starts = await _starts(there, webhook, "job.progress")
        assert all(later - earlier >= 0.5 for earlier, later in pairwise(starts))
        span = progress[-1].at - progress[0].at
        assert len(progress) <= span / 0.5 + 2


async def _all_over(there: Scene, webhook: dict[str, Any]) -> bool:
    return all(one["finished_at"] for one in await there.deliveries(webhook))


async def _starts(there: Scene, webhook: dict[str, Any], kind: str) -> list[float]:
    """When attempts of its deliveries began, by the store."""
    ids = [one["id"] for one in await there.deliveries(webhook) if one["type"] == kind]
    events = [(await there.api.jobs.store.events(one)).events for one in ids]
    return sorted(event.at for log in events for event in log if event.kind == "running")


async def test_progress_that_comes_too_late_is_not_sent(receiver: Receiver) -> None:
    async with scene(receiver) as there:
        receiver.usual = Answer(500)
        webhook = await there.register(events=["job.progress", "job.completed"])
        path = await there.api.running(there.ann)
        await there.delivery(webhook, type="job.progress", status="failed")
        (late,) = [one for one in await there.deliveries(webhook) if one["type"] == "job.progress"]
        assert len(late["attempts"]) == 1, "progress is not sent again by itself"
        receiver.usual = Answer()
        there.api.gate.set()
        await there.api.over(path)
        await there.delivery(webhook, type="job.completed", status="completed")
        before = len(receiver.received)
        await there.ann.post(f"{webhook['links']['deliveries']}/{late['id']}/resend")
        await wait_until(lambda: _is_completed(there, late["id"]))
        result = await there.api.jobs.read_result(await there.api.jobs.get_record(late["id"]))
        assert json.loads(result) == "not sent: the job is over"
        assert len(receiver.received) == before


async def _is_completed(there: Scene, delivery_id: str) -> bool:
    return (await there.api.jobs.get_record(delivery_id)).status == "completed"


async def test_a_test_event(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register()
    answer = await at_once.ann.post(webhook["links"]["test"])
    assert answer.status_code == 202
    AcceptedWebhookDelivery.model_validate(answer.json())
    (request,) = await receiver.got()
    assert request.event == {
        "type": "webhook.test",
        "timestamp": answer.json()["created_at"],
        "data": {"webhook_id": webhook["id"]},
    }
    AcceptedTestDelivery.model_validate_json(request.body)
    assert request.id == answer.json()["id"]
    assert verify(webhook["secret"], request.headers, request.body)
    await at_once.delivery(webhook, type="webhook.test", status="completed")


async def test_a_webhook_that_nothing_reaches_for_three_days_is_disabled(at_once: Scene, receiver: Receiver) -> None:
    receiver.usual = Answer(500)
    webhook = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    await at_once.delivery(webhook, status="failed")
    assert (await at_once.webhook(webhook))["disabled_at"] is None
    # From here on the failure above is old enough.
    at_once.api.jobs.deliveries.unreached = 0.0
    await at_once.api.done(at_once.ann, "add", a=2)
    await at_once.delivery(webhook, status="failed", seq=3)
    await wait_until(lambda: _disabled(at_once, webhook))


async def _disabled(there: Scene, webhook: dict[str, Any]) -> bool:
    return (await there.webhook(webhook))["disabled_at"] is not None


async def test_one_success_in_between_keeps_it_enabled(at_once: Scene, receiver: Receiver) -> None:
    receiver.answers = [Answer(500)] * 11 + [Answer()] + [Answer(500)] * 11
    webhook = await at_once.register()
    at_once.api.jobs.deliveries.unreached = 0.0
    for number, became in enumerate(("failed", "completed", "failed"), 1):
        await at_once.api.done(at_once.ann, "add", a=number)
        await at_once.delivery(webhook, status=became)
        await wait_until(lambda: len(receiver.received) >= (11, 12, 23)[number - 1])  # noqa: B023
    await at_once.delivery(webhook, status="failed")
    assert (await at_once.webhook(webhook))["disabled_at"] is None


async def test_deliveries_are_nobodys_jobs(at_once: Scene, receiver: Receiver) -> None:
    webhook = await at_once.register()
    path = await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(webhook, status="completed")
    listed = (await at_once.ann.get("/v1/jobs")).json()["jobs"]
    assert [job["links"]["self"] for job in listed] == [path]
    assert (await at_once.ann.get(f"/v1/jobs/{delivery['id']}")).status_code == 404
    assert DELIVERY_TASK not in {task["name"] for task in (await at_once.ann.get("/v1/tasks")).json()["tasks"]}
    submitted = await at_once.ann.post(f"/v1/tasks/{DELIVERY_TASK}", json={})
    assert submitted.status_code == 404
    record = await at_once.api.jobs.get_record(delivery["id"])
    assert (record.owner, record.task) == (delivery_owner(webhook["id"]), DELIVERY_TASK)
