"""Limits over HTTP: 429 for what is the caller's own, 503 for what is everybody's, and why a job waits."""

from __future__ import annotations

from datetime import datetime

import httpx
from helpers import wait_until
from http_api.serving import Api, problem, started

from accepted.http.shapes import AcceptedJob


async def post(client: httpx.AsyncClient, task: str = "add") -> httpx.Response:
    return await client.post(f"/v1/tasks/{task}", json={"a": 1} if task == "add" else {})


async def test_too_many_a_minute_says_when_there_is_room() -> None:
    async with started(owner_submit_rate="2/m") as api, api.client("ann") as ann, api.client("bob") as bob:
        first = (await post(ann)).json()
        await post(ann)
        answer = await post(ann)
        body = problem(answer, 429, "limit-reached")
        assert (body["limit"], body["used"], body["at_most"]) == ("submit:ann/*", 2, 2)
        assert (body["per_seconds"], body["retryable"]) == (60, True)
        came, room = (datetime.fromisoformat(text) for text in (first["submitted_at"], body["resets_at"]))
        assert abs((room - came).total_seconds() - 60) < 0.002
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (await post(bob)).status_code == 202


async def test_too_many_at_once_says_what_to_do(api: Api, ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    @api.jobs.task(active_per_owner=1)
    async def one() -> None:
        await api.gate.wait()

    assert (await post(ann, "one")).status_code == 202
    answer = await post(ann, "one")
    body = problem(answer, 429, "limit-reached")
    assert "per_seconds" not in body
    assert "resets_at" not in body
    assert body["detail"] == "1 of at most 1 (active:ann/one); wait for one to end, or cancel one."
    assert int(answer.headers["retry-after"]) >= 1
    assert (await post(bob, "one")).status_code == 202


async def test_the_whole_queue_is_full_for_everybody() -> None:
    async with started(active_max=2) as api, api.client("ann") as ann, api.client("bob") as bob:
        path = await api.running(ann, "first")
        await api.running(ann, "second")
        answer = await post(bob)
        body = problem(answer, 503, "queue-full")
        assert (body["limit"], body["used"], body["at_most"]) == ("active:*", 2, 2)
        assert int(answer.headers["retry-after"]) >= 1
        over = await api.client("root").delete(path)
        assert over.status_code == 204
        done = (await post(bob)).headers["location"]
        await api.over(done)
        await api.running(ann, "third")
        problem(await bob.post(done + "/retry"), 503, "queue-full")


async def test_a_key_that_cannot_be_made_is_the_callers_mistake(api: Api, ann: httpx.AsyncClient) -> None:
    @api.jobs.task(key=lambda n: f"{100 // n if n else int('none')}", per_key=1)
    async def divide(n: int) -> None: ...

    @api.jobs.task(key="text", per_key=1)
    async def read(text: str) -> str:
        return text

    assert (await ann.post("/v1/tasks/read", json={"text": "a\0b"}, headers={"prefer": "wait=20"})).json() == "a\0b"
    assert (await ann.post("/v1/tasks/divide", json={"n": 5})).status_code == 202
    body = problem(await ann.post("/v1/tasks/divide", json={"n": 0}), 422, "invalid-input")
    assert body["errors"][0]["pointer"] == "#/n"


async def test_who_waits_for_a_pace_is_told_until_when(api: Api, ann: httpx.AsyncClient) -> None:
    @api.jobs.task(key="name", rate_per_key="1/h")
    async def slow(name: str) -> None: ...

    await api.done(ann, "slow", name="a")
    path = await api.submit(ann, "slow", name="a")
    job = (await ann.get(path)).json()
    AcceptedJob.model_validate(job)
    waiting = job["waiting"]
    assert (waiting["reason"], waiting["limit"]) == ("limit", "rate:key:slow/a")
    assert (waiting["used"], waiting["at_most"], waiting["per_seconds"]) == (1, 1, 3600)
    assert waiting["estimated_start_at"] == waiting["resets_at"]
    assert waiting["detail"] == (
        "1 of at most 1 starts in any 3600 s are used under the limit rate:key:slow/a; "
        f"the next may start at {waiting['resets_at']}."
    )
    await api.done(ann, "slow", name="b")


async def test_who_waits_for_a_slot_is_told_which(api: Api, ann: httpx.AsyncClient) -> None:
    @api.jobs.task(key="name", per_key=1)
    async def alone(name: str) -> None:
        api.calls.append(name)
        await api.gate.wait()

    await api.submit(ann, "alone", name="a")
    await wait_until(lambda: api.calls)
    waiting = (await ann.get(await api.submit(ann, "alone", name="a"))).json()["waiting"]
    assert (waiting["limit"], waiting["per_seconds"], waiting["resets_at"]) == ("key:alone/a", None, None)
    assert waiting["detail"] == "1 of at most 1 jobs are running under the limit key:alone/a."


async def test_endpoints_have_the_same_limits(api: Api) -> None:
    answer = api.jobs.endpoint(wait=20, key="name", per_key=1, rate="5/s", active=10, submit_rate_per_owner="9/s")

    async def greet(name: str) -> str:
        return name

    task = answer(greet).task  # type: ignore[attr-defined]
    assert task.limit_key({"name": "ann"}) == "ann"
    assert (task.policy.rate, task.policy.active) == ("5/s", 10)
