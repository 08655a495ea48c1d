"""One job over HTTP: status, result, events, cancel, retry, delete, tokens; and who may."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from helpers import wait_until
from http_api.serving import Api, problem, started

from accepted import Job
from accepted.http import views
from accepted.http.shapes import AcceptedEventPage, AcceptedJob, AcceptedToken


async def status_of(client: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


# ── status ───────────────────────────────────────────────────────────────────────────────────────────


async def test_running(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    answer = await status_of(ann, path)
    body = answer.json()
    AcceptedJob.model_validate(body)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["etag"] == f'W/"{body["seq"]}"'
    assert answer.headers["vary"] == "Prefer"
    assert int(answer.headers["retry-after"]) >= 1
    assert body["status"] == "running"
    assert body["progress"]["percent"] == 25
    assert body["progress"]["message"] == "At the gate"
    assert body["progress"]["last_reported_at"]
    assert body["progress"]["estimated_end_at"]
    assert body["waiting"] is None
    assert body["expires_at"] is None


async def test_not_modified(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    first = await status_of(ann, path)
    again = await status_of(ann, path, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "retry-after"):
        assert again.headers[name] == first.headers[name]


async def test_not_modified_in_every_state_and_modified_by_the_next(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    later = (await ann.post("/v1/tasks/add", json={"a": 1}, headers={"accepted-delay": "1h"})).headers["location"]
    running, pending = [(await status_of(ann, one)).headers["etag"] for one in (path, later)]
    for one, tag in ((path, running), (later, pending)):
        assert (await status_of(ann, one, if_none_match=tag)).status_code == 304
        assert (await status_of(ann, one, if_none_match=f'"x", {tag}')).status_code == 304
        assert (await status_of(ann, one, if_none_match='W/"0"')).status_code == 200
    for one, tag in ((path, running), (later, pending)):
        await ann.post(one + "/cancel")
        await api.over(one)
        over = await status_of(ann, one, if_none_match=tag)
        assert over.json()["status"] == "cancelled"
        same = await status_of(ann, one, if_none_match=over.headers["etag"])
        assert (same.status_code, "retry-after" in same.headers) == (304, False)
    await ann.delete(later)
    problem(await status_of(ann, later, if_none_match=pending), 410, "job-gone")


async def test_failed_is_200(api: Api, ann: httpx.AsyncClient) -> None:
    body = (await status_of(ann, await api.done(ann, "fail"))).json()
    AcceptedJob.model_validate(body)
    assert body["status"] == "failed"
    assert body["error"]["status"] == 500
    assert body["error"]["type"].endswith("#no-luck")
    assert body["poll_after_ms"] is None
    assert body["expires_at"]


async def test_steps_and_artifacts(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "attach", name="a b.txt", text="hello")
    body = (await status_of(ann, path)).json()
    AcceptedJob.model_validate(body)
    (step,), (artifact,) = body["steps"], body["artifacts"]
    assert (step["name"], step["status"], step["attempt"]) == ("prepare", "completed", 1)
    assert "result" not in step
    assert (artifact["name"], artifact["size_bytes"]) == ("a b.txt", 5)
    assert artifact["url"] == f"{path}/artifacts/a%20b.txt"


async def test_polling_slows_down_with_age(api: Api, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await api.running(ann)
    now, polls = time.time(), []
    for age in (0, 60, 200, 3600):
        monkeypatch.setattr("accepted.http.job_body.time.time", lambda age=age: now + age)
        polls.append((await status_of(ann, path)).json()["poll_after_ms"])
    assert polls[0] == 500
    assert polls == sorted(polls)
    assert polls[-1] == 30_000


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place in the queue is looked up each time."""
    monkeypatch.setattr(views, "_PLACE_HOLDS", -1.0)


@pytest.mark.usefixtures("no_memory")
async def test_why_it_waits() -> None:
    async with started(concurrency=1, worker=False) as api, api.client() as ann:
        first, second = await api.submit(ann, "gated"), await api.submit(ann, "gated")
        body = (await status_of(ann, second)).json()
        assert body["waiting"]["reason"] == "worker"
        assert (body["waiting"]["position"], body["waiting"]["workers"]) == (2, 0)
        assert "No worker" in body["waiting"]["detail"]
        tag = (await status_of(ann, second)).headers["etag"]
        assert (await status_of(ann, second, if_none_match=tag)).status_code == 304
        await ann.post(first + "/cancel")
        moved = await status_of(ann, second, if_none_match=tag)
        assert (moved.status_code, moved.json()["waiting"]["position"]) == (200, 1)


