"""All the JavaScript and TypeScript of a checkout, walked through once for both of its frameworks."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.javascript import library
from accepted_apps.audit.discovery.javascript.environment import Environment
from accepted_apps.audit.discovery.javascript.interpreter import Exhausted, Interpreter, Module, Scope
from accepted_apps.audit.discovery.javascript.modules import SUFFIXES, Resolver
from accepted_apps.audit.discovery.javascript.nesting import Nest
from accepted_apps.audit.discovery.javascript.routers import Express, Router, routers_only
from accepted_apps.audit.discovery.javascript.syntax import root, text
from accepted_apps.audit.discovery.javascript.values import (
    Arguments,
    Class,
    Function,
    Instance,
    Record,
    Site,
    Unknown,
    Value,
    first,
    native,
)

_FRAMES = 6_000
_STEPS = 2_500_000
_MENTIONS = ("express", "Router", "@nestjs/", "router", "app", "server", "App")
_EXPRESS = re.compile(r"""["']express["']|express-promise-router|["']express-ws["']""")
_NEST = re.compile(r"NestFactory|@Controller|@Module|RouterModule|registerAs\b")
_BUNDLE = re.compile(
    r"(^|/)(public|static|assets|wwwroot|bower_components)/|\.min\.js$|(^|/)webpack|gulpfile|gruntfile|\.d\.ts$",
    re.IGNORECASE,
)
_ROUTER_NAME = re.compile(r"^_?(app|router|server|api|application|express|expressApp|apiRouter|routes?|r)$")
_ROUTER_TYPE = re.compile(r"^(express\.|core\.|e\.)?(Express|Application|Router|IRouter|Server)$")
_REGISTERS = re.compile(r"\.\s*(?:get|post|put|patch|delete|all|use|route)\s*\(")
_STARTS = re.compile(
    rf"{_REGISTERS.pattern}|\.listen\(|\bnew \w*(?:App|Application|Server)\b|\b(?:bootstrap|start\w*)\("
)
_MAKES = re.compile(r"\bRouter\(")
_LOADS = re.compile(r"\brequire\(|\.use\(")
_MAKES_AN_APPLICATION = re.compile(r"\bexpress\(\s*\)")


