"""The task `accepted.webhook`: one event told to one webhook.

deliver ──▶ body (a step, made once) ──▶ send ──▶ 2xx ......................... the delivery completes
                                               ├─ 410 ......................... the webhook is disabled
                                               ├─ an address that never can be  the delivery fails
                                               ├─ progress .................... it fails: the next one says more
                                               └─ anything else ............... again later, ten times in a day

Each try is an entry in the delivery's log, which is what `GET …/deliveries` shows.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final, Protocol

from pydantic_core import from_json, to_json

from accepted.context import Job
from accepted.errors import Fail, JobGone, JobNotFound, Retry, WebhookDisabled
from accepted.guard import AddressPolicy
from accepted.job import JSON, JobRecord, Kind, NewJob, Status, iso, new_id
from accepted.settings import Settings
from accepted.stores.base import (
    DELIVERY_QUEUE,
    DELIVERY_TASK,
    JobQuery,
    SubmittingStore,
    WatchingStore,
    Webhook,
    WebhookStore,
    delivery_owner,
)
from accepted.task import Policy, Task
from accepted.webhooks.sending import Sender, Try
from accepted.webhooks.signing import signed_headers
from accepted.webhooks.targets import refused_for_ever
from accepted.webhooks.words import TEST, type_of

Describe = Callable[[JobRecord], Awaitable[bytes]]
"""The body of `GET /v1/jobs/{id}`."""

PAUSES: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 28800.0)
"""Seconds before each further try; a day in all."""
RETRIES: Final = len(PAUSES)
PAUSE_MAX: Final = 86_400.0
"""Longest pause that a receiver may ask for."""
_SPREAD: Final = 0.2
_SLOW_DOWN: Final = frozenset({429, 502, 504})
_GONE: Final = 410
RESULT_MAX: Final = 64 * 1024
"""A larger result is not sent; the job's links lead to it."""
UNREACHED: Final = 3 * 86_400.0
"""A webhook that nothing has reached for so many seconds is disabled."""
TRY: Final = "try"
"""The message of the entry that each try leaves in the delivery's log."""
_PAGE: Final = 200
_LOOK_PAUSE: Final = 600.0
"""Seconds between long looks through one webhook's log."""


class DeliveringStore(SubmittingStore, WatchingStore, WebhookStore, Protocol):
    """What deliveries need of a store."""


def can_deliver() -> bool:
    """Whether this installation has an HTTP client (`accepted[webhooks]`)."""
    return find_spec("httpx") is not None