@pytest.mark.usefixtures("no_memory")
async def test_the_limit_that_holds_it(api: Api) -> None:
    @api.jobs.task(per_owner=1)
    async def alone() -> None:
        api.calls.append("alone")
        await api.gate.wait()

    async with api.client() as ann:
        await api.submit(ann, "alone")
        await wait_until(lambda: api.calls)
        held = (await status_of(ann, await api.submit(ann, "alone"))).json()["waiting"]
        assert held["reason"] == "limit"
        assert held["limit"] == "owner:ann/alone"
        assert (held["used"], held["at_most"]) == (1, 1)
        assert "1 of at most 1" in held["detail"]


async def test_between_attempts(api: Api, ann: httpx.AsyncClient) -> None:
    @api.jobs.task(retries=3, backoff="1h")
    async def flaky() -> None:
        raise OSError("the network is away")

    path = await api.submit(ann, "flaky")

    async def waits() -> dict[str, object] | None:
        body = (await status_of(ann, path)).json()
        return body if body["attempt"] == 1 and body["status"] == "pending" else None

    body = await wait_until(waits)
    AcceptedJob.model_validate(body)
    assert body["waiting"]["reason"] == "retry"
    assert body["waiting"]["error"]["detail"] == "the network is away"
    assert body["waiting"]["estimated_start_at"] == body["scheduled_at"]
    assert body["error"] is None
    assert (body["failures"], body["max_retries"]) == (1, 3)


# ── long poll ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_long_poll_ends_with_the_next_change(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    tag = (await status_of(ann, path)).headers["etag"]
    held = asyncio.ensure_future(status_of(ann, path, prefer="wait=20", if_none_match=tag))
    await wait_until(lambda: api.jobs.hub.watched)
    api.gate.set()
    answer = await held
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json()["seq"] > int(tag[3:-1])


async def test_a_long_poll_without_news(ann: httpx.AsyncClient, api: Api) -> None:
    path = await api.running(ann)
    tag = (await status_of(ann, path)).headers["etag"]
    answer = await status_of(ann, path, prefer="wait=1", if_none_match=tag)
    assert answer.status_code == 304
    assert answer.headers["preference-applied"] == "wait=1"


async def test_a_long_poll_of_what_has_changed_already(ann: httpx.AsyncClient, api: Api) -> None:
    path = await api.running(ann)
    answer = await asyncio.wait_for(status_of(ann, path, prefer="wait=60", if_none_match='W/"1"'), 20)
    assert answer.status_code == 200


async def test_a_long_poll_of_a_job_that_is_over(ann: httpx.AsyncClient, api: Api) -> None:
    path = await api.done(ann, "add", a=1)
    tag = (await status_of(ann, path)).headers["etag"]
    answer = await asyncio.wait_for(status_of(ann, path, prefer="wait=60", if_none_match=tag), 20)
    assert answer.status_code == 304


async def test_a_long_poll_of_a_job_that_is_removed(ann: httpx.AsyncClient, api: Api) -> None:
    path = await api.running(ann)
    held = asyncio.ensure_future(status_of(ann, path, prefer="wait=20"))
    await wait_until(lambda: api.jobs.hub.watched)
    await ann.delete(path)
    problem(await held, 410, "job-gone")


# ── result ───────────────────────────────────────────────────────────────────────────────────────────


