"""The requests of docs/http.md, built. Paths are below the API's prefix."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pydantic_core

from accepted.client.flow import FilePart, Request
from accepted.files import UploadFile
from accepted.settings import seconds

_STREAM = "text/event-stream"
_SLOWEST = 100.0
"""Jobs of a batch that the slowest server stores in a second."""
_DELETING = 300.0
"""Seconds that a server may take to delete all that somebody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a submission says beyond the arguments. Durations are seconds, or text such as "90s"."""

    idempotency_key: str | None = None
    """None: one is made for each submission, so that a repeated request starts nothing twice."""
    wait: float | str | None = None
    """How long the server may hold the answer for a result; the job goes on after it."""
    priority: int | None = None
    delay: float | str | None = None
    """Before the job may start."""
    cancel_after: float | str | None = None
    """How long the job may live."""

    def keyed(self) -> Options:
        """With an idempotency key, its own or one that is made now."""
        return replace(self, idempotency_key=self.idempotency_key or _new_key())

    def updated(self, **given: Any) -> Options:
        """With the given ones in place; None counts as not given."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


def tasks() -> Request:
    return Request("GET", "/tasks")


def submit(task: str, arguments: Mapping[str, Any], options: Options, *, timeout: float) -> Request:
    """Arguments by name; a path (`os.PathLike`) or a binary file object, or a list of them, goes as a file."""
    plain, files = split(arguments)
    return Request(
        "POST",
        f"/tasks/{quote(task, safe='')}",
        headers=_submit_headers(options),
        body=pydantic_core.to_json(plain),
        files=files,
        silence=None if options.wait is None else seconds(options.wait) + timeout,
    )


def batch(task: str, lines: Sequence[bytes], options: Options, *, timeout: float) -> Request:
    """A job for each line; the answer comes when all are stored. `wait` is not for many."""
    headers = {**_submit_headers(replace(options, wait=None)), "Content-Type": "application/x-ndjson"}
    return Request(
        "POST",
        f"/tasks/{quote(task, safe='')}/batch",
        headers=headers,
        body=b"\n".join(lines),
        silence=timeout + len(lines) / _SLOWEST,
    )


def without_wait(request: Request) -> Request:
    """The same submission, answered at once."""
    return replace(request, headers={**request.headers, "Prefer": "respond-async"}, silence=None)


def _submit_headers(options: Options) -> dict[str, str]:
    headers = {
        "Idempotency-Key": _quoted(options.idempotency_key or _new_key()),
        "Prefer": "respond-async" if options.wait is None else _wait(seconds(options.wait)),
    }
    if options.priority is not None:
        headers["Accepted-Priority"] = str(options.priority)
    if options.delay is not None:
        headers["Accepted-Delay"] = _duration(options.delay)
    if options.cancel_after is not None:
        headers["Cancel-After"] = _duration(options.cancel_after)
    return headers


def job(job_id: str) -> Request:
    return Request("GET", _job(job_id))


def changed_job(job_id: str, tag: str, wait: float, *, timeout: float) -> Request:
    """Held until the job is not what had this ETag any more, for `wait` seconds at most."""
    headers = {"If-None-Match": tag, "Prefer": _wait(wait)}
    return Request("GET", _job(job_id), headers=headers, silence=wait + timeout)


def jobs(filters: Mapping[str, str | int | None]) -> Request:
    query = {name: str(value) for name, value in filters.items() if value not in (None, "")}
    return Request("GET", "/jobs", query=query)


def result(job_id: str, wait: float, *, timeout: float) -> Request:
    """Held until the job is over, for `wait` seconds at most."""
    headers = {"Prefer": _wait(wait)} if wait else {}
    return Request("GET", f"{_job(job_id)}/result", headers=headers, silence=wait + timeout)


def stream(job_id: str, after: int, *, silence: float) -> Request:
    headers = {"Accept": _STREAM, "Cache-Control": "no-cache"}
    if after:
        headers["Last-Event-ID"] = str(after)
    return Request("GET", f"{_job(job_id)}/events", headers=headers, silence=silence)


def events(job_id: str, after: int) -> Request:
    headers = {"Accept": "application/json"}
    return Request("GET", f"{_job(job_id)}/events", query={"after": str(after)}, headers=headers)


def cancel(job_id: str, reason: str | None) -> Request:
    body = None if reason is None else pydantic_core.to_json({"reason": reason})
    return Request("POST", f"{_job(job_id)}/cancel", body=body)


def retry(job_id: str) -> Request:
    # Not sent twice: the second would find the job running and be refused.
    return Request("POST", f"{_job(job_id)}/retry", again=False)


def delete(job_id: str) -> Request:
    return Request("DELETE", _job(job_id))


def delete_jobs(query: Mapping[str, str]) -> Request:
    return Request("DELETE", "/jobs", query=query, silence=_DELETING)


def artifact(job_id: str, name: str, start: int, etag: str) -> Request:
    """From byte `start` on, if it is still the file that had this `etag`."""
    headers = {"Range": f"bytes={start}-", "If-Range": etag} if start and etag else {}
    return Request("GET", f"{_job(job_id)}/artifacts/{quote(name, safe='')}", headers=headers)


def _job(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _wait(wait: float) -> str:
    return f"wait={math.ceil(wait)}"


def _duration(value: float | str) -> str:
    return f"{seconds(value):.3f}".rstrip("0").rstrip(".") + "s"


def _new_key() -> str:
    return uuid.uuid4().hex


def _quoted(text: str) -> str:
    """A string of structured headers (RFC 9651)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def split(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[FilePart]]:
    """Arguments that are JSON, and those that are files."""
    plain: dict[str, Any] = {}
    files: list[FilePart] = []
    for name, value in arguments.items():
        several = value if isinstance(value, list | tuple) else [value]
        if several and all(map(_is_file, several)):
            files.extend((name, one) for one in several)
        else:
            plain[name] = value
    return plain, files


def _is_file(value: Any) -> bool:
    return isinstance(value, os.PathLike | UploadFile) or callable(getattr(value, "read", None))
