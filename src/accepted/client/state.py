"""What `RemoteJob` and `AsyncRemoteJob` share: the job as last seen."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from accepted.client.protocol import NO_RESULT, Submission
from accepted.client.shapes import JobDict, StatusWord
from accepted.errors import JobCancelled, JobFailed
from accepted.job import Status


class JobState:
    """A job by its id; holds nothing open."""

    __slots__ = ("_result", "id", "record")

    def __init__(self, submission: Submission) -> None:
        self.id: str = submission.job["id"]
        self.record: JobDict = submission.job
        self._result: Any = submission.result

    @property
    def status(self) -> Status:
        """As last seen; `refresh()` looks again."""
        return Status(self.record["status"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, task={self.record['task']!r}, status={str(self.status)!r})"

    def _see(self, job: JobDict) -> JobDict:
        self.record = job
        self._result = NO_RESULT
        return job

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Around a wait for the result: what came of it tells the status."""
        try:
            yield
            self._ended("completed")
        except JobFailed:
            self._ended("failed")
            raise
        except JobCancelled:
            self._ended("cancelled")
            raise

    def _ended(self, status: StatusWord) -> None:
        self.record = {**self.record, "status": status}


def filters(
    status: Status | str | Iterable[Status | str] = (),
    task: str | None = None,
    owner: str | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> dict[str, str | int | None]:
    """The query of a listing."""
    statuses = status if isinstance(status, str) else ",".join(status)
    return {"status": statuses, "task": task, "owner": owner, "q": text, "cursor": cursor, "limit": limit}


def deletion(
    status: Status | str | Iterable[Status | str] | None, task: str | None, owner: str | None, everything: bool
) -> dict[str, str]:
    """The query of a deletion. What is given but empty stays in it: the server refuses that, where leaving it out would
    delete more than was meant."""
    statuses = status if status is None or isinstance(status, str) else ",".join(status)
    given = {"status": statuses, "task": task, "owner": owner, "all": "true" if everything else None}
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def download_target(path: str | os.PathLike[str], name: str) -> Iterator[tuple[Path, BinaryIO]]:
    """Where a download ends up, and a file beside it that takes its place once it is whole. Raises OSError."""
    target = Path(path)
    if target.is_dir():
        target /= Path(name).name
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with part.open("xb") as sink:
            yield target, sink
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
