"""The news application's memory in one SQLite file: WAL, one thread that writes, some that read."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from accepted.errors import ConfigurationError, StoreError
from accepted_apps.news.documents.base import Transaction
from accepted_apps.news.documents.statements import schema, statements
from accepted_apps.news.documents.words import Term

T = TypeVar("T")

BUSY_SECONDS: Final = 60.0
"""How long a writer waits for one of another process."""
READERS: Final = 4
VERSION: Final = 1
"""The schema that this program knows."""

_SQL: Final = statements("sqlite")


class SqliteEngine:
    """An `Engine`. The file and its folder are made when it is first used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None

    async def read(self, verb: Callable[[Transaction], T]) -> T:
        return await self._in(1, self._read, verb)

    async def write(self, verb: Callable[[Transaction], T]) -> T:
        return await self._in(0, self._write, verb)

    async def close(self) -> None:
        with self._lock:
            threads, self._threads = self._threads, None
        for pool in threads or ():
            await asyncio.to_thread(pool.shutdown)
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for connection in connections:
            connection.close()

    async def _in(
        self, which: int, run: Callable[[Callable[[Transaction], T]], T], verb: Callable[[Transaction], T]
    ) -> T:
        with self._lock:
            if self._threads is None:
                writer = ThreadPoolExecutor(1, "accepted-news-writer")
                self._threads = writer, ThreadPoolExecutor(READERS, "accepted-news-reader")
            future = self._threads[which].submit(run, verb)
        return await asyncio.wrap_future(future)

    # ── in the threads ──

    def _read(self, verb: Callable[[Transaction], T]) -> T:
        return self._transaction("BEGIN", verb)

    def _write(self, verb: Callable[[Transaction], T]) -> T:
        return self._transaction("BEGIN IMMEDIATE", verb)

    def _transaction(self, begin: str, verb: Callable[[Transaction], T]) -> T:
        with self._explained():
            connection = self._connection()
            connection.execute(begin)
            try:
                result = verb(SqliteTransaction(connection))
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return result

    def _connection(self) -> sqlite3.Connection:
        """This thread's own."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._open()
            with self._lock:
                self._connections.append(found)
        return found

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit, so that BEGIN and COMMIT stand where we write them; closed in another thread than its own.
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=128
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise ConfigurationError(
                    f"{self.path} has schema {version}, this program knows up to {VERSION}; install the newer again."
                )
            if version == 0:
                for statement in schema("sqlite"):
                    connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The news database {self.path} cannot be used ({error}); check the file, its folder and the disk."
            ) from error


class SqliteTransaction:
    """A `Transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(_SQL[statement], parameters).fetchall()

    def run(self, statement: str, /, **parameters: Any) -> int:
        return self._connection.execute(_SQL[statement], parameters).rowcount

    def index(self, words: Sequence[str]) -> str:
        return " ".join(words)

    def match(self, terms: Iterable[Sequence[Term]]) -> str:
        return " AND ".join(f"({' OR '.join(map(_phrase, group))})" for group in terms)


def _phrase(term: Term) -> str:
    """Words hold letters, digits and marks only, so nothing ends the quotes."""
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'
