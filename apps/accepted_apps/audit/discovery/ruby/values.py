"""What Ruby expressions of a routes file are worth: Python's str, list, dict, bool and None, and the kinds below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tree_sitter import Node


class Symbol(str):
    """`:name`; like the string in all but what a route makes of it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant's name whose value is not in the routes: a class, mostly."""

    name: str


@dataclass(frozen=True, slots=True)
class Answerer:
    """A lambda, a redirect, or whatever answers without a controller. what: how it is written."""

    what: str


class _Unknown:
    __slots__ = ()

    def __bool__(self) -> bool:
        return False


UNKNOWN = _Unknown()

Names = dict[str, Any]


def text_of(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def line_of(node: Node) -> int:
    return node.start_point[0] + 1


def children(node: Node | None) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"] if node is not None else []


class Evaluator:
    """Works out an expression. unresolved: is told the source of what could not be told and stands in a text."""

    def __init__(self, constants: Names, unresolved: Callable[[str], None]) -> None:
        self.constants = constants
        self._unresolved = unresolved

    def value(self, node: Node | None, names: Names) -> Any:
        if node is None:
            return None
        handler = getattr(self, f"_{node.type}", None)
        return handler(node, names) if handler else UNKNOWN

    def arguments(self, node: Node | None, names: Names) -> tuple[list[Any], dict[str, Any]]:
        """Those by position, and those by name; a hash written at the end is the latter too."""
        by_position: list[Any] = []
        by_name: dict[Any, Any] = {}
        for child in children(node):
            if child.type == "pair":
                key, value = self._of_pair(child, names)
                by_name[key] = value
            elif child.type == "hash_splat_argument":
                spread = self.value(children(child)[0] if children(child) else None, names)
                by_name |= spread if isinstance(spread, dict) else {}
            elif child.type == "splat_argument":
                spread = self.value(children(child)[0] if children(child) else None, names)
                by_position += spread if isinstance(spread, list) else [spread]
            elif child.type != "block_argument":
                by_position.append(self.value(child, names))
        if by_position and isinstance(by_position[-1], dict):
            by_name = by_position.pop() | by_name
        return by_position, by_name

    def _of_pair(self, node: Node, names: Names) -> tuple[Any, Any]:
        key_node = node.child_by_field_name("key")
        value_node = node.child_by_field_name("value")
        if key_node is not None and key_node.type == "hash_key_symbol":
            key: Any = Symbol(text_of(key_node))
        else:
            key = self.value(key_node, names)
        if value_node is None:  # `only:` is short for `only: only`
            return key, names.get(str(key), UNKNOWN)
        value = self.value(value_node, names)
        return (Constant("?") if key is UNKNOWN else key if isinstance(key, str | Constant) else str(key)), value

    def _simple_symbol(self, node: Node, _names: Names) -> Any:
        return Symbol(text_of(node).removeprefix(":"))

    def _delimited_symbol(self, node: Node, names: Names) -> Any:
        return Symbol(self._string(node, names))

    def _bare_symbol(self, node: Node, _names: Names) -> Any:
        return Symbol(text_of(node))

    def _string(self, node: Node, names: Names) -> str:
        return "".join(self._part(child, names) for child in node.named_children)

    _bare_string = _string
    _heredoc_body = _string

    def _chained_string(self, node: Node, names: Names) -> str:
        return "".join(self._string(child, names) for child in node.named_children)

    def _part(self, node: Node, names: Names) -> str:
        if node.type != "interpolation":
            return text_of(node)
        inner = children(node)
        value = self.value(inner[0], names) if inner else ""
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        self._unresolved(text_of(inner[0]) if inner else "")
        return ""

    def _array(self, node: Node, names: Names) -> list[Any]:
        by_position, by_name = self.arguments(node, names)
        return [*by_position, *([by_name] if by_name else [])]

    def _string_array(self, node: Node, names: Names) -> list[Any]:
        return [self.value(child, names) for child in children(node)]

    _symbol_array = _string_array

    def _hash(self, node: Node, names: Names) -> dict[str, Any]:
        return self.arguments(node, names)[1]

    def _integer(self, node: Node, _names: Names) -> Any:
        written = text_of(node).replace("_", "")
        return int(written) if written.isdigit() else UNKNOWN

    def _true(self, _node: Node, _names: Names) -> bool:
        return True

    def _false(self, _node: Node, _names: Names) -> bool:
        return False

    def _nil(self, _node: Node, _names: Names) -> None:
        return None

    def _identifier(self, node: Node, names: Names) -> Any:
        return names.get(text_of(node), UNKNOWN)

    def _constant(self, node: Node, _names: Names) -> Any:
        return self.constants.get(text_of(node).rpartition("::")[2], Constant(text_of(node).removeprefix("::")))

    _scope_resolution = _constant

    def _lambda(self, node: Node, _names: Names) -> Any:
        return Answerer(text_of(node))

    def _parenthesized_statements(self, node: Node, names: Names) -> Any:
        inner = children(node)
        return self.value(inner[-1], names) if inner else None

    def _conditional(self, node: Node, names: Names) -> Any:
        """The first branch that is known: which is taken depends on the surroundings."""
        for field in ("consequence", "alternative"):
            value = self.value(node.child_by_field_name(field), names)
            if value is not UNKNOWN:
                return value
        return UNKNOWN

    def _binary(self, node: Node, names: Names) -> Any:
        left = self.value(node.child_by_field_name("left"), names)
        right = self.value(node.child_by_field_name("right"), names)
        operator = text_of(node.child_by_field_name("operator"))
        if operator == "+" and type(left) in {str, list, Symbol} and isinstance(right, str | list):
            return left + right if isinstance(left, str) == isinstance(right, str) else UNKNOWN
        if operator == "-" and isinstance(left, list) and isinstance(right, list):
            return [each for each in left if each not in right]
        if operator == "||":
            return right if left is UNKNOWN or not left else left
        return UNKNOWN

    def _call(self, node: Node, names: Names) -> Any:
        method = text_of(node.child_by_field_name("method"))
        receiver_node = node.child_by_field_name("receiver")
        if receiver_node is None:
            if method in {"redirect", "proc", "lambda"}:
                return Answerer(text_of(node))
            return names.get(method, UNKNOWN)
        by_position, _ = self.arguments(node.child_by_field_name("arguments"), names)
        written = text_of(receiver_node)
        if written == "ENV" and method == "fetch" and len(by_position) > 1:
            return by_position[1]
        receiver = self.value(receiver_node, names)
        if method in {"freeze", "dup", "html_safe", "presence", "to_a", "itself", "with_indifferent_access"}:
            return receiver
        return _method(receiver, method, by_position)


def _method(receiver: Any, method: str, arguments: list[Any]) -> Any:
    if isinstance(receiver, str):
        simple: dict[str, Any] = {
            "to_s": str(receiver),
            "to_sym": Symbol(receiver),
            "downcase": receiver.lower(),
            "upcase": receiver.upper(),
            "underscore": receiver.replace("-", "_").lower(),
            "dasherize": receiver.replace("_", "-"),
            "strip": receiver.strip(),
        }
        if method in simple:
            return simple[method]
        if method == "tr" and len(arguments) == 2 and all(isinstance(each, str) for each in arguments):
            return receiver.replace(arguments[0], arguments[1])
    if isinstance(receiver, dict) and method in {"keys", "values"}:
        return list(getattr(receiver, method)())
    if isinstance(receiver, list):
        if method == "map" and not arguments:
            return receiver
        if method == "join" and all(isinstance(each, str) for each in receiver):
            return (arguments[0] if arguments and isinstance(arguments[0], str) else "").join(receiver)
    return UNKNOWN


def strings(value: Any) -> list[str]:
    """The names in what may be one, a list of them, or nothing."""
    if isinstance(value, str):
        return [value]
    return [each for item in value for each in strings(item)] if isinstance(value, list) else []


def walk(node: Node) -> Iterator[Node]:
    """All nodes below, from top to bottom, without recursion."""
    left = [node]
    while left:
        current = left.pop()
        yield current
        left.extend(reversed(current.named_children))
