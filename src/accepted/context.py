"""What a running function holds: `Job` in a coroutine, `SyncJob` in a plain function.

Both report through one `Reporter`, which coalesces: a tight loop may call `progress` a million times, a few
calls a second are written, and always the last. The reporter writes through a `Sink`: the store where the
function runs in the worker, a pipe to it where the function has a process of its own (`isolation.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import math
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast, get_type_hints, overload

import pydantic
import pydantic_core

from accepted.errors import AcceptedError, Cancelled, LeaseLost, StoreError
from accepted.job import JSON, Artifact, EventDraft, JobRecord, Kind, Progress, json_text
from accepted.redaction import RedactingSink, Redactor
from accepted.secret import KEPT, Secret
from accepted.sink import Sink
from accepted.value import value

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Level = Literal["debug", "info", "warning", "error"]

_BACKLOG: Final = 5_000
"""Events of one job that may wait for a write; a thread that logs faster waits, and so does a coroutine that awaits
its reports."""
_BACKLOG_BYTES: Final = 4 * 1024**2
"""The same, of what they hold."""


class _Done:
    """What a call that need not be awaited returns, so that it may be."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class _Breath(_Done):
    """The same, and awaiting it lets the event loop run once, so that a tight loop stays visible."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


class _Written(_Done):
    """The same, and awaiting it takes until what waits is written: reports come faster than the store writes."""

    __slots__ = ("_reporter",)

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __await__(self) -> Generator[None, None, None]:
        return (yield from self._reporter.flush().__await__())


_DONE: Final = _Done()
_BREATH: Final = _Breath()


class Reporter:
    """Collects what an attempt reports, from any thread, and writes it in the loop that made it.

    `interval` is in seconds. `stop(reason)` makes every further report of a plain function raise Cancelled.
    Whoever made it calls `drain()` before the attempt ends.
    """

    def __init__(self, sink: Sink, *, interval: float, progress: Progress, cost: float = 0.0) -> None:
        self.sink = sink
        self.redactor: Redactor | None = None
        """Of an attempt with secrets."""
        self.stopping: str | None = None
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._interval = interval
        self._percent = progress.percent or 0.0
        self._has_percent = progress.percent is not None
        self._message = progress.message
        self._current: float | None = None
        self._total: float | None = None
        self._unit: str | None = None
        self._progress_dirty = False
        self._events: list[EventDraft] = []
        self._waiting_bytes = 0
        self._cost = 0.0
        self._spent = cost
        self._lock = threading.Lock()
        self._scheduled = False
        """A write of the progress is planned."""
        self._urgent = False
        """A write of events is asked for; they wait for the write under way, not for the interval."""
        self._again = False
        """Another write was due while one was under way."""
        self._next_write = 0.0
        self._next_breath = 0.0
        self._writing: asyncio.Task[None] | None = None
        self.refused = False
        self.on_refused: Callable[[], None] = lambda: None
        """Called once, in the loop, when the attempt turns out to be fenced off."""

    def redact(self, redactor: Redactor) -> None:
        """Let nothing pass that it knows. Before the function starts."""
        self.redactor = redactor
        self.sink = RedactingSink(self.sink, redactor)

    # ── called by the user's function, from any thread ──

    def progress(
        self,
        percent: float | None,
        message: str | None,
        current: float | None,
        total: float | None,
        unit: str | None,
    ) -> _Done:
        if current is not None:
            self._current = current
            if total is not None:
                self._total = total
                if percent is None and total > 0:
                    percent = 100.0 * current / total
        if percent is not None:
            if percent > self._percent:  # never falls within an attempt; NaN compares false
                self._percent = min(100.0, percent)
            self._has_percent = True
        if message is not None:
            self._message = message
        if unit is not None:
            self._unit = unit
        self._progress_dirty = True
        if not self._scheduled:
            self._scheduled = True
            self._in_loop(self._plan)
        return self._breathe()

    def counted(self, current: float, total: float | None) -> None:
        """Progress within a `track`: counts, and no percent."""
        self._current, self._total, self._progress_dirty = current, total, True
        if not self._scheduled:
            self._scheduled = True
            self._in_loop(self._plan)

    def add(self, draft: EventDraft, *, cost: float = 0.0, size: int = 0) -> _Done:
        """`size`: about how many bytes it holds."""
        self.check()
        with self._lock:
            self._events.append(draft)
            self._cost += cost
            self._waiting_bytes += size
            too_much = len(self._events) >= _BACKLOG or self._waiting_bytes >= _BACKLOG_BYTES
        if not self._urgent:
            self._urgent = True
            self._in_loop(self._start_write)
        if not too_much:
            return self._breathe()
        if self.in_loop:
            return _Written(self)
        self.call(self.flush())
        return _DONE

    def spend(self, amount: float, what: str) -> _Done:
        with self._lock:
            self._spent += amount
            total = self._spent
        return self.add(EventDraft(Kind.COST, {"amount": amount, "what": what, "total": round(total, 9)}), cost=amount)

    def check(self) -> None:
        """Raise where the function has to stop: Cancelled in a thread, CancelledError in the loop."""
        if self.stopping is not None:
            if self.in_loop:
                raise asyncio.CancelledError(self.stopping)
            raise Cancelled(self.stopping)

    @property
    def in_loop(self) -> bool:
        return threading.get_ident() == self._loop_thread

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for it; from another thread only."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self, reason: str) -> None:
        self.stopping = reason

    # ── writing, in the loop ──

    def _breathe(self) -> _Done:
        if self.stopping is not None:
            self.check()
        now = time.monotonic()
        if now < self._next_breath:
            return _DONE
        self._next_breath = now + 0.02
        return _BREATH

    def _in_loop(self, callback: Callable[[], None]) -> None:
        if self.in_loop:
            callback()
        else:
            self._loop.call_soon_threadsafe(callback)

    def _plan(self) -> None:
        delay = self._next_write - time.monotonic()
        if delay > 0:
            self._loop.call_later(delay, self._start_write)
        else:
            self._start_write()

    def _start_write(self) -> None:
        if self._writing is None:
            self._writing = self._loop.create_task(self._write())
        else:
            self._again = True

    async def _write(self) -> None:
        """Write, and once more for what became due meanwhile: however slow the store is, nothing is left behind."""
        try:
            self._again = True
            while self._again:
                self._next_write = time.monotonic() + self._interval
                self._scheduled = self._urgent = self._again = False
                await self.flush()
        finally:
            self._writing = None

    async def flush(self) -> None:
        """Write what has come together. Never raises: what the store could not take stays for the next time,
        and an attempt that was fenced off has nothing more to say."""
        with self._lock:
            events, self._events = self._events, []
            cost, self._cost = self._cost, 0.0
            self._waiting_bytes = 0
        progress = self._take_progress()
        if progress is not None:
            events.append(EventDraft(Kind.PROGRESS, progress.data()))
        if not events or self.refused:
            return
        try:
            await self.sink.report(events, progress, cost)
        except LeaseLost:
            self.refuse()
        except StoreError:
            with self._lock:
                self._events = [draft for draft in events if draft.kind is not Kind.PROGRESS] + self._events
                self._cost += cost
            self._progress_dirty |= progress is not None
            self._loop.call_later(self._interval, self._start_write)

    def begin_step(self, key: str, name: str) -> asyncio.Task[None]:
        """Tell that a step begins, without waiting for it: `end_step` does, so that a short step costs one commit.
        In the loop."""
        started = self._loop.create_task(self.sink.start_step(key, name))
        started.add_done_callback(_looked_at)
        return started

    async def end_step(self, started: asyncio.Task[None], end: Coroutine[Any, Any, None]) -> None:
        """Store a step's end, after its beginning and what was reported meanwhile, all in one go. Raises LeaseLost."""
        await asyncio.gather(started, self.flush(), end)

    def refuse(self) -> None:
        """The store has said that somebody else has the job."""
        if not self.refused:
            self.refused = True
            self.on_refused()

    def refuse_more(self) -> None:
        """What is not written yet cannot be, and nothing more is taken."""
        with self._lock:
            self._events.clear()
        self._progress_dirty = False
        self.refused = True

    def _take_progress(self) -> Progress | None:
        if not self._progress_dirty:
            return None
        self._progress_dirty = False
        percent = round(self._percent, 2) if self._has_percent else None
        return Progress(
            percent, _words(self._message), _number(self._current), _number(self._total), _words(self._unit)
        )

    async def drain(self) -> None:
        """Write the last of it, once the function has ended. Raises StoreError when it is still not written."""
        writing = self._writing
        if writing is not None:
            await writing
        if self._pending:
            await self.flush()
        if self._pending:
            raise StoreError("The last reports of the job cannot be stored yet.")

    @property
    def _pending(self) -> bool:
        return bool(self._events or self._progress_dirty) and not self.refused


