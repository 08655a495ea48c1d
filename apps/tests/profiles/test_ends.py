"""Pauses, kills, cancels and neighbours: nothing is lost, repeated or left behind."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import pytest
from accepted_apps.playground.social.mastodon import TOKEN
from accepted_apps.playground.social.standin import Limit
from accepted_apps.profiles.settings import ProfilesSettings
from helpers import wait_until

from .serving import Client, Networks, Server, all_of
from .test_networks import NETWORKS, stand_in, url_of

THREAD = {"mastodon": "context", "bluesky": "thread"}


def pauses(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the job's log says of pauses."""
    return [one["data"] for one in events if one["kind"] == "log" and "limited" in one["data"]]


async def wait_for_message(client: Client, job_id: str, words: str) -> dict[str, Any]:
    async def shown() -> dict[str, Any] | None:
        state = await client.look(job_id)
        return state if words in state["message"] else None

    found: dict[str, Any] = await wait_until(shown, what=f"the message “{words}”")
    return found


# ── the pace that a network asks for ──


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_refusal_is_obeyed_shown_and_kept_in_the_log(network: str, client: Client, networks: Networks) -> None:
    server = stand_in(networks, network)
    server.trouble(THREAD[network], "limited", times=1, retry_after=1)
    job_id = await client.start(url_of(networks, network, "ann"), comments=2)
    shown = await wait_for_message(client, job_id, "asks to wait")
    assert shown["status"] == "processing"
    state = await client.over(job_id)
    assert state["status"] == "completed", state
    assert len(state["result"]["profile"]["posts"]) == 20
    [refused] = [visit for visit in server.visits if visit.status == 429]
    [again] = [visit.at for visit in server.visits if visit.what == refused.what and visit.at > refused.at]
    assert again - refused.at >= 1.0
    events = await client.events(job_id)
    [told] = [one for one in events if one["data"] in pauses(events)]
    # By the clock of the stand-in. What had been sent by then may still come.
    since = datetime.fromisoformat(told["at"]).timestamp() - time.time() + time.monotonic()
    meanwhile = [visit for visit in server.visits if since < visit.at < refused.at + 1.0]
    assert len(meanwhile) < ProfilesSettings().requests_at_once, "nobody asks before the time is over"
    [pause] = pauses(events)
    assert pause["limited"]["seconds"] == 1
    assert pause["message"].startswith("Bluesky" if network == "bluesky" else networks.mastodon.address)


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_limit_is_kept_before_it_is_reached(network: str, client: Client, networks: Networks) -> None:
    server = stand_in(networks, network)
    server.limit = Limit(8, 3.0)
    job_id = await client.start(url_of(networks, network, "ann"), posts=8, comments=2)
    state = await client.over(job_id)
    assert state["status"] == "completed", state
    assert [visit for visit in server.visits if visit.status == 429] == []
    assert pauses(await client.events(job_id))


async def test_all_jobs_of_a_process_keep_a_pause(client: Client, networks: Networks) -> None:
    server = networks.mastodon.network
    server.trouble("lookup", "limited", times=1, retry_after=4)
    first = await client.start(networks.on_mastodon("@ann"), posts=1, comments=1)
    await wait_for_message(client, first, "asks to wait")
    second = await client.start(networks.on_mastodon("@bob"), posts=1, comments=1)
    elsewhere = await client.run(networks.on_bluesky("ann"), posts=1, comments=1)
    assert elsewhere["status"] == "completed", "another host is not paused"
    for job_id in (first, second):
        assert (await client.over(job_id))["status"] == "completed"
        assert pauses(await client.events(job_id)), "each says why it waits"
    refused, *later = [visit.at for visit in server.visits]
    assert min(later) - refused >= 4.0


async def test_a_long_pause_is_waited_for_outside_of_the_worker(serve: Any, networks: Networks) -> None:
    server = networks.bluesky.network
    async with serve(profiles_longest_wait=0.5, profiles_posts_at_once=1).client() as client:
        job_id = await client.start(networks.on_bluesky("ann"), comments=2)
        await wait_until(lambda: len(server.counts("thread")) >= 5, what="the first posts")
        server.trouble("thread", "limited", times=1, retry_after=2)

        async def outside() -> dict[str, Any] | None:
            state = await client.look(job_id)
            return state if state["status"] == "pending" and "goes on from here" in state["message"] else None

        shown = await wait_until(outside, what="the job waits without a worker")
        assert "Bluesky asks to wait 2 s" in shown["message"]
        state = await client.over(job_id)
    assert state["status"] == "completed", state
    assert len(state["result"]["profile"]["posts"]) == 20
    assert set(server.counts("thread").values()) == {1}, "no post is read twice"
    assert sum(server.counts("profile").values()) == 1


