"""The press of the playground, read as a registry names it: every source, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from accepted_apps.news.article import extract_article
from accepted_apps.news.caching import MemoryCache
from accepted_apps.news.errors import FetchFailed, NewsError
from accepted_apps.news.fetching import Fetcher
from accepted_apps.news.sources.model import Listing, Source
from accepted_apps.news.sources.read import find_method, read_source
from accepted_apps.news.urls import canonical_url
from accepted_apps.playground import Playground
from accepted_apps.playground.news import news_sources
from accepted_apps.playground.news.papers import PAPERS
from accepted_apps.preview.climb import Climber
from accepted_apps.preview.settings import PreviewSettings


@pytest.fixture(scope="module")
def running() -> Iterator[Playground]:
    with Playground() as playground:
        yield playground


@pytest.fixture
def web(running: Playground) -> Playground:
    running.reset()
    return running


@pytest.fixture
async def fetcher(web: Playground) -> AsyncIterator[Fetcher]:
    settings = PreviewSettings(allow=(web.url.removeprefix("http://"),), host_delay=0.0, browser=False)
    async with Climber(settings) as climber, Fetcher(climber, cache=MemoryCache()) as made:
        yield made


def source(web: Playground, name: str) -> Source:
    [entry] = [each for each in news_sources(web.url) if each["id"] == name]
    return Source.model_validate(entry)


async def read(web: Playground, name: str, fetcher: Fetcher, limit: int = 50) -> Listing:
    return await read_source(source(web, name), fetcher, limit)


def test_the_registry_describes_them_all(web: Playground) -> None:
    entries = [Source.model_validate(entry) for entry in news_sources(web.url)]
    assert len({entry.id for entry in entries}) == len(entries) >= 10
    assert {entry.method for entry in entries} == {"feed", "homepage", "mcp"}


@pytest.mark.parametrize(
    ("name", "paper", "hints"),
    [
        ("harbour-post", "harbour", {"title", "published_at", "authors", "tags", "summary", "image"}),
        ("hafenblatt", "hafenblatt", {"title", "published_at", "authors", "tags", "summary"}),
        ("minato", "minato", {"title", "published_at", "authors", "tags", "summary", "image", "content"}),
        ("courrier", "courrier", {"title"}),
        ("puerto", "puerto", {"title", "summary"}),
        ("wire", "wire", {"title", "published_at", "authors", "tags", "summary", "content"}),
        ("slow", "slow", {"title", "published_at"}),
        ("busy", "busy", {"title", "published_at"}),
    ],
)
async def test_a_source_lists_all_of_its_articles_and_nothing_else(
    web: Playground, fetcher: Fetcher, name: str, paper: str, hints: set[str]
) -> None:
    listing = await read(web, name, fetcher)
    wanted = {canonical_url(web.url + PAPERS[paper].url(story)): story for story in PAPERS[paper].stories}
    links = [link for link in listing.links if not link.url.endswith(("/amp", "?print=1"))]
    assert [link.url for link in links] == list(wanted)
    for link, story in zip(links, wanted.values(), strict=True):
        assert link.title == story.title
        assert all(getattr(link, hint) for hint in hints)
        if "published_at" in hints:
            assert link.published_at == story.published
        if "authors" in hints:
            assert link.authors == [story.author]


async def test_the_front_page_of_a_paper_that_has_a_feed_too(web: Playground, fetcher: Fetcher) -> None:
    front = source(web, "courrier").model_copy(update={"url": f"{web.url}/news/harbour/"})
    listing = await read_source(front, fetcher, 50)
    stories = PAPERS["harbour"].stories
    assert [link.title for link in listing.links] == [story.title for story in stories]
    assert [link.published_at for link in listing.links] == [story.published for story in stories]
    assert listing.links[0].image.endswith(".svg?w=320") or listing.links[0].image == ""
    assert listing.links[0].summary == stories[0].lead
    as_feed = await read_source(source(web, "harbour-post").model_copy(update={"url": front.url}), fetcher, 3)
    assert as_feed.url == f"{web.url}/news/harbour/rss.xml"
    assert len(as_feed.links) == 3


async def test_a_homepage_that_is_a_feed_and_a_feed_that_is_a_homepage(web: Playground, fetcher: Fetcher) -> None:
    feed = source(web, "courrier").model_copy(update={"url": f"{web.url}/news/hafenblatt/atom.xml"})
    listing = await read_source(feed, fetcher, 50)
    assert len(listing.links) == len(PAPERS["hafenblatt"].stories)
    assert "is a feed, and was read as one" in listing.notes[0]
    page = source(web, "hafenblatt").model_copy(update={"url": f"{web.url}/news/courrier/"})
    listing = await read_source(page, fetcher, 50)
    assert len(listing.links) == len(PAPERS["courrier"].stories)
    assert "read as a homepage" in listing.notes[0]
    assert await find_method(feed.url, fetcher) == "feed"
    assert await find_method(page.url, fetcher) == "homepage"


async def test_without_its_filter_a_front_page_is_read_by_its_structure(web: Playground, fetcher: Fetcher) -> None:
    plain = Source(id="p", name="p", url=f"{web.url}/news/puerto/", method="homepage")
    listing = await read_source(plain, fetcher, 50)
    assert [link.title for link in listing.links] == [story.title for story in PAPERS["puerto"].stories]


async def test_the_second_reading_is_a_question_whether_anything_is_new(web: Playground, fetcher: Fetcher) -> None:
    first = await read(web, "harbour-post", fetcher)
    again = await read(web, "harbour-post", fetcher)
    assert (first.not_modified, again.not_modified) == (False, True)
    assert again.links == first.links
    asked = [visit.headers.get("if-none-match") for visit in web.visits if visit.path == "/news/harbour/rss.xml"]
    assert asked[0] is None
    assert asked[1]


async def test_the_same_article_under_three_addresses_is_one_by_its_page_s_word(
    web: Playground, fetcher: Fetcher
) -> None:
    listing = await read(web, "harbour-post", fetcher)
    first = listing.links[0]
    same = [link for link in listing.links if link.title == first.title]
    assert len(same) == 3
    articles = []
    for link in same:
        page = await fetcher.get(link.url)
        articles.append(extract_article(page.body, page.url, content_type=page.content_type, hints=link))
    assert {article.url for article in articles} == {first.url}
    assert articles[0].text


async def test_what_is_broken_says_so(web: Playground, fetcher: Fetcher) -> None:
    torn = await read(web, "torn", fetcher)
    assert len(torn.links) == len(PAPERS["torn"].stories)
    assert "not well-formed" in torn.notes[0]
    assert torn.links[0].content.startswith("<p>After four hours")
    with pytest.raises(FetchFailed) as gone:
        await read(web, "gone", fetcher)
    assert gone.value.code == "not_found"
    closed = source(web, "torn").model_copy(update={"url": f"{web.url}/private-area/news.xml"})
    with pytest.raises(FetchFailed) as refused:
        await read_source(closed, fetcher, 5)
    assert refused.value.code == "robots_refused"
    assert not [visit for visit in web.visits if visit.path.startswith("/private-area")]


async def test_the_limit_is_what_a_tool_is_asked_for_and_what_comes(web: Playground, fetcher: Fetcher) -> None:
    for name in ("wire", "harbour-post", "courrier"):
        assert len((await read(web, name, fetcher, 2)).links) == 2


async def test_addresses_behind_a_source_are_guarded(web: Playground, fetcher: Fetcher) -> None:
    inside = f"{web.url}/redirect/internal"
    for method in ("feed", "homepage", "mcp"):
        trap = Source(id="t", name="t", url=inside, method=method)
        with pytest.raises(NewsError):
            await read_source(trap, fetcher, 5)
        direct = trap.model_copy(update={"url": web.internal_urls[0]})
        with pytest.raises(FetchFailed) as refused:
            await read_source(direct, fetcher, 5)
        assert refused.value.code == "address_refused"
    assert web.internal_hits == []
