"""What is said on streams, sockets and to webhooks, as types: what the AsyncAPI document says of it.

As with shapes.py, whose job and event these are about, nothing is validated with these on the way out; tests hold
what a real server sends against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from accepted.http.shapes import AcceptedJob, AcceptedProblem, Json, words
from accepted.job import Kind, StepStatus


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


# ── the data of each kind of event ───────────────────────────────────────────────────────────────────


class AcceptedEventError(_Open):
    """What went wrong, with the members that the function added. The job's `error` has the same as a problem object."""

    code: str | None = None
    title: str
    detail: str


class AcceptedPending(_Exact):
    reason: Literal["submitted", "error", "timeout", "interrupted", "lost", "retried"]
    at: Annotated[AwareDatetime | None, Field(description="Not before this.")] = None
    error: AcceptedEventError | None = None


class AcceptedRunning(_Exact):
    worker: str


class AcceptedCompleted(_Exact):
    """Nothing: the result is at its own URL."""


class AcceptedFailed(_Exact):
    error: AcceptedEventError


class AcceptedCancelled(_Exact):
    reason: str | None


class AcceptedCancelling(_Exact):
    """The attempt has been told to stop."""

    reason: str


class AcceptedProgressed(_Exact):
    """The members that are known."""

    percent: Annotated[float | None, Field(ge=0, le=100)] = None
    message: str | None = None
    current: float | None = None
    total: float | None = None
    unit: str | None = None


class AcceptedStepped(_Exact):
    name: str
    status: Annotated[str, words(StepStatus)]
    error: AcceptedEventError | None = None


class AcceptedLogged(_Open):
    """And what the function added."""

    level: Literal["debug", "info", "warning", "error"]
    message: str


class AcceptedOutput(_Exact):
    value: Json


class AcceptedAttached(_Exact):
    name: str
    size_bytes: int
    media_type: str
    sha256: str


class AcceptedCost(_Exact):
    """`total` is of the job so far. US dollars unless the task says otherwise."""

    amount: float
    what: str
    total: float


EVENT_DATA: Final[Mapping[Kind, type[BaseModel]]] = {
    Kind.PENDING: AcceptedPending,
    Kind.RUNNING: AcceptedRunning,
    Kind.COMPLETED: AcceptedCompleted,
    Kind.FAILED: AcceptedFailed,
    Kind.CANCELLED: AcceptedCancelled,
    Kind.CANCELLING: AcceptedCancelling,
    Kind.PROGRESS: AcceptedProgressed,
    Kind.STEP: AcceptedStepped,
    Kind.LOG: AcceptedLogged,
    Kind.OUTPUT: AcceptedOutput,
    Kind.ARTIFACT: AcceptedAttached,
    Kind.COST: AcceptedCost,
}


# ── a socket ─────────────────────────────────────────────────────────────────────────────────────────


class _FromClient(BaseModel):
    id: Annotated[str | int | None, Field(description="Comes back in the answer.")] = None


class AcceptedAuthenticate(_FromClient):
    action: Literal["authenticate"]
    token: str


class AcceptedSubscribe(_FromClient):
    action: Literal["subscribe"]
    job_id: str
    after: Annotated[int | None, Field(ge=0, description="The `seq` of the last event that the client has.")] = None


class AcceptedUnsubscribe(_FromClient):
    action: Literal["unsubscribe"]
    job_id: str


class AcceptedCancel(_FromClient):
    action: Literal["cancel"]
    job_id: str
    reason: str | None = None


class AcceptedPing(_FromClient):
    action: Literal["ping"]


class _FromServer(_Exact):
    id: Annotated[str | int | None, Field(description="As in the message that this answers.")] = None


class AcceptedAuthSuccess(_FromServer):
    type: Literal["auth_success"]
    user_id: str


class AcceptedAuthError(_FromServer):
    """The socket is closed next."""

    type: Literal["auth_error"]
    message: str


class AcceptedSubscribed(_FromServer):
    """Events after `seq` come next."""

    type: Literal["subscribed"]
    job_id: str
    seq: int
    job: AcceptedJob


class AcceptedUnsubscribed(_FromServer):
    type: Literal["unsubscribed"]
    job_id: str


class AcceptedSnapshot(_FromServer):
    """The job as it is now: in place of events that are left out, and after a cancel."""

    type: Literal["snapshot"]
    job: AcceptedJob


class AcceptedGap(_FromServer):
    """This client was too slow: events `from` … `to` are left out. A snapshot comes next."""

    type: Literal["gap"]
    job_id: str
    from_: Annotated[int, Field(alias="from")]
    to: int


class AcceptedRemoved(_FromServer):
    type: Literal["removed"]
    job_id: str


class AcceptedSocketError(_FromServer):
    """A message could not be served; the socket stays open."""

    type: Literal["error"]
    job_id: str | None = None
    problem: AcceptedProblem


class AcceptedPong(_FromServer):
    type: Literal["pong"]


FROM_CLIENT: Final[tuple[type[BaseModel], ...]] = (
    AcceptedAuthenticate,
    AcceptedSubscribe,
    AcceptedUnsubscribe,
    AcceptedCancel,
    AcceptedPing,
)
FROM_SERVER: Final[tuple[type[BaseModel], ...]] = (
    AcceptedAuthSuccess,
    AcceptedAuthError,
    AcceptedSubscribed,
    AcceptedUnsubscribed,
    AcceptedSnapshot,
    AcceptedGap,
    AcceptedRemoved,
    AcceptedSocketError,
    AcceptedPong,
)
"""Beside events, which are as everywhere but for `"type": "event"`."""


# ── streams and webhooks ─────────────────────────────────────────────────────────────────────────────


class AcceptedGone(_Exact):
    """What `removed` carries on a stream: nothing more comes of this job."""

    job_id: str


class AcceptedDelivered(_Exact):
    """`seq` is the number of the event. `job` is null where it was removed meanwhile, `result` where it is large:
    `job.links.result` has it."""

    job_id: str
    seq: int
    job: AcceptedJob | None
    result: Json


class AcceptedDelivery(_Exact):
    """Standard Webhooks: what happened, when, and to which job."""

    type: Literal["job.completed", "job.failed", "job.cancelled", "job.running", "job.progress"]
    timestamp: AwareDatetime
    data: AcceptedDelivered


class AcceptedTested(_Exact):
    webhook_id: str


class AcceptedTestDelivery(_Exact):
    """What `POST /v1/webhooks/{id}/test` sends."""

    type: Literal["webhook.test"]
    timestamp: AwareDatetime
    data: AcceptedTested


SENT: Final[tuple[type[BaseModel], ...]] = (AcceptedDelivery, AcceptedTestDelivery)
SIGNED: Final[Mapping[str, str]] = {
    "webhook-id": "The same for each try of one delivery.",
    "webhook-timestamp": "Of this try; seconds since the epoch.",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; one for each secret.",
}
"""The headers of both, and what they mean."""
