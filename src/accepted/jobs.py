"""`Jobs`: the façade. Tasks are registered on it; jobs are submitted, followed and run through it."""

from __future__ import annotations

import asyncio
import time
from collections import ChainMap
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, cast
from weakref import WeakSet

from accepted.errors import ConfigurationError, InvalidInput, JobGone, LimitReached, QueueFull, StoreError, TaskNotFound
from accepted.feed import Ended, Events, Removed
from accepted.files import UploadFile
from accepted.handle import JobHandle
from accepted.hub import Hub
from accepted.job import Event, IdempotencyKey, JobRecord, NewJob, Status, new_id
from accepted.limits import CommonLimits, of_whole_queue
from accepted.meter import Meter
from accepted.runner import Runner
from accepted.scheduler import Missed, Overlap, Scheduler, make_schedule
from accepted.secret import Vault, make_vault
from accepted.settings import Settings, load, seconds, size
from accepted.signatures import Decorator, Duration
from accepted.stores import open_blobs, open_store, sqlite_path
from accepted.stores.base import BlobStore, JobQuery, Page, Store, Submitted
from accepted.task import Options, Policy, Task, fingerprint
from accepted.upkeep import Upkeep
from accepted.worker import Worker

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute
    from starlette.types import Scope

    from accepted.http.auth import Access, Authenticator
    from accepted.http.endpoint import EndpointDecorator
    from accepted.http.jobs_api import JobsApi
    from accepted.http.live import Live
    from accepted.webhooks.delivery import Deliveries

_DURATIONS: Final = ("backoff", "backoff_max", "timeout", "deadline", "retention")
_DELETED_AT_ONCE: Final = 500
"""Jobs in one transaction of `delete_owned`."""


