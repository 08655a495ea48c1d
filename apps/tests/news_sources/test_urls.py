"""Canonical URLs: what is taken off, what stays, whose word counts, and that nothing happens the second time."""

from __future__ import annotations

from contextlib import suppress

import pytest
from accepted_apps.news.errors import BadUrl
from accepted_apps.news.urls import article_key, canonical_url, domain_of, same_site, site_of
from hypothesis import example, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com:443/a#part", "https://example.com/a"),
        ("http://example.com:80/a?", "http://example.com/a"),
        ("http://example.com:8080/a", "http://example.com:8080/a"),
        ("https://anna:geheim@example.com/a", "https://example.com/a"),
        ("https://example.com./a", "https://example.com/a"),
        (" https://example.com/a\n", "https://example.com/a"),
        ("https://example.com/a\n\tb", "https://example.com/ab"),
        ("https:\\\\example.com\\a", None),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://example.com/%7euser/%e4%bd%a0", "https://example.com/~user/%E4%BD%A0"),
        ("https://example.com/你?q=ü", "https://example.com/%E4%BD%A0?q=%C3%BC"),
        ("https://example.com/100%", "https://example.com/100%25"),
        ("https://example.com/a b|c", "https://example.com/a%20b%7Cc"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://example.com/a/%2e%2e/b/..", "https://example.com/"),
        ("https://example.com/story/", "https://example.com/story/"),
        ("https://example.com/app#!/story/7", "https://example.com/app#!/story/7"),
        ("https://example.com/a.do;jsessionid=AF31?id=3", "https://example.com/a.do?id=3"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
    ],
)
def test_normal_form(url: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(BadUrl):
            canonical_url(url)
    else:
        assert canonical_url(url) == canonical


TRACKING = """
    utm_source=x utm_medium UTM_Campaign=y fbclid=1 gclid=1 mc_cid=4&mc_eid=5 at_medium=RSS&at_campaign=KARANGA
    xtor=AL-7 ns_mchannel=rss cmp=share_btn CMP=twt_gu icid=top wt_mc=red.x wt_zmc=y ref=rss ref=twitter.com
    source=newsletter from=homepage smid=tw-share _ga=2.1 _hsenc=p2 mkt_tok=3 guccounter=1&guce_referrer=x igshid=1
    msclkid=1 yclid=1 ocid=social intcmp=a sara_ecid=soc pk_campaign=f mtm_source=g ito=1490 spm=1.2 srnd=premium
    __twitter_impression=true %75tm_source=x PHPSESSID=12 ref= ref
"""


@pytest.mark.parametrize("parameter", TRACKING.split())
def test_parameters_that_say_where_a_reader_came_from_are_left_out(parameter: str) -> None:
    assert canonical_url(f"https://example.com/story?{parameter}&id=7") == "https://example.com/story?id=7"
    assert canonical_url(f"https://example.com/story?id=7&amp;{parameter}") == "https://example.com/story?id=7"
    assert canonical_url(f"https://example.com/story?{parameter}") == "https://example.com/story"


SELECTING = """
    id=7 p=12 article_id=9 story=flood page=2 cid=3 sid=4 aid=5 nid=6 lang=de v=x ref=4711 from=london source=ap-123
    t=1&s=2 b=2&a=1 a=1&a=2 12345 q=a+b a=%26b=1 item= cat=sport date=2026-11-22 newsid=8 doc=utm_x idnews=3
"""


@pytest.mark.parametrize("query", SELECTING.split())
def test_parameters_that_may_select_an_article_stay_in_their_order(query: str) -> None:
    assert canonical_url(f"https://example.com/story?{query}") == f"https://example.com/story?{query}"


PAGE = "https://www.example.co.uk/news/2026/11/harbour-wall-fails-again?utm_source=rss"
PLAIN = "https://www.example.co.uk/news/2026/11/harbour-wall-fails-again"


@pytest.mark.parametrize(
    "declared",
    [
        "https://www.example.co.uk/news/harbour-wall",
        "https://news.example.co.uk/1234",
        "http://example.co.uk/a?id=3",
    ],
)
def test_what_a_page_declares_is_taken_on_its_own_site(declared: str) -> None:
    assert canonical_url(PAGE, [declared]) == declared
    assert canonical_url(PAGE, [declared + "#top"]) == declared


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ("https://other.co.uk/news/harbour-wall", "another site of the same public suffix"),
        ("https://www.example.co.uk/", "the home page"),
        ("https://www.example.co.uk/index.html", "the home page by its file"),
        ("https://www.example.co.uk/news", "the section it stands in"),
        ("https://www.example.co.uk/news/2026/11/", "the month it stands in"),
        ("", "nothing"),
        ("javascript:void(0)", "no address"),
        ("https://", "half of one"),
        ("http://[broken", "a broken one"),
    ],
)
def test_what_a_page_declares_is_passed_over(declared: str, why: str) -> None:
    assert canonical_url(PAGE, [declared]) == PLAIN, why
    assert canonical_url(PAGE, [declared, "/the/right-one"]) == "https://www.example.co.uk/the/right-one", why


