"""The client with coroutines: `sync.py`, awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx

from accepted.client.batches import SIZE, BatchItem, Call, in_batches
from accepted.client.flow import Answer, Broken, Deliver, Flow, Open, Read, Request, Run, Send, Sleep
from accepted.client.following import Following
from accepted.client.policy import Policy
from accepted.client.protocol import NO_RESULT, Api, Submission
from accepted.client.requests import Options
from accepted.client.shapes import ArtifactDict, JobDict, ProgressDict, RemoteEvent, TaskDict, apply
from accepted.client.state import JobState, deletion, download_target, filters
from accepted.client.wire import Wire, broken, opened
from accepted.job import Status

T = TypeVar("T")

OnProgress = Callable[[ProgressDict], object]


class AsyncClient:
    """A server of accepted: `async with AsyncClient("http://127.0.0.1:8000") as client: …`; leaving closes it.

    `key`: an API key; `token`: a JWT or a job's token. `timeout`: seconds for a connection and for each answer.
    `retries`: how often a request is sent again after a dropped connection, 429 or 503 (`Retry-After` is obeyed).
    `patience`: seconds for which waiting for a job puts up with a server that does not answer. May be shared by
    threads. Every method raises the errors of `accepted.errors` as the server has them, and ServerUnreachable.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        token: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        patience: float = 120.0,
        prefix: str = "/v1",
        policy: Policy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        policy = policy or Policy(timeout=timeout, retries=retries, patience=patience)
        wire = Wire(url, key=key, token=token, prefix=prefix, policy=policy)
        self.url = wire.shown
        self._api = Api(wire.shown, policy)
        self._wire = wire
        self._http = httpx.AsyncClient(transport=transport, **wire.options())

    @property
    def tasks(self) -> AsyncTasks:
        """What the server can do: `client.tasks["preview"]`, or iterate."""
        return AsyncTasks(self)

    @property
    def jobs(self) -> AsyncJobs:
        """What it was asked to do."""
        return AsyncJobs(self)

    async def aclose(self) -> None:
        """Idempotent."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    # ── driving flows ──

    async def _run(self, flow: Flow[T]) -> T:
        """Do what the flow asks for, to its end."""
        run, stream = Run(flow), _Stream(self._http, self._wire)
        async with aclosing(stream):
            while run.effect is not None:
                await stream.perform(run)
        return run.value

    async def _iterate(self, flow: Flow[None]) -> AsyncGenerator[Any, None]:
        """The same; what the flow delivers is yielded."""
        run, stream = Run(flow), _Stream(self._http, self._wire)
        async with aclosing(stream):
            while run.effect is not None:
                if isinstance(run.effect, Deliver):
                    yield run.effect.value
                    run.reply(None)
                else:
                    await stream.perform(run)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


class _Stream:
    """Carries out effects for one flow; owns the answer that the flow holds open."""

    def __init__(self, http: httpx.AsyncClient, wire: Wire) -> None:
        self._http = http
        self._wire = wire
        self._open: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] = _nothing()

    async def perform(self, run: Run[T]) -> None:
        try:
            reply = await self._perform(run.effect)
        except httpx.RequestError as error:
            failure: Broken = broken(error)
        else:
            run.reply(reply)
            return
        run.fail(failure)

    async def _perform(self, effect: object) -> object:
        match effect:
            case Send(request):
                response = await self._send(request)
                return Answer(response.status_code, response.headers, response.content)
            case Open(request):
                return await self._start(request)
            case Read():
                return await anext(self._chunks, b"")
            case Sleep(seconds):
                await asyncio.sleep(seconds)
        return None

    async def _send(self, request: Request, *, stream: bool = False) -> httpx.Response:
        with opened(request.files) as files:
            built = self._http.build_request(**self._wire.arguments(request, files))
            return await self._http.send(built, stream=stream, follow_redirects=request.method == "GET")

    async def _start(self, request: Request) -> Answer:
        await self.aclose()
        response = self._open = await self._send(request, stream=True)
        if response.is_success:
            self._chunks = response.aiter_bytes()
            return Answer(response.status_code, response.headers)
        return Answer(response.status_code, response.headers, await response.aread())

    async def aclose(self) -> None:
        response, self._open, self._chunks = self._open, None, _nothing()
        if response is not None:
            await response.aclose()


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────


class AsyncTasks:
    """`client.tasks["preview"]` asks nothing; iterating asks the server for all, with their schemas."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __getitem__(self, name: str) -> AsyncTask:
        return AsyncTask(self._client, name)

    async def __aiter__(self) -> AsyncIterator[TaskDict]:
        for task in await self.list():
            yield task

    async def list(self) -> list[TaskDict]:
        return await self._client._run(self._client._api.tasks())


