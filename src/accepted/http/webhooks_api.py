"""The handlers of webhooks and of their deliveries (docs/webhooks.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json
from starlette.responses import Response

from accepted.errors import (
    ConfigurationError,
    InvalidInput,
    JobGone,
    JobNotFound,
    LimitReached,
    WebhookDisabled,
    WebhookNotFound,
    WebhooksFull,
)
from accepted.http.links import Links
from accepted.http.negotiation import parse_number
from accepted.http.reading import read_object
from accepted.http.resource import Call, json_answer
from accepted.job import JSON, Event, JobRecord, Kind, Status, iso, new_id
from accepted.stores.base import JobQuery, Webhook, delivery_owner
from accepted.webhooks.delivery import TRY, can_deliver, told
from accepted.webhooks.signing import new_secret, rotated
from accepted.webhooks.targets import check_url
from accepted.webhooks.words import KINDS, USUAL, type_of, types_of

if TYPE_CHECKING:
    from accepted.jobs import Jobs

BODY_MAX: Final = 64 * 1024
TASKS_MAX: Final = 100
DESCRIPTION_MAX: Final = 500
"""Characters."""
OVERLAP: Final = 86_400.0
OVERLAP_MAX: Final = 30 * 86_400.0
LOG_MAX: Final = 1000
"""Most entries that are read of one delivery's log; ten times as many as a day of tries makes."""


