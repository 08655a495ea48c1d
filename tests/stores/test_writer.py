"""Which requests of a batch share statements, and in which order they run."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from accepted.job import Lease
from accepted.stores.sqlite import claiming, settling, submitting, working
from accepted.stores.sqlite.writer import Operation, _Request, alone, grouped

OTHER: Operation[Any, Any] = alone(lambda tx, argument: None)


def report(job_id: str) -> _Request:
    return _Request(working.APPEND, working.Append(Lease(job_id, 1, "w"), []), Future())


def finish(job_id: str) -> _Request:
    return _Request(settling.SETTLE, settling.Settle(Lease(job_id, 1, "w"), settling.complete(None, None)), Future())


def submit() -> _Request:
    return _Request(submitting.SUBMIT, [], Future())


def claim() -> _Request:
    return _Request(claiming.CLAIM, claiming.Ask("w", [], [], 1, 1.0), Future())


def other() -> _Request:
    return _Request(OTHER, None, Future())


def order(*requests: _Request) -> list[list[int]]:
    return [[requests.index(request) for request in group] for group in grouped(requests)]


def test_like_requests_are_merged() -> None:
    assert order(submit(), claim(), finish("a"), submit(), finish("b"), claim()) == [[2, 4], [0, 3], [1, 5]]


def test_nobody_overtakes_himself() -> None:
    assert order(report("a"), report("a"), finish("a")) == [[0, 1], [2]]
    assert order(report("a"), finish("a"), report("b"), finish("b")) == [[0, 2], [1, 3]]
    assert order(finish("a"), report("a")) == [[0], [1]]
    assert order(finish("a"), report("b"), report("a"), submit()) == [[1], [0], [2], [3]]


def test_what_runs_alone_runs_in_its_place() -> None:
    assert order(submit(), other(), finish("a"), submit()) == [[0], [1], [2], [3]]
    assert order(other(), other()) == [[0], [1]]
    assert order() == []
