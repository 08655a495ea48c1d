"""The guarding proxy: what it carries, what it refuses, and that nobody else can use it."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct

import httpx
import pytest

from accepted.guard import AddressPolicy, GuardingProxy, ProxyServer

from .servers import HttpProxy, Names, Request, Site, SocksProxy, redirect, reply

POLICY = AddressPolicy(["127.0.0.5"])


def browser_like(proxy: GuardingProxy) -> httpx.AsyncClient:
    auth = (proxy.username, proxy.password)
    return httpx.AsyncClient(proxy=httpx.Proxy(proxy.url, auth=auth), trust_env=False, follow_redirects=True)


async def talk(proxy: GuardingProxy, raw: bytes, *, until: bytes = b"") -> bytes:
    """Send raw bytes with the right credentials filled in, and read to the end, or until a marker."""
    token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
    try:
        writer.write(raw.replace(b"TOKEN", b"Proxy-Authorization: Basic " + token))
        return await (reader.readuntil(until) if until else reader.read())
    finally:
        writer.close()
        await writer.wait_closed()


async def test_carries_plain_http_and_marks_each_answer_as_the_last() -> None:
    async with Site({"/a": reply("hello")}, "127.0.0.5") as site, GuardingProxy(POLICY) as proxy:
        async with browser_like(proxy) as client:
            answer = await client.get(f"{site.url}/a?q=1")
        assert (answer.text, answer.headers["connection"]) == ("hello", "close")
        [request] = site.requests
        assert request.target == "/a?q=1"
        assert request.headers["host"] == f"127.0.0.5:{site.port}"
        assert "proxy-authorization" not in request.headers
        assert not proxy.refusals
        assert proxy.received > 5


async def test_refuses_and_records_private_targets_in_both_forms() -> None:
    async with Site(host="127.0.0.5") as site, Site() as inside, GuardingProxy(POLICY) as proxy:
        site.routes["/hop"] = redirect(f"{inside.url}/")
        async with browser_like(proxy) as client:
            answer = await client.get(f"{site.url}/hop")
            assert answer.status_code == 403
            assert "loopback" in answer.text
            with pytest.raises(httpx.ProxyError, match="403"):
                await client.get("https://localhost/")
        assert inside.connections == 0
        assert [(r.host, r.address) for r in proxy.refusals] == [
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "127.0.0.1"),
        ] or (proxy.refusals[1].address == "::1")


@pytest.mark.parametrize("authorization", ["", "Proxy-Authorization: Basic eDp5\r\n", "Proxy-Authorization: x\r\n"])
async def test_is_no_use_without_its_credentials(authorization: str) -> None:
    async with Site({"/": reply("hello")}, "127.0.0.5") as site, GuardingProxy(POLICY) as proxy:
        for first in (f"CONNECT 127.0.0.5:{site.port} HTTP/1.1", f"GET {site.url}/ HTTP/1.1"):
            answer = await talk(proxy, f"{first}\r\n{authorization}\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"Proxy-Authenticate: Basic" in answer
        assert site.connections == 0


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET / HTTP/1.1", b"400"),
        ("GET https://example.org/ HTTP/1.1", b"400"),
        ("GET ftp://example.org/ HTTP/1.1", b"400"),
        ("CONNECT example.org HTTP/1.1", b"400"),
        ("CONNECT example.org:99999 HTTP/1.1", b"400"),
        ("CONNECT [::1 HTTP/1.1", b"400"),
        ("nonsense", b"400"),
        ("GET http:///x HTTP/1.1", b"400"),
        ("GET http://127.0.0.5/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", b"400"),
        ("GET http://127.0.0.5/ HTTP/1.1\r\nX: " + "x" * 70_000, b"431"),
        ("CONNECT 127.0.0.5:9 HTTP/1.1", b"502"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_answers_bad_requests(request_head: str, status: bytes) -> None:
    async with GuardingProxy(POLICY) as proxy:
        answer = await talk(proxy, f"{request_head}\r\nTOKEN\r\n\r\n".encode())
        assert answer.split(b" ")[1] == status


async def test_an_upgrade_passes_in_absolute_form_and_by_connect() -> None:
    async def upgrade(request: Request, writer: asyncio.StreamWriter) -> None:
        assert request.headers["connection"] == "Upgrade"
        assert request.headers["upgrade"] == "websocket"
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nframes")

    asked = "GET {}/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}\r\n"
    async with Site({"/ws": upgrade}, "127.0.0.5") as site, GuardingProxy(POLICY) as proxy:
        plain = await talk(proxy, asked.format(site.url, "TOKEN\r\n").encode(), until=b"frames")
        assert plain.startswith(b"HTTP/1.1 101 ")
        connect = f"CONNECT 127.0.0.5:{site.port} HTTP/1.1\r\nTOKEN\r\n\r\n{asked.format('', '')}"
        tunnelled = await talk(proxy, connect.encode(), until=b"frames")
        assert b"HTTP/1.1 101 " in tunnelled


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_goes_through_the_operators_proxy_with_checked_addresses(kind: type[HttpProxy | SocksProxy]) -> None:
    policy = AddressPolicy(["127.0.0.5"], resolver=Names(site_test=[["127.0.0.5"]], inside_test=[["10.1.1.1"]]))
    async with Site({"/": reply("hello")}, "127.0.0.5") as site, kind("127.0.0.9") as upstream:
        async with (
            GuardingProxy(policy, upstream=ProxyServer.parse(upstream.url)) as proxy,
            browser_like(proxy) as client,
        ):
            assert (await client.get(f"http://site.test:{site.port}/")).text == "hello"
            assert (await client.get("http://inside.test/")).status_code == 403
        assert upstream.seen.targets == [("127.0.0.5", site.port)]
        assert (site.requests[0].peer, site.requests[0].headers["host"]) == ("127.0.0.9", f"site.test:{site.port}")


async def test_data_is_bounded() -> None:
    async with (
        Site({"/": reply(b"x" * 300_000)}, "127.0.0.5") as site,
        GuardingProxy(POLICY, max_bytes=100_000) as proxy,
        browser_like(proxy) as client,
    ):
        with pytest.raises(httpx.ReadError):
            await client.get(site.url)
        assert proxy.exceeded
        assert (await client.get(site.url)).status_code == 503


async def test_a_site_that_hangs_up_is_answered_for_in_words() -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with (
        Site({"/": hang_up}, "127.0.0.5") as site,
        GuardingProxy(POLICY) as proxy,
        browser_like(proxy) as client,
    ):
        answer = await client.get(site.url)
    assert answer.status_code == 502
    assert answer.headers["proxy-status"] == "accepted-guard; error=connection_terminated"


async def test_connections_are_bounded() -> None:
    async with GuardingProxy(POLICY, max_connections=1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
        assert (await talk(proxy, b"")).startswith(b"HTTP/1.1 503 ")
        writer.close()
        await writer.wait_closed()
        del reader


async def test_closing_ends_open_tunnels() -> None:
    async def forever(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"started")
        await asyncio.Event().wait()

    async with Site({"/": forever}, "127.0.0.5") as site:
        async with GuardingProxy(POLICY) as proxy:
            connect = f"CONNECT 127.0.0.5:{site.port} HTTP/1.1\r\nTOKEN\r\n\r\nGET / HTTP/1.1\r\n\r\n"
            assert await talk(proxy, connect.encode(), until=b"started")
            address = ("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)


async def test_says_why_there_is_no_connection_and_whose_fault_it_is() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service "not" known\r\n')

    async with HttpProxy(refuse="403 Forbidden") as refusing:
        upstream = ProxyServer.parse(refusing.url)
        for policy, through, said in (
            (POLICY, None, b"502 Bad Gateway|error=destination_unavailable; details="),
            (POLICY, upstream, b'502 Bad Gateway|error=proxy_internal_error; details="proxy http://127.0.0.1:'),
            (AddressPolicy(), None, b"403 Forbidden|error=destination_ip_prohibited; details=\"'127.0.0.5' is refused"),
            (
                AddressPolicy(resolver=unknown),
                None,
                rb'error=dns_error; details="[Errno -2] Name or service \"not\" known??"',
            ),
        ):
            host = "nowhere.test" if b"dns" in said else "127.0.0.5"
            async with GuardingProxy(policy, upstream=through) as proxy:
                answer = await talk(proxy, f"CONNECT {host}:9 HTTP/1.1\r\nTOKEN\r\n\r\n".encode())
            for part in said.split(b"|"):
                assert part in answer.replace(b"accepted-guard; ", b""), answer


async def test_a_reset_in_an_answer_is_passed_on_as_a_reset() -> None:
    async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with Site({"/": reset}, "127.0.0.5") as site, GuardingProxy(POLICY) as proxy:
        token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
        connect = f"CONNECT 127.0.0.5:{site.port} HTTP/1.1\r\nProxy-Authorization: Basic {token}\r\n\r\n"
        writer.write(f"{connect}GET / HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionResetError):
            await writer.wait_closed()