class Program:
    """routers: all that were made. classes: all that were declared. nest: its applications.

    Building one takes the time; `program_of` does it once for a checkout.
    """

    def __init__(self, sources: SourceTree) -> None:
        self.sources = sources
        self._resolver = Resolver(sources)
        self._modules: dict[str, Module] = {}
        self._used: set[str] = set()
        self.follows_all_imports = True
        environment = Environment(sources, self._resolver)
        self.routers: list[Router] = []
        self.nest = Nest(environment)
        express = Express(self.routers)
        self._packages: dict[str, Value] = {
            "express": express,
            "express-promise-router": routers_only(self.routers, "Router"),
            "@awaitjs/express": Record({"addAsync": native("addAsync", first)}),
            "express-ws": native("express-ws", lambda given: Record({"app": first(given)})),
            "fs": library.fs_module(sources.all_files),
            **self.nest.packages,
        }
        self._interpreter = Interpreter(
            load=self._load,
            outside=self._outside,
            environment=environment,
            files=sources.all_files,
            steps=_STEPS,
        )
        self.nest.instance = self._interpreter.instance
        self.nest.call = self._interpreter.call
        self.nest.member = self._interpreter.member
        with _deep_calls():
            self._walk()

    @property
    def classes(self) -> list[Class]:
        return self._interpreter.classes

    def uses(self, path: str) -> bool:
        """Whether another file takes something from this one."""
        return path in self._used or not self.follows_all_imports

    def value_of(self, record: Record, name: str) -> Value:
        return self._interpreter.member(record, name)

    def _walk(self) -> None:
        files = [path for path in self.sources.mentioning(*_MENTIONS, suffixes=SUFFIXES) if not _BUNDLE.search(path)]
        starts = [path for path in files if _matters(self.sources.text(path) or "")]
        homes = {self._resolver.home(path) for path in starts}
        try:
            for path in starts:
                self._module(path)
            for path in files:
                if path.endswith((".tsx", ".jsx")):
                    continue
                if self._resolver.home(path) in homes and _STARTS.search(self.sources.text(path) or ""):
                    self._module(path)
            self._unused(homes)
        except RecursionError:
            self.sources.note(
                "Some JavaScript of this repository is nested too deeply to follow; routes may be missing."
            )
        except Exhausted:
            self.sources.note(
                "The JavaScript of this repository takes more steps to follow than are allowed; routes may be missing."
            )

    def _module(self, path: str) -> Module:
        if path not in self._modules:
            module = self._modules[path] = Module(path, Scope())
            if path.endswith(".json"):
                module.record.properties["exports"] = _json(self.sources.text(path) or "")
            else:
                tree = root(self.sources, path)
                if tree is not None:
                    self._interpreter.run(tree, module)
        return self._modules[path]

    def _load(self, written: str, importer: str) -> Module | None:
        path = self._resolver.resolve(written, importer)
        if path is None or path == importer:
            return None
        self._used.add(path)
        return self._module(path)

    def _outside(self, name: str, importer: str) -> Value:
        if not name:
            self.follows_all_imports = False
        name = name.removeprefix("node:")
        match name:
            case "path":
                return library.path_module(self._resolver.home(importer))
            case "glob" | "fast-glob" | "globby" | "tiny-glob":
                return library.glob_module(self.sources.all_files, self._resolver.home(importer))
            case "process":
                home = "/" + self._resolver.home(importer)
                return Record({"cwd": native("cwd", lambda _given: home)})
            case "url":
                return Record({"fileURLToPath": native("fileURLToPath", _to_path)})
            case _:
                return self._packages.get(name)

    def _unused(self, homes: set[str]) -> None:
        """Functions that take a router, and classes that make one, but that nothing in the repository calls."""
        self._start(homes)
        for function in list(self._interpreter.functions.values()):
            if function.node.id not in self._interpreter.called and self._resolver.home(function.module.path) in homes:
                self._offer(function)
        self._make(homes)
        extended = {id(kind.base) for kind in self.classes}
        for kind in list(self.classes):
            if kind.node.id in self._interpreter.called or id(kind) in extended or not _registers(kind):
                continue
            made = self._interpreter.instance(kind, Site(kind.module, kind.node))
            self._offer_to_methods(kind, made)

    def _start(self, homes: set[str]) -> None:
        """Calls functions that make an application, in files of which nothing was called: a test or a boot may.

        Those that load most come first: an application may have others in it.
        """
        waiting = [
            function
            for path, functions in self._by_file().items()
            if self._resolver.home(path) in homes and not self._any_called(functions)
            for function in functions
            if _MAKES_AN_APPLICATION.search(text(function.node)) and _REGISTERS.search(text(function.node))
        ]
        for function in sorted(waiting, key=lambda each: -len(_LOADS.findall(text(each.node)))):
            if function.node.id not in self._interpreter.called:
                self._interpreter.call(function, [], Site(function.module, function.node))

    def _by_file(self) -> dict[str, list[Function]]:
        found: dict[str, list[Function]] = {}
        for function in self._interpreter.functions.values():
            found.setdefault(function.module.path, []).append(function)
        return found

    def _any_called(self, functions: list[Function]) -> bool:
        return any(function.node.id in self._interpreter.called for function in functions)

    def _make(self, homes: set[str]) -> None:
        """Calls functions that make a router, in used files of which nothing was called: a container may."""
        for path, functions in self._by_file().items():
            if self._resolver.home(path) not in homes or not self.uses(path) or self._any_called(functions):
                continue
            for function in functions:
                if _MAKES.search(text(function.node)) and function.node.id not in self._interpreter.called:
                    self._interpreter.call(function, [], Site(function.module, function.node))

    def _offer_to_methods(self, kind: Class, made: Instance) -> None:
        for each in kind.lineage():
            for name, method in each.methods.items():
                if method.node.id in self._interpreter.called or name == "constructor" or method.kind == "get":
                    continue
                bound = self._interpreter.member(made, name)
                if isinstance(bound, Function) and not self._offer(bound) and _REGISTERS.search(text(method.node)):
                    parameters = method.node.child_by_field_name("parameters")
                    if parameters is not None and not parameters.named_children:
                        self._interpreter.call(bound, [], Site(bound.module, bound.node))

    def _offer(self, function: Function) -> bool:
        """Calls a function that registers routes on a parameter, with a router of whose place nothing is known."""
        several = function.node.child_by_field_name("parameters")
        single = function.node.child_by_field_name("parameter")
        parameters = [single] if single is not None else several.named_children if several is not None else []
        given: Arguments = []
        made: list[Router] = []
        for parameter in parameters:
            pattern = parameter.child_by_field_name("pattern") or parameter
            kind = text(parameter.child_by_field_name("type")).lstrip(": ")
            names = [text(child) for child in pattern.named_children] if pattern.type == "object_pattern" else []
            inside = {name: self._given(name, "", function, made) for name in names if name.isidentifier()}
            given.append(Record(inside) if names else self._given(text(pattern), kind, function, made))
        if not made:
            return False
        self._interpreter.call(function, given, Site(function.module, function.node))
        self.routers += made
        return True

    def _given(self, name: str, kind: str, function: Function, made: list[Router]) -> Value:
        """A router for a parameter that is one by its type or name, and on which something is called."""
        is_router = bool(_ROUTER_TYPE.match(kind)) if kind else bool(_ROUTER_NAME.match(name))
        if not is_router or not re.search(rf"\b{re.escape(name)}\s*\.\s*\w+\s*\(", text(function.node)):
            return Unknown(name)
        made.append(Router("given", Site(function.module, function.node)))
        return made[-1]


@contextmanager
def _deep_calls() -> Iterator[None]:
    """A chain of calls takes several frames for each link, and some programs are one chain."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


_programs: WeakKeyDictionary[SourceTree, Program] = WeakKeyDictionary()


def program_of(sources: SourceTree) -> Program:
    if sources not in _programs:
        _programs[sources] = Program(sources)
    return _programs[sources]


def _matters(written: str) -> bool:
    return bool(_EXPRESS.search(written) or _NEST.search(written))


def _registers(kind: Class) -> bool:
    return bool(re.search(r"Router\(|express\(|\.router\b", text(kind.node)) and _REGISTERS.search(text(kind.node)))


def _to_path(given: Arguments) -> Value:
    return given[0].removeprefix("file://") if given and isinstance(given[0], str) else Unknown()


def _json(written: str) -> Value:
    try:
        read = json.loads(written)
    except (ValueError, RecursionError):
        return Unknown()
    return _as_value(read)


def _as_value(read: Value) -> Value:
    if isinstance(read, dict):
        return Record({key: _as_value(value) for key, value in read.items()})
    return [_as_value(item) for item in read] if isinstance(read, list) else read
