"""Every error of `accepted`, in one hierarchy.

Each class carries its data as attributes, says in one sentence what happened and what to do, and maps to
one problem type (RFC 9457): `slug` names the page `docs/problems.md#slug`, `status` the HTTP status that an
answer with this problem has. The cause, a driver's error say, is kept as `__cause__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from accepted.job import JSON, Status, iso


class AcceptedError(Exception):
    """Something in accepted went wrong."""

    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    @property
    def public(self) -> str:
        """What callers over HTTP and the owners of jobs are told: the message, unless that is for the operator only."""
        return str(self)

    @property
    def members(self) -> Mapping[str, JSON]:
        """The problem object's extension members."""
        return {}


# ── about a job ──────────────────────────────────────────────────────────────────────────────────────


class JobNotFound(AcceptedError):
    """There is no such job, or it is somebody else's; the two look the same on purpose."""

    slug, title, status = "job-not-found", "No such job", 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id!r}; check the id that the submission answered.")
        self.job_id = job_id


class JobGone(AcceptedError):
    """The job existed; it was removed, and a tombstone says when and why."""

    slug, title, status = "job-gone", "The job was removed", 410

    def __init__(self, job_id: str, *, owner: str, at: float, reason: str) -> None:
        super().__init__(f"Job {job_id!r} was removed ({reason}) at {iso(at)}; submit it again if you need it.")
        self.job_id, self.owner, self.at, self.reason = job_id, owner, at, reason

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"expired_at": iso(self.at), "reason": self.reason}


class WrongState(AcceptedError):
    """What was asked for is not possible in the job's present state."""

    slug, title, status = "wrong-state", "Not possible in this state", 409

    def __init__(self, job_id: str, state: Status, *, verb: str, allowed: Sequence[str]) -> None:
        choices = ", ".join(allowed) or "nothing"
        super().__init__(f"Job {job_id!r} is {state}: cannot {verb} it; possible now: {choices}.")
        self.job_id, self.state, self.verb, self.allowed = job_id, state, verb, tuple(allowed)

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"state": self.state, "allowed": list(self.allowed)}


class JobFailed(AcceptedError):
    """The job is over and has no result: it failed. `error` is the job's own problem object."""

    slug, title, status = "job-failed", "The job failed", 409

    def __init__(self, job_id: str, error: Mapping[str, JSON]) -> None:
        super().__init__(str(error.get("detail") or error.get("title") or "the job failed"))
        self.job_id, self.error = job_id, dict(error)

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"error": self.error}


class JobCancelled(AcceptedError):
    """The job is over and has no result: it was cancelled."""

    slug, title, status = "job-cancelled", "The job was cancelled", 409

    def __init__(self, job_id: str, reason: str | None) -> None:
        super().__init__(f"Job {job_id!r} was cancelled{f' ({reason})' if reason else ''}; retry it to run it again.")
        self.job_id, self.reason = job_id, reason

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"reason": self.reason}


class ResultTimeout(AcceptedError, TimeoutError):
    """`result(timeout=…)` waited its time; the job goes on."""

    slug, title, status = "result-timeout", "Not finished in time", 504

    def __init__(self, job_id: str, seconds: float) -> None:
        super().__init__(f"Job {job_id!r} was not over after {seconds:g} s; it goes on: ask again later.")
        self.job_id, self.seconds = job_id, seconds


class LeaseLost(AcceptedError):
    """This attempt does not hold the job any more: another worker has it, or the job is over or removed.

    Raised by every store write of an attempt that was fenced off; nothing was written.
    """

    slug, title, status = "lease-lost", "The lease was lost", 409

    def __init__(self, job_id: str, token: int) -> None:
        super().__init__(f"Attempt with token {token} does not hold job {job_id!r} any more; stop working on it.")
        self.job_id, self.token = job_id, token


# ── about a request ──────────────────────────────────────────────────────────────────────────────────


