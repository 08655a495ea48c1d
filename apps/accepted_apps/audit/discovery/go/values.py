"""What expressions of a Go program can be for somebody who looks for routes; everything else is `UNKNOWN`."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Node

    from .program import File

RouterFramework = Literal["Gin", "Echo"]


class Value:
    """Anything; by itself, something of which nothing is known."""

    @property
    def key(self) -> Hashable:
        """The same for values with which a function would do the same."""
        return None


UNKNOWN = Value()


@dataclass(frozen=True, slots=True)
class Type(Value):
    """A type, not a value of it. place: the package's folder, or the import path of one outside. items: of a list."""

    place: str
    name: str
    inside: bool = True
    items: Type | None = None


@dataclass(frozen=True, slots=True)
class Text(Value):
    """A string. unresolved: a sentence for each part that could not be told, and that the text lacks."""

    text: str
    unresolved: tuple[str, ...] = ()

    @property
    def key(self) -> Hashable:
        return (self.text, self.unresolved)


@dataclass(frozen=True, slots=True)
class Router(Value):
    """An engine or a group: what routes are registered at."""

    framework: RouterFramework
    prefix: str = ""
    unresolved: tuple[str, ...] = ()

    @property
    def key(self) -> Hashable:
        return (self.framework, self.prefix, self.unresolved)


@dataclass(frozen=True, slots=True)
class RouterMethod(Value):
    router: Router
    name: str


@dataclass(frozen=True, slots=True)
class Outside(Value):
    """A package that is not of the repository, or a name in one."""

    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Package(Value):
    folder: str


@dataclass(eq=False, slots=True)
class Struct(Value):
    type: Type | None
    fields: dict[str, Value] = field(default_factory=dict)

    @property
    def key(self) -> Hashable:
        return id(self)


@dataclass(frozen=True, slots=True)
class Instance(Value):
    """A value of which only the type is known."""

    type: Type

    @property
    def key(self) -> Hashable:
        return self.type


@dataclass(eq=False, slots=True)
class Items(Value):
    """A list, or a map as pairs of key and value."""

    items: list[Value]
    keys: list[Value] | None = None

    @property
    def key(self) -> Hashable:
        return id(self)


@dataclass(frozen=True, slots=True)
class Several(Value):
    """What a function with several results returns."""

    items: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Function(Value):
    """A function, a method bound to its receiver, or a literal with the variables around it."""

    node: Node
    file: File
    name: str = ""
    owner: str = ""
    receiver: Value | None = None
    around: Variables | None = None

    @property
    def key(self) -> Hashable:
        return (self.file.path, self.node.start_byte, self.receiver.key if self.receiver else None)


@dataclass(frozen=True, slots=True)
class Made(Value):
    """What a call returned of which nothing is known but the function, and those that it was given."""

    by: Function | None
    of: tuple[Function, ...] = ()


@dataclass(eq=False, slots=True)
class Variables:
    names: dict[str, Value]
    around: Variables | None = None

    def get(self, name: str) -> Value | None:
        scope: Variables | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.around
        return None

    def put(self, name: str, value: Value) -> bool:
        """Assigns where the name is declared; False where it is not."""
        scope: Variables | None = self
        while scope is not None:
            if name in scope.names:
                scope.names[name] = value
                return True
            scope = scope.around
        return False


def carries_router(value: Value, depth: int = 4) -> bool:
    if isinstance(value, Router):
        return True
    if depth <= 0:
        return False
    if isinstance(value, Struct):
        return any(carries_router(each, depth - 1) for each in value.fields.values())
    if isinstance(value, Items):
        return any(carries_router(each, depth - 1) for each in value.items[:50])
    return isinstance(value, Function) and value.receiver is not None and carries_router(value.receiver, depth - 1)
