"""The contract, sentence by sentence: shapes, words, refusals."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from app_server import make_key
from helpers import wait_until

from .serving import Client, Networks, Server, all_of

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


async def test_a_submission_is_answered_with_the_job_and_where_to_poll(client: Client, networks: Networks) -> None:
    answer = await client.scrape(url=networks.on_mastodon("@ann"), posts=1, comments=1)
    body = answer.json()
    assert answer.status_code == 202
    assert body["status"] == "pending"
    assert f"/api/scrape/status/{body['jobId']}" in body["message"]
    assert answer.headers["Location"] == f"/api/scrape/status/{body['jobId']}"
    assert (await client.over(body["jobId"]))["status"] == "completed"


async def test_it_is_answered_at_once_whatever_the_work_takes(client: Client, networks: Networks) -> None:
    networks.mastodon.network.trouble("lookup", "endless")
    job_id = await client.start(networks.on_mastodon("@ann"))
    await wait_until(lambda: networks.mastodon.network.visits, what="the request of the job")
    state = await client.look(job_id)
    assert state["status"] == "processing"
    assert state["startedAt"] is not None
    assert state["completedAt"] is None
    assert "result" not in state
    assert "error" not in state
    await client.http.post(f"/v1/jobs/{job_id}/cancel")
    cancelled = await client.over(job_id)
    assert cancelled["status"] == "cancelled"
    assert "result" not in cancelled
    assert "error" not in cancelled


async def test_the_status_of_a_completed_job(client: Client, networks: Networks) -> None:
    job_id = await client.start(networks.on_mastodon("@ann"), posts=2, comments=3)
    state = await client.over(job_id)
    assert state["id"] == state["jobId"] == job_id
    assert state["progress"] == {"message": state["message"], "percent": 100.0}
    assert all(TIME.fullmatch(state[name]) for name in ("createdAt", "startedAt", "completedAt"))
    result = state["result"]
    assert list(result) == ["type", "profile"]
    assert result["type"] == "profile"
    assert set(result["profile"]) == {"profile", "posts"}
    assert set(result["profile"]["profile"]) == {
        *("username", "fullName", "bio", "followers", "following", "postCount", "profileUrl", "profilePicUrl")
    }
    post = result["profile"]["posts"][0]
    assert set(post) == {
        *("id", "url", "caption", "timestamp", "likeCount", "commentCount", "imageUrl", "shortcode"),
        *("comments", "note"),
    }
    assert len(post["comments"]) == 3
    for comment in all_of(post["comments"]):
        assert set(comment) == {"id", "username", "text", "timestamp", "likeCount", "replies"}
        assert TIME.fullmatch(comment["timestamp"])


async def test_the_result_of_a_post(client: Client, networks: Networks) -> None:
    profile = await client.completed(networks.on_mastodon("@ann"), posts=1, comments=0)
    [listed] = profile["profile"]["posts"]
    assert listed["comments"] == []
    result = await client.completed(listed["url"], mode="post", comments=4)
    assert list(result) == ["type", "post"]
    assert set(result["post"]) == {"postUrl", "post", "comments", "note"}
    assert result["post"]["postUrl"] == listed["url"]
    assert result["post"]["post"] == {name: listed[name] for name in listed if name not in ("comments", "note")}
    assert len(result["post"]["comments"]) == 4


@pytest.mark.parametrize("depth", [{}, {"posts": None, "comments": None, "mode": None, "maxAge": 7}])
async def test_full_depth_is_the_default(depth: dict[str, Any], client: Client, networks: Networks) -> None:
    result = await client.completed(networks.on_bluesky("ann"), **depth)
    posts = result["profile"]["posts"]
    assert len(posts) == 20
    assert [len(all_of(post["comments"])) for post in posts] == [200] * 20


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": "https://example.org/"}, "url"),
        ({"url": "https://www.youtube.com/@ann"}, "url"),
        ({"url": "not a url"}, "url"),
        ({"url": "https://mastodon.social/@ann", "mode": "post"}, "mode"),
        ({"url": "https://mastodon.social/@ann", "mode": "all"}, "mode"),
        ({"url": "https://mastodon.social/@ann", "posts": 0}, "posts"),
        ({"url": "https://mastodon.social/@ann", "posts": 100000}, "posts"),
        ({"url": "https://mastodon.social/@ann", "posts": "many"}, "posts"),
        ({"url": "https://mastodon.social/@ann", "comments": -1}, "comments"),
        ({"url": "https://mastodon.social/@ann", "comments": 100000}, "comments"),
    ],
)
async def test_bad_input_names_the_field_and_stores_nothing(body: dict[str, Any], field: str, client: Client) -> None:
    before = await client.newest()
    answer = await client.scrape(**body)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["field"] == field
    assert answer.json()["error"].startswith(field)
    assert await client.newest() == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"url": "x"}', "text/plain", 415),
        (b'{"url": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
async def test_what_is_no_json_object_is_refused(content: bytes, kind: str, status: int, client: Client) -> None:
    answer = await client.http.post("/api/scrape", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_an_unknown_job_is_404(client: Client, networks: Networks) -> None:
    preview = await client.http.post("/scraper/preview/async", json={"url": networks.mastodon.url})
    for job_id in ("nothing", "01a201ee-21bc-7e32-91f5-b18086d1e5be", preview.json()["task_id"]):
        answer = await client.http.get(f"/api/scrape/status/{job_id}")
        assert answer.status_code == 404
        assert job_id in answer.json()["error"]


async def test_the_same_key_is_the_same_job(client: Client, networks: Networks) -> None:
    body = {"url": networks.on_bluesky("ann"), "posts": 1, "comments": 1}

    async def post() -> httpx.Response:
        return await client.http.post("/api/scrape", json=body, headers={"Idempotency-Key": "once"})

    first, second = await asyncio.gather(post(), post())
    again = await post()
    ids = {one.json()["jobId"] for one in (first, second, again) if one.status_code == 202}
    assert len(ids) == 1


async def test_what_can_be_read_here(client: Client) -> None:
    body = (await client.http.get("/api/scrape/providers")).json()
    assert (body["posts"], body["comments"]) == (20, 200)
    networks = {one["network"]: one for one in body["networks"]}
    assert set(networks) == {"instagram", "mastodon", "bluesky"}
    assert networks["mastodon"]["ready"]
    assert networks["bluesky"]["ready"]
    apify = next(one for one in networks["instagram"]["providers"] if one["name"] == "apify")
    assert not apify["ready"]
    assert "apify_token" in apify["missing"]


async def test_the_routes_are_described(client: Client) -> None:
    paths = (await client.http.get("/openapi.json")).json()["paths"]
    assert {"202", "400", "429"} <= set(paths["/api/scrape"]["post"]["responses"])
    assert {"200", "404"} <= set(paths["/api/scrape/status/{job_id}"]["get"]["responses"])


# ── whose job is whose, and how many one may have ──


@pytest.fixture(scope="module")
def guarded(stand_ins: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for keys."""
    limits: dict[str, Any] = {"auth": "keys", "profiles_active_per_user": 2}
    started = Server(tmp_path_factory.mktemp("keys"), stand_ins, **limits).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def keys(guarded: Server) -> tuple[str, str]:
    return make_key(guarded.data, "ann"), make_key(guarded.data, "bob")


