"""One way to read a source, whatever kind it is of."""

from __future__ import annotations

from dataclasses import replace

from accepted_apps.news.errors import FetchFailed, NewsError, NotAFeed
from accepted_apps.news.fetching import Fetcher

from .feed import list_feed, parse_feed
from .homepage import list_homepage
from .mcp import list_tool
from .model import Listing, Method, Source


async def read_source(source: Source, fetcher: Fetcher, limit: int, *, tool_timeout: float = 60.0) -> Listing:
    """What a source lists now, at most `limit` links. tool_timeout: seconds for the call of an MCP tool.

    A feed's address that turns out to be a page without a feed is read as a homepage, and a homepage's that turns out
    to be a feed as that; the listing's `notes` say so. Raises a NewsError: BadUrl, FetchFailed, NotAFeed, NoLinks,
    ToolFailed.
    """
    if source.method == "mcp":
        listing = await list_tool(source, fetcher.policy, limit, timeout=tool_timeout)
    elif source.method == "homepage":
        listing = await _homepage(source, fetcher)
    else:
        listing = await _feed(source, fetcher)
    return replace(listing, links=listing.links[:limit])


async def find_method(url: str, fetcher: Fetcher) -> Method:
    """How an address that nobody has described is best read: as a feed where it is one, else as a homepage.

    Raises BadUrl and FetchFailed.
    """
    fetched = await fetcher.get(url, kind="feed")
    try:
        return "homepage" if parse_feed(fetched) is None else "feed"
    except NotAFeed:
        return "feed"


async def _feed(source: Source, fetcher: Fetcher) -> Listing:
    try:
        return await list_feed(source.url, fetcher)
    except NotAFeed as no_feed:
        try:
            listing = await list_homepage(source.url, "", fetcher)
        except NewsError:
            raise no_feed from None
        note = f"{source.url} is no feed and leads to none; it was read as a homepage."
        return replace(listing, notes=[note, *listing.notes])


async def _homepage(source: Source, fetcher: Fetcher) -> Listing:
    try:
        return await list_homepage(source.url, source.selectors.link_filter, fetcher)
    except FetchFailed as error:
        if error.code != "not_a_page":
            raise
        listing = await list_feed(source.url, fetcher)
        note = f"{source.url} is a feed, and was read as one."
        return replace(listing, notes=[note, *listing.notes], cost=listing.cost + error.cost)
