from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash.scene import Workers
from served import Server


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers on one data folder, with one ledger; none outlives the test."""
    made: list[Server] = []

    def make(*words: str, target: str = "crash.application:jobs", **variables: str) -> Server:
        variables = {"CRASH_LEDGER": str(tmp_path / "ledger"), **variables}
        made.append(Server(tmp_path, target=target, words=words, **variables))
        return made[-1]

    yield make
    for server in made:
        server.clean_up()