@dataclass(frozen=True, slots=True)
class AsyncTask:
    """A task by its name, and the options for its submissions."""

    client: AsyncClient
    name: str
    options: Options = Options()

    def with_options(
        self,
        *,
        idempotency_key: str | None = None,
        wait: float | str | None = None,
        priority: int | None = None,
        delay: float | str | None = None,
        cancel_after: float | str | None = None,
    ) -> AsyncTask:
        """The same task for submissions with these options: `accepted.client.Options` says what each means."""
        options = self.options.updated(
            idempotency_key=idempotency_key, wait=wait, priority=priority, delay=delay, cancel_after=cancel_after
        )
        return replace(self, options=options)

    async def submit(self, /, **arguments: Any) -> AsyncRemoteJob:
        """Submit a job; it is stored when this returns. A path or a binary file object, or a list of them, is sent as
        a file. Sent again safely when the connection breaks. Raises TaskNotFound, InvalidInput, LimitReached …"""
        client = self.client
        return AsyncRemoteJob(client, await client._run(client._api.submit(self.name, arguments, self.options)))

    async def submit_many(self, calls: Iterable[Call], *, size: int = SIZE) -> list[BatchItem]:
        """Submit a job for each of `calls` (arguments by name, no files), `size` in a request. Says of each, in order,
        whether it was stored or why not; sent again safely when the connection breaks. `wait` does not count.

        Raises what concerns all, such as TaskNotFound or ServerUnreachable; what was stored by then stays, and with an
        `idempotency_key` of your own the same call again gives the same jobs."""
        return [item async for item in self.submit_each(calls, size=size)]

    async def submit_each(self, calls: Iterable[Call], *, size: int = SIZE) -> AsyncIterator[BatchItem]:
        """The same request by request, each made when its first item is asked for: for more than fits into memory."""
        client, options = self.client, self.options.keyed()
        for batch in in_batches(calls, size):
            for item in await client._run(client._api.batch(self.name, batch, options)):
                yield item


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AsyncPage:
    """Newest first. `cursor` continues the listing; None: this was the last page."""

    jobs: list[AsyncRemoteJob]
    cursor: str | None


