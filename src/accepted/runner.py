"""One claimed job, from its lease to its end. The only place that decides about attempts:

begin ──▶ execute ──▶ settle
          │            ├─ returned ............ complete
          │            ├─ raised .............. retry_later, or fail when no retry is left
          │            ├─ time limit .......... the same
          │            ├─ cancel, Cancel-After  cancel
          │            ├─ the worker stops .... interrupt (costs no attempt)
          │            └─ fenced off .......... nothing: somebody else has the job
          └─ stopping: told (flag) ▶ interrupted (cancellation, exception, SIGTERM) ▶ after the grace,
             killed (process) or abandoned (coroutine, thread: its writes are refused from then on)
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_jsonable_python

from accepted.body import Body, make_body
from accepted.context import Reporter
from accepted.errors import (
    AcceptedError,
    Cancelled,
    Died,
    Fail,
    InvalidInput,
    LeaseLost,
    PayloadTooLarge,
    Retry,
    StoreError,
)
from accepted.files import UploadFile
from accepted.job import JSON, Artifact, EventDraft, JobRecord, Kind, Lease, Progress, Status
from accepted.meter import Meter
from accepted.settings import Settings
from accepted.stores.base import BlobStore, Claimed, WorkingStore
from accepted.task import Task
from accepted.value import value

log = logging.getLogger("accepted")

_STORE_PAUSE: Final = 0.5
"""Seconds between tries to write an end that the store could not take."""


class Stop(StrEnum):
    """Why an attempt is being stopped."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"
    LOST = "lost"


@value
class Returned:
    result: bytes


@value
class Raised:
    error: BaseException


@value
class Stopped:
    why: Stop


Outcome = Returned | Raised | Stopped


class StoreSink:
    """Reports of an attempt that runs in this process go straight to the store.

    Each artifact is a blob of its own, which the store names once the lease was looked at: so no attempt touches what
    another has attached, and whoever reads has either the old bytes or the new.
    """

    def __init__(self, store: WorkingStore, blobs: BlobStore, lease: Lease, settings: Settings) -> None:
        self._store, self._blobs, self._lease, self._settings = store, blobs, lease, settings
        self._numbers = itertools.count(1)
        self._attached: dict[str, str] = {}
        """The blobs of this attempt's artifacts, by name."""

    async def report(self, events: Sequence[EventDraft], progress: Progress | None, cost: float) -> None:
        await self._store.report(self._lease, events, progress=progress, cost=cost)

    async def start_step(self, key: str, name: str) -> None:
        await self._store.start_step(self._lease, key, name)

    async def finish_step(self, key: str, name: str, result: bytes) -> None:
        await self._store.finish_step(self._lease, key, name, result)

    async def fail_step(self, key: str, name: str, error: Mapping[str, JSON]) -> None:
        await self._store.fail_step(self._lease, key, name, error)

    async def attach(self, name: str, source: Path | bytes, media_type: str) -> Artifact:
        length = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size
        if length > self._settings.artifact_max:
            raise PayloadTooLarge(f"artifact {name!r}", self._settings.artifact_max)
        job_id, blob = self._lease.job_id, f"artifact-{self._lease.token}-{next(self._numbers)}.{name}"
        before = await self._store.artifact(job_id, name) if name not in self._attached else None
        artifact = replace(await self._blobs.put(job_id, blob, source, media_type=media_type), name=name)
        data = {
            "name": name,
            "size_bytes": artifact.size_bytes,
            "media_type": media_type,
            "sha256": artifact.sha256,
            "blob": blob,
        }
        async with _fenced(self._blobs, job_id, blob):
            await self._store.report(self._lease, [EventDraft(Kind.ARTIFACT, data)])
        replaced = self._attached.get(name, before.blob if before is not None else None)
        self._attached[name] = blob
        if replaced is not None:
            await _discard(self._blobs, job_id, replaced)
        return artifact


@asynccontextmanager
async def _fenced(blobs: BlobStore, job_id: str, blob: str) -> AsyncIterator[None]:
    """Around the verb that names a blob just put: if the attempt was fenced off, the blob goes."""
    try:
        yield
    except LeaseLost:
        await _discard(blobs, job_id, blob)
        raise


async def _discard(blobs: BlobStore, job_id: str, blob: str) -> None:
    """What nobody asks for any more. Where it stays, it goes with its job."""
    try:
        await blobs.delete(job_id, blob)
    except StoreError as error:
        log.warning("job %s: %s", job_id, error, extra={"action": "discard", "job_id": job_id})


