"""An agency that is read by a tool: an MCP server over Streamable HTTP, started by its first request."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from accepted_apps.playground.news.papers import WIRE
from accepted_apps.playground.state import State


class Wire:
    """The MCP server as an ASGI application. Its sessions end with the playground."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._running: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await self._ready.wait()
        assert self._app is not None  # noqa: S101 - made before it is ready
        await self._app({**scope, "path": "/mcp", "root_path": ""}, receive, send)

    async def _run(self) -> None:
        server = await asyncio.to_thread(_server)
        self._app = server.streamable_http_app()
        async with server.session_manager.run():
            self._ready.set()
            await self._state.closing.wait()


def _server() -> Any:
    from mcp.server.mcpserver import Context, MCPServer  # half a second, for whoever asks for it

    server: Any = MCPServer("Harbour wire", log_level="ERROR")

    async def latest_articles(context: Context, limit: int = 10) -> list[dict[str, Any]]:
        """The latest articles of the agency, newest first."""
        host = (context.headers or {}).get("host", "127.0.0.1")
        return [
            {
                "headline": story.title,
                "url": f"http://{host}{WIRE.url(story)}?utm_source=wire",
                "byline": f"By {story.author}",
                "publishedAt": story.published.isoformat(),
                "summary": story.lead,
                "text": story.text,
                "topics": list(story.tags),
            }
            for story in WIRE.stories[: max(0, limit)]
        ]

    async def harbour_tide(harbour: str) -> str:
        """When it is high water."""
        return f"High water in {harbour} at 06:12 and 18:40."

    server.add_tool(latest_articles)
    server.add_tool(harbour_tide)
    return server
