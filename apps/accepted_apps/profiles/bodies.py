"""The JSON of the routes: made with these types, and described by them in the OpenAPI document."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from accepted import JobRecord, Jobs, Status

from .model import Result, Time
from .providers.choose import names, provider_class
from .settings import ProfilesSettings
from .urls import Mode, Network

PROCESSING = "processing"


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class Submission(_Body):
    """What to read. `posts` and `comments` left out: the numbers of the settings."""

    url: str = Field(examples=["https://mastodon.social/@Mastodon"])
    mode: Mode = "auto"
    posts: int | None = Field(None, ge=1)
    comments: int | None = Field(None, ge=0)


class Started(_Body):
    """A job that was just submitted. `id` is `jobId`."""

    job_id: str
    id: str
    status: str
    message: str


class Progress(_Body):
    """One sentence for whoever looks, and 0–100."""

    message: str
    percent: float


class State(_Body):
    """One job. `id` is `jobId`; `message` is that of `progress`. `cost` is what was spent so far, in US dollars.

    `result` is there once it has completed, `error` and `errorCode` when it has failed.
    """

    id: str
    job_id: str
    status: str
    cancelling: bool
    url: str
    progress: Progress
    message: str
    cost: float
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    result: Result | None = None
    error: str | None = None
    error_code: str | None = None


class Failure(_Body):
    """Why a request was refused. `field`: the parameter that is wrong, where one is."""

    error: str
    code: str
    field: str | None = None


class ProviderState(_Body):
    """A provider as it is configured here. `missing`: what it lacks, in a sentence; null when it is ready."""

    name: str
    label: str
    ready: bool
    missing: str | None


class NetworkState(_Body):
    network: str
    ready: bool
    providers: list[ProviderState]


class Providers(_Body):
    """What can be read here, and how much of it: by default, and at most."""

    networks: list[NetworkState]
    posts: int
    posts_max: int
    comments: int
    comments_max: int

    @classmethod
    def of(cls, settings: ProfilesSettings) -> Providers:
        return cls(
            networks=[_network(one, settings) for one in get_args(Network)],
            posts=settings.posts,
            posts_max=settings.posts_max,
            comments=settings.comments,
            comments_max=settings.comments_max,
        )


def _network(network: Network, settings: ProfilesSettings) -> NetworkState:
    providers = []
    for name in names(network, settings):
        kind = provider_class(name)
        missing = kind.missing(settings)
        providers.append(ProviderState(name=name, label=kind.label, ready=missing is None, missing=missing))
    return NetworkState(network=network, ready=any(one.ready for one in providers), providers=providers)


async def state(jobs: Jobs, record: JobRecord) -> bytes:
    """The JSON of a `State`. The result is JSON already, and may be large."""
    known = State(**_members(record)).model_dump(mode="json", exclude_unset=True)
    if record.status is not Status.COMPLETED:
        return to_json(known)
    return b'%s,"result":%s}' % (to_json(known)[:-1], await jobs.read_result(record))


def _members(record: JobRecord) -> dict[str, Any]:
    running, completed = record.status is Status.RUNNING, record.status is Status.COMPLETED
    message = _message(record)
    known = {
        "id": record.id,
        "job_id": record.id,
        "status": PROCESSING if running else str(record.status),
        "cancelling": running and record.cancel_requested_at is not None,
        "url": json.loads(record.args)["url"],
        "progress": Progress(message=message, percent=100.0 if completed else record.progress.percent or 0.0),
        "message": message,
        "cost": round(record.cost, 6),
        "created_at": _time(record.submitted_at),
        "started_at": _time(record.started_at),
        "completed_at": _time(record.finished_at),
    }
    if record.status is Status.FAILED:
        error = record.error or {}
        known["error"] = str(error.get("detail") or "The profile could not be read.")
        known["error_code"] = str(error.get("code") or "task-failed")
    return known


def _message(record: JobRecord) -> str:
    """One sentence for whoever looks."""
    match record.status:
        case Status.PENDING if record.attempt:
            return record.progress.message or "Waiting for the next attempt."
        case Status.PENDING:
            return "Waiting for a free worker."
        case Status.RUNNING:
            return record.progress.message or "Starting."
        case Status.COMPLETED:
            return "Everything is here."
        case Status.FAILED:
            return "It could not be read."
        case _:
            return "It was cancelled."


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
