"""What is sent again, after which pauses, and which exception an answer becomes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from client.scripted import Other, Reply, as_json, as_problem, dropped, in_turn
from pydantic_core import to_json

from accepted import UploadFile, errors
from accepted.client import Options, OtherProblem, Policy, ServerUnreachable, UnexpectedAnswer
from accepted.client.flow import Answer, Broken, Request
from accepted.client.problems import error_from
from accepted.client.protocol import NO_RESULT, Api
from accepted.errors import AcceptedError
from accepted.http.problems import problem_response
from accepted.job import Status

JOB = {"id": "j", "seq": 1, "status": "pending"}


def api_to(*replies: Reply, **policy: Any) -> tuple[Api, Other]:
    other = Other(in_turn(*replies))
    return Api("http://there", Policy(clock=other.clock, **policy)), other


def keys(other: Other) -> set[str]:
    return {request.headers["Idempotency-Key"] for request in other.sent}


# ── again ──


def test_a_submission_is_repeated_with_its_key_until_it_is_answered() -> None:
    api, other = api_to(dropped(), dropped(unsent=True), Answer(502, {"content-type": "text/html"}), as_json(JOB, 202))
    assert other.run(api.submit("t", {"a": 1}, Options())).job == JOB
    assert len(other.sent) == 4
    assert len(keys(other)) == 1
    assert other.sent[0].body == b'{"a":1}'


def test_each_submission_has_a_key_of_its_own() -> None:
    api, other = api_to(as_json(JOB, 202), as_json(JOB, 202), as_json(JOB, 202))
    other.run(api.submit("t", {}, Options()))
    other.run(api.submit("t", {}, Options()))
    other.run(api.submit("t", {}, Options(idempotency_key='mine "quoted"')))
    assert len(keys(other)) == 3
    assert other.sent[2].headers["Idempotency-Key"] == '"mine \\"quoted\\""'


def test_pauses_grow_and_are_spread() -> None:
    api, other = api_to(*[dropped()] * 8, retries=7)
    with pytest.raises(ServerUnreachable):
        other.run(api.job("j"))
    assert len(other.sleeps) == 7
    assert all(0.125 * 2**n <= pause <= 0.25 * 2**n for n, pause in enumerate(other.sleeps[:5]))


def test_after_the_last_try_the_error_names_the_server() -> None:
    api, other = api_to(*[dropped()] * 3, retries=2)
    with pytest.raises(ServerUnreachable, match="http://there: connection reset") as caught:
        other.run(api.job("j"))
    assert isinstance(caught.value, ConnectionError)


def test_a_retry_by_hand_is_not_sent_twice_when_the_first_may_have_arrived() -> None:
    api, other = api_to(dropped())
    with pytest.raises(ServerUnreachable):
        other.run(api.retry("j"))
    api, other = api_to(dropped(unsent=True), as_json(JOB, 202))
    assert other.run(api.retry("j")) == JOB


def test_retry_after_is_obeyed_a_bounded_number_of_times() -> None:
    full = as_problem("limit-reached", 429, limit="active", used=3, at_most=3, retry_after=7)
    api, other = api_to(full, full, as_json(JOB, 202))
    other.run(api.submit("t", {}, Options()))
    assert other.sleeps == [7, 7]
    api, other = api_to(*[full] * 3, retries=2)
    with pytest.raises(errors.LimitReached) as caught:
        other.run(api.submit("t", {}, Options()))
    assert (caught.value.limit, caught.value.used, caught.value.at_most, caught.value.retry_after) == (
        "active",
        3,
        3,
        7,
    )


def test_a_retry_after_of_an_hour_is_an_error_at_once() -> None:
    api, other = api_to(as_problem("unavailable", 503, detail="closed for today", retry_after=3600))
    with pytest.raises(errors.Unavailable, match="closed for today"):
        other.run(api.job("j"))
    assert other.sleeps == []


def test_a_request_in_flight_is_waited_for() -> None:
    api, other = api_to(as_problem("idempotency-in-flight", 409, retry_after=1), as_json(JOB, 202))
    other.run(api.submit("t", {}, Options()))
    assert other.sleeps == [1]


def test_a_job_that_is_gone_is_deleted_enough() -> None:
    gone = as_problem("job-gone", 410, expired_at="2026-01-01T00:00:00+00:00", reason="deleted")
    api, other = api_to(dropped(), gone)
    other.run(api.delete("j"))
    assert len(other.sent) == 2


# ── submitting ──


def test_options_become_headers() -> None:
    api, other = api_to(as_json(JOB, 202))
    options = Options(wait=1.2, priority=-3, delay="1m30s", cancel_after=0.25)
    other.run(api.submit("a b", {}, options))
    sent = other.sent[0]
    assert sent.path == "/tasks/a%20b"
    assert {name: sent.headers[name] for name in ("Prefer", "Accepted-Priority", "Accepted-Delay", "Cancel-After")} == {
        "Prefer": "wait=2",
        "Accepted-Priority": "-3",
        "Accepted-Delay": "90s",
        "Cancel-After": "0.25s",
    }


def test_files_are_told_from_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    api, other = api_to(as_json(JOB, 202))
    stream = io.BytesIO(b"y")
    arguments = {"n": 1, "names": ["a"], "none": [], "table": path, "more": [UploadFile.of(path), stream]}
    other.run(api.submit("t", arguments, Options()))
    assert other.sent[0].body == b'{"n":1,"names":["a"],"none":[]}'
    assert [name for name, _ in other.sent[0].files] == ["table", "more", "more"]


def test_done_within_the_wait() -> None:
    done = as_json({"x": 1}, 200, content_location="/v1/jobs/j%201")
    api, other = api_to(done, as_json({**JOB, "id": "j 1", "status": "completed"}))
    made = other.run(api.submit("t", {}, Options(wait=5)))
    assert made.result == {"x": 1}
    assert other.sent[1].path == "/jobs/j%201"


def test_failed_within_the_wait_is_still_a_job() -> None:
    failed = as_problem("job-failed", 409, detail="boom", error={"detail": "boom"})
    api, other = api_to(failed, as_json({**JOB, "status": "failed"}, 202))
    made = other.run(api.submit("t", {}, Options(wait=5)))
    assert made.job["status"] == "failed"
    assert made.result is NO_RESULT
    assert len(keys(other)) == 1
    assert other.sent[1].headers["Prefer"] == "respond-async"


# ── results ──


def test_a_server_that_holds_the_result() -> None:
    pending = as_json(JOB, 202, preference_applied="wait=25", retry_after="1")
    api, other = api_to(pending, dropped(), pending, as_json([1]))
    assert other.run(api.result("j", None)) == [1]
    assert all(request.headers["Prefer"] == "wait=25" for request in other.sent)


def test_a_server_that_holds_the_job_only() -> None:
    running = {**JOB, "status": "running", "seq": 2}
    api, other = api_to(
        as_json(JOB, 202, retry_after="1"),
        as_json(running, preference_applied="wait=25", etag='W/"2"'),
        Answer(304, {"preference-applied": "wait=25", "etag": 'W/"2"'}),
        as_json({**running, "status": "completed"}, preference_applied="wait=25", etag='W/"3"'),
        as_json("value"),
    )
    assert other.run(api.result("j", None)) == "value"
    assert [request.headers.get("If-None-Match") for request in other.sent] == [None, 'W/"1"', 'W/"2"', 'W/"2"', None]
    assert other.sleeps == []


def test_a_server_that_holds_nothing_is_asked_as_often_as_it_says() -> None:
    running = as_json({**JOB, "status": "running"}, retry_after="3", etag='W/"2"')
    done = as_json({**JOB, "status": "completed"})
    api, other = api_to(as_json(JOB, 202), running, done, as_json(1))
    assert other.run(api.result("j", None)) == 1
    assert other.sleeps == [3]


def test_the_time_to_wait_is_kept() -> None:
    running = as_json({**JOB, "status": "running"}, retry_after="3", etag='W/"2"')
    api, other = api_to(as_json(JOB, 202), *[running] * 4, as_json(JOB, 202))
    with pytest.raises(errors.ResultTimeout) as caught:
        other.run(api.result("j", 10))
    assert (other.now, caught.value.seconds) == (10, 10)


def test_no_time_to_wait_is_one_question() -> None:
    api, other = api_to(as_json(JOB, 202))
    with pytest.raises(errors.ResultTimeout):
        other.run(api.result("j", 0))
    assert "Prefer" not in other.sent[0].headers


def test_a_result_is_waited_for_as_long_as_patience_lasts() -> None:
    other = Other(lambda request: dropped(unsent=True))
    api = Api("http://there", Policy(clock=other.clock, patience=100))
    with pytest.raises(ServerUnreachable):
        other.run(api.result("j", None))
    assert 100 < other.now < 125


# ── downloads ──


def test_a_download_goes_on_where_it_stopped() -> None:
    whole, rest = Answer(200, {"etag": '"e"'}), Answer(206, {"etag": '"e"'})
    api, other = api_to((whole, [b"abc", dropped()]), dropped(), (rest, [b"def"]))
    sink = io.BytesIO()
    assert other.run(api.download("j", "a/b.csv", sink)) == 6
    assert sink.getvalue() == b"abcdef"
    assert other.sent[0].path == "/jobs/j/artifacts/a%2Fb.csv"
    assert dict(other.sent[2].headers) == {"Range": "bytes=3-", "If-Range": '"e"'}


def test_a_download_of_a_file_that_changed_begins_anew() -> None:
    api, other = api_to((Answer(200, {"etag": '"e"'}), [b"abc", dropped()]), (Answer(200, {}), [b"xy"]))
    sink = io.BytesIO()
    assert other.run(api.download("j", "a", sink)) == 2
    assert sink.getvalue() == b"xy"


# ── errors ──

ERRORS: list[AcceptedError] = [
    errors.JobNotFound("j"),
    errors.JobGone("j", owner="ann", at=1_767_225_600.0, reason="expired"),
    errors.WrongState("j", Status.RUNNING, verb="retry", allowed=("cancel", "delete")),
    errors.JobFailed("j", {"detail": "boom", "attempts": 3}),
    errors.JobCancelled("j", "requested"),
    errors.TaskNotFound("t", ("a", "b")),
    errors.InvalidInput([{"detail": "too long", "pointer": "#/name"}]),
    errors.BadRequest("no JSON"),
    errors.NotAuthenticated("no key"),
    errors.Forbidden("not you"),
    errors.PayloadTooLarge("The body", 10),
    errors.UnsupportedMediaType("no XML"),
    errors.LimitReached("active", used=2, at_most=2, retry_after=9),
    errors.LimitReached("submit", used=2, at_most=2, per=60.0, resets_at=1_790_000_000.25, retry_after=9),
    errors.QueueFull("active:*", used=2, at_most=2, retry_after=9),
    errors.Unavailable("going down", retry_after=3),
    errors.IdempotencyMismatch("k"),
    errors.IdempotencyInFlight("k"),
    errors.StoreError("disk full"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.slug)
def test_an_error_comes_out_as_it_went_in(error: AcceptedError) -> None:
    response = problem_response(error)
    answer = Answer(response.status_code, response.headers, bytes(response.body))
    request = Request("GET", "/", headers={"Idempotency-Key": '"k"'})
    made = error_from(answer, request, "http://there", job_id="j")
    assert type(made) is type(error)
    assert str(made) == error.public
    assert dict(made.members) == dict(error.members)
    for name in ("job_id", "key", "retry_after", "state", "errors"):
        assert getattr(made, name, None) == getattr(error, name, None)


def test_every_error_that_can_be_answered_is_in_the_mapping() -> None:
    answered = {error.slug for error in ERRORS}
    own = {"internal-error", "result-timeout", "lease-lost", "configuration", "task-failed", "process-died"}
    own |= {"schedule-not-found"}  # of the command that drops one
    own |= {"webhook-not-found", "webhook-disabled", "webhooks-full", "signature-invalid"}  # of no route that it calls
    known = {one.slug for one in vars(errors).values() if isinstance(one, type) and issubclass(one, AcceptedError)}
    assert known - own == answered


def test_a_problem_of_another_type_is_kept_whole() -> None:
    answer = as_problem("body-too-slow", 408, detail="too slow", retryable=True)
    made = error_from(answer, Request("GET", "/"), "http://there")
    assert isinstance(made, OtherProblem)
    assert str(made) == "too slow"
    assert made.members["retryable"] is True


@pytest.mark.parametrize("members", [{}, {"expired_at": 3, "reason": "x"}])
def test_a_problem_without_its_members(members: dict[str, Any]) -> None:
    made = error_from(as_problem("job-gone", 410, detail="it is gone", **members), Request("GET", "/"), "http://there")
    assert isinstance(made, OtherProblem)
    assert str(made) == "it is gone"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, {"content-type": "text/html"}, b"<h1>nginx</h1>"),
        Answer(500, {"content-type": "application/problem+json"}, b"{cut"),
        Answer(500, {"content-type": "application/problem+json"}, b"[]"),
        Answer(403, {}, to_json("x")),
    ],
)
def test_an_answer_of_something_else(answer: Answer) -> None:
    made = error_from(answer, Request("GET", "/"), "http://there")
    assert isinstance(made, UnexpectedAnswer)
    assert str(answer.status) in str(made)


def test_broken_tells_whether_it_was_sent() -> None:
    assert Broken("x", unsent=True).unsent