class TaskNotFound(AcceptedError):
    slug, title, status = "task-not-found", "No such task", 404

    def __init__(self, task: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no task {task!r}; known here: {', '.join(known) or 'none'}.")
        self.task, self.known = task, tuple(known)


class ScheduleNotFound(AcceptedError):
    slug, title, status = "schedule-not-found", "No such schedule", 404

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no schedule {name!r}; see the list of schedules.")
        self.name = name


class WebhookNotFound(AcceptedError):
    """There is no such webhook or delivery, or it is somebody else's; the two look the same on purpose."""

    slug, title, status = "webhook-not-found", "No such webhook", 404

    def __init__(self, webhook_id: str, *, delivery: str | None = None) -> None:
        super().__init__(
            f"There is no webhook {webhook_id!r}; see the list of your webhooks."
            if delivery is None
            else f"The webhook has no delivery {delivery!r}, or not any more; see the list of its deliveries."
        )
        self.webhook_id, self.delivery = webhook_id, delivery


class WebhookDisabled(AcceptedError):
    """It is not told of anything until it is enabled again."""

    slug, title, status = "webhook-disabled", "The webhook is disabled", 409

    def __init__(self, reason: str) -> None:
        super().__init__(f'The webhook is disabled ({reason}); enable it with PATCH {{"disabled": false}}.')
        self.reason = reason


class WebhooksFull(AcceptedError):
    """The caller has as many webhooks as one may have (`webhooks_max`)."""

    slug, title, status = "webhooks-full", "No more webhooks", 409

    def __init__(self, at_most: int) -> None:
        super().__init__(f"You have {at_most} webhooks, as many as one may have; delete or change one of them.")
        self.at_most = at_most

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"at_most": self.at_most}


class SignatureInvalid(AcceptedError):
    """A request that claims to be a webhook's delivery does not come from whoever has the secret, or not now."""

    slug, title, status = "signature-invalid", "Not signed by the sender", 401


class InvalidInput(AcceptedError):
    """The input does not fit; nothing was stored. `errors` is a list of {detail, pointer}: the pointer
    (RFC 6901) names the field."""

    slug, title, status = "invalid-input", "The input does not fit", 422

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        text = "; ".join(f"{e['pointer'].removeprefix('#/') or 'body'}: {e['detail']}" for e in errors)
        super().__init__(text or "the input does not fit")
        self.errors = [dict(e) for e in errors]

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"errors": self.errors}


class BadRequest(AcceptedError):
    """The request itself cannot be read: no JSON, a header out of form, a cursor that is not ours."""

    slug, title, status = "bad-request", "The request cannot be read", 400


class NotAuthenticated(AcceptedError):
    slug, title, status = "not-authenticated", "Who are you?", 401

    def __init__(self, detail: str = "Send an API key or a token: Authorization: Bearer …") -> None:
        super().__init__(detail)


class Forbidden(AcceptedError):
    slug, title, status = "forbidden", "Not allowed", 403


class PayloadTooLarge(AcceptedError):
    slug, title, status = "payload-too-large", "Too large", 413

    def __init__(self, what: str, limit_bytes: int) -> None:
        super().__init__(f"{what} is larger than {limit_bytes} bytes; send less, or raise the setting.")
        self.what, self.limit_bytes = what, limit_bytes

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"limit": self.limit_bytes}


class UnsupportedMediaType(AcceptedError):
    slug, title, status = "unsupported-media-type", "This content type is not understood", 415


