"""Small helpers for the syntax trees of JavaScript and TypeScript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
    }
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_TYPESCRIPT = (".ts", ".mts", ".cts")


def root(sources: SourceTree, path: str) -> Node | None:
    """The tree of a file; JavaScript that is not plain (Flow, types) is read as TypeScript."""
    if path.endswith(_TYPESCRIPT):
        tree = sources.syntax(path, "typescript")
        return tree.root_node if tree else None
    tree = sources.syntax(path, "tsx" if path.endswith(".tsx") else "javascript")
    if tree and tree.root_node.has_error and not path.endswith(".tsx"):
        typed = sources.syntax(path, "tsx")
        tree = typed if typed and not typed.root_node.has_error else tree
    return tree.root_node if tree else None


def language(path: str) -> str:
    return "typescript" if path.endswith((*_TYPESCRIPT, ".tsx")) else "javascript"


def text(node: Node | None) -> str:
    return node.text.decode() if node and node.text is not None else ""


def unescaped(node: Node) -> str:
    """What an escape_sequence of a string stands for."""
    written = text(node)[1:]
    code = re.fullmatch(r"u\{?([0-9a-fA-F]+)\}?|x([0-9a-fA-F]{2})", written)
    if code:
        number = int(code[1] or code[2], 16)
        return chr(number) if number < 0x110000 else ""
    return _ESCAPES.get(written, written)


def decorators(node: Node) -> list[Node]:
    """Those of a class or of a member of one: they stand in it, before it, or before the `export` around it."""
    found = [child for child in node.children if child.type == "decorator"]
    before = node.prev_named_sibling
    while before is not None and before.type in {"decorator", "comment"}:
        found += [before] if before.type == "decorator" else []
        before = before.prev_named_sibling
    if node.parent is not None and node.parent.type == "export_statement":
        found += [child for child in node.parent.children if child.type == "decorator"]
    return sorted(set(found), key=lambda each: each.start_byte)


def lines(node: Node) -> tuple[int, int]:
    """The first line of a declaration, with its decorators, and its last; from 1."""
    first = min([node, *decorators(node)], key=lambda each: each.start_byte)
    return first.start_point.row + 1, node.end_point.row + 1
