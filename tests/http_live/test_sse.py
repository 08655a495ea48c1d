"""Event streams through real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from helpers import wait_until
from http_live.serving import ServerEvent, Service, read_events, serving

from accepted.errors import BadRequest
from accepted.http.sse import job_ids, read_cursor


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving(None) as service:
        yield service


async def collect(service: Service, url: str, user: str | None = "ann", **headers: str) -> list[ServerEvent]:
    """Everything up to the end of the stream."""
    async with service.client(user) as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200, answer.status_code
        return [event async for event in read_events(answer.aiter_lines())]


def seqs(events: list[ServerEvent]) -> list[int]:
    return [event.data["seq"] for event in events]


async def test_a_stream_from_the_first_event_to_the_last(service: Service) -> None:
    job_id = await service.start()
    reading = asyncio.ensure_future(collect(service, f"/v1/jobs/{job_id}/events"))
    await wait_until(lambda: service.hub.watchers)
    await service.report(job_id, 3)
    await service.complete(job_id)
    events = await asyncio.wait_for(reading, 10)
    assert [event.kind for event in events] == ["pending", "running", "log", "log", "log", "completed"]
    assert [int(event.id) for event in events] == seqs(events) == await service.stored(job_id)
    assert set(events[2].data) == {"job_id", "seq", "at", "attempt", "kind", "data"}
    assert service.hub.watchers == service.hub.watched == service.live.places.open == 0


async def test_headers_and_the_advice_to_reconnect(service: Service) -> None:
    job_id = await service.start()
    await service.complete(job_id)
    async with service.client() as client:
        answer = await client.get(f"/v1/jobs/{job_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.startswith("retry: 2000\n\n")


@pytest.mark.parametrize("way", ["header", "query"])
async def test_it_goes_on_strictly_after_the_cursor(service: Service, way: str) -> None:
    job_id = await service.start()
    await service.report(job_id, 5)
    await service.complete(job_id)
    if way == "header":
        events = await collect(service, f"/v1/jobs/{job_id}/events", **{"last-event-id": "4"})
    else:
        events = await collect(service, f"/v1/jobs/{job_id}/events?after=4")
    assert seqs(events) == [5, 6, 7, 8]


async def test_over_and_delivered_is_204(service: Service) -> None:
    job_id = await service.start()
    await service.complete(job_id)
    async with service.client() as client:
        for after in (3, 99):
            answer = await client.get(f"/v1/jobs/{job_id}/events?after={after}")
            assert (answer.status_code, answer.content) == (204, b"")


async def test_a_cursor_from_the_future_holds_nothing_back(service: Service) -> None:
    job_id = await service.start()
    reading = asyncio.ensure_future(collect(service, f"/v1/jobs/{job_id}/events?after=99"))
    await wait_until(lambda: service.hub.watchers)
    await service.complete(job_id)
    assert seqs(await asyncio.wait_for(reading, 10)) == [3]


async def test_several_jobs_until_all_are_over_with_a_cursor_of_all(service: Service) -> None:
    a, b = await service.start(), await service.start()
    await service.complete(a)
    reading = asyncio.ensure_future(collect(service, f"/v1/events?jobs={a},{b}"))
    await wait_until(lambda: service.hub.watchers)
    await service.report(b, 2)
    await service.complete(b)
    events = await asyncio.wait_for(reading, 10)
    assert sorted((event.data["job_id"], event.data["seq"]) for event in events) == sorted(
        [(a, n) for n in (1, 2, 3)] + [(b, n) for n in (1, 2, 3, 4, 5)]
    )
    assert events[-1].id == f"{a}:3,{b}:5"
    middle = events[4].id
    seen = {(event.data["job_id"], event.data["seq"]) for event in events[:5]}
    rest = await collect(service, f"/v1/events?jobs={a},{b}", **{"last-event-id": middle})
    again = {(event.data["job_id"], event.data["seq"]) for event in rest}
    assert not seen & again
    assert len(seen | again) == 8
    async with service.client() as client:
        answer = await client.get(f"/v1/events?jobs={a},{b}", headers={"last-event-id": events[-1].id})
    assert answer.status_code == 204


async def test_trimmed_events_are_replaced_by_a_snapshot(tmp_path: Path) -> None:
    async with serving(tmp_path / "jobs.db", store_options={"max_events_per_job": 20}) as service:
        job_id = await service.start()
        for _ in range(10):
            await service.report(job_id, 5)
        reading = asyncio.ensure_future(collect(service, f"/v1/jobs/{job_id}/events?after=3"))
        several = asyncio.ensure_future(collect(service, f"/v1/events?jobs={job_id}&after={job_id}:3"))
        await wait_until(lambda: service.hub.watchers == 2 and service.hub._feeds[job_id].current)
        await service.report(job_id)
        await service.complete(job_id)
        for events in await asyncio.gather(reading, several):
            assert events[0].kind == "snapshot"
            assert events[0].id.rpartition(":")[2] == str(events[0].data["seq"])
            assert seqs(events) == list(range(events[0].data["seq"], 55))


async def test_a_removed_job_ends_its_stream(service: Service) -> None:
    job_id = await service.start()
    reading = asyncio.ensure_future(collect(service, f"/v1/jobs/{job_id}/events?after=2"))
    await wait_until(lambda: service.hub.watchers)
    await service.store.delete(job_id, "deleted")
    (event,) = await asyncio.wait_for(reading, 10)
    assert (event.kind, event.data) == ("removed", {"job_id": job_id})


async def test_an_idle_stream_says_that_it_lives() -> None:
    async with serving(None, keep_alive=0.02) as service:
        job_id = await service.start()
        url = f"/v1/jobs/{job_id}/events?after=2"
        async with service.client() as client, client.stream("GET", url) as answer:
            comments = 0
            async for line in answer.aiter_lines():
                comments += line.startswith(":")
                if comments == 3:
                    break


async def test_a_client_that_goes_away_is_noticed(service: Service) -> None:
    job_id = await service.start()
    async with service.client() as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        await anext(answer.aiter_lines())
        assert service.live.places.open == 1
    await wait_until(lambda: service.hub.watchers == service.live.places.open == 0)
    assert service.hub.watched == 0


async def test_bounds_are_answered_before_a_stream_begins() -> None:
    async with serving(None, owner_watchers_max=1, watchers_max=2) as service, contextlib.AsyncExitStack() as stack:
        jobs = {owner: await service.start(owner) for owner in ("ann", "bob", "cy")}
        clients = {owner: await stack.enter_async_context(service.client(owner)) for owner in jobs}

        async def begin(owner: str) -> httpx.Response:
            url = f"/v1/jobs/{jobs[owner]}/events"
            return await stack.enter_async_context(clients[owner].stream("GET", url))

        assert (await begin("ann")).status_code == 200
        refused = await begin("ann")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        assert (await begin("bob")).status_code == 200
        assert (await begin("cy")).status_code == 503


async def test_a_reader_that_does_not_read_disturbs_nobody(service: Service) -> None:
    """Its cursor stays behind; the others are served at once; when it reads again it gets everything."""
    job_id = await service.start()
    url = f"/v1/jobs/{job_id}/events"
    async with service.client() as client, client.stream("GET", url) as slow:
        await wait_until(lambda: service.hub.watchers)
        reading = asyncio.ensure_future(collect(service, url))
        await wait_until(lambda: service.hub.watchers == 2)
        for _ in range(200):
            await service.report(job_id, 10, text="x" * 4000)
        await service.complete(job_id)
        assert seqs(await asyncio.wait_for(reading, 30)) == await service.stored(job_id)
        assert service.hub.watchers == 1, "the slow one still holds its stream"
        late = [event async for event in read_events(slow.aiter_lines())]
    assert seqs(late) == await service.stored(job_id)


@pytest.mark.parametrize("reads", [True, False])
async def test_a_server_that_stops_lets_its_streams_go(reads: bool) -> None:
    async with serving(None) as service:
        job_id = await service.start()
        url = f"/v1/jobs/{job_id}/events"
        async with service.client() as client, client.stream("GET", url) as answer:
            await wait_until(lambda: service.hub.delivered == 2)
            if not reads:
                # Fill what the sockets hold, so that the stream hangs in the middle of a send.
                for _ in range(200):
                    await service.report(job_id, 10, text="x" * 4000)
            began = time.monotonic()
            service.hub.drain()
            service.server.should_exit = True
            await wait_until(lambda: not service.hub.watchers)
            assert time.monotonic() - began < 5
            if reads:
                events = [event async for event in read_events(answer.aiter_lines())]
                assert seqs(events) == [1, 2], "no error, no terminal event: the client comes back"


async def test_a_job_token_in_the_query_reads_one_job_until_it_ends(service: Service) -> None:
    a, b = await service.start(), await service.start()
    tokens = service.live.access.tokens
    lifetime, events = 0.3, list[ServerEvent]()
    while not events and lifetime < 10:
        # On a busy machine a short one ends before its stream has begun.
        token, _ = await tokens.job_token(a, "ann", verbs=["read"], expires_in=lifetime)
        async with service.client(None) as client, client.stream("GET", f"/v1/jobs/{a}/events?token={token}") as answer:
            events = [event async for event in read_events(answer.aiter_lines())] if answer.is_success else []
        lifetime *= 4
    assert seqs(events) == [1, 2], "the stream ended with the token"
    async with service.client(None) as client:
        assert (await client.get(f"/v1/jobs/{a}/events?token={token}")).status_code == 401
        token, _ = await tokens.job_token(a, "ann", verbs=["read"])
        assert (await client.get(f"/v1/jobs/{b}/events?token={token}")).status_code == 404


async def test_another_users_job_is_unknown(service: Service) -> None:
    job_id = await service.start("ann")
    async with service.client("bob") as client:
        foreign = await client.get(f"/v1/jobs/{job_id}/events")
        unknown = await client.get(f"/v1/jobs/{job_id[:-1]}x/events")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.text.replace(job_id, "") == unknown.text.replace(f"{job_id[:-1]}x", "")
    assert seqs(await asyncio.wait_for(collect_one(service, job_id, "root"), 10)) == [1]


async def collect_one(service: Service, job_id: str, user: str) -> list[ServerEvent]:
    async with service.client(user) as client, client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        return [await anext(read_events(answer.aiter_lines()))]


class TestCursors:
    def test_of_one_job(self) -> None:
        assert read_cursor("7", ["a"]) == {"a": 7}
        assert read_cursor("a:7", ["a"]) == {"a": 7}

    def test_of_several(self) -> None:
        assert read_cursor("a:3, b:7,c:9", ["a", "b"]) == {"a": 3, "b": 7}
        assert read_cursor("", ["a", "b"]) == {}

    @pytest.mark.parametrize("text", ["-1", "x", "1.5", "٣", "9" * 30, "a:", "a:b"])
    def test_not_ours(self, text: str) -> None:
        with pytest.raises(BadRequest):
            read_cursor(text, ["a"])

    def test_ids(self) -> None:
        assert job_ids("a,b,,a ", 2) == ["a", "b"]
        for text in ("", ",", "a,b,c"):
            with pytest.raises(BadRequest):
                job_ids(text, 2)