class Jobs:
    """Tasks, a store for their jobs, and a worker that runs them.

    `url`: "sqlite:///jobs.db", "sqlite://:memory:"; None: the setting. `auth`: who may call over HTTP: a function of
    yours, or the setting of that name (API keys, JWT, or open on loopback only). Further keywords are settings.

    Making one opens nothing. `async with jobs:` (or `lifespan`) starts the store, the worker and live
    updates, and stops them in order. Several may live in one process.
    """

    instances: ClassVar[WeakSet[Jobs]] = WeakSet()
    """Every one that was made in this process: how `accepted serve` finds those behind an application."""

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        auth: Authenticator | Literal["keys", "jwt"] | None = None,
        store: Store | None = None,
        blobs: BlobStore | None = None,
        prefix: str = "/v1",
        **overrides: Any,
    ) -> None:
        if isinstance(auth, str):
            overrides["auth"], auth = auth, None
        if settings is not None and (overrides or url is not None):
            raise ConfigurationError(f"{next(iter(overrides), 'url')}: give settings=, or single settings, not both")
        self.settings = settings or load(Settings, database=url, **overrides)
        self._limits = CommonLimits(self.settings)
        self.prefix = prefix
        self.auth = auth
        self.tasks: dict[str, Task[..., Any]] = {}
        self.store = store or open_store(self.settings)
        self.blobs = blobs or open_blobs(self.settings)
        self.hub = Hub(self.store, self.settings)
        self.meter = Meter()
        self._known: ChainMap[str, Task[..., Any]] = ChainMap(self.tasks)
        """The tasks that the worker runs: from the start on, deliveries too."""
        self.runner = Runner(self.store, self.blobs, self.settings, self._known, self.meter)
        self.worker = Worker(self.store, self.runner, self.settings)
        self._upkeep = Upkeep(self.store, self.blobs, self.settings)
        self._scheduler = Scheduler(self.store, self.settings, self._limits, self.meter)
        self._users = 0
        self._starting = asyncio.Lock()
        Jobs.instances.add(self)

    # ── registering ──

    @cached_property
    def task(self) -> Decorator:
        """Register a function: `@jobs.task`, or with its policy `@jobs.task(retries=3, timeout="15m")`.

        Raises ConfigurationError when the function cannot be a task, or its name is taken.
        """
        return cast("Decorator", self._task)

    def _task(self, function: Callable[..., Any] | None = None, /, *, name: str | None = None, **policy: Any) -> Any:
        if function is None:
            return lambda later: self._task(later, name=name, **policy)
        return self.register(function, name=name or function.__name__, policy=_policy(policy))

    def register(self, function: Callable[..., Any], *, name: str, policy: Policy) -> Task[..., Any]:
        """What `@jobs.task` does. Raises ConfigurationError."""
        if name.startswith("accepted."):
            raise ConfigurationError(f"{name!r}: names that begin with 'accepted.' are the library's; give it another")
        if policy.queue.startswith("accepted."):
            raise ConfigurationError(f"{name}: queues that begin with 'accepted.' are the library's; give it another")
        if name in self.tasks:
            raise ConfigurationError(f"two tasks are named {name!r}; give one another name=")
        made: Task[..., Any] = Task(function, name=name, policy=policy, submitter=self)
        if made.secrets:
            made.vault = self.vault
        self.tasks[name] = made
        return made

    @cached_property
    def vault(self) -> Vault:
        """What encrypts `Secret` arguments. Raises ConfigurationError (secret_key)."""
        return make_vault(self.settings.secret_key, sqlite_path(self.settings.url))

    def get_task(self, name: str) -> Task[..., Any]:
        """Raises TaskNotFound."""
        try:
            return self.tasks[name]
        except KeyError:
            raise TaskNotFound(name, sorted(self.tasks)) from None

    def schedule(
        self,
        task: Task[..., Any],
        *,
        cron: str | None = None,
        every: Duration | None = None,
        timezone: str = "UTC",
        arguments: Mapping[str, Any] | None = None,
        name: str | None = None,
        owner: str | None = None,
        missed: Missed = "latest",
        overlap: Overlap = "skip",
        priority: int | None = None,
        cancel_after: Duration | None = None,
    ) -> None:
        """Submit a job of this task at the times of a line of cron, or at an interval (docs/schedules.md).

        Once at each time, whatever the number of processes; each process that has started looks after it. Raises
        ConfigurationError naming the keyword that is wrong.
        """
        given: dict[str, Any] = {"owner": owner, "priority": priority}
        if cancel_after is not None:
            given["cancel_after"] = seconds(cancel_after)
        options = replace(task.options, **{key: value for key, value in given.items() if value is not None})
        name = name or task.name
        try:
            known = self.tasks.get(task.name)
            if known is None or known.function is not task.function:
                raise ConfigurationError(f"task {task.name!r} is not one of these jobs; register it with @jobs.task")
            from accepted.times import times

            when = times(cron, every, timezone)
            made = make_schedule(task, when, arguments or {}, options, name=name, missed=missed, overlap=overlap)
        except ConfigurationError as error:
            raise ConfigurationError(f"schedule {name!r}: {error}") from None
        self._scheduler.add(made)

    # ── life ──

    async def __aenter__(self) -> Jobs:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def lifespan(self, app: object = None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        """For `FastAPI(lifespan=jobs.lifespan)` and `Starlette(lifespan=jobs.lifespan)`."""
        return self._lifespan()

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        from accepted.http.shutdown import draining_on_signals

        async with self:
            with draining_on_signals(self.hub):
                yield

    async def start(self) -> None:
        """Open the store; start live updates, upkeep, schedules and (by the setting `worker`) the worker.

        Each start is ended by one `stop`. Raises StoreError, SchemaTooNew, ConfigurationError.
        """
        async with self._starting:
            self._users += 1
            if self._users > 1:
                return
            try:
                await self.store.open()
                await self.hub.start()
                self._upkeep.start()
                self._scheduler.start()
                self._known.maps[1:] = [self.deliveries.tasks]
                if self.settings.worker:
                    await self.worker.start()
            except BaseException:
                self._users -= 1
                await self._shut()
                raise

    async def stop(self) -> None:
        """Stop in order: no new claims, running jobs finish or are given back, streams end, the store closes."""
        async with self._starting:
            self._users -= 1
            if self._users == 0:
                await self._shut()

    async def _shut(self) -> None:
        await self._scheduler.stop()
        await self.worker.stop()
        if "deliveries" in self.__dict__:
            await self.deliveries.close()
        await self._upkeep.stop()
        await self.hub.stop()
        await self.store.close()

    @property
    def started(self) -> bool:
        return self._users > 0

    # ── submitting ──

    async def submit_new(self, task: Task[..., Any], items: Sequence[tuple[dict[str, Any], Options]]) -> list[Any]:
        """Store jobs with validated arguments: a `Submitted`, or the exception that refused it, for each."""
        if not self.started:
            raise ConfigurationError(
                "jobs is not started: use `async with jobs:`, or give your app lifespan=jobs.lifespan"
            )
        keys = [task.limit_key(arguments) for arguments, _ in items]
        new: list[NewJob] = []
        for (arguments, options), key in zip(items, keys, strict=True):
            job_id = new_id()
            files, digests = await self._store_files(job_id, task, arguments) if task.files else ({}, [])
            new.append(self._new_job(job_id, task, {**arguments, **files}, digests, options, key))
        self.worker.expect()
        made = [_told(one) for one in await self.store.submit(new)]
        stored = 0
        for job, one in zip(new, made, strict=True):
            if isinstance(one, Submitted) and not one.replayed:
                stored += 1
            elif task.files:
                await self.blobs.delete_job(job.id)
        self.meter.submitted(task.name, stored)
        return made

    def _new_job(
        self,
        job_id: str,
        task: Task[..., Any],
        arguments: dict[str, Any],
        digests: list[bytes],
        options: Options,
        limit_key: str | None,
    ) -> NewJob:
        """`digests`: of the files' content, which the stored arguments do not tell."""
        stored = task.dump_arguments(arguments, options.owner)
        key, now = options.idempotency_key, time.time()
        if isinstance(key, str):
            key = IdempotencyKey(
                f"{options.owner}|task:{task.name}", key, fingerprint(stored, *digests), now + self.settings.idempotency
            )
        return task.new_job(
            stored,
            options,
            job_id=job_id,
            now=now,
            retention=self.settings.retention,
            idempotency=key,
            key=limit_key,
            common=self._limits,
        )

    async def _store_files(
        self, job_id: str, task: Task[..., Any], arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """The arguments that are files, as they are kept, and the SHA-256 of each."""
        digests: list[bytes] = []

        async def keep(name: str, file: UploadFile) -> UploadFile:
            kept = await self.blobs.put(job_id, f"upload.{name}", file.path, media_type=file.media_type)
            digests.append(bytes.fromhex(kept.sha256))
            return replace(file, blob=kept.name, size_bytes=kept.size_bytes)

        stored: dict[str, Any] = {}
        for name, many in task.files.items():
            value = arguments.get(name)
            if value is None:
                continue
            files = value if many else [value]
            names = [f"{name}.{number}" if many else name for number in range(len(files))]
            kept = [await keep(one, file) for one, file in zip(names, files, strict=True)]
            stored[name] = kept if many else kept[0]
        return stored, digests

    async def submit_jobs(self, task: Task[..., Any], items: list[tuple[dict[str, Any], Options]]) -> list[Any]:
        """What `task.submit` stands on: a handle, or the exception that refused it, for each."""
        made = await self.submit_new(task, items)
        return [one if isinstance(one, Exception) else self.handle(one.job) for one in made]

    def handle(self, record: JobRecord) -> JobHandle[Any]:
        """A handle on a job that was read before."""
        task = self.tasks.get(record.task)
        return JobHandle(self, record, task.load_result if task else _plain_json)

    # ── following ──

    async def get(self, job_id: str) -> JobHandle[Any]:
        """A job by its id. Raises JobNotFound, JobGone."""
        return self.handle(await self.store.get(job_id))

    async def get_record(self, job_id: str) -> JobRecord:
        """The job as stored. Raises JobNotFound, JobGone."""
        return await self.store.get(job_id)

    async def list(
        self,
        *,
        owner: str | None = None,
        status: Status | str | Sequence[Status | str] = (),
        task: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Jobs, newest first; `page.cursor` continues. Raises BadRequest (cursor), InvalidInput (status, limit)."""
        if not 1 <= limit <= self.settings.page_max:
            raise InvalidInput([{"detail": f"expected 1 … {self.settings.page_max}", "pointer": "#/limit"}])
        statuses = _statuses([status] if isinstance(status, str) else status)
        return await self.store.list(
            JobQuery(owner=owner, statuses=statuses, task=task, text=text, cursor=cursor, limit=limit)
        )

    async def events(self, job_id: str, *, after: int = 0) -> AsyncGenerator[Event, None]:
        """The job's events with `seq` > `after`, those to come too; ends after the terminal one, or when the job
        is removed. Raises JobNotFound, JobGone at the start."""
        await self.store.get(job_id)
        async with self.hub.watch({job_id: after}, complete=True) as subscription:
            while True:
                for update in await subscription.next():
                    match update:
                        case Events():
                            for message in update.messages:
                                yield message.event
                            if update.over:
                                return
                        case Removed() | Ended():
                            return

    async def wait_over(self, job_id: str, timeout: float | None = None, *, after: int = 0) -> bool:
        """True once the job is over (or removed), False after `timeout` seconds, or when this process stops.
        `after`: a `seq` at which it was known not to be over."""
        return await self.hub.over(job_id, timeout, after=after)

    async def read_result(self, job: JobRecord) -> bytes:
        """The JSON of a completed job's result, from its row or the blob store."""
        if job.result is not None:
            return job.result
        if job.result_blob is None:
            return b"null"
        return b"".join([chunk async for chunk in self.blobs.read(job.id, job.result_blob)])

    async def _described(self, job: JobRecord) -> bytes:
        """The body of `GET /v1/jobs/{id}` for those who are told of it. A worker knows no request, so its links are
        the API's own paths."""
        from accepted.http.job_body import job_body
        from accepted.http.links import Links
        from accepted.http.views import Views

        return job_body(job, Links(self.prefix), await Views(self).details(job))

    # ── acting ──

    async def cancel(self, job_id: str, reason: str = "requested") -> JobRecord:
        """Pending: cancelled at once. Running: told to stop, by force after the grace. Over: unchanged.
        Raises JobNotFound, JobGone."""
        return await self.store.request_cancel(job_id, reason)

    async def retry(self, job_id: str) -> JobRecord:
        """Run a job that is over again. Raises WrongState, LimitReached, QueueFull, JobNotFound, JobGone."""
        try:
            return await self.store.retry(job_id)
        except LimitReached as error:
            raise _refusal(error) from None

    async def delete(self, job_id: str, reason: str = "deleted") -> None:
        """Cancel if needed, remove the job and its files; it answers 410 from then on. Raises JobNotFound."""
        try:
            await self.store.delete(job_id, reason)
        except JobGone:
            return
        finally:
            await self.blobs.delete_job(job_id)

    async def delete_owned(self, owner: str, *, statuses: Sequence[Status | str] = (), task: str | None = None) -> int:
        """Remove all jobs of an owner, with their files: those in one of `statuses` (none: whatever theirs), of `task`
        (None: of any). Returns how many. Raises InvalidInput (statuses), StoreError; what was removed by then is."""
        wanted, count = _statuses(statuses), 0
        while True:
            removed = await self.store.delete_owned(
                owner, "deleted", statuses=wanted, task=task, limit=_DELETED_AT_ONCE
            )
            trouble: StoreError | None = None
            for job_id in removed:
                try:
                    await self.blobs.delete_job(job_id)
                except StoreError as error:
                    # The others of this transaction are forgotten by the store: their files have to go now.
                    trouble = error
            if trouble is not None:
                raise trouble
            count += len(removed)
            if len(removed) < _DELETED_AT_ONCE:
                return count

    @cached_property
    def deliveries(self) -> Deliveries:
        """What tells webhooks; made at the start, so that a program which only declares its tasks loads none of it."""
        from accepted.webhooks.delivery import Deliveries

        return Deliveries(self.store, self.settings, self._described)

    # ── over HTTP ──

    @cached_property
    def access(self) -> Access:
        """Who may do what over HTTP."""
        from accepted.http.auth import Access, authenticator
        from accepted.http.tokens import Tokens

        who = self.auth or authenticator(self.settings, self.store)
        return Access(who, Tokens(self.store, self.settings), self.settings)

    @cached_property
    def routes(self) -> Sequence[BaseRoute]:
        """The routes of docs/http.md, for `Starlette(routes=[*jobs.routes])`."""
        from accepted.http.router import make_routes

        return make_routes(self)

    @cached_property
    def service_routes(self) -> Sequence[BaseRoute]:
        """`/healthz`, `/readyz` and `/metrics`, for an application that wants them; `app` has them."""
        from accepted.http.router import make_service_routes

        return make_service_routes(self)

    @cached_property
    def api(self) -> JobsApi:
        """The handlers behind `routes`; they count open streams, so there is one for each `Jobs`."""
        from accepted.http.jobs_api import JobsApi

        return JobsApi(self)

    def live(self, scope: Scope) -> Live:
        """What a WebSocket or event stream of your own stands on (`http.websocket.LiveSocket`), with links as the
        client of this ASGI scope sees them. It shares limits and counts with `routes`."""
        from accepted.http.links import links_at

        return self.api.live(links_at(scope, self.prefix))

    @cached_property
    def router(self) -> APIRouter:
        """The same for `fastapi_app.include_router(jobs.router)`. Needs the extra `accepted[fastapi]`."""
        from accepted.http.fastapi import make_router

        return make_router(self)

    @cached_property
    def app(self) -> Starlette:
        """A whole ASGI application with nothing but these routes."""
        from accepted.http.router import make_app

        return make_app(self)

    @property
    def endpoint(self) -> EndpointDecorator:
        """`@jobs.endpoint(wait=20)` under a route's decorator turns a blocking endpoint into jobs: 200 with the
        result when it takes less than `wait` seconds, else 202 with the job."""
        from accepted.http.endpoint import EndpointDecorator

        return EndpointDecorator(self)


def _statuses(words: Sequence[Status | str]) -> frozenset[Status]:
    """Raises InvalidInput."""
    try:
        return frozenset(map(Status, words))
    except ValueError:
        known = ", ".join(Status)
        raise InvalidInput([{"detail": f"expected one of {known}", "pointer": "#/status"}]) from None


def _policy(given: dict[str, Any]) -> Policy:
    known = {one.name for one in fields(Policy)}
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"@jobs.task: unknown {name!r}; known: {', '.join(sorted(known))}")
        if name in _DURATIONS and value is not None:
            given[name] = seconds(value)
    if given.get("memory") is not None:
        given["memory"] = size(given["memory"])
    return Policy(**given)


def _told(made: Submitted | Exception) -> Submitted | Exception:
    return _refusal(made) if isinstance(made, LimitReached) else made


def _refusal(error: LimitReached) -> LimitReached | QueueFull:
    """A store knows keys only; whether it is the caller who has too much, they say."""
    if not of_whole_queue(error.limit):
        return error
    return QueueFull(error.limit, used=error.used, at_most=error.at_most, retry_after=error.retry_after)


def _plain_json(raw: bytes) -> Any:
    import json

    return json.loads(raw)