class Attempt:
    """A claimed job in this worker: what it reports through, and how it is stopped.

    `stop` may be called again; only LOST overrides an earlier reason. All in the worker's event loop, but for
    `warn`, which any thread may call.
    """

    def __init__(self, claimed: Claimed, task: Task[..., Any], reporter: Reporter, grace: float) -> None:
        self.record: JobRecord = claimed.job
        self.lease = claimed.job.lease
        self.steps = {key: step.result for key, step in claimed.steps.items() if step.result is not None}
        self.task = task
        self.reporter = reporter
        self.stopping: Stop | None = None
        self.settled = False
        self.body: Body | None = None
        self.on_ended: Callable[[Attempt], None] = lambda _: None
        """Its function is over, or given up: the slot is free, while the end is still being written."""
        self.on_settled: Callable[[Attempt], None] = lambda _: None
        """The end is written: the lease need not be kept any more."""
        self.abandon: Callable[[Attempt], None] = lambda _: None
        self.on_hurried: Callable[[float], None] = lambda _: None
        """`end_by` is sooner than it was; from any thread."""
        self.end_by = math.inf
        """When its function has to be over, by `time.monotonic`, if the loop runs."""
        self._grace = grace
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []

    def warn(self, why: Stop) -> None:
        """Set the flag that the function can see, at once, even while the loop is blocked by it."""
        self.reporter.stop(why)
        self._hurry(0.0)

    def stop(self, why: Stop) -> None:
        if self.settled or (self.stopping is not None and why is not Stop.LOST):
            return
        first = self.stopping is None
        self.stopping = why
        self.warn(why)
        if first and self.body is not None:
            self.body.interrupt()
            self._timers.append(self._loop.call_later(self._grace, self._force))

    def stop_in(self, seconds: float, why: Stop) -> None:
        """Stop it `seconds` from now."""
        self._hurry(seconds)
        self._timers.append(self._loop.call_later(max(0.0, seconds), self.stop, why))

    def _force(self) -> None:
        if self.body is not None and not self.settled and not self.body.kill():
            self.abandon(self)

    def _hurry(self, seconds: float) -> None:
        """It is stopped `seconds` from now, and has the grace besides."""
        end_by = time.monotonic() + seconds + self._grace
        if end_by < self.end_by:
            self.end_by = end_by
            self.on_hurried(end_by)

    def settle(self) -> bool:
        """True for the one caller who writes the end."""
        if self.settled:
            return False
        self.settled = True
        for timer in self._timers:
            timer.cancel()
        self.on_ended(self)
        return True


