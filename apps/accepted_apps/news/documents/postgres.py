"""The news application's memory in PostgreSQL, in a schema of its own, by psycopg's connection pool."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from accepted.errors import ConfigurationError, StoreError
from accepted_apps.news.documents.base import Transaction
from accepted_apps.news.documents.statements import schema, statements
from accepted_apps.news.documents.words import Term

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

T = TypeVar("T")

CONNECTIONS: Final = 8
"""Of one process, at most."""
CONNECT_SECONDS: Final = 10.0
TRIES: Final = 5
"""Of one transaction, when writers of several processes have met."""
VERSION: Final = 1
"""The schema that this program knows."""
POSITION_MAX: Final = 16_383
"""A tsvector counts words up to here; those behind are found, but no phrase among them."""
POSITIONS_MAX: Final = 255
"""Places of one word that a tsvector keeps."""

_SQL: Final = statements("postgres")


class PostgresEngine:
    """An `Engine`. `dsn` is never shown: it may hold a password."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        """Held for seconds where the server does not answer, so never in an event loop."""
        self._pool: ConnectionPool[Connection[tuple[Any, ...]]] | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def read(self, verb: Callable[[Transaction], T]) -> T:
        return await self._in_thread(verb)

    async def write(self, verb: Callable[[Transaction], T]) -> T:
        return await self._in_thread(verb)

    async def close(self) -> None:
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.close)

    async def _in_thread(self, verb: Callable[[Transaction], T]) -> T:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(CONNECTIONS, "accepted-news-postgres")
            future = self._threads.submit(self._run, verb)
        return await asyncio.wrap_future(future)

    # ── in the threads ──

    def _run(self, verb: Callable[[Transaction], T]) -> T:
        from psycopg import Error, errors
        from psycopg_pool import PoolTimeout

        for tried in range(1, TRIES + 1):
            try:
                with self._opened().connection() as connection:
                    return verb(PostgresTransaction(connection))
            except (errors.DeadlockDetected, errors.SerializationFailure) as error:
                if tried == TRIES:
                    raise _explained(error) from error
            except (Error, PoolTimeout) as error:
                raise _explained(error) from error
        raise AssertionError("unreachable")

    def _opened(self) -> ConnectionPool[Connection[tuple[Any, ...]]]:
        import psycopg
        from psycopg_pool import ConnectionPool

        with self._opening:
            if self._pool is None:
                # Not by the pool, which would try again until its time is over where a server refuses.
                with psycopg.connect(self._dsn, connect_timeout=int(CONNECT_SECONDS)) as connection:
                    _prepare(connection)
                pool: ConnectionPool[Connection[tuple[Any, ...]]] = ConnectionPool(
                    self._dsn,
                    min_size=1,
                    max_size=CONNECTIONS,
                    timeout=CONNECT_SECONDS,
                    configure=_configure,
                    # A server that was restarted has closed them.
                    check=ConnectionPool.check_connection,
                    kwargs={"connect_timeout": int(CONNECT_SECONDS)},
                    open=False,
                )
                pool.open()
                self._pool = pool
            return self._pool


class PostgresTransaction:
    """A `Transaction`."""

    def __init__(self, connection: Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, statement: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(_SQL[statement].encode(), parameters).fetchall()

    def run(self, statement: str, /, **parameters: Any) -> int:
        return self._connection.execute(_SQL[statement].encode(), parameters).rowcount

    def index(self, words: Sequence[str]) -> str:
        places: dict[str, list[int]] = {}
        for number, word in enumerate(words, 1):
            found = places.setdefault(word, [])
            if len(found) < POSITIONS_MAX:
                found.append(min(number, POSITION_MAX))
        return " ".join(f"'{word}':{','.join(map(str, found))}" for word, found in places.items())

    def match(self, terms: Iterable[Sequence[Term]]) -> str:
        return " & ".join(f"({' | '.join(map(_phrase, group))})" for group in terms)


def _phrase(term: Term) -> str:
    """Words hold letters, digits and marks only, so nothing ends the quotes."""
    quoted = [f"'{word}'" for word in term.words]
    return f"({' <-> '.join(quoted)}{':*' if term.prefix else ''})"


def _configure(connection: Connection[tuple[Any, ...]]) -> None:
    connection.execute("SET search_path TO accepted_news")
    connection.commit()


def _prepare(connection: Connection[tuple[Any, ...]]) -> None:
    """Raises ConfigurationError when a newer program was here."""
    # Several processes may be the first.
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('accepted_news'))")
    connection.execute("CREATE SCHEMA IF NOT EXISTS accepted_news")
    connection.execute("SET search_path TO accepted_news")
    found = connection.execute("SELECT to_regclass('accepted_news.schema_version')").fetchone()
    if found is None or found[0] is None:
        for statement in schema("postgres"):
            connection.execute(statement.encode())
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    version = row[0] if row else 0
    if version > VERSION:
        raise ConfigurationError(
            f"The news database has schema {version}, this program knows up to {VERSION}; install the newer one again."
        )


def _explained(error: Exception) -> StoreError:
    """The driver's words name the host and the user, never the password."""
    return StoreError(
        f"The news database cannot be used ({error}); check ACCEPTED_NEWS_DATABASE and that the server runs."
    )
