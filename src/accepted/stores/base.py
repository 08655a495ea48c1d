"""The ports of a store, in domain verbs, split by who calls them.

A store keeps records and makes transitions atomic; everything that can be decided above it is decided
above it (`runner.py` decides about attempts, `jobs.py` about limits and time). What every verb promises:

* It is one transaction. It is durable when it returns: a crash a microsecond later loses nothing.
* A change of status is guarded by the present status (`job.TRANSITIONS`), and by the lease token where the
  table says so; with the guard not met it raises and writes nothing.
* It writes its event, with the job's next `seq`, in the same transaction.
* Verbs are coroutines and may be called concurrently; calls that meet share a transaction where the
  engine allows (group commit), but each succeeds or fails alone. Calls of one caller in one event loop
  take effect in the order in which they were made.
* `renew` alone is a plain function: the thread that keeps leases must not depend on any event loop.
* Times are seconds since the epoch by the store's `clock`; durations are seconds.

`docs/stores.md` says how each verb is done on SQLite, PostgreSQL, Redis and DynamoDB;
`stores/conformance.py` is the suite that a store has to pass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from accepted.job import (
    JSON,
    Artifact,
    Event,
    EventDraft,
    Glance,
    JobRecord,
    Lease,
    NewJob,
    Progress,
    Status,
    Step,
)
from accepted.value import value

Clock = Callable[[], float]

DELIVERY_TASK: Final = "accepted.webhook"
"""The task whose jobs are deliveries. Their arguments: `{"webhook": id, "job": id, "kind": kind, "seq": number of the
event}`; their owner is `delivery_owner(webhook id)`, so that a webhook's jobs are its log, and none of its owner's."""

DELIVERY_QUEUE: Final = "accepted.webhooks"
"""The queue of all deliveries, and of nothing else: every worker that can deliver serves it besides its own."""

SYSTEM_OWNERS: Final = "accepted:"
"""Owners that begin so are the library's own; authentication refuses them."""


def delivery_owner(webhook_id: str) -> str:
    return f"{SYSTEM_OWNERS}webhook:{webhook_id}"


# ── what goes in and comes out ───────────────────────────────────────────────────────────────────────


@value
class Submitted:
    """`replayed`: the idempotency key was known, and this is the job that it made."""

    job: JobRecord
    replayed: bool = False


@value
class WorkerInfo:
    """A process that claims. `host` tells apart machines (and containers with their own kernel)."""

    id: str
    host: str
    pid: int
    concurrency: int
    tasks: tuple[str, ...]
    queues: tuple[str, ...]
    started_at: float
    seen_at: float


@value
class Claimed:
    """A job with its lease just taken, and the steps that earlier attempts finished, by key."""

    job: JobRecord
    steps: Mapping[str, Step] = field(default_factory=dict)


@value
class Claim:
    """`next_at`: when the earliest job that only waits for its time, or for that of a pace, is due; None if there is
    none."""

    jobs: Sequence[Claimed]
    next_at: float | None


@value
class Attached:
    """An artifact, and the blob that holds its bytes."""

    artifact: Artifact
    blob: str


class Held(StrEnum):
    """What a renewal found of one lease."""

    KEPT = "kept"
    CANCELLING = "cancelling"
    LOST = "lost"


@value
class Change:
    """What one or more commits changed, told to listeners after the commit; a hint, never the truth.

    `ready`: some job can be claimed now. `cancelling`: jobs whose attempt should stop (cancel requested,
    or removed). `jobs`: jobs with new events; None: unknown, look at all that you watch.
    """

    ready: bool
    cancelling: frozenset[str]
    jobs: frozenset[str] | None


Listener = Callable[[Change], None]
"""Called from any thread, soon after a commit in this or another process; must not block."""


@value
class JobQuery:
    """Newest first. `text` matches in the id, the task's name and the arguments."""

    owner: str | None = None
    statuses: frozenset[Status] = frozenset()
    task: str | None = None
    text: str | None = None
    cursor: str | None = None
    limit: int = 50


@value
class Page:
    """`cursor` continues the listing; None: this was the last page. Opaque to callers."""

    jobs: Sequence[JobRecord]
    cursor: str | None