@pytest.fixture
async def ann(guarded: Server, keys: tuple[str, str], networks: Networks) -> AsyncIterator[Client]:
    async with guarded.client(headers={"Authorization": f"Bearer {keys[0]}"}) as client:
        yield client


@pytest.fixture
async def bob(guarded: Server, keys: tuple[str, str], networks: Networks) -> AsyncIterator[Client]:
    async with guarded.client(headers={"X-API-Key": keys[1]}) as client:
        yield client


async def test_a_caller_without_a_key_is_asked_for_one(guarded: Server, networks: Networks) -> None:
    async with guarded.client() as nobody:
        for answer in (
            await nobody.scrape(url=networks.on_bluesky("ann")),
            await nobody.http.get("/api/scrape/status/any"),
            await nobody.http.get("/api/scrape/providers"),
        ):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"]
            assert answer.json()["error"]


async def test_a_foreign_job_is_as_unknown_as_none(ann: Client, bob: Client, networks: Networks) -> None:
    job_id = await ann.start(networks.on_bluesky("quiet"))
    await ann.over(job_id)
    foreign = await bob.http.get(f"/api/scrape/status/{job_id}")
    unknown = await bob.http.get("/api/scrape/status/01a201ee-21bc-7e32-91f5-b18086d1e5be")
    assert foreign.status_code == unknown.status_code == 404
    said = foreign.json()["error"].replace(job_id, "ID")
    assert said == unknown.json()["error"].replace("01a201ee-21bc-7e32-91f5-b18086d1e5be", "ID")


async def test_one_more_than_allowed_is_refused_for_this_user_alone(
    ann: Client, bob: Client, networks: Networks
) -> None:
    networks.bluesky.network.trouble("profile", "endless")
    started = [await ann.start(networks.on_bluesky("ann")) for _ in range(2)]
    refused = await ann.scrape(url=networks.on_bluesky("ann"))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["error"]
    theirs = await bob.start(networks.on_bluesky("ann"))
    for client, job_id in ((ann, started[0]), (ann, started[1]), (bob, theirs)):
        await client.http.post(f"/v1/jobs/{job_id}/cancel")
        assert (await client.over(job_id))["status"] == "cancelled"
    networks.bluesky.network.troubles.clear()
    assert (await ann.run(networks.on_bluesky("quiet")))["status"] == "completed", "there is room again"