# ── kill -9 ──


@pytest.mark.parametrize("network", NETWORKS)
async def test_after_a_kill_it_goes_on_at_the_post_it_had_reached(network: str, serve: Any, networks: Networks) -> None:
    stand_in(networks, network).delay = 0.1
    server: Server = serve(profiles_mastodon_tokens=f"{networks.mastodon.address}={TOKEN}")
    part = THREAD[network]
    async with server.client() as client:
        job_id = await client.start(url_of(networks, network, "ann"))

        async def some_posts() -> list[str] | None:
            done = [name for name in await client.finished_steps(job_id) if name.startswith("Comments")]
            return done if len(done) >= 5 else None

        done = await wait_until(some_posts, what="the first posts")
        server.kill()
        assert len(stand_in(networks, network).counts(part)) < 20, "in the middle"
        server.restart()
        state = await client.over(job_id)
        assert state["status"] == "completed", state
        job = await client.job(job_id)
    posts = state["result"]["profile"]["posts"]
    assert [len(all_of(post["comments"])) for post in posts] == [200] * 20
    given = stand_in(networks, network).counts(part)
    codes = {key.rpartition("/")[2]: times for key, times in given.items()}
    finished = [name.rpartition(": ")[2] for name in done]
    assert {codes[code] for code in finished} == {1}, "what was finished is not read again"
    assert sum(given.values()) <= 24, "at most the four posts under way are read again"
    assert sum(stand_in(networks, network).counts("lookup" if network == "mastodon" else "profile").values()) == 1
    assert [step["name"] for step in job["steps"][:2]] == ["Profile", "Posts"]
    assert len(job["steps"]) == 22


# ── cancel ──


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_cancel_ends_the_requests(network: str, client: Client, networks: Networks) -> None:
    server = stand_in(networks, network)
    server.trouble(THREAD[network], "endless")
    job_id = await client.start(url_of(networks, network, "ann"))
    await wait_until(lambda: server.open_requests == 4, what="four posts under way")
    await client.http.post(f"/v1/jobs/{job_id}/cancel")
    assert (await client.over(job_id))["status"] == "cancelled"
    await wait_until(lambda: server.open_requests == 0, what="the end of the requests")
    # The places at the host are free again.
    server.troubles.clear()
    assert (await client.run(url_of(networks, network, "bob"), posts=4, comments=1))["status"] == "completed"


async def test_a_cancel_ends_a_pause_at_once(serve: Any, networks: Networks) -> None:
    networks.mastodon.network.trouble("lookup", "limited", times=1, retry_after=100)
    async with serve().client() as client:
        job_id = await client.start(networks.on_mastodon("@ann"))
        await wait_for_message(client, job_id, "asks to wait 100 s")
        await client.http.post(f"/v1/jobs/{job_id}/cancel")
        state = await client.over(job_id, timeout=20)
    assert state["status"] == "cancelled"
    assert len(networks.mastodon.network.visits) == 1


# ── neighbours ──


async def test_jobs_do_not_disturb_each_other(client: Client, networks: Networks) -> None:
    names = ["ann", "bob", "missing", "deleted"]
    urls = [url_of(networks, network, name) for network in NETWORKS for name in names]
    states = await asyncio.gather(*(client.run(url, posts=6, comments=3) for url in urls))
    for (network, name), state in zip(((n, m) for n in NETWORKS for m in names), states, strict=True):
        if name == "missing":
            assert state["status"] == "failed"
            continue
        profile = state["result"]["profile"]
        assert profile["profile"]["username"] in (name, f"{name}.test")
        assert len(profile["posts"]) == 6
        assert all(name in post["url"] for post in profile["posts"]), network


async def test_everything_is_visible_while_it_happens(client: Client, networks: Networks) -> None:
    job_id = await client.start(networks.on_bluesky("ann"), posts=3, comments=5)
    await client.over(job_id)
    job = await client.job(job_id)
    names = [step["name"] for step in job["steps"]]
    assert names[:2] == ["Profile", "Posts"]
    assert sorted(names[2:]) == [f"Comments of post {n} of 3: 3k{9999 - n + 1}" for n in (1, 2, 3)]
    assert (job["progress"]["current"], job["progress"]["total"], job["progress"]["unit"]) == (3, 3, "posts")
    percents = [one["data"]["percent"] for one in await client.events(job_id) if "percent" in one["data"]]
    assert percents == sorted(percents)