@value
class EventsPage:
    """`first_seq`: the oldest event that is still kept. A reader that asked for events after a number
    below `first_seq - 1` has a gap and needs a snapshot first."""

    events: Sequence[Event]
    first_seq: int


@value
class Waiting:
    """Why a pending job has not started. `position` counts from 1 among the jobs that can run."""

    position: int | None
    held_by: str | None
    """Key of the limit that is full, None otherwise."""
    used: int | None
    at_most: int | None
    per: float | None
    """Of a rate: its seconds; `used` counts the starts in them, and the jobs that are ready to start."""
    resets_at: float | None
    """Of a rate: when it has room again, seconds since the epoch; None: not before one that is ready has started."""
    free_slots: int
    """Idle slots of live workers that know the task."""
    workers: int
    """Live workers that know the task."""


@value
class Tally:
    """How many jobs of a queue and task are in a status (terminal ones: since the store exists)."""

    queue: str
    task: str
    status: Status
    jobs: int


@value
class ScheduleRecord:
    """Where a schedule stands. Times are seconds since the epoch."""

    name: str
    spec: str
    """What it is now: task, times, arguments, in one text to compare by; a new spec begins anew."""
    owner: str
    next_at: float
    """The time that is due next; it is fired once, whatever the number of processes that see it due."""
    last_at: float | None = None
    """The time that was fired last."""
    last_job: str | None = None
    """The job of that; None when it was left out (`missed`, `overlap`)."""


@value
class Webhook:
    """Where an owner wants to be told."""

    id: str
    owner: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    """The newest first: `whsec_…`, and of one that was replaced until when it signs beside it (`webhooks.signing`)."""
    kinds: frozenset[str]
    """Kinds of events (`job.Kind`) that it wants: terminal ones, `running`, `progress`."""
    tasks: frozenset[str]
    """Names of tasks; empty: all."""
    description: str
    created_at: float
    disabled_at: float | None = None
    disabled_reason: str | None = None


@value
class ApiKey:
    """`digest` is the SHA-256 of the key in hexadecimal; the key itself is never stored."""

    id: str
    name: str
    owner: str
    digest: str
    admin: bool
    created_at: float
    last_used_at: float | None = None


# ── the ports ────────────────────────────────────────────────────────────────────────────────────────


class SubmittingStore(Protocol):
    """For whoever makes jobs: the façade and the HTTP routes."""

    async def submit(self, jobs: Sequence[NewJob]) -> list[Submitted | Exception]:
        """Store all of them in one transaction, in order; an item that cannot be stored takes the place
        of its result: LimitReached, IdempotencyMismatch, JobGone (the key's job was removed). StoreError is
        raised, for all."""

    async def request_cancel(self, job_id: str, reason: str) -> JobRecord:
        """Pending: cancelled at once. Running: `cancel_requested_at` is set (event `cancelling`), its holder is
        told. Over already: nothing changes. Returns the job after it. Raises JobNotFound, JobGone."""

    async def retry(self, job_id: str) -> JobRecord:
        """From an end state back to pending, failures and losses 0; steps that finished are kept, unless the
        job had completed. Raises WrongState, JobNotFound, JobGone, LimitReached (its quotas count again)."""

    async def delete(self, job_id: str, reason: str) -> JobRecord:
        """Remove the job with its events and steps, in whatever state; a running attempt loses its lease. A
        tombstone stays. Returns the job as it last was. Raises JobNotFound, JobGone."""

    async def delete_owned(
        self, owner: str, reason: str, *, statuses: frozenset[Status] = frozenset(), task: str | None = None, limit: int
    ) -> list[str]:
        """`delete` for up to `limit` jobs of an owner, and what it is known by besides (idempotency keys of theirs).
        Returns their ids, whose blobs can go; fewer than `limit` means that none is left."""


