"""Files of a job: named artifacts with ranges (RFC 9110 §14), and results too large for a row."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from accepted.errors import AcceptedError, JobNotFound
from accepted.http.negotiation import tag_matches
from accepted.http.problems import RangeNotSatisfiable
from accepted.http.resource import Call
from accepted.stores.base import Attached, BlobStore, WatchingStore

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(?:(?P<start>[0-9]{1,18})-(?P<end>[0-9]{1,18})?|-(?P<last>[0-9]{1,18}))\s*")
_INLINE: Final = frozenset(
    {
        "application/json",
        "application/pdf",
        "text/plain",
        "text/csv",
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
    }
)
"""Shown by a browser in place. Everything else, HTML and SVG above all, is saved: it could run scripts with the
rights of this origin."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` … `end`, the end not included."""

    start: int
    end: int


def parse_range(header: str | None, size: int) -> Span | None:
    """The one range that is asked for; None: send everything. Several ranges, other units and nonsense count as not
    asked, as the RFC allows. Raises RangeNotSatisfiable."""
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None:
        return None
    if found["last"] is not None:
        last = int(found["last"])
        if last == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return Span(max(0, size - last), size)
    start = int(found["start"])
    end = min(int(found["end"]) + 1, size) if found["end"] is not None else size
    if found["end"] is not None and int(found["end"]) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return Span(start, end)


def disposition(name: str, media_type: str) -> str:
    """`Content-Disposition` (RFC 6266), with a name for old clients and, where it differs, the real one (RFC 8187)."""
    kind = "inline" if media_type in _INLINE else "attachment"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


async def send_artifact(call: Call, store: WatchingStore, blobs: BlobStore, job_id: str, name: str) -> Response:
    """The answer to `GET /v1/jobs/{id}/artifacts/{name}`. Raises ArtifactNotFound, RangeNotSatisfiable."""
    attached = await store.artifact(job_id, name)
    if attached is None:
        raise ArtifactNotFound(job_id, name)
    artifact = attached.artifact
    tag = f'"{artifact.sha256}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(name, artifact.media_type),
        "X-Content-Type-Options": "nosniff",
        # Even shown in place it gets no script, no form and no origin of its own.
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }
    if tag_matches(call.headers.get("if-none-match"), tag):
        return Response(None, 304, headers)
    return _send(call, blobs, job_id, attached, tag, headers)


def _send(call: Call, blobs: BlobStore, job_id: str, attached: Attached, tag: str, headers: dict[str, str]) -> Response:
    size = attached.artifact.size_bytes
    # A date can never match: there is no Last-Modified. A weak tag may not.
    fresh = call.headers.get("if-range", tag).strip() == tag
    span = parse_range(call.headers.get("range"), size) if fresh and call.method == "GET" else None
    status = 200
    if span is not None:
        status, headers["Content-Range"] = 206, f"bytes {span.start}-{span.end - 1}/{size}"
    span = span or Span(0, size)
    headers["Content-Length"] = str(span.end - span.start)
    content = blobs.read(job_id, attached.blob, start=span.start, end=span.end)
    return StreamingResponse(
        _nothing() if call.method == "HEAD" else content, status, headers, media_type=attached.artifact.media_type
    )


async def send_blob(blobs: BlobStore, job_id: str, name: str, headers: dict[str, str], *, media_type: str) -> Response:
    """200 with a whole blob, streamed. Raises JobNotFound when the job was removed a moment ago."""
    path = await blobs.path(job_id, name)
    if path is None:
        raise JobNotFound(job_id)
    headers["Content-Length"] = str((await asyncio.to_thread(path.stat)).st_size)
    return StreamingResponse(blobs.read(job_id, name), 200, headers, media_type=media_type)


class ArtifactNotFound(AcceptedError):
    """The job has no artifact of this name, or not yet."""

    slug, title, status = "artifact-not-found", "No such artifact", 404

    def __init__(self, job_id: str, name: str) -> None:
        super().__init__(f"Job {job_id!r} has no artifact {name!r}; its member `artifacts` lists what it has.")


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
