"""The playground's press, read as jobs: every way in which a source may be read, in five languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.news import news_sources

from .serving import Client

READ_AS = {
    "harbour-post": "feed",
    "hafenblatt": "feed",
    "minato": "feed",
    "courrier": "homepage",
    "puerto": "homepage",
    "wire": "mcp",
}


@pytest.fixture
def press() -> Iterator[Playground]:
    with Playground() as running:
        yield running


async def test_feeds_homepages_and_tools_bring_articles(client: Client, press: Playground) -> None:
    for source in news_sources(press.url):
        if source["id"] in READ_AS:
            await client.enter(**source)
    job = await client.run(*READ_AS, limit=2)
    assert job["status"] == "completed", job
    assert {one["id"]: one["method"] for one in job["report"]} == READ_AS
    assert all(one["error"] is None and one["articles"] == 2 for one in job["report"]), job["report"]
    assert job["failures"] == []
    for article in job["result"]:
        assert article["title"], article
        assert article["fullText"], article
        assert article["metrics"]["wordCount"] > 0, article
    assert len({article["link"] for article in job["result"]}) == 2 * len(READ_AS)