class ListeningStore(Protocol):
    """For whoever waits for something to happen: worker and hub."""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after commits, of other processes too. Returns the function that ends it."""


class ArtifactStore(Protocol):
    """For whoever reads a file of a job, or puts another in its place."""

    async def artifact(self, job_id: str, name: str) -> Attached | None:
        """The newest of that name."""


class WorkingStore(ListeningStore, ArtifactStore, Protocol):
    """For workers and runners. Each verb with a lease raises LeaseLost when the token is not the job's
    present one or the job is not running."""

    async def register_worker(self, worker: WorkerInfo) -> None: ...

    async def deregister_worker(self, worker_id: str) -> None:
        """The worker stopped in order; its leases, if any are left, count as expired."""

    async def claim(
        self, worker_id: str, *, queues: Sequence[str], tasks: Sequence[str], limit: int, lease: float
    ) -> Claim:
        """Take up to `limit` ready jobs: by priority, then fair turns between owners, then age. Each gets
        attempt + 1, token + 1, a lease of `lease` seconds, an event `running`. Jobs whose time has come are
        made ready first. An attempt that follows an interruption keeps its number and its percent."""

    def renew(self, worker_id: str, held: Mapping[str, int], lease: float) -> dict[str, Held]:
        """Prolong the leases `{job_id: token}` to `lease` seconds from now and mark the worker seen.
        Blocking, thread-safe. Raises StoreError."""

    async def report(
        self,
        lease: Lease,
        events: Sequence[EventDraft],
        *,
        progress: Progress | None = None,
        cost: float = 0.0,
    ) -> int:
        """Append events; set the job's progress; add to its cost. Returns the last `seq`.

        The `blob` of an `artifact` event is kept with the artifact, and told to nobody."""

    async def start_step(self, lease: Lease, key: str, name: str) -> None:
        """Event `step` with status "running"."""

    async def finish_step(self, lease: Lease, key: str, name: str, result: bytes) -> None:
        """Checkpoint: no later attempt runs this step again. Resets `losses`."""

    async def fail_step(self, lease: Lease, key: str, name: str, error: Mapping[str, JSON]) -> None: ...

    async def complete(self, lease: Lease, result: bytes | None, *, result_blob: str | None = None) -> None: ...

    async def fail(self, lease: Lease, error: Mapping[str, JSON]) -> None: ...

    async def retry_later(self, lease: Lease, error: Mapping[str, JSON], *, at: float, reason: str) -> Status:
        """failures + 1, pending until `at`. With a cancel already requested it becomes cancelled instead.
        Returns what it became."""

    async def interrupt(self, lease: Lease, reason: str) -> Status:
        """Give the job back: pending at once, in its old place; the attempt does not count. With a cancel
        already requested it becomes cancelled instead.
        Returns what it became."""

    async def cancel(self, lease: Lease, reason: str) -> None:
        """The attempt has stopped because it was asked to. `reason` counts where the request gave none."""

    async def removed(self, job_id: str) -> bool:
        """Whether there is no such job any more, so that nobody else will write for it."""


class WatchingStore(ListeningStore, ArtifactStore, Protocol):
    """For whoever follows jobs: routes, hub, clients in process."""

    async def get(self, job_id: str) -> JobRecord:
        """Raises JobNotFound, JobGone."""

    async def glance(self, job_id: str) -> Glance:
        """The same, and less of it, for those who ask all day. Raises JobNotFound, JobGone."""

    async def steps(self, job_id: str) -> list[Step]:
        """In the order in which they first started; [] for an unknown job."""

    async def artifacts(self, job_id: str) -> list[Artifact]:
        """From the job's `artifact` events, the newest of each name, by name."""

    async def events(self, job_id: str, *, after: int = 0, limit: int = 1000) -> EventsPage:
        """Events with seq > after, ascending. Raises JobNotFound, JobGone."""

    async def events_after(self, cursors: Mapping[str, int], *, limit: int = 1000) -> dict[str, EventsPage | None]:
        """The same for many jobs in one read, for jobs that have any; None for a job that is gone."""

    async def list(self, query: JobQuery) -> Page:
        """Raises BadRequest when the cursor is not one of ours."""

    async def waiting(self, job: JobRecord) -> Waiting: ...


class InsightStore(Protocol):
    """Read-only, for metrics and the page that watches a service."""

    async def tallies(self) -> list[Tally]: ...

    async def oldest_pending(self) -> float | None:
        """`submitted_at` of the ready job that waits longest."""

    async def workers(self) -> list[WorkerInfo]: ...


