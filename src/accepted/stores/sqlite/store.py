"""The store on SQLite: the ports of `stores/base.py`, each verb handed to the writer or to a reader."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from accepted.errors import JobGone, JobNotFound, StoreError
from accepted.job import (
    JSON,
    Artifact,
    EventDraft,
    Glance,
    JobRecord,
    Kind,
    Lease,
    NewJob,
    Progress,
    Status,
    Step,
    StepStatus,
)
from accepted.stores.base import (
    ApiKey,
    Attached,
    Change,
    Claim,
    Clock,
    EventsPage,
    Held,
    JobQuery,
    Listener,
    Page,
    ScheduleRecord,
    Submitted,
    Tally,
    Waiting,
    Webhook,
    WorkerInfo,
)
from accepted.stores.doorbell import EVERYTHING, Doorbell
from accepted.stores.sqlite import (
    access,
    cancelling,
    claiming,
    insight,
    listing,
    schedules,
    settling,
    submitting,
    upkeep,
    watching,
    webhooks,
    working,
)
from accepted.stores.sqlite.database import Database
from accepted.stores.sqlite.liveness import Liveness
from accepted.stores.sqlite.queries import load
from accepted.stores.sqlite.reader import Read, Reader
from accepted.stores.sqlite.records import BILLIONTHS, checked, cleaned, dump_data, micros, text
from accepted.stores.sqlite.transaction import Options
from accepted.stores.sqlite.writer import Operation, Writer, alone

log = logging.getLogger(__name__)

A = TypeVar("A")
R = TypeVar("R")

FEW: Final = 32
"""Jobs whose events are read on the caller's thread; more are read on the reader's."""
KEY_USE_ACCURACY: Final = 60.0
"""Seconds: `last_used_at` of a key is written no more often than this."""
POLL: Final = 0.005
"""Seconds between looks where there is no doorbell."""

_SQL: Final = load("database")


class SQLiteStore:
    """Jobs in one SQLite file, or with `path` None in memory for as long as this object is open.

    Any number of processes on one machine may open the same file. Every call that writes is durable when it
    returns (WAL, synchronous=FULL); calls that meet share a transaction. Not for network file systems.
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        clock: Clock = time.time,
        max_events_per_job: int = 10_000,
        tombstones: float = 30 * 86_400.0,
        webhook_retention: float = 7 * 86_400.0,
        safety_net: float = 0.25,
    ) -> None:
        """`max_events_per_job`: older events are dropped from a longer log. `tombstones`: seconds that a removed
        job is remembered. `webhook_retention`: seconds that a delivery is kept. `safety_net`: seconds between looks
        for commits whose bell was not heard.

        Raises ConfigurationError when Python's SQLite is too old.
        """
        self._clock = clock
        self._database = Database(None if path is None else Path(path).absolute())
        self._options = Options(max_events_per_job, tombstones, webhook_retention)
        self._safety_net = safety_net
        self._listeners: dict[object, Listener] = {}
        self._registered: dict[str, tuple[WorkerInfo, str]] = {}
        """The workers of this process, each with its kernel."""
        self._lock = threading.Lock()
        self._data_version: int | None = None
        self._heard_before = 0
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        self._liveness: Liveness | None = None
        self._doorbell: Doorbell | None = None
        self._listening = False

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        if self._writer is None:
            await asyncio.to_thread(self._open)

    def _open(self) -> None:
        writer = Writer(self._database, self._options, clock=self._clock, committed=self._committed)
        writer.start()
        self._writer = writer
        if self._database.path is not None:
            self._reader = Reader(self._database)
            self._liveness = Liveness(self._database.beside("-workers"))
            self._doorbell = Doorbell(self._database.beside("-doorbell"), self._tell)
            if self._listeners:
                self._begin_to_listen()

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.hand_over()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()
        if self._doorbell is not None:
            self._doorbell.close()
        if self._reader is not None:
            self._reader.close()
        if self._liveness is not None:
            self._liveness.release_all()
        self._database.close()
        self._reader = self._liveness = self._doorbell = None
        self._listening = False

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StoreError(f"{self._database} is not open; open the store first.")
        return self._writer

    async def _write(self, operation: Operation[A, R], argument: A) -> R:
        return await self._writing().call(operation, argument)

    async def _read(self, read: Read[R], *, short: bool) -> R:
        """A database in memory has one connection, the writer's; so its reads queue there."""
        writer = self._writing()
        if self._reader is None:
            return await writer.call(alone(lambda tx, _: read(tx.connection)), None)
        return self._reader.short(read) if short else await self._reader.long(read)

    # ── submitting ───────────────────────────────────────────────────────────────────────────────────

    async def submit(self, jobs: Sequence[NewJob]) -> list[Submitted | Exception]:
        submitting.check(jobs)
        return await self._write(submitting.SUBMIT, jobs)

    async def request_cancel(self, job_id: str, reason: str) -> JobRecord:
        return await self._write(cancelling.request_cancel, (job_id, cleaned(reason)))

    async def retry(self, job_id: str) -> JobRecord:
        return await self._write(cancelling.retry, job_id)

    async def delete(self, job_id: str, reason: str) -> JobRecord:
        return await self._write(cancelling.delete, (job_id, cleaned(reason)))

    async def delete_owned(
        self, owner: str, reason: str, *, statuses: frozenset[Status] = frozenset(), task: str | None = None, limit: int
    ) -> list[str]:
        owned = cancelling.Owned(owner, cleaned(reason), statuses, task, limit)
        return await self._write(cancelling.delete_owned, owned)

    # ── working ──────────────────────────────────────────────────────────────────────────────────────

    async def register_worker(self, worker: WorkerInfo) -> None:
        kernel = ""
        if self._liveness is not None:
            kernel = self._liveness.kernel
            try:
                self._liveness.hold(worker.id)
            except OSError as error:
                raise self._database.explain(error) from error
        self._registered[worker.id] = worker, kernel
        await self._write(working.register, (worker, kernel))

    async def deregister_worker(self, worker_id: str) -> None:
        self._registered.pop(worker_id, None)
        await self._write(working.deregister, worker_id)
        if self._liveness is not None:
            self._liveness.release(worker_id)

    async def claim(
        self, worker_id: str, *, queues: Sequence[str], tasks: Sequence[str], limit: int, lease: float
    ) -> Claim:
        return await self._write(claiming.CLAIM, claiming.Ask(worker_id, queues, tasks, limit, lease))

    def renew(self, worker_id: str, held: Mapping[str, int], lease: float) -> dict[str, Held]:
        return self._writing().call_blocking(
            working.renew, working.Renewal(worker_id, held, lease, self._registered.get(worker_id))
        )

    async def report(
        self,
        lease: Lease,
        events: Sequence[EventDraft],
        *,
        progress: Progress | None = None,
        cost: float = 0.0,
    ) -> int:
        drafts = [(event.kind, dump_data(event.data)) for event in events]
        return await self._write(working.APPEND, working.Append(lease, drafts, progress, round(cost * BILLIONTHS)))

    async def start_step(self, lease: Lease, key: str, name: str) -> None:
        await self._step(lease, working.StepWrite(key, cleaned(name), StepStatus.RUNNING))

    async def finish_step(self, lease: Lease, key: str, name: str, result: bytes) -> None:
        await self._step(lease, working.StepWrite(key, cleaned(name), StepStatus.COMPLETED, text(result)))

    async def fail_step(self, lease: Lease, key: str, name: str, error: Mapping[str, JSON]) -> None:
        await self._step(lease, working.StepWrite(key, cleaned(name), StepStatus.FAILED), error=error)

    async def _step(self, lease: Lease, step: working.StepWrite, **more: JSON) -> None:
        checked(step.key)
        told = dump_data({"name": step.name, "status": step.status, **more})
        await self._write(working.APPEND, working.Append(lease, [(Kind.STEP, told)], step=step))

    async def complete(self, lease: Lease, result: bytes | None, *, result_blob: str | None = None) -> None:
        await self._settle(lease, settling.complete(None if result is None else text(result), result_blob))

    async def fail(self, lease: Lease, error: Mapping[str, JSON]) -> None:
        await self._settle(lease, settling.fail(dump_data(error)))

    async def retry_later(self, lease: Lease, error: Mapping[str, JSON], *, at: float, reason: str) -> Status:
        return await self._settle(lease, settling.retry_later(dump_data(error), micros(at), cleaned(reason)))

    async def interrupt(self, lease: Lease, reason: str) -> Status:
        return await self._settle(lease, settling.interrupt(cleaned(reason)))

    async def cancel(self, lease: Lease, reason: str) -> None:
        await self._settle(lease, settling.cancel(cleaned(reason)))

    async def _settle(self, lease: Lease, decide: settling.Decide) -> Status:
        return await self._write(settling.SETTLE, settling.Settle(lease, decide))

    async def removed(self, job_id: str) -> bool:
        try:
            await self.get(job_id)
        except (JobNotFound, JobGone):
            return True
        return False

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────

    async def get(self, job_id: str) -> JobRecord:
        return await self._read(lambda connection: watching.get(connection, job_id), short=True)

    async def glance(self, job_id: str) -> Glance:
        return await self._read(lambda connection: watching.get_glance(connection, job_id), short=True)

    async def steps(self, job_id: str) -> list[Step]:
        return await self._read(lambda connection: watching.get_steps(connection, job_id), short=False)

    async def artifacts(self, job_id: str) -> list[Artifact]:
        return await self._read(lambda connection: watching.get_artifacts(connection, job_id), short=True)

    async def artifact(self, job_id: str, name: str) -> Attached | None:
        try:
            checked(name)
        except ValueError:  # a name that nothing can have
            return None
        return await self._read(lambda connection: watching.get_artifact(connection, job_id, name), short=True)

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> EventsPage:
        return await self._read(lambda connection: watching.get_events(connection, job_id, after, limit), short=True)

    async def events_after(self, cursors: Mapping[str, int], *, limit: int = 1000) -> dict[str, EventsPage | None]:
        checked(*cursors)
        return await self._read(
            lambda connection: watching.get_events_after(connection, cursors, limit), short=len(cursors) <= FEW
        )

    async def waiting(self, job: JobRecord) -> Waiting:
        now = self._clock()
        return await self._read(lambda connection: insight.get_waiting(connection, job, now), short=False)

    def listen(self, listener: Listener) -> Callable[[], None]:
        key = object()
        with self._lock:
            self._listeners[key] = listener
            if self._doorbell is not None:
                self._begin_to_listen()

        def end() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return end

    # ── insight ──────────────────────────────────────────────────────────────────────────────────────

    async def tallies(self) -> list[Tally]:
        return await self._read(insight.get_tallies, short=False)

    async def oldest_pending(self) -> float | None:
        return await self._read(insight.get_oldest_pending, short=False)

    async def workers(self) -> list[WorkerInfo]:
        now = self._clock()
        return await self._read(lambda connection: insight.get_workers(connection, now), short=False)

    # ── upkeep ───────────────────────────────────────────────────────────────────────────────────────

    async def lost(self, limit: int) -> list[JobRecord]:
        return await self._write(upkeep.lost, (limit, self._liveness))

    async def lose(self, lease: Lease, *, error: Mapping[str, JSON] | None) -> Status:
        return await self._settle(lease, settling.lose(None if error is None else dump_data(error)))

    async def expire(self, limit: int, error: Mapping[str, JSON]) -> int:
        return await self._write(upkeep.expire, (limit, dump_data(error)))

    async def purge(self, limit: int) -> list[str]:
        return await self._write(upkeep.purge, limit)

    # ── scheduling ───────────────────────────────────────────────────────────────────────────────────

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        checked(schedule.name, schedule.spec, schedule.owner)
        return await self._write(schedules.put_schedule, schedule)

    async def schedules(self) -> list[ScheduleRecord]:
        return await self._read(schedules.get_schedules, short=False)

    async def fire(self, name: str, *, at: float, next_at: float, job: NewJob | None) -> Submitted | Exception | None:
        submitting.check([] if job is None else [job])
        answers = await self._write(schedules.fire, schedules.Fire(name, at, next_at, job))
        return answers[0] if answers else None

    async def drop_schedule(self, name: str) -> bool:
        return await self._write(schedules.drop_schedule, name)

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────────────

    async def add_webhook(self, webhook: Webhook, *, at_most: int) -> None:
        await self._write(webhooks.add_webhook, (webhook, at_most))

    async def webhook(self, webhook_id: str) -> Webhook | None:
        return await self._read(lambda connection: webhooks.get_webhook(connection, webhook_id), short=True)

    async def webhooks(self, owner: str) -> list[Webhook]:
        return await self._read(lambda connection: webhooks.get_webhooks(connection, owner), short=True)

    async def replace_webhook(self, webhook: Webhook) -> bool:
        return await self._write(webhooks.replace_webhook, webhook)

    async def remove_webhook(self, webhook_id: str) -> bool:
        found = await self._write(webhooks.remove_webhook, webhook_id)
        while await self._write(webhooks.cancel_deliveries, webhook_id):
            pass
        return found

    # ── access ───────────────────────────────────────────────────────────────────────────────────────

    async def add_key(self, key: ApiKey) -> None:
        await self._write(access.add_key, key)

    async def find_key(self, digest: str) -> ApiKey | None:
        key = await self._read(lambda connection: access.find_key(connection, digest), short=True)
        if key is not None and (key.last_used_at or 0.0) < self._clock() - KEY_USE_ACCURACY:
            noting = self._writing().call(access.key_used, key.id)
            noting.add_done_callback(_ignore)  # a note: no request waits for it or fails with it
        return key

    async def keys(self) -> list[ApiKey]:
        return await self._read(access.get_keys, short=True)

    async def revoke_key(self, key_id: str) -> bool:
        return await self._write(access.revoke_key, key_id)

    async def redeem(self, ticket: str, *, expires_at: float) -> bool:
        return await self._write(access.redeem, (ticket, expires_at))

    async def secret(self, name: str) -> bytes:
        return await self._write(access.secret, name)

    # ── news ─────────────────────────────────────────────────────────────────────────────────────────

    def _committed(self, change: Change) -> None:
        """In the writer's thread, after a commit of this store."""
        self._tell(change)
        if self._doorbell is not None:
            self._doorbell.ring(change)

    def _tell(self, change: Change) -> None:
        for listener in tuple(self._listeners.values()):
            try:
                listener(change)
            except Exception:
                log.exception("a listener of %s failed", self._database)

    def _begin_to_listen(self) -> None:
        """From the first listener on: until then nobody would hear the bell."""
        if self._listening or self._doorbell is None:
            return
        self._listening = True
        rings = self._doorbell.listen()
        self._writing().every(self._safety_net if rings else POLL, self._look)

    def _look(self, connection: sqlite3.Connection) -> None:
        """In the writer's thread: has another process committed without our hearing of it?"""
        doorbell = self._doorbell
        if doorbell is None:
            return
        (version,) = connection.execute(_SQL["data_version"]).fetchone()
        heard = doorbell.heard_count
        if version != self._data_version and heard == self._heard_before:  # the first time, too: who knows
            self._tell(EVERYTHING)
        self._data_version, self._heard_before = version, heard
        doorbell.check()

    # Last, because the name hides the type from the annotations that follow.
    async def list(self, query: JobQuery) -> Page:
        return await self._read(lambda connection: listing.get_page(connection, query), short=False)


def _ignore(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
