"""Endpoints that are names, not paths ("Create order", "users_list"): compared by words with paths and functions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from heapq import nsmallest

from accepted_apps.audit.model import ANY, Route

from .endpoint import is_version

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VERBS = {
    "GET": "get list show fetch read retrieve view search find browse index load open",
    "POST": "post create add new register submit insert",
    "PUT": "put update edit change modify replace set",
    "PATCH": "patch",
    "DELETE": "delete remove destroy",
}
_METHOD_OF = {verb: method for method, verbs in _VERBS.items() for verb in verbs.split()}
_EMPTY_WORDS = (
    "a an the of by for to in on at with and or all http https request api rest tc test step page transaction"
    " controller handler view viewset id"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_SAME_FUNCTION = 0.9
_SAME_WORDS = 0.75
_OTHER_METHOD = 0.6
_CANDIDATES = 40
_TOO_FREQUENT = 300
_LIKE = {"PUT": "PATCH", "PATCH": "PUT"}


def words(text: str) -> list[str]:
    """In lower case and in the singular, without numbers."""
    found = (word.lower() for word in _WORD.findall(text))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]


class Names:
    """The words of every route: of its path, and of its function."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._paths = [_meaning(_static(route.path)) for route in routes]
        self._functions = [words(route.function.rpartition(".")[2].rpartition("#")[2]) for route in routes]
        self._with_functions = [
            path | _meaning(function) for path, function in zip(self._paths, self._functions, strict=True)
        ]
        self._having: dict[str, set[int]] = defaultdict(set)
        for number, route in enumerate(routes):
            for word in (*self._paths[number], *_meaning(words(route.function))):
                self._having[word].add(number)

    def fits(self, name: str, method: str | None) -> list[tuple[float, int]]:
        """Confidence and number of the routes that share a word with the name, the likeliest first."""
        said = words(name)
        meant = _meaning(said)
        if not meant:
            return []
        wanted = method or next((_METHOD_OF[word] for word in said if word in _METHOD_OF), None)
        found = [(self._confidence(number, said, meant, wanted), number) for number in self._likeliest(meant)]
        return sorted(found, key=lambda each: (-each[0], self._routes[each[1]].path, each[1]))

    def _likeliest(self, meant: set[str]) -> list[int]:
        """Those that share most words, rare ones before frequent ones."""
        shared: Counter[int] = Counter()
        for word in sorted(meant, key=lambda word: (len(self._having.get(word, ())), word)):
            having = self._having.get(word, ())
            if len(having) > _TOO_FREQUENT and shared:
                break
            for number in having:
                shared[number] += 1
        return [number for _, number in nsmallest(_CANDIDATES, ((-count, number) for number, count in shared.items()))]

    def _confidence(self, number: int, said: list[str], meant: set[str], method: str | None) -> float:
        function = self._functions[number]
        if function and (function == said or (len(function) > 1 and set(function) == set(said))):
            best = _SAME_FUNCTION
        else:
            best = _SAME_WORDS * max(
                _overlap(meant, self._paths[number]), _overlap(meant, self._with_functions[number])
            )
        answers = self._routes[number].method
        agrees = method is None or answers in {method, ANY} or _LIKE.get(method) == answers
        return best if agrees else best * _OTHER_METHOD


def _meaning(found: list[str]) -> set[str]:
    return {word for word in found if word not in _EMPTY and word not in _METHOD_OF}


def _static(path: str) -> list[str]:
    segments = (segment for segment in path.split("/") if "{" not in segment and not is_version(segment))
    return [word for segment in segments for word in words(segment)]


def _overlap(one: set[str], other: set[str]) -> float:
    both = len(one & other)
    return 2 * both / (len(one) + len(other)) if both else 0.0
