"""Answers that are errors, as exceptions: problem objects become the classes of `accepted.errors` again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from accepted import errors
from accepted.client.flow import Answer, Request
from accepted.errors import AcceptedError
from accepted.job import JSON, Status


class ServerUnreachable(AcceptedError, ConnectionError):
    """No connection, or none that lasted, after every further try."""

    slug, title, status = "server-unreachable", "The server cannot be reached", 503
    retryable = True

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"Cannot reach {url}: {detail}; is the server running, and the address right?")
        self.url = url


class UnexpectedAnswer(AcceptedError):
    """Something answered that does not speak this API: a proxy's page, another server, another version."""

    slug, title, status = "unexpected-answer", "An answer that is not of this API", 502

    def __init__(self, url: str, code: int, excerpt: str) -> None:
        said = f": {excerpt}" if excerpt else ""
        super().__init__(f"{url} answered {code} in a form that is not of this API{said}")
        self.url, self.code = url, code


class OtherProblem(AcceptedError):
    """A problem of a type that this client does not know; `members` is the problem object."""

    slug, title, status = "other-problem", "The server refused", 500

    def __init__(self, problem: Mapping[str, JSON]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or "the server gave no reason"))
        self.problem = dict(problem)

    @property
    def members(self) -> Mapping[str, JSON]:
        return self.problem


class Problem(dict[str, Any]):
    """A problem object, and what the request knew."""

    job_id: str = ""
    key: str = ""
    retry_after: float = 5.0

    @property
    def slug(self) -> str:
        return str(self.get("type", "")).rpartition("#")[2].rpartition("/")[2]

    @property
    def detail(self) -> str:
        return str(self.get("detail") or self.get("title") or "no reason given")


def _job_gone(problem: Problem) -> AcceptedError:
    at = datetime.fromisoformat(problem["expired_at"]).timestamp()
    return errors.JobGone(problem.job_id, owner="", at=at, reason=problem["reason"])


def _wrong_state(problem: Problem) -> AcceptedError:
    return errors.WrongState(problem.job_id, Status(problem["state"]), verb="do this to", allowed=problem["allowed"])


def _limit_reached(problem: Problem) -> AcceptedError:
    resets_at = problem.get("resets_at")
    return errors.LimitReached(
        problem["limit"],
        used=problem["used"],
        at_most=problem["at_most"],
        per=problem.get("per_seconds"),
        resets_at=datetime.fromisoformat(resets_at).timestamp() if resets_at is not None else None,
        retry_after=problem.retry_after,
    )


def _queue_full(problem: Problem) -> AcceptedError:
    return errors.QueueFull(
        problem["limit"], used=problem["used"], at_most=problem["at_most"], retry_after=problem.retry_after
    )


_BUILDERS: Final[Mapping[str, Callable[[Problem], AcceptedError]]] = {
    errors.JobNotFound.slug: lambda problem: errors.JobNotFound(problem.job_id),
    errors.JobGone.slug: _job_gone,
    errors.WrongState.slug: _wrong_state,
    errors.JobFailed.slug: lambda problem: errors.JobFailed(problem.job_id, problem["error"]),
    errors.JobCancelled.slug: lambda problem: errors.JobCancelled(problem.job_id, problem.get("reason")),
    errors.TaskNotFound.slug: lambda _: errors.TaskNotFound("", ()),
    errors.InvalidInput.slug: lambda problem: errors.InvalidInput(problem["errors"]),
    errors.BadRequest.slug: lambda problem: errors.BadRequest(problem.detail),
    errors.NotAuthenticated.slug: lambda problem: errors.NotAuthenticated(problem.detail),
    errors.Forbidden.slug: lambda problem: errors.Forbidden(problem.detail),
    errors.PayloadTooLarge.slug: lambda problem: errors.PayloadTooLarge("the request", problem["limit"]),
    errors.UnsupportedMediaType.slug: lambda problem: errors.UnsupportedMediaType(problem.detail),
    errors.LimitReached.slug: _limit_reached,
    errors.Unavailable.slug: lambda problem: errors.Unavailable(problem.detail, retry_after=problem.retry_after),
    errors.QueueFull.slug: _queue_full,
    errors.StoreError.slug: lambda problem: errors.StoreError(problem.detail),
    errors.IdempotencyMismatch.slug: lambda problem: errors.IdempotencyMismatch(problem.key),
    errors.IdempotencyInFlight.slug: lambda problem: errors.IdempotencyInFlight(problem.key),
}


def error_from(answer: Answer, request: Request, url: str, *, job_id: str = "") -> AcceptedError:
    """The exception that this answer stands for, with the server's own sentence."""
    problem = read_problem(answer)
    if problem is None:
        return UnexpectedAnswer(url, answer.status, _excerpt(answer))
    problem.job_id = str(problem.get("job_id") or job_id)
    problem.key = request.headers.get("Idempotency-Key", "").strip('"')
    problem.retry_after = retry_after(answer) or problem.retry_after
    return error_of(problem)


def error_of(problem: Problem) -> AcceptedError:
    """The exception that this problem object stands for."""
    build = _BUILDERS.get(problem.slug, OtherProblem)
    try:
        made = build(problem)
    except (KeyError, ValueError, TypeError):
        # A problem of that type without the members that belong to it.
        made = OtherProblem(problem)
    if "detail" in problem:
        made.args = (problem.detail,)
    return made


def read_problem(answer: Answer) -> Problem | None:
    """The problem object of an error answer; None when it is not one."""
    if answer.media_type != "application/problem+json":
        return None
    try:
        body = answer.json()
    except ValueError:
        return None
    return Problem(body) if isinstance(body, dict) else None


def retry_after(answer: Answer) -> float | None:
    """Seconds of a `Retry-After`; None when there is none that is a number."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        return None


def _excerpt(answer: Answer) -> str:
    text = " ".join(answer.body[:2000].decode("utf-8", "replace").split())
    return text[:120]
