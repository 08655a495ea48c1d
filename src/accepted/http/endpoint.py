"""`@jobs.endpoint(wait=20)`: a blocking endpoint becomes jobs, and its clients need not know.

Done within `wait` seconds: the answer is what it always was, made by the framework as before. Not done: 202 with the
job, like any submission. What the function raises in that time comes back as it always did, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, overload

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python
from starlette.datastructures import UploadFile as FormFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import NoMatchFound

from accepted.errors import AcceptedError, ConfigurationError, Fail, JobCancelled, PayloadTooLarge, Unavailable
from accepted.files import UploadFile
from accepted.http import signature
from accepted.http.links import Links, links_at
from accepted.http.negotiation import Prefer
from accepted.http.problems import MEDIA_TYPE, job_problem, problem_response
from accepted.http.router import route_name
from accepted.http.submit import Asked, Submitting, accepted_response, answer_headers, result_response
from accepted.http.uploads import safe_media_type, safe_name
from accepted.job import JobRecord, Status
from accepted.settings import seconds
from accepted.signatures import Duration
from accepted.stores.base import Submitted
from accepted.task import Isolation, Task

if TYPE_CHECKING:
    from accepted.jobs import Jobs

log = logging.getLogger("accepted.http")

P = ParamSpec("P")
R = TypeVar("R")

WAIT: Final = 20.0
"""Seconds that a request waits for its job unless the endpoint or the client says otherwise."""
_REQUEST: Final = "accepted_request"
_RESPONSE: Final = "accepted_response"


class EndpointDecorator:
    """`@jobs.endpoint` or `@jobs.endpoint(wait=20, retries=3, …)`, under the decorator of the route.

    Raises ConfigurationError, naming the parameter, when the function takes what a job cannot store. The result of
    decorating has the function itself as it was for whoever calls it directly, and its task as `.task`.
    """

    def __init__(self, jobs: Jobs, wait: float = WAIT, name: str | None = None, **policy: Any) -> None:
        self._jobs, self._wait, self._name, self._policy = jobs, wait, name, policy

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(
        self,
        *,
        wait: Duration = ...,
        name: str | None = ...,
        retries: int = ...,
        backoff: Duration = ...,
        backoff_max: Duration = ...,
        timeout: Duration | None = ...,
        deadline: Duration | None = ...,
        concurrency: int = ...,
        per_owner: int = ...,
        key: str | Callable[..., Any] = ...,
        per_key: int = ...,
        rate: str = ...,
        rate_per_owner: str = ...,
        rate_per_key: str = ...,
        active: int = ...,
        active_per_owner: int = ...,
        submit_rate_per_owner: str = ...,
        isolation: Isolation = ...,
        memory: int | str | None = ...,
        queue: str = ...,
        priority: int = ...,
        retention: Duration | None = ...,
    ) -> EndpointDecorator: ...

    def __call__(self, *functions: Callable[..., Any], **given: Any) -> Any:
        if not functions:
            wait = seconds(given.pop("wait", self._wait))
            return EndpointDecorator(self._jobs, wait, **given)
        (function,) = functions
        shape = signature.read(function)
        name = self._name or function.__name__
        task: Task[..., Any] = self._jobs.task(name=name, **self._policy)(_body(shape, name))
        return _front(Endpoint(self._jobs, task, shape, self._wait), function)


# ── the two functions that the user's one becomes ────────────────────────────────────────────────────


def _front(endpoint: Endpoint, function: Callable[..., Any]) -> Callable[..., Any]:
    """What the framework calls."""

    async def front(*args: Any, **kwargs: Any) -> Any:
        if _REQUEST in kwargs:
            return await endpoint.from_fastapi(kwargs.pop(_REQUEST), kwargs.pop(_RESPONSE), kwargs)
        if len(args) == 1 and not kwargs and isinstance(args[0], Request):
            return await endpoint.from_starlette(args[0])
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    outer = endpoint.shape.outer
    injected = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in ((_REQUEST, Request), (_RESPONSE, Response))
    ]
    signed: Any = _named_after(front, function)
    signed.__signature__ = outer.replace(parameters=[*outer.parameters.values(), *injected])
    signed.task = endpoint.task
    return front


def _body(shape: signature.Shape, name: str) -> Callable[..., Any]:
    """What the job runs: the function, its result as JSON for old clients, its HTTPException as a failure."""
    function = shape.function

    async def in_loop(**arguments: Any) -> Any:
        with signature.reopened(shape, arguments) as given, _http_errors():
            return _result(shape, name, await function(**given))

    def in_thread(**arguments: Any) -> Any:
        with signature.reopened(shape, arguments) as given, _http_errors():
            return _result(shape, name, function(**given))

    made: Any = _named_after(in_loop if inspect.iscoroutinefunction(function) else in_thread, function)
    made.__signature__ = shape.inner
    made.__annotations__ = {one.name: one.annotation for one in shape.inner.parameters.values()} | {"return": Any}
    made.accepted_endpoint = True
    run: Callable[..., Any] = made
    return run


def _named_after(made: Any, function: Callable[..., Any]) -> Any:
    """Not functools.wraps: frameworks look through its `__wrapped__` at the function behind."""
    made.__name__, made.__qualname__ = function.__name__, function.__qualname__
    made.__module__, made.__doc__ = function.__module__, function.__doc__
    return made


class _http_errors:  # noqa: N801  used like a function
    """An HTTPException is an answer, so it ends the job, whatever retries are left."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HTTPException):
            said: Any = error.detail  # FastAPI's may be anything that JSON can hold
            http = {"status": error.status_code, "detail": said, "headers": dict(error.headers or {})}
            detail = said if isinstance(said, str) else to_json(said).decode()
            raise Fail(detail, code="http-error", status=error.status_code, http=http) from error


