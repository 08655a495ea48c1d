"""A source as people and programs describe it: the registry's shape, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from accepted_apps.news.article import Hints
from accepted_apps.news.sources.filters import LinkFilter
from accepted_apps.news.sources.model import Link, Source
from pydantic import ValidationError
from selectolax.lexbor import LexborHTMLParser

REGISTRY = {
    "id": "harbour-post",
    "name": "Harbour Post",
    "url": "https://post.example/",
    "icon": "⚓",
    "category": "local",
    "method": "homepage",
    "selectors": {"linkFilter": "article h2 a"},
}


def test_the_registry_s_shape_goes_in_and_out() -> None:
    source = Source.model_validate(REGISTRY)
    assert source.model_dump(mode="json") == REGISTRY | {"tool": "", "arguments": {}}
    assert Source.model_validate_json(source.model_dump_json()) == source
    assert source.selectors.link_filter == "article h2 a"


def test_what_may_be_missing() -> None:
    source = Source.model_validate({"id": "a", "name": " A  feed ", "url": " https://a.example/feed "})
    assert (source.name, source.url, source.method, source.icon) == ("A feed", "https://a.example/feed", "feed", "")


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"id": "a b"}, "id", "must not hold spaces"),
        ({"id": "../a"}, "id", "must not hold spaces"),
        ({"name": "  "}, "name", "at least 1 character"),
        ({"url": "post.example"}, "url", "must begin with http:// or https://"),
        ({"url": "file:///etc/passwd"}, "url", "must begin with http:// or https://"),
        ({"icon": "javascript://alert(1)"}, "icon", "must begin with http:// or https://"),
        ({"method": "rss"}, "method", "'feed', 'homepage' or 'mcp'"),
        ({"selectors": {"linkFilter": "h2["}}, "selectors.linkFilter", "neither a CSS selector"),
        ({"selectors": {"linkFilter": "re:("}}, "selectors.linkFilter", "is no regular expression"),
        ({"selectors": {"linkfilter": "a"}}, "selectors.linkfilter", "not permitted"),
        ({"tool": "latest"}, "", "tool and arguments are for sources with the method 'mcp'"),
        ({"method": "feed"}, "", "selectors.linkFilter is for sources with the method 'homepage'"),
    ],
)
def test_a_wrong_part_is_named(changes: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Source.model_validate(REGISTRY | changes)
    [error] = raised.value.errors()
    assert ".".join(map(str, error["loc"])) == field
    assert said in error["msg"]


def test_a_link_is_a_hint_with_an_address() -> None:
    assert isinstance(Link(url="https://a.example/1", title="One"), Hints)


PAGE = """<nav><a href="/n">n</a></nav><article><h2><a href="/politics/1">One</a></h2><p>x</p></article>
<a href="/sport/2-two.html"><h3>Two</h3></a><article><a href="/sport/3">Three</a></article>"""


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("h2 a", ["/politics/1"]),
        ("article", ["/politics/1", "/sport/3"]),
        ("article a, h3", ["/politics/1", "/sport/3", "/sport/2-two.html"]),
        ('a[href*="/sport/"]', ["/sport/2-two.html", "/sport/3"]),
        ("h2, h2 a", ["/politics/1"]),
        (".none", []),
    ],
)
def test_a_selector_selects_links_also_around_and_inside(text: str, selected: list[str]) -> None:
    anchors = LinkFilter(text).select(LexborHTMLParser(PAGE))
    assert anchors is not None
    assert sorted(anchor.attributes["href"] or "" for anchor in anchors) == sorted(selected)
    assert LinkFilter(text).permits("https://anything.example/")


@pytest.mark.parametrize(
    ("text", "passes", "stays_out"),
    [
        ("/politics/", "https://a.example/politics/1", "https://a.example/sport/1"),
        ("/Politics/", "https://a.example/politics/1", "https://a.example/sport/1"),
        ("politics", "https://a.example/politics-1", "https://a.example/sport"),
        ("news/*-*.html", "https://a.example/news/a-b.html", "https://a.example/news/ab.html"),
        ("https://a.example/x", "https://a.example/xy", "https://b.example/xy"),
        (r"re:/\d{6,}", "https://a.example/123456", "https://a.example/12345"),
        (r"/\d{4}/\d{2}/", "https://a.example/2026/11/x", "https://a.example/26/11/x"),
        ("/(politics|world)/", "https://a.example/world/1", "https://a.example/sport/1"),
        (r"^https://a\.example/", "https://a.example/", "https://aXexample/"),
        (r"\.html$", "https://a.example/a.html", "https://a.example/a.html?x"),
        ("/news/.*", "https://a.example/news/1", "https://a.example/sport/1"),
    ],
)
def test_parts_of_urls_and_patterns(text: str, passes: str, stays_out: str) -> None:
    made = LinkFilter(text)
    assert made.select(LexborHTMLParser(PAGE)) is None
    assert made.permits(passes)
    assert not made.permits(stays_out)


def test_a_pattern_that_never_ends_is_ended() -> None:
    with pytest.raises(ValueError, match="takes too long"):
        LinkFilter("re:(a+)+$").permits("https://example.com/" + "a" * 2000 + "!")
