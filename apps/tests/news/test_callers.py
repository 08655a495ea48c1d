"""Who may see what: owners are kept apart, and nobody comes in without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from app_server import make_key

from .serving import Client, Server, Site

ROUTES = [
    ("POST", "/api/news/scrape-job"),
    ("GET", "/api/news/scrape-job/x"),
    ("DELETE", "/api/news/scrape-job/x"),
    ("GET", "/api/news/documents"),
    ("GET", "/api/news/documents/x"),
    ("GET", "/api/news-sources"),
    ("POST", "/api/news-sources"),
    ("PUT", "/api/news-sources/x"),
    ("DELETE", "/api/news-sources/x"),
    ("POST", "/api/news-sources/import"),
    ("GET", "/api/news-sources/export"),
    ("POST", "/api/news-sources/check"),
    ("GET", "/api/news-sources/check/x"),
]


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Any]:
    return {owner: {"Authorization": f"Bearer {make_key(tmp_path, owner)}"} for owner in ("ann", "bob")}


async def test_nobody_comes_in_without_a_key(serve: Any, keys: dict[str, Any]) -> None:
    server: Server = serve(auth="keys")
    async with server.client() as client:
        for method, path in ROUTES:
            answer = await client.http.request(method, path, json={})
            assert answer.status_code == 401, path
            assert answer.json()["success"] is False
            assert answer.json()["error"]


async def test_owners_do_not_see_each_other(serve: Any, site: Site, keys: dict[str, Any]) -> None:
    server: Server = serve(auth="keys")
    async with server.client(headers=keys["ann"]) as ann, server.client(headers=keys["bob"]) as bob:
        await ann.enter(name="Mine", url=site.feed("mine"))
        job = await ann.run("Mine")
        assert await ann.titles(q='"story 1"') == ["Story 1 of the mine about harbours"]
        document = (await ann.documents())["documents"][0]
        assert await bob.sources() == []
        assert (await bob.submit("Mine")).status_code == 400
        assert (await bob.documents())["pagination"]["total"] == 0
        assert (await bob.documents(q="harbour"))["documents"] == []
        for method, path in (
            ("GET", f"/api/news/scrape-job/{job['id']}"),
            ("DELETE", f"/api/news/scrape-job/{job['id']}"),
            ("GET", document["documentUrl"]),
            ("PUT", "/api/news-sources/mine"),
            ("DELETE", "/api/news-sources/mine"),
        ):
            answer = await bob.http.request(method, path, json={"name": "x", "url": "https://example.org"})
            assert answer.status_code == 404, path
            assert answer.json()["success"] is False
        # The other owner's job takes what was fetched already, and has documents of its own.
        theirs = await bob.run(site.feed("mine"))
        assert len(site.fetches()) == 3
        assert theirs["report"][0]["new"] == 3
        assert {one["documentId"] for one in theirs["result"]}.isdisjoint(one["documentId"] for one in job["result"])


async def test_a_token_for_one_job_opens_that_job_only(serve: Any, site: Site, keys: dict[str, Any]) -> None:
    server: Server = serve(auth="keys")
    async with server.client(headers=keys["ann"]) as ann:
        job_id = await ann.start(site.feed("daily"))
        token = (await ann.http.post(f"/v1/jobs/{job_id}/tokens", json={"verbs": ["read"]})).json()["token"]
        await ann.over(job_id)
    async with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await Client(client.http).look(job_id))["status"] == "completed"
        assert (await client.http.get("/api/news/documents")).status_code == 403
        assert (await client.http.get("/api/news-sources")).status_code == 403
        assert (await client.http.delete(f"/api/news/scrape-job/{job_id}")).status_code == 403
