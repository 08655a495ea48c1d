"""The AsyncAPI document is valid by the official schema, and what a real server sends is what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.serving import Site, site
from helpers import wait_until
from http_live.serving import Socket, read_events
from jsonschema import Draft7Validator, ValidationError  # type: ignore[import-untyped]
from webhooks.receiver import receiving
from websockets.asyncio.client import connect

from accepted.http.message_shapes import EVENT_DATA
from accepted.job import Kind

OFFICIAL = Draft7Validator(json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8")))


class Listener:
    """Holds every message against the document, and remembers which ones it has met."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.met: set[str] = set()
        self._validators: dict[tuple[str, str], Any] = {}

    def hold(self, name: str, payload: Any, headers: dict[str, str] | None = None) -> None:
        self._validator(name, "payload").validate(payload)
        if headers is not None:
            self._validator(name, "headers").validate(headers)
        self.met.add(name)

    def _validator(self, name: str, part: str) -> Any:
        if (name, part) not in self._validators:
            components = self.document["components"]
            # In `allOf`, because Draft 7 knows no siblings of a reference.
            whole = {"allOf": [components["messages"][name][part]], "components": components}
            made = Draft7Validator(whole, format_checker=Draft7Validator.FORMAT_CHECKER)
            self._validators[name, part] = made
        return self._validators[name, part]

    def heard(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message of a socket."""
        kind = message["type"]
        self.hold(f"socket.event.{message['kind']}" if kind == "event" else f"socket.{kind}", message)
        return message

    async def read(self, lines: AsyncIterator[str]) -> list[str]:
        """A stream to its end; the kinds of its events."""
        kinds = []
        async for event in read_events(lines):
            fields = {"event": event.kind}
            if event.kind != "removed":
                fields["id"] = event.id
            self.hold(f"stream.{event.kind}", event.data, fields)
            kinds.append(event.kind)
        return kinds


class Talker:
    """A client's end of a socket of which every word is held against the document."""

    def __init__(self, socket: Socket, listener: Listener) -> None:
        self._socket, self._listener = socket, listener

    async def say(self, **message: Any) -> None:
        self._listener.hold(f"action.{message['action']}", message)
        await self._socket.say(**message)

    async def hear(self) -> dict[str, Any]:
        return self._listener.heard(await self._socket.hear())

    async def until(self, type_: str, **members: Any) -> dict[str, Any]:
        while True:
            message = await self.hear()
            if message["type"] == type_ and members.items() <= message.items():
                return message


@asynccontextmanager
async def talking(there: Site, listener: Listener, user: str | None = "ann", **options: Any) -> AsyncIterator[Talker]:
    headers = {"authorization": f"Bearer user:{user}"} if user else {}
    address = there.base.replace("http", "ws") + "/v1/ws"
    async with connect(address, additional_headers=headers, compression=None, **options) as connection:
        yield Talker(Socket(connection), listener)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path, max_events=60, watcher_queue=16) as there:
        yield there


@pytest.fixture
async def listener(there: Site) -> Listener:
    async with there.client(None) as client:
        return Listener((await client.get("/asyncapi.json")).json())


def test_the_document_is_valid(listener: Listener) -> None:
    OFFICIAL.validate(listener.document)


@pytest.mark.parametrize("path", [("channels",), ("operations", "say", "action"), ("info",)])
def test_the_official_schema_finds_mistakes(listener: Listener, path: tuple[str, ...]) -> None:
    at = listener.document
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = "wrong"
    assert not OFFICIAL.is_valid(listener.document)


def test_every_reference_leads_somewhere(listener: Listener) -> None:
    def references(value: Any) -> Iterable[str]:
        if isinstance(value, dict):
            yield from (one for name, one in value.items() if name == "$ref")
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                yield from references(one)

    found = set(references(listener.document))
    assert len(found) > 50
    for reference in found:
        at = listener.document
        for name in reference.removeprefix("#/").split("/"):
            at = at[name]


async def test_the_job_and_the_event_are_those_of_the_openapi_document(there: Site, listener: Listener) -> None:
    async with there.client(None) as client:
        openapi = (await client.get("/openapi.json")).json()
    ours = listener.document["components"]["schemas"]
    for name in ("AcceptedJob", "AcceptedEvent", "AcceptedProblem"):
        assert ours[name] == openapi["components"]["schemas"][name]
    for name in ("job_events", "events"):
        assert listener.document["channels"][name]["address"] in openapi["paths"]


def test_every_kind_of_event_has_its_data() -> None:
    assert set(EVENT_DATA) == set(Kind)


