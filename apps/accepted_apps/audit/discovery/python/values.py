"""What the interpreter knows of a program's objects.

Text, numbers, None, lists, tuples and dicts are themselves. All else is one of these.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Value = Any
"""A str, int, float, bool, None, list, tuple, dict, or an object of this module."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(eq=False, repr=False)
class Unknown:
    """What the code does not tell, and how it is written there."""

    written: str = ""


class Partial(str):
    """Text of which parts are missing; `missing` is how these are written in the code."""

    __slots__ = ("missing",)
    missing: tuple[str, ...]

    def __new__(cls, text: str, missing: tuple[str, ...]) -> Partial:
        made = super().__new__(cls, text)
        made.missing = missing
        return made


def missing(value: Value) -> tuple[str, ...]:
    if isinstance(value, Partial):
        return value.missing
    return (value.written,) if isinstance(value, Unknown) else ()


@dataclass(eq=False, repr=False)
class External:
    """Something that is not in the repository, by its full name: `fastapi.APIRouter`."""

    name: str


@dataclass(eq=False, repr=False)
class Import:
    """A name whose module is read only when it is needed. name: empty for the module itself.

    path: of the module's file, where a relative import tells it.
    """

    module: str
    name: str = ""
    path: str = ""


@dataclass(eq=False, repr=False)
class Scope:
    """Names and their values. held: names that the other branch of an `if` has set already, which stay as they are."""

    module: Module
    parent: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    owner: Class | None = None
    returned: list[tuple[Value, bool]] = field(default_factory=list)

    def chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(eq=False, repr=False)
class Module:
    """A file of the repository. name: as it was first imported."""

    path: str
    name: str
    tree: ast.Module | None = None
    scope: Scope = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.scope = Scope(self)


@dataclass(eq=False, repr=False)
class Function:
    """decorators: nearest to the function first. bound: what the first parameter is, for a method."""

    node: FunctionNode
    scope: Scope
    owner: Class | None = None
    decorators: list[Value] = field(default_factory=list)
    bound: Value = None
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def module(self) -> Module:
        return self.scope.module


@dataclass(eq=False, repr=False)
class Class:
    """A class of the repository. Its attributes and bases are evaluated when they are asked for.

    namesake: what its name meant before, for a class that is called like a base of its own.
    """

    node: ast.ClassDef
    scope: Scope
    attributes: dict[str, Value] = field(default_factory=dict)
    decorators: list[Value] = field(default_factory=list)
    outer: Class | None = None
    namesake: Value = None

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def module(self) -> Module:
        return self.scope.module


@dataclass(eq=False, repr=False)
class Method:
    """An attribute that the repository does not define: `app.get`, `SomeView.as_view`, `router.urls`."""

    owner: Instance | Class
    name: str


@dataclass(eq=False, repr=False)
class Instance:
    """What a call gave. maker: the class, or what outside the repository was called.

    calls: of methods that the repository does not define, in their order. applied: what it was put on as a decorator.
    """

    maker: External | Class | Method
    args: list[Value]
    kwargs: dict[str, Value]
    module: Module
    node: ast.AST
    attributes: dict[str, Value] = field(default_factory=dict)
    calls: list[Instance] = field(default_factory=list)
    applied: list[Value] = field(default_factory=list)

    def argument(self, at: int | None, name: str, default: Value = None) -> Value:
        """By keyword, or by position from 0."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[at] if at is not None and at < len(self.args) else default

    @property
    def line(self) -> int:
        return getattr(self.node, "lineno", 1)


@dataclass(eq=False, repr=False)
class Native:
    """A function of a library of which is known what it gives. give: from the arguments, by place and by name."""

    give: Callable[[list[Value], dict[str, Value]], Value]


@dataclass(eq=False, repr=False)
class Super:
    """`super()` in a method of `owner`."""

    instance: Value
    owner: Class


@dataclass(eq=False, repr=False)
class BuiltIn:
    """A method of text, a list or a dict."""

    owner: Value
    name: str