def _result(shape: signature.Shape, name: str, value: Any) -> Any:
    """What the framework would have sent: by the declared type, so that it hides what that does not have."""
    if isinstance(value, Response):
        raise TypeError(
            f"endpoint {name!r} returned a {type(value).__name__}; return the value: a job keeps it as JSON"
        )
    try:
        valid = shape.result.validate_python(value, from_attributes=True)
        return shape.result.dump_python(valid, mode="json", by_alias=True, warnings=False)
    except PydanticSerializationError:
        return to_jsonable_python(value, by_alias=True)


# ── one endpoint ─────────────────────────────────────────────────────────────────────────────────────

Store = Callable[[Asked], Coroutine[Any, Any, Submitted]]
Complete = Callable[[JobRecord, dict[str, str]], Coroutine[Any, Any, Any]]


class Endpoint:
    """From a request to its answer, whichever framework has read it."""

    def __init__(self, jobs: Jobs, task: Task[..., Any], shape: signature.Shape, wait: float) -> None:
        self.task, self.shape = task, shape
        self._jobs, self._wait = jobs, wait
        self._submitting = Submitting(jobs)

    async def from_fastapi(self, request: Request, response: Response, values: dict[str, Any]) -> Any:
        """FastAPI has read and validated the values. What the function returned goes back to it, to be answered as
        ever: status, response model and headers of the route stay what they were."""

        async def store(asked: Asked) -> Submitted:
            return await self._store(values, asked)

        async def complete(job: JobRecord, headers: dict[str, str]) -> Any:
            response.headers.update(headers)
            return self.shape.result.validate_json(await self._jobs.read_result(job))

        return await self._serve(request, store, complete)

    async def from_starlette(self, request: Request) -> Response:
        """The body holds the arguments, as in `POST /v1/tasks/{task}`."""

        async def store(asked: Asked) -> Submitted:
            return await self._submitting.read_and_store(request, self.task, asked)

        async def complete(job: JobRecord, headers: dict[str, str]) -> Response:
            return await result_response(self._jobs, job, headers)

        answer: Response = await self._serve(request, store, complete)
        return answer

    async def _serve(self, request: Request, store: Store, complete: Complete) -> Any:
        since = asyncio.get_running_loop().time()
        try:
            asked = await self._asked(request)
            if asked.claim is None:
                submitted = await store(asked)
            else:
                async with self._submitting.in_flight.hold(asked.claim):
                    submitted = await store(asked)
            wait = self._wait_of(asked.prefer)
            job = await self._submitting.awaited(request, submitted.job, wait, since=since)
            headers, links = answer_headers(submitted, asked.prefer, wait), self._links(request)
            if not (wait and job.over):
                return accepted_response(job, links, headers)
            headers["Content-Location"] = links.job(job.id)
            return await complete(job, headers) if job.status is Status.COMPLETED else _failed(job, headers)
        except AcceptedError as error:
            if error.status >= 500:
                log.warning("endpoint %s: %s", self.task.name, error, extra={"action": "refuse"}, exc_info=error)
            return problem_response(error)
        except ClientDisconnect:
            # Nobody reads this; the code is what logs know for it.
            return Response(None, 499)

    async def _asked(self, request: Request) -> Asked:
        access = self._jobs.access
        identity = await access.identify(request)
        access.full(identity)
        return Asked.of(request.headers, identity, f"endpoint/{self.task.name}")

    def _wait_of(self, prefer: Prefer) -> float:
        """The client's wish, else the endpoint's own."""
        wait = self._submitting.capped(prefer.wait)
        if wait is not None:
            return wait
        return 0.0 if prefer.respond_async else self._wait

    async def _store(self, values: Mapping[str, Any], asked: Asked) -> Submitted:
        plain = {name: value for name, value in values.items() if name not in self.shape.files}
        arguments = self._dumped(plain)
        async with _on_disk(values, self.shape.files, self._jobs.settings.upload_max) as (files, digests):
            content = (to_json(arguments), *digests)
            return await self._submitting.store(self.task, {**arguments, **files}, asked, content)

    def _dumped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """As JSON will hold them, by the names that a client uses (aliases), so that they can be read again. Raises
        ConfigurationError when a dependency returned something else than its type says."""
        dumped: dict[str, Any] = {}
        for name, value in values.items():
            try:
                dumped[name] = self.shape.types[name].dump_python(value, mode="json", by_alias=True, warnings=False)
            except (PydanticSerializationError, ValueError) as error:
                raise ConfigurationError(
                    f"endpoint {self.task.name!r}: parameter {name!r} cannot be stored as JSON: {error}"
                ) from error
        return dumped

    def _links(self, request: Request) -> Links:
        """To the routes of `jobs`, wherever this application has put them."""
        path, root = "/jobs/{job_id}", request.scope.get("app_root_path", request.scope.get("root_path", ""))
        try:
            found = str(request.scope["router"].url_path_for(route_name(self._jobs, path), job_id="_"))
        except (KeyError, NoMatchFound):
            return links_at(request.scope, self._jobs.prefix)
        return links_at({"root_path": root}, found.removesuffix("/jobs/_"))


