"""Following a job over every way in which a connection can end: nothing twice, nothing left out."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from client.scripted import STREAM, Other, Part, Reply, as_json, as_problem, dropped, event, frame, in_turn

from accepted import errors
from accepted.client import Policy, ServerUnreachable
from accepted.client.flow import Answer, Request
from accepted.client.following import Following
from accepted.client.protocol import Api

OVER = Answer(204, {})
GONE = as_problem("job-gone", 410, detail="gone", expired_at="2026-01-01T00:00:00+00:00", reason="deleted")
RETRY = b"retry: 2000\n\n"


def follow(*replies: Reply, after: int = 0, **policy: Any) -> Other:
    other = Other(in_turn(*replies))
    other.run(Following(Api("http://there", Policy(clock=other.clock, **policy)), "j", after).run())
    return other


def seen(other: Other) -> list[tuple[int, str]]:
    return [(one.seq, one.kind) for one in other.delivered]


def cursors(other: Other) -> list[str | None]:
    return [request.headers.get("Last-Event-ID") for request in other.sent]


def stream(*parts: Part) -> Reply:
    return STREAM, [RETRY, *parts]


# ── streams ──


def test_to_the_end_in_one_stream() -> None:
    other = follow(stream(frame(1, "pending"), b": still here\n\n", frame(2) + frame(3, "completed")), OVER)
    assert seen(other) == [(1, "pending"), (2, "log"), (3, "completed")]
    assert cursors(other) == [None, "3"]
    assert other.sleeps == []


def test_a_dropped_stream_goes_on_after_the_servers_pause() -> None:
    other = follow(
        stream(frame(1), frame(2)[:20], dropped()),
        dropped(unsent=True),
        stream(frame(2), frame(3, "failed")),
        OVER,
    )
    assert seen(other) == [(1, "log"), (2, "log"), (3, "failed")]
    assert cursors(other) == [None, "1", "1", "3"]
    assert 2.0 <= other.sleeps[0] <= 2.5
    assert other.sleeps[1] <= 0.25


def test_what_was_seen_is_not_delivered_again() -> None:
    other = follow(
        stream(frame(4), frame(5), dropped()), stream(frame(4), frame(5), frame(6, "cancelled")), OVER, after=4
    )
    assert seen(other) == [(5, "log"), (6, "cancelled")]


def test_over_before_it_began() -> None:
    assert follow(OVER, after=7).delivered == []


def test_streams_that_bring_nothing_new_are_opened_less_and_less_often() -> None:
    other = follow(*[stream(b": hello\n\n")] * 5, OVER)
    assert [round(pause) for pause in other.sleeps[:1]] in ([2], [3])
    assert all(later > earlier * 1.5 for earlier, later in zip(other.sleeps[:3], other.sleeps[1:4], strict=True))
    assert other.sleeps[4] <= 37.5


def test_a_job_that_was_retried_since_has_more_than_one_end() -> None:
    other = follow(
        stream(frame(1, "pending"), frame(2, "failed")),
        stream(frame(3, "pending"), frame(4, "completed")),
        OVER,
    )
    assert [seq for seq, _ in seen(other)] == [1, 2, 3, 4]


def test_a_server_that_never_says_204() -> None:
    other = follow(stream(frame(1, "completed")), stream(frame(1, "completed")))
    assert seen(other) == [(1, "completed")]


def test_a_server_that_went_away_after_the_last_event_is_not_waited_for() -> None:
    other = follow(stream(frame(1, "completed")), dropped(unsent=True))
    assert other.sleeps == []


def test_a_snapshot_stands_for_what_is_not_kept() -> None:
    job = {"id": "j", "seq": 50, "status": "running", "attempt": 2}
    shot = f"id: 50\nevent: snapshot\ndata: {json.dumps(job)}\n\n".encode()
    other = follow(stream(shot, frame(51, "completed")), OVER, after=3)
    assert seen(other) == [(50, "snapshot"), (51, "completed")]
    assert other.delivered[0].data == job


def test_a_snapshot_of_a_job_that_is_over_is_the_end() -> None:
    job = {"id": "j", "seq": 50, "status": "failed", "attempt": 2}
    shot = f"id: 50\nevent: snapshot\ndata: {json.dumps(job)}\n\n".encode()
    assert [one.over for one in follow(stream(shot), OVER).delivered] == [True]


def test_a_job_that_is_removed_while_it_is_watched() -> None:
    removed = b'event: removed\ndata: {"job_id": "j"}\n\n'
    assert seen(follow(stream(frame(1), removed), GONE)) == [(1, "log"), (1, "removed")]


def test_a_job_that_was_removed_while_nobody_was_connected() -> None:
    assert seen(follow(stream(frame(1), dropped()), GONE)) == [(1, "log"), (1, "removed")]


def test_events_of_an_unknown_kind_are_delivered_and_noise_is_not() -> None:
    noise = b"event: log\ndata: no json\n\nevent: log\ndata: [1]\n\nevent: hello\ndata: {}\n\n"
    other = follow(stream(noise, frame(1, "tomorrow"), frame(2, "completed")), OVER)
    assert seen(other) == [(1, "tomorrow"), (2, "completed")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (GONE, errors.JobGone),
        (as_problem("job-not-found", 404), errors.JobNotFound),
        (as_problem("not-authenticated", 401), errors.NotAuthenticated),
    ],
)
def test_errors_at_the_start(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        follow(answer)


def test_a_server_that_is_silent_for_longer_than_patience() -> None:
    other = Other(lambda request: dropped(unsent=True))
    with pytest.raises(ServerUnreachable):
        other.run(Following(Api("http://there", Policy(clock=other.clock, patience=60)), "j", 0).run())
    assert 60 < other.now < 80


# ── where streams are not possible ──

RUNNING = {"id": "j", "seq": 2, "status": "running", "attempt": 1}


def page(*events: dict[str, Any], first_seq: int = 1, more: bool = False) -> Answer:
    return as_json({"events": events, "first_seq": first_seq, "last_seq": 0, "more": more})


@pytest.mark.parametrize(
    "refusal",
    [
        (as_problem("limit-reached", 429, limit="streams", used=1, at_most=1),),
        (as_json({"events": [], "first_seq": 1}),),
        (Answer(406, {}),),
        # A proxy that holds everything back until it gives up.
        ((STREAM, [dropped()]), (STREAM, [])),
    ],
)
def test_long_polling_instead(refusal: tuple[Reply, ...]) -> None:
    other = follow(
        *refusal,
        page(event(1), event(2)),
        page(),
        as_json(RUNNING, preference_applied="wait=25", etag='W/"2"'),
        page(),
        Answer(304, {"preference-applied": "wait=25", "etag": 'W/"2"'}),
        page(event(3), more=True),
        page(event(4, "completed")),
    )
    assert [seq for seq, _ in seen(other)] == [1, 2, 3, 4]
    asked = [request for request in other.sent if request.query]
    assert [request.query["after"] for request in asked] == ["0", "2", "2", "2", "3"]


def test_a_poll_that_comes_too_late_for_old_events_gets_a_snapshot() -> None:
    other = follow(
        Answer(406, {}),
        page(event(40), event(41), first_seq=40),
        as_json({**RUNNING, "seq": 41}),
        page(event(42, "completed")),
    )
    assert seen(other) == [(41, "snapshot"), (42, "completed")]


def test_a_poll_of_a_job_that_is_over() -> None:
    done = {**RUNNING, "status": "completed"}
    other = follow(Answer(406, {}), page(), as_json(done, preference_applied="wait=25"), after=2)
    assert other.delivered == []


def test_a_job_removed_between_two_polls() -> None:
    assert seen(follow(Answer(406, {}), page(event(1)), GONE)) == [(1, "log"), (1, "removed")]


def test_a_poll_of_a_server_that_holds_nothing_does_not_spin() -> None:
    other = follow(Answer(406, {}), page(), as_json(RUNNING), page(event(3, "completed")), after=2)
    assert other.sleeps == [1.0]


# ── anything can happen ──


@dataclass
class Server:
    """Keeps a log that grows, and is as unreliable as `chance` says."""

    chance: random.Random
    length: int
    written: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self._write()
        if self.chance.random() < 0.2:
            troubles: list[Reply] = [dropped(), dropped(unsent=True), Answer(502, {"content-type": "text/html"})]
            return self.chance.choice(troubles)
        if request.path.endswith("/events"):
            return self._page(request) if request.query else self._stream(int(request.headers.get("Last-Event-ID", 0)))
        status = "completed" if self.log and self.log[-1]["kind"] == "completed" else "running"
        return as_json({**RUNNING, "seq": len(self.log), "status": status}, preference_applied="wait=25")

    def _write(self) -> None:
        for _ in range(self.chance.randrange(5)):
            if len(self.log) < self.length:
                last = len(self.log) + 1 == self.length
                self.log.append(event(len(self.log) + 1, "completed" if last else "log", text="ü" * 3))

    def _page(self, request: Request) -> Reply:
        after = int(request.query["after"])
        found = self.log[after : after + 3]
        return page(*found, more=len(self.log) > after + 3)

    def _stream(self, after: int) -> Reply:
        if self.chance.random() < 0.1:
            return STREAM, []
        if len(self.log) == self.length == after:
            return OVER
        start = max(0, after - self.chance.randrange(3))
        raw = RETRY + b"".join(frame(one["seq"], one["kind"], **one["data"]) for one in self.log[start:])
        whole = len(self.log) == self.length and self.chance.random() < 0.5
        cut = len(raw) if whole else self.chance.randrange(len(raw) + 1)
        size = self.chance.randrange(1, 200)
        parts: list[Part] = [raw[at : min(at + size, cut)] for at in range(0, cut, size)]
        return STREAM, parts if whole or self.chance.random() < 0.3 else [*parts, dropped()]


def test_whatever_breaks_each_event_comes_once_and_in_order() -> None:
    for seed in range(1000):
        server = Server(random.Random(seed), length=seed % 40 + 1)
        other = Other(server.answer)
        other.run(Following(Api("http://there", Policy(clock=other.clock, patience=1e9)), "j", 0).run())
        assert [one.seq for one in other.delivered] == list(range(1, server.length + 1)), seed
