"""The routes by the segments of their paths, so that an endpoint is compared only with those it may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from accepted_apps.audit.model import Route

from .endpoint import Kind, Piece, is_version

_MOUNT_WORDS = (
    "api apis rest rpc public internal private external gateway gw backend server service services app web www"
    " prod production dev develop development stage staging test testing qa uat int preprod live beta alpha sandbox"
    " latest default local demo"
)
_MOUNTS = frozenset(_MOUNT_WORDS.split())
_PARAMETER = re.compile(r"\{[^{}]*\}")
_KINDS: dict[Kind, float] = {"number": 0.98, "code": 0.97, "slug": 0.93, "word": 0.87, "version": 0.6}
_A_WORD_FOR_AN_ID = 0.82
_REST_SCORE = 0.55
_REST_AFTER_A_WORD = 0.8
_OTHER_CASE = 0.97
_PART = 0.985
_OTHER_VERSION = 0.7
_VERSION_LEFT_OUT = 0.9
_MOUNT, _FOREIGN, _WITH_AN_ID = 0.95, 0.75, 0.4
_DROPPED_AT_MOST = 4
_SEGMENTS_AT_MOST = 64
_STEPS_AT_MOST = 20_000


def is_mount(segment: str) -> bool:
    """Whether it is a word that gateways and servers put in front of paths, and that means nothing by itself."""
    return segment.lower() in _MOUNTS or is_version(segment)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well the path of some routes fits. scores: for each segment, 0–1. factor: for what does not fit, 0–1.
    static: how many segments are the same words. whole: whether nothing was left out or added.
    front: what the request has in front of what was compared."""

    routes: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    factor: float = 1.0
    static: int = 0
    whole: bool = True
    notes: tuple[str, ...] = ()
    front: frozenset[str] = frozenset()

    @property
    def confidence(self) -> float:
        return self.factor * (sum(self.scores) / len(self.scores) if self.scores else 1.0)

    def scored(self, *scores: float, static: int = 0) -> Fit:
        return replace(self, scores=self.scores + scores, static=self.static + static)

    def flawed(self, factor: float, note: str) -> Fit:
        return replace(self, factor=self.factor * factor, whole=False, notes=(*self.notes, note))


@dataclass(slots=True)
class _Node:
    words: dict[str, _Node] = field(default_factory=dict)
    versions: dict[str, _Node] = field(default_factory=dict)
    spellings: set[str] = field(default_factory=set)
    parts: dict[str, tuple[re.Pattern[str], _Node]] = field(default_factory=dict)
    identity: _Node | None = None
    parameter: _Node | None = None
    rest: _Node | None = None
    ends: dict[tuple[str, ...], list[int]] = field(default_factory=dict)


