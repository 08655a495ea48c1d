"""The proxies: where they go out from, where they go, and how the broken ones are broken."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from accepted_apps.playground import Playground

Through = Callable[[str], httpx.AsyncClient]


async def exchange(proxy: str, sent: bytes) -> bytes:
    """Everything that a proxy answers to these bytes, up to its hanging up."""
    parts = urlsplit(proxy)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.transport.abort()


async def test_each_proxy_goes_out_from_an_address_of_its_own(pg: Playground, through: Through) -> None:
    for proxy in pg.proxies:
        async with through(proxy) as client:
            assert (await client.get("/plain")).status_code == 200
    assert [visit.client for visit in pg.visits] == ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"]
    assert [urlsplit(proxy).scheme for proxy in pg.proxies] == ["http", "http", "socks5", "socks5"]


async def test_a_proxy_that_cannot_bind_its_address_is_still_told_apart(
    pg: Playground, through: Through, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accepted_apps.playground.proxies._bind_if_possible", lambda *_: None)
    async with through(pg.proxies[1]) as client:
        assert (await client.get("/address")).status_code == 200
    assert pg.visits[0].client == "127.0.0.3"


async def test_connect_makes_a_tunnel(pg: Playground) -> None:
    site, proxy = urlsplit(pg.url), urlsplit(pg.proxies[0])
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
    writer.write(f"CONNECT {site.netloc} HTTP/1.1\r\nHost: {site.netloc}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.write(b"GET /address HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
    writer.close()
    await writer.wait_closed()
    assert pg.visits[0].client == "127.0.0.2"
    assert pg.proxy_targets == [site.netloc]


async def test_proxies_do_not_pass_their_own_headers_on(pg: Playground) -> None:
    async with httpx.AsyncClient(proxy=pg.login_proxy) as client:
        assert (await client.get(f"{pg.url}/plain")).status_code == 200
    assert not [name for name in pg.visits[0].headers if name.startswith("proxy-")]


async def test_bodies_pass_both_ways(pg: Playground, through: Through) -> None:
    for proxy in pg.proxies:
        async with through(proxy) as client:
            assert (await client.post("/consent/choice", data={"choice": "x" * 100_000})).status_code == 303
            assert len((await client.get("/huge?mb=1")).content) > 1_000_000


@pytest.mark.parametrize("index", [0, 2], ids=["http", "socks5"])
async def test_names_that_only_the_proxy_knows(index: int, pg: Playground) -> None:
    port = urlsplit(pg.url).port
    canary = urlsplit(pg.internal_urls[0]).port
    proxy = pg.proxies[index].replace("socks5:", "socks5h:")
    async with httpx.AsyncClient(proxy=proxy) as client:
        assert (await client.get(f"http://site.playground.test:{port}/address")).status_code == 200
        assert "internal-secret" in (await client.get(f"http://internal.playground.test:{canary}/")).text
    assert pg.proxy_targets == [f"site.playground.test:{port}", f"internal.playground.test:{canary}"]
    assert len(pg.internal_hits) == 1


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "example.com", "[::1]", "localhost.example"])
async def test_nothing_beyond_loopback_is_reached(host: str, pg: Playground) -> None:
    for request in (f"CONNECT {host}:80 HTTP/1.1\r\n\r\n", f"GET http://{host}/ HTTP/1.1\r\n\r\n"):
        assert (await exchange(pg.proxies[0], request.encode())).startswith(b"HTTP/1.1 502 ")
    # By hand, as httpx leaves the connection open when a SOCKS proxy says no.
    name = host.strip("[]").encode()
    greeting_and_request = b"\x05\x01\x00\x05\x01\x00\x03" + bytes([len(name)]) + name + b"\x00\x50"
    assert (await exchange(pg.proxies[2], greeting_and_request))[:4] == b"\x05\x00\x05\x04"
    assert pg.proxy_targets == [f"{host.strip('[]')}:80"] * 3


async def test_the_dead_proxy_refuses_connections(pg: Playground, through: Through) -> None:
    async with through(pg.dead_proxy) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/plain")


async def test_the_failing_proxy_takes_them_and_fails(pg: Playground, through: Through) -> None:
    async with through(pg.failing_proxy) as client:
        assert (await client.get("/plain")).status_code == 502
    assert pg.visits == []


async def test_the_slow_proxy_outlasts_an_impatient_client(pg: Playground) -> None:
    async with httpx.AsyncClient(proxy=pg.slow_proxy, timeout=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{pg.url}/plain")
    async with httpx.AsyncClient(proxy=pg.slow_proxy, timeout=20) as client:
        assert (await client.get(f"{pg.url}/plain")).status_code == 200


async def test_the_proxy_with_login_asks_for_it(pg: Playground, through: Through) -> None:
    parts = urlsplit(pg.login_proxy)
    without = f"http://{parts.hostname}:{parts.port}"
    for proxy, status in ((pg.login_proxy, 200), (without, 407), (without.replace("//", "//guest:wrong@"), 407)):
        async with through(proxy) as client:
            assert (await client.get("/plain")).status_code == status


async def test_a_connection_reset_reaches_the_client_of_a_proxy(pg: Playground, through: Through) -> None:
    for proxy in pg.proxies:
        async with through(proxy) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/reset")


@pytest.mark.parametrize("sent", [b"", b"GET", b"\r\n\r\n", b"CONNECT nowhere HTTP/1.1\r\n\r\n", b"\x00" * 70_000])
async def test_nonsense_ends_the_connection_and_nothing_else(sent: bytes, pg: Playground, through: Through) -> None:
    for proxy in pg.proxies:
        with suppress(ConnectionError):
            await exchange(proxy, sent)
        async with through(proxy) as client:
            assert (await client.get("/plain")).status_code == 200
