"""Spring's routes that are made by calls: `RouterFunctions.route().GET("/x", handler::list).build()` and its kin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.java.code import Code
from accepted_apps.audit.discovery.java.constants import Folded, fold
from accepted_apps.audit.discovery.java.types import Method, Type, text
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.model import ANY

if TYPE_CHECKING:
    from tree_sitter import Node

_VERBS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
_JOINING = frozenset({"add", "and", "andOther"})
_DEEP = 300


@dataclass(frozen=True)
class Called:
    """method: ANY where none is said. handler: the expression; node: the call that declares the route."""

    method: str
    path: str
    unknown: tuple[str, ...]
    handler: Node | None
    node: Node
    kind: Type


@dataclass(frozen=True)
class _Predicate:
    method: str = ""
    path: str = ""
    unknown: tuple[str, ...] = ()


class Functional:
    """used: the methods whose routes are part of another's."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self.used: set[int] = set()

    def routes(self, method: Method) -> list[Called]:
        return self._of_method(method, 0)

    def handler(self, called: Called) -> tuple[Method | None, Node | None]:
        """The method that a handler's expression means, or the lambda itself."""
        node = called.handler
        if node is None:
            return None, None
        if node.type == "method_reference":
            parts = [child for child in node.named_children if child.type != "type_arguments"]
            owner, name = text(parts[0]), text(parts[-1])
            kind = called.kind if owner in {"this", "super"} else self._type_of(owner, node, called.kind)
            found = self._method(name, kind) if kind else None
            return found, None
        return None, node if node.type == "lambda_expression" else None

    def _of_method(self, method: Method, depth: int) -> list[Called]:
        body = method.node.child_by_field_name("body")
        found: list[Called] = []
        for node in _returns(body) if body is not None else []:
            found += self._of(node, method.owner, depth + 1)
        return found

    def _of(self, node: Node, kind: Type, depth: int) -> list[Called]:
        if depth > _DEEP:
            return []
        match node.type:
            case "method_invocation":
                return self._call(node, kind, depth)
            case "parenthesized_expression" | "cast_expression":
                return self._of(node.named_children[-1], kind, depth + 1)
            case "lambda_expression":
                return self._body(node.child_by_field_name("body"), kind, depth + 1)
            case "method_reference":
                found = self._method(text(node.named_children[-1]), kind)
                return self._used(found, depth) if found else []
            case "identifier":
                value = _local(node)
                return self._of(value, kind, depth + 1) if value is not None else []
            case "ternary_expression":
                return [each for child in node.named_children[1:] for each in self._of(child, kind, depth + 1)]
            case _:
                return []

    def _body(self, node: Node | None, kind: Type, depth: int) -> list[Called]:
        """Of a lambda: an expression, or a block whose statements add to the builder it is given."""
        if node is None or node.type != "block":
            return self._of(node, kind, depth) if node is not None else []
        found: list[Called] = []
        for child in node.named_children:
            if child.type in {"expression_statement", "return_statement"} and child.named_children:
                found += self._of(child.named_children[0], kind, depth)
        return found

    def _call(self, node: Node, kind: Type, depth: int) -> list[Called]:
        name, target = text(node.child_by_field_name("name")), node.child_by_field_name("object")
        given = [child for child in _arguments(node) if "comment" not in child.type]
        before = self._of(target, kind, depth + 1) if target is not None else []
        if name in _VERBS and given:
            return before + self._verb(name, node, given, kind, before)
        match name:
            case "route" | "andRoute" if len(given) >= 2:
                return before + [
                    Called(each.method or ANY, each.path or "", each.unknown, given[1], node, kind)
                    for each in self._predicates(given[0], kind)
                ]
            case "path" | "nest" | "andNest" if len(given) >= 2:
                inner = self._of(given[1], kind, depth + 1)
                at = self._place(given[0], kind) if name == "path" else self._predicates(given[0], kind)
                return before + [_under(prefix, each) for prefix in at for each in inner]
            case _ if name in _JOINING:
                return before + [each for value in given for each in self._of(value, kind, depth + 1)]
            case "route" | "build" | "filter" | "before" | "after" | "onError" | "withAttribute" | "resources":
                return before
            case _:
                return before or self._elsewhere(name, target, node, kind, depth)

    def _verb(self, name: str, node: Node, given: list[Node], kind: Type, before: list[Called]) -> list[Called]:
        handlers = [each for each in given if each.type in {"method_reference", "lambda_expression"}]
        if len(given) == 1 and not handlers and not before:
            return []  # a predicate, in some other place
        path = fold(given[0], kind, self._code) if given[0] not in handlers else Folded()
        if path.unknown and not path.known:
            at = self._predicates(given[0], kind)
        else:
            at = [_Predicate(path=path.known, unknown=tuple(path.unknown))]
        handler = handlers[0] if handlers else given[-1] if len(given) > 1 else None
        return [Called(name, each.path, each.unknown, handler, node, kind) for each in at]

    def _elsewhere(self, name: str, target: Node | None, node: Node, kind: Type, depth: int) -> list[Called]:
        owner = kind if target is None or text(target) == "this" else self._type_of(text(target), node, kind)
        found = self._method(name, owner) if owner else None
        return self._used(found, depth) if found is not None and found.returns.endswith("RouterFunction") else []

    def _used(self, method: Method, depth: int) -> list[Called]:
        self.used.add(method.node.id)
        return self._of_method(method, depth + 1)

    def _place(self, node: Node, kind: Type) -> list[_Predicate]:
        folded = fold(node, kind, self._code)
        return [_Predicate(path=folded.known, unknown=tuple(folded.unknown))]

    def _predicates(self, node: Node, kind: Type) -> list[_Predicate]:
        """What a predicate asks of method and path; [nothing] for one that asks something else."""
        if node.type == "parenthesized_expression":
            return self._predicates(node.named_children[0], kind)
        if node.type != "method_invocation":
            return [_Predicate()]
        name, given = text(node.child_by_field_name("name")), _arguments(node)
        target = node.child_by_field_name("object")
        if name in _VERBS and given:
            return [replace(each, method=name) for each in self._place(given[0], kind)]
        match name:
            case "path" | "pathPrefix" if given:
                return self._place(given[0], kind)
            case "method" if given:
                return [_Predicate(method=text(given[0]).rpartition(".")[2])]
            case "and" if given and target is not None:
                left, right = self._predicates(target, kind), self._predicates(given[0], kind)
                return [_both(one, two) for one in left for two in right]
            case "or" if given and target is not None:
                return self._predicates(target, kind) + self._predicates(given[0], kind)
            case _:
                return [_Predicate()]

    def _type_of(self, name: str, node: Node, kind: Type) -> Type | None:
        """The type of a variable: a parameter of the method or lambda around, a local one, or a field."""
        scope: Node | None = node
        while scope is not None:
            if scope.type in {"method_declaration", "constructor_declaration"}:
                parameters = scope.child_by_field_name("parameters")
                for child in parameters.named_children if parameters is not None else []:
                    if text(child.child_by_field_name("name")) == name:
                        return self._code.type(_bare(text(child.child_by_field_name("type"))), kind)
            scope = scope.parent
        plain = name.removeprefix("this.")
        return self._code.type(_bare(kind.fields.get(plain, plain)), kind)

    def _method(self, name: str, kind: Type) -> Method | None:
        for each in (kind, *self._code.ancestors(kind)):
            found = next((method for method in each.methods if method.name == name), None)
            if found is not None:
                return found
        return None