class Runner:
    """Runs attempts; knows tasks and policy, and no queue."""

    def __init__(
        self,
        store: WorkingStore,
        blobs: BlobStore,
        settings: Settings,
        tasks: Mapping[str, Task[..., Any]],
        meter: Meter,
    ) -> None:
        self.tasks = tasks
        self.meter = meter
        self._store, self._blobs, self._settings = store, blobs, settings
        self._background: set[asyncio.Task[None]] = set()

    def begin(self, claimed: Claimed) -> Attempt:
        """Make the attempt of a job just claimed; whoever calls keeps its lease alive and calls `run`."""
        record = claimed.job
        sink = StoreSink(self._store, self._blobs, record.lease, self._settings)
        interval = self._settings.progress_interval
        reporter = Reporter(sink, interval=interval, progress=record.progress, cost=record.cost)
        attempt = Attempt(claimed, self.tasks[record.task], reporter, self._settings.cancel_grace)
        attempt.abandon = self._abandon
        reporter.on_refused = lambda: attempt.stop(Stop.LOST)
        self.meter.started(record.task, max(0.0, time.time() - max(record.scheduled_at, record.submitted_at)))
        return attempt

    async def run(self, attempt: Attempt) -> None:
        """To its end. Never raises; what cannot be written is written by whoever gets the job next."""
        outcome = await self._execute(attempt)
        if attempt.settle():
            await self._settle(attempt, outcome)

    # ── execute ──

    async def _execute(self, attempt: Attempt) -> Outcome:
        record, task = attempt.record, attempt.task
        try:
            arguments = await self._arguments(attempt)
            if attempt.stopping is not None:
                return Stopped(attempt.stopping)
            attempt.body = make_body(attempt.task, record, arguments, attempt.steps, attempt.reporter, self._settings)
            if task.policy.timeout:
                attempt.stop_in(task.policy.timeout, Stop.TIMEOUT)
            if record.deadline_at is not None:
                attempt.stop_in(record.deadline_at - time.time(), Stop.DEADLINE)
            result = await attempt.body.run()
            await _refuse_secrets(attempt, result)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None:
                current.uncancel()
            return Stopped(attempt.stopping or Stop.SHUTDOWN)
        except (Exception, Cancelled, SystemExit) as error:
            return Raised(error) if attempt.stopping is None else Stopped(attempt.stopping)
        if attempt.stopping is Stop.LOST:
            return Stopped(Stop.LOST)
        return Returned(result)

    async def _arguments(self, attempt: Attempt) -> dict[str, Any]:
        record, task = attempt.record, attempt.task
        if task.secrets:
            arguments, redactor = task.open_arguments(record.args, owner=record.owner, job_id=record.id)
            attempt.reporter.redact(redactor)
        else:
            arguments = task.load_arguments(record.args)
        for name in task.files:
            value = arguments.get(name)
            if isinstance(value, UploadFile):
                arguments[name] = await self._located(record.id, value)
            elif value:
                arguments[name] = [await self._located(record.id, one) for one in value]
        return arguments

    async def _located(self, job_id: str, file: UploadFile) -> UploadFile:
        return replace(file, local=await self._blobs.path(job_id, file.blob))

    # ── settle ──

    def _abandon(self, attempt: Attempt) -> None:
        """The grace is over and the function does not stop: write the end without it. The slot is free again;
        whatever the function still tries to write is refused, because the lease has ended."""
        if attempt.settle():
            log.warning(
                "job %s does not stop; going on without it",
                attempt.record.id,
                extra={"action": "abandon", "job_id": attempt.record.id, "task": attempt.task.name},
            )
            ending = asyncio.get_running_loop().create_task(
                self._settle(attempt, Stopped(attempt.stopping or Stop.LOST))
            )
            self._background.add(ending)
            ending.add_done_callback(self._background.discard)

    async def _settle(self, attempt: Attempt, outcome: Outcome) -> None:
        try:
            while True:
                try:
                    await attempt.reporter.drain()
                    status = await self._write(attempt, outcome)
                    break
                except LeaseLost:
                    status = None
                    break
                except StoreError as error:
                    log.error("job %s: its end cannot be stored yet: %s", attempt.record.id, error)
                    await asyncio.sleep(_STORE_PAUSE)
                except Exception as error:
                    # What the function left behind cannot be written at all; that it failed can.
                    log.exception("job %s: its end cannot be stored", attempt.record.id)
                    attempt.reporter.refuse_more()
                    outcome = Raised(TypeError(f"its end cannot be stored: {type(error).__name__}"))
            self._account(attempt, status)
            if status is None:
                await self._clear_away(attempt.record.id)
        finally:
            attempt.on_settled(attempt)

    async def _clear_away(self, job_id: str) -> None:
        """If the lease was lost because the job was removed: the files that the attempt wrote after that."""
        with suppress(StoreError):
            if await self._store.removed(job_id):
                await self._blobs.delete_job(job_id)

    async def _write(self, attempt: Attempt, outcome: Outcome) -> Status | None:
        """The verb that the outcome calls for. None: nothing was ours to write."""
        lease = attempt.lease
        match outcome:
            case Returned(result):
                return await self._complete(attempt, result)
            case Raised(error):
                return await self._raised(attempt, error)
            case Stopped(Stop.CANCEL):
                await self._store.cancel(lease, "requested")
                return Status.CANCELLED
            case Stopped(Stop.TIMEOUT):
                limit = attempt.task.policy.timeout or 0.0
                return await self._failed(
                    attempt, _problem("timed-out", "Out of time", f"The attempt took longer than {limit:g} s.")
                )
            case Stopped(Stop.DEADLINE):
                return await self._overdue(attempt)
            case Stopped(Stop.SHUTDOWN):
                return await self._store.interrupt(lease, "interrupted")
            case _:
                return None

    async def _complete(self, attempt: Attempt, result: bytes) -> Status:
        if len(result) > self._settings.result_max:
            limit = self._settings.result_max
            error = _problem("result-too-large", "Result too large", f"The result is larger than {limit} bytes.")
            await self._store.fail(attempt.lease, _final(error, attempt))
            return Status.FAILED
        if len(result) > self._settings.result_inline:
            job_id, blob = attempt.record.id, f"result.{attempt.lease.token}.json"
            await self._blobs.put(job_id, blob, result, media_type="application/json")
            async with _fenced(self._blobs, job_id, blob):
                await self._store.complete(attempt.lease, None, result_blob=blob)
        else:
            await self._store.complete(attempt.lease, result)
        return Status.COMPLETED

    async def _raised(self, attempt: Attempt, error: BaseException) -> Status:
        problem, redactor = problem_of(error), attempt.reporter.redactor
        if redactor is not None:
            problem = redactor.data(problem, keys=frozenset(problem))
        if isinstance(error, Fail | InvalidInput):
            await self._store.fail(attempt.lease, _final(problem, attempt))
            return Status.FAILED
        if not isinstance(error, Retry | Died):
            log.warning(
                "job %s (%s) raised %s%s",
                attempt.record.id,
                attempt.task.name,
                type(error).__name__,
                "" if redactor is None else "\n" + redactor.trace(error),
                exc_info=error if redactor is None else None,
                extra={"action": "raised", "job_id": attempt.record.id, "task": attempt.task.name},
            )
        return await self._failed(attempt, problem, after=error.after if isinstance(error, Retry) else None)

    async def _failed(self, attempt: Attempt, problem: dict[str, JSON], after: float | None = None) -> Status:
        """One attempt has failed: again later, or the end."""
        failures = attempt.record.failures + 1
        if failures > attempt.record.max_retries:
            await self._store.fail(attempt.lease, _final(problem, attempt))
            return Status.FAILED
        delay = attempt.task.policy.retry_delay(failures) if after is None else after
        reason = "timeout" if problem["code"] == "timed-out" else "error"
        problem |= {"attempts": failures, "retryable": True}
        return await self._store.retry_later(attempt.lease, problem, at=time.time() + delay, reason=reason)

    async def _overdue(self, attempt: Attempt) -> Status:
        if attempt.record.deadline_cancels:
            await self._store.cancel(attempt.lease, "cancel-after")
            return Status.CANCELLED
        await self._store.fail(attempt.lease, _final(overdue_problem(), attempt))
        return Status.FAILED

    def _account(self, attempt: Attempt, status: Status | None) -> None:
        if status is None:
            self.meter.lease_lost()
            log.warning(
                "job %s: this attempt lost its lease; somebody else has the job",
                attempt.record.id,
                extra={"action": "lease_lost", "job_id": attempt.record.id, "task": attempt.task.name},
            )
            return
        started = attempt.record.started_at or time.time()
        self.meter.finished(attempt.task.name, status, max(0.0, time.time() - started))


