"""One thread that writes: whatever is queued goes into one transaction, and one fsync pays for all of it.

While a commit is on its way to the disk the next requests gather, so the batch grows with the load and
nobody waits for a timer. Requests of a kind share statements: each call into SQLite lets go of Python's
lock and has to win it back from a busy event loop, so few large statements beat many small ones.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future as BlockingFuture
from dataclasses import dataclass
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from accepted.errors import AcceptedError, StoreError
from accepted.stores.base import Change, Clock
from accepted.stores.sqlite.database import Database
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.records import micros
from accepted.stores.sqlite.transaction import Options, Transaction
from accepted.value import value

log = logging.getLogger(__name__)

LARGEST_BATCH: Final = 512
"""Requests in one transaction: bounds how long the first of them waits for the last."""

_SQL: Final = load("database")
A = TypeVar("A")
R = TypeVar("R")


class Rank(IntEnum):
    """The order of merged requests within a batch. It differs from the order of the calls only where nobody
    can tell: what an attempt writes makes room, and never needs what is submitted or claimed after it."""

    APPEND = 0
    SETTLE = 1
    SUBMIT = 2
    CLAIM = 3


@dataclass(frozen=True, slots=True, eq=False)
class Operation(Generic[A, R]):
    """Something the writer can be asked for.

    `run` takes the arguments of all requests that share it and answers each with a result or an error; an
    error means that nothing was written for that one. `rank` None: runs alone, exactly in its place, and may
    raise. `job` names the one job that a request touches, if there is one.
    """

    run: Callable[[Transaction, Sequence[A]], Sequence[R | Exception]]
    rank: Rank | None = None
    job: Callable[[A], str] | None = None


def alone(function: Callable[[Transaction, A], R]) -> Operation[A, R]:
    """The operation that runs `function` by itself, in its place."""

    def run(tx: Transaction, arguments: Sequence[A]) -> Sequence[R | Exception]:
        (argument,) = arguments
        try:
            return [function(tx, argument)]
        except AcceptedError as error:
            return [error]

    return Operation(run)


@value
class _Request:
    operation: Operation[Any, Any]
    argument: Any
    future: asyncio.Future[Any] | BlockingFuture[Any]


_Outcome = tuple[_Request, Any]
"""A request and its result, or the error (an Exception) to raise."""


class Writer:
    """The thread. `committed` is called in it with what changed, after the callers have been answered."""

    def __init__(
        self,
        database: Database,
        options: Options,
        *,
        clock: Clock,
        committed: Callable[[Change], None],
    ) -> None:
        self._database, self._options, self._clock = database, options, clock
        self._committed = committed
        self._connection: sqlite3.Connection | None = None
        self._queue: SimpleQueue[Sequence[_Request] | None] = SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
        """What each event loop has asked for in its present turn."""
        self._thread = threading.Thread(target=self._main, name=f"accepted-writer {database}", daemon=True)
        self._lock = threading.Lock()
        self._open = False
        self._tick: tuple[float, Callable[[sqlite3.Connection], None]] | None = None
        self._next_tick = 0.0

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Open the file and start the thread. Blocking. Raises StoreError, ConfigurationError."""
        try:
            self._connection = self._database.writer(create=True)
        except BaseException as error:
            self._database.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise self._database.explain(error) from error
            raise
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Finish what is queued and end the thread. Blocking."""
        with self._lock:
            if self._open:
                self._open = False
                self._queue.put(None)
        self._thread.join()

    def call(self, operation: Operation[A, R], argument: A) -> asyncio.Future[R]:
        """Ask from a coroutine.

        What an event loop asks for in one turn is handed over at once: so a submit and the claim that it made a
        worker ask for always meet in one transaction.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        gathered = self._gathered.get(loop)
        if gathered is None:
            if not self._open:
                raise self._closed()
            gathered = self._gathered[loop] = []
            loop.call_soon(self.hand_over)
        gathered.append(_Request(operation, argument, future))
        return future

    def hand_over(self) -> None:
        """Queue now what the running event loop has asked for in this turn."""
        requests = self._gathered.pop(asyncio.get_running_loop(), ())
        try:
            if requests:
                self._put(requests)
        except StoreError as error:  # closed since they asked
            _resolve((request, error) for request in requests)

    def call_blocking(self, operation: Operation[A, R], argument: A) -> R:
        """Ask from any other thread."""
        future: BlockingFuture[R] = BlockingFuture()
        self._put([_Request(operation, argument, future)])
        return future.result()

    def _put(self, requests: Sequence[_Request]) -> None:
        with self._lock:  # nothing may be queued behind the request to stop: it would never be answered
            if not self._open:
                raise self._closed()
            self._queue.put(requests)

    def _closed(self) -> StoreError:
        return StoreError(f"{self._database} is not open; open the store first.")

    def every(self, seconds: float, tick: Callable[[sqlite3.Connection], None]) -> None:
        """Call `tick` in the thread about every `seconds` from now on, between transactions."""
        self._tick = (seconds, tick)
        self._put([_Request(_WAKE, None, BlockingFuture())])  # the thread may be waiting without a limit

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────

    def _main(self) -> None:
        while self._open or not self._queue.empty():
            requests = self._gather()
            for start in range(0, len(requests), LARGEST_BATCH):
                self._work(requests[start : start + LARGEST_BATCH])
            self._tick_if_due()
        if self._connection is not None:
            self._connection.close()

    def _gather(self) -> list[_Request]:
        """Everything that is queued; waits for the first, or until the next tick. None is the end of the queue."""
        timeout = None if self._tick is None else max(0.0, self._next_tick - time.monotonic())
        batch: list[_Request] = []
        try:
            batch += self._queue.get(timeout=timeout) or ()
            while len(batch) < LARGEST_BATCH:
                batch += self._queue.get_nowait() or ()
        except Empty:
            pass
        return batch

    def _work(self, requests: Sequence[_Request]) -> None:
        """One transaction for all; if that fails, one for each, so that only the guilty one fails."""
        try:
            outcomes, change = self._transaction(requests)
        except Exception as error:
            if len(requests) > 1:
                for request in requests:
                    self._work([request])
                return
            outcomes, change = [(requests[0], self._explained(error))], None
        _answer(outcomes)
        if change is not None:
            self._committed(change)

    def _transaction(self, requests: Sequence[_Request]) -> tuple[list[_Outcome], Change | None]:
        connection = self._usable()
        outcomes: list[_Outcome] = []
        with self._database.turn():
            connection.execute(_SQL["begin"])
            try:
                tx = Transaction(connection, micros(self._clock()), self._options)
                for group in grouped(requests):
                    results = group[0].operation.run(tx, [request.argument for request in group])
                    outcomes += zip(group, results, strict=True)
                tx.finish()
                connection.execute(_SQL["commit"])
            except BaseException:
                self._roll_back(connection)
                raise
        return outcomes, tx.change

    def _usable(self) -> sqlite3.Connection:
        """The connection; opened again when an error or a change of the file made it useless."""
        if self._database.moved and self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            if self._database.missing_file:
                raise self._database.missing()
            self._connection = self._database.writer(create=False)
        return self._connection

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute(_SQL["rollback"])
        except sqlite3.Error:
            log.exception("rolling back in %s", self._database)
            if self._database.path is not None:
                connection.close()
                self._connection = None

    def _explained(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error | OSError):
            return error
        if self._database.path is not None and self._connection is not None:
            # Some errors stick to a connection; a new one works again as soon as the cause is gone.
            self._connection.close()
            self._connection = None
        return self._database.explain(error)

    def _tick_if_due(self) -> None:
        if self._tick is None or time.monotonic() < self._next_tick:
            return
        seconds, tick = self._tick
        self._next_tick = time.monotonic() + seconds
        if self._connection is not None:
            try:
                tick(self._connection)
            except Exception:
                log.exception("looking for changes in %s", self._database)


