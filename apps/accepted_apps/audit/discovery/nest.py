"""NestJS: controllers, the modules that hold them, and the applications that serve them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.javascript.located import route
from accepted_apps.audit.discovery.javascript.nesting import METHODS, NEUTRAL, Application, Decoration, Placed, flat
from accepted_apps.audit.discovery.javascript.paths import written
from accepted_apps.audit.discovery.javascript.program import Program, program_of
from accepted_apps.audit.discovery.javascript.values import Class, Function, Lazy, Record, Site, Unknown, Value
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.model import Route

_MODULES_DEEP = 60


@dataclass(frozen=True)
class _Controller:
    kind: Class
    paths: list[str]
    unresolved: list[str]
    version: Value


class _Nest:
    name = "NestJS"

    def discover(self, sources: SourceTree) -> Iterator[Route]:
        program = program_of(sources)
        controllers = [found for found in map(_controller, program.classes) if found is not None]
        if not controllers:
            return
        graph = _Graph(program)
        applications = _serving(program.nest.applications)
        reached = {id(each): graph.controllers(each.module) for each in applications}
        for controller in controllers:
            serving = [each for each in applications if controller.kind in reached[id(each)]]
            if not serving and graph.has_modules and controller.kind not in graph.named:
                sources.note("Controllers that no module names were left out:", controller.kind.module.path)
                continue
            for application in serving or _nearest(applications, controller.kind.module.path):
                yield from _routes(sources, controller, application, graph)


def _serving(applications: list[Application]) -> list[Application]:
    """Without those that are made for a script or to read the configuration, if others are there to serve."""
    return [each for each in applications if each.listens] or applications


class _Graph:
    """The modules of the program: which controllers they have, and at which path the router puts them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._modules = {kind: given for kind in program.classes if (given := _given(kind, "Module")) is not None}
        self.has_modules = bool(self._modules)
        self.named = {
            controller for given in self._modules.values() for controller in self._classes(given, "controllers")
        }
        self._home: dict[Class, list[Class]] = {}
        for kind, given in self._modules.items():
            for controller in self._classes(given, "controllers"):
                self._home.setdefault(controller, []).append(kind)
        self._placed: dict[Class, str] = {}
        for given in self._modules.values():
            for value in self._values(given, "imports"):
                if isinstance(value, Placed):
                    self._place(value.tree, "")

    def controllers(self, root: Value) -> set[Class]:
        """Those of a module and of all that it imports."""
        found: set[Class] = set()
        seen: set[int] = set()
        waiting: list[Value] = [root]
        while waiting:
            value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            match value:
                case list():
                    waiting += value
                case Class() if value in self._modules:
                    waiting += self._inside(self._modules[value], found)
                    waiting.append(value.base)
                case Record():
                    waiting += [self._program.value_of(value, "module"), *self._inside(value, found)]
                case _:
                    pass
        self.named |= found
        return found

    def path(self, controller: Class) -> str:
        """Where `RouterModule` puts the module of a controller."""
        return next((self._placed[home] for home in self._home.get(controller, []) if home in self._placed), "")

    def _inside(self, given: Record, found: set[Class]) -> list[Value]:
        found |= set(self._classes(given, "controllers"))
        return self._values(given, "imports")

    def _values(self, given: Record, name: str) -> list[Value]:
        value = self._program.value_of(given, name)
        return value if isinstance(value, list) else [value]

    def _classes(self, given: Record, name: str) -> list[Class]:
        return [value for value in _flattened(self._values(given, name)) if isinstance(value, Class)]

    def _place(self, tree: Value, above: str) -> None:
        for entry in tree if isinstance(tree, list) else []:
            if isinstance(entry, Class):
                self._placed.setdefault(entry, above)
            if not isinstance(entry, Record):
                continue
            paths, _ = written(self._program.value_of(entry, "path"))
            whole = join(above, paths[0] if paths else "")
            module = self._program.value_of(entry, "module")
            if isinstance(module, Class):
                self._placed[module] = whole
            self._place(self._program.value_of(entry, "children"), whole)


def _flattened(values: list[Value]) -> Iterator[Value]:
    for value in values:
        if isinstance(value, list):
            yield from _flattened(value)
        else:
            yield value


def _given(kind: Class, name: str) -> Record | None:
    """What the class's decorator of that name was given, as an object; one with `controllers` makes a module."""
    for decoration in flat(kind.decorations):
        if decoration.name == name:
            first = decoration.given[0] if decoration.given else None
            return first if isinstance(first, Record) else Record()
    if name == "Module":
        given = (value for value in kind.decorations if isinstance(value, Record) and "controllers" in value.properties)
        return next(given, None)
    return None


