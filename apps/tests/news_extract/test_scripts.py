"""Pages whose article lies in a script, as JSON, until that script shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from accepted_apps.news.article import Article, NotAnArticle, extract_article

from .pages import PARAGRAPHS, TITLE, URL, page

HTML = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)


def shell(*scripts: str) -> bytes:
    """What a server sends that leaves the showing to the browser."""
    return (
        f"<html><head><title>{TITLE}</title><meta property='og:type' content='article'></head><body>"
        f"<div id='root'><h1>{TITLE}</h1></div>{''.join(scripts)}</body></html>"
    ).encode()


def data(value: Any) -> str:
    return f"<script type='application/json' id='__NEXT_DATA__'>{json.dumps(value)}</script>"


def read(*scripts: str) -> Article:
    return extract_article(shell(*scripts), URL)


def spans(text: str) -> list[dict[str, Any]]:
    """A paragraph as editors store it: a plain piece, and one with a mark."""
    return [{"type": "text", "text": text[:20]}, {"type": "text", "text": text[20:], "marks": [{"type": "bold"}]}]


@pytest.mark.parametrize(
    "script",
    [
        data({"props": {"pageProps": {"post": {"title": TITLE, "body": HTML}}}}),
        data({"post": {"title": TITLE, "paragraphs": list(PARAGRAPHS)}}),
        data({"doc": {"type": "doc", "content": [{"type": "paragraph", "content": spans(one)} for one in PARAGRAPHS]}}),
        data({"body": [{"_type": "block", "children": [{"_type": "span", "text": one}]} for one in PARAGRAPHS]}),
        data([0, {"1": 2}, HTML]),
        f"<script>window.__INITIAL_STATE__ = {json.dumps({'article': {'contentHtml': HTML}})};</script>",
        f"<script>window.__STATE__=JSON.parse({json.dumps(json.dumps({'story': {'text': HTML}}))})</script>",
        "<script>window.Fusion=window.Fusion||{};Fusion.globalContent="
        + json.dumps({
            "headlines": {"basic": TITLE},
            "content_elements": [
                {"type": "image", "caption": "A wave that broke the pier of the harbour."},
                *({"type": "text", "content": one} for one in PARAGRAPHS),
                {"type": "interstitial_link", "content": "Another storm, another year"},
            ],
        })
        + ";Fusion.spa=false</script>",
    ],
    ids=["html", "list", "prosemirror", "portable", "any name", "assigned", "parsed", "fusion"],
)  # fmt: skip
def test_the_article_in_a_script_is_read_where_the_page_is_a_shell(script: str) -> None:
    article = read(script)
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert (article.title, article.extracted_by["text"]) == (TITLE, "script")


def test_of_several_articles_the_one_with_the_title_of_the_page_is_taken() -> None:
    other = {"title": "Another storm, another year", "body": HTML.replace("storm", "flood") * 2}
    assert read(data({"entries": [other, {"title": TITLE, "body": HTML}]})).text.split("\n") == list(PARAGRAPHS)


@pytest.mark.parametrize("name", ["related", "comments", "cookieConsent", "translations"])
def test_what_is_no_article_in_a_script_is_not_read(name: str) -> None:
    with pytest.raises(NotAnArticle):
        read(data({name: {"body": HTML}}))


def test_what_is_seen_goes_before_what_a_script_holds() -> None:
    other = data({"post": {"title": TITLE, "body": HTML.replace("storm", "flood") * 9}})
    assert extract_article(page(after=other), URL).text.split("\n") == list(PARAGRAPHS)


@pytest.mark.parametrize("script", ["[" * 90_000, '{"body":' * 30_000, "x={" * 30_000, 'a=JSON.parse("' * 9_000])
def test_scripts_that_are_no_data_end_as_no_article(script: str) -> None:
    with pytest.raises(NotAnArticle):
        read(f"<script type='application/json'>{script}</script><script>{script}</script>")
