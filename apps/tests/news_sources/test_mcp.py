"""Tools of MCP servers, over real sockets: what they answer with, and how they fail."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import uvicorn
from accepted_apps.news.errors import FetchFailed, NewsError, ToolFailed
from accepted_apps.news.sources.items import links_of
from accepted_apps.news.sources.mcp import list_tool
from accepted_apps.news.sources.model import Link, Listing, Source
from mcp.server.mcpserver import MCPServer

from accepted.guard import AddressPolicy

from .site import Asked, Said, Site, said

ARTICLE = {"title": "One", "url": "https://post.example/1"}


@asynccontextmanager
async def serving(*tools: Any, json_response: bool = False) -> AsyncIterator[str]:
    """A server with these functions as its tools; its address."""
    server: Any = MCPServer("test", log_level="CRITICAL")
    for tool in tools:
        server.add_tool(tool)
    app = server.streamable_http_app(json_response=json_response)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
        running = uvicorn.Server(config)
        task = asyncio.create_task(running.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp?key=geheim"
        finally:
            running.should_exit = True
            await task


async def asked(url: str, *, limit: int = 5, timeout: float = 20.0, **options: Any) -> Listing:
    source = Source(id="s", name="Wire", url=url, method="mcp", **options)
    return await list_tool(source, AddressPolicy(["127.0.0.1"]), limit, timeout=timeout)


async def failing(url: str, **options: Any) -> NewsError:
    with pytest.raises(NewsError) as raised:
        await asked(url, **options)
    assert "geheim" not in raised.value.message
    return raised.value


async def latest(limit: int = 3, topic: str = "all") -> list[dict[str, Any]]:
    """News."""
    return [{"headline": f"{topic} {n}", "link": f"https://post.example/{n}"} for n in range(limit)]


async def as_text(count: int) -> str:
    """JSON in text."""
    return json.dumps({"articles": [ARTICLE] * count})


async def tide(harbour: str) -> str:
    """High water."""
    return "06:12"


async def bursting() -> str:
    """Raises."""
    raise RuntimeError("out of paper")


@pytest.mark.parametrize("json_response", [True, False])
async def test_structured_content_and_a_limit_that_is_passed_on(json_response: bool) -> None:
    async with serving(latest, json_response=json_response) as url:
        listing = await asked(url, limit=7, arguments={"topic": "wall"})
    assert [link.url for link in listing.links] == [f"https://post.example/{n}" for n in range(7)]
    assert listing.links[0].title == "wall 0"


async def test_a_limit_of_one_s_own_stays() -> None:
    async with serving(latest) as url:
        assert len((await asked(url, limit=7, arguments={"limit": 2})).links) == 2


async def test_json_in_text_from_the_tool_that_is_named() -> None:
    async with serving(latest, as_text, tide) as url:
        listing = await asked(url, tool="as_text")
        assert [(link.title, link.url) for link in listing.links] == [("One", "https://post.example/1")]
        # Of several, the only one that speaks of news and needs nothing that is not given.
        assert len((await asked(url)).links) == 5


async def test_which_tool_is_meant_is_asked_where_it_is_not_plain() -> None:
    async with serving(as_text, tide, bursting) as url:
        error = await failing(url)
        assert error.code == "tool_failed"
        assert "name one in `tool`: as_text, tide, bursting" in error.message
        assert "has no tool 'nope'; it has: as_text, tide, bursting" in (await failing(url, tool="nope")).message


async def test_errors_of_the_tool() -> None:
    async with serving(bursting, tide, as_text) as url:
        assert "answers with an error: Error executing tool" in (await failing(url, tool="bursting")).message
        assert "harbour" in (await failing(url, tool="tide")).message
        nothing = await failing(url, tool="tide", arguments={"harbour": "Kiel"})
        assert "holds no articles" in nothing.message


async def test_a_tool_that_takes_too_long_is_left() -> None:
    ended = asyncio.Event()

    async def endless() -> str:
        """Never ends."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    async with serving(endless) as url:
        started = time.monotonic()
        error = await failing(url, timeout=1.0)
        assert isinstance(error, ToolFailed)
        assert error.retryable
        assert "within 1 seconds" in error.message
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "route",
    [said("<h1>x</h1>", 404), said("<h1>x</h1>", 500), said("hello"), said("{}", content_type="application/json")],
)
async def test_what_is_no_mcp_server(site: Site, route: Said) -> None:
    site.routes["/mcp"] = route
    assert (await failing(f"{site.url}/mcp", timeout=10.0)).code == "tool_failed"


