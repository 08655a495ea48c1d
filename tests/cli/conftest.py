from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import Process, Server

Start = Callable[..., Process]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module that do it no harm."""
    server = Server(tmp_path_factory.mktemp("data"))
    try:
        yield server.start()
    finally:
        server.clean_up()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands: `start("jobs", ACCEPTED_URL=…)`. None outlives the test."""
    started: list[Process] = []

    def start(*words: str, **variables: str) -> Process:
        started.append(Process(words, variables))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers on one data folder; none outlives the test."""
    made: list[Server] = []

    def make(**options: str) -> Server:
        words = options.pop("words", "").split()
        made.append(Server(tmp_path / "data", words=words, **options))
        return made[-1]

    yield make
    for server in made:
        server.clean_up()
