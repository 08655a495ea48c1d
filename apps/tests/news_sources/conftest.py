"""A fetcher that may reach one loopback address, without pauses unless a test asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from accepted_apps.news.fetching import Fetcher
from accepted_apps.preview.climb import Climber
from accepted_apps.preview.settings import PreviewSettings

from .site import Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def fetching(site: Site) -> AsyncIterator[Callable[..., Fetcher]]:
    """Makes a fetcher that may fetch from the site alone; the preview's settings go by their names."""
    async with AsyncExitStack() as stack:

        def make(*, cache: Any = None, max_age: float = 300.0, max_tier: int = 1, **settings: Any) -> Fetcher:
            allow = ("{}:{}".format(*site.address),)
            values: dict[str, Any] = {
                "allow": allow,
                "host_delay": 0.0,
                "respect_robots": False,
                "browser": False,
            } | settings
            climber = Climber(PreviewSettings(**values))
            stack.push_async_callback(climber.close)
            fetcher = Fetcher(climber, cache=cache, max_age=max_age, max_tier=max_tier)
            stack.push_async_exit(fetcher)
            return fetcher

        yield make