class AsyncJobs:
    """The jobs that the caller may see."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def get(self, job_id: str) -> AsyncRemoteJob:
        """Raises JobNotFound, JobGone."""
        client = self._client
        return AsyncRemoteJob(client, Submission(await client._run(client._api.job(job_id))))

    async def list(
        self,
        *,
        status: Status | str | Iterable[Status | str] = (),
        task: str | None = None,
        owner: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> AsyncPage:
        """One page. `text` is looked for in ids, names of tasks and arguments. Raises InvalidInput, BadRequest."""
        client = self._client
        page = await client._run(client._api.jobs(filters(status, task, owner, text, cursor, limit)))
        return AsyncPage([AsyncRemoteJob(client, Submission(job)) for job in page["jobs"]], page["cursor"])

    async def iterate(
        self,
        *,
        status: Status | str | Iterable[Status | str] = (),
        task: str | None = None,
        owner: str | None = None,
        text: str | None = None,
    ) -> AsyncIterator[AsyncRemoteJob]:
        """All of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list(status=status, task=task, owner=owner, text=text, cursor=cursor)
            for job in page.jobs:
                yield job
            cursor = page.cursor
            if cursor is None:
                return

    async def cancel(self, job_id: str, reason: str | None = None) -> AsyncRemoteJob:
        client = self._client
        return AsyncRemoteJob(client, Submission(await client._run(client._api.cancel(job_id, reason))))

    async def retry(self, job_id: str) -> AsyncRemoteJob:
        client = self._client
        return AsyncRemoteJob(client, Submission(await client._run(client._api.retry(job_id))))

    async def delete(self, job_id: str) -> None:
        await self._client._run(self._client._api.delete(job_id))

    async def delete_all(
        self,
        *,
        status: Status | str | Iterable[Status | str] | None = None,
        task: str | None = None,
        owner: str | None = None,
        everything: bool = False,
    ) -> int:
        """Remove the caller's jobs that fit, or with `everything` all of them; what runs is cancelled. Returns how
        many. `owner` is for administrators. Raises BadRequest when neither a filter nor `everything` is given, or a
        filter is empty: then nothing is deleted."""
        flow = self._client._api.delete_jobs(deletion(status, task, owner, everything))
        return await self._client._run(flow)


class AsyncRemoteJob(JobState):
    """One job on the server. `record` is the job as it was last seen."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient, submission: Submission) -> None:
        super().__init__(submission)
        self._client = client

    async def refresh(self) -> JobDict:
        """Look at the job now. Raises JobNotFound, JobGone."""
        return self._see(await self._client._run(self._client._api.job(self.id)))

    async def result(self, timeout: float | None = None) -> Any:
        """Wait until the job is over and return its result, over restarts of the server.

        `timeout` in seconds, None: as long as it takes. Raises ResultTimeout (the job goes on), JobFailed,
        JobCancelled, JobGone, ServerUnreachable (after the client's patience).
        """
        if self._result is NO_RESULT:
            with self._ending():
                self._result = await self._client._run(self._client._api.result(self.id, timeout))
        return self._result

    async def events(self, after: int = 0) -> AsyncGenerator[RemoteEvent, None]:
        """The job's events with `seq` > `after`, those to come too; ends when the job is over or removed.

        Survives dropped connections and restarts of the server: no event is missed, none comes twice. Raises
        JobNotFound, JobGone at the start; ServerUnreachable after the client's patience.
        """
        events = self._client._iterate(Following(self._client._api, self.id, after).run())
        async with aclosing(events):
            async for event in events:
                self.record = apply(self.record, event)
                yield event

    async def follow(self, on_progress: OnProgress) -> Any:
        """Wait like `result`, and call `on_progress` with every report on the way, the last one known first."""
        on_progress(self.record["progress"])
        async for event in self.events(after=self.record["seq"]):
            if event.progress is not None:
                on_progress(event.progress)
        return await self.result()

    async def cancel(self, reason: str | None = None) -> JobDict:
        """Ask for the end; a running job stops within its grace. No error when it is over."""
        return self._see(await self._client._run(self._client._api.cancel(self.id, reason)))

    async def retry(self) -> JobDict:
        """Run it again; finished steps are kept. Raises WrongState while it is not over."""
        return self._see(await self._client._run(self._client._api.retry(self.id)))

    async def delete(self) -> None:
        """Cancel it if needed and remove it, with its files. No error when it was removed already."""
        await self._client._run(self._client._api.delete(self.id))

    async def artifacts(self) -> list[ArtifactDict]:
        """Its named files, as of now."""
        return (await self.refresh()).get("artifacts", [])

    async def download(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Save the artifact to `path` (in it, if it is a folder), whole or not at all; resumed where a connection
        breaks. Returns where it is. Raises JobNotFound, OSError."""
        with download_target(path, name) as (target, sink):
            await self._client._run(self._client._api.download(self.id, name, sink))
        return target
