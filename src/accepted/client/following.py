"""Following one job's events, over every way in which a connection can end.

    stream ──dropped──▶ pause (retry:, backoff, jitter) ──▶ stream again with Last-Event-ID ──▶ … ──▶ 204: over
       └──not possible here (a proxy holds it back, too many streams)──▶ long polling of JSON

Events have numbers; whatever the transport, each is delivered once and in order: nothing twice, nothing left out.
"""

from __future__ import annotations

import random
from typing import Any, Final

import pydantic_core

from accepted.client import requests
from accepted.client.flow import Answer, Broken, Deliver, Flow, Open, Read, Request, Send, Sleep
from accepted.client.policy import Tries
from accepted.client.problems import error_from, read_problem
from accepted.client.protocol import Api
from accepted.client.shapes import REMOVED, SNAPSHOT, RemoteEvent
from accepted.client.sse import EventStream, Message
from accepted.errors import JobGone
from accepted.job import TERMINAL

_BARREN: Final = 2
"""Streams in a row that opened and brought not one line, before streaming counts as not possible here."""
_PAUSE: Final = 1.0
"""Seconds before a reconnect, until the server says otherwise."""
_PAUSE_MAX: Final = 30.0


class Following:
    """`run()` is the flow; it delivers RemoteEvents with `seq` > `after` and ends when the job is over."""

    def __init__(self, api: Api, job_id: str, after: int) -> None:
        self._api = api
        self._job_id = job_id
        self._seq = after
        self._tries = Tries(api.policy, patient=True)
        self._pause = _PAUSE
        self._drops = 0
        """Streams in a row that ended without an event."""
        self._barren = 0
        self._heard = False
        self._over = False
        """The newest event that was delivered ended the job."""
        self._closed = False
        """… and then the stream was closed in order."""
        self._tag = ""
        """ETag of the job at `_seq`, where it was asked for."""

    def run(self) -> Flow[None]:
        """Raises JobNotFound, JobGone, NotAuthenticated …, ServerUnreachable."""
        ended = False
        while not ended:
            streaming = self._barren < _BARREN
            ended = yield from (self._stream() if streaming else self._poll())

    # ── by a stream ──

    def _stream(self) -> Flow[bool]:
        """One connection to its end. True: no event will follow."""
        answer = yield from self._open(requests.stream(self._job_id, self._seq, silence=self._api.policy.silence))
        if answer is None:
            return True
        if answer.status != 200 or answer.media_type != "text/event-stream":
            return (yield from self._no_stream(answer))
        parser, before, clean = EventStream(), self._seq, False
        try:
            while chunk := (yield Read()):
                self._tries.reset()
                for message in parser.feed(chunk):
                    yield from self._take(message)
            clean = True
        except Broken:
            # Dropped: by the network, a proxy's time-out, a server that stops. Go on below.
            clean = False
        ended = self._over and clean
        if ended and self._seq == before:
            return True
        self._closed = ended
        if not ended:
            yield from self._breathe(parser)
        return False

    def _open(self, request: Request) -> Flow[Answer | None]:
        """None: the job is over, as far as anybody can tell.

        A stream that was closed after a terminal event is the end, unless the job was retried since and a server
        that stops cut the stream just there: so it is asked for once more, without a pause and without patience.
        """
        if not self._closed:
            return (yield from self._api.send(Open(request), self._tries))
        try:
            answer: Answer = yield Open(request)
        except Broken:
            return None
        return answer if answer.status < 400 else None

    def _no_stream(self, answer: Answer) -> Flow[bool]:
        if answer.status == 204:
            return True
        if answer.status == 410 and self._heard:
            yield Deliver(RemoteEvent(self._job_id, self._seq, REMOVED, dict(read_problem(answer) or {})))
            return True
        if answer.status in (200, 405, 406, 429, 501):
            # Something that does not stream answered, or this caller has as many streams open as it may.
            self._barren = _BARREN
            return False
        raise error_from(answer, requests.job(self._job_id), self._api.url, job_id=self._job_id)

    def _breathe(self, parser: EventStream) -> Flow[None]:
        if parser.retry_ms is not None:
            self._pause = parser.retry_ms / 1000
        self._barren = 0 if parser.lines else self._barren + 1
        pause = min(self._pause * 2.0**self._drops, max(_PAUSE_MAX, self._pause))
        self._drops = min(self._drops + 1, 10)
        yield Sleep(pause * random.uniform(1.0, 1.25))  # noqa: S311  jitter

    def _take(self, message: Message) -> Flow[None]:
        event = _event(self._job_id, self._seq, message)
        if event is not None:
            yield from self._deliver(event)

    def _deliver(self, event: RemoteEvent) -> Flow[None]:
        if event.seq <= self._seq and event.kind != REMOVED:
            return
        self._drops, self._heard = 0, True
        self._seq, self._over, self._tag = event.seq, event.over, ""
        yield Deliver(event)

    # ── by long polling ──

    def _poll(self) -> Flow[bool]:
        """One page of events, and when there was none a wait for the next. True: no event will follow."""
        before = self._seq
        try:
            answer = yield from self._call(requests.events(self._job_id, before))
            page = answer.json()
            if page["events"] and page["first_seq"] > before + 1:
                yield from self._deliver((yield from self._snapshot()))
                return False
            for data in page["events"]:
                yield from self._deliver(_from_data(data))
            if self._seq == before and not self._over:
                yield from self._wait()
        except JobGone as gone:
            if not self._heard:
                raise
            yield Deliver(RemoteEvent(self._job_id, self._seq, REMOVED, dict(gone.members)))
            return True
        return self._over and not page.get("more")

    def _wait(self) -> Flow[None]:
        policy = self._api.policy
        tag = self._tag or f'W/"{self._seq}"'
        answer = yield from self._call(
            requests.changed_job(self._job_id, tag, policy.long_poll, timeout=policy.timeout)
        )
        if answer.status == 200:
            job = answer.json()
            current = job["seq"] <= self._seq
            self._tag = answer.headers.get("etag", "") if current else ""
            self._over = current and job["status"] in TERMINAL
        if "preference-applied" not in answer.headers:
            yield Sleep(self._pause)

    def _snapshot(self) -> Flow[RemoteEvent]:
        answer = yield from self._call(requests.job(self._job_id))
        job = answer.json()
        return RemoteEvent(self._job_id, job["seq"], SNAPSHOT, job, attempt=job["attempt"])

    def _call(self, request: Request) -> Flow[Answer]:
        answer = yield from self._api.send(Send(request), self._tries)
        if answer.status >= 400:
            raise error_from(answer, request, self._api.url, job_id=self._job_id)
        self._tries.reset()
        return answer


def _event(job_id: str, seq: int, message: Message) -> RemoteEvent | None:
    """None: nothing of this job's log, or nothing that can be read."""
    data = _json_object(message.data)
    if data is None:
        return None
    if message.event == SNAPSHOT:
        return RemoteEvent(job_id, int(data.get("seq", seq)), SNAPSHOT, data, attempt=int(data.get("attempt", 0)))
    if message.event == REMOVED:
        return RemoteEvent(job_id, seq, REMOVED, data)
    return _from_data(data) if "seq" in data else None


def _from_data(data: dict[str, Any]) -> RemoteEvent:
    return RemoteEvent(data["job_id"], data["seq"], data["kind"], data["data"], at=data["at"], attempt=data["attempt"])


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = pydantic_core.from_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
