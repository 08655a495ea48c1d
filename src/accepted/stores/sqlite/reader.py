"""Reading beside the writer: what is short on the caller's thread, what may be long on a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from accepted.stores.sqlite.database import Database

R = TypeVar("R")
Read = Callable[[sqlite3.Connection], R]

_FOUND_HOLDS: Final = 0.01
"""Seconds for which the file that was found under its path is believed to be there: looking takes a fifth of a read.
The writer looks each time."""


class Reader:
    """Two read-only connections. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._near = _Connection(database)
        self._far = _Connection(database)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"accepted-reader {database}")

    def short(self, read: Read[R]) -> R:
        """A few rows by key, here and now: some ten microseconds, less than handing it to a thread takes."""
        return self._near.run(read)

    async def long(self, read: Read[R]) -> R:
        """Anything that may look at many rows."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._far.run, read)

    def close(self) -> None:
        """Blocking: waits for a read that is under way."""
        self._thread.shutdown()
        self._near.close()
        self._far.close()


class _Connection:
    """A connection for one thread at a time, opened when it is first needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._generation = 0
        self._found_until = 0.0

    def run(self, read: Read[R]) -> R:
        with self._lock:
            try:
                return read(self._current())
            except (sqlite3.Error, OSError) as error:
                self._drop()
                raise self._database.explain(error) from error

    def _current(self) -> sqlite3.Connection:
        """Opened again when the writer had to open the file again."""
        now = time.monotonic()
        if now >= self._found_until:
            if self._database.moved:
                raise self._database.missing()
            self._found_until = now + _FOUND_HOLDS
        if self._connection is not None and self._generation != self._database.generation:
            self._drop()
        if self._connection is None:
            self._connection, self._generation = self._database.reader(), self._database.generation
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        with self._lock:
            self._drop()
