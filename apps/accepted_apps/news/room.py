"""What the news jobs of one process share, and its routes: the memory, the registry, the fetcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from accepted_apps.news.documents.choose import engine_for
from accepted_apps.news.documents.documents import Documents
from accepted_apps.news.registry import Registry, shared_sources
from accepted_apps.news.settings import NewsSettings
from accepted_apps.news.sources.model import Listing, Source
from accepted_apps.preview.task import Warm

if TYPE_CHECKING:
    from accepted_apps.news.fetching import Fetcher

P = ParamSpec("P")
T = TypeVar("T")


class Newsroom:
    """Made with the application; what it holds opens when it is first used, and is closed when the process stops.

    warm: whose engine fetches, so that previews and news take turns at a host. Raises ConfigurationError.
    """

    def __init__(self, settings: NewsSettings, warm: Warm, data: Path) -> None:
        self.settings = settings
        self.documents = Documents(engine_for(settings.database, data))
        self.registry = Registry(self.documents, shared_sources(settings.sources), settings)
        self._warm = warm
        self._fetcher: Fetcher | None = None
        self._threads: ThreadPoolExecutor | None = None

    def fetcher(self) -> Fetcher:
        """Call it in the worker's event loop, to which connections belong."""
        if self._fetcher is None:
            # What fetches and reads takes a while to load; who only submits needs none of it.
            from accepted_apps.news.fetching import Fetcher

            self._fetcher = Fetcher(
                self._warm.climber(),
                cache=self.documents,
                max_age=self.settings.believe,
                max_tier=self.settings.max_tier,
            )
        return self._fetcher

    async def read(self, source: Source, limit: int) -> Listing:
        """What a source lists now, `limit` links at most. Raises NewsError."""
        from accepted_apps.news.sources.read import read_source

        return await read_source(source, self.fetcher(), limit)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what takes the processor for a while, no more at once than the settings say."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.settings.extractions_at_once, "accepted-news-extract")
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: run(function, *args, **kwargs))

    async def close(self) -> None:
        """Idempotent; the next use opens it again."""
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            await fetcher.__aexit__(None, None, None)
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        await self.documents.close()
