"""Routes of OpenAPI and Swagger files: a second opinion on what the code declares, for a file may be out of date.

Versions 2.0 to 3.2, JSON and YAML. References lead to files of the repository only.
"""

from __future__ import annotations

import json
import posixpath
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import yaml

from accepted_apps.audit.discovery.files import SourceTree, is_test
from accepted_apps.audit.discovery.paths import join, shape
from accepted_apps.audit.model import ANY, Route

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_SUFFIXES = (".json", ".yaml", ".yml")
_DECLARED = re.compile(r"""(^|[{,])\s*["']?(openapi|swagger)["']?\s*:\s*["']?[23]\.""", re.MULTILINE)
_KEY = re.compile(r"""^[\s{,]*(["']?)([^"'\s][^"']*?)\1\s*:(\s|$|[{\["'])""")
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_HOST = re.compile(r"[^/]*://[^/]*|//[^/]*|[\w-]+(\.[\w-]+)*(:\d+)?(?=/|$)")
_NESTED_AT_MOST = 120
_KEYS_AT_MOST = 20_000
_REFERENCES_AT_MOST = 8
_FOR_DOCUMENT_WORDS = "docs doc documentation api apis openapi swagger specs public static assets resources schema src"
_FOR_DOCUMENTS = frozenset(_FOR_DOCUMENT_WORDS.split())
_NOT_SPECIFIED = frozenset(["examples", "samples", "node_modules"])


class OpenApiDiscoverer:
    name = "OpenAPI"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        """One route for each method and path, though several files may have it: the first by name is taken."""
        documents = _Documents(sources)
        found: dict[tuple[str, str], Route] = {}
        for path in sources.all_files:
            if path.endswith(_SUFFIXES) and not is_test(path) and not _NOT_SPECIFIED & set(path.split("/")):
                text = sources.text(path)
                if text and _DECLARED.search(text):
                    for route in _File(documents, path).routes():
                        found.setdefault((route.method, shape(route.path)), route)
        return found.values()


def apart(described: list[Route], code: list[Route], note: Callable[[str, str], None]) -> list[Route]:
    """Those that only a description has. A prefix that it lacks, or has beyond the code, is not told apart: the one
    with which most of its routes are the code's is taken.

    A description with which the code beside it mostly does not agree is of another version: it is noted, not listed.
    """
    known = {(route.method, shape(route.path)) for route in code}
    by_file: dict[str, list[Route]] = {}
    for route in described:
        by_file.setdefault(route.declared_file or route.file, []).append(route)
    found = []
    for file, routes in by_file.items():
        move = _best_move(routes, known)
        lacking = [route for route in routes if not _ways(route, move) & known]
        home = _home(file)
        if len(lacking) * 2 > len(routes) and any(route.file.startswith(home) for route in code):
            note("Describes mostly routes that the code does not declare, and is not listed:", file)
        else:
            found += lacking
    return found


def _ways(route: Route, move: _Move) -> set[tuple[str, str]]:
    path = move(shape(route.path))
    return {(route.method, path), (ANY, path)}


def _home(file: str) -> str:
    """The folder of the program that a description belongs to, with a slash at the end; empty for the repository's."""
    parts = file.split("/")[:-1]
    first = next((number for number, name in enumerate(parts) if name.lower() in _FOR_DOCUMENTS), len(parts))
    return "".join(f"{name}/" for name in parts[:first])


@dataclass(frozen=True, slots=True)
class _Move:
    """Takes `without` off the front of a path and puts `prefix` there."""

    prefix: str = ""
    without: str = ""

    def __call__(self, path: str) -> str:
        if self.without and not (path + "/").startswith(self.without + "/"):
            return path
        return f"{self.prefix}{path.removeprefix(self.without)}".rstrip("/") or "/"


def _best_move(routes: list[Route], known: set[tuple[str, str]]) -> _Move:
    shapes = {(route.method, shape(route.path)) for route in routes}
    counted = Counter({_Move(): sum(each in known for each in shapes)})
    for moved in _prefixes(known):
        counted[_Move(prefix=moved)] = sum((method, f"{moved}{path}") in known for method, path in shapes)
    for left in _prefixes(shapes):
        counted[_Move(without=left)] = sum((method, _Move(without=left)(path)) in known for method, path in shapes)
    best, hits = counted.most_common(1)[0]
    return best if hits * 2 > len(shapes) else _Move()


def _prefixes(shapes: set[tuple[str, str]]) -> list[str]:
    """What may stand in front: of the first three segments, where nothing is a parameter."""
    found = set()
    for _, path in shapes:
        segments = path.strip("/").split("/")
        found |= {"/" + "/".join(segments[:count]) for count in range(1, min(4, len(segments)))}
    return sorted(prefix for prefix in found if "{" not in prefix)