async def test_all_that_a_real_server_says_is_as_written(there: Site, listener: Listener) -> None:
    async with there.client() as client:
        await _streams(there, listener, client)
        async with talking(there, listener) as talker:
            await _conversation(there, talker, client)
    await _strangers(there, listener)
    await _slow(there, listener)
    messages = {name for name in listener.document["components"]["messages"] if not name.startswith("webhook.")}
    assert listener.met == messages


async def _streams(there: Site, listener: Listener, client: httpx.AsyncClient) -> None:
    async def read(path: str) -> list[str]:
        async with client.stream("GET", path, headers={"accept": "text/event-stream"}) as answer:
            assert answer.status_code == 200
            return await listener.read(answer.aiter_lines())

    story = await there.submit("story")
    refused = await there.submit("refuse")
    kinds = await read(f"/v1/jobs/{story}/events")
    assert set(kinds) >= {"pending", "running", "progress", "step", "log", "output", "cost", "artifact", "completed"}
    assert "failed" in await read(f"/v1/events?jobs={story},{refused}")

    waiting, removed = await there.submit("wait"), await there.submit("wait")
    reading = asyncio.create_task(read(f"/v1/events?jobs={waiting},{removed}"))
    await there.jobs.hub.changed(removed, 2, 20)
    await client.post(f"/v1/jobs/{waiting}/cancel")
    await client.delete(f"/v1/jobs/{removed}")
    assert set(await reading) >= {"cancelling", "cancelled", "removed"}

    chatter = await there.submit("chatter", lines=200)
    assert await there.jobs.wait_over(chatter, 20)
    assert (await read(f"/v1/jobs/{chatter}/events?after=1"))[0] == "snapshot"


async def _conversation(there: Site, talker: Talker, client: httpx.AsyncClient) -> None:
    await talker.say(action="ping", id=1)
    assert (await talker.until("pong"))["id"] == 1
    await talker.say(action="authenticate", token="user:ann", id="a")
    await talker.until("auth_success")

    for task, end in (("story", "completed"), ("refuse", "failed")):
        job_id = await there.submit(task)
        await talker.say(action="subscribe", job_id=job_id, after=0)
        await talker.until("event", kind=end)
    await talker.say(action="unsubscribe", job_id=job_id)
    await talker.until("unsubscribed")

    waiting, removed = await there.submit("wait"), await there.submit("wait")
    for job_id in (waiting, removed):
        await talker.say(action="subscribe", job_id=job_id, after=0)
        await talker.until("event", kind="progress", job_id=job_id)
    await talker.say(action="cancel", job_id=waiting, reason="enough")
    await talker.until("event", kind="cancelled")
    await client.delete(f"/v1/jobs/{removed}")
    await talker.until("removed")
    await talker.say(action="subscribe", job_id=removed)
    assert (await talker.until("error"))["problem"]["status"] == 410


async def _strangers(there: Site, listener: Listener) -> None:
    async with talking(there, listener, None) as talker:
        await talker.say(action="authenticate", token="nobody")
        await talker.until("auth_error")


async def _slow(there: Site, listener: Listener) -> None:
    job_id = await there.submit("wait")
    async with talking(there, listener, max_queue=1, close_timeout=0.1) as talker:
        chatter = await there.submit("chatter", lines=3000)
        await talker.say(action="subscribe", job_id=chatter, after=0)
        await talker.say(action="subscribe", job_id=job_id)
        assert await there.jobs.wait_over(chatter, 30)
        gap = await talker.until("gap")
        assert gap["to"] >= gap["from"]
        await talker.until("snapshot")


async def test_every_webhook_that_a_receiver_gets_is_as_written(tmp_path: Path) -> None:
    async with receiving() as receiver, site(tmp_path, webhook_allow=(f"{receiver.host}:{receiver.port}",)) as there:
        async with there.client() as client:
            listener = Listener((await client.get("/asyncapi.json")).json())
            delivered = listener.document["components"]["schemas"]["AcceptedDelivery"]
            kinds = delivered["properties"]["type"]["enum"]
            made = await client.post("/v1/webhooks", json={"url": receiver.url, "events": kinds})
            assert made.status_code == 201, made.text
            assert (await client.post(f"{made.json()['links']['self']}/test")).status_code == 202
            await there.submit("story")
            await there.submit("refuse")
            waiting = await there.submit("wait")
            await there.jobs.hub.changed(waiting, 2, 20)
            await client.post(f"/v1/jobs/{waiting}/cancel")
        await wait_until(lambda: set(receiver.types) == {*kinds, "webhook.test"}, what="a delivery of each kind")
        for one in receiver.received:
            name = "webhook.test" if one.type == "webhook.test" else "webhook.delivery"
            listener.hold(name, one.event, dict(one.headers))
        assert listener.met == {"webhook.delivery", "webhook.test"}
        with pytest.raises(ValidationError):
            listener.hold("webhook.delivery", {**receiver.received[0].event, "more": 1})