@pytest.mark.parametrize(
    "variant", ["/amp", "/amp/", "/2", "/page/3", "/print", "?outputType=amp", "?page=2", "/seite/2"]
)
def test_other_forms_and_parts_lead_to_the_article_by_their_own_word(variant: str) -> None:
    assert canonical_url(PLAIN + variant, [PLAIN]) == PLAIN
    assert canonical_url(PLAIN + variant).startswith(PLAIN)
    assert canonical_url(PLAIN + variant) != PLAIN


def test_mobile_and_amp_hosts_lead_to_the_article_by_their_own_word() -> None:
    for host in ("m", "amp"):
        url = f"https://{host}.example.co.uk/news/7"
        assert canonical_url(url) == url
        assert canonical_url(url, ["https://www.example.co.uk/news/7"]) == "https://www.example.co.uk/news/7"


def test_a_declared_address_that_forgets_what_selects_the_article() -> None:
    assert canonical_url("https://example.com/?p=12", ["https://example.com/"]) == "https://example.com/?p=12"
    assert canonical_url("https://example.com/a.php?id=9", ["/a.php"]) == "https://example.com/a.php?id=9"
    assert canonical_url("https://example.com/?p=12", ["/2026/the-story"]) == "https://example.com/2026/the-story"


def test_blogs_of_one_host_are_sites_of_their_own() -> None:
    assert (
        canonical_url("https://anna.blogspot.com/a", ["https://bert.blogspot.com/a"]) == "https://anna.blogspot.com/a"
    )


def test_hosts_without_a_domain_are_sites_with_their_port() -> None:
    assert canonical_url("http://127.0.0.1:81/a", ["http://127.0.0.1:82/b"]) == "http://127.0.0.1:81/a"
    assert canonical_url("http://127.0.0.1:81/a", ["/b"]) == "http://127.0.0.1:81/b"
    assert canonical_url("http://localhost:81/a", ["http://localhost:81/b"]) == "http://localhost:81/b"


@pytest.mark.parametrize(
    "url",
    ["", "example.com/a", "ftp://example.com/", "mailto:a@example.com", "https://", "https:///a", "https://a b/",
     "//a.b/", "https://example.com:99999/", "https://example.com:0/", "https://-a.com/", "https://" + "a" * 3000, "http://a..b/"],
)  # fmt: skip
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    with pytest.raises(BadUrl):
        canonical_url(url)


def test_the_key_is_the_same_for_what_is_the_same_article() -> None:
    urls = [
        "https://www.example.com/a/?x=1&b=2",
        "http://example.com/a?b=2&x=1&utm_source=rss",
        "https://example.com:443/a/index.html?x=1&b=2#c",
    ]
    assert len({article_key(url) for url in urls}) == 1
    others = [
        "https://example.com/a",
        "https://example.com/a?x=1",
        "https://m.example.com/a?x=1&b=2",
        "https://example.com/A",
    ]
    assert len({article_key(url) for url in [*urls, *others]}) == 1 + len(others)


def test_sites_and_domains() -> None:
    assert site_of("https://www.news.example.co.uk/a") == "example.co.uk"
    assert site_of("http://127.0.0.1:8100/a") == "127.0.0.1:8100"
    assert domain_of("https://www.bücher.example/") == "bücher.example"
    assert same_site("https://a.example.com", "https://b.example.com/x")
    assert not same_site("https://a.example.com", "nothing")


hosts = st.sampled_from(["example.com", "WWW.Example.co.uk:443", "bücher.example:81", "127.0.0.1", "[::1]:80"])
tails = st.text(st.characters(codec="utf-8") | st.sampled_from("/%?&=.#;+2eE!"), max_size=60)


@settings(deadline=None)
@given(hosts, tails, tails)
@example("example.com", "/%%41%4%31", "")
@example("example.com", "/..;sid=a/b/..", "")
@example("example.com", "?a&amp;amp;b&&c", "")
def test_twice_is_once(host: str, tail: str, declared: str) -> None:
    url = f"https://{host}/{tail}"
    try:
        once = canonical_url(url, [declared])
    except BadUrl:
        return
    assert canonical_url(once) == once
    assert canonical_url(once, [once]) == once
    assert once.isascii()
    assert article_key(once) == article_key(once + "#top") or "#!" in once


@settings(deadline=None)
@given(st.text())
def test_whatever_it_is_given_it_answers_or_says_that_it_is_no_address(text: str) -> None:
    for url in (text, "https://" + text):
        with suppress(BadUrl):
            canonical_url(url, [text])
