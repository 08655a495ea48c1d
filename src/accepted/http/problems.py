"""Errors over HTTP: RFC 9457 problem objects. `problems.md` has a section for each type."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json
from starlette.responses import Response

from accepted.errors import AcceptedError, BadRequest, NotAuthenticated, PayloadTooLarge
from accepted.job import JSON

DOCS: Final = "/v1/problems#"
"""A problem's `type` is this and its slug: a page that every server has (problem_page.py), under the default
prefix. As an identifier it is the same everywhere, whatever prefix or mount leads to the page."""
MEDIA_TYPE: Final = "application/problem+json"


# ── what only HTTP knows of ──────────────────────────────────────────────────────────────────────────


class RouteNotFound(AcceptedError):
    slug, title, status = "not-found", "No such page", 404

    def __init__(self) -> None:
        super().__init__("Nothing is served under this path; /openapi.json lists what is.")


class MethodNotAllowed(AcceptedError):
    slug, title, status = "method-not-allowed", "Not with this method", 405

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} is not possible here; possible: {', '.join(allowed)}.")
        self.allowed = tuple(allowed)

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"allowed": list(self.allowed)}


class BodyTooSlow(AcceptedError):
    """The request's body stopped coming, or comes so slowly that it keeps a connection for nothing."""

    slug, title, status, retryable = "body-too-slow", "The body came too slowly", 408, True

    def __init__(self) -> None:
        super().__init__("The request's body did not arrive in time; send it again over a better connection.")


class TwoLengths(BadRequest):
    """A proxy in front of this server may have read the length that this one did not, and take what is left for a
    request (RFC 9112 §6.1). httptools refuses it by itself."""

    def __init__(self) -> None:
        super().__init__("The request has both Content-Length and Transfer-Encoding; send one of them.")


class RangeNotSatisfiable(AcceptedError):
    slug, title, status = "range-not-satisfiable", "No such range", 416

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes; ask for a range that begins within it.")
        self.size_bytes = size_bytes


# ── problem objects ──────────────────────────────────────────────────────────────────────────────────


def problem(error: AcceptedError) -> dict[str, JSON]:
    """The problem object of a request that could not be served."""
    return {
        "type": DOCS + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": error.public,
        "retryable": error.retryable,
        **error.members,
    }


def job_problem(error: Mapping[str, JSON]) -> dict[str, JSON]:
    """The problem object of a job that failed, from what was stored with it (`code`, `title`, `detail`, …)."""
    code = error.get("code", "task-failed")
    return {"type": f"{DOCS}{code}", "status": 500, **error}


def problem_response(error: AcceptedError) -> Response:
    """The answer to a request that could not be served. Never kept by a cache: it speaks of this moment."""
    return Response(
        to_json(problem(error)), error.status, {"Cache-Control": "no-store", **_headers(error)}, media_type=MEDIA_TYPE
    )


def unexpected() -> AcceptedError:
    """What a caller is told of an error that nobody foresaw: nothing of its inside. The log has the rest."""
    return AcceptedError("Something went wrong on the server; its log says what.")


def retry_after(seconds: float) -> str:
    """Whole seconds, at least one."""
    return str(max(1, math.ceil(seconds)))


def _headers(error: AcceptedError) -> dict[str, str]:
    headers: dict[str, str] = {}
    wait: Any = getattr(error, "retry_after", None)
    if wait is not None:
        headers["Retry-After"] = retry_after(wait)
    match error:
        case NotAuthenticated():
            headers["WWW-Authenticate"] = 'Bearer realm="accepted"'
        case MethodNotAllowed():
            headers["Allow"] = ", ".join(error.allowed)
        case RangeNotSatisfiable():
            headers["Content-Range"] = f"bytes */{error.size_bytes}"
        case PayloadTooLarge() | BodyTooSlow() | TwoLengths():
            # The rest of the body is not read, or nobody knows where it ends: the connection cannot be used again.
            headers["Connection"] = "close"
    return headers
