"""Whose task is whose, and how many one may have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from accepted_apps.playground import Playground
from app_server import make_key
from websockets.exceptions import ConnectionClosed

from .serving import Client, Server


@pytest.fixture
def guarded(serve: Any) -> Server:
    """A server that asks for keys."""
    started: Server = serve(auth="keys", preview_active_per_user=2)
    return started


@pytest.fixture
def keys(guarded: Server) -> tuple[str, str]:
    return make_key(guarded.data, "ann"), make_key(guarded.data, "bob")


@pytest.fixture
async def ann(guarded: Server, keys: tuple[str, str]) -> AsyncIterator[Client]:
    async with guarded.client(headers={"Authorization": f"Bearer {keys[0]}"}) as client:
        yield client


@pytest.fixture
async def bob(guarded: Server, keys: tuple[str, str]) -> AsyncIterator[Client]:
    async with guarded.client(headers={"X-API-Key": keys[1]}) as client:
        yield client


async def test_a_caller_without_a_key_is_asked_for_one(guarded: Server, web: Playground) -> None:
    async with guarded.client() as nobody:
        for answer in (
            await nobody.preview(web.url + "/plain"),
            await nobody.http.get("/scraper/tasks"),
            await nobody.http.get("/scraper/task/any"),
            await nobody.http.delete("/scraper/task/any"),
        ):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"]
            assert answer.json()["detail"]
        assert (await nobody.http.get("/preview")).status_code == 200


async def test_a_foreign_task_is_as_unknown_as_none(
    ann: Client, bob: Client, guarded: Server, keys: tuple[str, str], web: Playground
) -> None:
    task_id = await ann.start(web.url + "/plain")
    await ann.over(task_id)
    unknown = "01a201ee-21bc-7e32-91f5-b18086d1e5be"
    for method in ("GET", "DELETE"):
        foreign = await bob.http.request(method, f"/scraper/task/{task_id}")
        none = await bob.http.request(method, f"/scraper/task/{unknown}")
        assert foreign.status_code == none.status_code == 404
        assert foreign.text.replace(task_id, "") == none.text.replace(unknown, "")
    assert (await bob.http.get("/scraper/tasks")).json()["tasks"] == []
    assert [one["task_id"] for one in (await ann.http.get("/scraper/tasks")).json()["tasks"]] == [task_id]
    async with guarded.socket(f"?token={keys[1]}") as socket:
        assert await socket.next() == {"type": "auth_success", "user_id": "bob"}
        for channel in (f"scraper:{task_id}", f"job:{task_id}"):
            answer = await socket.subscribe(channel)
            assert (answer["type"], answer["code"]) == ("error", "job-not-found")


async def test_a_socket_may_say_who_it_is_in_its_first_message(
    ann: Client, guarded: Server, keys: tuple[str, str], web: Playground
) -> None:
    task_id = await ann.start(web.url + "/plain")
    async with guarded.socket() as socket:
        await socket.send(action="authenticate", token=keys[0])
        assert await socket.next() == {"type": "auth_success", "user_id": "ann"}
        await socket.subscribe(f"scraper:{task_id}")
        assert (await socket.until("scraper:complete"))[-1]["task_id"] == task_id


@pytest.mark.parametrize("first", [{"action": "authenticate", "token": "ak_wrong"}, {"type": "ping"}])
async def test_a_socket_that_cannot_say_who_it_is_is_closed(first: dict[str, str], guarded: Server) -> None:
    async with guarded.socket() as socket:
        await socket.send(**first)
        answer = await socket.next()
        assert answer["type"] == "auth_error"
        assert answer["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await socket.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_one_task_too_many_is_429(ann: Client, bob: Client, web: Playground) -> None:
    url = web.url + "/slow?seconds=30"
    first, second = await ann.start(url), await ann.start(url)
    for path in ("/scraper/preview", "/scraper/preview/async"):
        answer = await ann.http.post(path, json={"url": url})
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert "2 of at most 2" in answer.json()["detail"]
    assert len((await ann.http.get("/scraper/tasks")).json()["tasks"]) == 2
    others = await bob.start(web.url + "/plain")
    await ann.http.delete(f"/scraper/task/{first}")
    third = await ann.start(web.url + "/plain")
    await ann.http.delete(f"/scraper/task/{second}")
    assert (await ann.over(third))["status"] == "completed"
    assert (await bob.over(others))["status"] == "completed"


async def test_the_key_is_in_no_log(guarded: Server, keys: tuple[str, str], ann: Client) -> None:
    async with guarded.socket(f"?token={keys[0]}") as socket:
        await socket.next()
    assert keys[0] not in (guarded.data / "server.log").read_text()
