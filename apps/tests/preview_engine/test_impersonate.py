"""The client of tiers 1 and 2: what it shows of itself, that the guard is its only way out, and its limits."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import ssl
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.preview.errors import (
    NeverEnds,
    Obstacle,
    PreviewError,
    PrivateAddress,
    ProxyTrouble,
    TooLarge,
    Unreachable,
)
from accepted_apps.preview.impersonate import Answer, Impersonator

from accepted.guard import AddressPolicy, ProxyServer, Resolver

from .client_hello import ClientHello, Eavesdropper, is_grease
from .h2_site import H2Site
from .servers import HttpProxy, Names, Request, Route, Site, SocksProxy, certificate, redirect, reply

NAMES = {"site_test": [["127.0.0.5"]], "other_test": [["127.0.0.5"]], "inside_test": [["127.0.0.1"]]}


def client(
    *,
    impersonate: str = "chrome",
    proxy: str | None = None,
    names: Resolver | None = None,
    connect_timeout: float = 10.0,
) -> Impersonator:
    return Impersonator(
        AddressPolicy(["127.0.0.5"], resolver=names or Names(**NAMES)),
        impersonate=impersonate,
        accept_language="de-CH,de;q=0.9",
        connect_timeout=connect_timeout,
        proxy=ProxyServer.parse(proxy) if proxy else None,
    )


async def get(url: str, *, limit: int = 100_000, timeout: float = 10.0, cut: bool = False, **options: Any) -> Answer:
    async with client(**options) as made:
        return await made.get(url, limit=limit, timeout=timeout, cut=cut)


async def failing(url: str, *, limit: int = 100_000, timeout: float = 10.0, **options: Any) -> Exception:
    with pytest.raises((PreviewError, Obstacle)) as raised:
        await get(url, limit=limit, timeout=timeout, **options)
    return raised.value


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context for site.test, whose certificate this process trusts."""
    server, _ = certificate(tmp_path, "site.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "site.test.pem"))
    return server


async def hello_of(impersonate: str) -> ClientHello:
    async with Eavesdropper() as listener:
        assert str(await failing(f"https://site.test:{listener.port}/", impersonate=impersonate)) == "connection reset"
        return listener.heard[0]


async def test_the_tls_handshake_is_that_of_chrome() -> None:
    first, second = await hello_of("chrome"), await hello_of("chrome")
    for hello in (first, second):
        assert is_grease(hello.ciphers[0])
        assert is_grease(hello.extensions[0])
        assert is_grease(hello.extensions[-1])
        assert is_grease(hello.groups[0])
        assert hello.groups[1] == 0x11EC  # X25519MLKEM768
        assert hello.alpn == ["h2", "http/1.1"]
        assert hello.server_name == "site.test"
        # Extensions that Chrome sends and OpenSSL does not: compressed certificates, signed certificate timestamps,
        # status request, application settings, encrypted ClientHello.
        assert {27, 18, 5, 17613, 0xFE0D} <= set(hello.extensions)
        # The part that holds the ciphers is the same for every Chrome and Chromium of the last years.
        assert hello.ja4.startswith("t13d1516h2_8daaf6152771_")
    assert first.ja4 == second.ja4
    # Since Chrome 110 the extensions are in another order each time.
    assert [n for n in first.extensions if not is_grease(n)] != [n for n in second.extensions if not is_grease(n)]


@pytest.mark.parametrize(
    ("impersonate", "ja4"),
    [
        # As published for these browsers, which shows at the same time that JA4 is computed rightly here.
        ("chrome146", "t13d1516h2_8daaf6152771_d8a2da3f94cd"),
        ("firefox147", "t13d1717h2_5b57614c22b0_3cbfd9057e0d"),
    ],
)
async def test_other_browsers_have_their_own(impersonate: str, ja4: str) -> None:
    assert (await hello_of(impersonate)).ja4 == ja4


async def test_python_s_own_handshake_is_another() -> None:
    async with Eavesdropper() as listener:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with suppress(OSError):
            await asyncio.open_connection("127.0.0.5", listener.port, ssl=context, server_hostname="site.test")
        [python] = listener.heard
    assert not any(map(is_grease, python.ciphers + python.extensions + python.groups))
    assert not python.ja4.startswith("t13d1516h2_8daaf6152771_")


def test_a_browser_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="'netscape4'"):
        client(impersonate="netscape4")


