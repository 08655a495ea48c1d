"""The press as entries of a registry of sources."""

from typing import Any

_SOURCES: tuple[dict[str, Any], ...] = (
    {"id": "harbour-post", "name": "Harbour Post", "url": "harbour/rss.xml", "icon": "⚓", "category": "Local"},
    {"id": "hafenblatt", "name": "Hafenblatt", "url": "hafenblatt/atom.xml", "icon": "🗞️", "category": "Lokales"},
    {"id": "minato", "name": "みなと新聞", "url": "minato/feed.json", "icon": "🌊", "category": "Local"},
    {
        "id": "courrier",
        "name": "Courrier du port",
        "url": "courrier/",
        "icon": "📰",
        "category": "Régional",
        "method": "homepage",
    },
    {
        "id": "puerto",
        "name": "El Puerto",
        "url": "puerto/",
        "icon": "☀️",
        "category": "Regional",
        "method": "homepage",
        "selectors": {"linkFilter": "ul.portada a"},
    },
    {"id": "wire", "name": "Harbour wire", "url": "mcp", "icon": "🔌", "category": "Agency", "method": "mcp",
     "tool": "latest_articles"},
    {"id": "slow", "name": "Slow Tidings", "url": "slow/rss.xml", "icon": "🐌", "category": "Troubles"},
    {"id": "torn", "name": "Torn Pages", "url": "torn/rss.xml", "icon": "✂️", "category": "Troubles"},
    {"id": "busy", "name": "Busy Courier", "url": "busy/rss.xml", "icon": "🚦", "category": "Troubles"},
    {"id": "gone", "name": "Gone Gazette", "url": "gone/rss.xml", "icon": "👻", "category": "Troubles"},
)  # fmt: skip


def news_sources(base_url: str) -> list[dict[str, Any]]:
    """The press on the playground at this address, as `{id, name, url, icon, category, method, selectors}`; the MCP
    server with its `tool`. The last one, Gone Gazette, answers 404 on purpose."""
    base = f"{base_url.rstrip('/')}/news/"
    return [
        {"method": "feed", "selectors": {"linkFilter": ""}} | each | {"url": base + each["url"]} for each in _SOURCES
    ]