class WebhooksApi:
    """One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    # ── webhooks ──

    async def create(self, call: Call) -> Response:
        """201: the webhook and its secret."""
        access, settings = self._jobs.access, self._jobs.settings
        identity = await access.identify(call)
        access.full(identity)
        given = await self._read(call, "url", "events", "tasks", "description")
        if "url" not in given:
            raise InvalidInput([{"detail": "say where to send to", "pointer": "#/url"}])
        if settings.worker and not can_deliver():
            raise ConfigurationError("webhooks are sent with an HTTP client: install accepted[webhooks]")
        usual = {"kinds": frozenset(KINDS[name] for name in USUAL), "tasks": frozenset(), "description": ""}
        made = Webhook(
            id=new_id(), owner=identity.owner, secrets=(new_secret(),), created_at=time.time(), **{**usual, **given}
        )
        try:
            await self._jobs.store.add_webhook(made, at_most=settings.webhooks_max)
        except LimitReached as full:
            raise WebhooksFull(full.at_most) from None
        body = {**_webhook(made, call.links), "secret": made.secrets[0]}
        return json_answer(body, 201, Location=call.links.webhook(made.id))

    async def list(self, call: Call) -> Response:
        """The caller's, oldest first."""
        identity = await self._jobs.access.identify(call)
        self._jobs.access.full(identity)
        found = await self._jobs.store.webhooks(identity.owner)
        return json_answer({"webhooks": [_webhook(one, call.links) for one in found]})

    async def get(self, call: Call) -> Response:
        return json_answer(_webhook(await self._find(call), call.links))

    async def change(self, call: Call) -> Response:
        """200: the webhook as it is now."""
        webhook = await self._find(call)
        given = await self._read(call, "url", "events", "tasks", "description", "disabled")
        if given.get("disabled_at") is not None and webhook.disabled_at is not None:
            given = {name: value for name, value in given.items() if not name.startswith("disabled")}
        changed = await self._replaced(webhook.id, given)
        return json_answer(_webhook(changed, call.links))

    async def delete(self, call: Call) -> Response:
        """204; deliveries that wait are not sent."""
        webhook = await self._find(call)
        if not await self._jobs.store.remove_webhook(webhook.id):
            raise WebhookNotFound(webhook.id)
        return Response(None, 204, {"Cache-Control": "no-store"})

    async def rotate(self, call: Call) -> Response:
        """200: the webhook and its new secret."""
        webhook = await self._find(call)
        given = await self._read(call, "overlap")
        secrets = rotated(webhook.secrets, now=time.time(), overlap=given.get("overlap", OVERLAP))
        changed = await self._replaced(webhook.id, {"secrets": secrets})
        return json_answer({**_webhook(changed, call.links), "secret": secrets[0]})

    async def _replaced(self, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
        # Read again: a delivery may have disabled it while the request's body came.
        webhook = await self._jobs.store.webhook(webhook_id)
        changed = replace(webhook, **changes) if webhook is not None else None
        if changed is None or not await self._jobs.store.replace_webhook(changed):
            raise WebhookNotFound(webhook_id)
        return changed

    # ── deliveries ──

    async def test(self, call: Call) -> Response:
        """202: a delivery of `webhook.test`. Raises WebhookDisabled."""
        webhook = await self._find(call)
        _check_enabled(webhook)
        return json_answer(_delivery(await self._jobs.deliveries.send_test(webhook), ()), 202)

    async def deliveries(self, call: Call) -> Response:
        """A page of the log, newest first."""
        webhook, most = await self._find(call), self._jobs.settings.page_max
        limit = parse_number("limit", call.query_params.get("limit"), min(50, most), at_least=1, at_most=most)
        cursor = call.query_params.get("cursor") or None
        page = await self._jobs.store.list(JobQuery(owner=delivery_owner(webhook.id), cursor=cursor, limit=limit))
        logs = await self._jobs.store.events_after({job.id: 0 for job in page.jobs}, limit=LOG_MAX)
        shown = [_delivery(job, log.events if (log := logs.get(job.id)) else ()) for job in page.jobs]
        return json_answer({"deliveries": shown, "cursor": page.cursor})

    async def resend(self, call: Call) -> Response:
        """202: the delivery, waiting to be sent once more. Raises WebhookDisabled; WrongState while it is not over."""
        webhook, delivery_id = await self._find(call), call.path_params["delivery_id"]
        _check_enabled(webhook)
        unknown = WebhookNotFound(webhook.id, delivery=delivery_id)
        try:
            if (await self._jobs.store.get(delivery_id)).owner != delivery_owner(webhook.id):
                raise unknown
            again = await self._jobs.store.retry(delivery_id)
            log = await self._jobs.store.events(delivery_id, limit=LOG_MAX)
        except (JobNotFound, JobGone):
            raise unknown from None
        return json_answer(_delivery(again, log.events), 202)

    # ── shared ──

    async def _find(self, call: Call) -> Webhook:
        """The webhook of the path. Raises WebhookNotFound, after the same time and with the same words whether it is
        unknown or another's."""
        access, webhook_id = self._jobs.access, call.path_params["webhook_id"]
        identity = await access.identify(call)
        access.full(identity)
        began = asyncio.get_running_loop().time()
        webhook = await self._jobs.store.webhook(webhook_id)
        if webhook is None or not (identity.admin or webhook.owner == identity.owner):
            await access.denied(began)
            raise WebhookNotFound(webhook_id)
        return webhook

    async def _read(self, call: Call, *names: str) -> dict[str, Any]:
        """What the body says, as fields of `Webhook` (and `overlap`). Raises InvalidInput naming each misfit."""
        found: dict[str, Any] = {}
        misfits: list[dict[str, str]] = []
        for name, value in (await read_object(call, BODY_MAX, *names)).items():
            try:
                found |= await self._field(name, value)
            except ValueError as error:
                misfits.append({"detail": str(error), "pointer": f"#/{name}"})
        if misfits:
            raise InvalidInput(misfits)
        return found

    async def _field(self, name: str, value: Any) -> dict[str, Any]:
        """Raises ValueError with a sentence for the one who sent it."""
        match name, value:
            case "url", str():
                await check_url(value, self._jobs.settings.webhook_allow)
                return {"url": value}
            case "events", [_, *_]:
                return {"kinds": frozenset(KINDS[one] for one in _names(name, value, KINDS))}
            case "tasks", [*_] if len(value) <= TASKS_MAX:
                return {"tasks": frozenset(_names(name, value, self._jobs.tasks))}
            case "description", str() if len(value) <= DESCRIPTION_MAX:
                return {"description": value}
            case "disabled", bool():
                at = time.time() if value else None
                return {"disabled_at": at, "disabled_reason": "asked for" if value else None}
            case "overlap", int() | float() if value is not True and value is not False and 0 <= value <= OVERLAP_MAX:
                return {"overlap": float(value)}
        raise ValueError(_EXPECTED[name])


_EXPECTED: Final = {
    "url": "expected a URL such as https://example.org/hook",
    "events": f"expected a list of one or more of {', '.join(KINDS)}",
    "tasks": f"expected a list of at most {TASKS_MAX} names of tasks; empty for all",
    "description": f"expected a text of at most {DESCRIPTION_MAX} characters",
    "disabled": "expected true or false",
    "overlap": f"expected a number of seconds from 0 to {OVERLAP_MAX:.0f}",
}


def _names(member: str, values: list[Any], known: Collection[str]) -> list[str]:
    """Raises ValueError for the first that is not known."""
    for one in values:
        if not isinstance(one, str) or one not in known:
            raise ValueError(f"{repr(one)[:100]} is unknown; {_EXPECTED[member]}")
    return values


def _check_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        raise WebhookDisabled(webhook.disabled_reason or "asked for")


def _webhook(webhook: Webhook, links: Links) -> dict[str, JSON]:
    """Without its secrets, whoever asks."""
    own = links.webhook(webhook.id)
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": types_of(webhook.kinds),
        "tasks": sorted(webhook.tasks),
        "description": webhook.description,
        "created_at": iso(webhook.created_at),
        "disabled_at": iso(webhook.disabled_at),
        "disabled_reason": webhook.disabled_reason,
        "links": {
            "self": own,
            "deliveries": f"{own}/deliveries",
            "rotate": f"{own}/rotate",
            "test": f"{own}/test",
        },
    }


def _delivery(job: JobRecord, log: Collection[Event]) -> dict[str, JSON]:
    about = told(job.args)
    entries = (from_json(event.data) for event in log if event.kind is Kind.LOG)
    return {
        "id": job.id,
        "type": type_of(about["kind"]),
        "job_id": about["job"],
        "seq": about["seq"],
        "status": job.status.value,
        "created_at": iso(job.submitted_at),
        "finished_at": iso(job.finished_at),
        "next_at": iso(job.scheduled_at) if job.status is Status.PENDING else None,
        "error": job.cancel_reason if job.error is None else job.error.get("detail"),
        "attempts": [
            {name: entry[name] for name in ("at", "status", "ms", "error", "answer")}
            for entry in entries
            if entry["message"] == TRY
        ],
    }
