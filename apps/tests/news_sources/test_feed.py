"""Feeds of every dialect, as they should be and as they are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from accepted_apps.news.article import Media
from accepted_apps.news.errors import NotAFeed
from accepted_apps.news.fetching import Fetched, Fetcher
from accepted_apps.news.sources.feed import feeds_of_page, list_feed, parse_feed
from accepted_apps.news.sources.model import Link, Listing
from accepted_apps.news.sources.words import moment, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from .site import Said, Site, said

URL = "https://post.example/feeds/all"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" xmlns:atom="http://www.w3.org/2005/Atom"'
)


def parsed(body: str | bytes, content_type: str = "application/xml") -> Listing:
    data = body.encode() if isinstance(body, str) else body
    listing = parse_feed(Fetched(url=URL, body=data, content_type=content_type))
    assert listing is not None
    return listing


def rss(*items: str) -> str:
    inside = "".join(f"<item>{item}</item>" for item in items)
    head = f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {NAMESPACES}>'
    return f"{head}<channel><title>Harbour &amp; Post</title><link>https://post.example/</link>{inside}</channel></rss>"


def one(item: str) -> Link:
    [link] = parsed(rss(item)).links
    return link


ITEM = "<title>Harbour wall fails</title><link>https://post.example/2026/wall</link>"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

# ── dialects ──


def test_rss_2_with_all_that_it_may_carry() -> None:
    listing = parsed(
        rss(
            ITEM + "<dc:creator>Ada Quist</dc:creator><author>desk@post.example (Ben Holt)</author>"
            "<category>Harbour</category><category>Weather</category><pubDate>Sun, 22 Nov 2026 13:00:00 +0100</pubDate>"
            '<media:content url="/wall.jpg" medium="image"><media:description>The wall at noon</media:description>'
            "<media:title>wall.jpg</media:title><media:credit>Ada</media:credit></media:content>"
            '<enclosure url="https://cdn.example/wall.mp3" type="audio/mpeg" length="9"/>'
            "<description>&lt;p&gt;The wall &lt;b&gt;fell&lt;/b&gt;.&lt;/p&gt;</description>"
            "<content:encoded><![CDATA[<p>The wall fell at noon.</p><p>Nobody was there.</p>]]></content:encoded>"
        )
    )
    assert (listing.title, listing.url, listing.notes) == ("Harbour & Post", URL, [])
    assert listing.links == [
        Link(
            url="https://post.example/2026/wall",
            title="Harbour wall fails",
            published_at=NOON,
            authors=["Ada Quist", "Ben Holt"],
            tags=["Harbour", "Weather"],
            image="https://post.example/wall.jpg",
            summary="The wall fell .",
            content="<p>The wall fell at noon.</p><p>Nobody was there.</p>",
            media=[
                Media("image", "https://post.example/wall.jpg", caption="The wall at noon"),
                Media("audio", "https://cdn.example/wall.mp3"),
            ],
        )
    ]


@pytest.mark.parametrize("version", ["0.91", "0.92", "1.0", "2.0", ""])
def test_versions_of_rss(version: str) -> None:
    text = rss(ITEM).replace('version="2.0"', f'version="{version}"' if version else "")
    assert [link.title for link in parsed(text).links] == ["Harbour wall fails"]


def test_rss_1_has_its_items_beside_the_channel() -> None:
    text = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Post</title></channel>'
        '<item rdf:about="https://post.example/1"><title>One</title><link>https://post.example/1</link>'
        "<dc:date>2026-11-22T12:00:00Z</dc:date><dc:creator>Ada</dc:creator></item></rdf:RDF>"
    )
    assert parsed(text).links == [Link(url="https://post.example/1", title="One", published_at=NOON, authors=["Ada"])]


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://post.example/base/">
<title type="html">Post &lt;i&gt;daily&lt;/i&gt;</title><link rel="self" href="https://post.example/feeds/all"/>
<entry xml:lang="de"><title type="html">Ein &lt;b&gt;Satz&lt;/b&gt;</title><id>tag:post.example,2026:1</id>
<link rel="replies" href="comments"/><link rel="enclosure" type="image/jpeg" href="../a.jpg"/>
<link rel="alternate" type="text/html" href="eins?utm_source=atom&amp;id=1"/>
<author><name>Ada Quist</name></author><author><name>Ben Holt</name></author><category term="h" label="Hafen"/>
<published>2026-11-22T13:00:00+01:00</published><updated>2026-11-23T00:00:00Z</updated>
<summary>Kurz.</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Lang.</p></div></content></entry>
</feed>"""


