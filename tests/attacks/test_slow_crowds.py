"""A hundred who never read, and a hundred who hardly send: the server's memory stays, and everybody else is served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest
from attacks.scene import TLS
from http_live.serving import Socket, read_events
from served import Server
from websockets.asyncio.client import connect

CROWD = 50
"""Of streams, and as many sockets."""
GROWTH_MB = 70
"""A hundred transports' buffers and batches, with room. Each of what is emitted, kept for each, were thousands."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    # Jobs run in another process: what a task holds that emits faster than it is stored is not what is measured here.
    words = ("--workers", "1")
    server = Server(tmp_path, target="attacks.flood_app:jobs", words=words, ACCEPTED_OWNER_WATCHERS_MAX="300")
    try:
        yield server.start()
    finally:
        server.clean_up()


def peak_mb(server: Server) -> float:
    """The most that the process ever held in memory."""
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


async def hold(
    stack: AsyncExitStack, server: Server, request: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has sent this, and is dropped at the end of the test."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)

    async def drop() -> None:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()

    stack.push_async_callback(drop)
    writer.write(request)
    return reader, writer


async def crowd(stack: AsyncExitStack, server: Server, job_id: str) -> None:
    """Streams and sockets of this job that nobody reads."""
    request = (
        f"GET /v1/jobs/{job_id}/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    ).encode()
    for _ in range(CROWD):
        await hold(stack, server, request)
        connection = await stack.enter_async_context(
            connect(f"ws://127.0.0.1:{server.port}/v1/ws", max_queue=1, close_timeout=0.1, compression=None)
        )
        await Socket(connection).say(action="subscribe", job_id=job_id, after=0)


@pytest.mark.parametrize("lines", [5_000, pytest.param(50_000, marks=pytest.mark.soak)], ids=["20 MB", "200 MB"])
async def test_a_crowd_that_does_not_read(server: Server, lines: int) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=60, verify=TLS))
        job_id = (await client.post("/v1/tasks/flood", json={"lines": 50})).json()["id"]
        await client.get(f"/v1/jobs/{job_id}/events", headers={"accept": "text/event-stream"})
        before = peak_mb(server)
        job_id = (await client.post("/v1/tasks/flood", json={"lines": lines})).json()["id"]
        await crowd(stack, server, job_id)
        seen, last = 0, 0
        path = f"/v1/jobs/{job_id}/events?after=0"
        async with client.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
            async for event in read_events(stream.aiter_lines()):
                assert int(event.id) > last
                seen, last = seen + 1, int(event.id)
        assert event.kind == "completed"
        assert seen > 0
        answer = await client.post("/v1/tasks/echo", json={"text": "on"}, headers={"prefer": "wait=20"})
        assert answer.json() == "on"
        assert peak_mb(server) - before < GROWTH_MB


async def test_a_crowd_that_hardly_sends(server: Server) -> None:
    """A hundred bodies of which a byte comes now and then: a request beside each round is answered."""
    head = b"POST /v1/tasks/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=20, verify=TLS))
        request = head + b"Content-Length: 16\r\n\r\n"
        slow = [await hold(stack, server, request) for _ in range(100)]
        for byte in b'{"text": "slow"}':
            for _, writer in slow:
                writer.write(bytes([byte]))
            answer = await client.post("/v1/tasks/echo", json={"text": "quick"}, headers={"prefer": "wait=20"})
            assert (answer.status_code, answer.json()) == (200, "quick")
        for reader, _ in slow:
            async with asyncio.timeout(20):
                assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
