"""The routes of the press, below `/news/`."""

import hashlib
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from accepted_apps.playground import content
from accepted_apps.playground.news import feeds
from accepted_apps.playground.news.papers import (
    BUSY,
    COURRIER,
    HAFENBLATT,
    HARBOUR,
    MINATO,
    PAPERS,
    PUERTO,
    SLOW,
    TORN,
    Paper,
)
from accepted_apps.playground.news.stories import Story
from accepted_apps.playground.news.wire import Wire
from accepted_apps.playground.pages import Page, Section, html, number, state_of
from accepted_apps.playground.state import State


async def harbour_feed(request: Request) -> Response:
    """RSS with the first article under three addresses."""
    return _kept(request, feeds.doubled(HARBOUR, _site(request)), "application/rss+xml", HARBOUR)


async def hafenblatt_feed(request: Request) -> Response:
    """Atom."""
    return _kept(request, feeds.atom(HAFENBLATT, _site(request)), "application/atom+xml", HAFENBLATT)


async def minato_feed(request: Request) -> Response:
    """JSON Feed."""
    return _kept(request, feeds.json_feed(MINATO, _site(request)), "application/feed+json", MINATO)


async def harbour_front(_request: Request) -> Response:
    """Cards with headings."""
    return _front(HARBOUR)


async def courrier_front(_request: Request) -> Response:
    """Blocks without any heading."""
    return _front(COURRIER)


async def puerto_front(_request: Request) -> Response:
    """A list of links that hold headings, and an advertisement that looks like one of them."""
    return _front(PUERTO)


async def slow_feed(request: Request) -> Response:
    """RSS after a while."""
    await state_of(request).pause(number(request, "seconds", 1, most=600))
    return _xml(feeds.rss(SLOW, _site(request)))


async def torn_feed(request: Request) -> Response:
    """RSS that ends in the middle of its last item, with an ampersand that is none, called a page."""
    text = feeds.rss(TORN, _site(request), full=True).replace("the council", "the council & co", 1)
    return Response(text[: text.rindex("<description>")], headers={"Content-Type": "text/html; charset=iso-8859-1"})


async def busy_feed(request: Request) -> Response:
    """429 for the first request of a client, then RSS."""
    state = state_of(request)
    if state.count("busy-feed", request.query_params.get("key", ""), state.client_of(request)) == 1:
        return PlainTextResponse("busy", status_code=429, headers={"Retry-After": "1"})
    return _xml(feeds.rss(BUSY, _site(request)))


async def closed_feed(request: Request) -> Response:
    """RSS that robots.txt asks not to read."""
    return _xml(feeds.rss(HARBOUR, _site(request)))


async def picture(request: Request) -> Response:
    """The picture of an article."""
    return Response(content.product_image(request.path_params["number"] * 47 % 360), media_type="image/svg+xml")


async def article(request: Request) -> Response:
    """One article, also at its AMP address; Slow Tidings take their time over it."""
    paper = PAPERS.get(request.path_params["paper"])
    path = request.path_params["path"]
    story = paper.at(path.removesuffix("/amp")) if paper else None
    if paper is None or story is None:
        raise HTTPException(404)
    if paper is SLOW:
        await state_of(request).pause(number(request, "seconds", 0.5, most=600))
    site = _site(request)
    url, shown = site + paper.url(story), f"{site}/news/picture/{story.number}.svg"
    page = html(
        "news/article.html",
        paper=paper,
        story=story,
        url=url,
        picture=shown,
        json_ld=_json_ld(paper, story, url, shown),
    )
    return _kept(request, bytes(page.body).decode(), "text/html; charset=utf-8", paper)


async def short(request: Request) -> Response:
    """A short address of Harbour Post's articles."""
    for story in HARBOUR.stories:
        if story.number == request.path_params["number"]:
            return RedirectResponse(HARBOUR.url(story), status_code=301)
    raise HTTPException(404)


def _json_ld(paper: Paper, story: Story, url: str, shown: str) -> dict[str, Any] | None:
    described = {
        "@type": "NewsArticle",
        "headline": story.title,
        "datePublished": story.published.isoformat(),
        "author": [{"@type": "Person", "name": story.author}],
        "articleSection": story.section,
        "keywords": list(story.tags),
        "image": {"@type": "ImageObject", "url": shown},
        "mainEntityOfPage": url,
        "publisher": {"@type": "Organization", "name": paper.title},
    }
    if paper.markup == "graph":
        return {"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": paper.title}, described]}
    return {"@context": "https://schema.org", **described} if paper.markup == "json-ld" else None


def _front(paper: Paper) -> Response:
    return html("news/front.html", paper=paper, pictures="/news/picture")


def _site(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _xml(text: str) -> Response:
    return Response(text, headers={"Content-Type": "application/xml"})


def _kept(request: Request, text: str, content_type: str, paper: Paper) -> Response:
    """With validators, and 304 for whoever has it already (RFC 9110, 13.2.2: the tag goes before the date)."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    newest = max(story.published for story in paper.stories)
    headers = {"ETag": tag, "Last-Modified": format_datetime(newest, usegmt=True), "Content-Type": content_type}
    asked = request.headers
    has = asked["if-none-match"] == tag if "if-none-match" in asked else _since(asked.get("if-modified-since"), newest)
    return Response(status_code=304, headers=headers) if has else Response(text, headers=headers)


def _since(text: str | None, newest: Any) -> bool:
    try:
        return text is not None and parsedate_to_datetime(text) >= newest
    except (ValueError, TypeError):
        return False


def routes(state: State) -> list[BaseRoute]:
    """What belongs to the press and is no page of the index."""
    return [
        Mount("/news/mcp", Wire(state)),
        Route("/news/picture/{number:int}.svg", picture),
        Route("/news/harbour/s/{number:int}", short),
        Route("/news/{paper}/{path:path}", article),
    ]


SECTION = Section(
    "News",
    (
        Page("/news/harbour/rss.xml", "Harbour Post, feed", "RSS with ETag and 304; one article under three addresses.",
             "not a page: a news source, feed", harbour_feed),
        Page("/news/harbour/", "Harbour Post", "A front page of cards with headings, pictures and tracking links.",
             "tier 1; a news source, homepage", harbour_front),
        Page("/news/hafenblatt/atom.xml", "Hafenblatt", "Atom in German, with links under xml:base.",
             "not a page: a news source, feed", hafenblatt_feed),
        Page("/news/minato/feed.json", "みなと新聞", "JSON Feed in Japanese.",
             "not a page: a news source, feed", minato_feed),
        Page("/news/courrier/", "Courrier du port", "A front page in French, of blocks without headings.",
             "tier 1; a news source, homepage", courrier_front),
        Page("/news/puerto/", "El Puerto", "A front page in Spanish, with an advertisement among its links.",
             "tier 1; a news source, homepage with a linkFilter", puerto_front),
        Page("/news/slow/rss.xml?seconds=1", "Slow Tidings", "RSS after ?seconds=; its articles take half a second.",
             "not a page: a news source, slow", slow_feed),
        Page("/news/torn/rss.xml", "Torn Pages", "RSS that ends in the middle and is called a page; with full texts.",
             "a news source that is read as far as it goes", torn_feed),
        Page("/news/busy/rss.xml", "Busy Courier", "429 with Retry-After at first; ?key= starts anew.",
             "not a page: a news source that is asked again", busy_feed),
        Page("/private-area/news.xml", "Closed Chronicle", "RSS that robots.txt asks not to read.",
             "refused, unless robots.txt is set to be ignored", closed_feed),
    ),
)  # fmt: skip