@value
class JobInfo:
    """What a job knows of itself while it runs."""

    id: str
    task: str
    owner: str
    attempt: int
    token: int
    deadline_at: float | None

    @classmethod
    def of(cls, record: JobRecord) -> JobInfo:
        return cls(record.id, record.task, record.owner, record.attempt, record.token, record.deadline_at)


class BaseJob:
    """What `Job` and `SyncJob` share. Made by the runner, one for each attempt.

    Reports are written within `progress_interval`, in order; they return at once and may be awaited.
    """

    def __init__(self, info: JobInfo, reporter: Reporter, steps: Mapping[str, bytes]) -> None:
        self.id = info.id
        self.task = info.task
        self.owner = info.owner
        self.attempt = info.attempt
        self.token = info.token
        """Rises with every attempt; hand it to outside systems that can refuse an older one."""
        self.deadline_at = info.deadline_at
        """Seconds since the epoch; None: no limit to the whole job."""
        self._info = info
        self._reporter = reporter
        self._steps = steps
        """Results of the steps that earlier attempts finished, by key."""

    @property
    def cancelled(self) -> bool:
        """True once the attempt should stop: a cancel, a time limit, a stopping worker, a lost lease."""
        return self._reporter.stopping is not None

    @property
    def stopping(self) -> str | None:
        """Why the attempt should stop: "cancel", "timeout", "deadline", "shutdown" (another worker goes on) or "lost"
        (another one has it already); None while it may run."""
        return self._reporter.stopping

    def progress(
        self,
        percent: float | None = None,
        message: str | None = None,
        *,
        current: float | None = None,
        total: float | None = None,
        unit: str | None = None,
    ) -> _Done:
        """Say how far it is: `percent` 0–100 (a lower one than before is ignored), or `current` of `total`."""
        return self._reporter.progress(percent, message, current, total, unit)

    def track(
        self,
        items: Iterable[T],
        message: str | None = None,
        *,
        total: int | None = None,
        unit: str | None = None,
        upto: float | None = None,
    ) -> Iterator[T]:
        """Iterate and count, like tqdm. The percent moves only with `upto`: from where it is to there."""
        size = total if total is not None else _length(items)
        start = self._reporter._percent
        self._reporter.progress(None, message, 0, None, unit)
        self._reporter.counted(0, size)
        for number, item in enumerate(items, 1):
            yield item
            self._reporter.check()
            self._reporter.counted(number, size)
            if upto is not None and size:
                self._reporter.progress(start + (upto - start) * number / size, None, None, None, None)

    def log(self, message: str, level: Level = "info", **data: JSON) -> _Done:
        """An entry in the job's log that its owner can read; no secrets. Raises TypeError for what is not JSON."""
        return self._add(Kind.LOG, {"level": level, "message": message, **data})

    def emit(self, value: JSON) -> _Done:
        """Partial output: a piece of the result that watchers see now. Raises TypeError for what is not JSON."""
        return self._add(Kind.OUTPUT, {"value": value})

    def _add(self, kind: Kind, data: dict[str, JSON]) -> _Done:
        """Refused here, in the function's own line, rather than when it is written with the reports of others."""
        try:
            size = len(json_text(data))
        except (TypeError, ValueError):
            try:
                data = pydantic_core.to_jsonable_python(data, fallback=_shown)
                size = len(json_text(data))
            except (TypeError, ValueError) as error:
                raise TypeError(f"a {kind} cannot be stored as JSON: {error}") from error
        return self._reporter.add(EventDraft(kind, data), size=size)

    def spend(self, amount: float, what: str = "") -> _Done:
        """Add to the job's cost, in US dollars unless the task says otherwise. Raises ValueError below 0."""
        if not amount >= 0 or math.isinf(amount):
            raise ValueError(f"amount: expected a number ≥ 0, got {amount!r}")
        return self._reporter.spend(amount, what)

    def _finished(self, key: str, returns: pydantic.TypeAdapter[Any]) -> tuple[bool, Any]:
        done = self._steps.get(key)
        return (False, None) if done is None else (True, load_step(returns, done))


