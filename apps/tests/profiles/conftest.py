"""Stand-ins and one server for most tests; those that stop or limit a server start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .serving import Client, Networks, Server


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[Networks]:
    made = Networks()
    made.start()
    yield made
    made.close()


@pytest.fixture
def networks(stand_ins: Networks) -> Networks:
    stand_ins.reset()
    return stand_ins


@pytest.fixture(scope="session")
def server(stand_ins: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("data"), stand_ins).start()
    yield running
    running.stop()


@pytest.fixture
async def client(server: Server, networks: Networks) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


@pytest.fixture
def serve(networks: Networks, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, with these settings."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        started.append(Server(tmp_path, networks, **settings))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