async def test_nobody_there(site: Site) -> None:
    await site.close()
    error = await failing(f"{site.url}/mcp")
    assert (error.code, error.retryable) == ("tool_failed", True)


async def test_private_addresses_are_refused_also_behind_redirects(site: Site) -> None:
    source = Source(id="s", name="s", url="http://169.254.169.254/mcp", method="mcp")
    with pytest.raises(FetchFailed) as raised:
        await list_tool(source, AddressPolicy(), 5, timeout=10)
    assert raised.value.code == "address_refused"

    async with Site({"/mcp": said("{}")}) as inside:

        def to_inside(_: Asked) -> Said:
            return said(status=307, location=f"{inside.url}/mcp")

        site.routes["/mcp"] = to_inside
        policy = AddressPolicy(["{}:{}".format(*site.address)])
        with pytest.raises(NewsError):
            await list_tool(source.model_copy(update={"url": f"{site.url}/mcp"}), policy, 5, timeout=10)
        assert inside.asked == []


# ── what answers look like ──


@pytest.mark.parametrize(
    "answer",
    [
        [ARTICLE],
        {"articles": [ARTICLE]},
        {"result": [ARTICLE]},
        {"status": "ok", "data": {"items": [ARTICLE]}},
        {"response": {"results": [{"webTitle": "One", "webUrl": "https://post.example/1"}]}},
        {"hits": {"hits": [{"_source": ARTICLE}]}},
        {"tags": [{"name": "x"}], "stories": [ARTICLE]},
        ARTICLE,
        [{"article": ARTICLE, "score": 1}],
        "Title: One\nURL: https://post.example/1\n\n---\n",
        "**Title:** One\n**Link:** https://post.example/1",
        "1. [One](https://post.example/1) – words",
    ],
)
def test_articles_are_found_wherever_they_are(answer: Any) -> None:
    found = links_of(answer, "https://wire.example/mcp")
    assert found is not None
    assert [(link.title, link.url) for link in found.links] == [("One", "https://post.example/1")]


@pytest.mark.parametrize("answer", ["No news today.", {"ok": True}, [1, 2], [{"name": "x"}], None, 5])
def test_what_holds_no_articles(answer: Any) -> None:
    assert links_of(answer, "https://wire.example/mcp") is None


def test_an_empty_list_is_an_answer() -> None:
    found = links_of({"articles": []}, "https://wire.example/mcp")
    assert found is not None
    assert found.links == []


def test_the_parts_of_an_article_by_their_usual_names() -> None:
    item = {
        "headline": "<b>One</b>",
        "web_url": "https://post.example/1?utm_source=wire",
        "bodyText": "Long text.",
        "standfirst": "Short.",
        "publication_date": "2026-11-22T12:00:00Z",
        "byline": "By Ada Quist and Ben Holt",
        "keywords": "wall, harbour",
        "urlToImage": {"url": "https://post.example/1.jpg"},
        "sectionName": "Town",
    }
    found = links_of([item, {"title": "no address"}], "https://wire.example/mcp")
    assert found is not None
    assert found.without == 1
    assert found.links == [
        Link(
            url="https://post.example/1",
            title="One",
            content="Long text.",
            summary="Short.",
            published_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
            authors=["Ada Quist", "Ben Holt"],
            tags=["wall", "harbour"],
            image="https://post.example/1.jpg",
            section="Town",
        )
    ]
