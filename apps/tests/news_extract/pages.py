"""News pages, made up, in the forms that real ones have."""

from __future__ import annotations

import json
from typing import Any

URL = "https://www.daily.example/politics/storm-reaches-the-coast-4711"
TITLE = "Storm reaches the coast and closes the harbour"
PARAGRAPHS = (
    "The storm reached the coast on Monday evening, and hundreds of people left their houses before the water came.",
    "Many roads are closed, and no train is going to run before Wednesday, the railway company said in a statement.",
    "The mayor asked everybody to stay at home: “We have seen worse, but never so early in the year,” she said.",
    "In the harbour, two ships broke loose during the night. Nobody was hurt, according to the fire brigade.",
    "The weather service expects that the wind will calm down in the course of Tuesday, first in the north.",
)


def page(
    *,
    head: str = "",
    before: str = "",
    inside: str = "",
    after: str = "",
    title: str = TITLE,
    lang: str = "en",
    text: Any = PARAGRAPHS,
) -> bytes:
    """A page with navigation, an article and a footer around it; as UTF-8."""
    paragraphs = "".join(f"<p>{one}</p>" for one in text)
    return (
        f"<!doctype html><html lang='{lang}'><head><title>{title} - The Daily</title>"
        f"<meta property='og:site_name' content='The Daily'>{head}</head><body>"
        "<nav class='menu'><a href='/'>Home</a> <a href='/politics'>Politics</a> <a href='/sport'>Sport</a></nav>"
        f"<main>{before}<article class='article'><h1>{title}</h1>{inside}"
        f"<div class='article-body'>{paragraphs}</div></article>{after}</main>"
        "<footer><p>The Daily, all rights reserved. Imprint, privacy, cookies.</p></footer></body></html>"
    ).encode()


def linked(**members: Any) -> str:
    """A script of JSON-LD about the article."""
    node = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": TITLE, **members}
    return script(node)


def script(node: Any) -> str:
    return f"<script type='application/ld+json'>{json.dumps(node)}</script>"
