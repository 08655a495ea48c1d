"""Functions of five languages in one form: what they call, in which loops, and what they await.

Places are offsets into the file's UTF-8 bytes, which Python's `ast` and tree-sitter both count in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

_WORD: Final = re.compile(r"\b\w+\b")


@dataclass(frozen=True, slots=True)
class Span:
    """start, end: bytes; line, end_line: from 1."""

    start: int
    end: int
    line: int
    end_line: int

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


@dataclass(slots=True)
class Loop:
    """variables: what each turn gets; over: the text of what is gone through. bounded: a `while`, or over numbers."""

    span: Span
    body: Span
    variables: tuple[str, ...]
    over: str
    counting: bool = False


@dataclass(slots=True)
class Call:
    """name: the last word of what is called. target: the text before it (`Order.objects`), empty for a plain function.

    chained: whether something is called on its result. awaited: directly. statement: the one it stands in.
    """

    span: Span
    name: str
    target: str
    arguments: tuple[str, ...]
    text: str
    statement: Span
    loops: tuple[Loop, ...] = ()
    chained: bool = False
    awaited: bool = False

    @property
    def path(self) -> str:
        return f"{self.target}.{self.name}" if self.target else self.name


@dataclass(slots=True)
class Catch:
    """A handler of exceptions. empty: it does nothing at all. broad: it takes every kind. name: of the exception."""

    span: Span
    body: Span
    broad: bool
    empty: bool
    name: str = ""


@dataclass(slots=True)
class Bound:
    """A statement that keeps what one awaited call brings: `name = await call`."""

    statement: Span
    names: tuple[str, ...]
    text: str
    call: str
    declared: str = ""
    """`const`, `let` or `var`, in JavaScript."""


@dataclass
class Function:
    """One function, method or lambda. span: with its decorators. awaits: bound ones by the block they stand in."""

    name: str
    file: str
    language: str
    span: Span
    is_async: bool
    parameters: tuple[str, ...] = ()
    calls: list[Call] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    catches: list[Catch] = field(default_factory=list)
    strings: list[tuple[Span, str]] = field(default_factory=list)
    awaits: list[list[Bound]] = field(default_factory=list)
    complexity: int = 1
    owner: str = ""
    """The class that it is of."""


@dataclass
class Code:
    """A file: its bytes, and the functions in it."""

    file: str
    language: str
    source: bytes
    functions: list[Function] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        return self.source.decode("utf-8", "replace")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def at(self, span: Span) -> str:
        return self.source[span.start : span.end].decode("utf-8", "replace")

    def excerpt(self, first: int, last: int) -> str:
        return "\n".join(self.lines[first - 1 : last])

    def mentions(self, *words: str) -> bool:
        return any(word in self.text for word in words)


def names_in(text: str) -> set[str]:
    return set(_WORD.findall(text))
