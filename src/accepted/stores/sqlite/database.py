"""The file: how it is opened, migrated, shared between processes, and what its errors mean in a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Final

from accepted.errors import ConfigurationError, SchemaTooNew, StoreError
from accepted.stores.sqlite.queries import load, migrations

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: writers of several processes meet in SQLite's busy handler instead
    fcntl = None

OLDEST: Final = (3, 38, 0)
"""RETURNING and ->> are used, and STRICT tables."""
APPLICATION_ID: Final = 0x61636370
"""`accp`, in the header of every file of ours."""
BUSY_MS: Final = 60_000
"""How long SQLite itself waits for a lock. Only the backstop: writers queue at the turn file."""

_SQL: Final = load("database")


class Database:
    """One SQLite file, or with `path` None one database in memory that a single connection holds."""

    def __init__(self, path: Path | None) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise ConfigurationError(
                f"Python's SQLite is {sqlite3.sqlite_version}, accepted needs 3.38 or newer; use a newer Python build."
            )
        self.path = path
        self._turn: IO[bytes] | None = None
        self._inode: tuple[int, int] | None = None
        self.generation = 0
        """How often the file was opened to write: a reader of before may look at another file."""

    def __str__(self) -> str:
        return "memory" if self.path is None else str(self.path)

    # ── connections ──────────────────────────────────────────────────────────────────────────────────

    def writer(self, *, create: bool) -> sqlite3.Connection:
        """The writing connection, to a file that has our schema. Only the first one may create the file."""
        if self.path is not None and create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._turn = self.beside("-turn").open("wb") if fcntl is not None else None
        connection = self._connect("rwc" if create else "rw")
        try:
            with self.turn():
                if self.path is not None:
                    for name in ("wal", "full_sync", "checkpoint_every", "wal_size", "cache"):
                        connection.execute(_SQL[name]).fetchall()
                self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._inode = self._found()
        self.generation += 1
        return connection

    def reader(self) -> sqlite3.Connection:
        """A connection that cannot write. In WAL it neither waits for the writer nor holds it up."""
        connection = self._connect("rw")
        connection.execute(_SQL["only_read"])
        return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        # Autocommit, so that BEGIN and COMMIT stand where we write them. Each connection has one user at a
        # time, but not always the same thread.
        return sqlite3.connect(
            ":memory:" if self.path is None else f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (found,) = connection.execute(_SQL["version"]).fetchone()
        (application,) = connection.execute(_SQL["application"]).fetchone()
        (tables,) = connection.execute(_SQL["tables"]).fetchone()
        if application != APPLICATION_ID and tables:
            raise ConfigurationError(f"{self} is a database of another application; name another file.")
        scripts = migrations()
        if found > len(scripts):
            raise SchemaTooNew(found, len(scripts))
        for script in scripts[found:]:
            migrate(connection, script)

    # ── sharing ──────────────────────────────────────────────────────────────────────────────────────

    def beside(self, suffix: str) -> Path:
        """The path of a file or folder that belongs to this database."""
        if self.path is None:
            raise ValueError("a database in memory has nothing beside it")
        return self.path.with_name(self.path.name + suffix)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the write turn among all processes.

        SQLite lets waiting writers sleep and try again, so under load some wait for seconds; the kernel's
        queue for a file lock wakes each as soon as it is free.
        """
        if self._turn is None or fcntl is None:
            yield
            return
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    @property
    def moved(self) -> bool:
        """Whether the path leads to another file than the one that was opened, or to none."""
        return self._found() != self._inode

    @property
    def missing_file(self) -> bool:
        return self.path is not None and self._found() is None

    def _found(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        if self._turn is not None:
            self._turn.close()
            self._turn = None

    # ── errors ───────────────────────────────────────────────────────────────────────────────────────

    def explain(self, error: sqlite3.Error | OSError) -> StoreError:
        """The error as a sentence that says what to do, with the driver's own as its cause."""
        # An extended code carries the plain one in its low byte.
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        sentence = _SENTENCES.get(code, "{store} cannot be used: {error}.")
        explained = StoreError(sentence.format(store=self, error=error))
        explained.__cause__ = error
        return explained

    def missing(self) -> StoreError:
        return StoreError(f"{self} was removed or replaced while it was open; put it back, or restart to begin anew.")


_SENTENCES: Final = {
    sqlite3.SQLITE_FULL: "The disk that holds {store} is full; free some space, nothing was stored.",
    sqlite3.SQLITE_READONLY: "{store} cannot be written; check the permissions of the file and its folder.",
    sqlite3.SQLITE_PERM: "{store} cannot be opened; check the permissions of the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "{store} cannot be opened; check that its folder exists and can be written.",
    sqlite3.SQLITE_IOERR: "The disk that holds {store} failed ({error}); check it, and that it is not full.",
    sqlite3.SQLITE_CORRUPT: "{store} is damaged ({error}); restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "{store} is not an SQLite database; name another file.",
    sqlite3.SQLITE_BUSY: "Another program keeps {store} locked for a minute now; find out which, and end it.",
    sqlite3.SQLITE_NOMEM: "There is not enough memory for {store}.",
    sqlite3.SQLITE_TOOBIG: "A value is too large for a row of {store}; use a blob or an artifact.",
}


def migrate(connection: sqlite3.Connection, script: str) -> None:
    """Run a migration in one transaction. Its last statement sets `user_version`, which is its record."""
    connection.execute(_SQL["begin"])
    try:
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(_SQL["commit"])
    except BaseException:
        connection.execute(_SQL["rollback"])
        raise


def _statements(script: str) -> Iterator[str]:
    part = ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            yield part
            part = ""
