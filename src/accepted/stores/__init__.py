"""Where jobs are kept: one set of ports, one implementation a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from accepted.errors import ConfigurationError

if TYPE_CHECKING:
    from accepted.settings import Settings
    from accepted.stores.base import BlobStore, Store


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL; None: in memory. Raises ConfigurationError.

    `sqlite:///jobs.db` is relative, `sqlite:////var/jobs.db` absolute, as in other libraries' URLs.
    """
    if url == "sqlite://:memory:":
        return None
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Path(url.removeprefix("sqlite:///"))
    raise ConfigurationError(f"expected a store URL such as sqlite:///jobs.db or sqlite://:memory:, got {url!r}")


def open_store(settings: Settings) -> Store:
    """The store of `settings.url`, not opened yet. Raises ConfigurationError."""
    from accepted.stores.sqlite import SQLiteStore

    return SQLiteStore(
        sqlite_path(settings.url),
        max_events_per_job=settings.max_events,
        tombstones=settings.tombstones,
        webhook_retention=settings.webhook_retention,
    )


def open_blobs(settings: Settings) -> BlobStore:
    """The folder of `settings.blobs`, or one beside the database."""
    from accepted.stores.blobs import FolderBlobs

    database = sqlite_path(settings.url)
    if settings.blobs is not None:
        return FolderBlobs(settings.blobs)
    return FolderBlobs(database.with_name(database.name + "-blobs") if database else None)
