"""A source that is a tool of an MCP server, called over Streamable HTTP with the official client.

Its connections go through the guard, as every other. What a tool answers with is not standardised: structured content,
JSON in text, one text for each article, or words; the names of an article's parts are those that are usual.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from accepted.guard import AddressPolicy
from accepted_apps.news.errors import FetchFailed, ToolFailed
from accepted_apps.preview.errors import PrivateAddress, TooLarge

from .collect import unique
from .guarded import GuardedTransport
from .items import links_of
from .model import MAX_LINKS, Link, Listing, Source

_MAX_TOOLS = 200
_LIMITS = ("limit", "count", "maxresults", "max", "n", "num", "size", "pagesize", "topk", "maxitems", "numresults")
_ABOUT_NEWS = ("news", "article", "headline", "stories", "story", "latest", "feed", "press")


async def list_tool(source: Source, policy: AddressPolicy, limit: int, *, timeout: float) -> Listing:
    """The articles that the source's tool names; `limit` is passed on where the tool has a parameter for it.

    timeout: seconds for all of it. Raises ToolFailed, and FetchFailed for an address that is refused.
    """
    transport = GuardedTransport(policy, timeout=timeout)
    try:
        async with (
            asyncio.timeout(timeout),
            httpx2.AsyncClient(transport=transport, timeout=timeout) as http,
            Client(streamable_http_client(source.url, http_client=http)) as client,
        ):
            tool = _chosen(source, await _tools(client))
            result = await client.call_tool(tool.name, _arguments(source, tool, limit))
    except TimeoutError:
        raise ToolFailed(
            f"The MCP server {_server(source)} did not answer within {timeout:g} seconds.", retryable=True
        ) from None
    except Exception as error:
        raise _failed(source, transport, error) from error
    if result.is_error:
        raise ToolFailed(f"The tool {tool.name!r} answers with an error: {_words(result.content)}")
    return await asyncio.to_thread(_listing, source, tool.name, result)


def _listing(source: Source, tool: str, result: Any) -> Listing:
    """Raises ToolFailed for an answer that holds nothing that could be an article."""
    texts = [block.text for block in result.content if getattr(block, "type", "") == "text"]
    found = links_of(result.structured_content, source.url) or links_of(_answer(texts), source.url)
    if found is None:
        raise ToolFailed(
            f"The tool {tool!r} answers with something that holds no articles: it needs a list of objects with `url`."
        )
    links: list[Link] = unique(found.links[:MAX_LINKS])
    notes = [] if links else ["The tool names no article at present."]
    if found.without:
        notes.append(f"{found.without} entries have no address of an article and were passed over.")
    return Listing(links=links, title=source.name, url=source.url, notes=notes)


def _answer(texts: list[str]) -> Any:
    """What the texts say: JSON; else a list of the JSON of each; else words."""
    if len(texts) == 1:
        return _json(texts[0])
    parts = [_json(text) for text in texts]
    return parts if all(isinstance(part, dict) for part in parts) else _json("\n\n".join(texts))


def _json(text: str) -> Any:
    said = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return text


async def _tools(client: Client) -> list[Any]:
    tools: list[Any] = []
    cursor: str | None = None
    while len(tools) < _MAX_TOOLS:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


def _chosen(source: Source, tools: list[Any]) -> Any:
    """The tool that is named, the only one, or the one that alone is about news. Raises ToolFailed."""
    names = ", ".join(tool.name for tool in tools) or "none"
    if source.tool:
        for tool in tools:
            if tool.name == source.tool:
                return tool
        raise ToolFailed(f"The MCP server {_server(source)} has no tool {source.tool!r}; it has: {names}.")
    if len(tools) == 1:
        return tools[0]
    likely = {tool.name: (_likelihood(tool), tool) for tool in tools if _callable(source, tool)}
    best = max((score for score, _ in likely.values()), default=0)
    leading = [tool for score, tool in likely.values() if score == best > 0]
    if len(leading) != 1:
        raise ToolFailed(f"The MCP server {_server(source)} has several tools, so name one in `tool`: {names}.")
    return leading[0]


def _likelihood(tool: Any) -> int:
    name, about = tool.name.lower(), (tool.description or "").lower()
    return sum(2 * (word in name) + (word in about) for word in _ABOUT_NEWS)


def _callable(source: Source, tool: Any) -> bool:
    """Whether the source's arguments are all that the tool requires."""
    return set(_schema(tool).get("required") or ()) <= source.arguments.keys()


def _arguments(source: Source, tool: Any, limit: int) -> dict[str, Any]:
    arguments = dict(source.arguments)
    given = {_plain_name(name) for name in arguments}
    for name, schema in (_schema(tool).get("properties") or {}).items():
        if _plain_name(name) in _LIMITS and not given & set(_LIMITS) and _takes_numbers(schema):
            most = schema.get("maximum")
            arguments[name] = min(limit, most) if isinstance(most, int) else limit
            break
    return arguments


def _schema(tool: Any) -> Mapping[str, Any]:
    return tool.input_schema or {}


def _plain_name(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _takes_numbers(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    kinds = [schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ()) if isinstance(each, dict))]
    return "integer" in kinds or "number" in kinds


def _failed(source: Source, transport: GuardedTransport, error: Exception) -> Exception:
    """What went wrong, in a sentence: the guard's own word first, since the client only knows of no connection."""
    if transport.refused is not None:
        return FetchFailed(str(transport.refused), code=PrivateAddress.code, url=source.url)
    if transport.too_large:
        return FetchFailed(
            f"The MCP server {_server(source)} answers with more than is read.", code=TooLarge.code, url=source.url
        )
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, ToolFailed):
        return first
    if isinstance(first, MCPError):
        return ToolFailed(f"The MCP server {_server(source)} refuses the call: {str(first)[:300]}")
    said = str(first)[:300] or type(first).__name__
    return ToolFailed(f"The MCP server {_server(source)} could not be asked: {said}", retryable=True)


def _server(source: Source) -> str:
    """The server's address without what may be a key."""
    return source.url.partition("?")[0]


def _words(content: list[Any]) -> str:
    text = " ".join(block.text for block in content if getattr(block, "type", "") == "text")
    return " ".join(text.split())[:500] or "it gives no reason."
