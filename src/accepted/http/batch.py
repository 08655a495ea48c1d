"""Many submissions in one request: a line of JSON each, answered by a line each (NDJSON).

The whole body comes in before anything is stored, so that nothing is stored of one that is refused. Then the jobs
are stored some hundred at a time, each of which succeeds or fails alone; and only then is anything answered. So what
a client does meanwhile, going away or reading slowly, neither ends a batch nor holds it up.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, Final

from pydantic_core import to_json
from starlette.responses import Response

from accepted.errors import AcceptedError, PayloadTooLarge, StoreError, Unavailable, UnsupportedMediaType
from accepted.http.idempotency import Claim, InFlight
from accepted.http.links import Links
from accepted.http.negotiation import media_type
from accepted.http.problems import problem, retry_after, unexpected
from accepted.http.reading import chunks
from accepted.http.resource import Call
from accepted.http.submit import Asked, check_started, public_task, read_arguments
from accepted.job import JSON
from accepted.settings import Settings
from accepted.stores.base import Submitted
from accepted.task import Options, Task

if TYPE_CHECKING:
    from accepted.jobs import Jobs

log = logging.getLogger("accepted.http")

MEDIA_TYPE: Final = "application/x-ndjson"
_MEDIA_TYPES: Final = frozenset(
    {MEDIA_TYPE, "application/ndjson", "application/jsonl", "application/json-lines", "application/jsonlines"}
)
_IN_MEMORY: Final = 1024**2
"""Bytes of a body that are kept in memory; a longer one goes to a temporary file."""
_AT_ONCE: Final = 500
"""Jobs in one transaction: most of what a larger one saves, and the event loop is not held up."""
_SLICE: Final = 0.003
"""Seconds that the event loop is held before others get their turn."""
_BOM: Final = b"\xef\xbb\xbf"


class BatchTooLong(PayloadTooLarge):
    def __init__(self, limit: int) -> None:
        super().__init__("the batch", limit)
        self.args = (f"The batch has more than {limit} jobs; send the rest in another, or raise batch_max.",)


@dataclass(frozen=True, slots=True)
class Line:
    """`index` counts the jobs from 0, `number` the lines from 1, the blank ones too."""

    index: int
    number: int
    content: bytes


class Batches:
    """`POST /v1/tasks/{task}/batch`. One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._in_flight = InFlight()

    async def post(self, call: Call) -> Response:
        """The handler."""
        jobs = self._jobs
        identity = await jobs.access.identify(call)
        jobs.access.full(identity)
        task = public_task(jobs, call.path_params["task"])
        if task.files:
            raise UnsupportedMediaType(f"Task {task.name!r} takes files; submit its jobs one by one, as multipart.")
        asked = Asked.of(call.headers, identity, f"tasks/{task.name}/batch")
        kind = media_type(call.headers.get("content-type"))
        if kind not in _MEDIA_TYPES and (kind or call.headers.get("content-length") != "0"):
            raise UnsupportedMediaType(f"Send {MEDIA_TYPE}: a JSON object of arguments on each line.")
        check_started(jobs)
        async with self._in_flight.hold(asked.claim) if asked.claim is not None else nullcontext():
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
                await _receive(call, body, jobs.settings)
                body.seek(0)
                answered = await _Batch(jobs, task, asked, call.links).store(body)
        return Response(answered, 200, {"Cache-Control": "no-store"}, MEDIA_TYPE)


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────


async def _receive(call: Call, body: IO[bytes], settings: Settings) -> None:
    """Raises PayloadTooLarge, BatchTooLong, BodyTooSlow, ClientDisconnect; Unavailable when it cannot be kept."""
    counter, received = _Counter(), 0
    async for chunk in chunks(call, settings.batch_body_max, "the batch"):
        counter.add(chunk)
        if counter.jobs > settings.batch_max:
            raise BatchTooLong(settings.batch_max)
        received += len(chunk)
        try:
            if received <= _IN_MEMORY:
                body.write(chunk)
            else:
                await asyncio.to_thread(body.write, chunk)
        except OSError as error:
            raise Unavailable(f"The batch cannot be kept: {error.strerror}.") from error