def test_atom_with_its_bases_and_kinds_of_links() -> None:
    listing = parsed(ATOM)
    assert listing.title == "Post daily"
    [link] = listing.links
    assert (link.url, link.title) == ("https://post.example/base/eins?id=1", "Ein Satz")
    assert link.published_at == NOON
    assert link.authors == ["Ada Quist", "Ben Holt"]
    assert (link.tags, link.summary, link.image) == (["Hafen"], "Kurz.", "https://post.example/a.jpg")
    assert "<p>Lang.</p>" in link.content


JSON_FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Post",
    "home_page_url": "https://post.example/",
    "authors": [{"name": "The desk"}],
    "items": [
        {
            "id": "1",
            "url": "/eins",
            "title": "Eins",
            "content_html": "<p>Text</p>",
            "summary": "Kurz",
            "image": "/a.jpg",
            "date_published": "2026-11-22T12:00:00Z",
            "tags": ["a", "b"],
            "attachments": [{"url": "/a.mp3", "mime_type": "audio/mpeg", "title": "Ton"}, {"url": "/a.zip"}],
        },
        {"id": "https://post.example/zwei", "content_text": "Nur Text", "author": {"name": "Ada"}},
        {"id": 3, "title": "no address"},
        "junk",
    ],
}


@pytest.mark.parametrize("version", ["https://jsonfeed.org/version/1.1", "https://jsonfeed.org/version/1", "", None])
def test_json_feed(version: str | None) -> None:
    listing = parsed(json.dumps(JSON_FEED | {"version": version}), "application/feed+json")
    first, second = listing.links
    assert first == Link(
        url="https://post.example/eins",
        title="Eins",
        published_at=NOON,
        authors=["The desk"],
        tags=["a", "b"],
        image="https://post.example/a.jpg",
        summary="Kurz",
        content="<p>Text</p>",
        media=[Media("audio", "https://post.example/a.mp3", alt="Ton")],
    )
    assert (second.url, second.authors, second.content) == ("https://post.example/zwei", ["Ada"], "Nur Text")
    assert listing.notes == ["2 of 4 items have no address of an article and were passed over."]


@pytest.mark.parametrize("text", ['{"a": 1}', '{"items": {}}', "{", '{"items": [], "x": ' + "[" * 100_000])
def test_other_json_is_no_feed(text: str) -> None:
    with pytest.raises(NotAFeed):
        parsed(text, "application/json")


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://post.example/1</loc><news:news><news:publication_date>2026-11-21T12:00:00Z</news:publication_date>
<news:title>One &amp; all</news:title><news:keywords>wall, harbour</news:keywords></news:news>
<image:image><image:loc>https://post.example/1.jpg</image:loc></image:image></url>
<url><loc> https://post.example/2 </loc><lastmod>2026-11-22</lastmod></url><url><loc>nothing</loc></url></urlset>"""


def test_a_news_sitemap_newest_first() -> None:
    newest, older = parsed(SITEMAP).links
    assert (newest.url, newest.published_at) == ("https://post.example/2", datetime(2026, 11, 22, tzinfo=UTC))
    assert (older.title, older.tags, older.image) == ("One & all", ["wall", "harbour"], "https://post.example/1.jpg")
    assert [link.url for link in parsed(gzip.compress(SITEMAP.encode())).links] == [newest.url, older.url]


async def test_a_sitemap_of_sitemaps(site: Site, fetching: Callable[..., Fetcher]) -> None:
    index = "".join(
        f"<sitemap><loc>{site.url}/{name}.xml</loc><lastmod>{date}</lastmod></sitemap>"
        for name, date in (
            ("2019", "2019-12-31"),
            ("pages", "2026-11-22"),
            ("news", "2026-11-21"),
            ("2025", "2025-01-01"),
        )
    )
    site.routes |= {
        "/sitemap.xml": said(f"<sitemapindex>{index}</sitemapindex>", content_type="text/xml"),
        "/news.xml": said(SITEMAP.encode(), content_type="text/xml"),
        "/pages.xml": said(SITEMAP.replace("example/1", "example/3").encode(), content_type="text/xml"),
    }
    listing = await list_feed(f"{site.url}/sitemap.xml", fetching())
    assert site.paths == ["/sitemap.xml", "/news.xml", "/pages.xml", "/2025.xml"]
    assert [link.url[-2:] for link in listing.links] == ["/2", "/1", "/3"]
    assert any("2025.xml could not be read" in note for note in listing.notes)
    assert any("lists 4 others" in note for note in listing.notes)


