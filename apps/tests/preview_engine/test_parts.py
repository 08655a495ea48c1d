"""URLs, character sets, unpacking, proxies and turns, each by itself."""

from __future__ import annotations

import asyncio

import pytest
from accepted_apps.preview.charset import decode
from accepted_apps.preview.elements import extract, without_noscript
from accepted_apps.preview.errors import BadRedirect, InvalidInput
from accepted_apps.preview.politeness import HostTurns
from accepted_apps.preview.proxies import ProxyPool
from accepted_apps.preview.urls import host_key, redirect_target, validated_url

from .pages import MANY, SHOP


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://example.org", "http://example.org"),
        (" https://EXAMPLE.org:443/a b#c".replace(" b", "%20b"), "https://example.org/a%20b"),
        ("https://bücher.example/ü?q=ü", "https://xn--bcher-kva.example/%C3%BC?q=%C3%BC"),
        ("HTTP://example.org/", "http://example.org/"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
    ],
)
def test_urls(url: str, normal: str) -> None:
    assert validated_url(url) == normal


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "",
        "  ",
        "example.org",
        "ftp://example.org",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://user@example.org/",
        "http://user:password@example.org/",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://exa mple.org/",
        "http://example.org\\@inside/",
        "http://example.org/\r\nHost: x",
        "http://[::1",
        "http://" + "a" * 3000,
        "view-source:http://example.org",
    ],
)
def test_urls_that_are_refused_name_the_field(url: object) -> None:
    with pytest.raises(InvalidInput, match="url") as raised:
        validated_url(url)
    assert raised.value.field == "url"
    assert "password" not in raised.value.message.replace("user name or password", "")


def test_joining_and_keys() -> None:
    assert redirect_target("http://a.test/x/y", "../z?q#f") == "http://a.test/z?q"
    assert redirect_target("https://a.test/", "//b.test/") == "https://b.test/"
    with pytest.raises(BadRedirect):
        redirect_target("https://a.test/", "mailto:x@y")
    assert (host_key("http://A.test/"), host_key("https://a.test:8/")) == ("a.test:80", "a.test:8")


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("ü€".encode(), "text/html; charset=utf-8", "ü€"),
        ("ü€".encode(), "", "ü€"),
        ("ü€".encode("cp1252"), "", "ü€"),
        ("ü€".encode("cp1252"), "text/html; charset=ISO-8859-1", "ü€"),
        (b'<meta charset="windows-1251">' + "д".encode("cp1251"), "text/html", '<meta charset="windows-1251">д'),
        (
            b"<meta http-equiv=content-type content='text/html; charset=shift_jis'>" + "あ".encode("cp932"),
            "",
            "<meta http-equiv=content-type content='text/html; charset=shift_jis'>あ",
        ),
        (b'<!--<meta charset="koi8-r">-->' + "ü".encode(), "", '<!--<meta charset="koi8-r">-->ü'),
        (b"\xef\xbb\xbf" + "ü".encode(), "text/html; charset=cp1252", "ü"),
        (b"\xff\xfe" + "ü".encode("utf-16-le"), "", "ü"),
        (b"\xfe\xff" + "ü".encode("utf-16-be"), "", "ü"),
        (b'<meta charset="utf-16">' + "ü".encode(), "", '<meta charset="utf-16">ü'),
        (b"a\xffb", "text/html; charset=utf-8", "a\ufffdb"),
        ("中".encode("gb18030"), "text/html; charset=GB2312", "中"),
        ("ü".encode(), "text/html; charset=nonsense", "ü"),
        (b"aGk=", "text/html; charset=base64", "aGk="),
        (b"abc", "text/html; charset=rot13", "abc"),
        (b"", "", ""),
    ],
)
def test_bytes_are_read_as_a_browser_does(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


def test_elements_are_bounded() -> None:
    _, elements = extract(MANY, max_elements=7, max_text=20)
    assert [element.id for element in elements] == [f"el-{n}" for n in range(1, 8)]
    assert all(len(element.text) <= 20 for element in elements)
    assert len(extract(MANY)[1]) == 100


def test_what_carries_data_is_preferred_to_navigation() -> None:
    _, elements = extract(SHOP, max_elements=4)
    assert {element.type for element in elements} == {"heading", "price"}


@pytest.mark.parametrize(
    ("html", "emptied"),
    [
        ("a<noscript><p>b</p></noscript>c", "a<noscript></noscript>c"),
        ("a<NOSCRIPT class=x>b</NoScript >c", "a<NOSCRIPT class=x></NoScript >c"),
        ("<!-- <noscript> --><p>kept</p><noscript>x</noscript>", "<!-- <noscript> --><p>kept</p><noscript></noscript>"),
        ("<script>'<noscript>'</script><p>kept</p>", "<script>'<noscript>'</script><p>kept</p>"),
        ("a<noscript>never closed", "a<noscript>"),
        ("a<noscript", "a<noscript"),
        ("<!-- never closed <noscript>x</noscript>", "<!-- never closed <noscript>x</noscript>"),
        ("<noscripts>x</noscripts>", "<noscripts>x</noscripts>"),
    ],
)
def test_noscript_is_emptied_as_a_browser_with_scripts_reads_it(html: str, emptied: str) -> None:
    assert without_noscript(html) == emptied


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_the_pool_rotates_and_rests() -> None:
    clock = Clock()
    pool = ProxyPool(["http://a:1", "http://b:1"], cooldown=10, cooldown_max=60, clock=clock)
    first, second = pool.pick("x"), pool.pick("x")
    assert first is not None
    assert second is not None
    assert first != second
    assert pool.pick("x") == first
    pool.blocked(first, "x")
    assert [pool.pick("x"), pool.pick("x")] == [second, second]
    assert pool.pick("y") == first  # it rests for x only
    pool.blocked(second, "x")
    assert pool.pick("x") is None
    clock.now += 10
    assert pool.pick("x") is not None
    pool.blocked(first, "x")
    pool.succeeded(second, "x")
    clock.now += 10
    assert [pool.pick("x"), pool.pick("x")] == [second, second]  # the pause of the first has doubled
    clock.now += 10
    assert first in (pool.pick("x"), pool.pick("x"))
    for _ in range(9):
        pool.failed(first, "x")
    clock.now += 60
    assert pool.pick("x") == second  # no pause is longer than 60, but a healthy proxy goes first
    pool.blocked(second, "x")
    assert pool.pick("x") == first


async def test_turns_pause_between_pages_and_obey_postponement() -> None:
    clock = Clock()
    turns = HostTurns(2.0, clock=clock, sleep=clock.sleep)
    async with turns.turn("a"):
        pass
    async with turns.turn("b"):
        pass
    assert clock.slept == []
    async with turns.turn("a", follow_up=True):
        clock.now += 0.5
    assert clock.slept == []
    async with turns.turn("a", delay=5):
        pass
    assert clock.slept == [2.0]
    async with turns.turn("a"):
        pass
    assert clock.slept == [2.0, 5.0]
    turns.postpone("a", 30)
    async with turns.turn("a", follow_up=True):
        pass
    assert clock.slept == [2.0, 5.0, 30.0]


async def test_a_cancelled_turn_is_given_back() -> None:
    turns = HostTurns(0.0)
    async with turns.turn("a"):
        waiting = asyncio.create_task(turns.turn("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1), turns.turn("a"):
        pass
