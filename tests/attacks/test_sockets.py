"""Hostile sockets and readers: frames, floods, subscriptions, other origins, revoked keys."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from typing import Any

import pytest
from attacks.scene import ATTACKER, VICTIM, Scene
from helpers import wait_until
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRAMES: dict[str, str | bytes | list[str]] = {
    "binary": b"\x00\xff" * 100,
    "not JSON": "{",
    "deep": "[" * 16_000,
    "a list": "[]",
    "a number of 5,000 digits": '{"action": "ping", "id": ' + "9" * 5000 + "}",
    "no number": '{"action": "subscribe", "job_id": "x", "after": NaN}',
    "10^400": '{"action": "subscribe", "job_id": "x", "after": 1e400}',
    "an unknown action": '{"action": "__class__"}',
    "an action that is no text": '{"action": {"$ne": null}}',
    "no action": "{}",
    "a lone surrogate": '{"action": "subscribe", "job_id": "\\ud800"}',
    "a null": '{"action": "subscribe", "job_id": "\\u0000"}',
    "an id that is no text": '{"action": "cancel", "job_id": ["x"]}',
    "a long id": '{"action": "subscribe", "job_id": "' + "x" * 16_000 + '"}',
    "the same name twice": '{"action": "ping", "action": "subscribe", "job_id": "x"}',
    "fragments": ['{"action"', ": ", '"ping', '"}'],
}


@pytest.mark.parametrize("frame", FRAMES)
async def test_hostile_frames(there: Scene, frame: str) -> None:
    """Each is answered, and the socket goes on."""
    async with there.socket() as socket:
        await socket.connection.send(FRAMES[frame])
        answer = await socket.hear()
        assert answer["type"] in ("error", "pong"), answer
        there.clean(json.dumps(answer))
        assert await socket.ask(action="ping", id="after") == {"type": "pong", "id": "after"}
    await there.unharmed()


@pytest.mark.parametrize("reason", ["\x00", "x" * 10_000, "\r\n\r\n", "\u2028"], ids=ascii)
async def test_hostile_reasons(there: Scene, reason: str) -> None:
    async with there.client() as mallory, there.socket() as socket:
        own = (await mallory.post("/v1/tasks/wait", json={})).json()["id"]
        answer = await socket.ask(action="cancel", job_id=own, reason=reason)
        assert answer["type"] == "snapshot", answer
        assert await there.jobs.wait_over(own, 20)
        assert (await mallory.get(f"/v1/jobs/{own}")).status_code == 200
    await there.unharmed()


async def test_a_huge_message_closes_the_socket(there: Scene) -> None:
    async with there.socket() as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.connection.send('{"action": "ping", "x": "' + "x" * 5_000_000 + '"}')
        assert await socket.closed() == 1009
    await there.unharmed()


async def test_a_flood_of_messages_delays_nobody(there: Scene) -> None:
    async with there.socket(max_queue=None) as socket:
        for number in range(300):
            await socket.say(action="subscribe", job_id=there.job, id=number)
        await there.unharmed()
        for _ in range(300):
            there.clean(json.dumps(await socket.hear()), sent=there.job)
    await there.unharmed()


async def test_one_job_too_many_on_a_socket(there: Scene) -> None:
    async with there.client() as mallory, there.socket() as socket:
        lines = b"{}\n" * 101
        kind = {"content-type": "application/x-ndjson"}
        answer = await mallory.post("/v1/tasks/keep/batch", content=lines, headers=kind)
        made = [json.loads(line)["job"]["id"] for line in answer.text.splitlines()]
        answers: list[dict[str, Any]] = []
        for job_id in made:
            await socket.say(action="subscribe", job_id=job_id, id=job_id)
        while len(answers) < 101:
            message = await socket.hear()
            if "id" in message:
                answers.append(message)
        assert [one["type"] for one in answers].count("subscribed") == 100
        assert answers[-1]["problem"]["status"] == 429
        many = await mallory.get("/v1/events?jobs=" + ",".join(made))
        assert many.status_code == 400
    await there.unharmed()


async def test_many_sockets_and_streams_of_one_owner(there: Scene) -> None:
    """His limit is his own: the victim still opens streams."""
    async with contextlib.AsyncExitStack() as stack:
        mallory = await stack.enter_async_context(there.client())
        own = (await mallory.post("/v1/tasks/wait", json={})).json()["id"]
        for _ in range(20):
            socket = await stack.enter_async_context(there.socket())
            assert (await socket.ask(action="ping"))["type"] == "pong"
        more = await stack.enter_async_context(there.socket())
        assert (await more.hear())["problem"]["status"] == 429
        assert await more.closed() == 4429
        assert (await mallory.get(f"/v1/jobs/{own}/events", headers={"accept": "text/event-stream"})).status_code == 429
        vera = await stack.enter_async_context(there.socket(VICTIM))
        assert (await vera.ask(action="subscribe", job_id=there.running))["type"] == "subscribed"
        await there.unharmed()
    await wait_until(lambda: there.jobs.api.places.open == 0)


async def test_silent_strangers_are_closed(there: Scene) -> None:
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(there.socket(None)) for _ in range(30)]
        await there.unharmed()
        assert [await socket.closed() for socket in sockets] == [4408] * 30
    await there.unharmed()


async def test_slow_readers_hold_little(there: Scene) -> None:
    """Twenty readers of 12 MB each that read nothing: the process does not grow by what they leave."""
    async with there.client() as mallory:
        own = (await mallory.post("/v1/tasks/flood", json={"lines": 3000})).json()["id"]
        assert await there.jobs.wait_over(own, 60)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        request = (
            f"GET /v1/jobs/{own}/events?after=0 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer user:{ATTACKER}\r\nAccept: text/event-stream\r\n\r\n"
        ).encode()
        readers = []
        for _ in range(15):
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port, limit=1024)
            writer.write(request)
            await writer.drain()
            readers.append((reader, writer))
        await wait_until(lambda: there.jobs.hub.watchers >= 15)
        await there.unharmed()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        for _, writer in readers:
            writer.transport.abort()
        assert grown < 60 * 1024, f"{grown} KiB"
    await there.unharmed()
    await wait_until(lambda: there.jobs.hub.watchers == 0)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1", "file://"]
)
async def test_other_sites_with_the_victims_cookie(there: Scene, origin: str) -> None:
    """A page that the victim visits can neither open a socket nor change anything with the cookie of the browser."""
    headers = {"cookie": f"user={VICTIM}", "origin": origin}
    async with there.socket(None, headers=headers) as socket:
        answer = await socket.hear()
        assert answer["type"] == "auth_error"
        there.clean(json.dumps(answer))
        assert await socket.closed() == 4403
    async with there.client(None, headers={**headers, "content-type": "text/plain"}) as page:
        for method, path in (
            ("POST", "/v1/tasks/keep"),
            ("POST", f"/v1/jobs/{there.running}/cancel"),
            ("DELETE", f"/v1/jobs/{there.job}"),
            ("DELETE", "/v1/jobs?all=true"),
            ("POST", "/v1/ws-ticket"),
            ("POST", f"/v1/webhooks/{there.webhook}/rotate"),
            ("PATCH", f"/v1/webhooks/{there.webhook}"),
        ):
            answer_of: Any = await page.request(method, path, content=b"{}")
            assert answer_of.status_code == 403, (method, path)
            assert "access-control-allow-origin" not in answer_of.headers
    await there.unharmed()
