"""Jobs by the contract: submitting, following, the result, and what is kept of it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from helpers import wait_until

from .serving import Client, Site


async def events(client: Client, job_id: str) -> list[dict[str, Any]]:
    answer = await client.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


async def test_submitting_answers_at_once(client: Client, site: Site) -> None:
    site.gate.clear()
    answer = await client.submit(site.feed("daily"))
    assert answer.status_code == 202
    assert answer.elapsed < timedelta(seconds=1)
    body = answer.json()
    job_id = body.pop("jobId")
    assert uuid.UUID(job_id).version
    assert answer.headers["Location"] == f"/api/news/scrape-job/{job_id}"
    assert f"/api/news/scrape-job/{job_id}" in body.pop("message")
    assert body == {"success": True, "status": "pending"}
    site.gate.set()
    assert (await client.over(job_id))["status"] == "completed"


async def test_the_result_is_a_list_of_articles(client: Client, site: Site) -> None:
    job = await client.run(site.feed("daily", 2), limit=2)
    assert job["status"] == "completed", job
    assert job["progress"] == 100
    assert job["sources"] == [site.feed("daily", 2)]
    for name in ("createdAt", "startedAt", "completedAt"):
        assert datetime.fromisoformat(job[name]).utcoffset() == timedelta(0)
    assert "error" not in job
    first = job["result"][0]
    picture = {
        "type": "image",
        "url": f"{site.url}/pictures/daily-1.jpg",
        "alt": "The harbour",
        "caption": "Ships wait.",
        "thumbnail": "",
    }
    text = first.pop("fullText")
    assert "Paragraph 1 of story 1: the harbour of daily has been closed" in text
    assert "Paragraph 6" in text
    assert first.pop("excerpt")
    assert first.pop("media") == picture
    assert first.pop("allMedia") == [picture]
    metrics = first.pop("metrics")
    assert metrics.pop("wordCount") > 150
    assert metrics == {
        "readTime": 1,
        "publishedAt": "2026-11-01T09:01:00.000+00:00",
        "publishedDay": "2026-11-01",
        "updatedAt": None,
    }
    assert uuid.UUID(first.pop("documentId")).version == 4
    assert first.pop("sourceId") == job["report"][0]["id"]
    assert first == {
        "title": "Story 1 of the daily about harbours",
        "link": f"{site.url}/daily/1",
        "image": f"{site.url}/pictures/daily-1.jpg",
        "tags": ["harbour", "trade"],
        "category": "Economy",
        "source": {"site": "The daily", "domain": "127.0.0.1", "section": "Economy", "author": "Ann Bell"},
        "language": "en",
    }
    assert [one["link"] for one in job["result"]] == [f"{site.url}/daily/1", f"{site.url}/daily/2"]


async def test_options_leave_media_and_sections_out(client: Client, site: Site) -> None:
    job = await client.run(site.feed("daily"), limit=1, includeMedia=False, includeSections=False)
    assert len(job["result"]) == 1
    assert job["result"][0]["media"] is None
    assert job["result"][0]["allMedia"] is None
    assert job["result"][0]["source"]["section"] == ""
    assert job["options"] == {"limit": 1, "includeMedia": False, "includeSections": False}
    assert len(site.fetches()) == 1


async def test_progress_grows_from_10_to_90_over_the_sources_and_is_100_when_saved(client: Client, site: Site) -> None:
    site.gate.clear()
    job_id = await client.start(site.feed("one", 2), site.feed("two", 2))
    await wait_until(lambda: site.waiting > 0)
    job = await client.look(job_id)
    assert job["status"] == "running"
    assert 10 <= job["progress"] < 90
    assert job["message"]
    assert "result" not in job
    site.gate.set()
    assert (await client.over(job_id))["progress"] == 100
    percents = [one["data"]["percent"] for one in await events(client, job_id) if one["kind"] == "progress"]
    assert percents == sorted(percents)
    assert percents[0] == 10
    assert max(percents) == 90


async def test_steps_counts_and_articles_are_seen_while_it_runs(client: Client, site: Site) -> None:
    await client.enter(name="The Steps", url=site.feed("steps", 4), method="feed")
    site.free = 2
    site.gate.clear()
    job_id = await client.start("The Steps")

    async def two_are_done() -> bool:
        return bool((await client.look(job_id))["counts"] == {"done": 2, "total": 4})

    await wait_until(two_are_done)
    job = (await client.http.get(f"/v1/jobs/{job_id}")).json()
    assert [(one["name"], one["status"]) for one in job["steps"]] == [
        ("Looking up the sources", "completed"),
        ("Reading The Steps", "completed"),
        ("Articles of The Steps", "running"),
    ]
    seen = [one["data"]["value"] for one in await events(client, job_id) if one["kind"] == "output"]
    assert len({one["title"] for one in seen}) == 2
    assert {one["sourceId"] for one in seen} == {"the-steps"}
    site.gate.set()
    await client.over(job_id)
    job = (await client.http.get(f"/v1/jobs/{job_id}")).json()
    assert job["steps"][-1]["name"] == "Saving articles"
    assert job["cost"] > 0


async def test_one_broken_source_does_not_fail_the_job(client: Client, site: Site) -> None:
    site.broken.add("gone")
    job = await client.run(site.feed("gone"), site.feed("daily", 2))
    assert job["status"] == "completed"
    assert len(job["result"]) == 2
    assert [one["url"] for one in job["failures"]] == [site.feed("gone")]
    assert job["failures"][0]["code"] == "not_found"
    assert "no such page" in job["failures"][0]["error"]
    assert [(one["articles"], one["new"], one["error"] is None) for one in job["report"]] == [
        (0, 0, False),
        (2, 2, True),
    ]


async def test_a_job_whose_sources_are_all_broken_fails_with_a_sentence(client: Client, site: Site) -> None:
    site.broken |= {"gone", "lost"}
    job = await client.run(site.feed("gone"), site.feed("lost"))
    assert (job["status"], job["code"]) == ("failed", "no_source_readable")
    assert job["error"].startswith("No source could be read. 127.0.0.1/gone/feed.xml: ")
    assert [one["url"] for one in job["failures"]] == [site.feed("gone"), site.feed("lost")]
    assert "result" not in job


async def test_an_article_that_cannot_be_read_is_left_out_and_named(client: Client, site: Site) -> None:
    site.broken.add("/daily/2")
    job = await client.run(site.feed("daily", 3))
    assert [one["link"].rpartition("/")[2] for one in job["result"]] == ["1", "3"]
    (report,) = job["report"]
    assert (report["listed"], report["articles"], report["skippedTotal"]) == (3, 2, 1)
    assert report["skipped"][0]["url"] == f"{site.url}/daily/2"
    assert report["skipped"][0]["code"] == "not_found"
    assert job["failures"] == []


async def test_a_source_none_of_whose_articles_can_be_read_is_broken(client: Client, site: Site) -> None:
    site.broken |= {"/daily/1", "/daily/2"}
    job = await client.run(site.feed("daily", 2))
    assert job["status"] == "failed"
    assert "None of its articles could be read" in job["error"]


async def test_an_article_of_two_sources_is_there_once_and_fetched_once(client: Client, site: Site) -> None:
    await client.enter(id="whole", name="Whole", url=site.feed("twice", 3))
    await client.enter(id="half", name="Half", url=site.feed("twice", 2))
    job = await client.run("whole", "half")
    assert len(job["result"]) == 3
    assert sorted(site.fetches()) == [f"/twice/{number}" for number in (1, 2, 3)]
    assert (await client.documents(sourceId="half"))["pagination"]["total"] == 2
    assert (await client.documents(sourceId="whole"))["pagination"]["total"] == 3


async def test_a_second_job_neither_fetches_nor_saves_again(client: Client, site: Site) -> None:
    first = await client.run(site.feed("again", 3))
    second = await client.run(site.feed("again", 3))
    assert len(site.fetches()) == 3
    assert [one["documentId"] for one in first["result"]] == [one["documentId"] for one in second["result"]]
    assert (first["report"][0]["new"], second["report"][0]["new"]) == (3, 0)


async def test_what_changed_is_renewed_when_it_is_fetched_again(serve: Any, site: Site) -> None:
    async with serve(news_fresh=0).client() as client:
        first = await client.run(site.feed("daily", 1))
        site.titles["/daily/1"] = "Harbour open again, and ships sail"
        second = await client.run(site.feed("daily", 1))
        assert len(site.fetches()) == 2
        assert second["result"][0]["title"] == "Harbour open again, and ships sail"
        assert second["result"][0]["documentId"] == first["result"][0]["documentId"]
        assert await client.titles() == ["Harbour open again, and ships sail"]


async def test_removing_a_job(client: Client, site: Site) -> None:
    job = await client.run(site.feed("daily", 1))
    answer = await client.http.delete(f"/api/news/scrape-job/{job['id']}")
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["message"]
    for method in ("GET", "DELETE"):
        answer = await client.http.request(method, f"/api/news/scrape-job/{job['id']}")
        assert answer.status_code == 404
        assert answer.json()["success"] is False
        assert answer.json()["error"] == "Job not found"
    assert job["result"][0]["documentId"] in [one["id"] for one in (await client.documents(limit=100))["documents"]]


@pytest.mark.parametrize("job_id", ["nothing", "01a201ee-21bc-7e32-91f5-b18086d1e5be"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_job_is_404(method: str, job_id: str, client: Client) -> None:
    answer = await client.http.request(method, f"/api/news/scrape-job/{job_id}")
    assert answer.status_code == 404
    assert (answer.json()["success"], answer.json()["error"]) == (False, "Job not found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "sources"),
        ({"sources": []}, "sources"),
        ({"sources": "daily"}, "sources"),
        ({"sources": [7]}, "sources[0]"),
        ({"sources": ["https://example.org/feed", " "]}, "sources[1]"),
        ({"sources": ["https://example.org/feed", "No Such Source"]}, "sources[1]"),
        ({"sources": ["ftp://example.org/"]}, "sources[0]"),
        ({"sources": ["https://example.org/feed"] * 51}, "sources"),
        ({"sources": ["https://example.org/feed"], "options": {"limit": 0}}, "limit"),
        ({"sources": ["https://example.org/feed"], "options": {"limit": 100_000}}, "limit"),
        ({"sources": ["https://example.org/feed"], "options": {"limit": "many"}}, "limit"),
        ({"sources": ["https://example.org/feed"], "options": {"includeMedia": "perhaps"}}, "include_media"),
        ({"sources": ["https://example.org/feed"], "options": 7}, "options"),
    ],
)
async def test_bad_input_names_the_field_and_submits_nothing(body: Any, field: str, client: Client) -> None:
    async def newest() -> Any:
        return [one["id"] for one in (await client.http.get("/v1/jobs?limit=1")).json()["jobs"]]

    before = await newest()
    answer = await client.http.post("/api/news/scrape-job", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["success"] is False
    assert field.split("[", maxsplit=1)[0] in answer.json()["error"]
    assert answer.json().get("field", field) == field
    assert await newest() == before


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b'{"sources": ["%s"]}' % (b"x" * 400_000), "application/json", 413),
    ],
)
async def test_what_is_no_submission_is_refused(content: bytes, kind: str, status: int, client: Client) -> None:
    answer = await client.http.post("/api/news/scrape-job", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert isinstance(answer.json()["error"], str)


async def test_a_private_address_is_refused_and_said_so(serve: Any, site: Site) -> None:
    async with serve(preview_allow="").client() as client:
        job = await client.run(site.feed("daily"))
    assert (job["status"], job["failures"][0]["code"]) == ("failed", "address_refused")
    assert site.seen == []


async def test_the_same_idempotency_key_starts_nothing_twice(client: Client, site: Site) -> None:
    async def submit(feed: str) -> Any:
        headers = {"Idempotency-Key": '"news-once"'}
        return await client.http.post("/api/news/scrape-job", json={"sources": [feed]}, headers=headers)

    first, second = await submit(site.feed("daily")), await submit(site.feed("daily"))
    assert first.json()["jobId"] == second.json()["jobId"]
    assert (await submit(site.feed("other"))).json()["success"] is False


async def test_the_document_describes_the_routes(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    paths = document["paths"]
    assert set(paths["/api/news/scrape-job"]["post"]["responses"]) >= {"202", "400", "401", "403", "429"}
    body = paths["/api/news/scrape-job"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Submission"} or set(body["properties"]) == {"sources", "options"}
    assert {"/v1/tasks/news", "/v1/tasks/news-check"} <= set(paths)
