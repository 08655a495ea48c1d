"""OPML as readers write it, as people break it, and as it goes out again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from accepted_apps.news.errors import BadOpml
from accepted_apps.news.opml import Outline, read_opml, write_opml
from accepted_apps.news.sources.model import Selectors, Source
from hypothesis import given, settings
from hypothesis import strategies as st

EXPORTED = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>Subscriptions</title></head><body>
<outline text="News" title="News">
  <outline text="World"><outline type="rss" text="Harbour Post" xmlUrl="https://post.example/rss" htmlUrl="https://post.example/"/></outline>
  <outline type="rss" text="" xmlUrl="feed://www.blatt.example/feed"/>
  <outline type="rss" text="again" xmlUrl="https://post.example/rss/?utm_source=reader"/>
</outline>
<outline text="A page" htmlUrl="https://page.example/" linkFilter="h2 a"/>
<outline text="A link" type="link" url="https://link.example/a"/>
<outline text="Tagged" XMLURL="https://tagged.example/rss" category="/Tech/AI,/Other"/>
<outline text="No address" type="rss"/><outline text="odd" xmlUrl="javascript:alert(1)"/>
</body></opml>"""


def test_what_readers_export() -> None:
    assert read_opml(EXPORTED.encode()) == [
        Outline(name="Harbour Post", url="https://post.example/rss", category="News / World"),
        Outline(name="blatt.example", url="http://www.blatt.example/feed", category="News"),
        Outline(name="A page", url="https://page.example/", method="homepage", link_filter="h2 a"),
        Outline(name="A link", url="https://link.example/a", method="homepage"),
        Outline(name="Tagged", url="https://tagged.example/rss", category="Tech / AI"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        EXPORTED.replace("Harbour Post", "Harbour & Post").encode(),
        EXPORTED.replace("Harbour Post", "Hafen ä").replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        b"\xef\xbb\xbf" + EXPORTED.encode(),
        EXPORTED.encode("utf-16"),
        EXPORTED.replace("</body></opml>", "").encode(),
        ("\n" + EXPORTED).encode(),
        EXPORTED.replace("<opml", '<!DOCTYPE opml SYSTEM "http://169.254.169.254/x.dtd"><opml').encode(),
    ],
)
def test_what_can_be_repaired_is(body: bytes) -> None:
    assert len(read_opml(body)) == 5


LAUGHS = '<!DOCTYPE opml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no XML"),
        (b"hello", "no OPML"),
        (b"<html><body>x</body></html>", "begins with <html>"),
        (b"<rss/>", "begins with <rss>"),
        (b"<opml><body/></opml>", "holds no source"),
        (b'<opml><body><outline text="x"/></body></opml>', "holds no source"),
        (LAUGHS.encode() + b'<opml><body><outline text="&b;"/></body></opml>', "entities"),
        (FILE.encode() + b'<opml><body><outline text="&a;"/></body></opml>', "entities"),
        (b"<opml>" + b"<outline>" * 200 + b"</opml>", "nested deeper"),
        (b"x" * 6_000_000, "larger than 5 MiB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(body: bytes, said: str) -> None:
    with pytest.raises(BadOpml) as raised:
        read_opml(body)
    assert said in raised.value.message


FILTER = 'a[href*="/x/"]'
SOURCES = [
    Source(id="a", name="Post & <Co>", url="https://a.example/rss?a=1&b=2", category="News"),
    Source(id="b", name="Page", url="https://b.example/", method="homepage", selectors=Selectors(link_filter=FILTER)),
    Source(id="c", name="Tool", url="https://c.example/mcp", method="mcp"),
    Source(id="d", name="Ton\x08", url="https://d.example/rss", category="News"),
]


def test_what_goes_out_comes_in_again_without_tools() -> None:
    written = write_opml(SOURCES, title="Mine")
    assert b"<title>Mine</title>" in written
    assert read_opml(written) == [
        Outline(name="Post & <Co>", url="https://a.example/rss?a=1&b=2", category="News"),
        Outline(name="Ton", url="https://d.example/rss", category="News"),
        Outline(name="Page", url="https://b.example/", method="homepage", link_filter='a[href*="/x/"]'),
    ]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_whatever_it_is_given_it_answers(body: bytes) -> None:
    for each in (body, b"<opml><body>" + body):
        with suppress(BadOpml):
            read_opml(each)