# ── what is in an entry ──


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<title>x</title><guid>https://post.example/7</guid>", "https://post.example/7"),
        ('<title>x</title><guid isPermaLink="false">https://post.example/7</guid>', "https://post.example/7"),
        ("<link>https://post.example/1</link><guid>7</guid>", "https://post.example/1"),
        ("<link>/rel?id=1</link>", "https://post.example/rel?id=1"),
        ("<link><![CDATA[ https://post.example/1?a=1&b=2 ]]></link>", "https://post.example/1?a=1&b=2"),
        ("<link>https://post.example/1?a=1&b=2</link>", "https://post.example/1?a=1&b=2"),
        ('<atom:link href="https://post.example/9"/>', "https://post.example/9"),
        (
            "<link>https://f.example/~r/1</link><feedburner:origLink>https://post.example/1?utm_medium=f</feedburner:origLink>",
            "https://post.example/1",
        ),
        ("<link>https://post.example/1#utm_source=rss&at=1</link>", "https://post.example/1"),
        ("<link>https://bücher.example/ä</link>", "https://xn--bcher-kva.example/%C3%A4"),
    ],
)
def test_the_address_of_an_entry(item: str, url: str) -> None:
    assert one(item).url == url


def test_entries_without_an_address_are_passed_over_and_counted() -> None:
    listing = parsed(rss(ITEM, "<title>podcast</title>", "<link>javascript:x</link>"))
    assert len(listing.links) == 1
    assert listing.notes == ["2 of 3 entries have no address of an article and were passed over."]


def test_the_same_article_twice_is_one_with_what_both_say() -> None:
    first = "<link>https://post.example/1?utm_source=a</link><category>a</category>"
    second = "<link>https://www.post.example/1/</link><title>One</title><category>b</category>"
    [link] = parsed(rss(first, second)).links
    assert (link.url, link.title, link.tags) == ("https://post.example/1", "One", ["a"])


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("a &lt;b&gt;B&lt;/b&gt; c", "a B c"),
        ("<![CDATA[a <b>B</b> &amp; c]]>", "a B & c"),
        ("a &amp;amp; b &amp;#8217;s", "a & b ’s"),
        ("a&nbsp;b\n  c", "a b c"),
        ("5 &lt; 6", "5 < 6"),
        ("R&amp;D", "R&D"),
        ("日本の港", "日本の港"),
    ],
)
def test_titles_are_words(title: str, words: str) -> None:
    assert one(f"<link>https://post.example/1</link><title>{title}</title>").title == words


BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Sun, 22 Nov 2026 13:00:00 +0100", NOON),
        ("Sun, 22 Nov 2026 12:00 GMT", NOON),
        ("22 Nov 26 12:00:00 Z", NOON),
        ("Sun, 22 Nov 2026 07:00:00 EST", NOON),
        ("Mo., 22 Nov 2026 13:00:00 +0100", NOON),
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T13:00+01:00", NOON),
        ("2026-11-22T13:00:00.123+01", NOON.replace(microsecond=123000)),
        ("2026-11-22 12:00:00", NOON),
        ("20261122T120000Z", NOON),
        ("1795348800", NOON),
        ("dim., 22 nov. 2026 13:00:00 +0100", NOON),
        ("22. November 2026 12:00", NOON),
        ("22 de noviembre de 2026 12:00", NOON),
        ("2026年11月22日 12:00", NOON),
        ("22 ноября 2026 12:00", NOON),
        ("Nov 22, 2026 12:00 PM", NOON),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("", None),
        ("soon", None),
        ("Sun, 32 Nov 2026 12:00:00 GMT", None),
        ("0000-00-00 00:00:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("9" * 500, None),
    ],
)
def test_dates_in_all_dialects(text: str, at: datetime | None) -> None:
    assert moment(text) == at
    assert one(f"{ITEM}<pubDate>{text}</pubDate>").published_at == at


def test_dates_that_are_numbers_or_nothing() -> None:
    assert moment(1795348800) == moment(1795348800000) == NOON
    assert moment(True) is moment(None) is moment([]) is None


def test_a_date_of_change_stands_in_for_a_missing_one() -> None:
    assert one(f"{ITEM}<atom:updated>2026-11-22T12:00:00Z</atom:updated>").published_at == NOON


