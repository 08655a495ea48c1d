"""The stand-ins, each on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accepted_apps.playground.social import Apify, Instagram, Served

from .desk import session_file


@pytest.fixture(scope="session")
def instagram_served() -> Iterator[Served[Instagram]]:
    with Served(Instagram()) as served:
        yield served


@pytest.fixture
def instagram(instagram_served: Served[Instagram]) -> Instagram:
    instagram_served.network.reset()
    return instagram_served.network


@pytest.fixture
def instagram_url(instagram_served: Served[Instagram]) -> str:
    return instagram_served.url


@pytest.fixture
def session(instagram: Instagram, tmp_path: Path) -> str:
    """The file of a session that lives."""
    return session_file(tmp_path, instagram.session())


@pytest.fixture(scope="session")
def apify_served() -> Iterator[Served[Apify]]:
    with Served(Apify()) as served:
        yield served


@pytest.fixture
def apify(apify_served: Served[Apify]) -> Apify:
    apify_served.network.reset()
    return apify_served.network
