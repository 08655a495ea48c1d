"""Front pages: which of their links are articles, with what title, and what stands near them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from accepted_apps.news.errors import NoLinks
from accepted_apps.news.fetching import Fetched
from accepted_apps.news.sources.homepage import parse_homepage
from accepted_apps.news.sources.model import Link
from accepted_apps.news.sources.shapes import NEVER, likelihood
from hypothesis import given, settings
from hypothesis import strategies as st

URL = "https://www.post.example/"


def listed(body: str, link_filter: str = "", url: str = URL) -> list[Link]:
    return parse_homepage(
        Fetched(url=url, body=body.encode(), content_type="text/html; charset=utf-8"), link_filter
    ).links


def titles(body: str, link_filter: str = "") -> list[str]:
    return [link.title for link in listed(body, link_filter)]


@pytest.mark.parametrize(
    "url",
    [
        "/2026/11/22/harbour-wall-fails-again",
        "/news/local/harbour-wall-fails-again-1234567.html",
        "/politics/harbour-wall-fails",
        "/a/AbC123xyZ9",
        "/news/articles/c0rxk4q0pj0o",
        "/story.php?id=4711",
        "/?p=4711",
        "/artikel/4711815.html",
        "/nachrichten/hafenmauer-bricht-wieder-a-5f0e2b1c-77aa-4d2e-9b61-1d2c3b4a5e6f.html",
        "/news/%E6%B8%AF%E3%81%AE%E9%98%B2%E6%B3%A2%E5%A0%A4%E3%81%8C%E5%86%8D%E3%81%B3%E5%B4%A9%E3%82%8C%E3%82%8B",
        "/n/20261122/c1001-40222222.html",
    ],
)
def test_addresses_of_articles(url: str) -> None:
    assert likelihood(f"https://post.example{url}") >= 2


@pytest.mark.parametrize(
    "url",
    ["/", "/tag/harbour", "/author/ada-quist", "/login", "/newsletter", "/videos/harbour-wall-fails-again",
     "/topics/weather", "/about-us", "/privacy-policy", "/picture.jpg", "/search?q=a", "/rss", "/index.html"],
)  # fmt: skip
def test_addresses_of_what_is_never_one(url: str) -> None:
    assert likelihood(f"https://post.example{url}") == NEVER


@pytest.mark.parametrize("url", ["/politics", "/news/world", "/sport/football", "/de"])
def test_addresses_of_sections(url: str) -> None:
    assert likelihood(f"https://post.example{url}") == 0


CARD = """<article><a href="/2026/11/22/{n}-wall-fails-again?utm_source=front"><img data-src="/i/{n}.jpg" src="data:x"
alt="The wall"></a><span><a href="/tag/harbour">Harbour and other things by the sea</a></span>
<h2><a href="/2026/11/22/{n}-wall-fails-again">Harbour wall number {n} fails</a></h2>
<p>It was the third time this year that it failed, said the master.</p><time datetime="2026-11-22T12:00:00Z">noon</time>
<a href="/2026/11/22/{n}-wall-fails-again#comments">24 comments</a>
<a href="/2026/11/22/{n}-wall-fails-again">Read more</a>
</article>"""
AROUND = """<header><nav><a href="/politics">Politics</a><a href="/2020/01/01/an-old-special-in-the-menu">A special of
old times in the menu</a></nav></header>%s<footer><a href="/about">About us and the people who make it</a></footer>"""


def test_a_card_is_one_article_with_all_that_stands_in_it() -> None:
    first, _, _ = listed(AROUND % "".join(CARD.format(n=n) for n in range(3)))
    assert first.url == "https://www.post.example/2026/11/22/0-wall-fails-again"
    assert first.title == "Harbour wall number 0 fails"
    assert first.image == "https://www.post.example/i/0.jpg"
    assert first.published_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert first.summary == "It was the third time this year that it failed, said the master."
    assert first.media[0].alt == "The wall"


def link(path: str, text: str) -> str:
    return f'<a href="{path}">{text}</a>'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        # A link round its heading and its words: the heading is the title.
        ('<a href="/x/wall-fails-at-noon"><h3>Harbour wall fails</h3><p>Words below.</p></a>', "Harbour wall fails"),
        ('<h2><span><a href="/x/wall-fails-at-noon">Harbour wall fails</a></span></h2>', "Harbour wall fails"),
        (link("/x/wall-fails-at-noon", "Harbour wall fails at noon"), "Harbour wall fails at noon"),
        ('<a href="/x/wall-fails-at-noon" aria-label="Harbour wall fails at noon"></a>', "Harbour wall fails at noon"),
        (link("/article/4711815", "港の防波堤が再び崩れる"), "港の防波堤が再び崩れる"),
        (link("https://m.post.example/x/wall-fails-at-noon", "Wall fails at high noon"), "Wall fails at high noon"),
    ],
)  # fmt: skip
def test_titles(body: str, found: str) -> None:
    assert titles(body) == [found]


@pytest.mark.parametrize(
    "body",
    [
        link("/politics", "All that happened in politics this week"),
        link("https://other.example/2026/11/22/wall-fails-again", "Harbour wall fails at noon"),
        link("/tag/wall-fails-again-and-again", "Harbour wall fails at noon"),
        f'<div class="sponsored">{link("/x/buy-this-thing-today", "Buy this thing today")}</div>',
        f"<nav>{link('/2026/11/22/wall-fails-again', 'Harbour wall fails at noon')}</nav>",
        link("/2026/11/22/wall-fails-again", "Read more"),
        link("https://jobs.post.example/engineer-for-the-harbour-wall-4711", "Engineer for the harbour wall"),
        link("mailto:desk@post.example", "Write to the desk of the harbour post"),
        link("", "Harbour wall fails at noon"),
        "<p>No link</p>",
    ],
)
def test_what_is_no_article(body: str) -> None:
    with pytest.raises(NoLinks) as raised:
        listed(body)
    assert URL in raised.value.message


def test_addresses_without_words_are_known_by_their_like() -> None:
    body = "".join(f"<li><h3>{link(f'/s/{n}', f'Harbour wall number {n} fails')}</h3></li>" for n in range(1000, 1004))
    assert len(listed(body)) == 4


def test_what_stands_aside_comes_last() -> None:
    aside = f'<aside class="most-read">{link("/x/most-read-of-all-articles", "Most read of all articles")}</aside>'
    assert titles(aside + CARD.format(n=1)) == ["Harbour wall number 1 fails", "Most read of all articles"]


def test_a_base_and_relative_links() -> None:
    body = f'<base href="/sub/"><h2>{link("wall-fails-at-noon", "Harbour wall fails")}</h2>'
    assert [each.url for each in listed(body)] == ["https://www.post.example/sub/wall-fails-at-noon"]


def test_a_filter_takes_what_structure_would_not() -> None:
    body = AROUND % (link("/politics", "Politics") + "<h2>" + link("https://other.example/1", "One") + "</h2>")
    assert titles(body, "h2 a") == ["One"]
    assert titles(body, "/politics") == ["Politics"]
    assert titles(body, r"re:/\d{4}/") == ["A special of old times in the menu"]
    with pytest.raises(NoLinks, match=r"linkFilter 'h5 a' finds no link"):
        listed(body, "h5 a")


def test_a_pattern_that_takes_too_long_is_said_to_be_wrong() -> None:
    with pytest.raises(NoLinks, match="takes too long"):
        listed(link(f"/{'a' * 1500}!", "One"), "re:(a+)+$")


@settings(deadline=None, max_examples=50)
@given(st.text(st.sampled_from('<>/"= ahrefh2niv-1'), max_size=200))
def test_whatever_it_is_given_it_answers(text: str) -> None:
    for body in (text, f'<a href="{text}">{text}</a>', CARD.format(n=text)):
        try:
            listed(body)
        except NoLinks:
            continue