def grouped(requests: Iterable[_Request]) -> Iterator[list[_Request]]:
    """The requests in groups that run together, in an order that leaves each caller's own order intact."""
    merged: dict[Rank, list[_Request]] = {}
    furthest: dict[str, Rank] = {}
    for request in requests:
        operation = request.operation
        rank = operation.rank
        job = None if operation.job is None else operation.job(request.argument)
        overtakes = rank is None or (job is not None and furthest.get(job, rank) > rank)
        if overtakes:
            yield from (merged[each] for each in sorted(merged))
            merged, furthest = {}, {}
        if rank is None:
            yield [request]
            continue
        merged.setdefault(rank, []).append(request)
        if job is not None:
            furthest[job] = rank
    yield from (merged[each] for each in sorted(merged))


def _answer(outcomes: Iterable[_Outcome]) -> None:
    """Resolve the futures; those of an event loop through one call into it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for request, result in outcomes:
        if isinstance(request.future, BlockingFuture):
            _resolve([(request, result)])
        else:
            by_loop.setdefault(request.future.get_loop(), []).append((request, result))
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, mine)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.debug("%d answers came after their event loop was closed", len(mine))


def _resolve(outcomes: Iterable[_Outcome]) -> None:
    for request, result in outcomes:
        if request.future.done():  # the caller was cancelled; what it asked for has happened all the same
            continue
        if isinstance(result, Exception):
            request.future.set_exception(result)
        else:
            request.future.set_result(result)


def _nothing(tx: Transaction, argument: None) -> None:
    """What a request that only wakes the thread does."""


_WAKE: Final = alone(_nothing)
