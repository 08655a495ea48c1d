"""Which engine a setting names."""

from __future__ import annotations

from pathlib import Path

from accepted.errors import ConfigurationError
from accepted_apps.news.documents.base import Engine
from accepted_apps.news.documents.postgres import PostgresEngine
from accepted_apps.news.documents.sqlite import SqliteEngine


def engine_for(database: str, data: Path) -> Engine:
    """Nothing is opened yet. `data`: the folder of `news.db`. Raises ConfigurationError."""
    scheme, _, rest = database.partition("://")
    if not database:
        return SqliteEngine(data / "news.db")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return SqliteEngine(Path(rest[1:]))
    if scheme in ("postgresql", "postgres"):
        return PostgresEngine(database)
    raise ConfigurationError(
        "ACCEPTED_NEWS_DATABASE: expected postgresql://user:password@host/name or sqlite:///path, or nothing: news.db"
    )