async def test_http_2_is_spoken_as_chrome_speaks_it(tls: ssl.SSLContext) -> None:
    async with H2Site(tls) as site, client() as made:
        url = f"https://site.test:{site.port}/a?q=1"
        for _ in range(2):
            answer = await made.get(url, limit=1000, timeout=10)
            assert (answer.status, answer.body) == (200, b"<h1>over HTTP/2</h1>")
        assert site.connections == 1
    # Header table, no push, initial window, longest list of headers: what Chrome says, and its window of 15 MiB.
    assert site.settings == {1: 65536, 2: 0, 4: 6291456, 6: 262144}
    assert site.window == 15663105
    names = [name for name, _ in site.requests[0]]
    assert names[:4] == [":method", ":authority", ":scheme", ":path"]
    assert names[4:] == [
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "upgrade-insecure-requests",
        "user-agent",
        "accept",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-user",
        "sec-fetch-dest",
        "accept-encoding",
        "accept-language",
        "priority",
    ]
    assert dict(site.requests[0])["accept-language"] == "de-CH,de;q=0.9"


async def test_a_stream_that_is_reset_in_http_2(tls: ssl.SSLContext) -> None:
    async with H2Site(tls, body=None) as site:
        assert str(await failing(f"https://site.test:{site.port}/")) == "connection reset"


async def test_http_1_headers_are_chrome_s_in_its_order() -> None:
    async with Site({"/": reply("hello")}, "127.0.0.5") as site:
        assert (await get(site.url)).body == b"hello"
    sent = site.requests[0].headers
    assert list(sent) == [
        "host",
        "connection",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "upgrade-insecure-requests",
        "user-agent",
        "accept",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-user",
        "sec-fetch-dest",
        "accept-encoding",
        "accept-language",
    ]
    assert sent["connection"] == "keep-alive"
    assert sent["accept-encoding"] == "gzip, deflate, br, zstd"
    version = sent["user-agent"].partition("Chrome/")[2].partition(".")[0]
    assert f'"Google Chrome";v="{version}"' in sent["sec-ch-ua"]


@pytest.mark.parametrize("path", ["/a/../b", "/./a//b/?x=%2e%2e&y=/..", "/%41%2F"])
async def test_the_path_is_sent_as_it_is(path: str) -> None:
    async with Site(host="127.0.0.5") as site:
        assert (await get(site.url + path)).status == 404
    assert site.requests[0].target == path


async def test_names_are_looked_up_by_the_guard_alone_and_the_checked_address_is_used() -> None:
    names = Names(rebind_test=[["127.0.0.5"], ["127.0.0.1"]])
    async with Site({"/": reply("outside")}, "127.0.0.5") as outside, Site({"/": reply("inside")}) as inside:
        async with client(names=names) as made:
            assert (await made.get(f"http://rebind.test:{outside.port}/", limit=99, timeout=9)).body == b"outside"
            assert names.asked == ["rebind.test"]
            with pytest.raises(PrivateAddress, match=r"http://rebind\.test:\d+/'? .*loopback.*allow-list"):
                await made.get(f"http://rebind.test:{inside.port}/", limit=99, timeout=9)
        assert inside.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "inside.test", "2130706433", "0x7f.1", "[::1]", "0", "127.1"])
async def test_private_addresses_are_refused(scheme: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever the environment says of proxies, there is one way out.
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "*")
    async with Site({"/": reply("secret")}) as inside:
        assert isinstance(await failing(f"{scheme}://{host}:{inside.port}/"), PrivateAddress)
    assert inside.connections == 0


async def test_the_environment_s_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Site({"/": reply("hello")}, "127.0.0.5") as site, HttpProxy() as proxy:
        for variable in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        assert (await get(site.url)).body == b"hello"
    assert proxy.connections == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.5/", "gopher://127.0.0.5/", "dict://127.0.0.5/"])
async def test_no_other_protocol_is_spoken(url: str) -> None:
    assert isinstance(await failing(url), Obstacle)


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_operator_s_proxy_is_given_the_checked_address(
    kind: type[HttpProxy | SocksProxy], scheme: str, tls: ssl.SSLContext
) -> None:
    async with Site({"/": reply("hello")}, "127.0.0.5", tls if scheme == "https" else None) as site:
        async with kind("127.0.0.9") as proxy:
            assert (await get(f"{scheme}://site.test:{site.port}/", proxy=proxy.url)).body == b"hello"
            assert isinstance(await failing(f"{scheme}://inside.test/", proxy=proxy.url), PrivateAddress)
        assert proxy.seen.targets == [("127.0.0.5", site.port)]
        assert (site.requests[0].peer, site.requests[0].headers["host"]) == ("127.0.0.9", f"site.test:{site.port}")


async def test_an_operator_s_proxy_that_does_not_work_is_said_to_be_the_trouble() -> None:
    url = "http://127.0.0.5:9/"
    async with HttpProxy(refuse='403 "No" \\ way') as refusing, SocksProxy(login=("u", "p")) as locked:
        assert '403 "No" \\ way' in str(await failing(url, proxy=refusing.url))
        wrong = await failing(url, proxy=f"socks5://u:secret1@127.0.0.1:{locked.port}")
        assert isinstance(wrong, ProxyTrouble)
        assert "did not accept" in str(wrong)
        assert "secret1" not in str(wrong)
        dead = refusing.url
    error = await failing(url, proxy=dead)
    assert isinstance(error, ProxyTrouble)
    assert "cannot be reached" in str(error)