class UpkeepStore(Protocol):
    """For the upkeep service; safe to call from any number of processes at once."""

    async def lost(self, limit: int) -> list[JobRecord]:
        """Running jobs whose lease is over, or whose worker is known to be dead (same host)."""

    async def lose(self, lease: Lease, *, error: Mapping[str, JSON] | None) -> Status:
        """Take a lost job from its holder: pending again (losses + 1), or failed with `error`; cancelled when
        a cancel was requested. Returns what it became. Raises LeaseLost when it is not lost any more."""

    async def expire(self, limit: int, error: Mapping[str, JSON]) -> int:
        """Pending jobs past their deadline become failed with `error`, or cancelled. Returns how many."""

    async def purge(self, limit: int) -> list[str]:
        """Remove finished jobs past `expires_at`, leaving tombstones, and idempotency keys, tickets and
        tombstones past theirs. Returns the ids of the jobs, whose blobs can go."""


class SchedulingStore(Protocol):
    """For the service that submits jobs by the clock; safe to call from any number of processes at once."""

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """Keep it unless one of that name and the same spec is kept already; returns the one that is kept."""

    async def schedules(self) -> list[ScheduleRecord]:
        """By name."""

    async def fire(self, name: str, *, at: float, next_at: float, job: NewJob | None) -> Submitted | Exception | None:
        """In one transaction: if the schedule's `next_at` is still `at`, submit `job` (None: leave this time out) and
        move on to `next_at`. None: it was not `at` any more, somebody else fired it. A job that cannot be
        stored (LimitReached) is answered as by `submit`, and the schedule moves on all the same."""

    async def drop_schedule(self, name: str) -> bool: ...


class WebhookStore(Protocol):
    """Who wants to be told. The store itself submits a delivery (a job of `DELIVERY_TASK`) for each webhook that an
    event concerns, in the event's own transaction; so none is forgotten by a crash."""

    async def add_webhook(self, webhook: Webhook, *, at_most: int) -> None:
        """Raises LimitReached when the owner has `at_most` already."""

    async def webhook(self, webhook_id: str) -> Webhook | None: ...

    async def webhooks(self, owner: str) -> list[Webhook]:
        """Oldest first."""

    async def replace_webhook(self, webhook: Webhook) -> bool:
        """All but its id, owner and `created_at`. False: it is gone."""

    async def remove_webhook(self, webhook_id: str) -> bool: ...


class AccessStore(Protocol):
    """For authentication. Nothing here can be turned back into a key."""

    async def add_key(self, key: ApiKey) -> None: ...

    async def find_key(self, digest: str) -> ApiKey | None: ...

    async def keys(self) -> list[ApiKey]: ...

    async def revoke_key(self, key_id: str) -> bool: ...

    async def redeem(self, ticket: str, *, expires_at: float) -> bool:
        """True the first time, False ever after (until `expires_at`, when a signature has ended it)."""

    async def secret(self, name: str) -> bytes:
        """32 random bytes by that name, made at the first call and the same in every process ever after."""


class Store(
    SubmittingStore,
    WorkingStore,
    WatchingStore,
    InsightStore,
    UpkeepStore,
    SchedulingStore,
    WebhookStore,
    AccessStore,
    Protocol,
):
    """All of them, as an engine implements them."""

    async def open(self) -> None:
        """Connect, migrate. Raises StoreError, SchemaTooNew, ConfigurationError. Idempotent."""

    async def close(self) -> None:
        """Finish what is queued, free everything. Idempotent; whoever called `open` calls it."""


class BlobStore(Protocol):
    """Large results, artifacts and uploads: named files of a job. `name` is checked above."""

    async def put(self, job_id: str, name: str, source: Path | bytes, *, media_type: str) -> Artifact:
        """Durable when it returns; replaces a blob of that name at once, never half."""

    async def path(self, job_id: str, name: str) -> Path | None:
        """A local path to read it from; None if there is none. Valid until the job is removed."""

    def read(self, job_id: str, name: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes start … end (exclusive) in chunks of at most 256 KiB. Raises FileNotFoundError."""

    async def delete(self, job_id: str, name: str) -> None:
        """One blob. Idempotent; who reads it already reads on."""

    async def delete_job(self, job_id: str) -> None:
        """All blobs of the job. Idempotent."""
