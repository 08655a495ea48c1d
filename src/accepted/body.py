"""How a task's function is run and stopped: as a coroutine, in a thread, or in a process of its own."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from accepted.context import BaseJob, Job, JobInfo, Reporter, SyncJob, current
from accepted.errors import Cancelled
from accepted.job import JobRecord
from accepted.settings import Settings
from accepted.task import Task


class Body(Protocol):
    """A function under way. Used once, in the worker's event loop."""

    async def run(self) -> bytes:
        """Run it; the result as JSON. Raises what it raises; TypeError when JSON cannot hold the result."""

    def interrupt(self) -> None:
        """Make it stop, its clean-up included: cancellation, an exception, SIGTERM. Returns at once."""

    def kill(self) -> bool:
        """The grace is over. True: it will be gone in a moment; False: nobody can stop it."""


def make_body(
    task: Task[..., Any],
    record: JobRecord,
    arguments: dict[str, Any],
    steps: Mapping[str, bytes],
    reporter: Reporter,
    settings: Settings,
) -> Body:
    """The right one for the task."""
    if task.policy.isolation == "process":
        from accepted.isolation import ProcessBody

        return ProcessBody(task, record, arguments, steps, reporter, settings)
    if task.is_coroutine:
        return CoroutineBody(task, arguments, Job(JobInfo.of(record), reporter, steps))
    return ThreadBody(task, arguments, SyncJob(JobInfo.of(record), reporter, steps))


def call(task: Task[..., Any], arguments: dict[str, Any], job: BaseJob) -> Any:
    """Call the task's function with its arguments and, where it asks for one, the job."""
    if task.job_parameter is not None:
        arguments[task.job_parameter] = job
    if task.positional_only:
        args = [arguments.pop(name) for name in task.positional_only]
        return task.function(*args, **arguments)
    return task.function(**arguments)


class CoroutineBody:
    """Runs in the task that called `run`, so that a no-op costs no further one."""

    def __init__(self, task: Task[..., Any], arguments: dict[str, Any], job: Job) -> None:
        self._task, self._arguments, self._job = task, arguments, job
        self._running: asyncio.Task[Any] | None = None

    async def run(self) -> bytes:
        current.set(self._job)
        self._running = asyncio.current_task()
        try:
            value = await call(self._task, self._arguments, self._job)
        finally:
            self._running = None
        return self._task.dump_result(value)

    def interrupt(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def kill(self) -> bool:
        self.interrupt()
        return False


class ThreadBody:
    """A thread of its own, a daemon, so that one that never ends keeps neither a pool nor the exit waiting."""

    def __init__(self, task: Task[..., Any], arguments: dict[str, Any], job: SyncJob) -> None:
        self._task, self._arguments, self._job = task, arguments, job
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[bytes] = self._loop.create_future()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._inside = False

    async def run(self) -> bytes:
        context = contextvars.copy_context()
        context.run(current.set, self._job)
        self._thread = threading.Thread(
            target=context.run, args=(self._main,), name=f"accepted {self._task.name} {self._job.id}", daemon=True
        )
        self._thread.start()
        # Shielded: the thread's end decides, not the cancellation of whoever waits.
        return await asyncio.shield(self._done)

    def _main(self) -> None:
        """Call the function and hand over its end. An exception of `interrupt` may arrive anywhere in here, late
        ones too; it is delivered or dropped, never lost in between."""
        try:
            with self._guard:
                self._inside = True
            try:
                value = call(self._task, self._arguments, self._job)
                if inspect.isawaitable(value):
                    value = asyncio.run(_await(value))
                deliver = functools.partial(_resolve, self._done, self._task.dump_result(value))
            finally:
                with self._guard:
                    self._inside = False
        except BaseException as error:
            deliver = functools.partial(_reject, self._done, error)
        while True:
            try:
                self._loop.call_soon_threadsafe(deliver)
            except Cancelled:
                continue
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            return

    def interrupt(self) -> None:
        """Raise Cancelled in the thread at its next bytecode; a call into C has to return first."""
        import ctypes  # takes a thirtieth of what the whole library does, and most programs never stop a thread

        with self._guard:
            if self._inside and self._thread is not None and self._thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident), ctypes.py_object(Cancelled)
                )

    def kill(self) -> bool:
        return False


async def _await(value: Any) -> Any:
    return await value


def _resolve(future: asyncio.Future[bytes], value: bytes) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: asyncio.Future[bytes], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration | asyncio.CancelledError | KeyboardInterrupt):
        # A future cannot carry these; to the waiting runner they are one more exception of the function.
        wrapped = RuntimeError(f"{type(error).__name__}: {error}")
        wrapped.__cause__ = error
        error = wrapped
    future.set_exception(error)
