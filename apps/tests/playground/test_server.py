"""Starting, stopping, resetting; two at a time; the command line; the canaries."""

import asyncio
import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.canary import SECRET
from accepted_apps.playground.site import app

WaitUntil = Callable[[Callable[[], bool]], Coroutine[Any, Any, None]]


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def test_closing_leaves_no_socket_and_no_thread() -> None:
    before = threading.active_count()
    with Playground() as pg:
        urls = [pg.url, *pg.proxies, pg.slow_proxy, pg.failing_proxy, pg.login_proxy, *pg.internal_urls]
        assert all(is_listening(url) for url in urls)
        assert not is_listening(pg.dead_proxy)
    assert not any(is_listening(url) for url in urls)
    assert threading.active_count() == before
    pg.close()


async def test_closing_breaks_off_what_is_open(wait_until: WaitUntil) -> None:
    async with (
        Playground(slow_seconds=600) as pg,
        httpx.AsyncClient(timeout=60) as direct,
        httpx.AsyncClient(proxy=pg.slow_proxy, timeout=60) as waiting,
        httpx.AsyncClient(proxy=pg.proxies[0], timeout=60) as proxied,
    ):
        held = [
            asyncio.create_task(client.get(f"{pg.url}{path}"))
            for client in (direct, waiting, proxied)
            for path in ("/endless", "/slow?seconds=600")
        ]
        await wait_until(lambda: len(pg.visits) == 4)
        await asyncio.to_thread(pg.close)
        async with asyncio.timeout(10):
            await asyncio.gather(*held, return_exceptions=True)


def test_two_know_nothing_of_each_other() -> None:
    with Playground() as one, Playground() as two:
        for _ in range(2):
            httpx.get(f"{one.url}/rotate?limit=1")
        assert httpx.get(f"{one.url}/rotate?limit=1").status_code == 403
        assert httpx.get(f"{two.url}/rotate?limit=1").status_code == 200
        assert len(two.visits) == 1


def test_reset_forgets_everything() -> None:
    with Playground() as pg:
        for _ in range(2):
            httpx.get(f"{pg.url}/rotate?limit=1", proxy=pg.proxies[0])
        httpx.get(pg.internal_urls[0])
        assert (len(pg.visits), len(pg.internal_hits), len(pg.proxy_targets)) == (2, 1, 2)
        pg.reset()
        assert (pg.visits, pg.internal_hits, pg.proxy_targets) == ([], [], [])
        assert httpx.get(f"{pg.url}/rotate?limit=1", proxy=pg.proxies[0]).status_code == 200


def test_a_port_in_use_is_said_at_the_start() -> None:
    with Playground() as pg, pytest.raises(OSError, match="in use"):
        Playground(port=urlsplit(pg.url).port or 0).start()


async def test_the_canaries_note_every_connection(pg: Playground, web: httpx.AsyncClient) -> None:
    for url in pg.internal_urls:
        assert SECRET in (await web.get(f"{url}/admin?x=1")).text
    parts = urlsplit(pg.internal_urls[0])
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert [hit.request_line for hit in pg.internal_hits] == ["GET /admin?x=1 HTTP/1.1"] * 2 + [""]
    assert [f"http://{hit.address}" for hit in pg.internal_hits] == [*pg.internal_urls, pg.internal_urls[0]]


async def test_the_site_is_a_plain_asgi_application() -> None:
    transport = httpx.ASGITransport(app=app, client=("127.0.0.2", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        assert (await client.get("/address")).status_code == 200
        assert (await client.get("/climb")).headers["cf-mitigated"] == "challenge"
    transport = httpx.ASGITransport(app=app, client=("192.0.2.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        assert (await client.get("/address")).status_code == 403


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "accepted_apps.playground",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_its_addresses_and_stops_when_told(stop: signal.Signals) -> None:
    process = await start("--json", "--crawl-delay", "3")
    assert process.stdout is not None
    addresses = json.loads(await process.stdout.readline())
    async with httpx.AsyncClient(base_url=addresses["site"], proxy=addresses["proxies"][0]) as client:
        assert "Crawl-delay: 3" in (await client.get("/robots.txt")).text
        assert (await client.get("/address")).status_code == 200
    process.send_signal(stop)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_the_command_prints_a_line_for_each_thing() -> None:
    process = await start()
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().split() for _ in range(11)]
    names = ["playground", *["proxy"] * 4, "slow", "failing", "proxy", "dead", "canary", "canary"]
    assert [line[0] for line in lines] == names
    assert is_listening(lines[0][-1])
    process.terminate()
    await process.communicate()


async def test_the_command_says_what_port_is_in_use(pg: Playground) -> None:
    process = await start("--port", str(urlsplit(pg.url).port))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.startswith(b"the playground cannot start:")
    assert b"Traceback" not in errors
