"""What an expression can be worth while its program is read and not run.

JavaScript's strings, numbers and booleans are Python's, arrays are lists, null and undefined are None; a value that
only a run would tell is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tree_sitter import Node

    from accepted_apps.audit.discovery.javascript.interpreter import Module, Scope

Value = Any


@dataclass(frozen=True)
class Unknown:
    """text: the expression, for a sentence to the user; empty where it says nothing."""

    text: str = ""


@dataclass(frozen=True)
class Partial:
    """A string of which some parts are unknown."""

    parts: tuple[str | Unknown, ...]


@dataclass(frozen=True)
class RegExp:
    source: str


@dataclass(eq=False)
class Record:
    """An object by its properties. `more`: looked up where a property is missing (`export *`)."""

    properties: dict[str, Value] = field(default_factory=dict)
    more: list[Callable[[str], Value]] = field(default_factory=list)
    of_modules: bool = False


@dataclass(eq=False)
class Function:
    """A function of the repository. owner: the class whose method it is.

    wraps: what it was made of by a call such as `catchAsync(handler)`.
    """

    node: Node
    scope: Scope
    module: Module
    name: str = ""
    owner: str = ""
    wraps: Function | None = None
    this: Value = None


@dataclass(frozen=True)
class Method:
    node: Node
    kind: str  # method, get or set
    decorations: tuple[Value, ...] = ()


@dataclass(eq=False)
class Class:
    node: Node
    scope: Scope
    module: Module
    name: str
    base: Value = None
    methods: dict[str, Method] = field(default_factory=dict)
    statics: dict[str, Value] = field(default_factory=dict)
    decorations: list[Value] = field(default_factory=list)

    def find(self, name: str) -> tuple[Class, Method] | None:
        """A method of this class or of those that it extends."""
        for kind in self.lineage():
            if name in kind.methods:
                return kind, kind.methods[name]
        return None

    def lineage(self) -> list[Class]:
        """This class and those that it extends, the nearest first."""
        line: list[Class] = []
        kind: Value = self
        while isinstance(kind, Class) and kind not in line:
            line.append(kind)
            kind = kind.base
        return line


@dataclass(eq=False)
class Instance(Record):
    kind: Class | None = None


@dataclass(frozen=True)
class Site:
    """Where something is called."""

    module: Module
    node: Node

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1


Arguments = list[Value]


@dataclass(eq=False)
class Native:
    """A function that is not the repository's."""

    name: str
    run: Callable[[Arguments, Site], Value]


def native(name: str, way: Callable[[Arguments], Value]) -> Native:
    """One that does not care where it is called."""
    return Native(name, lambda given, _site: way(given))


def first(given: Arguments) -> Value:
    return given[0] if given else None


class Host:
    """An object of a framework. properties: what the program itself has put there."""

    def __init__(self) -> None:
        self.properties: dict[str, Value] = {}

    def member(self, name: str) -> Value:
        """What the framework gives by that name; `()` is the object called as a function."""
        return Unknown(name)


@dataclass(eq=False)
class Lazy:
    """What is read from another file only when it is used."""

    force: Callable[[], Value]


def truth(value: Value) -> bool | None:
    """As JavaScript takes it for a condition; None where it is not known."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Partial):
        return True
    if isinstance(value, (list, Record, Function, Class, Native, Host, RegExp)):
        return True
    return bool(value)


def concatenated(parts: list[Value]) -> Value:
    """The string that the parts make: str, Partial, or Unknown where nothing of it is known."""
    flat: list[str | Unknown] = []
    for part in parts:
        flat += part.parts if isinstance(part, Partial) else [part if isinstance(part, Unknown) else as_text(part)]
    if all(isinstance(part, str) for part in flat):
        return "".join(part for part in flat if isinstance(part, str))
    if not any(isinstance(part, str) and part for part in flat):
        return next(part for part in flat if isinstance(part, Unknown))
    return Partial(tuple(flat))


def as_text(value: Value) -> str | Unknown:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case list() if all(isinstance(item, str) for item in value):
            return ",".join(value)
        case RegExp():
            return value.source
        case _:
            return Unknown()