class _Documents:
    """Parsed files of the repository."""

    def __init__(self, sources: SourceTree) -> None:
        self.sources = sources
        self._parsed: dict[str, Any] = {}

    def parsed(self, path: str) -> Any:
        if path not in self._parsed:
            self._parsed[path] = self._parse(path)
        return self._parsed[path]

    def _parse(self, path: str) -> Any:
        text = self.sources.text(path)
        if text is None:
            return None
        try:
            if path.endswith(".json"):
                return json.loads(text)
            if _depth(text) > _NESTED_AT_MOST:
                raise ValueError("nested too deeply")
            return yaml.load(text.replace("\t", "    "), Loader=_Loader)  # noqa: S506 - it is a safe loader
        except (ValueError, yaml.YAMLError, RecursionError):
            self.sources.note("Not read as an API description, for it is not valid:", path)
            return None

    def followed(self, node: Any, path: str, depth: int = 0) -> tuple[Any, str]:
        """What a `$ref` leads to, and the file that it stands in."""
        reference = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(reference, str) or depth >= _REFERENCES_AT_MOST:
            return node, path
        file, _, pointer = reference.partition("#")
        if "://" in file:
            return {}, path
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(file))) if file else path
        if target.startswith("..") or not self.sources.exists(target):
            return {}, path
        found = self.parsed(target)
        for step in pointer.strip("/").split("/") if pointer.strip("/") else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        return self.followed(found, target, depth + 1)


class _Loader(yaml.CSafeLoader):
    """Anchors are references and take no room; merging them does, so that is counted."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _KEYS_AT_MOST:
            raise yaml.YAMLError("A mapping has too many keys.")


def _depth(text: str) -> int:
    """How deeply brackets are nested, at most: what a parser in C cannot take without end."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        deepest = max(deepest, depth)
    return deepest


@dataclass(slots=True)
class _File:
    documents: _Documents
    path: str
    _lines: dict[str, _Lines] = field(default_factory=dict)

    def routes(self) -> Iterator[Route]:
        document = self.documents.parsed(self.path)
        if not isinstance(document, dict):
            return
        base = self._base(document)
        paths, file = self.documents.followed(document.get("paths"), self.path)
        for written, item in paths.items() if isinstance(paths, dict) else ():
            if not isinstance(written, str) or not written.startswith("/"):
                continue
            known, place = self.documents.followed(item, file)
            if isinstance(known, dict):
                yield from self._of_path(written, known, place, _server_path(known) or base)

    def _of_path(self, written: str, item: dict[Any, Any], file: str, base: str) -> Iterator[Route]:
        for method in _METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            first, last = self._place(file, written, method)
            yield Route(
                method=method.upper(),
                path=_normal(join(_server_path(operation) or base, written)),
                file=file,
                line=first,
                end_line=last,
                function=str(operation.get("operationId") or ""),
                framework="OpenAPI",
                language="json" if file.endswith(".json") else "yaml",
                snippet=self.documents.sources.snippet(file, first, last),
                source="openapi",
                notes=["Only an API description names it."],
            )

    def _base(self, document: dict[Any, Any]) -> str:
        if isinstance(document.get("basePath"), str):
            return str(document["basePath"])
        return _server_path(document)

    def _place(self, file: str, written: str, method: str) -> tuple[int, int]:
        """The lines of an operation; found by its keys, which stand in this order in JSON and in YAML."""
        if file not in self._lines:
            self._lines[file] = _Lines(self.documents.sources.text(file) or "")
        lines = self._lines[file]
        start = lines.of_key(written, 0)
        first = lines.of_key(method, start or 0)
        if first is None:
            return (1, len(lines.lines)) if start is None else (start + 1, start + 1)
        return first + 1, lines.end(first) + 1


class _Lines:
    """A file's lines, counted from 0, and on which of them each key stands."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._keys: dict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self.lines):
            key = _KEY.match(line)
            if key:
                self._keys[key[2]].append(number)

    def of_key(self, key: str, start: int) -> int | None:
        """The first line from `start` on that has the key."""
        numbers = self._keys.get(key, [])
        index = bisect_left(numbers, start)
        return numbers[index] if index < len(numbers) else None

    def end(self, first: int) -> int:
        """The last line that belongs to the key on a line: those further in, and the bracket that closes it."""
        indent = _indent(self.lines[first])
        last = first
        for number in range(first + 1, len(self.lines)):
            line = self.lines[number]
            if line.strip() and _indent(line) <= indent:
                return number if line.strip().startswith("}") else last
            last = number if line.strip() else last
        return last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _server_path(holder: dict[Any, Any]) -> str:
    """The path of the first server; variables as their defaults."""
    servers = holder.get("servers")
    server = servers[0] if isinstance(servers, list) and servers else None
    url = server.get("url") if isinstance(server, dict) else None
    if not isinstance(url, str):
        return ""
    variables = server.get("variables") if isinstance(server, dict) else None

    def default(found: re.Match[str]) -> str:
        known = variables.get(found[1]) if isinstance(variables, dict) else None
        return str(known.get("default", "")) if isinstance(known, dict) else ""

    told = _VARIABLE.sub(default, url)
    host = _HOST.match(told)
    return told[host.end() :].partition("?")[0] if host else told


def _normal(path: str) -> str:
    return re.sub(r"\{\+?([^{}+*]+)[+*]\}", r"{\1*}", path.split("?", maxsplit=1)[0])


discoverer = OpenApiDiscoverer()