class _Counter:
    """Counts lines that are not blank, in pieces of any size."""

    def __init__(self) -> None:
        self._ended = 0
        self._under_way = False

    def add(self, chunk: bytes) -> None:
        rest, *others = chunk.split(b"\n")
        self._under_way |= bool(rest.strip())
        for line in others:
            self._ended += self._under_way
            self._under_way = bool(line.strip())

    @property
    def jobs(self) -> int:
        return self._ended + self._under_way


async def _lines(body: Iterable[bytes]) -> AsyncIterator[Line]:
    """Those that are not blank. Others get their turn in between."""
    loop = asyncio.get_running_loop()
    index, since = 0, loop.time()
    for number, raw in enumerate(body, 1):
        content = (raw.removeprefix(_BOM) if number == 1 else raw).strip()
        if content:
            yield Line(index, number, content)
            index += 1
        if loop.time() - since > _SLICE:
            await asyncio.sleep(0)
            since = loop.time()


# ── storing ──────────────────────────────────────────────────────────────────────────────────────────

Outcome = Submitted | Exception
Item = tuple[dict[str, Any], Options]


class _Batch:
    """One batch under way: lines wait here until there are enough for a transaction."""

    def __init__(self, jobs: Jobs, task: Task[..., Any], asked: Asked, links: Links) -> None:
        self._jobs, self._task, self._asked, self._links = jobs, task, asked, links
        self._read: list[tuple[Line, Item | Exception]] = []
        self._answered: list[bytes] = []
        self._trouble: AcceptedError | None = None

    async def store(self, body: Iterable[bytes]) -> bytes:
        """Returns the answer."""
        async for line in _lines(body):
            self._read.append((line, self._item(line)))
            if len(self._read) == _AT_ONCE:
                await self._store_read()
        await self._store_read()
        return b"".join(self._answered)

    def _item(self, line: Line) -> Item | Exception:
        """What is to be stored, or why it cannot be."""
        settings = self._jobs.settings
        try:
            if len(line.content) > settings.body_max:
                raise PayloadTooLarge("the line", settings.body_max)
            arguments = read_arguments(self._task, line.content, "line")
        except Exception as error:
            return error
        claim, options = self._asked.claim, self._asked.options
        if claim is not None:
            own = Claim(claim.scope, f"{claim.key}/{line.index}")
            key = own.of_body((line.content,), kept=settings.idempotency, vault=self._task.vault)
            options = replace(options, idempotency_key=key)
        return arguments, options

    async def _store_read(self) -> None:
        read, self._read = self._read, []
        stored = iter(await self._submit([item for _, item in read if not isinstance(item, Exception)]))
        for line, item in read:
            outcome = item if isinstance(item, Exception) else next(stored)
            self._answered.append(to_json(self._answer(line, outcome)) + b"\n")

    async def _submit(self, items: list[Item]) -> list[Outcome]:
        if self._trouble is not None:
            return [self._trouble] * len(items)
        try:
            check_started(self._jobs)
            return await self._jobs.submit_new(self._task, items)
        except (StoreError, Unavailable) as error:
            if self._trouble is None:
                log.warning("a batch of %s: %s", self._task.name, error, extra={"action": "refuse"}, exc_info=error)
            # The rest would only wait for the same.
            self._trouble = error
            return [error] * len(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
            # One of them is guilty, and nothing was stored: each by itself, which still shares a transaction.
            alone = await asyncio.gather(*(self._submit([item]) for item in items))
            return [outcome for one in alone for outcome in one]

    def _answer(self, line: Line, outcome: Outcome) -> dict[str, JSON]:
        if isinstance(outcome, Submitted):
            job = outcome.job
            members = {"id": job.id, "status": job.status.value, "links": self._links.of_job(job.id)}
            replayed = {"replayed": True} if outcome.replayed else {}
            return {"index": line.index, "status": 202, **replayed, "job": members}
        if isinstance(outcome, AcceptedError):
            error = outcome
        else:
            log.error(
                "a batch of %s, line %d", self._task.name, line.number, extra={"action": "crash"}, exc_info=outcome
            )
            error = unexpected()
        wait = getattr(error, "retry_after", None)
        later = {"retry_after": int(retry_after(wait))} if wait is not None else {}
        return {"index": line.index, "line": line.number, "status": error.status, **later, "problem": problem(error)}
