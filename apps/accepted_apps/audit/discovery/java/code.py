"""All Java of a checkout: a type is found from the file that names it, and files are read when they are needed."""

from __future__ import annotations

import posixpath
import re

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.java.types import Type, Unit, read

_PARENTS_DEEP = 20
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)


class Code:
    def __init__(self, sources: SourceTree) -> None:
        self.sources = sources
        self._units: dict[str, Unit | None] = {}
        self._named: dict[str, list[str]] = {}
        for path in sources.having(".java"):
            self._named.setdefault(posixpath.basename(path).removesuffix(".java"), []).append(path)

    def unit(self, path: str) -> Unit | None:
        if path not in self._units:
            tree = self.sources.syntax(path, "java")
            self._units[path] = read(path, tree.root_node) if tree else None
        return self._units[path]

    def type(self, name: str, seen_from: Type) -> Type | None:
        """The type that `name` means within another; None where it is not the repository's."""
        first, _, rest = name.partition(".")
        found = self._inside(first, seen_from) or self._imported(first, seen_from.unit)
        if found is None:
            return self._qualified(name, seen_from.unit.path) if rest else None
        return self._member(found, rest)

    def qualified(self, name: str, near: Type) -> Type | None:
        return self._qualified(name, near.unit.path)

    def ancestors(self, kind: Type) -> list[Type]:
        """What a type extends and implements, those of each before its parents' own."""
        found: list[Type] = []
        waiting = [kind]
        for _ in range(_PARENTS_DEEP):
            parents = [parent for each in waiting for name in each.parents if (parent := self.type(name, each))]
            waiting = [parent for parent in dict.fromkeys(parents) if parent not in found and parent is not kind]
            found += waiting
        return found

    def _inside(self, name: str, kind: Type) -> Type | None:
        scope: Type | None = kind
        while scope is not None:
            if scope.name == name:
                return scope
            if name in scope.inner:
                return scope.inner[name]
            scope = scope.outer
        return kind.unit.types.get(name)

    def _imported(self, name: str, unit: Unit) -> Type | None:
        if name in unit.imports:
            return self._qualified(unit.imports[name], unit.path)
        for package in (unit.package, *unit.stars):
            found = self._qualified(f"{package}.{name}" if package else name, unit.path)
            if found is not None:
                return found
        return None

    def _qualified(self, name: str, near: str) -> Type | None:
        """Several modules may have a type of the same name: the nearest to the file `near` is meant."""
        parts = name.split(".")
        for at in range(len(parts) - 1, -1, -1):
            package = ".".join(parts[:at])
            paths = [path for path in self._named.get(parts[at], []) if self._package(path) == package]
            for path in sorted(paths, key=lambda path: -len(posixpath.commonprefix([path, near]))):
                unit = self.unit(path)
                top = unit.types.get(parts[at]) if unit else None
                if top is not None:
                    return self._member(top, ".".join(parts[at + 1 :]))
        return None

    def _package(self, path: str) -> str:
        if self._units.get(path) is not None:
            unit = self._units[path]
            return unit.package if unit else ""
        found = _PACKAGE.search(self.sources.text(path) or "")
        return found[1] if found else ""

    def _member(self, kind: Type, rest: str) -> Type | None:
        found: Type | None = kind
        for part in rest.split(".") if rest else []:
            found = found.inner.get(part) if found is not None else None
        return found
