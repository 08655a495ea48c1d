"""`GET /v1/schedules`: what runs by the clock, and when it ran last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from accepted.http.resource import Call, json_answer
from accepted.job import JSON, iso
from accepted.stores.base import ScheduleRecord

if TYPE_CHECKING:
    from accepted.jobs import Jobs


class SchedulesApi:
    """One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def list(self, call: Call) -> Response:
        """The caller's own, by name; an administrator sees everybody's. Also those that no process has in its code
        any more: the store keeps them until they are dropped."""
        identity = await self._jobs.access.identify(call)
        self._jobs.access.full(identity)
        found = await self._jobs.store.schedules()
        mine = [schedule_members(one) for one in found if identity.admin or one.owner == identity.owner]
        return json_answer({"schedules": mine})


def schedule_members(record: ScheduleRecord) -> dict[str, JSON]:
    """The JSON of a schedule. `every_seconds`, or `cron` and `timezone`."""
    said = json.loads(record.spec)
    return {
        "name": record.name,
        "task": said["task"],
        "owner": record.owner,
        "cron": said.get("cron"),
        "timezone": said.get("timezone"),
        "every_seconds": said.get("every"),
        "next_at": iso(record.next_at),
        "last_at": iso(record.last_at),
        "last_job": record.last_job,
    }
