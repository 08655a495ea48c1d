"""The HTTP contract as flows: what to send, what an answer means, when to try again. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote

from accepted.client import requests
from accepted.client.batches import Batch, BatchItem, read_items
from accepted.client.flow import Answer, Broken, Flow, Open, Read, Request, Send, Sleep
from accepted.client.policy import Policy, Tries
from accepted.client.problems import ServerUnreachable, error_from, retry_after
from accepted.client.requests import Options
from accepted.client.shapes import JobDict, PageDict, TaskDict
from accepted.errors import JobCancelled, JobFailed, JobGone, ResultTimeout
from accepted.job import TERMINAL

NO_RESULT: Final = object()


@dataclass(frozen=True, slots=True)
class Submission:
    """The job as it was answered, and its result when that came along."""

    job: JobDict
    result: Any = NO_RESULT


class Api:
    """The flows of one server. `url` is what error messages name: the address, without credentials."""

    def __init__(self, url: str, policy: Policy) -> None:
        self.url = url
        self.policy = policy

    # ── sending ──

    def send(self, effect: Send | Open, tries: Tries) -> Flow[Answer]:
        """The answer, after as many tries as there are. Raises ServerUnreachable."""
        while True:
            trouble: Answer | Broken
            try:
                trouble = yield effect
            except Broken as error:
                trouble = error
            if isinstance(trouble, Answer) and trouble.status < 400:
                return trouble
            pause = tries.pause(trouble, effect.request)
            if pause is not None:
                yield Sleep(pause)
            elif isinstance(trouble, Broken):
                raise ServerUnreachable(self.url, str(trouble)) from trouble.__cause__
            else:
                return trouble

    def call(self, request: Request, *, job_id: str = "", patient: bool = False) -> Flow[Answer]:
        """The answer, when it is a good one. Raises what its problem object stands for, ServerUnreachable."""
        answer = yield from self.send(Send(request), Tries(self.policy, patient=patient))
        if answer.status >= 400:
            raise error_from(answer, request, self.url, job_id=job_id)
        return answer

    # ── tasks ──

    def tasks(self) -> Flow[list[TaskDict]]:
        answer = yield from self.call(requests.tasks())
        return cast("list[TaskDict]", answer.json()["tasks"])

    def submit(self, task: str, arguments: Mapping[str, Any], options: Options) -> Flow[Submission]:
        """A job that failed within the wait is returned like any other: its result says so."""
        request = requests.submit(task, arguments, options, timeout=self.policy.timeout)
        try:
            answer = yield from self.call(request)
        except (JobFailed, JobCancelled):
            # Which job that was, the same request without the wait says: its key makes the answer the same job.
            answer = yield from self.call(requests.without_wait(request))
        if answer.status == 202:
            return Submission(answer.json())
        return Submission((yield from self.job(_named_job(answer))), _value(answer))

    def batch(self, task: str, batch: Batch, options: Options) -> Flow[list[BatchItem]]:
        """What became of each line. The key of a request is made of that in `options` and the place of its first line,
        so that the same lines, sent again, are the same requests."""
        key = f"{options.keyed().idempotency_key}/{batch.first}"
        own = options.updated(idempotency_key=key)
        request = requests.batch(task, batch.lines, own, timeout=self.policy.timeout)
        answer = yield from self.call(request)
        try:
            return read_items(answer, batch, key)
        except (KeyError, ValueError, TypeError) as error:
            raise error_from(answer, request, self.url) from error

    # ── jobs ──

    def job(self, job_id: str) -> Flow[JobDict]:
        answer = yield from self.call(requests.job(job_id), job_id=job_id)
        return cast("JobDict", answer.json())

    def jobs(self, filters: Mapping[str, str | int | None]) -> Flow[PageDict]:
        answer = yield from self.call(requests.jobs(filters))
        return cast("PageDict", answer.json())

    def cancel(self, job_id: str, reason: str | None) -> Flow[JobDict]:
        answer = yield from self.call(requests.cancel(job_id, reason), job_id=job_id)
        return cast("JobDict", answer.json())

    def retry(self, job_id: str) -> Flow[JobDict]:
        answer = yield from self.call(requests.retry(job_id), job_id=job_id)
        return cast("JobDict", answer.json())

    def delete(self, job_id: str) -> Flow[None]:
        """Gone already is good too: the first answer may have been lost on its way."""
        try:
            yield from self.call(requests.delete(job_id), job_id=job_id)
        except JobGone:
            return

    def delete_jobs(self, query: Mapping[str, str]) -> Flow[int]:
        answer = yield from self.call(requests.delete_jobs(query))
        return cast("int", answer.json()["deleted"])

    def result(self, job_id: str, timeout: float | None) -> Flow[Any]:
        """Long polls until there is one, over restarts of the server. Raises ResultTimeout, JobFailed,
        JobCancelled, JobGone, ServerUnreachable."""
        until = None if timeout is None else self.policy.clock() + timeout
        while True:
            left = self._left(until)
            request = requests.result(job_id, left, timeout=self.policy.timeout)
            answer = yield from self.call(request, job_id=job_id, patient=True)
            if answer.status != 202:
                return _value(answer)
            if self._left(until) <= 0:
                raise ResultTimeout(job_id, timeout or 0.0)
            if "preference-applied" not in answer.headers:
                # This server answers at once; the job itself it can hold.
                yield from self._until_over(answer.json(), until)

    def _until_over(self, job: JobDict, until: float | None) -> Flow[None]:
        """Long polls of the job, to its end or until the time is over."""
        tag = f'W/"{job["seq"]}"'
        while (left := self._left(until)) > 0:
            request = requests.changed_job(job["id"], tag, left, timeout=self.policy.timeout)
            answer = yield from self.call(request, job_id=job["id"], patient=True)
            tag = answer.headers.get("etag", tag)
            if answer.status == 200 and answer.json()["status"] in TERMINAL:
                return
            if "preference-applied" not in answer.headers:
                yield Sleep(min(left, retry_after(answer) or 1.0))

    def _left(self, until: float | None) -> float:
        """How long the next request may be held, in seconds."""
        longest = self.policy.long_poll
        return longest if until is None else min(longest, max(0.0, until - self.policy.clock()))

    def download(self, job_id: str, name: str, sink: BinaryIO) -> Flow[int]:
        """Write the file into `sink`; after a dropped connection go on where it stopped. Returns its size in bytes."""
        tries = Tries(self.policy, patient=True)
        etag = ""
        while True:
            request = requests.artifact(job_id, name, sink.tell(), etag)
            answer = yield from self.send(Open(request), tries)
            if answer.status >= 400:
                raise error_from(answer, request, self.url, job_id=job_id)
            if answer.status != 206:
                sink.seek(0)
                sink.truncate()
            etag = answer.headers.get("etag", "")
            try:
                while chunk := (yield Read()):
                    tries.reset()
                    sink.write(chunk)
                return sink.tell()
            except Broken as error:
                pause = tries.pause(error, request)
                if pause is None:
                    raise ServerUnreachable(self.url, str(error)) from error.__cause__
                yield Sleep(pause)


def _named_job(answer: Answer) -> str:
    """The id of the job that an answer with a result belongs to."""
    return unquote(answer.headers.get("content-location", "").rpartition("/jobs/")[2])


def _value(answer: Answer) -> Any:
    """A result: a JSON value, or the bytes of a file."""
    return answer.json() if answer.media_type == "application/json" else answer.body
