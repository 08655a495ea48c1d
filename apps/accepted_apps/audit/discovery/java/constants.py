"""Strings that are known without running: literals, their sums, and static fields of any class."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.java.code import Code
from accepted_apps.audit.discovery.java.types import Type, text

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEP = 25
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


@dataclass(frozen=True)
class Folded:
    """known: the string without its unknown parts; unknown: those, as they are written."""

    known: str = ""
    unknown: list[str] = field(default_factory=list)


def strings(node: Node | None, kind: Type, code: Code) -> list[Folded]:
    """One for each element of an array, or one; none for no node."""
    if node is None:
        return []
    if node.type in {"element_value_array_initializer", "array_initializer"}:
        return [found for child in node.named_children for found in strings(child, kind, code)]
    if node.type == "array_creation_expression":
        return strings(node.child_by_field_name("value"), kind, code)
    return [] if "comment" in node.type else [fold(node, kind, code)]


def fold(node: Node, kind: Type, code: Code, depth: int = 0) -> Folded:
    if depth < _DEEP:
        match node.type:
            case "string_literal":
                return Folded(_literal(node))
            case "binary_expression" if text(node.child_by_field_name("operator")) == "+":
                sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
                return _sum([fold(side, kind, code, depth + 1) for side in sides if side is not None])
            case "parenthesized_expression":
                return fold(node.named_children[0], kind, code, depth + 1)
            case "decimal_integer_literal" | "character_literal":
                return Folded(text(node).strip("'"))
            case "identifier":
                return _found(_named(text(node), kind, code), node, code, depth)
            case "field_access" | "scoped_identifier":
                owner, _, name = text(node).replace(" ", "").rpartition(".")
                found = kind if owner == "this" else code.type(owner, kind)
                return _found(_member(name, found, code) if found else None, node, code, depth)
            case _:
                pass
    return Folded(unknown=[text(node)])


def _found(found: tuple[Node, Type] | None, node: Node, code: Code, depth: int) -> Folded:
    return Folded(unknown=[text(node)]) if found is None else fold(*found, code, depth + 1)


def _sum(parts: list[Folded]) -> Folded:
    return Folded("".join(part.known for part in parts), [each for part in parts for each in part.unknown])


def _named(name: str, kind: Type, code: Code) -> tuple[Node, Type] | None:
    """A field by its bare name: of the type, of those around it, or imported."""
    scope: Type | None = kind
    while scope is not None:
        found = _member(name, scope, code)
        if found is not None:
            return found
        scope = scope.outer
    owners = [kind.unit.statics[name]] if name in kind.unit.statics else kind.unit.static_stars
    for owner in owners:
        imported = code.qualified(owner, kind)
        found = _member(name, imported, code) if imported else None
        if found is not None:
            return found
    return None


def _member(name: str, kind: Type, code: Code) -> tuple[Node, Type] | None:
    for each in (kind, *code.ancestors(kind)):
        if name in each.constants:
            return each.constants[name], each
    return None


def _literal(node: Node) -> str:
    written = text(node)
    if written.startswith('"""'):
        lines = written[3:-3].split("\n", 1)[-1].split("\n")
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        written = "\n".join(line[indent:].rstrip() for line in lines)
    else:
        written = written[1:-1]
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _LETTERS.get(found[2], found[2]), written)
