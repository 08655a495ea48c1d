"""`/v1/webhooks`: what is answered, what is refused, and to whom a webhook exists."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jwt as pyjwt
import pytest
from helpers import wait_until
from http_api.serving import problem, started
from served import command
from starlette.requests import HTTPConnection
from webhooks.receiver import Answer, Receiver
from webhooks.scene import Scene, scene

from accepted import Jobs
from accepted.errors import ConfigurationError
from accepted.http.auth import Identity, new_key
from accepted.http.webhook_shapes import (
    AcceptedWebhook,
    AcceptedWebhookDeliveryPage,
    AcceptedWebhookList,
    AcceptedWebhookWithSecret,
)
from accepted.stores.base import DELIVERY_QUEUE

HOOK = {"url": "https://example.org/hook"}


async def test_made_read_changed_and_removed(at_once: Scene) -> None:
    ann = at_once.ann
    made = await ann.post("/v1/webhooks", json={**HOOK, "tasks": ["fail", "add"], "description": "for the page"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    body = made.json()
    AcceptedWebhookWithSecret.model_validate(body)
    assert body["events"] == ["job.completed", "job.failed", "job.cancelled"]
    assert body["tasks"] == ["add", "fail"]
    path = made.headers["location"]
    assert path == body["links"]["self"]
    del body["secret"]
    assert (await ann.get(path)).json() == body
    listed = (await ann.get("/v1/webhooks")).json()
    AcceptedWebhookList.model_validate(listed)
    assert listed == {"webhooks": [body]}
    change = {"url": "https://example.org/other", "events": ["job.progress"], "tasks": [], "description": ""}
    changed = await ann.patch(path, json=change)
    assert changed.json() == {**body, **change} == (await ann.get(path)).json()
    assert (await ann.patch(path, json={})).json() == changed.json()
    assert (await ann.delete(path)).status_code == 204
    problem(await ann.get(path), 404, "webhook-not-found")
    problem(await ann.delete(path), 404, "webhook-not-found")


async def test_a_body_that_only_python_takes_for_blank_is_no_json(at_once: Scene) -> None:
    path = (await at_once.ann.post("/v1/webhooks", json=HOOK)).headers["location"]
    for body, status in ((b"\x0c", 400), (b" \r\n", 200)):
        answer = await at_once.ann.patch(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, body


async def test_the_secret_is_shown_once(at_once: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    at_once.receiver.usual = Answer(500)
    made = await at_once.register()
    rotated = (await at_once.ann.post(made["links"]["rotate"])).json()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(made, status="failed")
    answers = [await at_once.ann.get(path) for path in ("/v1/webhooks", *made["links"].values())]
    patched = await at_once.ann.patch(made["links"]["self"], json={"description": "x"})
    stored = [event.data.decode() for event in (await at_once.api.jobs.store.events(delivery["id"])).events]
    said = [*(answer.text for answer in (*answers, patched)), *stored, caplog.text]
    for secret in (made["secret"], rotated["secret"]):
        assert not any(secret in text or secret.removeprefix("whsec_") in text for text in said)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", 7),
        ("url", ""),
        ("url", "example.org/hook"),
        ("url", "ftp://example.org/"),
        ("url", "file:///etc/passwd"),
        ("url", "https:///hook"),
        ("url", "https://user:password@example.org/"),
        ("url", "https://@example.org/"),
        ("url", "https://example.org:99999/"),
        ("url", "https://example.org:0/"),
        ("url", "https://example.org/#part"),
        ("url", "https://example.org/a b"),
        ("url", "https://example.org/\r\nHost: inside"),
        ("url", "https://exämple.org/"),
        ("url", "https://example.org/" + "x" * 2000),
        ("url", "https://[::1"),
        ("events", []),
        ("events", "job.completed"),
        ("events", ["job.pending"]),
        ("events", [["job.completed"]]),
        ("tasks", ["nothing"]),
        ("tasks", [{}]),
        ("tasks", ["add"] * 101),
        ("description", "x" * 501),
        ("description", None),
    ],
)
async def test_what_does_not_fit_is_named(at_once: Scene, member: str, value: Any) -> None:
    answer = await at_once.ann.post("/v1/webhooks", json={**HOOK, member: value})
    (error,) = problem(answer, 422, "invalid-input")["errors"]
    assert error["pointer"] == f"#/{member}"
    assert (await at_once.ann.get("/v1/webhooks")).json() == {"webhooks": []}
    made = (await at_once.ann.post("/v1/webhooks", json=HOOK)).json()
    problem(await at_once.ann.patch(made["links"]["self"], json={member: value}), 422, "invalid-input")
    assert (await at_once.webhook(made))["url"] == HOOK["url"]


async def test_every_misfit_is_named_at_once_and_a_url_is_needed(at_once: Scene) -> None:
    answer = await at_once.ann.post("/v1/webhooks", json={"url": "x", "events": [], "tasks": 1})
    assert {one["pointer"] for one in problem(answer, 422, "invalid-input")["errors"]} == {
        "#/url",
        "#/events",
        "#/tasks",
    }
    (error,) = problem(await at_once.ann.post("/v1/webhooks", json={}), 422, "invalid-input")["errors"]
    assert error["pointer"] == "#/url"
    problem(await at_once.ann.post("/v1/webhooks", json={**HOOK, "secret": "mine"}), 422, "invalid-input")


@pytest.mark.parametrize("overlap", [-1, True, "1h", 1e12, None])
async def test_an_overlap_that_does_not_fit(at_once: Scene, overlap: Any) -> None:
    made = await at_once.register()
    answer = await at_once.ann.post(made["links"]["rotate"], json={"overlap": overlap})
    (error,) = problem(answer, 422, "invalid-input")["errors"]
    assert error["pointer"] == "#/overlap"


async def test_to_a_stranger_it_does_not_exist(at_once: Scene, receiver: Receiver) -> None:
    made = await at_once.register()
    await at_once.api.done(at_once.ann, "add", a=1)
    delivery = await at_once.delivery(made, status="completed")
    own, unknown = made["links"]["self"], "/v1/webhooks/01a201ee-21bc-7e32-91f5-b18086d1e5be"
    resend = f"/deliveries/{delivery['id']}/resend"
    calls = [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate"),
        ("POST", "/test"),
        ("GET", "/deliveries"),
        ("POST", resend),
    ]
    async with at_once.api.client("bob") as bob, at_once.api.client(None) as nobody:
        assert (await bob.get("/v1/webhooks")).json() == {"webhooks": []}
        for method, path in calls:
            theirs, none = await bob.request(method, own + path), await bob.request(method, unknown + path)
            problem(theirs, 404, "webhook-not-found")
            assert theirs.text.replace(made["id"], "ID") == none.text.replace(unknown.rsplit("/", 1)[1], "ID")
            problem(await nobody.request(method, own + path), 401, "not-authenticated")
        # A delivery of hers, named below a webhook of his.
        his = await at_once.register(bob)
        problem(await bob.post(his["links"]["self"] + resend), 404, "webhook-not-found")
    async with at_once.api.client("root") as root:
        assert (await root.get(own)).json()["id"] == made["id"]
    assert await at_once.webhook(made) == {name: value for name, value in made.items() if name != "secret"}
    assert len(receiver.received) == 1


async def test_a_token_for_one_job_is_for_no_webhook(at_once: Scene) -> None:
    made = await at_once.register()
    path = await at_once.api.done(at_once.ann, "add", a=1)
    token = (await at_once.ann.post(path + "/tokens")).json()["token"]
    async with at_once.api.client(None) as page:
        page.headers["authorization"] = f"Bearer {token}"
        for call in (page.get("/v1/webhooks"), page.post("/v1/webhooks", json=HOOK), page.get(made["links"]["self"])):
            problem(await call, 403, "forbidden")


async def test_one_may_have_so_many(receiver: Receiver) -> None:
    async with scene(receiver, webhooks_max=2) as there:
        first = await there.register()
        await there.register()
        full = await there.ann.post("/v1/webhooks", json=HOOK)
        assert problem(full, 409, "webhooks-full")["at_most"] == 2
        async with there.api.client("bob") as bob:
            await there.register(bob)
        await there.ann.delete(first["links"]["self"])
        await there.register()


async def test_pages_of_the_log(at_once: Scene) -> None:
    made = await at_once.register()
    for number in range(5):
        await at_once.api.done(at_once.ann, "add", a=number)
    await wait_until(lambda: _count(at_once, made, 5))
    log = await at_once.deliveries(made)
    assert [one["created_at"] for one in log] == sorted((one["created_at"] for one in log), reverse=True)
    path, cursor, seen = made["links"]["deliveries"], "", list[str]()
    for _ in range(3):
        page = (await at_once.ann.get(f"{path}?limit=2&cursor={cursor}")).json()
        AcceptedWebhookDeliveryPage.model_validate(page)
        seen += [one["id"] for one in page["deliveries"]]
        cursor = page["cursor"] or ""
    assert seen == [one["id"] for one in log]
    for query in ("limit=0", "limit=201", "limit=x", "cursor=x"):
        problem(await at_once.ann.get(f"{path}?{query}"), 400, "bad-request")


async def _count(there: Scene, webhook: dict[str, Any], count: int) -> bool:
    log = await there.deliveries(webhook)
    return sum(one["finished_at"] is not None for one in log) == count


async def test_a_delivery_that_there_is_not(at_once: Scene) -> None:
    made = await at_once.register()
    for unknown in ("x", "01a201ee-21bc-7e32-91f5-b18086d1e5be"):
        answer = await at_once.ann.post(f"{made['links']['deliveries']}/{unknown}/resend")
        assert unknown in problem(answer, 404, "webhook-not-found")["detail"]


async def test_a_disabled_one_is_not_tested(at_once: Scene, receiver: Receiver) -> None:
    made = await at_once.register()
    disabled = (await at_once.ann.patch(made["links"]["self"], json={"disabled": True})).json()
    AcceptedWebhook.model_validate(disabled)
    assert disabled["disabled_reason"] == "asked for"
    again = (await at_once.ann.patch(made["links"]["self"], json={"disabled": True})).json()
    assert again == disabled
    problem(await at_once.ann.post(made["links"]["test"]), 409, "webhook-disabled")
    await at_once.api.done(at_once.ann, "add", a=1)
    assert await at_once.deliveries(made) == []
    assert not receiver.received


# ── names that are the library's own ─────────────────────────────────────────────────────────────────

OURS = "accepted:webhook:01a201ee-21bc-7e32-91f5-b18086d1e5be"


async def test_no_task_puts_its_jobs_into_the_queue_of_deliveries() -> None:
    with pytest.raises(ConfigurationError, match=r"sneaky: queues that begin with 'accepted\.' are the library's"):
        Jobs("sqlite://:memory:").task(name="sneaky", queue=DELIVERY_QUEUE)(_nothing)


async def _nothing() -> None: ...


async def test_nobody_comes_in_as_an_owner_of_the_library() -> None:
    async with started() as api, api.client(OURS) as pretender:
        for call in (pretender.get("/v1/jobs"), pretender.post("/v1/tasks/add", json={"a": 1})):
            problem(await call, 403, "forbidden")


async def test_not_by_a_token_of_an_identity_provider() -> None:
    async def by_jwt(connection: HTTPConnection) -> Identity:
        token = connection.headers["authorization"].removeprefix("Bearer ")
        return Identity(pyjwt.decode(token, "k" * 32, algorithms=["HS256"])["sub"])

    jobs = Jobs("sqlite://:memory:", auth=by_jwt)
    token = pyjwt.encode({"sub": OURS}, "k" * 32, algorithm="HS256")
    async with jobs, httpx.AsyncClient(transport=httpx.ASGITransport(jobs.app), base_url="http://localhost") as client:
        answer = await client.get("/v1/jobs", headers={"Authorization": f"Bearer {token}"})
        problem(answer, 403, "forbidden")


def test_not_by_an_api_key() -> None:
    with pytest.raises(ConfigurationError, match="owner"):
        new_key("laptop", OURS)


def test_a_task_cannot_take_the_place_of_the_delivery() -> None:
    jobs = Jobs("sqlite://:memory:")
    with pytest.raises(ConfigurationError, match=r"accepted\."):

        @jobs.task(name="accepted.webhook")
        async def mine() -> None: ...


async def test_the_document_says_what_is_sent(at_once: Scene) -> None:
    async with at_once.api.client(None) as nobody:
        document = (await nobody.get("/openapi.json")).json()
    assert set(document["webhooks"]) == {"delivery", "test"}
    sent = document["webhooks"]["delivery"]["post"]
    assert {one["name"] for one in sent["parameters"]} == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert "AcceptedDelivery" in json.dumps(sent["requestBody"])


async def test_the_command_that_makes_keys_makes_none(tmp_path: Path) -> None:
    words = ["keys", "create", "laptop", "--owner", OURS, "--data", str(tmp_path)]
    ran = await asyncio.to_thread(subprocess.run, command(*words), capture_output=True, text=True)
    assert ran.returncode != 0
    assert "owner" in ran.stderr
    assert "ak_" not in ran.stdout
