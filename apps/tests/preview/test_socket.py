"""The WebSocket of the contract, message for message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from accepted_apps.playground import Playground
from helpers import wait_until
from websockets.exceptions import ConnectionClosed

from .serving import Client, Server

PROGRESS = {
    "type",
    "task_id",
    "status",
    "message",
    "percent",
    "tier",
    "tier_name",
    "cost_per_page",
    "escalation_log",
}


def only(kind: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in messages if one["type"] == kind]


async def test_a_climb_is_told_message_for_message(client: Client, server: Server, web: Playground) -> None:
    async with server.socket() as socket:
        task_id = await client.start(web.url + "/address", max_tier=2)
        assert await socket.subscribe(f"scraper:{task_id}") == {"type": "subscribed", "channel": f"scraper:{task_id}"}
        messages = await socket.until("scraper:complete")
    progress = only("scraper:progress", messages)
    assert [(one["status"], one["tier"]) for one in progress] == [("starting", 1), ("escalating", 1), ("escalated", 2)]
    assert all(set(one) == PROGRESS for one in progress)
    assert all(one["task_id"] == task_id for one in progress)
    assert [one["tier_name"] for one in progress] == ["Lightweight", "Lightweight", "IP Rotation"]
    assert [one["cost_per_page"] for one in progress] == [0.0001, 0.0001, 0.005]
    assert [one["percent"] for one in progress] == sorted(one["percent"] for one in progress)
    assert [len(one["escalation_log"]) for one in progress] == [0, 1, 1]
    complete = messages[-1]
    assert set(complete) == {"type", "task_id", "status", "data"}
    assert (complete["task_id"], complete["status"]) == (task_id, "completed")
    assert set(complete["data"]) == {"url", "title", "elements", "tier_info"}
    assert set(complete["data"]["tier_info"]) == {"tier_used", "tier_name", "cost_per_page", "escalation_log"}
    assert [one["outcome"] for one in complete["data"]["tier_info"]["escalation_log"]] == ["escalated", "ok"]


async def test_a_late_subscriber_gets_what_it_missed(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/address", max_tier=2)
    await client.over(task_id)
    async with server.socket() as socket:
        await socket.subscribe(f"scraper:{task_id}")
        messages = await socket.until("scraper:complete")
    assert [one["status"] for one in messages] == ["starting", "escalating", "escalated", "completed"]


async def test_a_failure_says_why(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/captcha", max_tier=1)
    async with server.socket() as socket:
        await socket.subscribe(f"scraper:{task_id}")
        error = (await socket.until("scraper:error"))[-1]
    assert set(error) == {"type", "task_id", "status", "error"}
    assert (error["task_id"], error["status"]) == (task_id, "failed")
    assert "CAPTCHA" in error["error"]


async def test_a_cancelled_task_is_told(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/slow?seconds=30")
    async with server.socket() as socket:
        await socket.subscribe(f"scraper:{task_id}")
        await socket.until("scraper:progress")
        answer = await client.http.delete(f"/scraper/task/{task_id}")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        assert (await socket.until("scraper:error"))[-1]["status"] == "cancelled"


async def test_ping(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send(type="ping")
        assert await socket.next() == {"type": "pong"}


@pytest.mark.parametrize(
    "message", [{"type": "dance"}, {}, {"type": "subscribe"}, {"type": "subscribe", "channel": "x"}]
)
async def test_what_is_not_understood_is_answered(message: dict[str, Any], server: Server) -> None:
    async with server.socket() as socket:
        await socket.send(**message)
        answer = await socket.next()
        assert answer["type"] == "error"
        assert answer["message"]
        await socket.send(type="ping")
        assert (await socket.next())["type"] == "pong"


async def test_an_unknown_channel_is_refused(server: Server) -> None:
    async with server.socket() as socket:
        channel = "scraper:01a201ee-21bc-7e32-91f5-b18086d1e5be"
        answer = await socket.subscribe(channel)
        assert (answer["type"], answer["channel"], answer["code"]) == ("error", channel, "job-not-found")


async def test_after_unsubscribing_nothing_comes(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/slow?seconds=1")
    async with server.socket() as socket:
        await socket.subscribe(f"scraper:{task_id}")
        await socket.until("scraper:progress")
        await socket.send(type="unsubscribe", channel=f"scraper:{task_id}")
        assert await socket.next() == {"type": "unsubscribed", "channel": f"scraper:{task_id}"}
        await client.over(task_id)
        await socket.send(type="ping")
        assert (await socket.next())["type"] == "pong"


async def test_a_job_channel_speaks_of_events(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/plain")
    await client.over(task_id)
    async with server.socket() as socket:
        await socket.subscribe(f"job:{task_id}")
        kinds: list[str] = []
        while not kinds or kinds[-1] != "completed":
            message = await socket.next()
            assert (message["type"], message["job_id"], message["seq"]) == ("event", task_id, len(kinds) + 1)
            kinds.append(message["kind"])
    assert kinds[:2] == ["pending", "running"]


async def test_one_task_on_two_channels_is_told_once_on_each(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/slow?seconds=1")
    async with server.socket() as socket:
        await socket.subscribe(f"job:{task_id}")
        await socket.send(type="subscribe", channel=f"scraper:{task_id}")
        messages = await socket.until("scraper:complete")
    seqs = [one["seq"] for one in only("event", messages)]
    assert seqs == sorted(set(seqs))
    assert len(only("scraper:progress", messages)) == 1


async def test_all_jobs_of_the_caller(client: Client, server: Server, web: Playground) -> None:
    async with server.socket() as socket:
        assert await socket.subscribe("jobs:all") == {"type": "subscribed", "channel": "jobs:all"}
        first = await client.start(web.url + "/plain?all=1")
        second = await client.start(web.url + "/plain?all=2")
        ended: set[str] = set()
        while not {first, second} <= ended:
            message = await socket.next()
            if message["type"] == "event" and message["kind"] == "completed":
                ended.add(message["job_id"])
        await socket.send(type="unsubscribe", channel="jobs:all")
        await socket.until("unsubscribed")
        await client.over(await client.start(web.url + "/plain?all=3"))
        await socket.send(type="ping")
        assert (await socket.next())["type"] == "pong"


async def test_a_socket_that_authenticates_where_nobody_has_to(server: Server) -> None:
    async with server.socket() as socket:
        await socket.send(action="authenticate", token="whatever")
        assert await socket.next() == {"type": "auth_success", "user_id": "local"}
    async with server.socket("?token=whatever") as socket:
        assert await socket.next() == {"type": "auth_success", "user_id": "local"}


async def test_many_subscribers_all_get_everything(client: Client, server: Server, web: Playground) -> None:
    task_id = await client.start(web.url + "/slow?seconds=1")

    async def follow() -> list[str]:
        async with server.socket() as socket:
            await socket.subscribe(f"scraper:{task_id}")
            return [json.dumps(one) for one in await socket.until("scraper:complete")]

    told = await asyncio.gather(*(follow() for _ in range(20)))
    assert all(one == told[0] for one in told)


async def test_a_socket_closes_when_the_server_stops_and_the_next_one_knows_everything(
    serve: Any, web: Playground
) -> None:
    server = serve(drain="100ms")
    async with server.client() as client:
        task_id = await client.start(web.url + "/slow?seconds=5")
        async with server.socket() as socket:
            await socket.subscribe(f"scraper:{task_id}")
            await socket.until("scraper:progress")
            await wait_until(lambda: any(one.path == "/slow" for one in web.visits))
            server.stop()
            with pytest.raises(ConnectionClosed):
                await socket.until("scraper:complete")
        server.restart()
        async with server.socket() as socket:
            await socket.subscribe(f"scraper:{task_id}")
            messages = await socket.until("scraper:complete")
        assert messages[-1]["data"]["url"] == web.url + "/slow?seconds=5"
        await wait_until(lambda: [one.path for one in web.visits].count("/slow") == 2)


async def test_a_large_result_comes_whole(serve: Any, web: Playground) -> None:
    server = serve(preview_max_elements=1000)
    async with server.client() as client, server.socket() as socket:
        task_id = await client.start(web.url + "/many?rows=2000")
        await socket.subscribe(f"scraper:{task_id}")
        told = (await socket.until("scraper:complete"))[-1]["data"]
        assert len(told["elements"]) == 1000
        assert (await client.look(task_id))["result"] == told
