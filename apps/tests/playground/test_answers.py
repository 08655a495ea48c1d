"""Statuses, redirects, encodings, types, and bodies that do not end well."""

import gzip
from collections.abc import Callable, Coroutine
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any
from urllib.robotparser import RobotFileParser

import httpx
import pytest
from accepted_apps.playground import Playground

Through = Callable[[str], httpx.AsyncClient]
WaitUntil = Callable[[Callable[[], bool]], Coroutine[Any, Any, None]]


async def test_404_is_for_what_is_missing_known_or_not(web: httpx.AsyncClient) -> None:
    for path in ("/missing", "/never-heard-of", "/products/PG-1"):
        answer = await web.get(path)
        assert answer.status_code == 404
        assert "Page not found" in answer.text


async def test_too_many_gives_in_after_some_requests_of_each_client(
    web: httpx.AsyncClient, pg: Playground, through: Through
) -> None:
    path = "/too-many?times=2&retry_after=7"
    refused = await web.get(path)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "7"
    assert [(await web.get(path)).status_code for _ in range(2)] == [429, 200]
    async with through(pg.proxies[0]) as client:
        assert (await client.get(path)).status_code == 429
    assert (await web.get(f"{path}&key=anew")).status_code == 429


async def test_too_many_can_say_when_with_a_date(web: httpx.AsyncClient) -> None:
    answer = await web.get("/too-many?retry_after=60&form=date")
    wait = parsedate_to_datetime(answer.headers["retry-after"]) - parsedate_to_datetime(answer.headers["date"])
    assert 58 <= wait.total_seconds() <= 62


async def test_unavailable_comes_back(web: httpx.AsyncClient) -> None:
    assert [(await web.get("/unavailable?times=2")).status_code for _ in range(3)] == [503, 503, 200]


async def test_a_chain_of_redirects_of_several_kinds_ends_at_a_page(web: httpx.AsyncClient) -> None:
    answer = await web.get("/redirect/chain?hops=4", follow_redirects=True)
    assert answer.url.path == "/plain"
    assert [hop.status_code for hop in answer.history] == [301, 308, 307, 302, 303]
    locations = [hop.headers["location"] for hop in answer.history]
    assert any(location.startswith("http://") for location in locations)
    assert any(location.startswith("/") for location in locations)


async def test_the_loop_has_no_way_out(web: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.TooManyRedirects):
        await web.get("/redirect/loop", follow_redirects=True)


async def test_redirects_to_private_addresses(web: httpx.AsyncClient, pg: Playground) -> None:
    other_address, other_port = pg.internal_urls
    expected = {
        "/redirect/metadata": "http://169.254.169.254/latest/meta-data/",
        "/redirect/private": "http://10.0.0.1/",
        "/redirect/internal": f"{other_address}/admin",
        "/redirect/port": f"{other_port}/admin",
        "/redirect/two-hops": "/redirect/internal",
        "/redirect/to?url=http://2130706433:80/x": "http://2130706433:80/x",
    }
    found = {path: (await web.get(path)).headers["location"] for path in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("path", "declared", "encoding", "text"),
    [
        ("/encoding/wrong-header", "iso-8859-1", "utf-8", "Cafés à Besançon"),
        ("/encoding/latin-1", None, "latin-1", "Cafés à Besançon"),
        ("/encoding/utf-16", None, "utf-16", "Cafés à Besançon"),
        ("/encoding/shift-jis", None, "shift_jis", "東京の静かな喫茶店"),
    ],
)
async def test_encodings_are_other_than_declared(
    path: str, declared: str | None, encoding: str, text: str, web: httpx.AsyncClient
) -> None:
    answer = await web.get(path)
    assert answer.charset_encoding == declared
    assert text in answer.content.decode(encoding)


async def test_latin_1_and_shift_jis_are_no_utf_8(web: httpx.AsyncClient) -> None:
    for path in ("/encoding/latin-1", "/encoding/shift-jis", "/encoding/utf-16"):
        with pytest.raises(UnicodeDecodeError):
            (await web.get(path)).content.decode("utf-8")
    assert b'charset="Shift_JIS"' in (await web.get("/encoding/shift-jis")).content


async def test_truncated_utf_8_ends_within_a_character(web: httpx.AsyncClient) -> None:
    content = (await web.get("/encoding/truncated")).content
    with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
        content.decode("utf-8")
    assert "Cafés à Besançon" in content[:-1].decode("utf-8")


