"""kill -9 of the server in the middle: what was read stays read, and what was paid stays paid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accepted_apps.playground.social import Apify, Instagram, Served
from accepted_apps.playground.social.apify import COMMENTS, PROFILES
from app_server import AppServer
from helpers import wait_until

from accepted.client import AsyncClient, AsyncRemoteJob
from accepted.job import Status

from .desk import count, profile_url

PAGES = 7
"""Of the comments of one post."""


@contextmanager
def served(data: Path, **settings: Any) -> Iterator[AppServer]:
    more = {f"profiles_{name}": value for name, value in settings.items()}
    usual: dict[str, Any] = {"profiles_request_gap": 0, "progress_interval": "20ms", "drain": "100ms"}
    server = AppServer("accepted_apps.main:app", data, **usual, **more).start()
    try:
        yield server
    finally:
        server.stop()


async def finished(job: AsyncRemoteJob) -> list[str]:
    """Names of the steps that are over."""
    steps = (await job.refresh())["steps"] or []
    return [step["name"] for step in steps if step["status"] == str(Status.COMPLETED)]


async def test_after_a_kill_the_posts_that_were_read_are_not_read_again(
    tmp_path: Path, instagram: Instagram, instagram_url: str, session: str
) -> None:
    settings = {"instagram_url": instagram_url, "instagram_session": session, "instagram_pace": 1e6}
    with served(tmp_path, instagram_gap=0.01, **settings) as server:
        async with AsyncClient(server.url) as client:
            job = await client.tasks["profile"].submit(url=profile_url("harbour.light"), posts=8)

            async def some() -> list[str] | None:
                names = [name for name in await finished(job) if name.startswith("Comments")]
                return names if len(names) >= 3 else None

            names = await wait_until(some, what="three posts")
            read = [name.rpartition(" ")[2] for name in names]
            server.kill()
            before = instagram.counts("comments")
            server.restart()
            result = await job.result(timeout=60)
    posts = result["profile"]["posts"]
    assert [count(post["comments"]) for post in posts] == [200] * 8
    pages = instagram.counts("comments")
    again = [post["id"] for post in posts if pages[post["id"]] > PAGES]
    assert len(again) <= 1, "only the post that was under way"
    assert all(before[post["id"]] == pages[post["id"]] for post in posts if post["shortcode"] in read)
    assert sum(instagram.counts("timeline").values()) == 1, "the list of posts is a step as well"


async def test_after_a_kill_nobody_pays_twice(tmp_path: Path, apify: Apify, apify_served: Served[Apify]) -> None:
    apify.polls = 1_000_000
    settings = {"apify_url": apify_served.url, "apify_token": apify.token, "allow": apify_served.address}
    with served(tmp_path, **settings) as server:
        async with AsyncClient(server.url) as client:
            job = await client.tasks["profile"].submit(url=profile_url("harbour.light"), posts=3, comments=20)

            async def started() -> bool:
                return any(name.startswith("Apify run: profile") for name in await finished(job))

            await wait_until(started, what="the id of the run")
            server.kill()
            assert len(apify.under_way) == 1, "nobody was there to end it"
            apify.runs[0].polls, apify.polls = 0, 1
            server.restart()
            result = await job.result(timeout=60)
    assert [len(post["comments"]) for post in result["profile"]["posts"]] == [20] * 3
    assert [len(apify.of(actor)) for actor in (PROFILES, COMMENTS)] == [1, 3]
    assert not [run for run in apify.runs if run.aborted]
