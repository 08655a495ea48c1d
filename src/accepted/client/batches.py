"""Many submissions in few requests: what is said as lines of JSON, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import pydantic_core

from accepted.client.flow import Answer
from accepted.client.problems import Problem, error_of
from accepted.client.requests import split
from accepted.client.shapes import StatusWord
from accepted.errors import AcceptedError, UnsupportedMediaType

SIZE: Final = 10_000
"""Jobs in one request, as many as a server takes unless its setting `batch_max` says otherwise."""
_BYTES: Final = 16 * 1024**2
"""A request is no longer than this and one more line."""

Call = Mapping[str, Any] | bytes
"""Arguments by name, or the JSON of them."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of one job: stored (`job_id`), or refused (`error`, as `submit` would have raised it).

    `index` counts from 0 over all that was given. `replayed`: the idempotency key had made the job before.
    """

    index: int
    job_id: str | None = None
    status: StatusWord | None = None
    replayed: bool = False
    error: AcceptedError | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The lines of one request. `first`: the index of the first of them."""

    first: int
    lines: list[bytes]


def in_batches(calls: Iterable[Call], size: int) -> Iterator[Batch]:
    """`size` at most in each, no more of them taken than the next request needs. Raises UnsupportedMediaType for a
    file, ValueError for JSON that is no line."""
    batch, length = Batch(0, []), 0
    for call in calls:
        batch.lines.append(_line(call))
        length += len(batch.lines[-1])
        if len(batch.lines) >= size or length >= _BYTES:
            yield batch
            batch, length = Batch(batch.first + len(batch.lines), []), 0
    if batch.lines:
        yield batch


def read_items(answer: Answer, batch: Batch, key: str) -> list[BatchItem]:
    """Raises ValueError when the answer is not about these lines."""
    found = [_item(pydantic_core.from_json(line), batch.first, key) for line in answer.body.splitlines()]
    if [item.index for item in found] != list(range(batch.first, batch.first + len(batch.lines))):
        raise ValueError("an answer to another batch")
    return found


def _item(said: dict[str, Any], first: int, key: str) -> BatchItem:
    index = first + said["index"]
    if "job" in said:
        job, replayed = said["job"], said.get("replayed", False)
        return BatchItem(index, job["id"], cast("StatusWord", job["status"]), replayed)
    problem = Problem(said["problem"])
    problem.key = f"{key}/{said['index']}"
    problem.retry_after = said.get("retry_after", problem.retry_after)
    return BatchItem(index, error=error_of(problem))


def _line(call: Call) -> bytes:
    if isinstance(call, bytes):
        line = call.strip()
        if not line or b"\n" in line:
            raise ValueError("expected one line of JSON for each job")
        return line
    plain, files = split(call)
    if files:
        raise UnsupportedMediaType(f"{files[0][0]}: a batch takes no files; submit this job by itself.")
    return pydantic_core.to_json(plain)
