"""The client with blocking calls."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
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


class Client:
    """A server of accepted: `with Client("http://127.0.0.1:8000") as client: …`; leaving closes it.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        policy = policy or Policy(timeout=timeout, retries=retries, patience=patience)
        wire = Wire(url, key=key, token=token, prefix=prefix, policy=policy)
        self.url = wire.shown
        self._api = Api(wire.shown, policy)
        self._wire = wire
        self._http = httpx.Client(transport=transport, **wire.options())

    @property
    def tasks(self) -> RemoteTasks:
        """What the server can do: `client.tasks["preview"]`, or iterate."""
        return RemoteTasks(self)

    @property
    def jobs(self) -> RemoteJobs:
        """What it was asked to do."""
        return RemoteJobs(self)

    def close(self) -> None:
        """Idempotent."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    # ── driving flows ──

    def _run(self, flow: Flow[T]) -> T:
        """Do what the flow asks for, to its end."""
        run, stream = Run(flow), _Stream(self._http, self._wire)
        with closing(stream):
            while run.effect is not None:
                stream.perform(run)
        return run.value

    def _iterate(self, flow: Flow[None]) -> Iterator[Any]:
        """The same; what the flow delivers is yielded."""
        run, stream = Run(flow), _Stream(self._http, self._wire)
        with closing(stream):
            while run.effect is not None:
                if isinstance(run.effect, Deliver):
                    yield run.effect.value
                    run.reply(None)
                else:
                    stream.perform(run)


class _Stream:
    """Carries out effects for one flow; owns the answer that the flow holds open."""

    def __init__(self, http: httpx.Client, wire: Wire) -> None:
        self._http = http
        self._wire = wire
        self._open: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def perform(self, run: Run[T]) -> None:
        try:
            reply = self._perform(run.effect)
        except httpx.RequestError as error:
            failure: Broken = broken(error)
        else:
            run.reply(reply)
            return
        run.fail(failure)

    def _perform(self, effect: object) -> object:
        match effect:
            case Send(request):
                response = self._send(request)
                return Answer(response.status_code, response.headers, response.content)
            case Open(request):
                return self._start(request)
            case Read():
                return next(self._chunks, b"")
            case Sleep(seconds):
                time.sleep(seconds)
        return None

    def _send(self, request: Request, *, stream: bool = False) -> httpx.Response:
        with opened(request.files) as files:
            built = self._http.build_request(**self._wire.arguments(request, files))
            return self._http.send(built, stream=stream, follow_redirects=request.method == "GET")

    def _start(self, request: Request) -> Answer:
        self.close()
        response = self._open = self._send(request, stream=True)
        if response.is_success:
            self._chunks = response.iter_bytes()
            return Answer(response.status_code, response.headers)
        return Answer(response.status_code, response.headers, response.read())

    def close(self) -> None:
        response, self._open, self._chunks = self._open, None, iter(())
        if response is not None:
            response.close()


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────


class RemoteTasks:
    """`client.tasks["preview"]` asks nothing; iterating asks the server for all, with their schemas."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getitem__(self, name: str) -> RemoteTask:
        return RemoteTask(self._client, name)

    def __iter__(self) -> Iterator[TaskDict]:
        return iter(self.list())

    def list(self) -> list[TaskDict]:
        return self._client._run(self._client._api.tasks())


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A task by its name, and the options for its submissions."""

    client: Client
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
    ) -> RemoteTask:
        """The same task for submissions with these options: `accepted.client.Options` says what each means."""
        options = self.options.updated(
            idempotency_key=idempotency_key, wait=wait, priority=priority, delay=delay, cancel_after=cancel_after
        )
        return replace(self, options=options)

    def submit(self, /, **arguments: Any) -> RemoteJob:
        """Submit a job; it is stored when this returns. A path or a binary file object, or a list of them, is sent as
        a file. Sent again safely when the connection breaks. Raises TaskNotFound, InvalidInput, LimitReached …"""
        client = self.client
        return RemoteJob(client, client._run(client._api.submit(self.name, arguments, self.options)))

    def submit_many(self, calls: Iterable[Call], *, size: int = SIZE) -> list[BatchItem]:
        """Submit a job for each of `calls` (arguments by name, no files), `size` in a request. Says of each, in order,
        whether it was stored or why not; sent again safely when the connection breaks. `wait` does not count.

        Raises what concerns all, such as TaskNotFound or ServerUnreachable; what was stored by then stays, and with an
        `idempotency_key` of your own the same call again gives the same jobs."""
        return list(self.submit_each(calls, size=size))

    def submit_each(self, calls: Iterable[Call], *, size: int = SIZE) -> Iterator[BatchItem]:
        """The same request by request, each made when its first item is asked for: for more than fits into memory."""
        client, options = self.client, self.options.keyed()
        for batch in in_batches(calls, size):
            yield from client._run(client._api.batch(self.name, batch, options))


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RemotePage:
    """Newest first. `cursor` continues the listing; None: this was the last page."""

    jobs: list[RemoteJob]
    cursor: str | None


class RemoteJobs:
    """The jobs that the caller may see."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, job_id: str) -> RemoteJob:
        """Raises JobNotFound, JobGone."""
        client = self._client
        return RemoteJob(client, Submission(client._run(client._api.job(job_id))))

    def list(
        self,
        *,
        status: Status | str | Iterable[Status | str] = (),
        task: str | None = None,
        owner: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> RemotePage:
        """One page. `text` is looked for in ids, names of tasks and arguments. Raises InvalidInput, BadRequest."""
        client = self._client
        page = client._run(client._api.jobs(filters(status, task, owner, text, cursor, limit)))
        return RemotePage([RemoteJob(client, Submission(job)) for job in page["jobs"]], page["cursor"])

    def iterate(
        self,
        *,
        status: Status | str | Iterable[Status | str] = (),
        task: str | None = None,
        owner: str | None = None,
        text: str | None = None,
    ) -> Iterator[RemoteJob]:
        """All of them, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(status=status, task=task, owner=owner, text=text, cursor=cursor)
            yield from page.jobs
            cursor = page.cursor
            if cursor is None:
                return

    def cancel(self, job_id: str, reason: str | None = None) -> RemoteJob:
        client = self._client
        return RemoteJob(client, Submission(client._run(client._api.cancel(job_id, reason))))

    def retry(self, job_id: str) -> RemoteJob:
        client = self._client
        return RemoteJob(client, Submission(client._run(client._api.retry(job_id))))

    def delete(self, job_id: str) -> None:
        self._client._run(self._client._api.delete(job_id))

    def delete_all(
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
        return self._client._run(flow)


class RemoteJob(JobState):
    """One job on the server. `record` is the job as it was last seen."""

    __slots__ = ("_client",)

    def __init__(self, client: Client, submission: Submission) -> None:
        super().__init__(submission)
        self._client = client

    def refresh(self) -> JobDict:
        """Look at the job now. Raises JobNotFound, JobGone."""
        return self._see(self._client._run(self._client._api.job(self.id)))

    def result(self, timeout: float | None = None) -> Any:
        """Wait until the job is over and return its result, over restarts of the server.

        `timeout` in seconds, None: as long as it takes. Raises ResultTimeout (the job goes on), JobFailed,
        JobCancelled, JobGone, ServerUnreachable (after the client's patience).
        """
        if self._result is NO_RESULT:
            with self._ending():
                self._result = self._client._run(self._client._api.result(self.id, timeout))
        return self._result

    def events(self, after: int = 0) -> Iterator[RemoteEvent]:
        """The job's events with `seq` > `after`, those to come too; ends when the job is over or removed.

        Survives dropped connections and restarts of the server: no event is missed, none comes twice. Raises
        JobNotFound, JobGone at the start; ServerUnreachable after the client's patience.
        """
        for event in self._client._iterate(Following(self._client._api, self.id, after).run()):
            self.record = apply(self.record, event)
            yield event

    def follow(self, on_progress: OnProgress) -> Any:
        """Wait like `result`, and call `on_progress` with every report on the way, the last one known first."""
        on_progress(self.record["progress"])
        for event in self.events(after=self.record["seq"]):
            if event.progress is not None:
                on_progress(event.progress)
        return self.result()

    def cancel(self, reason: str | None = None) -> JobDict:
        """Ask for the end; a running job stops within its grace. No error when it is over."""
        return self._see(self._client._run(self._client._api.cancel(self.id, reason)))

    def retry(self) -> JobDict:
        """Run it again; finished steps are kept. Raises WrongState while it is not over."""
        return self._see(self._client._run(self._client._api.retry(self.id)))

    def delete(self) -> None:
        """Cancel it if needed and remove it, with its files. No error when it was removed already."""
        self._client._run(self._client._api.delete(self.id))

    def artifacts(self) -> list[ArtifactDict]:
        """Its named files, as of now."""
        return self.refresh().get("artifacts", [])

    def download(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Save the artifact to `path` (in it, if it is a folder), whole or not at all; resumed where a connection
        breaks. Returns where it is. Raises JobNotFound, OSError."""
        with download_target(path, name) as (target, sink):
            self._client._run(self._client._api.download(self.id, name, sink))
        return target
