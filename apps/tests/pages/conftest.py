"""A server of the workshop for most tests; those that stop or limit one start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.playground.social import Bluesky, Mastodon, Served
from accepted_apps.playground.social.mastodon import TOKEN
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


@pytest.fixture(scope="session")
def served_mastodon() -> Iterator[Served[Mastodon]]:
    with Served(Mastodon()) as served:
        yield served


@pytest.fixture
def mastodon(served_mastodon: Served[Mastodon]) -> Iterator[Served[Mastodon]]:
    yield served_mastodon
    served_mastodon.network.reset()


@pytest.fixture(scope="session")
def bluesky() -> Iterator[Served[Bluesky]]:
    with Served(Bluesky()) as served:
        yield served


@pytest.fixture(scope="session")
def applications(
    served_mastodon: Served[Mastodon], bluesky: Served[Bluesky], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AppServer]:
    """All applications, which may read the stand-ins."""
    settings: dict[str, Any] = {
        "progress_interval": "20ms",
        "drain": "100ms",
        "profiles_allow": f"{served_mastodon.address},{bluesky.address}",
        "profiles_bluesky_url": bluesky.url,
        "profiles_mastodon_tokens": f"{served_mastodon.address}={TOKEN}",
        "profiles_request_gap": 0,
        "profiles_active_per_user": 50,
    }
    running = AppServer("accepted_apps.main:app", tmp_path_factory.mktemp("data"), **settings).start()
    yield running
    running.stop()
