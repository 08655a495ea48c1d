"""One playground and one server for most tests; those that stop or limit a server start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.playground import Playground

from .serving import Client, Server


@pytest.fixture(scope="session")
def playground() -> Iterator[Playground]:
    with Playground(slow_seconds=0.2) as running:
        yield running


@pytest.fixture
def web(playground: Playground) -> Playground:
    playground.reset()
    return playground


@pytest.fixture(scope="session")
def server(playground: Playground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("data"), playground).start()
    yield running
    running.stop()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


@pytest.fixture
def serve(web: Playground, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, with these settings."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        started.append(Server(tmp_path, web, **settings))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
