"""A Python program, read as far as its routes need: what module-level code, factories and loops make of its objects.

Nothing is imported or run. Modules are read when a name of theirs is needed; functions when they are called, or when
a discoverer asks for those that nobody calls. Both branches of an `if` are taken where its test is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.python import attributes, calls, expressions, statements
from accepted_apps.audit.discovery.python.modules import ModuleFinder
from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Import,
    Instance,
    Module,
    Scope,
    Unknown,
    Value,
)

_MOST_STEPS = 4_000_000
_MOST_STEPS_OF_A_STATEMENT = 200_000
_DEEPEST = 12
STEPS_OF_AN_INCLUDE = 200
"""Patterns and routers may hold each other in more ways than can be listed."""


class Program:
    """One for each discoverer and checkout: objects keep what was called on them."""

    def __init__(self, sources: SourceTree) -> None:
        self.sources = sources
        self.finder = ModuleFinder(sources)
        self.modules: dict[str, Module] = {}
        self.instances: list[Instance] = []
        self.called: set[int] = set()
        self.externals: Callable[[str], Value | None] = lambda _: None
        self.depth = 0
        self._steps = 0
        self._allowance = _MOST_STEPS_OF_A_STATEMENT

    # ── modules ──

    def load(self, path: str) -> Module:
        """Runs a file's module-level code, once; within a cycle of imports, what it has so far."""
        if path in self.modules:
            return self.modules[path]
        module = Module(path, self.finder.name_of(path))
        self.modules[path] = module
        if path.endswith(".py") and (tree := self.sources.python(path)):
            module.tree = tree
            module.scope.names["__name__"] = module.name
            module.scope.names["__file__"] = path
            before = self.depth, self._allowance
            for statement in tree.body:
                self.begin()
                self.run([statement], module.scope)
            self.depth, self._allowance = before
        return module

    def module_named(self, name: str, importer: str) -> Module | None:
        path = self.finder.find(name, importer)
        return self.load(path) if path else None

    def begin(self) -> None:
        """Grants as much work as a statement of a module may take."""
        self.depth, self._allowance = 0, _MOST_STEPS_OF_A_STATEMENT

    def member(self, module: Module, name: str) -> Value:
        """A name of a module, or its submodule. Unknown where it has neither."""
        if module.scope.names.get(name) is not None:
            return self.resolved(module.scope.names[name], module)
        return self._submodule(module, name)

    def _submodule(self, module: Module, name: str) -> Value:
        path = self.finder.below(module.path, name)
        return self.load(path) if path else Unknown(f"{module.name}.{name}")

    def resolved(self, value: Value, module: Module) -> Value:
        """An import is followed when its name is needed; modules may import a name from each other in a circle."""
        seen: set[int] = set()
        while isinstance(value, Import):
            found = self.load(value.path) if value.path else self.module_named(value.module, module.path)
            if found is None:
                return self.external(f"{value.module}.{value.name}" if value.name else value.module)
            if not value.name:
                return found
            held = found.scope.names.get(value.name)
            if id(value) in seen or held is None or held is value:
                # `from . import views` in a package names the submodule, not itself.
                return self._submodule(found, value.name)
            seen.add(id(value))
            value, module = held, found
        return value

    def external(self, name: str) -> Value:
        known = self.externals(name)
        return External(name) if known is None else known

    # ── running ──

    def run(self, body: Iterable[ast.stmt], scope: Scope) -> None:
        statements.run(self, body, scope)

    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        return expressions.value(self, node, scope)

    def attribute(self, owner: Value, name: str, written: str = "") -> Value:
        return attributes.attribute(self, owner, name, written)

    def call(self, callee: Value, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope) -> Value:
        return calls.call(self, callee, args, kwargs, node, scope)

    def step(self, steps: int = 1) -> bool:
        """Whether there is still work allowed. Says so, once, when there is not."""
        self._steps += steps
        self._allowance -= steps
        if self._steps > _MOST_STEPS:
            self.sources.note("The Python code is too much to be followed whole; some routes may be missing.")
            return False
        return True

    @property
    def too_much(self) -> bool:
        """Whether no more functions are followed: the statement calls too deep, or has called too many already."""
        return self.depth >= _DEEPEST or self._allowance < 0

    # ── what discoverers ask for ──

    def kinds(self, maker: Value) -> list[str]:
        """The full names of all external classes that something is made of, nearest first."""
        if isinstance(maker, Instance):
            return self.kinds(maker.maker)
        if isinstance(maker, External):
            return [maker.name]
        if isinstance(maker, Class):
            return [base.name for base in self.ancestry(maker) if isinstance(base, External)]
        return []

    def ancestry(self, cls: Class) -> list[Value]:
        """The class and its bases in the order in which Python looks for attributes."""
        return attributes.ancestry(self, cls)

    def functions(self) -> Iterable[Function]:
        """Functions and methods of the modules read so far, those of classes without `self`."""
        for module in list(self.modules.values()):
            for value in list(module.scope.names.values()):
                if isinstance(value, Function) and value.module is module:
                    yield value

    def classes(self) -> Iterable[Class]:
        for module in list(self.modules.values()):
            for value in list(module.scope.names.values()):
                if isinstance(value, Class) and value.module is module:
                    yield value