def _failed(job: JobRecord, headers: dict[str, str]) -> Response:
    """The answer for a job that has no result. Raises HTTPException when the function did, for the application to
    answer as ever."""
    error = job.error or {}
    if job.status is Status.CANCELLED:
        response = problem_response(JobCancelled(job.id, job.cancel_reason))
    elif "http" in error:
        http = error["http"]
        raise HTTPException(http["status"], http["detail"], {**headers, **http["headers"]})
    else:
        problem = job_problem(error)
        response = Response(to_json(problem), problem["status"], {"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)
    response.headers.update(headers)
    return response


@asynccontextmanager
async def _on_disk(
    values: Mapping[str, Any], files: Mapping[str, Any], limit: int
) -> AsyncIterator[tuple[dict[str, Any], list[bytes]]]:
    """The files among the values as `UploadFile`s, and a digest of each. Raises PayloadTooLarge, Unavailable."""
    given = {name: values[name] for name in files if values.get(name) is not None}
    missing = dict.fromkeys(name for name in files if name not in given)
    if not given:
        yield missing, []
        return
    total = sum(one.size or 0 for value in given.values() for one in (value if isinstance(value, list) else [value]))
    if total > limit:
        raise PayloadTooLarge("the upload", limit)
    with tempfile.TemporaryDirectory(prefix="accepted-upload-") as folder:
        try:
            kept, digests = await asyncio.to_thread(_copy_all, given, Path(folder))
        except OSError as error:
            raise Unavailable(f"The upload cannot be kept: {error.strerror}.") from error
        yield {**missing, **kept}, digests


def _copy_all(given: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[bytes]]:
    kept: dict[str, Any] = {}
    digests: list[bytes] = []

    def copy(file: FormFile) -> UploadFile:
        path = folder / str(len(digests))
        file.file.seek(0)
        with path.open("wb") as copied:
            shutil.copyfileobj(file.file, copied, 1024 * 1024)
        with path.open("rb") as copied:
            digests.append(hashlib.file_digest(copied, "sha256").digest())
        name = safe_name(file.filename or "")
        return UploadFile(name, safe_media_type(file.content_type or "", name), path.stat().st_size, local=path)

    for name, value in given.items():
        kept[name] = [copy(one) for one in value] if isinstance(value, list) else copy(value)
    return kept, digests