class LimitReached(AcceptedError):
    """The caller has as much as it may have; `retry_after` is in seconds."""

    slug, title, status = "limit-reached", "Limit reached", 429
    retryable = True

    def __init__(
        self, limit: str, *, used: int, at_most: int, per: float | None = None, resets_at: float | None = None,
        retry_after: float = 5.0,
    ) -> None:  # fmt: skip
        """`per`: of a rate, its seconds; `resets_at`: when it has room again, seconds since the epoch."""
        what = f"{used} of at most {at_most} ({limit})"
        super().__init__(
            f"{what}; wait for one to end, or cancel one."
            if per is None
            else f"{what} in {per:g} s; wait {retry_after:.1f} s and send it again."
        )
        self.limit, self.used, self.at_most, self.retry_after = limit, used, at_most, retry_after
        self.per, self.resets_at = per, resets_at

    @property
    def members(self) -> Mapping[str, JSON]:
        known: dict[str, JSON] = {"limit": self.limit, "used": self.used, "at_most": self.at_most}
        if self.per is not None:
            known["per_seconds"] = self.per
        if self.resets_at is not None:
            known["resets_at"] = iso(self.resets_at)
        return known


class Unavailable(AcceptedError):
    """Full or going down; `retry_after` is in seconds."""

    slug, title, status = "unavailable", "Not now", 503
    retryable = True

    def __init__(self, detail: str, *, retry_after: float = 5.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QueueFull(Unavailable):
    """The whole queue, not the caller's part of it, has as many jobs as it may have (`active_max`, or the task's
    `active`)."""

    slug, title = "queue-full", "The queue is full"

    def __init__(self, limit: str, *, used: int, at_most: int, retry_after: float = 5.0) -> None:
        super().__init__(
            f"The queue holds {used} of at most {at_most} jobs ({limit}); send it again later.", retry_after=retry_after
        )
        self.limit, self.used, self.at_most = limit, used, at_most

    @property
    def members(self) -> Mapping[str, JSON]:
        return {"limit": self.limit, "used": self.used, "at_most": self.at_most}


class IdempotencyMismatch(AcceptedError):
    slug, title, status = "idempotency-mismatch", "Same key, other content", 422

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r} was used with another body; send a new key for a new request.")
        self.key = key


class IdempotencyInFlight(AcceptedError):
    slug, title, status = "idempotency-in-flight", "The first request is still under way", 409
    retryable = True

    def __init__(self, key: str) -> None:
        super().__init__(f"A request with Idempotency-Key {key!r} is still under way; send it again in a second.")
        self.key = key
        self.retry_after = 1.0


# ── about the set-up ─────────────────────────────────────────────────────────────────────────────────


class ConfigurationError(AcceptedError):
    """A setting, a task's definition or a URL is wrong; raised at start, never later."""

    slug, title = "configuration", "The configuration is wrong"


class StoreError(AcceptedError):
    """The store cannot do its work: disk full, file removed or read-only, server not reachable."""

    slug, title, status = "store-unavailable", "The store is not available", 503
    retryable = True
    retry_after: float = 5.0

    @property
    def public(self) -> str:
        """Without paths and the driver's words, which the log and callers in Python get."""
        return "The store is not available; try again in a moment."


class SchemaTooNew(StoreError):
    """The file was written by a newer accepted; this one must not touch it."""

    retryable = False

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"The store has schema {found}, this accepted knows up to {known}; install the newer accepted again."
        )
        self.found, self.known = found, known


# ── raised by the user's function to decide its own fate ─────────────────────────────────────────────


class Fail(AcceptedError):
    """The job fails at once with this message for its owner, whatever retries are left.

    `code` becomes the last part of the error's `type`; further keywords become its members.
    """

    slug, title, status = "task-failed", "The task failed", 500

    def __init__(self, message: str, *, code: str = "task-failed", **data: Any) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class Retry(AcceptedError):
    """Try again: after `after` seconds if given, else after the task's own backoff."""

    slug, title, status = "task-failed", "The task failed", 500
    retryable = True

    def __init__(self, message: str = "the task asked to be retried", *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Died(AcceptedError):
    """The job's own process (`isolation="process"`) ended without a result."""

    slug, title, status = "process-died", "The job's process died", 500
    retryable = True


class Cancelled(BaseException):
    """Raised inside a plain function whose job is being cancelled, stopped or fenced off."""