class Deliveries:
    """What the task `accepted.webhook` runs on; one for each `Jobs`, which closes it.

    `pauses`: seconds before each further try. `unreached`: seconds without a success after which a webhook is disabled.
    """

    def __init__(
        self,
        store: DeliveringStore,
        settings: Settings,
        describe: Describe,
        *,
        policy: AddressPolicy | None = None,
        pauses: Sequence[float] = PAUSES,
        unreached: float = UNREACHED,
    ) -> None:
        self._store, self._settings, self._describe = store, settings, describe
        self.pauses, self.unreached = pauses, unreached
        self.sender = Sender(
            policy or AddressPolicy(settings.webhook_allow),
            timeout=settings.webhook_timeout,
            at_once=settings.webhook_concurrency,
        )
        self._looked: dict[str, float] = {}
        self.tasks: dict[str, Task[..., Any]] = {}
        """What a worker has to know beside the tasks of the application."""
        if can_deliver():
            policy_of_jobs = Policy(retries=RETRIES, retention=settings.webhook_retention)
            self.tasks[DELIVERY_TASK] = Task(self.deliver, name=DELIVERY_TASK, policy=policy_of_jobs, submitter=None)

    async def close(self) -> None:
        """After the worker has stopped. Idempotent."""
        await self.sender.close()

    # ── the task ──

    async def deliver(self, webhook: str, job: str | None, kind: str, seq: int | None, *, run: Job) -> str:
        """The parameters are those that `DELIVERY_TASK` documents; a test has no job. Returns what the log says."""
        target = await self._target(webhook)
        body: str = await run.step("body", self._body, run.id, webhook, job, kind, seq)
        if kind == Kind.PROGRESS and await self._is_over(job):
            return "not sent: the job is over"
        raw, now = body.encode(), time.time()
        headers = signed_headers(target.secrets, message_id=run.id, now=now, body=raw)
        made = await self.sender.post(target.url, headers, raw)
        run.log(TRY, "info" if made.error is None else "warning", **_entry(made, now))
        if made.error is None:
            return f"{made.status} in {made.milliseconds} ms"
        raise await self._failure(target, kind, made, made.error, run)

    async def _target(self, webhook_id: str) -> Webhook:
        """Raises Fail when there is nobody to be told any more."""
        webhook = await self._store.webhook(webhook_id)
        if webhook is None:
            raise Fail("Not sent: the webhook was removed.", code="webhook-not-found")
        if webhook.disabled_at is not None:
            raise Fail(
                f"Not sent: the webhook is disabled ({webhook.disabled_reason}); enable it, then send this again.",
                code=WebhookDisabled.slug,
            )
        return webhook

    async def _is_over(self, job_id: str | None) -> bool:
        job = await self._found(job_id)
        return job is None or job.over

    async def _found(self, job_id: str | None) -> JobRecord | None:
        try:
            return await self._store.get(job_id) if job_id is not None else None
        except (JobNotFound, JobGone):
            return None

    async def _body(self, delivery: str, webhook: str, job_id: str | None, kind: str, seq: int | None) -> str:
        # The store made the delivery in the event's own transaction, so it has the event's time.
        at = (await self._store.get(delivery)).submitted_at
        data = await self._data(job_id, seq) if kind != TEST else to_json({"webhook_id": webhook})
        head = to_json({"type": type_of(kind), "timestamp": iso(at)})
        return (head[:-1] + b',"data":' + data + b"}").decode()

    async def _data(self, job_id: str | None, seq: int | None) -> bytes:
        job = await self._found(job_id)
        described = b"null" if job is None else await self._describe(job)
        head = to_json({"job_id": job_id, "seq": seq})
        # As they are: what is read and written again may differ in its last digit.
        return head[:-1] + b',"job":' + described + b',"result":' + _result(job) + b"}"

    # ── when it did not arrive ──

    async def _failure(self, webhook: Webhook, kind: str, made: Try, error: str, run: Job) -> Fail | Retry:
        sentence = f"{error[:1].upper()}{error[1:]}."
        if made.status == _GONE:
            await self._disable(webhook.id, "the receiver answered 410 Gone")
            return Fail(f"{sentence} The webhook is disabled.", code=WebhookDisabled.slug)
        if kind == Kind.PROGRESS:
            return Fail(f"{sentence} Progress is not sent again: the next one says more.")
        if made.refused and await refused_for_ever(webhook.url, self._settings.webhook_allow):
            return Fail(sentence)
        record = await self._store.get(run.id)
        if record.failures < record.max_retries:
            return Retry(sentence, after=self._pause(record.failures, made))
        if await self._is_unreached(webhook.id):
            await self._disable(webhook.id, f"nothing has reached it for {self.unreached / 86_400:g} days")
        return Fail(sentence)

    def _pause(self, failures: int, made: Try) -> float:
        """Seconds before the next try: never sooner than the receiver asks for."""
        pause = self.pauses[min(failures, len(self.pauses) - 1)]
        if made.status in _SLOW_DOWN:
            pause *= 2
        spread = pause * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311  jitter, not a secret
        return min(max(spread, made.retry_after or 0.0), PAUSE_MAX)

    async def _disable(self, webhook_id: str, reason: str) -> None:
        # Read again: its secrets may have been replaced while the receiver thought.
        webhook = await self._store.webhook(webhook_id)
        if webhook is not None and webhook.disabled_at is None:
            await self._store.replace_webhook(replace(webhook, disabled_at=time.time(), disabled_reason=reason))

    async def _is_unreached(self, webhook_id: str) -> bool:
        """Whether the log, newest first, has failures only, back to one from before `unreached` seconds. A long look
        is taken now and then only, so that a thousand deliveries which fail together do not read the log a thousand
        times."""
        since, cursor, began = time.time() - self.unreached, None, asyncio.get_running_loop().time()
        while True:
            query = JobQuery(owner=delivery_owner(webhook_id), cursor=cursor, limit=_PAGE)
            page = await self._store.list(query)
            for one in page.jobs:
                if one.status is Status.COMPLETED:
                    return False
                if one.status is Status.FAILED and one.submitted_at <= since:
                    return True
            if page.cursor is None or self._looked.get(webhook_id, 0.0) > began - _LOOK_PAUSE:
                return False
            if cursor is not None:
                self._looked[webhook_id] = began
            cursor = page.cursor

    # ── asked for by hand ──

    async def send_test(self, webhook: Webhook) -> JobRecord:
        """A delivery of `webhook.test`. Raises StoreError."""
        arguments = {"webhook": webhook.id, "job": None, "kind": TEST, "seq": None}
        (made,) = await self._store.submit(
            [
                NewJob(
                    id=new_id(),
                    task=DELIVERY_TASK,
                    args=to_json(arguments),
                    owner=delivery_owner(webhook.id),
                    queue=DELIVERY_QUEUE,
                    max_retries=RETRIES,
                    retention=self._settings.webhook_retention,
                )
            ]
        )
        if isinstance(made, Exception):
            raise made
        return made.job


def _result(job: JobRecord | None) -> bytes:
    if job is None or job.status is not Status.COMPLETED or job.result is None or len(job.result) > RESULT_MAX:
        return b"null"
    return job.result


def _entry(made: Try, at: float) -> dict[str, JSON]:
    """One try, as the delivery's log keeps it."""
    return {
        "at": iso(at),
        "status": made.status,
        "ms": made.milliseconds,
        "error": made.error,
        "answer": made.answer,
    }


def told(arguments: bytes) -> dict[str, JSON]:
    """The arguments of a delivery. They are read here alone, and written by the stores and `send_test`."""
    found: dict[str, JSON] = from_json(arguments)
    return found
