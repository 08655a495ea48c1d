"""A flow's other side without a network: answers are functions, and time passes in sleeps only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from accepted.client.flow import Answer, Broken, Deliver, Flow, Open, Read, Request, Run, Send, Sleep

T = TypeVar("T")

Part = bytes | Broken
Reply = Answer | Broken | tuple[Answer, list[Part]]
"""An answer; a broken connection; or an answer whose body is still to be read, in parts."""

STREAM = Answer(200, {"content-type": "text/event-stream"})


@dataclass
class Other:
    """Answers what a flow sends. `now` is its clock, in seconds; `sent` what was asked, in order."""

    answer: Callable[[Request], Reply]
    now: float = 0.0
    sent: list[Request] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    delivered: list[Any] = field(default_factory=list)
    _parts: Iterator[Part] = field(default_factory=lambda: iter(()))

    def clock(self) -> float:
        return self.now

    def run(self, flow: Flow[T]) -> T:
        run = Run(flow)
        while run.effect is not None:
            try:
                reply = self._perform(run.effect)
            except Broken as error:
                run.fail(error)
            else:
                run.reply(reply)
        return run.value

    def _perform(self, effect: object) -> object:
        match effect:
            case Send(request) | Open(request):
                return self._answer(request)
            case Read():
                part = next(self._parts, b"")
                if isinstance(part, Broken):
                    raise part
                return part
            case Sleep(seconds):
                self.now += seconds
                self.sleeps.append(seconds)
            case Deliver(value):
                self.delivered.append(value)
        return None

    def _answer(self, request: Request) -> Answer:
        self.sent.append(request)
        reply = self.answer(request)
        if isinstance(reply, Broken):
            raise reply
        if isinstance(reply, Answer):
            return reply
        answer, parts = reply
        self._parts = iter(parts)
        return answer


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """These, one after the other."""
    left = iter(replies)
    return lambda request: next(left)


def dropped(*, unsent: bool = False) -> Broken:
    return Broken("connection reset", unsent=unsent)


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {"content-type": "application/json", **names}, json.dumps(value).encode())


def as_problem(slug: str, status: int, **members: Any) -> Answer:
    headers = {"content-type": "application/problem+json"}
    if "retry_after" in members:
        headers["retry-after"] = str(members.pop("retry_after"))
    body = {"type": f"https://example.org/problems/#{slug}", "title": slug, "status": status, **members}
    return Answer(status, headers, json.dumps(body).encode())


def event(seq: int, kind: str = "log", **data: Any) -> dict[str, Any]:
    return {"job_id": "j", "seq": seq, "at": "2026-01-01T00:00:00.000+00:00", "attempt": 1, "kind": kind, "data": data}


def frame(seq: int, kind: str = "log", **data: Any) -> bytes:
    """An event as a stream carries it."""
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(event(seq, kind, **data))}\n\n".encode()
