"""Slow endpoints, paired with the routes that answer them. docs/audit.md states the formula of the confidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from accepted_apps.audit.model import ANY, Candidate, Match, Route, WorstApi

from .endpoint import Endpoint, Piece, read
from .names import Names
from .table import Fit, Table

__all__ = ["THRESHOLD", "match"]

THRESHOLD = 0.5
"""Below this confidence an endpoint counts as unmatched, and the best route only as the nearest."""

_BELOW_THIS_NAMES_COUNT = 0.7
_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_TAKES_ANY = 0.99
_HEAD_OF_GET = 0.98
_OTHER_METHOD = 0.6
_METHOD_UNKNOWN = 0.95
_METHOD_GUESSED = 0.9
_OTHER_SLASH = 0.998
_FORMAT_LEFT_OUT = 0.97
_NUMBER_LEFT_OUT = 0.85
_FORMAT = re.compile(r"\.(json|xml|ya?ml|csv|html?|pdf|atom|rss|xlsx|zip|txt|js|do|php|aspx?)$", re.IGNORECASE)
_NUMBERED = re.compile(r"-\d{1,4}$")
_SUFFIXES = (
    (_FORMAT, _FORMAT_LEFT_OUT, "a format"),
    (_NUMBERED, _NUMBER_LEFT_OUT, "the load tool's number"),
)
_NAMED = "The endpoint is a name and no path; its words fit this route best."


def match(worst: Sequence[WorstApi], routes: Sequence[Route]) -> list[Match]:
    """One Match for each endpoint, in their order. The same input brings the same answer."""
    matcher = _Matcher(routes)
    known: dict[tuple[str, str | None], Match] = {}
    found = []
    for api in worst:
        key = (api.endpoint, api.method)
        if key not in known:
            known[key] = matcher.match(api)
        found.append(known[key].model_copy(update={"api": api}))
    return found


@dataclass(frozen=True, slots=True)
class _Hit:
    """A route that may be meant. rank: what decides between equally likely ones, smaller first."""

    number: int
    confidence: float
    whole: bool
    notes: tuple[str, ...]
    rank: tuple[object, ...]


class _Matcher:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._table = Table(routes)
        self._names = Names(routes)

    def match(self, api: WorstApi) -> Match:
        endpoint = read(api)
        hits = self._best_of_each(self._hits(endpoint))
        if not hits or hits[0].confidence < _BELOW_THIS_NAMES_COUNT:
            hits = self._best_of_each([*hits, *self._by_name(endpoint)])
        if not hits:
            return Match(api=api, kind="none", reason=self._why_nothing(endpoint))
        if hits[0].confidence < THRESHOLD:
            reason = f"No route is likely enough: the nearest has a confidence of {hits[0].confidence:.2f}."
            return Match(api=api, kind="none", nearest=self._candidate(hits[0]), reason=reason)
        return Match(
            api=api,
            kind="exact" if hits[0].whole else "partial",
            best=self._candidate(hits[0]),
            runner_up=self._candidate(hits[1]) if len(hits) > 1 else None,
        )

    def _hits(self, endpoint: Endpoint) -> Iterable[_Hit]:
        """By path, and without what at the end is often no part of it."""
        if endpoint.pieces is None:
            return []
        hits = list(self._on_path(endpoint, ()))
        for pattern, factor, what in _SUFFIXES:
            last = endpoint.pieces[-1] if endpoint.pieces else None
            suffix = pattern.search(last.text) if last and not last.parameter else None
            if not last or not suffix or not suffix.start():
                continue
            if pattern is _NUMBERED and any(hit.confidence >= THRESHOLD for hit in hits):
                continue
            shorter = replace(endpoint, pieces=(*endpoint.pieces[:-1], Piece(last.text[: suffix.start()])))
            note = f"{suffix[0]!r} at the end was taken for {what}, not for a part of the path."
            hits += [
                replace(hit, confidence=hit.confidence * factor, whole=hit.whole and pattern is _FORMAT)
                for hit in self._on_path(shorter, (note,))
            ]
        return hits

    def _on_path(self, endpoint: Endpoint, notes: tuple[str, ...]) -> Iterable[_Hit]:
        for fit in self._table.fits(endpoint.pieces or ()):
            answers = sorted({self._routes[number].method for number in fit.routes}, key=_method_order)
            for number in fit.routes:
                yield self._hit(endpoint, fit, number, answers, notes)

    def _hit(self, endpoint: Endpoint, fit: Fit, number: int, answers: list[str], notes: tuple[str, ...]) -> _Hit:
        route = self._routes[number]
        factor, fits, said = _method_fit(endpoint.method, route.method, answers)
        if endpoint.slash != (len(route.path) > 1 and route.path.endswith("/")):
            factor *= _OTHER_SLASH
        return _Hit(
            number,
            fit.confidence * factor,
            fit.whole and fits,
            (*notes, *fit.notes, *([said] if said else [])),
            (not fit.whole, tuple(-score for score in fit.scores), *_order(route)),
        )

    def _by_name(self, endpoint: Endpoint) -> Iterable[_Hit]:
        path = " ".join(piece.text for piece in endpoint.pieces or () if not piece.parameter)
        if endpoint.pieces is None or len(endpoint.pieces) == 1:
            name, most, note = endpoint.name or path, 1.0, _NAMED
        else:
            name, most, note = path, THRESHOLD * 0.9, "Only words of the path are the same."
        for confidence, number in self._names.fits(name, endpoint.method):
            yield _Hit(number, min(confidence, most), False, (note,), (True, (), *_order(self._routes[number])))

    def _best_of_each(self, hits: Iterable[_Hit]) -> list[_Hit]:
        best: dict[int, _Hit] = {}
        for hit in sorted(hits, key=lambda hit: (-round(hit.confidence, 6), hit.rank)):
            best.setdefault(hit.number, hit)
        return list(best.values())

    def _candidate(self, hit: _Hit) -> Candidate:
        confidence = round(min(hit.confidence, 1.0), 3)
        return Candidate(route=self._routes[hit.number], confidence=confidence, notes=list(hit.notes))

    def _why_nothing(self, endpoint: Endpoint) -> str:
        if not self._routes:
            return "The repository declares no routes."
        what = "name" if endpoint.pieces is None else "path"
        return f"No route of the repository has a word in common with this {what}."


def _method_fit(wanted: str | None, answers: str, all_answers: list[str]) -> tuple[float, bool, str]:
    """A factor, whether the method fits, and what is to be said of it."""
    if wanted == answers:
        return 1.0, True, ""
    if answers == ANY:
        return _TAKES_ANY, True, ""
    if wanted is None:
        others = [method for method in all_answers if method != ANY]
        if len(others) == 1:
            return _METHOD_UNKNOWN, True, f"No method was given; the path answers {answers} only."
        guess = _METHOD_GUESSED - 0.01 * _method_order(answers)[0]
        return guess, True, f"No method was given; the path answers {_listed(others)}, and {answers} was taken."
    if wanted == "HEAD" and answers == "GET":
        return _HEAD_OF_GET, True, "The route for GET answers HEAD as well."
    return _OTHER_METHOD, False, f"The path answers {_listed(all_answers)}, not {wanted}."


def _listed(methods: list[str]) -> str:
    return methods[0] if len(methods) == 1 else f"{', '.join(methods[:-1])} and {methods[-1]}"


def _method_order(method: str) -> tuple[int, str]:
    return (_ORDER.index(method) if method in _ORDER else len(_ORDER), method)


def _order(route: Route) -> tuple[object, ...]:
    return (route.source != "code", _method_order(route.method), len(route.path), route.path, route.file, route.line)
