"""One site and one server for most tests; those that stop or limit a server start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .serving import Client, Server, Site


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Each test has a site of its own, so this one may fetch from the whole of 127.0.0.1.
    running = Server(tmp_path_factory.mktemp("data"), "127.0.0.1", news_opml_max="64KB").start()
    yield running
    running.stop()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, with these settings."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        started.append(Server(tmp_path, "127.0.0.1", **settings))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