def _controller(kind: Class) -> _Controller | None:
    decorations = list(flat(kind.decorations))
    found = next((each for each in decorations if each.name == "Controller"), None)
    if found is None:
        return None
    first = found.given[0] if found.given else ""
    version: Value = None
    if isinstance(first, Record):
        version = _property(first, "version")
        first = _property(first, "path")
    paths, unresolved = _all(first)
    version = next((each.given[0] for each in decorations if each.name == "Version" and each.given), version)
    return _Controller(kind, paths, unresolved, version)


def _property(record: Record, name: str) -> Value:
    value = record.properties.get(name)
    return value.force() if isinstance(value, Lazy) else value


def _all(value: Value) -> tuple[list[str], list[str]]:
    """The paths of a decorator's argument; "" where there is none."""
    if value is None:
        return [""], []
    if isinstance(value, Unknown):
        return [""], [f"`{value.text}` is not told by the code; the path lacks it."]
    paths: list[str] = []
    unresolved: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        found, unknown = written(each)
        paths, unresolved = paths + found, unresolved + unknown
    return paths or [""], unresolved


def _routes(
    sources: SourceTree, controller: _Controller, application: Application | None, graph: _Graph
) -> Iterator[Route]:
    seen: set[str] = set()
    for kind in controller.kind.lineage():
        for name, method in kind.methods.items():
            if name in seen:
                continue
            seen.add(name)
            decorations = list(flat(method.decorations))
            version = next((each.given[0] for each in decorations if each.name == "Version" and each.given), None)
            handler = Function(method.node, kind.scope, kind.module, name, owner=controller.kind.name)
            for decoration in decorations:
                if decoration.name in METHODS:
                    yield from _of_method(
                        sources, controller, application, graph, decoration, version or controller.version, handler
                    )


def _of_method(
    sources: SourceTree,
    controller: _Controller,
    application: Application | None,
    graph: _Graph,
    decoration: Decoration,
    version: Value,
    handler: Function,
) -> Iterator[Route]:
    paths, unknown = _all(decoration.given[0] if decoration.given else None)
    verb = METHODS[decoration.name]
    for base in controller.paths:
        for path in paths:
            inside = join(graph.path(controller.kind), _bare(base), _bare(path))
            prefix, unresolved = _prefix(application, verb, inside)
            for versioned in _versions(application, version):
                yield route(
                    sources,
                    verb,
                    join(prefix, versioned, "" if inside == "/" else inside),
                    handler,
                    Site(handler.module, handler.node),
                    "NestJS",
                    [*unresolved, *controller.unresolved, *unknown],
                )


def _bare(path: str) -> str:
    return "" if path == "/" else path


def _prefix(application: Application | None, method: str, path: str) -> tuple[str, list[str]]:
    if application is None or _excluded(application.excluded, method, path):
        return "", []
    paths, unresolved = _all(application.prefix)
    return _bare(paths[0]), unresolved


def _excluded(given: Value, method: str, path: str) -> bool:
    for entry in given if isinstance(given, list) else []:
        options = entry if isinstance(entry, Record) else Record({"path": entry})
        wanted, verb = options.properties.get("path"), options.properties.get("method", "ALL")
        if isinstance(wanted, str) and verb in {"ALL", method, Unknown("method")} and _covers(wanted, path):
            return True
    return False


def _covers(pattern: str, path: str) -> bool:
    expression = "".join(
        ".*" if part in {"(.*)", "*"} or part.startswith("*") else "[^/]+" if part.startswith(":") else re.escape(part)
        for part in re.split(r"(\(\.\*\)|\*\w*|:\w+)", pattern.strip("/"))
    )
    return re.fullmatch(expression, path.strip("/")) is not None


def _versions(application: Application | None, given: Value) -> list[str]:
    """The segments of URI versioning; [""] where there is none."""
    options = application.versioning if application is not None else Record()
    if not isinstance(options, Record) or _property(options, "type") not in {"URI", 0, None}:
        return [""]
    prefix = _property(options, "prefix")
    prefix = "" if prefix is False else prefix if isinstance(prefix, str) else "v"
    wanted = _property(options, "defaultVersion") if given is None else given
    versions = wanted if isinstance(wanted, list) else [wanted]
    return [
        f"{prefix}{version}" if isinstance(version, (str, int)) and version != NEUTRAL else "" for version in versions
    ]


def _nearest(applications: list[Application], path: str) -> list[Application | None]:
    """The application that lies nearest to a file: a repository may hold several."""
    if not applications:
        return [None]
    folders = path.split("/")

    def shared(application: Application) -> int:
        other = application.site.module.path.split("/")
        return next((at for at, (one, two) in enumerate(zip(folders, other, strict=False)) if one != two), 0)

    return [max(applications, key=shared)]


discoverer = _Nest()