class Table:
    """Built once for a repository. A route is known by its number in `routes`."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        for number, route in enumerate(routes):
            for segments in _variants([segment for segment in route.path.split("/") if segment]):
                self._add(number, segments, ())
                for dropped in range(1, min(len(segments), _DROPPED_AT_MOST + 1)):
                    if "{" in segments[dropped - 1]:
                        break
                    self._add(number, segments[dropped:], tuple(segments[:dropped]))

    def fits(self, pieces: tuple[Piece, ...]) -> Iterator[Fit]:
        """All that may be meant, in no order: whole paths, and those that lack something in front or a version."""
        walk = _Walk()
        pieces = pieces[:_SEGMENTS_AT_MOST]
        for dropped in range(min(len(pieces), _DROPPED_AT_MOST) + 1):
            fit = _without_front(Fit(), pieces[:dropped], "The request has {} in front, which the code has not.")
            front = {piece.text.lower() for piece in pieces[:dropped]}
            for each in walk.from_node(self._root, pieces[dropped:], replace(fit, front=frozenset(front))):
                if each.whole or each.static or (dropped == len(pieces) == 1 and is_mount(pieces[0].text)):
                    yield each

    def _add(self, number: int, segments: list[str], dropped: tuple[str, ...]) -> None:
        node = self._root
        for segment in segments:
            node = _child(node, segment)
        node.ends.setdefault(dropped, []).append(number)


def _variants(segments: list[str]) -> list[list[str]]:
    """With and without each optional segment, `{name?}`."""
    found: list[list[str]] = [[]]
    for segment in segments:
        if segment.endswith("?}") and segment.startswith("{"):
            found = [*([*path, segment] for path in found), *found][:16]
        else:
            found = [[*path, segment] for path in found]
    return found


def _child(node: _Node, segment: str) -> _Node:
    if "{" not in segment:
        child = node.words.setdefault(segment.lower(), _Node())
        child.spellings.add(segment)
        if is_version(segment):
            node.versions[segment.lower()] = child
        return child
    if _PARAMETER.fullmatch(segment):
        if segment.endswith("*}"):
            node.rest = node.rest or _Node()
            return node.rest
        if re.search(r"(^|[_-])(id|pk|uuid|key|number|no)$|Id$|ID$", segment.strip("{}?")):
            node.identity = node.identity or _Node()
            return node.identity
        node.parameter = node.parameter or _Node()
        return node.parameter
    pattern = "[^/]+".join(re.escape(part) for part in _PARAMETER.split(segment))
    if pattern not in node.parts:
        node.parts[pattern] = (re.compile(pattern, re.IGNORECASE), _Node())
    return node.parts[pattern][1]


def _without_front(fit: Fit, front: Sequence[Piece | str], note: str) -> Fit:
    if not front:
        return fit
    pieces = [piece if isinstance(piece, Piece) else Piece(piece) for piece in front]
    factor = 1.0
    for piece in pieces:
        factor *= _MOUNT if is_mount(piece.text) else _WITH_AN_ID if _is_value(piece) else _FOREIGN
    return fit.flawed(factor, note.format("/" + "/".join("{}" if piece.parameter else piece.text for piece in pieces)))


def _is_value(piece: Piece) -> bool:
    return piece.parameter or piece.kind in {"number", "code"}


class _Walk:
    """One endpoint's way through the table, of bounded length however odd the routes are."""

    def __init__(self) -> None:
        self.steps = 0

    def from_node(self, node: _Node, pieces: tuple[Piece, ...], fit: Fit) -> Iterator[Fit]:
        self.steps += 1
        if self.steps > _STEPS_AT_MOST:
            return
        if not pieces:
            yield from _ends(node, fit)
            if node.rest:
                yield from _ends(node.rest, fit.scored(_REST_SCORE))
        else:
            yield from self._over_words(node, pieces, fit)
            yield from self._over_parameters(node, pieces, fit)
        yield from self._over_versions(node, pieces, fit)

    def _over_words(self, node: _Node, pieces: tuple[Piece, ...], fit: Fit) -> Iterator[Fit]:
        piece, *others = pieces
        child = None if piece.parameter else node.words.get(piece.text.lower())
        if child:
            score = 1.0 if piece.text in child.spellings else _OTHER_CASE
            yield from self.from_node(child, tuple(others), fit.scored(score, static=1))
        if piece.parameter:
            return
        for pattern, part in node.parts.values():
            if pattern.fullmatch(piece.text):
                yield from self.from_node(part, tuple(others), fit.scored(_PART))

    def _over_parameters(self, node: _Node, pieces: tuple[Piece, ...], fit: Fit) -> Iterator[Fit]:
        piece, *others = pieces
        value = 1.0 if piece.parameter else _KINDS[piece.kind]
        if node.parameter:
            yield from self.from_node(node.parameter, tuple(others), fit.scored(value))
        if node.identity:
            value = _A_WORD_FOR_AN_ID if not piece.parameter and piece.kind == "word" else value
            yield from self.from_node(node.identity, tuple(others), fit.scored(value))
        if node.rest:
            for taken in range(1, len(pieces) + 1):
                worth = _REST_AFTER_A_WORD if fit.static else _REST_SCORE
                scores = (1.0 if each.rest else worth for each in pieces[:taken])
                yield from self.from_node(node.rest, pieces[taken:], fit.scored(*scores))

    def _over_versions(self, node: _Node, pieces: tuple[Piece, ...], fit: Fit) -> Iterator[Fit]:
        """Another version than the code's, a version as parameter, or a version on one side only; once in a path."""
        if any("version" in note for note in fit.notes):
            return
        first = pieces[0] if pieces else None
        for word, child in node.versions.items():
            if first and word == first.text.lower():
                continue
            if first and (first.is_version or first.parameter):
                said = f"The code's version is {word}, not {first.text}." if first.is_version else ""
                note = said or f"The code has the version {word} where the request has a parameter."
                yield from self.from_node(child, pieces[1:], fit.scored(1.0).flawed(_OTHER_VERSION, note))
            else:
                note = f"The code has the version {word}, which the request has not."
                yield from self.from_node(child, pieces, fit.flawed(_VERSION_LEFT_OUT, note))
        if first and first.is_version and fit.scores:
            note = f"The request has the version {first.text}, which the code has not."
            yield from self.from_node(node, pieces[1:], fit.flawed(_VERSION_LEFT_OUT, note))


def _ends(node: _Node, fit: Fit) -> Iterable[Fit]:
    for dropped, routes in node.ends.items():
        if fit.front and _alike(fit.front, dropped):
            continue  # the same word on both sides is compared, not left out
        found = _without_front(fit, dropped, "The code has {} in front, which the request has not.")
        yield replace(found, routes=tuple(routes))


def _alike(front: frozenset[str], dropped: tuple[str, ...]) -> bool:
    there = {segment.lower() for segment in dropped}
    return bool(front & there) or (any(map(is_version, front)) and any(map(is_version, there)))
