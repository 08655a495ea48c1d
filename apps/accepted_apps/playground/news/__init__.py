"""A small press: papers in five languages, with feeds, front pages and an MCP server, and troubles of their own.

It is part of the playground's site, under `/news/`; `news_sources` describes it as a registry of sources does.
"""

from accepted_apps.playground.news.registry import news_sources

__all__ = ["news_sources"]
