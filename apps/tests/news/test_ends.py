"""How jobs end, and go on: cancelled, killed, several at once; and that nothing is fetched twice or left behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until

from .serving import Client, Server, Site, gone


def turns(data: Path) -> int:
    with closing(sqlite3.connect(data / "news.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM fetches").fetchone()
        return int(count)


async def test_after_a_kill_it_goes_on_where_it_was(serve: Any, site: Site) -> None:
    server: Server = serve()
    async with server.client() as client:
        site.free = 7
        site.gate.clear()
        job_id = await client.start(site.feed("one", 5), site.feed("two", 5))

        async def seven_are_done() -> bool:
            return ((await client.look(job_id))["counts"] or {}).get("done") == 7

        await wait_until(seven_are_done)
        await wait_until(lambda: site.waiting > 0)
        under_way = {path for path, count in Counter(site.fetches()).items()}
        before = Counter(site.fetches())
        server.kill()
        await gone(site)
        server.restart()
        job = await client.over(job_id)
        assert job["status"] == "completed", job
        assert len(job["result"]) == 10
        assert (await client.documents(limit=100))["pagination"]["total"] == 10
    after = Counter(site.fetches())
    again = [path for path in before if after[path] > before[path]]
    assert len(again) <= len(under_way) - 7, "only what was being fetched when it died is fetched again"
    assert all(count <= 2 for count in after.values())
    assert site.seen.count("/one/feed.xml") == 1
    assert site.seen.count("/two/feed.xml") == 1
    assert turns(server.data) == 0


async def test_a_cancel_leaves_nothing(serve: Any, site: Site) -> None:
    server: Server = serve()
    async with server.client() as client:
        site.free = 2
        site.gate.clear()
        job_id = await client.start(site.feed("daily", 5))
        await wait_until(lambda: site.waiting > 0)
        assert (await client.http.post(f"/v1/jobs/{job_id}/cancel")).status_code in (200, 202)
        assert (await client.over(job_id))["status"] == "cancelled"
        await gone(site)
        asked = len(site.seen)
        assert (await client.documents())["pagination"]["total"] == 0
        assert turns(server.data) == 0
        # Another job takes what was fetched, and is not held up.
        job = await client.run(site.feed("daily", 5))
        assert len(job["result"]) == 5
        assert len(set(site.fetches())) == 5
        assert max(Counter(site.fetches()).values()) <= 2
        assert len(site.seen) > asked


async def test_deleting_a_running_job_cancels_it(client: Client, site: Site) -> None:
    site.gate.clear()
    job_id = await client.start(site.feed("removed", 2))
    await wait_until(lambda: site.waiting > 0)
    answer = await client.http.delete(f"/api/news/scrape-job/{job_id}")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert (await client.http.get(f"/api/news/scrape-job/{job_id}")).status_code == 404
    await gone(site)
    assert [one for one in await client.titles(limit=100) if "removed" in one] == []


async def test_two_jobs_at_once_fetch_each_article_once(client: Client, site: Site) -> None:
    site.gate.clear()
    ids = [await client.start(site.feed("shared", 6)) for _ in range(3)]
    await wait_until(lambda: site.waiting > 0)
    site.gate.set()
    jobs = [await client.over(job_id) for job_id in ids]
    assert sorted(site.fetches()) == [f"/shared/{number}" for number in range(1, 7)]
    results = [[one["documentId"] for one in job["result"]] for job in jobs]
    assert results[0] == results[1] == results[2]
    assert sum(job["report"][0]["new"] for job in jobs) == 6


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_jobs_in_several_processes_fetch_each_article_once(
    engine: str, tmp_path: Path, site: Site, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("postgres")() if engine == "postgres" else ""
    server = Server(tmp_path, "127.0.0.1", arguments=["--workers", "2"], news_database=database, concurrency=2)
    server.start()
    try:
        async with server.client() as client:
            ids = await asyncio.gather(*(client.start(site.feed("shared", 6)) for _ in range(6)))
            jobs = [await client.over(job_id) for job_id in ids]
            assert [len(job["result"]) for job in jobs] == [6] * 6, jobs
            assert (await client.documents())["pagination"]["total"] == 6
            assert await client.titles(q='"of story 3" -day7') == ["Story 3 of the shared about harbours"]
    finally:
        server.stop()
    assert sorted(site.fetches()) == [f"/shared/{number}" for number in range(1, 7)]
    assert (tmp_path / "news.db").exists() == (engine == "sqlite")
    if database:
        assert database not in (tmp_path / "server.log").read_text()


async def test_a_source_that_takes_too_long_is_reported_with_what_there_is(serve: Any, site: Site) -> None:
    site.free = 2
    site.gate.clear()
    async with serve(news_source_timeout="5s").client() as client:
        job = await client.run(site.feed("slow", 4))
    site.gate.set()
    assert job["status"] == "completed"
    assert len(job["result"]) == 2
    assert job["report"][0]["skippedTotal"] == 2
    assert "2 articles were left out" in job["report"][0]["notes"][-1]


async def test_a_source_that_brings_nothing_in_its_time_is_broken(serve: Any, site: Site) -> None:
    site.gate.clear()
    async with serve(news_source_timeout="1s").client() as client:
        job = await client.run(site.feed("slow", 2))
    site.gate.set()
    assert (job["status"], job["failures"][0]["code"]) == ("failed", "source_too_slow")


async def test_one_job_more_than_allowed_is_429(serve: Any, site: Site) -> None:
    site.gate.clear()
    async with serve(news_active_per_user=2).client() as client:
        ids = [await client.start(site.feed("daily")) for _ in range(2)]
        answer = await client.submit(site.feed("daily"))
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["success"] is False
        site.gate.set()
        for job_id in ids:
            await client.over(job_id)
        assert (await client.submit(site.feed("daily"))).status_code == 202
