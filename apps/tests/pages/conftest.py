"""A server of the workshop for most tests; those that stop or limit one start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_server import AppServer

MODULES = (Path(__file__).parent, Path(__file__).parents[3] / "tests")


def _workshop(data: Path, **settings: Any) -> AppServer:
    settings = {"progress_interval": "20ms", "drain": "100ms", **settings}
    return AppServer("workshop:app", data, path=MODULES, **settings).start()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    running = _workshop(tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


@pytest.fixture
def open_workshop(tmp_path: Path) -> Iterator[Callable[..., AppServer]]:
    """Starts a server of this test's own, with these settings."""
    started: list[AppServer] = []

    def start(**settings: Any) -> AppServer:
        started.append(_workshop(tmp_path, **settings))
        return started[-1]

    yield start
    for one in started:
        one.stop()