async def test_a_socks_proxy_that_says_no_leaves_nothing_open() -> None:
    class Refusing(SocksProxy):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(3)
            writer.write(b"\x05\x00")
            await reader.readexactly(10)
            writer.write(b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
            await writer.drain()
            closed.set_result(await reader.read())

    closed = asyncio.get_running_loop().create_future()
    async with Refusing() as proxy:
        error = await failing("http://127.0.0.5:9/", proxy=proxy.url)
        assert isinstance(error, ProxyTrouble)
        assert "not allowed" in str(error)
        assert await asyncio.wait_for(closed, 10) == b""


async def test_a_site_cannot_speak_for_the_guard() -> None:
    said = "accepted-guard; error=destination_ip_prohibited"
    async with Site({"/": reply("mine", 403, proxy_status=said)}, "127.0.0.5") as site:
        assert (await get(site.url)).body == b"mine"


async def test_no_connection() -> None:
    assert str(await failing("http://127.0.0.5:9/")).startswith("no connection (")

    async def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = await failing("https://nowhere.test/", names=nowhere)
    assert isinstance(error, Unreachable)
    assert "does not exist" in str(error)


async def test_certificates_are_checked_against_the_name(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Site({"/": reply("hello")}, "127.0.0.5", tls) as site:
        assert (await get(f"https://site.test:{site.port}/")).body == b"hello"
        assert "no connection (SSL: no alternative" in str(await failing(f"https://other.test:{site.port}/"))
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "self signed" in str(await failing(f"https://site.test:{site.port}/"))


async def test_redirects_are_handed_back_unread_and_cookies_stay_with_the_client() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /b\xc3\xbc?x=1\r\nSet-Cookie: a=1\r\nContent-Length: 999999999\r\n\r\nx"
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\nLink: </x>\r\n\r\n"
    async with Site({"/": early + moved, "/next": reply("in")}, "127.0.0.5") as site:
        async with client() as made:
            answer = await made.get(site.url, limit=100, timeout=10)
            assert (answer.status, answer.location, answer.body) == (302, "/bü?x=1", b"")
            assert "x-early" not in answer.headers
            answer = await made.get(f"{site.url}/next", limit=100, timeout=10)
            assert (answer.body, answer.location) == (b"in", None)
        await get(f"{site.url}/next")
    assert [request.headers.get("cookie") for request in site.requests] == [None, "a=1", None]


async def test_repeated_and_odd_headers() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nX-B: caf\xe9\r\nX-C:\r\nContent-Length: 0\r\n\r\n"
    async with Site({"/": raw}, "127.0.0.5") as site:
        headers = (await get(site.url)).headers
    assert headers == {"x-a": "1, 2", "x-b": "café", "x-c": "", "content-length": "0"}


def _packed_bodies() -> dict[str, tuple[str, bytes]]:
    page = b"<p>page</p>" * 1000
    raw = zlib.compressobj(wbits=-15)
    return {
        "gzip": ("gzip", gzip.compress(page)),
        "x-gzip": ("x-gzip", gzip.compress(page)),
        "zlib": ("deflate", zlib.compress(page)),
        "raw deflate": ("deflate", raw.compress(page) + raw.flush()),
        "twice": ("gzip, gzip", gzip.compress(gzip.compress(page))),
        "padded": ("gzip", gzip.compress(page) + bytes(100)),
        "identity": ("identity", page),
        # Made elsewhere and by hand, so that no package is needed for them.
        "br": ("br", base64.b64decode("G/cq+B0HbuwLrC/dKuHOeOqlrHzC4sAIoFMRgPAB")),
        "zstd": ("zstd", b"\x28\xb5\x2f\xfd\xa0" + len(page).to_bytes(4, "little") + _zstd_raw(page)),
    }


def _zstd_raw(data: bytes) -> bytes:
    """One last block, not compressed (RFC 8878, 3.1.1.2)."""
    return ((len(data) << 3) | 1).to_bytes(3, "little") + data


@pytest.mark.parametrize("name", _packed_bodies())
async def test_bodies_are_unpacked(name: str) -> None:
    encoding, body = _packed_bodies()[name]
    async with Site({"/": reply(body, content_encoding=encoding)}, "127.0.0.5") as site:
        assert (await get(site.url)).body == b"<p>page</p>" * 1000


async def test_damaged_and_unknown_packing_is_an_obstacle() -> None:
    good = gzip.compress(bytes(range(256)) * 100)
    routes: dict[str, Route] = {
        "/none": reply(b"no gzip at all" * 9, content_encoding="gzip"),
        "/middle": reply(good[:40] + b"\xff" * 40 + good[80:], content_encoding="gzip"),
        "/unknown": reply(b"xx", content_encoding="zpaq"),
    }
    async with Site(routes, "127.0.0.5") as site:
        for path in routes:
            error = await failing(site.url + path)
            assert isinstance(error, Obstacle)
            assert "cannot be unpacked" in str(error)


@pytest.mark.parametrize("encoding", ["", "gzip", "gzip, gzip"])
async def test_the_body_is_bounded_while_it_comes(encoding: str) -> None:
    body = b"x" * 30_000_000 if encoding else b"x" * 100_001
    for _ in filter(None, encoding.split(", ")):
        body = gzip.compress(body, 1)
    async with Site({"/": reply(body, content_encoding=encoding)}, "127.0.0.5") as site:
        assert isinstance(await failing(site.url), TooLarge)
        cut = await get(site.url, cut=True)
        assert (cut.status, cut.body) == (200, b"x" * 100_000)
        assert len((await get(site.url, limit=30_000_000)).body) >= 100_001


async def test_packed_bytes_that_unpack_to_nothing_are_bounded_too() -> None:
    async def nothing(request: Request, writer: asyncio.StreamWriter) -> None:
        packer = zlib.compressobj(wbits=31)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"
        writer.write(head + packer.compress(b"a") + packer.flush(zlib.Z_FULL_FLUSH))
        while True:
            writer.write(b"\x00\x00\x00\xff\xff" * 10_000)
            await writer.drain()

    async with Site({"/": nothing}, "127.0.0.5") as site:
        assert isinstance(await failing(site.url), TooLarge)


async def test_headers_are_bounded() -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 5000 + b"\r\n")
            await writer.drain()

    async def endless_hints(request: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 5000 + b"\r\n\r\n")
            await writer.drain()

    async with Site({"/": endless, "/hints": endless_hints}, "127.0.0.5") as site:
        for path in ("/", "/hints"):
            assert str(await failing(site.url + path)) == "headers of more than 128 KiB"


async def _abort(writer: asyncio.StreamWriter) -> None:
    """End with a TCP reset once everything was taken."""
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_answers_that_break_off(start: bytes) -> None:
    async def bare_end(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)

    async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await _abort(writer)

    async with Site({"/end": bare_end, "/reset": reset}, "127.0.0.5") as site:
        for path in ("/end", "/reset"):
            assert str(await failing(site.url + path)) == "connection reset"


async def test_a_reset_is_not_taken_for_the_end_of_an_answer_without_a_length() -> None:
    async def until_it_ends(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>whole</p>")

    async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>half")
        await _abort(writer)

    async with Site({"/": until_it_ends, "/reset": reset}, "127.0.0.5") as site:
        assert (await get(site.url)).body == b"<p>whole</p>"
        assert str(await failing(f"{site.url}/reset")) == "connection reset"


@pytest.mark.parametrize(
    "start",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n",
    ],
)
async def test_what_is_no_http(start: bytes) -> None:
    async with Site({"/": start}, "127.0.0.5") as site:
        assert "an answer that cannot be read" in str(await failing(site.url))


async def test_time_is_bounded_before_the_answer_and_within_it() -> None:
    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>one")
        await asyncio.Event().wait()

    async with Site({"/silent": silent, "/drip": drip}, "127.0.0.5") as site:
        assert str(await failing(f"{site.url}/silent", timeout=0.3)) == "time-out"
        assert isinstance(await failing(f"{site.url}/drip", timeout=0.3), NeverEnds)
        # Nobody answers the ClientHello: the time for the connection ends it, not the whole time.
        async with asyncio.timeout(10), client(connect_timeout=0.1) as made:
            with pytest.raises(Obstacle, match="time-out"):
                await made.get(f"https://site.test:{site.port}/", limit=1, timeout=60)


async def test_cancelled_it_closes_its_connection() -> None:
    asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Slow(Site):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set_result(None)
            with suppress(OSError):
                await reader.read()
            left.set_result(None)

    async with Slow(host="127.0.0.5") as site:
        job = asyncio.create_task(get(site.url))
        await asyncio.wait_for(asked, 10)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.wait_for(left, 10)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_many_at_one_time_leave_no_socket_behind() -> None:
    async with Site({"/": reply("hello"), "/r": redirect("/")}, "127.0.0.5") as site:
        await get(site.url)
        before = open_files()
        answers = await asyncio.gather(*(get(site.url + path) for path in ("/", "/r", "/none") * 20))
        assert {answer.status for answer in answers} == {200, 302, 404}
        await site.quiet()
        assert open_files() <= before
