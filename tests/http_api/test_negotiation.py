"""Headers as text: what is understood, what is ignored, what is refused."""

from __future__ import annotations

import pytest

from accepted.errors import BadRequest
from accepted.http.artifacts import Span, disposition, parse_range
from accepted.http.links import links_at, links_here
from accepted.http.negotiation import (
    Prefer,
    parse_duration,
    parse_key,
    parse_prefer,
    parse_priority,
    prefers_stream,
    tag_matches,
)
from accepted.http.problems import RangeNotSatisfiable


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Prefer()),
        (["respond-async"], Prefer(respond_async=True)),
        (["wait=10"], Prefer(wait=10)),
        (["Respond-Async, WAIT=10"], Prefer(respond_async=True, wait=10)),
        (["respond-async", "wait=10"], Prefer(respond_async=True, wait=10)),
        (['wait="7"'], Prefer(wait=7)),
        (["wait = 7"], Prefer(wait=7)),
        (["wait=7; foo=bar, respond-async"], Prefer(respond_async=True, wait=7)),
        (['return=minimal; x="a, wait=3", wait=5'], Prefer(wait=5)),
        (["wait=1, wait=2"], Prefer(wait=1)),
        (["wait=abc"], Prefer()),
        (["wait=-1"], Prefer()),
        (["wait=1.5"], Prefer()),
        (["wait"], Prefer()),
        (["wait=999999999999999999999"], Prefer()),
        (["wait=٣"], Prefer()),
        ([",,, respond-async ,"], Prefer(respond_async=True)),
        (["handling=lenient"], Prefer()),
        (["((("], Prefer()),
    ],
)
def test_prefer(fields: list[str], expected: Prefer) -> None:
    assert parse_prefer(fields) == expected


def test_a_hostile_prefer_costs_no_time() -> None:
    assert parse_prefer(["a;" + '"' * 50_000]) == Prefer()
    assert parse_prefer(["a;" + ' x="y"' * 20_000 + '"']) == Prefer()


def test_what_was_applied() -> None:
    assert Prefer().applied(20) is None
    assert Prefer(wait=90).applied(60) == "wait=60"
    assert Prefer(respond_async=True).applied(None) == "respond-async"
    assert Prefer(respond_async=True, wait=5).applied(5) == "respond-async, wait=5"


@pytest.mark.parametrize(
    ("value", "expected"), [('"a b"', "a b"), ("abc", "abc"), (r'"a\"\\"', 'a"\\'), ('"a";x=1', "a")]
)
def test_idempotency_keys(value: str, expected: str) -> None:
    assert parse_key(value) == expected


@pytest.mark.parametrize("value", ["", '""', '"a', "a b", "ä", "x" * 256, '"a\\n"', "a\x7f"])
def test_idempotency_keys_out_of_form(value: str) -> None:
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        parse_key(value)


def test_durations_and_priorities() -> None:
    assert parse_duration("Cancel-After", "90s") == 90
    assert parse_duration("Cancel-After", None) is None
    assert parse_priority("-1000") == -1000
    for wrong in ("", "soon", "400d", "-5"):
        with pytest.raises(BadRequest, match="Accepted-Delay"):
            parse_duration("Accepted-Delay", wrong)
    for wrong in ("", "1001", "high", "1.5"):
        with pytest.raises(BadRequest, match="Accepted-Priority"):
            parse_priority(wrong)


def test_entity_tags() -> None:
    assert tag_matches('W/"7"', 'W/"7"')
    assert tag_matches('"7"', 'W/"7"')
    assert tag_matches('"a", W/"7" ,"b"', 'W/"7"')
    assert tag_matches("*", 'W/"7"')
    assert not tag_matches(None, 'W/"7"')
    assert not tag_matches('W/"77"', 'W/"7"')
    assert not tag_matches("7", 'W/"7"')


@pytest.mark.parametrize(
    ("accept", "stream"),
    [
        (None, False),
        ("*/*", False),
        ("text/event-stream", True),
        ("application/json", False),
        ("application/json, text/event-stream;q=0.5", False),
        ("application/json;q=0.4, text/event-stream;q=0.5", True),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=nonsense", False),
        ("Text/Event-Stream, */*;q=0.1", True),
    ],
)
def test_accept(accept: str | None, stream: bool) -> None:
    assert prefers_stream(accept) is stream


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-4", Span(0, 5)),
        ("bytes=5-", Span(5, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-100", Span(0, 10)),
        ("bytes=8-100", Span(8, 10)),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=x-y", None),
    ],
)
def test_ranges(header: str | None, expected: Span | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_ranges_outside(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, 10)


def test_names_of_files() -> None:
    assert disposition("a.txt", "text/plain") == 'inline; filename="a.txt"'
    assert disposition("a.html", "text/html").startswith("attachment;")
    assert disposition("a.svg", "image/svg+xml").startswith("attachment;")
    assert disposition('ä "b".csv', "text/csv") == (
        "inline; filename=\"_ _b_.csv\"; filename*=UTF-8''%C3%A4%20%22b%22.csv"
    )


def test_links_follow_where_the_routes_are() -> None:
    assert links_here({"path": "/v1/jobs/x", "root_path": ""}, 2).job("x") == "/v1/jobs/x"
    assert links_here({"path": "/sub/v1/jobs/x/cancel", "root_path": "/sub"}, 3).base == "/sub/v1"
    assert links_here({"path": "/v1/jobs/x", "root_path": "/proxy"}, 2).base == "/proxy/v1"
    assert links_here({"path": "/ü/v1/jobs", "root_path": ""}, 1).base == "/%C3%BC/v1"
    assert links_here({"path": "//evil.example/v1/jobs", "root_path": ""}, 1).base == "/evil.example/v1"
    assert links_at({"root_path": "/sub/"}, "/v1").base == "/sub/v1"
