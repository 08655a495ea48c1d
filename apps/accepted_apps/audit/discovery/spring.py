"""Spring MVC and WebFlux: annotated controllers, and routes that are made by calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.java.code import Code
from accepted_apps.audit.discovery.java.constants import Folded, fold
from accepted_apps.audit.discovery.java.functional import Called, Functional
from accepted_apps.audit.discovery.java.generated import Operation, operations
from accepted_apps.audit.discovery.java.mappings import Handler, Mappings, combined
from accepted_apps.audit.discovery.java.paths import normal
from accepted_apps.audit.discovery.java.settings import Settings
from accepted_apps.audit.discovery.java.types import Type, text
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.model import Route

if TYPE_CHECKING:
    from tree_sitter import Node

_ANNOTATED = ("Mapping", "Controller", "Exchange", "RouterFunction", "addPathPrefix")
_STARTS = ("@SpringBootApplication", "SpringApplication", "SpringApplicationBuilder")
_NO_BEAN = "These routes are not a bean; whatever takes them may put a prefix in front."
_GENERATED = "This class answers for an interface that is not in the repository; its paths are from the OpenAPI file."
_CLASS = re.compile(r"(\w+)\.class")


class _Spring:
    name = "Spring"

    def discover(self, sources: SourceTree) -> Iterator[Route]:
        files = sources.mentioning(*_ANNOTATED, suffixes=(".java",))
        if not files:
            return
        reader = _Reader(sources, files)
        for kind in reader.types:
            yield from reader.annotated(kind)
        yield from reader.functional()
        _note_others(sources)


class _Reader:
    def __init__(self, sources: SourceTree, files: list[str]) -> None:
        self._sources = sources
        self._code = Code(sources)
        self._mappings = Mappings(self._code)
        self._calls = Functional(self._code)
        self._settings = Settings(sources, sources.mentioning(*_STARTS, suffixes=(".java", ".kt")))
        self._operations: dict[str, list[Operation]] | None = None
        units = [unit for path in files if (unit := self._code.unit(path)) is not None]
        self.types = [kind for unit in units for kind in unit.all()]
        self._prefixes = [prefix for kind in self.types for prefix in _Prefixes(kind, self._code).all()]

    def annotated(self, kind: Type) -> Iterator[Route]:
        if not self._mappings.is_controller(kind):
            return
        above = self._mappings.of_class(kind)
        yield from self._generated(kind)
        for handler in self._mappings.handlers(kind):
            for base, path in product(above.paths, handler.mapping.paths):
                whole, unresolved = self._whole(kind, base, path)
                for context, method in product(
                    self._settings.contexts(kind.unit.path), combined(above, handler.mapping)
                ):
                    yield self._route(method, join(context, whole), handler, kind, unresolved)

    def _generated(self, kind: Type) -> Iterator[Route]:
        """Of the methods that an interface declares which is only made in the build."""
        if all(self._code.type(parent, kind) for parent in kind.parents):
            return
        if self._operations is None:
            self._operations = operations(self._sources)
        above = self._mappings.of_class(kind)
        for method in kind.methods:
            if not any(each.name == "Override" for each in method.annotations):
                continue
            for operation in self._operations.get(method.name, [])[:1]:
                for base, context in product(above.paths, self._settings.contexts(kind.unit.path)):
                    whole, unresolved = self._whole(kind, base, Folded(operation.path))
                    handler = Handler(method, above, method)
                    route = self._route(operation.method, join(context, whole), handler, kind, unresolved)
                    route.declared_file, route.declared_line = operation.file, operation.line
                    route.notes.append(_GENERATED)
                    yield route

    def functional(self) -> Iterator[Route]:
        made = [
            (method, self._calls.routes(method))
            for kind in self.types
            for method in kind.methods
            if method.returns.rpartition(".")[2] == "RouterFunction"
        ]
        for method, routes in made:
            if method.node.id in self._calls.used:
                continue
            is_bean = any(each.name == "Bean" for each in method.annotations)
            for called in routes:
                if called.unknown and not called.path.strip("/"):
                    self._sources.note(
                        f"The path of a route is not told by the code, in line {_line(called.node)} of",
                        called.kind.unit.path,
                    )
                    continue
                for context in self._settings.contexts(called.kind.unit.path):
                    yield self._called(called, context, [] if is_bean else [_NO_BEAN])

    def _whole(self, kind: Type, base: Folded, path: Folded) -> tuple[str, list[str]]:
        parts: list[str] = [prefix.path for prefix in self._prefixes if prefix.covers(kind)][:1]
        missing = [*base.unknown, *path.unknown]
        for part in (base.known, path.known):
            resolved, unknown = self._settings.resolved(part, kind.unit.path)
            parts.append(normal(resolved))
            missing += [f"${{{name}}}" for name in unknown]
        return join(*parts), [f"`{each}` is not told by the code; the path lacks it." for each in missing]

    def _route(self, method: str, path: str, handler: Handler, kind: Type, unresolved: list[str]) -> Route:
        node, file = handler.method.node, handler.method.owner.unit.path
        declared = handler.declared is not handler.method
        return self._made(
            method,
            path,
            file,
            node,
            function=f"{kind.name}.{handler.method.name}",
            declared_file=handler.declared.owner.unit.path if declared else "",
            declared_line=handler.declared.node.start_point.row + 1 if declared else 0,
            unresolved=unresolved,
        )

    def _called(self, called: Called, context: str, unresolved: list[str]) -> Route:
        found, inline = self._calls.handler(called)
        file = found.owner.unit.path if found else called.kind.unit.path
        node = found.node if found else inline or called.node
        resolved, missing = self._settings.resolved(called.path, called.kind.unit.path)
        unknown = [*called.unknown, *(f"${{{name}}}" for name in missing)]
        return self._made(
            called.method,
            join(context, normal(resolved)),
            file,
            node,
            function=f"{found.owner.name}.{found.name}" if found else "",
            declared_file=called.kind.unit.path if found else "",
            declared_line=_line(called.node) if found else 0,
            unresolved=unresolved + [f"`{each}` is not told by the code; the path lacks it." for each in unknown],
        )

    def _made(
        self,
        method: str,
        path: str,
        file: str,
        node: Node,
        *,
        function: str,
        declared_file: str,
        declared_line: int,
        unresolved: list[str],
    ) -> Route:
        first, last = node.start_point.row + 1, node.end_point.row + 1
        return Route(
            method=method,
            path=path,
            file=file,
            line=first,
            end_line=last,
            function=function,
            framework="Spring",
            language="java",
            snippet=self._sources.snippet(file, first, last),
            declared_file=declared_file,
            declared_line=declared_line,
            unresolved=unresolved,
        )


class _Prefix:
    """`configurer.addPathPrefix(path, predicate)`, as far as the predicate names annotations, packages or types."""

    def __init__(self, path: str, predicate: str, strings: list[str]) -> None:
        self.path = path
        self._names = set(_CLASS.findall(predicate))
        self._packages = [each for each in strings if "." in each or each.isalpha()]

    def covers(self, kind: Type) -> bool:
        if not self._names and not self._packages:
            return True
        if {each.name for each in kind.annotations} & self._names or set(kind.parents) & self._names:
            return True
        return any(kind.package == each or kind.package.startswith(f"{each.rstrip('.')}.") for each in self._packages)


class _Prefixes:
    def __init__(self, kind: Type, code: Code) -> None:
        self._kind, self._code = kind, code

    def all(self) -> Iterator[_Prefix]:
        if "addPathPrefix" not in text(self._kind.node):
            return
        for method in self._kind.methods:
            for node in _calls(method.node, "addPathPrefix"):
                given = node.child_by_field_name("arguments")
                values = given.named_children if given is not None else []
                if len(values) == 2:
                    path = fold(values[0], self._kind, self._code).known
                    strings = [fold(each, self._kind, self._code).known for each in _literals(values[1])]
                    yield _Prefix(path, text(values[1]), strings)


def _calls(node: Node, name: str) -> Iterator[Node]:
    if node.type == "method_invocation" and text(node.child_by_field_name("name")) == name:
        yield node
    for child in node.named_children:
        yield from _calls(child, name)


def _literals(node: Node) -> Iterator[Node]:
    if node.type == "string_literal":
        yield node
    for child in node.named_children:
        yield from _literals(child)


def _line(node: Node) -> int:
    """Of the call's own name: a chain of calls begins lines above."""
    name = node.child_by_field_name("name")
    return (name or node).start_point.row + 1


def _note_others(sources: SourceTree) -> None:
    if sources.mentioning("@RestController", "@Controller", suffixes=(".kt",)):
        sources.note("Controllers in Kotlin are not read.")
    if sources.mentioning("@RepositoryRestResource", suffixes=(".java", ".kt")):
        sources.note("The routes that Spring Data REST makes of repositories (@RepositoryRestResource) are not listed.")


discoverer = _Spring()
