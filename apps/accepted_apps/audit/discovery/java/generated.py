"""Interfaces that a build makes from an OpenAPI file: their mappings are in the file, by the names of operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.files import SourceTree

_VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
_SUFFIXES = (".yml", ".yaml", ".json")
_PATH = re.compile(r"""^(\s+)["']?(/[^"'\n]*?)["']?\s*:\s*(?:#.*)?$""")
_VERB = re.compile(rf"""^(\s+)["']?({"|".join(_VERBS)})["']?\s*:\s*(?:#.*)?$""")
_OPERATION = re.compile(r"""^(\s+)["']?operationId["']?\s*:\s*["']?([\w.-]+)["']?\s*(?:#.*)?$""")
_WORD = re.compile(r"[^A-Za-z0-9]+(\w)?")


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    file: str
    line: int


def operations(sources: SourceTree) -> dict[str, list[Operation]]:
    """By the name that a generator gives the method: the operation's id in camel case."""
    found: dict[str, list[Operation]] = {}
    for path in sources.mentioning("operationId", suffixes=_SUFFIXES):
        written = sources.text(path) or ""
        if "openapi" not in written and "swagger" not in written:
            continue
        for name, operation in _json(written, path) if path.endswith(".json") else _yaml(written, path):
            found.setdefault(_camel(name), []).append(operation)
    return found


def _camel(name: str) -> str:
    whole = _WORD.sub(lambda found: (found[1] or "").upper(), name)
    return whole[:1].lower() + whole[1:]


def _json(written: str, path: str) -> Iterator[tuple[str, Operation]]:
    try:
        read = json.loads(written)
    except (ValueError, RecursionError):
        return
    paths = read.get("paths") if isinstance(read, dict) else None
    for where, verbs in paths.items() if isinstance(paths, dict) else ():
        for verb, operation in verbs.items() if isinstance(verbs, dict) else ():
            name = operation.get("operationId") if isinstance(operation, dict) else None
            if verb in _VERBS and isinstance(name, str):
                yield name, Operation(verb.upper(), where, path, 1)


def _yaml(written: str, path: str) -> Iterator[tuple[str, Operation]]:
    """Read by its lines: what is looked for stands on lines of its own, and nothing else need be understood."""
    where, verb, depth = "", "", 0
    for number, line in enumerate(written.split("\n"), start=1):
        if found := _PATH.match(line):
            where, verb = found[2], ""
        elif found := _VERB.match(line):
            verb, depth = found[2].upper(), len(found[1])
        elif where and verb and (found := _OPERATION.match(line)) and len(found[1]) > depth:
            yield found[2], Operation(verb, where, path, number)
            verb = ""
