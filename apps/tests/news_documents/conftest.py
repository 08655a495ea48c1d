"""Each test runs on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from accepted_apps.news.documents.base import Engine
from accepted_apps.news.documents.documents import Documents
from accepted_apps.news.documents.postgres import PostgresEngine
from accepted_apps.news.documents.sqlite import SqliteEngine


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is: a path or a DSN."""
    if request.param == "sqlite":
        return str(tmp_path / "folder" / "news.db")
    made: Callable[[], str] = request.getfixturevalue("postgres")
    return made()


def engine_at(place: str) -> Engine:
    return PostgresEngine(place) if place.startswith("postgresql:") else SqliteEngine(Path(place))


@pytest.fixture
def engine(place: str) -> Engine:
    return engine_at(place)


class Clock:
    """Seconds since the epoch, as told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def documents(engine: Engine, clock: Clock) -> AsyncIterator[Documents]:
    made = Documents(engine, clock=clock)
    yield made
    await made.close()
