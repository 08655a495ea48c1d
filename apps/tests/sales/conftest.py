"""A shop and one server for most tests; those that stop or limit a server start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .serving import Client, Server, Shop


@pytest.fixture(scope="session")
def shop_front() -> Iterator[Shop]:
    with Shop() as made:
        yield made


@pytest.fixture
def shop(shop_front: Shop) -> Iterator[Shop]:
    shop_front.gate.set()
    shop_front.seen.clear()
    yield shop_front
    shop_front.gate.set()


@pytest.fixture(scope="session")
def server(shop_front: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("data"), shop_front).start()
    yield running
    running.stop()


@pytest.fixture
async def client(server: Server, shop: Shop) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


@pytest.fixture
def serve(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, with these settings."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        started.append(Server(tmp_path, shop, **settings))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
