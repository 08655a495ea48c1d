"""The WebSocket of the job API through real sockets."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from http_live.serving import Service, Socket, serving
from websockets.exceptions import ConnectionClosed

from accepted.http.auth import LoopbackOnly
from accepted.http.websocket import LiveSocket
from accepted.hub import Events, Joined, Update
from accepted.job import JSON, Kind


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving(None, socket_auth=1.0) as service:
        yield service


async def new_ticket(service: Service, user: str = "ann") -> str:
    async with service.client(user) as client:
        answer = await client.post("/v1/ws-ticket")
        assert answer.status_code == 201
        ticket: str = answer.json()["ticket"]
        return ticket


class TestWhoAreYou:
    async def test_a_ticket_opens_one_socket(self, service: Service) -> None:
        ticket = await new_ticket(service)
        async with service.socket(None, f"?ticket={ticket}") as socket:
            assert await socket.hear() == {"type": "auth_success", "user_id": "ann"}
        async with service.socket(None, f"?ticket={ticket}") as again:
            assert (await again.hear())["type"] == "auth_error"
            assert await again.closed() == 4401

    async def test_the_first_message(self, service: Service) -> None:
        async with service.socket(None) as socket:
            answer = await socket.ask(action="authenticate", token="user:ann", id=7)
            assert answer == {"type": "auth_success", "user_id": "ann", "id": 7}
            assert await socket.ask(action="ping") == {"type": "pong"}

    async def test_a_ticket_may_come_in_the_first_message(self, service: Service) -> None:
        async with service.socket(None) as socket:
            answer = await socket.ask(action="authenticate", token=await new_ticket(service, "bob"))
            assert answer == {"type": "auth_success", "user_id": "bob"}

    async def test_a_header_or_a_cookie_says_it_without_a_word(self, service: Service) -> None:
        async with service.socket("ann") as socket:
            assert await socket.ask(action="ping") == {"type": "pong"}
        async with service.socket(None, additional_headers={"cookie": "user=ann"}) as socket:
            assert await socket.ask(action="ping") == {"type": "pong"}
            assert (await socket.ask(action="authenticate", token="user:ann"))["type"] == "auth_success"

    async def test_a_cookie_counts_from_our_own_pages_only(self, service: Service) -> None:
        host = service.base.removeprefix("http://")
        for origin, code in ((f"http://{host}", None), ("https://evil.example", 4403), ("null", 4403)):
            headers = {"cookie": "user=ann", "origin": origin}
            async with service.socket(None, additional_headers=headers) as socket:
                if code is None:
                    assert await socket.ask(action="ping") == {"type": "pong"}
                else:
                    assert (await socket.hear())["type"] == "auth_error"
                    assert await socket.closed() == code

    async def test_an_explicit_token_counts_from_anywhere(self, service: Service) -> None:
        headers = {"origin": "https://elsewhere.example"}
        ticket = await new_ticket(service)
        async with service.socket(None, f"?ticket={ticket}", additional_headers=headers) as socket:
            assert (await socket.hear())["type"] == "auth_success"

    async def test_silence(self, service: Service) -> None:
        async with service.socket(None) as socket:
            assert await socket.closed() == 4408
        await wait_until(lambda: service.live.places.open == 0)

    @pytest.mark.parametrize(
        "first",
        [
            '{"action": "authenticate", "token": "nobody"}',
            '{"action": "authenticate", "token": 7}',
            '{"action": "authenticate", "token": "jt_x.y"}',
            '{"action": "authenticate", "token": "wt_é"}',
            '{"action": "subscribe", "job_id": "a"}',
            "no json",
            "[1]",
            "[" * 10_000,
            b"\x00\xff",
        ],
    )
    async def test_nonsense(self, service: Service, first: str | bytes) -> None:
        async with service.socket(None) as socket:
            await socket.connection.send(first)
            assert (await socket.hear())["type"] == "auth_error"
            assert await socket.closed() == 4401

    async def test_open_on_loopback_closed_to_foreign_pages(self) -> None:
        async with serving(None, auth=LoopbackOnly()) as service:
            async with service.socket(None) as socket:
                assert await socket.ask(action="ping") == {"type": "pong"}
                answer = await socket.ask(action="authenticate", token="whatever")
                assert answer == {"type": "auth_success", "user_id": "local"}
            async with service.socket(None, additional_headers={"origin": "https://evil.example"}) as socket:
                assert (await socket.hear())["type"] == "auth_error"
                assert await socket.closed() == 4403

    async def test_when_the_token_ends_so_does_the_socket_unless_it_is_renewed(self, service: Service) -> None:
        job_id = await service.start()
        tokens = service.live.access.tokens
        short, _ = await tokens.job_token(job_id, "ann", expires_in=0.3)
        async with (
            service.socket(None, f"?token={short}") as socket,
            service.socket(None, f"?token={short}") as renewed,
        ):
            assert (await socket.hear())["type"] == (await renewed.hear())["type"] == "auth_success"
            longer, _ = await tokens.job_token(job_id, "ann")
            assert (await renewed.ask(action="authenticate", token=longer))["type"] == "auth_success"
            assert await socket.closed() == 4401
            assert await renewed.ask(action="ping") == {"type": "pong"}

    async def test_nobody_turns_into_somebody_else(self, service: Service) -> None:
        async with service.socket("ann") as socket:
            assert (await socket.ask(action="authenticate", token="user:bob"))["type"] == "auth_error"
            assert await socket.closed() == 4401

    async def test_credentials_of_the_query_stay_out_of_the_log(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, service: Service
    ) -> None:
        ticket = await new_ticket(service)
        job_id = await service.start()
        token, _ = await service.live.access.tokens.job_token(job_id, "ann", expires_in=0.01)
        written: list[str] = []
        handler = logging.Handler()
        monkeypatch.setattr(handler, "emit", lambda record: written.append(record.getMessage()))
        for name in ("uvicorn.access", "uvicorn.error"):
            monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
            caplog.set_level(logging.INFO, logger=name)
        async with service.socket(None, f"?ticket={ticket}") as socket:
            await socket.hear()
        async with service.client(None) as client:
            await client.get(f"/v1/jobs/{job_id}/events?after=1&token={token}")
        assert sum("REDACTED" in line for line in written) == 2
        assert not [line for line in written if ticket in line or token in line]


class TestFollowing:
    async def test_subscribe_events_and_unsubscribe(self, service: Service) -> None:
        job_id = await service.start()
        async with service.socket() as socket:
            answer = await socket.ask(action="subscribe", job_id=job_id, id="x")
            job = {"id": job_id, "seq": 2, "status": "running"}
            assert answer == {"type": "subscribed", "job_id": job_id, "seq": 2, "job": job, "id": "x"}
            await service.report(job_id)
            event = await socket.hear()
            assert event["type"] == "event"
            assert (event["job_id"], event["seq"], event["kind"]) == (job_id, 3, "log")
            answer = await socket.ask(action="unsubscribe", job_id=job_id, id=1)
            assert answer == {"type": "unsubscribed", "job_id": job_id, "id": 1}
            assert service.hub.watched == 0
        await wait_until(lambda: service.hub.watchers == service.live.places.open == 0)

    async def test_after_a_cursor(self, service: Service) -> None:
        job_id = await service.start()
        await service.report(job_id, 3)
        async with service.socket() as socket:
            assert (await socket.ask(action="subscribe", job_id=job_id, after=1))["seq"] == 1
            assert [(await socket.hear())["seq"] for _ in range(4)] == [2, 3, 4, 5]
            assert (await socket.ask(action="subscribe", job_id=job_id, after=99))["seq"] == 5

    async def test_many_jobs_on_one_socket(self, service: Service) -> None:
        jobs = [await service.start() for _ in range(10)]
        async with service.socket() as socket:
            for job_id in jobs:
                await socket.ask(action="subscribe", job_id=job_id)
            for job_id in jobs:
                await service.complete(job_id)
            ended = [await socket.hear() for _ in jobs]
            assert {event["job_id"] for event in ended} == set(jobs)
            assert {event["kind"] for event in ended} == {"completed"}

    async def test_the_bytes_are_those_of_every_other_transport(self, service: Service) -> None:
        job_id = await service.start()
        await service.complete(job_id)
        async with service.socket() as socket:
            await socket.ask(action="subscribe", job_id=job_id, after=2)
            text = await socket.connection.recv()
        async with service.client() as client:
            stream = await client.get(f"/v1/jobs/{job_id}/events?after=2")
        data = next(line for line in stream.text.splitlines() if line.startswith("data: "))
        assert text == '{"type":"event",' + data.removeprefix("data: {")

    async def test_cancel(self, service: Service) -> None:
        job_id = await service.start()
        async with service.socket() as socket:
            await socket.ask(action="subscribe", job_id=job_id)
            answers = [await socket.ask(action="cancel", job_id=job_id, reason="enough", id=3), await socket.hear()]
            event, snapshot = sorted(answers, key=lambda answer: str(answer["type"]))
            assert (event["kind"], event["data"]["reason"]) == ("cancelling", "enough")
            assert (snapshot["type"], snapshot["id"], snapshot["job"]["seq"]) == ("snapshot", 3, 3)

    async def test_a_job_removed_while_followed(self, service: Service) -> None:
        job_id = await service.start()
        async with service.socket() as socket:
            await socket.ask(action="subscribe", job_id=job_id)
            await service.store.delete(job_id, "deleted")
            assert await socket.hear() == {"type": "removed", "job_id": job_id}
            answer = await socket.ask(action="subscribe", job_id=job_id)
            assert answer["problem"]["status"] == 410

    async def test_trimmed_events_are_replaced_by_a_snapshot(self, tmp_path: Path) -> None:
        async with serving(tmp_path / "jobs.db", store_options={"max_events_per_job": 20}) as service:
            job_id = await service.start()
            for _ in range(10):
                await service.report(job_id, 5)
            async with service.socket() as socket:
                await socket.ask(action="subscribe", job_id=job_id, after=1)
                answer = await socket.hear()
                assert (answer["type"], answer["job"]["seq"]) == ("snapshot", 52)
                await service.complete(job_id)
                assert (await socket.hear())["seq"] == 53

    async def test_a_slow_reader_gets_a_gap_and_the_newest_state(self) -> None:
        async with serving(None, watcher_queue=16) as service:
            job_id = await service.start()
            async with service.socket(max_queue=1) as socket:
                await socket.ask(action="subscribe", job_id=job_id)
                for _ in range(400):
                    await service.report(job_id, 10, text="x" * 4000)
                await service.complete(job_id)
                messages: list[dict[str, Any]] = []
                last = 0
                while last < 4003:
                    message = await socket.hear()
                    messages.append(message)
                    last = max(last, message.get("seq", 0), message.get("job", {}).get("seq", 0))
            position = 2
            for message, following in zip(messages, [*messages[1:], {}], strict=True):
                if message["type"] == "event":
                    assert message["seq"] == position + 1
                    position += 1
                elif message["type"] == "gap":
                    assert message["from"] == position + 1
                    assert following["type"] == "snapshot"
                    assert following["job"]["seq"] == message["to"]
                    position = message["to"]
            assert any(message["type"] == "gap" for message in messages)
            assert position == 4003

    async def test_a_stopping_server_says_come_back(self, service: Service) -> None:
        job_id = await service.start()
        async with service.socket() as socket:
            await socket.ask(action="subscribe", job_id=job_id)
            service.hub.drain()
            assert await socket.closed() == 1012

    async def test_a_socket_that_takes_nothing_is_let_go_on_stop(self, service: Service) -> None:
        job_id = await service.start()
        async with service.socket(max_queue=1, close_timeout=0.1) as socket:
            await socket.ask(action="subscribe", job_id=job_id, after=0)
            for _ in range(200):
                await service.report(job_id, 10, text="x" * 4000)
            service.hub.drain()
            await wait_until(lambda: service.hub.watchers == service.live.places.open == 0)


class TestBounds:
    async def test_strangers_jobs_do_not_exist(self, service: Service) -> None:
        job_id = await service.start("ann")
        async with service.socket("bob") as socket:
            for action in ("subscribe", "cancel"):
                foreign = await socket.ask(action=action, job_id=job_id)
                unknown = await socket.ask(action=action, job_id="nope")
                assert foreign["problem"]["status"] == unknown["problem"]["status"] == 404
                assert json.dumps(foreign).replace(job_id, "nope") == json.dumps(unknown)
        assert (await service.store.get(job_id)).cancel_requested_at is None

    async def test_a_job_token_is_for_its_job_and_verbs(self, service: Service) -> None:
        mine, other = await service.start(), await service.start()
        token, _ = await service.live.access.tokens.job_token(mine, "ann", verbs=["read"])
        async with service.socket(None, f"?token={token}") as socket:
            await socket.hear()
            assert (await socket.ask(action="subscribe", job_id=other))["problem"]["status"] == 404
            assert (await socket.ask(action="cancel", job_id=mine))["problem"]["status"] == 403
            assert (await socket.ask(action="subscribe", job_id=mine))["type"] == "subscribed"
            await service.store.delete(mine, "deleted")
            assert await socket.hear() == {"type": "removed", "job_id": mine}
            assert await socket.closed() == 4404

    @pytest.mark.parametrize(
        "message",
        [
            "no json",
            "[]",
            "[" * 10_000,
            b"\x00",
            '{"action": "dance"}',
            "{}",
            '{"action": "subscribe"}',
            '{"action": "subscribe", "job_id": ["a"]}',
            '{"action": "subscribe", "job_id": "JOB", "after": -1}',
            '{"action": "subscribe", "job_id": "JOB", "after": true}',
            '{"action": "subscribe", "job_id": "JOB", "after": "3"}',
        ],
    )
    async def test_nonsense_is_answered_and_survived(self, service: Service, message: str | bytes) -> None:
        job_id = await service.start()
        async with service.socket() as socket:
            await socket.connection.send(message if isinstance(message, bytes) else message.replace("JOB", job_id))
            answer = await socket.hear()
            assert (answer["type"], answer["problem"]["status"]) == ("error", 400)
            assert await socket.ask(action="ping", id="still") == {"type": "pong", "id": "still"}

    async def test_a_message_has_a_largest_size(self, service: Service) -> None:
        async with service.socket() as socket:
            await socket.say(action="ping", id="x" * 20_000)
            assert await socket.closed() == 1009

    async def test_a_socket_follows_so_many_jobs(self) -> None:
        async with serving(None, subscriptions_max=2) as service, service.socket() as socket:
            jobs = [await service.start() for _ in range(3)]
            for job_id in jobs[:2]:
                assert (await socket.ask(action="subscribe", job_id=job_id))["type"] == "subscribed"
            answer = await socket.ask(action="subscribe", job_id=jobs[2])
            assert answer["job_id"] == jobs[2]
            assert (answer["problem"]["status"], answer["problem"]["at_most"]) == (429, 2)
            await socket.ask(action="unsubscribe", job_id=jobs[0])
            assert (await socket.ask(action="subscribe", job_id=jobs[2]))["type"] == "subscribed"

    async def test_so_many_sockets(self) -> None:
        async with serving(None, owner_watchers_max=1, watchers_max=2) as service, contextlib.AsyncExitStack() as stack:
            first = await stack.enter_async_context(service.socket("ann"))
            assert await first.ask(action="ping") == {"type": "pong"}
            second = await stack.enter_async_context(service.socket("ann"))
            assert (await second.hear())["problem"]["status"] == 429
            assert await second.closed() == 4429
            other = await stack.enter_async_context(service.socket("bob"))
            assert await other.ask(action="ping") == {"type": "pong"}
            third = await stack.enter_async_context(service.socket("cy"))
            assert (await third.hear())["problem"]["status"] == 503
            assert await third.closed() == 4429

    async def test_a_client_that_vanishes_frees_everything(self, service: Service) -> None:
        job_id = await service.start()
        with contextlib.suppress(ConnectionClosed):
            async with service.socket() as socket:
                await socket.ask(action="subscribe", job_id=job_id)
                socket.connection.transport.abort()
        await wait_until(lambda: service.hub.watchers == service.hub.watched == service.live.places.open == 0)


class ChannelSocket(LiveSocket):
    """Another language on the same machinery: channels, messages with types of their own."""

    query_tokens = True

    def token_of(self, message: Mapping[str, JSON]) -> str | None:
        token = message.get("token")
        return token if message.get("action") == "authenticate" and isinstance(token, str) else None

    async def received(self, message: Mapping[str, JSON]) -> None:
        channel = str(message.get("channel"))
        match message.get("type"), channel.partition(":")[0]:
            case "ping", _:
                await self.reply(message, {"type": "pong"})
            case "subscribe", "scraper":
                record = await self.job(channel.partition(":")[2], "read")
                self.room(record.id)
                self.subscription.follow(record.id, 0)
            case "subscribe", "jobs":
                await self.follow_all()
                await self.reply(message, {"type": "subscribed", "channel": channel})

    async def deliver(self, update: Update) -> None:
        match update:
            case Joined(record, _):
                await self.reply({}, {"type": "scraper:started", "task_id": record.id})
            case Events(job_id=job_id):
                for one in update.messages:
                    kind = "complete" if one.event.kind is Kind.COMPLETED else "progress"
                    await self.reply({}, {"type": f"scraper:{kind}", "task_id": job_id, "n": one.seq})


class TestAnotherLanguage:
    @pytest.fixture
    async def service(self) -> AsyncIterator[Service]:
        async with serving(None, socket=ChannelSocket) as service:
            yield service

    async def login(self, socket: Socket) -> None:
        assert await socket.hear() == {"type": "auth_success", "user_id": "ann"}

    async def test_a_late_subscriber_gets_what_it_missed(self, service: Service) -> None:
        job_id = await service.start()
        await service.complete(job_id)
        async with service.socket(None, "?token=user:ann") as socket:
            await self.login(socket)
            assert await socket.ask(type="ping") == {"type": "pong"}
            await socket.say(type="subscribe", channel=f"scraper:{job_id}")
            messages = [await socket.hear() for _ in range(3)]
            assert [message["type"] for message in messages] == ["scraper:progress"] * 2 + ["scraper:complete"]

    async def test_a_foreign_channel_is_refused(self, service: Service) -> None:
        job_id = await service.start("bob")
        async with service.socket(None, "?token=user:ann") as socket:
            await self.login(socket)
            assert (await socket.ask(type="subscribe", channel=f"scraper:{job_id}"))["problem"]["status"] == 404

    async def test_all_my_jobs(self, service: Service) -> None:
        running = await service.start()
        async with service.socket(None, "?token=user:ann") as socket:
            await self.login(socket)
            await socket.say(type="subscribe", channel="jobs:all")
            answers = [await socket.hear(), await socket.hear()]
            assert {answer["type"] for answer in answers} == {"subscribed", "scraper:started"}
            await service.start("bob")
            job_id = await service.start()
            await service.complete(job_id)
            messages = [await socket.hear() for _ in range(4)]
            assert messages[0] == {"type": "scraper:started", "task_id": job_id}
            assert [message["n"] for message in messages[1:]] == [1, 2, 3]
            await service.complete(running)
            assert (await socket.hear())["type"] == "scraper:complete"
            assert service.hub.watched == 0
