"""The contract's routes: what they answer, and when."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from accepted_apps.playground import Playground
from helpers import wait_until

from .serving import Client, Server


async def newest(client: Client) -> list[str]:
    return [one["task_id"] for one in (await client.http.get("/scraper/tasks?limit=1")).json()["tasks"]]


async def test_a_page_that_comes_in_time_is_the_answer(client: Client, web: Playground) -> None:
    answer = await client.preview(web.url + "/plain")
    assert answer.status_code == 200
    assert answer.json()["url"] == web.url + "/plain"
    assert answer.json()["tier_info"]["tier_used"] == 1
    task = (await client.http.get(answer.headers["Content-Location"])).json()
    assert task["status"] == "completed"
    assert task["result"] == answer.json()


async def test_a_page_that_takes_longer_is_a_task_that_goes_on(serve: Any, web: Playground) -> None:
    async with serve(preview_wait=0.3).client() as client:
        answer = await client.preview(web.url + "/slow?seconds=1")
        assert answer.status_code == 202
        task = answer.json()
        assert task["status"] == "running"
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Location"] == f"/scraper/task/{task['task_id']}"
        assert task["websocket_channel"] == f"scraper:{task['task_id']}"
        done = await client.over(task["task_id"])
        assert done["status"] == "completed"
        assert [one.path for one in web.visits].count("/slow") == 1
        assert len((await client.http.get("/scraper/tasks")).json()["tasks"]) == 1


async def test_a_preview_that_fails_in_time_says_why(client: Client, web: Playground) -> None:
    answer = await client.preview(web.url + "/missing")
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no such page" in answer.json()["detail"]
    assert answer.json()["error"]["code"] == "not_found"


async def test_the_background_form_answers_at_once(client: Client, web: Playground, server: Server) -> None:
    answer = await client.http.post("/scraper/preview/async", json={"url": web.url + "/slow?seconds=1"})
    assert answer.status_code == 202
    assert answer.elapsed < timedelta(seconds=0.9)
    body = answer.json()
    task_id = body.pop("task_id")
    assert body.pop("message")
    assert body == {
        "status": "started",
        "url": web.url + "/slow?seconds=1",
        "websocket_channel": f"scraper:{task_id}",
        "websocket_url": server.url.replace("http", "ws", 1) + "/ws/scraper",
    }
    assert (await client.over(task_id))["status"] == "completed"


async def test_a_task_tells_how_far_it_is(client: Client, web: Playground) -> None:
    task_id = await client.start(web.url + "/slow?seconds=1")

    async def begun() -> dict[str, Any] | None:
        found = await client.look(task_id)
        return found if found["tier"] else None

    task = await wait_until(begun)
    assert (task["status"], task["tier"], task["tier_name"]) == ("running", 1, "Lightweight")
    assert task["cost_per_page"] == 0.0001
    assert task["message"] == "Trying tier 1 (Lightweight)."
    assert 0 < task["percent"] < 100
    assert task["result"] is None
    assert task["error"] is None
    done = await client.over(task_id)
    assert done["percent"] == 100
    for name in ("created_at", "started_at", "completed_at"):
        assert datetime.fromisoformat(done[name]).utcoffset() == timedelta(0)
        assert done[name].endswith("+00:00")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": 7}, "url"),
        ({"url": "ftp://example.org/"}, "url"),
        ({"url": "http://user:word@example.org/"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://example.org/" + "x" * 3000}, "url"),
        ({"url": "http://example.org/", "min_tier": 0}, "min_tier"),
        ({"url": "http://example.org/", "min_tier": 4}, "min_tier"),
        ({"url": "http://example.org/", "max_tier": 0}, "max_tier"),
        ({"url": "http://example.org/", "min_tier": 3, "max_tier": 2}, "max_tier"),
        ({"url": "http://example.org/", "max_tier": "high"}, "max_tier"),
    ],
)
@pytest.mark.parametrize("path", ["/scraper/preview", "/scraper/preview/async", "/v1/tasks/preview"])
async def test_bad_input_names_the_field_and_submits_nothing(
    path: str, body: dict[str, Any], field: str, client: Client
) -> None:
    before = await newest(client)
    answer = await client.http.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    assert answer.json()["detail"].startswith(f"{field}: ")
    assert await newest(client) == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b'{"url": "%s"}' % (b"x" * 100_000), "application/json", 413),
    ],
)
async def test_what_is_no_submission_is_refused(content: bytes, kind: str, status: int, client: Client) -> None:
    answer = await client.http.post("/scraper/preview", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


async def test_members_that_are_not_known_are_left_alone(client: Client, web: Playground) -> None:
    assert (await client.preview(web.url + "/plain", user_id="u-1")).status_code == 200


@pytest.mark.parametrize("task_id", ["nothing", "01a201ee-21bc-7e32-91f5-b18086d1e5be"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_task_is_404(method: str, task_id: str, client: Client) -> None:
    answer = await client.http.request(method, f"/scraper/task/{task_id}")
    assert answer.status_code == 404
    assert task_id in answer.json()["detail"]


async def test_history_is_newest_first_and_goes_on(client: Client, web: Playground) -> None:
    ids = [(await client.run(web.url + f"/plain?n={number}"))["task_id"] for number in range(3)]
    first = (await client.http.get("/scraper/tasks?limit=2")).json()
    assert [one["task_id"] for one in first["tasks"]] == [ids[2], ids[1]]
    more = (await client.http.get("/scraper/tasks", params={"limit": 2, "cursor": first["cursor"]})).json()
    assert more["tasks"][0]["task_id"] == ids[0]
    done = (await client.http.get("/scraper/tasks?status=failed&limit=100")).json()["tasks"]
    assert all(one["status"] == "failed" for one in done)
    assert (await client.http.get("/scraper/tasks?limit=0")).status_code == 422
    assert "limit" in (await client.http.get("/scraper/tasks?limit=0")).json()["detail"]


async def test_the_same_idempotency_key_starts_nothing_twice(client: Client, web: Playground) -> None:
    async def submit(url: str) -> Any:
        headers = {"Idempotency-Key": '"once"'}
        return await client.http.post("/scraper/preview/async", json={"url": url}, headers=headers)

    first, second = await submit(web.url + "/plain?once"), await submit(web.url + "/plain?once")
    assert first.json()["task_id"] == second.json()["task_id"]
    assert (await submit(web.url + "/plain?other")).status_code == 422


async def test_the_document_describes_the_routes(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    paths = document["paths"]
    body = paths["/scraper/preview"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"url", "min_tier", "max_tier"}
    assert set(paths["/scraper/preview"]["post"]["responses"]) >= {"200", "202", "409", "422", "429"}
    assert "/v1/tasks/preview" in paths
    assert "$defs" not in json.dumps(document)


@pytest.mark.parametrize("path", ["/", "/preview", "/assets/preview.js", "/assets/preview.css"])
async def test_pages_load_nothing_from_elsewhere(path: str, client: Client) -> None:
    answer = await client.http.get(path)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "https://" not in answer.text.replace("https://example.org", "").replace("https://${", "")


async def test_health_and_metrics_are_served(client: Client) -> None:
    assert (await client.http.get("/healthz")).json() == {"status": "ok"}
    assert (await client.http.get("/readyz")).status_code == 200
    assert "accepted_jobs_submitted_total" in (await client.http.get("/metrics")).text
