"""How previews and servers end: in time, cancelled, killed; and that nothing of them stays behind."""

from __future__ import annotations

from typing import Any

import pytest
from accepted_apps.playground import Playground
from helpers import wait_until

from .serving import Client, Server, descendants, none_alive


def open_visits(web: Playground, path: str) -> list[Any]:
    return [one for one in web.visits if one.path == path and one.ended is None]


@pytest.mark.browser
async def test_a_cancel_takes_the_page_in_the_browser_with_it(client: Client, web: Playground) -> None:
    task_id = await client.start(web.url + "/endless", min_tier=3)
    await wait_until(lambda: open_visits(web, "/endless"), what="the browser on the page")
    answer = await client.http.delete(f"/scraper/task/{task_id}")
    assert answer.status_code in (200, 202)
    assert (await client.over(task_id))["status"] == "cancelled"
    await wait_until(lambda: not open_visits(web, "/endless"), what="the end of the page")
    # Over already: nothing changes, and it is no error.
    again = await client.http.delete(f"/scraper/task/{task_id}")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")


async def test_a_cancel_takes_the_request_with_it(client: Client, web: Playground) -> None:
    task_id = await client.start(web.url + "/endless")
    await wait_until(lambda: open_visits(web, "/endless"))
    await client.http.delete(f"/scraper/task/{task_id}")
    assert (await client.over(task_id))["status"] == "cancelled"
    await wait_until(lambda: not open_visits(web, "/endless"))


async def test_a_preview_has_a_time_limit(serve: Any, web: Playground) -> None:
    async with serve(preview_timeout=0.5).client() as client:
        task = await client.run(web.url + "/slow?seconds=30")
    assert (task["status"], task["error_code"]) == ("failed", "timed-out")
    assert "0.5 s" in task["error"]


@pytest.mark.browser
@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_no_chromium_outlives_the_server(way: str, serve: Any, web: Playground) -> None:
    server: Server = serve(drain="100ms")
    async with server.client() as client:
        assert (await client.run(web.url + "/script", min_tier=3))["status"] == "completed"
        started = descendants(server.pid)
        assert started, "a warm browser"
        await client.start(web.url + "/endless", min_tier=3)
        await wait_until(lambda: open_visits(web, "/endless"))
    started = list({*started, *descendants(server.pid)})
    getattr(server, way)()
    await none_alive(started)


async def test_after_a_kill_the_preview_goes_on_above_what_was_tried(serve: Any, web: Playground) -> None:
    server: Server = serve(preview_proxies=web.slow_proxy)
    async with server.client() as client:
        task_id = await client.start(web.url + "/address", max_tier=2)

        async def in_tier_two() -> bool:
            return bool((await client.look(task_id))["tier"] == 2)

        await wait_until(in_tier_two)
        server.kill()
        server.restart()
        task = await client.over(task_id)
    assert task["status"] == "completed", task
    log = task["result"]["tier_info"]["escalation_log"]
    assert [(one["tier"], one["outcome"]) for one in log] == [(1, "escalated"), (2, "ok")]
    direct = [one for one in web.visits if one.path == "/address" and one.client == "127.0.0.1"]
    assert len(direct) == 1, "tier 1 was tried once"
    assert task["cost"] == pytest.approx(0.0051)


@pytest.mark.browser
async def test_after_a_kill_in_the_browser_it_comes_to_its_end(serve: Any, web: Playground) -> None:
    server: Server = serve()
    async with server.client() as client:
        task_id = await client.start(web.url + "/climb")

        async def in_tier_three() -> bool:
            return bool((await client.look(task_id))["tier"] == 3)

        await wait_until(in_tier_three)
        started = descendants(server.pid)
        server.kill()
        await none_alive(started)
        server.restart()
        async with server.socket() as socket:
            await socket.subscribe(f"scraper:{task_id}")
            messages = await socket.until("scraper:complete")
    statuses = [(one["status"], one.get("tier")) for one in messages[:-1]]
    assert statuses[:4] == [("starting", 1), ("escalating", 1), ("escalated", 2), ("escalating", 2)]
    assert set(statuses[4:]) == {("escalated", 3)}
    log = messages[-1]["data"]["tier_info"]["escalation_log"]
    assert [one["tier"] for one in log] == [1, 2, 3]


async def test_worker_processes_do_the_work_as_well(serve: Any, web: Playground, tmp_path: Any) -> None:
    server = Server(tmp_path / "many", web, arguments=["--workers", "2"])
    server.data.mkdir()
    server.start()
    try:
        async with server.client() as client, server.socket() as socket:
            task_id = await client.start(web.url + "/address", max_tier=2)
            await socket.subscribe(f"scraper:{task_id}")
            assert (await socket.until("scraper:complete"))[-1]["status"] == "completed"
        started = descendants(server.pid)
    finally:
        server.stop()
    await none_alive(started)


async def test_a_tier_that_is_not_configured_is_skipped_and_said_so(serve: Any, web: Playground) -> None:
    async with serve(preview_proxies="", preview_browser="false").client() as client:
        task = await client.run(web.url + "/address")
        assert (task["status"], task["error_code"]) == ("failed", "blocked")
        assert [(one["tier"], one["outcome"], one["cost"]) for one in task["escalation_log"]] == [
            (1, "escalated", 0.0001),
            (2, "skipped", 0.0),
            (3, "skipped", 0.0),
        ]
        tiers = (await client.http.get("/scraper/tiers")).json()["tiers"]
        reasons = [one["reason"] for one in tiers]
        assert reasons == [None, "no proxies are configured", "the browser is switched off"]
        nothing = await client.run(web.url + "/address", min_tier=2)
        assert (nothing["status"], nothing["error_code"]) == ("failed", "no_tier")


async def test_what_may_pass_is_tried_again_where_that_is_allowed(serve: Any, web: Playground) -> None:
    async with serve(preview_retries=1).client() as client:
        task = await client.run(web.url + "/unavailable?times=1&key=again", max_tier=1)
    assert task["status"] == "completed", task