def test_the_order_of_a_feed_is_kept_unless_it_begins_with_the_oldest() -> None:
    def items(*days: int) -> list[str]:
        return [
            f"<link>https://post.example/{day}</link><pubDate>{day} Nov 2026 12:00:00 GMT</pubDate>" for day in days
        ]

    def order(*days: int) -> list[str]:
        return [link.url.rpartition("/")[2] for link in parsed(rss(*items(*days))).links]

    assert order(9, 12, 11, 10, 8) == ["9", "12", "11", "10", "8"]
    assert order(8, 9, 10, 11) == ["11", "10", "9", "8"]


@pytest.mark.parametrize(
    ("item", "image"),
    [
        ('<media:thumbnail url="/t.jpg"/>', "/t.jpg"),
        (
            '<media:group><media:content url="/a.jpg" type="image/jpeg"/></media:group><media:thumbnail url="/t.jpg"/>',
            "/a.jpg",
        ),
        ('<media:content url="/a.png?x=1"/>', "/a.png?x=1"),
        ('<enclosure url="/e.webp" type="image/webp"/>', "/e.webp"),
        ('<itunes:image href="/i.jpg"/>', "/i.jpg"),
        ("<description>&lt;img src='/d.jpg'&gt; Words</description>", "/d.jpg"),
        ('<media:content url="/v.mp4" medium="video"/>', ""),
    ],
)
def test_the_picture_of_an_entry(item: str, image: str) -> None:
    assert one(ITEM + item).image == (f"https://post.example{image}" if image else "")


def test_what_describes_a_picture_is_not_the_summary() -> None:
    media = '<media:content url="/a.jpg"><media:description>The picture</media:description></media:content>'
    for item in (f"{media}<description>The story</description>", f"<description>The story</description>{media}"):
        link = one(ITEM + item)
        assert (link.title, link.summary, link.content) == ("Harbour wall fails", "The story", "")
        assert link.media == [] or link.media[0].caption == "The picture"


def test_a_long_description_is_the_article() -> None:
    long = "A sentence of the article. " * 60
    assert one(f"{ITEM}<description>{long}</description>").content.startswith("A sentence")
    assert one(f"{ITEM}<description>Short.</description>").content == ""


def test_scripts_in_a_feed_are_no_words() -> None:
    link = one(ITEM + "<description>&lt;script&gt;alert(1)&lt;/script&gt;Words</description>")
    assert link.summary == "Words"
    assert plain("<style>x</style><p>a</p><p>b</p>") == "a b"


# ── as they are ──


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]), "text/html; charset=iso-8859-1"),
        (rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]), "text/xml; charset=us-ascii"),
        (rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]), ""),
        (b"\xef\xbb\xbf" + rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]).encode(), "text/plain"),
        (rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]).encode("utf-16"), "application/rss+xml"),
        (
            rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]).replace("UTF-8", "iso-8859-1").encode("cp1252"),
            "application/rss+xml",
        ),
        (rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]).encode("cp1252"), "text/xml; charset=windows-1252"),
        (b"\n\n<br />\n<b>Warning</b>" + rss("<title>Ä “x”</title>" + ITEM.split("</title>")[1]).encode(), "text/html"),
        (rss("<title>Ä \x0b\x01“x”</title>" + ITEM.split("</title>")[1]), "application/xml"),
    ],
)
def test_labels_lie_about_type_and_encoding(body: str | bytes, content_type: str) -> None:
    assert [link.title for link in parsed(body, content_type).links] == ["Ä “x”"]


def test_other_encodings() -> None:
    for text, encoding in (("港の壁", "shift_jis"), ("Стена в порту", "windows-1251"), ("港口的墙", "gb2312")):
        body = rss(f"<title>{text}</title><link>https://post.example/1</link>").replace("UTF-8", encoding)
        assert parsed(body.encode(encoding)).links[0].title == text


@pytest.mark.parametrize(
    "text",
    [
        rss(ITEM)[:-20],
        rss(ITEM).replace("</channel></rss>", ""),
        rss(ITEM).replace("fails", "fails & falls <br> &eacute;"),
        rss(ITEM).replace("<item>", "<item><description><p>open</description>"),
        rss(ITEM).replace('xmlns:media="http://search.yahoo.com/mrss/"', "").replace("<item>", "<item><media:x/>"),
    ],
)
def test_what_is_not_well_formed_is_read_as_far_as_it_goes(text: str) -> None:
    listing = parsed(text)
    assert [link.url for link in listing.links] == ["https://post.example/2026/wall"]
    assert "not well-formed" in listing.notes[0]


def test_an_empty_feed_says_so() -> None:
    assert parsed(rss()).notes == ["The feed holds no entry at present."]