async def test_results(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "add", a=40)
    answer = await ann.get(path + "/result")
    assert (answer.status_code, answer.json()) == (200, 42)
    assert answer.headers["content-type"] == "application/json"
    again = await ann.get(path + "/result", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_large_result_is_streamed(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "big", size=2_000_000)
    answer = await ann.get(path + "/result")
    assert answer.headers["content-length"] == "2000002"
    assert len(answer.json()) == 2_000_000


async def test_no_result_yet(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    answer = await ann.get(path + "/result")
    assert answer.status_code == 202
    assert answer.json()["status"] == "running"
    assert answer.headers["location"] == path
    assert int(answer.headers["retry-after"]) >= 1


async def test_no_result_ever(api: Api, ann: httpx.AsyncClient) -> None:
    failed = problem(await ann.get(await api.done(ann, "fail") + "/result"), 409, "job-failed")
    assert failed["error"]["detail"] == "no luck"
    path = await api.running(ann)
    await ann.post(path + "/cancel")
    await api.over(path)
    assert problem(await ann.get(path + "/result"), 409, "job-cancelled")["reason"] == "requested"


async def test_the_reason_of_a_cancel_is_kept(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    await ann.post(path + "/cancel", json={"reason": "changed my mind"})
    await api.over(path)
    assert (await status_of(ann, path)).json()["cancel_reason"] == "changed my mind"


# ── events ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_page_of_events(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "attach", name="a", text="b")
    page = (await ann.get(path + "/events")).json()
    AcceptedEventPage.model_validate(page)
    seqs = [event["seq"] for event in page["events"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert (page["first_seq"], page["last_seq"], page["more"]) == (1, seqs[-1], False)
    part = (await ann.get(path + "/events?after=1&limit=2")).json()
    assert [event["seq"] for event in part["events"]] == [2, 3]
    assert (part["last_seq"], part["more"]) == (3, True)
    beyond = (await ann.get(path + "/events?after=1000")).json()
    assert (beyond["events"], beyond["more"]) == ([], False)


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", "after=99999999999999999999", "limit="]
)
async def test_pages_that_are_not(api: Api, ann: httpx.AsyncClient, query: str) -> None:
    path = await api.done(ann, "add", a=1)
    problem(await ann.get(f"{path}/events?{query}"), 400, "bad-request")


async def test_the_same_bytes_on_both_transports(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "add", a=1)
    page = (await ann.get(path + "/events")).content
    stream = await ann.get(path + "/events", headers={"accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    data = [line.removeprefix("data: ") for line in stream.text.splitlines() if line.startswith("data: ")]
    assert len(data) == len(json.loads(page)["events"])
    assert b"[" + ",".join(data).encode() + b"]" in page


async def test_a_stream_goes_on_where_it_ended(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "add", a=1)
    accept = {"accept": "text/event-stream"}
    rest = await ann.get(path + "/events?after=1", headers=accept | {"last-event-id": "2"})
    assert [line for line in rest.text.splitlines() if line.startswith("id:")] == ["id: 3"]
    done = await ann.get(path + "/events", headers=accept | {"last-event-id": "3"})
    assert (done.status_code, done.content) == (204, b"")


async def test_several_jobs_on_one_stream(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    first, second = [await api.done(ann, "add", a=1) for _ in range(2)]
    ids = [path.rsplit("/", 1)[1] for path in (first, second)]
    stream = await ann.get(f"/v1/events?jobs={','.join(ids)}&after={ids[0]}:3")
    found = [line for line in stream.text.splitlines() if line.startswith("id: ")]
    assert len(found) == 3
    assert found[-1] == f"id: {ids[0]}:3,{ids[1]}:3"
    problem(await bob.get(f"/v1/events?jobs={ids[0]}"), 404, "job-not-found")
    problem(await ann.get("/v1/events"), 400, "bad-request")


async def test_a_snapshot_has_this_clients_links() -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    async with started(max_events=5) as api:
        app = Starlette(routes=[Mount("/sub", app=api.jobs.app)])

        @api.jobs.task
        async def chatty(*, job: Job) -> None:
            for number in range(20):
                await job.log(str(number))

        async with api.client(app=app) as ann:
            path = (await ann.post("/sub/v1/tasks/chatty")).headers["location"]
            await api.over(path)
            stream = await ann.get(path + "/events", headers={"accept": "text/event-stream"})
            lines = stream.text.splitlines()
            snapshot = json.loads(lines[lines.index("event: snapshot") + 1].removeprefix("data: "))
            assert snapshot["links"]["self"] == path


# ── cancel, retry, delete ────────────────────────────────────────────────────────────────────────────


async def test_cancel_a_running_job(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    answer = await ann.post(path + "/cancel")
    assert answer.status_code == 202
    assert answer.json()["cancelling"] is True
    assert answer.headers["location"] == path
    await api.over(path)
    again = await ann.post(path + "/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert again.json()["cancel_reason"] == "requested"


async def test_cancel_a_pending_job(api: Api, ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/v1/tasks/add", json={"a": 1}, headers={"accepted-delay": "1h"})
    cancelled = await ann.post(answer.headers["location"] + "/cancel", json={"reason": "too late"})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["cancel_reason"] == "too late"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"reason": 1}', 422),
        (b'{"reason": ""}', 422),
        (b'{"reason": "%s"}' % (b"x" * 501), 422),
        (b'{"other": "x"}', 422),
        (b"[]", 422),
        (b"{", 400),
        (b"[" * 10_000, 400),
        (b'{"reason": "%s"}' % (b"x" * 20_000), 413),
    ],
)
async def test_reasons_that_are_not(api: Api, ann: httpx.AsyncClient, body: bytes, status: int) -> None:
    path = await api.running(ann)
    answer = await ann.post(path + "/cancel", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert (await status_of(ann, path)).json()["cancelling"] is False


async def test_retry(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "fail")
    answer = await ann.post(path + "/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.headers["location"] == path
    await api.over(path)


async def test_retry_of_what_is_not_over(api: Api, ann: httpx.AsyncClient) -> None:
    body = problem(await ann.post(await api.running(ann) + "/retry"), 409, "wrong-state")
    assert body["state"] == "running"
    assert isinstance(body["allowed"], list)


async def test_delete(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    path = await api.running(ann)
    answer = await ann.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for call in (ann.get(path), ann.delete(path), ann.get(path + "/result"), ann.post(path + "/retry")):
        body = problem(await call, 410, "job-gone")
        assert body["expired_at"]
        assert body["reason"] == "deleted"
    problem(await bob.get(path), 404, "job-not-found")


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────

CALLS = [
    ("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/events"), ("GET", "/artifacts/a"),
    ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/tokens"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "rest"), CALLS)
async def test_a_foreign_job_is_unknown(
    api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient, method: str, rest: str
) -> None:
    path = await api.done(ann, "attach", name="a", text="b")
    foreign = await bob.request(method, path + rest)
    job_id = path.rsplit("/", 1)[1]
    unknown_id = job_id[:-4] + "0000"
    unknown = await bob.request(method, f"/v1/jobs/{unknown_id}{rest}")
    problem(foreign, 404, "job-not-found")
    assert foreign.text == unknown.text.replace(unknown_id, job_id)
    assert foreign.headers == unknown.headers
    async with api.client("root") as root:
        assert (await root.get(path)).status_code == 200


@pytest.mark.parametrize(("method", "rest"), CALLS)
async def test_nobody_may_nothing(api: Api, method: str, rest: str) -> None:
    async with api.client(None) as nobody:
        problem(await nobody.request(method, "/v1/jobs/x" + rest), 401, "not-authenticated")


async def test_a_token_for_one_job(api: Api, ann: httpx.AsyncClient) -> None:
    path, other = await api.running(ann), await api.running(ann)
    answer = await ann.post(path + "/tokens", json={"verbs": ["read"], "expires_in": 60})
    body = answer.json()
    AcceptedToken.model_validate(body)
    assert (answer.status_code, body["verbs"]) == (201, ["read"])
    assert answer.headers["cache-control"] == "no-store"
    headers = {"authorization": f"Bearer {body['token']}"}
    async with api.client(None, headers=headers) as holder:
        assert (await holder.get(path)).status_code == 200
        problem(await holder.post(path + "/cancel"), 403, "forbidden")
        problem(await holder.post(path + "/tokens"), 403, "forbidden")
        problem(await holder.get(other), 404, "job-not-found")
        problem(await holder.get("/v1/jobs"), 403, "forbidden")
        problem(await holder.get("/v1/tasks"), 403, "forbidden")
        problem(await holder.post("/v1/tasks/add", json={"a": 1}), 403, "forbidden")
        assert (await holder.post("/v1/ws-ticket")).status_code == 201


@pytest.mark.parametrize(
    "body",
    [{"verbs": ["delete"]}, {"verbs": []}, {"verbs": "read"}, {"expires_in": 0}, {"expires_in": "1"}, {"owner": "x"}],
)
async def test_tokens_that_are_not(api: Api, ann: httpx.AsyncClient, body: dict[str, object]) -> None:
    path = await api.running(ann)
    assert (await ann.post(path + "/tokens", json=body)).status_code in (400, 422)


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────


async def test_lists(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    mine = [await api.done(ann, "add", a=number) for number in range(3)]
    failed = await api.done(ann, "fail", message="needle")
    await api.done(bob, "add", a=1)
    page = (await ann.get("/v1/jobs?limit=3")).json()
    assert [job["links"]["self"] for job in page["jobs"]] == [failed, mine[2], mine[1]]
    assert "steps" not in page["jobs"][0]
    rest = (await ann.get("/v1/jobs", params={"limit": 3, "cursor": page["cursor"]})).json()
    assert ([job["links"]["self"] for job in rest["jobs"]], rest["cursor"]) == ([mine[0]], None)

    async def found(client: httpx.AsyncClient, **params: str) -> int:
        return len((await client.get("/v1/jobs", params=params)).json()["jobs"])

    assert await found(ann, status="failed") == 1
    assert await found(ann, status="failed,completed") == 4
    assert await found(ann, task="add") == 3
    assert await found(ann, q="needle") == 1
    assert await found(ann, owner="ann") == 4
    assert await found(bob) == 1
    problem(await ann.get("/v1/jobs?owner=bob"), 403, "forbidden")
    async with api.client("root") as root:
        assert await found(root) == 5
        assert await found(root, owner="bob") == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("status=open", 422),
        ("limit=0", 422),
        ("limit=9999", 422),
        ("cursor=x", 400),
        ("limit=x", 400),
    ],
)
async def test_lists_that_are_not(ann: httpx.AsyncClient, query: str, status: int) -> None:
    assert (await ann.get(f"/v1/jobs?{query}")).status_code == status
