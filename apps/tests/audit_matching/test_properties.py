"""A request made from a route is answered by that route, or by one that is at least as strict."""

from __future__ import annotations

import re
from string import ascii_lowercase

from accepted_apps.audit.matching import match
from accepted_apps.audit.model import Route
from hypothesis import given, settings
from hypothesis import strategies as st

from .tables import BLOG, api, route

_PARAMETER = re.compile(r"\{[^{}]*\}")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "ANY"]

words = st.text(ascii_lowercase, min_size=3, max_size=8)
segments = st.one_of(words, words.map(lambda name: f"{{{name}_id}}"), words.map(lambda name: f"{{{name}}}"))
paths = st.lists(segments, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))
tables = st.lists(
    st.builds(lambda method, path: route(f"{method} {path}"), st.sampled_from(_METHODS), paths),
    min_size=1,
    max_size=25,
    unique_by=lambda each: (each.method, _PARAMETER.sub("{}", each.path)),
)
values = st.one_of(
    st.integers(0, 10**9).map(str),
    st.uuids().map(str),
    st.text("0123456789abcdef", min_size=12, max_size=40),
    st.lists(words, min_size=2, max_size=4).map("-".join),
    st.dates().map(str),
)


def answers(answering: Route, method: str, path: str) -> bool:
    pattern = "[^/]+".join(re.escape(part) for part in _PARAMETER.split(answering.path))
    return answering.method in {method, "ANY"} and re.fullmatch(pattern, path) is not None


def strictness(answering: Route) -> int:
    return sum("{" not in segment for segment in answering.path.split("/"))


@settings(max_examples=150, deadline=None)
@given(table=tables, data=st.data())
def test_a_request_made_from_a_route(table: list[Route], data: st.DataObject) -> None:
    meant = data.draw(st.sampled_from(table))
    path = _PARAMETER.sub(lambda _: data.draw(values), meant.path)
    method = "GET" if meant.method == "ANY" else meant.method
    found = match([api(f"{method} {path}")], table)[0]
    assert found.best
    assert found.kind == "exact"
    assert answers(found.best.route, method, path)
    assert strictness(found.best.route) >= strictness(meant)


@settings(max_examples=100, deadline=None)
@given(table=tables, data=st.data())
def test_confidences_are_in_order(table: list[Route], data: st.DataObject) -> None:
    meant = data.draw(st.sampled_from(table))
    found = match([api(_PARAMETER.sub("42", meant.path))], table)[0]
    assert found.best
    assert 0.5 <= found.best.confidence <= 1
    if found.runner_up:
        assert found.runner_up.confidence <= found.best.confidence


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert match([api(f"/{text}"), api(f"{text}x")], BLOG)
