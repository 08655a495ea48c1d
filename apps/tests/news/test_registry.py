"""The registry of sources: entering, changing, OPML, checking, and the file that everybody sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.news.registry import shared_sources, slug

from accepted.errors import ConfigurationError

from .serving import Client, Site

OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="World"><outline type="rss" text="The Café — News" xmlUrl="{url}/cafe/feed.xml" htmlUrl="{url}/cafe"/>
<outline type="rss" text="Harbour" xmlUrl="{url}/harbour/feed.xml"/></outline></body></opml>"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("The Daily Planet!", "the-daily-planet"),
        ("Süddeutsche", "süddeutsche"),
        ("新华网", "新华网"),
        ("???", "source"),
    ],
)
def test_ids_are_made_of_names(name: str, expected: str) -> None:
    assert slug(name) == expected


async def test_sources_are_entered_changed_and_removed(client: Client) -> None:
    made = await client.enter(
        name="Front Page", url="https://example.org/", method="homepage", selectors={"linkFilter": "/news/"}
    )
    expected = {
        "id": "front-page",
        "name": "Front Page",
        "url": "https://example.org/",
        "icon": "",
        "category": "",
        "method": "homepage",
        "selectors": {"linkFilter": "/news/"},
    }
    assert expected.items() <= made.items()
    assert made in await client.sources()
    again = await client.http.post("/api/news-sources", json={"name": "Front Page", "url": "https://example.com/"})
    assert again.json()["source"]["id"] == "front-page-2"
    changed = await client.http.put("/api/news-sources/front-page", json={**made, "category": "World"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["source"]["category"] == "World"
    for source_id in ("front-page", "front-page-2"):
        assert (await client.http.delete(f"/api/news-sources/{source_id}")).json()["success"] is True
    assert (await client.http.delete("/api/news-sources/front-page")).status_code == 404
    assert (await client.http.put("/api/news-sources/front-page", json=made)).status_code == 404


@pytest.mark.parametrize(
    ("source", "field", "status"),
    [
        ({}, "name", 400),
        ({"name": "x"}, "url", 400),
        ({"name": "x", "url": "javascript:alert(1)"}, "url", 400),
        ({"name": "x", "url": "https://example.org", "method": "guess"}, "method", 400),
        ({"name": "x", "url": "https://example.org", "id": "a b"}, "id", 400),
        ({"name": "x", "url": "https://example.org", "secret": 1}, "secret", 400),
        ({"name": "x", "url": "https://example.org", "id": "taken"}, "id", 409),
    ],
)
async def test_a_source_that_does_not_fit_names_the_field(
    source: dict[str, Any], field: str, status: int, client: Client
) -> None:
    if status == 409:
        await client.http.post("/api/news-sources", json={"id": "taken", "name": "Taken", "url": "https://example.org"})
    before = await client.sources()
    answer = await client.http.post("/api/news-sources", json=source)
    assert answer.status_code == status, answer.text
    assert (answer.json()["success"], answer.json()["field"]) == (False, field)
    assert answer.json()["error"].endswith(".")
    assert await client.sources() == before


async def test_sources_are_named_by_id_name_or_url(client: Client, site: Site) -> None:
    await client.enter(id="by-id", name="By Name", url=site.feed("named", 1))
    for named in ("by-id", "by name", site.feed("named", 1)):
        job = await client.run(named)
        assert (job["status"], job["report"][0]["id"]) == ("completed", "by-id")


async def test_a_url_that_nobody_entered_is_a_source_for_one_time(client: Client, site: Site) -> None:
    before = await client.sources()
    job = await client.run(site.feed("once", 1))
    assert job["report"][0]["method"] == "feed"
    assert len((await client.documents(sourceId=job["report"][0]["id"]))["documents"]) == 1
    assert await client.sources() == before


@pytest.mark.parametrize("way", ["body", "form"])
async def test_opml_is_imported_and_exported(way: str, serve: Any, site: Site) -> None:
    content = OPML.format(url=site.url).encode()
    async with serve().client() as client:
        await client.enter(name="Old", url=f"{site.url}/harbour/feed.xml")
        if way == "form":
            answer = await client.http.post("/api/news-sources/import", files={"file": ("mine.opml", content)})
        else:
            headers = {"Content-Type": "text/x-opml"}
            answer = await client.http.post("/api/news-sources/import", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        assert [one["name"] for one in answer.json()["added"]] == ["The Café — News"]
        assert answer.json()["skipped"][0]["reason"] == "Old has this address already."
        assert [one["id"] for one in await client.sources()] == ["old", "the-café-news"]
        exported = await client.http.get("/api/news-sources/export")
        assert exported.headers["Content-Type"].startswith("text/x-opml")
        assert "attachment" in exported.headers["Content-Disposition"]
        assert f"{site.url}/cafe/feed.xml" in exported.text
        for source in await client.sources():
            await client.http.delete(f"/api/news-sources/{source['id']}")
        answer = await client.http.post("/api/news-sources/import", content=exported.content)
        assert len(answer.json()["added"]) == 2


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"no opml", 400), (b"<html></html>", 400), (b"<opml" + b" " * 100_000, 413)],
)
async def test_a_file_that_is_no_opml_is_refused(content: bytes, status: int, client: Client) -> None:
    answer = await client.http.post("/api/news-sources/import", content=content)
    assert answer.status_code == status
    assert answer.json()["success"] is False


async def test_a_form_without_a_file_is_refused(client: Client) -> None:
    answer = await client.http.post("/api/news-sources/import", data={"file": "x"}, files={})
    assert answer.status_code == 400
    headers = {"Content-Type": "multipart/form-data"}
    answer = await client.http.post("/api/news-sources/import", content=b"x", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["success"] is False


async def test_a_check_says_what_a_source_would_find_now(client: Client, site: Site) -> None:
    draft = {"name": "Draft", "url": site.feed("draft", 3), "method": "feed"}
    answer = await client.http.post("/api/news-sources/check", json={"source": draft, "limit": 2})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["success"], body["status"]) == (True, "completed")
    assert (body["check"]["name"], body["check"]["method"], body["check"]["title"]) == ("Draft", "feed", "The draft")
    assert [one["title"] for one in body["check"]["links"]] == [
        "Story 1 of the draft about harbours",
        "Story 2 of the draft about harbours",
    ]
    assert body["check"]["links"][0]["url"] == f"{site.url}/draft/1"
    assert site.fetches() == [], "no article is fetched"
    again = await client.http.get(f"/api/news-sources/check/{body['jobId']}")
    assert again.json() == body
    assert await client.titles(q="draft") == []


async def test_a_check_of_a_broken_source_says_why(client: Client, site: Site) -> None:
    site.broken.add("gone")
    answer = await client.http.post("/api/news-sources/check", json={"source": site.feed("gone")})
    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["code"]) == (False, "not_found")
    assert answer.json()["error"]


async def test_a_check_that_takes_longer_is_followed(serve: Any, site: Site) -> None:
    async with serve(news_check_wait=0).client() as client:
        answer = await client.http.post("/api/news-sources/check", json={"source": site.feed("later")})
        assert answer.status_code in (200, 202)
        place = f"/api/news-sources/check/{answer.json()['jobId']}"
        assert answer.headers["Location"] == place
        await client.http.get(f"/v1/jobs/{answer.json()['jobId']}/result", params={"wait": 10})

        async def ready() -> Any:
            return (await client.http.get(place)).json().get("check")

        from helpers import wait_until

        assert len((await wait_until(ready))["links"]) == 3


@pytest.mark.parametrize(
    "body", [{}, {"source": 7}, {"source": "No Such"}, {"source": {"name": "x"}}, {"source": "ftp://x"}]
)
async def test_a_check_of_nothing_names_the_field(body: Any, client: Client) -> None:
    answer = await client.http.post("/api/news-sources/check", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(("source", "url"))
    assert "sources[" not in answer.json()["error"]


async def test_the_file_of_sources_is_everybodys(serve: Any, site: Site, tmp_path: Path) -> None:
    file = tmp_path / "sources.json"
    listed = [{"name": "Shared One", "url": site.feed("one", 1)}, {"id": "two", "name": "Two", "url": site.feed("two")}]
    file.write_text(json.dumps(listed))
    async with serve(news_sources=file).client() as client:
        assert [(one["id"], one["shared"]) for one in await client.sources()] == [("shared-one", True), ("two", True)]
        assert (await client.run("Shared One"))["status"] == "completed"
        refused = await client.http.delete("/api/news-sources/two")
        assert (refused.status_code, refused.json()["code"]) == (409, "shared_source")
        # One's own goes before it, and when it is removed the shared one is there again.
        own = {"name": "My Two", "url": site.feed("own", 1)}
        assert (await client.http.put("/api/news-sources/two", json=own)).status_code == 200
        assert [(one["name"], one["shared"]) for one in await client.sources()] == [
            ("Shared One", True),
            ("My Two", False),
        ]
        assert (await client.run("two"))["result"][0]["title"] == "Story 1 of the own about harbours"
        await client.http.delete("/api/news-sources/two")
        assert [one["name"] for one in await client.sources()] == ["Shared One", "Two"]


def test_a_file_of_sources_may_be_opml(tmp_path: Path) -> None:
    file = tmp_path / "sources.opml"
    file.write_text(OPML.format(url="https://example.org"))
    assert [one.url for one in shared_sources(file)] == [
        "https://example.org/cafe/feed.xml",
        "https://example.org/harbour/feed.xml",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[{]", "sources"),
        ("{}", "expected a list"),
        ('[{"name": "x", "url": "ftp://x"}]', r"sources\[0\]\.url"),
        ("<opml><body/></opml>", "ACCEPTED_NEWS_SOURCES"),
    ],
)
def test_a_file_of_sources_that_is_wrong_is_named_at_start(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "sources").write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        shared_sources(tmp_path / "sources")
    with pytest.raises(ConfigurationError, match="cannot read"):
        shared_sources(tmp_path / "nothing")


async def test_a_registry_has_an_end(serve: Any) -> None:
    async with serve(news_registry_max=2).client() as client:
        for number in range(2):
            await client.enter(name=f"Source {number}", url=f"https://example.org/{number}")
        answer = await client.http.post("/api/news-sources", json={"name": "More", "url": "https://example.org/more"})
        assert (answer.status_code, answer.json()["code"]) == (409, "registry_full")