@pytest.mark.parametrize(
    ("path", "media_type", "start"),
    [
        ("/type/pdf", "application/pdf", b"%PDF-"),
        ("/type/image", "image/svg+xml", b"<svg"),
        ("/type/json", "application/json", b'[{"sku"'),
        ("/type/lie", "text/html; charset=utf-8", b"%PDF-"),
    ],
)
async def test_other_types(path: str, media_type: str, start: bytes, web: httpx.AsyncClient) -> None:
    answer = await web.get(path)
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(start)


async def test_the_huge_page_has_its_megabytes_and_does_not_say_so(web: httpx.AsyncClient) -> None:
    answer = await web.get("/huge?mb=3")
    assert "content-length" not in answer.headers
    assert 3_000_000 < len(answer.content) < 3_100_000


async def test_the_gzip_bomb_unpacks_to_a_thousand_times_its_size(web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/gzip-bomb?mb=20") as answer:
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    unpacked = gzip.decompress(packed)
    assert unpacked.startswith(b"<!doctype html>")
    assert len(unpacked) > 20_000_000 > 500 * len(packed)


async def reader_leaves(client: httpx.AsyncClient, pg: Playground, wait_until: WaitUntil) -> None:
    async with client.stream("GET", "/endless?bytes=10") as answer:
        chunks = answer.aiter_raw()
        assert all([await anext(chunks) for _ in range(3)])
        (visit,) = pg.visits
        assert visit.ended is None
    await wait_until(lambda: visit.ended is not None)


async def test_the_endless_page_notices_that_its_reader_left(
    pg: Playground, web: httpx.AsyncClient, wait_until: WaitUntil
) -> None:
    await reader_leaves(web, pg, wait_until)


@pytest.mark.parametrize("index", [0, 2], ids=["http", "socks5"])
async def test_the_endless_page_notices_that_the_reader_behind_a_proxy_left(
    index: int, pg: Playground, through: Through, wait_until: WaitUntil
) -> None:
    async with through(pg.proxies[index]) as client:
        await reader_leaves(client, pg, wait_until)


async def test_the_connection_is_reset_in_the_middle(web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/reset") as answer:
        chunks = answer.aiter_raw()
        assert answer.status_code == 200
        half = await anext(chunks)
        assert b"Half a page" in half
        assert b"</html>" not in half
        with pytest.raises(httpx.ReadError):
            await anext(chunks)


async def test_the_connection_is_reset_at_the_start(web: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadError):
        await web.get("/reset?at=start")


async def test_a_reset_spares_the_other_clients(web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/endless?bytes=10") as answer:
        chunks = answer.aiter_raw()
        await anext(chunks)
        with pytest.raises(httpx.ReadError):
            await web.get("/reset?at=start")
        assert await anext(chunks)


def robots(text: str) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(text.splitlines())
    return parser


async def test_robots_are_asked_to_stay_out_of_one_area(web: httpx.AsyncClient) -> None:
    answer = await web.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    rules = robots(answer.text)
    assert not rules.can_fetch("accepted", "/private-area/ledger")
    assert rules.can_fetch("accepted", "/plain")
    assert rules.crawl_delay("accepted") is None
    assert (await web.get("/private-area/ledger")).status_code == 200


def test_robots_can_be_asked_to_slow_down() -> None:
    with Playground(crawl_delay=2) as pg:
        rules = robots(httpx.get(f"{pg.url}/robots.txt").text)
    # The stub says str; the parser gives a number.
    assert int(rules.crawl_delay("accepted") or 0) == 2


async def test_visits_are_in_order_and_do_not_overlap_for_one_who_waits(web: httpx.AsyncClient, pg: Playground) -> None:
    for path in ("/plain", "/table?x=1", "/article"):
        await web.get(path, headers={"X-Mark": path})
    assert [(v.client, v.method, v.path, v.query, v.headers["x-mark"]) for v in pg.visits] == [
        ("127.0.0.1", "GET", "/plain", "", "/plain"),
        ("127.0.0.1", "GET", "/table", "x=1", "/table?x=1"),
        ("127.0.0.1", "GET", "/article", "", "/article"),
    ]
    assert all(a.ended is not None and a.ended <= b.started for a, b in pairwise(pg.visits))
