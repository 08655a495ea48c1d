"""Handlers of routes, and what they call, held against the rules."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.model import Finding, Risk, Route, Suggestion
from accepted_apps.audit.survey import Dossier, Excerpt

from .calls import Definitions
from .code import Call, Code, Function
from .jpa import read_fetching
from .python_code import read_python
from .queries import query_of
from .relations import read_relations
from .rewriting import change_of
from .rules import RULES, Hit, View
from .tree_code import read_tree

_LANGUAGES: Final = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".java": "java",
    ".go": "go",
    ".rb": "ruby",
}
_LEVELS: Final = 2
"""How many calls deep a handler is followed into functions of the same repository."""
_FOLLOWED: Final = 12
"""Functions that one handler is followed into."""
_EXCERPT: Final = 12
"""Lines of code that a finding shows."""
_SOURCE: Final = 120
"""Lines of a function that a language model is shown."""
_RISKS: Final[tuple[tuple[int, Risk], ...]] = ((5, "LOW"), (10, "MEDIUM"), (20, "HIGH"))
_ORDER: Final = {"high": 0, "medium": 1, "low": 2}


class Examiner:
    """Reads one checkout. Not for several threads."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._codes: dict[str, Code | None] = {}
        self._definitions = Definitions(tree)
        self._by_line: dict[str, tuple[list[Function], list[int]]] = {}
        self._relations: dict[str, dict[str, str]] | None = None
        self._fetching: frozenset[str] = frozenset()

    def measure(self, route: Route) -> list[str]:
        """Fill in the route's complexity and risk; the titles of what is in its handler alone."""
        function = self.handler(route)
        if function is None:
            route.complexity, route.risk = 1, "LOW"
            return []
        hits = list(self._hits(function, route))
        route.complexity = function.complexity
        route.risk = risk_of(function.complexity, worst=min((_ORDER[hit.severity] for hit in hits), default=3))
        return list(dict.fromkeys(hit.title for hit in hits))

    def examine(self, number: int, route: Route) -> Dossier:
        """Everything that is to be said of a route: of its handler, and of what that calls in the same repository."""
        dossier, handler = Dossier(route=number), self.handler(route)
        if handler is None:
            return dossier
        seen: set[tuple[str, int, str]] = set()
        for function in self._reached(handler):
            code = self._code(function.file)
            assert code is not None  # noqa: S101 - see where it is made
            dossier.sources.append(_excerpt(code, function))
            for hit in self._hits(function, route):
                key = function.file, hit.span.start, hit.rule
                if key not in seen:
                    seen.add(key)
                    _add(dossier, hit, code, function)
            for hit in self._calls_that_query(function, code):
                key = function.file, hit.span.start, "query-in-loop"
                if key not in seen:
                    seen.add(key)
                    _add(dossier, hit, code, function)
        dossier.findings.sort(key=lambda one: _ORDER[one.severity])
        dossier.suggestions.sort(key=lambda one: _ORDER[one.priority])
        return dossier

    def handler(self, route: Route) -> Function | None:
        """The function that answers: the largest that begins within the route's lines, of its name where one is."""
        code = self._code(route.file)
        if code is None:
            return None
        begins = self._begun(code, route.line, max(route.end_line, route.line))
        name = re.split(r"[.#:]", route.function)[-1]
        for chosen in ([one for one in begins if name and one.name == name], begins):
            if chosen:
                return max(chosen, key=lambda one: one.span.end - one.span.start)
        around = [one for one in code.functions if one.span.line <= route.line <= one.span.end_line]
        return min(around, key=lambda one: one.span.end - one.span.start, default=None)

    def _begun(self, code: Code, first: int, last: int) -> list[Function]:
        """The functions that begin in these lines. A file may have thousands, and a route for each."""
        if code.file not in self._by_line:
            functions = sorted(code.functions, key=lambda one: one.span.line)
            self._by_line[code.file] = functions, [one.span.line for one in functions]
        functions, lines = self._by_line[code.file]
        return functions[bisect_left(lines, first) : bisect_right(lines, last)]

    def _hits(self, function: Function, route: Route) -> Iterator[Hit]:
        code = self._code(function.file)
        assert code is not None  # noqa: S101 - see where it is made
        if self._relations is None:
            self._relations = read_relations(self._tree)
            self._fetching = read_fetching(self._tree)
        view = View(function, code, route, self._relations, self._fetching)
        for rule in RULES:
            yield from rule(view)

    def _reached(self, handler: Function) -> Iterator[Function]:
        """The handler, and the functions of the repository that it calls, level by level."""
        waiting, known = [(handler, 0)], {(handler.file, handler.span.start)}
        while waiting and len(known) <= _FOLLOWED:
            function, level = waiting.pop(0)
            yield function
            if level == _LEVELS:
                continue
            for call in function.calls:
                found = self._called(function, call)
                if found is not None and (found.file, found.span.start) not in known and len(known) < _FOLLOWED:
                    known.add((found.file, found.span.start))
                    waiting.append((found, level + 1))

    def _called(self, function: Function, call: Call) -> Function | None:
        place = self._definitions.resolve(function, call)
        code = self._code(place[0]) if place is not None else None
        if place is None or code is None:
            return None
        return next(
            (one for one in code.functions if one.name == call.name and one.span.line <= place[1] <= one.span.end_line),
            None,
        )

    def _calls_that_query(self, function: Function, code: Code) -> Iterator[Hit]:
        """Calls in a loop of a function whose own body asks the database."""
        for call in function.calls:
            if not call.loops or query_of(call, code) is not None:
                continue
            loop = call.loops[-1]
            if loop.counting or not any(
                re.search(rf"(?<![\w.]){one}\b", " ".join(call.arguments)) for one in loop.variables
            ):
                continue
            found = self._called(function, call)
            inner = self._code(found.file) if found is not None else None
            if found is None or inner is None or (found.file == function.file and found.span == function.span):
                continue
            asks = next((one for one in found.calls if query_of(one, inner) is not None), None)
            if asks is not None:
                yield Hit(
                    "query-in-loop",
                    f"`{call.name}` asks the database in each turn of a loop",
                    "high",
                    call.span,
                    f"`{call.name}` runs once for each `{', '.join(loop.variables)}`, and asks the database each time "
                    f"({found.file}, line {asks.span.line}).",
                    "50–95 % of this handler's time where the loop has 10 elements or more: N round trips become one.",
                    f"Give `{call.name}` all elements at once, and let it ask once.",
                )

    def _code(self, file: str) -> Code | None:
        if file not in self._codes:
            self._codes[file] = self._read(file)
        return self._codes[file]

    def _read(self, file: str) -> Code | None:
        language = _LANGUAGES.get("." + file.rpartition(".")[2].lower())
        text = self._tree.text(file) if language is not None else None
        if language is None or text is None:
            return None
        if language == "python":
            module = self._tree.python(file)
            return read_python(file, text, module) if module is not None else None
        tree = self._tree.syntax(file, language)
        return read_tree(file, language, text, tree) if tree is not None else None