class Job(BaseJob):
    """In a coroutine. In a thread that the coroutine started, `job.sync` has the blocking forms."""

    @property
    def sync(self) -> SyncJob:
        """The same attempt for code in a thread."""
        return SyncJob(self._info, self._reporter, self._steps)

    @overload
    async def step(self, name: str, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    async def step(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...

    async def step(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `function(*args, **kwargs)` once for the whole job and keep what it returns.

        The same name and arguments are the same step: after a retry, a crash or a deploy its result comes from the
        store, as JSON read back through the function's return type. A plain function runs in a thread.
        """
        key, returns = step_key(name, args, kwargs, self._reporter.redactor), _return_type(function)
        done, value = self._finished(key, returns)
        if done:
            return value
        reporter = self._reporter
        reporter.check()
        reporter.progress(None, name, None, None, None)
        started = reporter.begin_step(key, name)
        try:
            if inspect.iscoroutinefunction(function):
                value = await function(*args, **kwargs)
            else:
                value = await asyncio.to_thread(function, *args, **kwargs)
                if inspect.isawaitable(value):
                    value = await value
            raw = dump_step(name, returns, value)
        except Exception as error:
            await reporter.end_step(started, reporter.sink.fail_step(key, name, step_error(error)))
            raise
        await reporter.end_step(started, reporter.sink.finish_step(key, name, raw))
        return load_step(returns, raw)

    async def attach(self, name: str, source: Path | str | bytes, *, media_type: str | None = None) -> Artifact:
        """Keep a file (a path) or bytes under `name` with the job. Raises PayloadTooLarge, ValueError (name)."""
        return await self._reporter.sink.attach(*_attachment(name, source, media_type))


class SyncJob(BaseJob):
    """In a plain function, which runs in a thread or in a process of its own."""

    @overload
    def step(
        self, name: str, function: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...

    @overload
    def step(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...

    def step(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`Job.step`, blocking. A coroutine function runs in the worker's event loop."""
        key, returns = step_key(name, args, kwargs, self._reporter.redactor), _return_type(function)
        done, value = self._finished(key, returns)
        if done:
            return value
        reporter = self._reporter
        reporter.check()
        reporter.progress(None, name, None, None, None)
        started = reporter.call(_made(reporter.begin_step, key, name))
        try:
            value = function(*args, **kwargs)
            if inspect.iscoroutine(value):
                value = reporter.call(value)
            raw = dump_step(name, returns, value)
        except Exception as error:
            reporter.call(reporter.end_step(started, reporter.sink.fail_step(key, name, step_error(error))))
            raise
        reporter.call(reporter.end_step(started, reporter.sink.finish_step(key, name, raw)))
        return load_step(returns, raw)

    def attach(self, name: str, source: Path | str | bytes, *, media_type: str | None = None) -> Artifact:
        """`Job.attach`, blocking."""
        return self._reporter.call(self._reporter.sink.attach(*_attachment(name, source, media_type)))


# ── the context variable ─────────────────────────────────────────────────────────────────────────────

current: Final[ContextVar[BaseJob]] = ContextVar("accepted_job")


def current_job() -> Job:
    """The job that the calling coroutine belongs to. Raises LookupError outside a job's coroutine."""
    job = current.get(None)
    if isinstance(job, Job):
        return job
    raise LookupError("no job runs here as a coroutine; call it from a task, or use current_sync_job() in a thread")


def current_sync_job() -> SyncJob:
    """The job that the calling thread works for. Raises LookupError outside a job."""
    job = current.get(None)
    if job is None:
        raise LookupError("no job runs here; call it from a task, or start the thread with asyncio.to_thread")
    return job.sync if isinstance(job, Job) else cast("SyncJob", job)


def _shown(given: object) -> str:
    """A Secret is its stars, as wherever it is printed."""
    if isinstance(given, Secret):
        return str(given)
    raise TypeError(f"{type(given).__name__} is not JSON")


def _words(given: object) -> str | None:
    """Text, whatever was given as one (an exception, say): progress is reported too often to be refused."""
    return given if given is None or isinstance(given, str) else str(given)


def _number(given: Any) -> float | None:
    """One that JSON can hold: not NumPy's."""
    return given if given is None or type(given) in (int, float) else float(given)


def _looked_at(task: asyncio.Task[None]) -> None:
    """A step that is cancelled does not wait for its beginning; its error is nobody's then."""
    if not task.cancelled():
        task.exception()


async def _made(make: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call in the loop what has to be called there."""
    return make(*args, **kwargs)


# ── steps and attachments as data ────────────────────────────────────────────────────────────────────


def step_key(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], redactor: Redactor | None = None) -> str:
    """What makes two calls the same step: name and arguments. An argument that JSON cannot hold (a client, a
    connection) counts by its type only.

    With secrets about, the hash is keyed, so that nobody can compare it with guesses, and a Secret counts by its value.
    """
    salt = redactor.salt if redactor is not None else b""

    def told(value: Any) -> Any:
        return {"$secret": value.get_secret_value()} if salt and isinstance(value, Secret) else _type_only(value)

    material = pydantic_core.to_json([name, list(args), sorted(kwargs.items())], fallback=told)
    return hashlib.sha256(salt + material).hexdigest()[:32]


def _type_only(value: Any) -> str:
    return f"<{type(value).__qualname__}>"


def dump_step(name: str, returns: pydantic.TypeAdapter[Any], value: Any) -> bytes:
    """The JSON of a step's result. Raises TypeError naming the step."""
    try:
        return returns.serializer.to_json(value, warnings=False, context=KEPT)
    except (pydantic_core.PydanticSerializationError, ValueError) as error:
        raise TypeError(f"the result of step {name!r} cannot be stored as JSON: {error}") from error


def load_step(returns: pydantic.TypeAdapter[Any], raw: bytes) -> Any:
    """A step's result as its function's return type. Field names, no aliases: that is how it was written."""
    return returns.validator.validate_json(raw, by_name=True)


def step_error(error: BaseException) -> dict[str, JSON]:
    """What a failed step says of itself."""
    detail = error.public if isinstance(error, AcceptedError) else str(error)
    return {"title": type(error).__name__, "detail": detail}


def _return_type(function: Callable[..., Any]) -> pydantic.TypeAdapter[Any]:
    # A bound method is made anew at each access, and would keep its object alive in the cache.
    return _adapter(getattr(function, "__func__", function))


@lru_cache(maxsize=1024)
def _adapter(function: Callable[..., Any]) -> pydantic.TypeAdapter[Any]:
    try:
        return pydantic.TypeAdapter(get_type_hints(function).get("return", Any))
    except (NameError, TypeError, pydantic.errors.PydanticUserError):
        return pydantic.TypeAdapter(Any)


def _attachment(name: str, source: Path | str | bytes, media_type: str | None) -> tuple[str, Path | bytes, str]:
    import mimetypes

    if not name or len(name) > 200 or any(ord(char) < 32 for char in name) or "/" in name or name in (".", ".."):
        raise ValueError(f"name: expected a file name of at most 200 characters, got {name!r}")
    guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return name, source if isinstance(source, bytes) else Path(source), guessed


def _length(items: Iterable[Any]) -> int | None:
    try:
        return len(items)  # type: ignore[arg-type]
    except TypeError:
        return None