# ── problems ─────────────────────────────────────────────────────────────────────────────────────────


async def _refuse_secrets(attempt: Attempt, result: bytes) -> None:
    """Raises Fail when the result holds a secret of the attempt."""
    redactor = attempt.reporter.redactor
    if redactor is not None:
        await asyncio.to_thread(redactor.refuse, f"the result of {attempt.task.name!r}", result)


def problem_of(error: BaseException) -> dict[str, JSON]:
    """What a job says of the exception that ended its attempt: for its owner, so without a traceback."""
    match error:
        case Fail():
            data: dict[str, JSON] = to_jsonable_python(error.data, fallback=str, inf_nan_mode="null")
            return {**_problem(error.code, Fail.title, str(error)), **data}
        case InvalidInput():
            problem = _problem("arguments-changed", "The stored arguments do not fit the task any more", str(error))
            return {**problem, "errors": error.errors}
        case AcceptedError():
            return {**_problem(error.slug, error.title, error.public), **error.members}
        case _:
            return {**_problem("task-failed", Fail.title, str(error)), "exception": type(error).__name__}


def overdue_problem() -> dict[str, JSON]:
    """For a job whose deadline has passed."""
    return _problem("deadline-exceeded", "Past its deadline", "The job was not over by its deadline.")


def lost_problem(losses: int) -> dict[str, JSON]:
    """For a job that took its worker down too often."""
    detail = f"Its worker died {losses} times in a row without a step finished; see the workers' logs."
    return {**_problem("worker-lost", "Its workers died", detail), "attempts": losses, "retryable": False}


def _problem(code: str, title: str, detail: str) -> dict[str, JSON]:
    return {"code": code, "title": title, "detail": detail or title}


def _final(problem: dict[str, JSON], attempt: Attempt) -> dict[str, JSON]:
    return {**problem, "attempts": attempt.record.failures + 1, "retryable": False}