def risk_of(complexity: int, *, worst: int) -> Risk:
    """By complexity: LOW to 5, MEDIUM to 10, HIGH to 20, CRITICAL above; one more where a finding of high severity is
    in the handler (`worst` 0)."""
    levels: list[Risk] = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    at = next((number for number, (most, _) in enumerate(_RISKS) if complexity <= most), 3)
    return levels[min(3, at + (worst == 0))]


def _add(dossier: Dossier, hit: Hit, code: Code, function: Function) -> None:
    last = min(hit.span.end_line, hit.span.line + _EXCERPT - 1)
    dossier.findings.append(
        Finding(
            rule=hit.rule,
            title=hit.title,
            severity=hit.severity,
            file=function.file,
            line=hit.span.line,
            end_line=last,
            excerpt=code.excerpt(hit.span.line, last),
            why=hit.why,
            gain=hit.gain,
        )
    )
    change = change_of(code, function, hit.edits, hit.imports) if hit.edits else None
    if change is not None:
        dossier.suggestions.append(
            Suggestion(
                title=hit.title,
                issue=hit.why,
                description=f"{hit.why} {hit.fix}",
                explanation=hit.fix,
                current_code=change.before,
                improved_code=change.after,
                expected_improvement=hit.gain,
                summary=hit.fix,
                priority=hit.severity,
                rule=hit.rule,
                file=function.file,
                line=change.line,
            )
        )


def _excerpt(code: Code, function: Function) -> Excerpt:
    last = min(function.span.end_line, function.span.line + _SOURCE - 1)
    return Excerpt(
        file=function.file, line=function.span.line, function=function.name, text=code.excerpt(function.span.line, last)
    )
