from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from hub.fakes import Log

from accepted.hub import Hub
from accepted.settings import Settings

Running = Callable[..., AbstractAsyncContextManager[Hub]]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def running() -> Running:
    """A started hub on a store; without its safety net unless `poll` is given."""

    @asynccontextmanager
    async def run(store: Any, *, poll: float = 3600.0, **settings: Any) -> AsyncIterator[Hub]:
        hub = Hub(store, Settings(poll=poll, **settings))
        await hub.start()
        try:
            yield hub
        finally:
            await hub.stop()

    return run


@pytest.fixture
async def hub(log: Log, running: Running) -> AsyncIterator[Hub]:
    async with running(log) as hub:
        yield hub
