"""A git server and one server for most tests; those that stop or limit a server start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.playground.audit import GitServer

from .serving import Client, Server, serve_repositories


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    made = serve_repositories(tmp_path_factory.mktemp("repositories"))
    yield made
    made.close()


@pytest.fixture
def git(repositories: GitServer) -> GitServer:
    repositories.reset()
    return repositories


@pytest.fixture(scope="session")
def server(repositories: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("data"), repositories).start()
    yield running
    running.stop()


@pytest.fixture
async def client(server: Server, git: GitServer) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


@pytest.fixture
def serve(git: GitServer, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, with these settings."""
    started: list[Server] = []

    def start(**settings: Any) -> Server:
        started.append(Server(tmp_path, git, **settings))
        return started[-1].start()

    yield start
    for one in started:
        one.stop()