def _bare(kind: str) -> str:
    return kind.partition("<")[0].strip()


def _arguments(node: Node) -> list[Node]:
    given = node.child_by_field_name("arguments")
    return given.named_children if given is not None else []


def _both(one: _Predicate, two: _Predicate) -> _Predicate:
    return _Predicate(one.method or two.method, _joined(one.path, two.path), one.unknown + two.unknown)


def _joined(one: str, two: str) -> str:
    return join(one, two) if one and two else one or two


def _under(prefix: _Predicate, each: Called) -> Called:
    method = prefix.method if prefix.method and each.method == ANY else each.method
    return replace(each, method=method, path=_joined(prefix.path, each.path), unknown=prefix.unknown + each.unknown)


def _returns(body: Node) -> list[Node]:
    """What a method's own return statements give."""
    found: list[Node] = []
    waiting = list(body.named_children)
    while waiting:
        node = waiting.pop(0)
        if node.type == "return_statement" and node.named_children:
            found.append(node.named_children[0])
        elif node.type not in {"lambda_expression", "class_body"}:
            waiting += node.named_children
    return found


def _local(node: Node) -> Node | None:
    """What the variable of that name was given where it is declared in the same block or one around it."""
    name, scope = text(node), node.parent
    while scope is not None and scope.type != "class_body":
        for child in scope.named_children if scope.type == "block" else []:
            for part in child.named_children if child.type == "local_variable_declaration" else []:
                if part.type == "variable_declarator" and text(part.child_by_field_name("name")) == name:
                    return part.child_by_field_name("value")
        scope = scope.parent
    return None
