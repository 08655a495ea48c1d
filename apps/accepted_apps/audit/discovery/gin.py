"""Routes of Gin and of Echo, which register theirs in much the same way.

Static files, and the handlers for what no route answers, are no API and are not listed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.model import ANY, Route

from .go.library import VERBS, joined, text_or_unresolved
from .go.program import File, Program, line_of
from .go.run import Run
from .go.values import UNKNOWN, Function, Items, Made, Router, Struct, Text, Value

if TYPE_CHECKING:
    from tree_sitter import Node

# A package may be handed its router in a type of another package, and then names no framework.
_REGISTERING = (".GET(", ".POST(", ".PUT(", ".PATCH(", ".DELETE(", ".Any(")
_PARAMETER = re.compile(r"(?<!\\):(\w+)")
_REST = re.compile(r"\*(\w*)$")


class GoDiscoverer:
    name = "Gin and Echo"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        using = sources.mentioning("gin-gonic/gin", "labstack/echo", "pocketbase/echo", suffixes=(".go",))
        if not using:
            return []
        program = Program(sources)
        starting = sources.mentioning("func main()", *_REGISTERING, suffixes=(".go",))
        for path in (*using, *starting):
            program.package(posixpath.dirname(path))
        found = _Routes(sources)
        run = Run(program, found.add)
        run.everything(program.loaded)
        if run.was_too_long:
            sources.note("The Go code that registers routes is too intricate to be followed to the end.")
        return found.routes


class _Routes:
    def __init__(self, sources: SourceTree) -> None:
        self._sources = sources
        self._found: dict[tuple[str, str, str, int, str, int], Route] = {}

    @property
    def routes(self) -> list[Route]:
        """A function that was run both with and without knowing its group has told its routes twice."""
        resolved = {
            (each.method, each.declared_file or each.file, each.declared_line or each.line)
            for each in self._found.values()
            if not each.unresolved
        }
        return [
            each
            for each in self._found.values()
            if not each.unresolved
            or (each.method, each.declared_file or each.file, each.declared_line or each.line) not in resolved
        ]

    def add(self, router: Router, name: str, call: Node, arguments: list[Value], file: File) -> None:
        """What a call of a router's method registers, if it does."""
        if name in VERBS:
            self._add([name], arguments, 0, router, call, file)
        elif name == "Any":
            self._add([ANY], arguments, 0, router, call, file)
        elif name in {"Handle", "Add"}:
            self._add(_methods(arguments[:1]), arguments, 1, router, call, file)
        elif name == "Match":
            listed = arguments[0] if arguments else UNKNOWN
            self._add(
                _methods(listed.items if isinstance(listed, Items) else [listed]), arguments, 1, router, call, file
            )
        elif name == "AddRoute" and arguments and isinstance(arguments[0], Struct):
            fields = arguments[0].fields
            values = [fields.get("Path", UNKNOWN), fields.get("Handler", UNKNOWN)]
            self._add(_methods([fields.get("Method", UNKNOWN)]), values, 0, router, call, file)

    def _add(
        self, methods: list[str], arguments: list[Value], first: int, router: Router, call: Node, file: File
    ) -> None:
        path = arguments[first] if len(arguments) > first else UNKNOWN
        if len(arguments) <= first + (router.framework == "Echo"):
            return
        if not isinstance(path, Text) or (path.unresolved and not path.text.strip("/")):
            self._sources.note(
                "Routes whose path is computed, or given by a caller that was not found, are left out:", file.path
            )
            return
        told = text_or_unresolved(path, call, "arguments")
        unresolved = list(dict.fromkeys((*router.unresolved, *told.unresolved)))
        handlers = arguments[first + 1 :]
        handler = _function_in(handlers[-1] if router.framework == "Gin" else handlers[0]) if handlers else None
        for method in methods:
            route = self._route(method, normal(joined(router.framework, router.prefix, told.text)), handler, call, file)
            route = route.model_copy(update={"framework": router.framework, "unresolved": unresolved})
            key = (method, route.path, route.file, route.line, route.declared_file, route.declared_line)
            self._found.setdefault(key, route)

    def _route(self, method: str, path: str, handler: Function | None, call: Node, file: File) -> Route:
        place, node, name = file.path, call, ""
        if handler:
            place, node = handler.file.path, handler.node
            name = f"{handler.owner}.{handler.name}".strip(".")
        first, last = line_of(node), node.end_point[0] + 1
        apart = (place, first) != (file.path, line_of(call))
        return Route(
            method=method,
            path=path,
            file=place,
            line=first,
            end_line=last,
            function=name,
            framework="Gin",
            language="go",
            snippet=self._sources.snippet(place, first, last),
            declared_file=file.path if apart else "",
            declared_line=line_of(call) if apart else 0,
        )


def _methods(values: list[Value]) -> list[str]:
    known = [each.text.upper() for each in values if isinstance(each, Text) and not each.unresolved]
    return known or [ANY]


def _function_in(handler: Value) -> Function | None:
    """The function that answers: of `wrap(list)` it is `list`, of `newHandler(config)` what makes it."""
    if isinstance(handler, Made):
        return handler.of[-1] if handler.of else handler.by
    return handler if isinstance(handler, Function) else None


def normal(path: str) -> str:
    """`/users/:id/*rest` as `/users/{id}/{rest*}`."""
    segments = (_REST.sub(lambda found: f"{{{found[1] or 'path'}*}}", segment) for segment in path.split("/"))
    whole = "/".join(_PARAMETER.sub(r"{\1}", segment).replace("\\:", ":") for segment in segments)
    return whole if whole.startswith("/") else f"/{whole}"


discoverer = GoDiscoverer()
