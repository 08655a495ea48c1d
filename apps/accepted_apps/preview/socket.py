"""The WebSocket of the preview: channels of tasks and of jobs on one connection.

`scraper:{task_id}` speaks the preview's own messages; `job:{id}` and `jobs:all` those of the job API (docs/http.md,
"WebSocket"). Whoever subscribes late gets what it missed first: everything comes from the job's stored events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.websockets import WebSocket

from accepted import AcceptedError, Event, JobGone, JobNotFound, Jobs, Kind, Status
from accepted.errors import BadRequest
from accepted.http.live import Live
from accepted.http.websocket import JobSocket
from accepted.hub import Events, Gap, Joined, Removed, Trimmed, Update

from .bodies import report_of
from .task import TASK

_ALL = "jobs:all"


class ScraperSocket(JobSocket):
    """One connection. Cursors are per channel: a job may be followed in both languages."""

    query_tokens: ClassVar[bool] = True

    def __init__(self, websocket: WebSocket, live: Live, jobs: Jobs) -> None:
        super().__init__(websocket, live)
        self._jobs = jobs
        self._scraper: dict[str, int] = {}
        """The last `seq` sent on each `scraper:` channel."""
        self._plain: dict[str, int] = {}
        """The same for `job:` channels, and for the jobs of `jobs:all`."""
        self._joined: set[str] = set()
        """Jobs that are here because of `jobs:all` alone; each leaves when it is over."""

    # ── what clients say ──

    async def received(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "subscribe":
                await self._subscribe(message)
            case "unsubscribe":
                await self._unsubscribe(message)
            case "ping":
                await self.reply(message, {"type": "pong"})
            case _:
                raise BadRequest('Expected {"type": "subscribe" | "unsubscribe" | "ping"}.')

    async def problem(self, message: Mapping[str, Any], error: AcceptedError) -> None:
        about = {"channel": message["channel"]} if isinstance(message.get("channel"), str) else {}
        await self.reply(message, {"type": "error", **about, "message": str(error), "code": error.slug})

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        name = _channel(message)
        if name == _ALL:
            self.live.access.full(self.identity)
            await self.reply(message, {"type": "subscribed", "channel": name})
            await self.follow_all()
            return
        cursors, job_id = self._cursors(name)
        record = await self.job(job_id, "read")
        if cursors is self._scraper and record.task != TASK:
            raise JobNotFound(job_id)
        self.room(job_id)
        await self.reply(message, {"type": "subscribed", "channel": name})
        cursors[job_id] = 0
        if cursors is self._plain:
            self._joined.discard(job_id)
        self.subscription.follow(job_id, 0)

    async def _unsubscribe(self, message: Mapping[str, Any]) -> None:
        name = _channel(message)
        if name == _ALL:
            self.subscription.unfollow_owner()
            for job_id in list(self._joined):
                self._leave(job_id)
        else:
            cursors, job_id = self._cursors(name)
            cursors.pop(job_id, None)
            if job_id not in self._scraper and job_id not in self._plain:
                self.subscription.unfollow(job_id)
        await self.reply(message, {"type": "unsubscribed", "channel": name})

    def _cursors(self, name: str) -> tuple[dict[str, int], str]:
        """The cursors of the channel's language, and its job."""
        kind, _, job_id = name.partition(":")
        if kind not in ("scraper", "job") or not job_id:
            raise BadRequest("channel: expected scraper:{task_id}, job:{id} or jobs:all.")
        return (self._scraper if kind == "scraper" else self._plain), job_id

    # ── what they are told ──

    async def deliver(self, update: Update) -> None:
        match update:
            case Events():
                for one in update.messages:
                    await self._tell(update.job_id, one.event, one.text)
                if update.over:
                    self._leave(update.job_id)
            case Joined(record, after):
                self._plain[record.id] = after
                self._joined.add(record.id)
                await self.reply({}, {"type": "snapshot"}, job=await self.live.body(record))
            case Gap(job_id) if job_id in self._scraper:
                # A preview says little, so whoever was slow is told all of it, at its own pace, from the store.
                self.subscription.unfollow(job_id)
                self.subscription.follow(job_id, self._scraper[job_id])
            case Gap(job_id) | Trimmed(job_id) if job_id in self._plain:
                await super().deliver(update)
            case Removed(job_id):
                self._scraper.pop(job_id, None)
                self._plain.pop(job_id, None)
                await super().deliver(update)

    def _leave(self, job_id: str) -> None:
        if job_id in self._joined:
            self._joined.discard(job_id)
            self._plain.pop(job_id, None)

    async def _tell(self, job_id: str, event: Event, text: str) -> None:
        if event.seq > self._plain.get(job_id, event.seq):
            self._plain[job_id] = event.seq
            await self.send(text)
        if event.seq > self._scraper.get(job_id, event.seq):
            self._scraper[job_id] = event.seq
            await self._translate(event)

    async def _translate(self, event: Event) -> None:
        """An event of a preview in the words of its front ends."""
        match event.kind:
            case Kind.LOG:
                await self._progress(event)
            case Kind.COMPLETED:
                await self._complete(event.job_id)
            case Kind.FAILED:
                detail = json.loads(event.data)["error"].get("detail")
                await self._error(event.job_id, "failed", detail or "The preview failed.")
            case Kind.CANCELLED:
                await self._error(event.job_id, "cancelled", "The preview was cancelled.")

    async def _progress(self, event: Event) -> None:
        report = report_of(event.data)
        if report is not None:
            message = json.loads(event.data)["message"]
            await self._send({"type": "scraper:progress", "task_id": event.job_id, "message": message, **report})

    async def _complete(self, job_id: str) -> None:
        try:
            record = await self._jobs.get_record(job_id)
        except (JobNotFound, JobGone):
            return  # Removed comes next
        if record.status is Status.COMPLETED:
            head = json.dumps({"type": "scraper:complete", "task_id": job_id, "status": "completed"})
            page = await self._jobs.read_result(record)
            await self.send(f'{head[:-1]}, "data": {page.decode()}}}')

    async def _error(self, job_id: str, status: str, error: str) -> None:
        await self._send({"type": "scraper:error", "task_id": job_id, "status": status, "error": error})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.send(json.dumps(message))


def _channel(message: Mapping[str, Any]) -> str:
    name = message.get("channel")
    if not isinstance(name, str):
        raise BadRequest("channel: expected a text, such as scraper:{task_id}.")
    return name