def test_google_news_is_not_resolved_and_says_so() -> None:
    listing = parsed(rss("<link>https://news.google.com/rss/articles/CBMi</link>"))
    assert "not resolved" in listing.notes[0]


LAUGHS = "".join('<!ENTITY {} "{}">'.format(after, f"&{before};" * 10) for before, after in pairwise("abcdefghijk"))


@pytest.mark.parametrize(
    "text",
    [
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">{LAUGHS}]>',
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY k SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_of_its_own_explode_nothing_and_read_no_file(text: str) -> None:
    for name in ("k", "j"):
        item = f"<item><title>x&{name};</title>{ITEM}</item>"
        document = f'{text}<rss version="2.0"><channel>{item}</channel></rss>'
        for link in parsed(document).links:
            assert len(link.title) < 500
            assert "root:" not in link.title
        sitemap = text + f"<urlset><url><loc>https://a.example/&{name};</loc></url></urlset>"
        assert all(len(link.url) < 100 and "root:" not in link.url for link in parsed(sitemap).links)


@pytest.mark.parametrize(
    "body",
    [
        "<!-- a -->" * 2000 + "<rss>",
        "<rss>" + "<media:title>" * 10_000,
        "<rss>" + "<media:title " * 10_000,
        "<rss>" + "<item>" * 4_000,
        "<rss><channel>" + "<media:description>" + "<" * 100_000,
    ],
)
def test_what_is_made_to_be_slow_is_not(body: str) -> None:
    started = datetime.now(UTC)
    with suppress(NotAFeed):
        parse_feed(Fetched(url=URL, body=body.encode(), content_type="text/xml"))
    assert datetime.now(UTC) - started < timedelta(seconds=5)


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"<rss>", b"<feed><entry>", b"{", b"<urlset><url>", b"\x1f\x8b", b"<html>"]),
)
def test_whatever_it_is_given_it_answers(body: bytes, start: bytes) -> None:
    fetched = Fetched(url=URL, body=start + body, content_type="text/xml")
    with suppress(NotAFeed):
        parse_feed(fetched)
    feeds_of_page(fetched)


# ── where they are ──

PAGE = """<!doctype html><html><head><base href="/base/">
<link rel="alternate" type="application/rss+xml" title="Comments feed" href="/comments/feed">
<link rel="ALTERNATE" type="application/atom+xml; charset=utf-8" href="atom">
<link rel="alternate" hreflang="de" href="/de"><link rel="stylesheet" type="text/css" href="/x.css">
</head><body><a href="/rss/sport.xml">RSS</a><a href="/feeding-cats">x</a></body></html>"""


def test_the_feeds_that_a_page_names() -> None:
    found = feeds_of_page(Fetched(url="https://post.example/", body=PAGE.encode(), content_type="text/html"))
    assert found == ["https://post.example/base/atom", "https://post.example/rss/sport.xml"]
    assert feeds_of_page(Fetched(url=URL, body=b"%PDF-1", content_type="application/pdf")) is None


async def test_a_page_that_is_given_as_a_feed_leads_to_it(site: Site, fetching: Callable[..., Fetcher]) -> None:
    site.routes |= {"/": said(PAGE), "/base/atom": said(ATOM.encode(), content_type="text/xml")}
    listing = await list_feed(site.url, fetching())
    assert listing.url == f"{site.url}/base/atom"
    assert listing.notes == [f"The address is a web page; its feed is {site.url}/base/atom."]
    assert len(listing.links) == 1
    assert listing.cost == pytest.approx(0.0002)


async def test_a_page_that_names_none_is_asked_for_the_usual_places(
    site: Site, fetching: Callable[..., Fetcher]
) -> None:
    site.routes |= {"/news": said("<html><p>Words"), "/feed": said("<html>nothing"), "/feed.xml": said(rss(ITEM))}
    listing = await list_feed(f"{site.url}/news", fetching())
    assert site.paths == ["/news", "/feed", "/rss", "/feed.xml"]
    assert [link.title for link in listing.links] == ["Harbour wall fails"]


@pytest.mark.parametrize("answer", [said("<html><p>Words"), said(b"%PDF-1.4", content_type="application/pdf")])
async def test_what_is_no_feed_and_leads_to_none(site: Site, fetching: Callable[..., Fetcher], answer: Said) -> None:
    site.routes["/x"] = answer
    with pytest.raises(NotAFeed) as raised:
        await list_feed(f"{site.url}/x", fetching())
    assert f"{site.url}/x" in raised.value.message
