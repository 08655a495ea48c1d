"""One call of a Go function: its statements in their order, and what its expressions are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .library import concatenated, router_of
from .program import File, literal, text_of
from .values import (
    UNKNOWN,
    Function,
    Instance,
    Items,
    Package,
    Router,
    Several,
    Struct,
    Text,
    Type,
    Value,
    Variables,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from .run import Run

_ITEMS_AT_MOST = 2_000


class Frame:
    """One call of a function."""

    def __init__(self, run: Run, file: File) -> None:
        self._run = run
        self._file = file
        self.returned: list[Value] = []

    def run(self, node: Node, scope: Variables) -> None:
        if not self._run.step():
            return
        handler = _STATEMENTS.get(node.type)
        if handler is not None:
            handler(self, node, scope)
        elif node.type in _SCOPES:
            inner = Variables({}, scope)
            for child in node.named_children:
                self.run(child, inner)
        elif node.type.endswith(("_statement", "_list", "_declaration", "_case", "_clause")):
            for child in node.named_children:
                self.run(child, scope)
        else:
            self.value(node, scope)

    def _return(self, node: Node, scope: Variables) -> None:
        listed = [child for child in node.named_children if child.type == "expression_list"]
        values = [self.value(each, scope) for each in (listed[0].named_children if listed else ())]
        if values:
            self.returned.append(values[0] if len(values) == 1 else Several(tuple(values)))

    def _declare(self, node: Node, scope: Variables) -> None:
        names = [text_of(each) for each in node.children_by_field_name("name")]
        value = node.child_by_field_name("value")
        if value is None:
            type_ = self._run.program.type_of(node.child_by_field_name("type"), self._file)
            values = [self._empty(type_)] * len(names)
        else:
            values = self._values(value, scope, len(names))
        scope.names.update(zip(names, values, strict=False))

    def _empty(self, type_: Type | None) -> Value:
        if type_ and type_.name == "[]":
            return Items([])
        if type_ and not router_of(type_, "") and self._run.program.declared_type(type_):
            return Instance(type_) if self._run.program.is_interface(type_) else Struct(type_)
        return self._run.of_type(type_, "")

    def _values(self, node: Node, scope: Variables, wanted: int) -> list[Value]:
        nodes = node.named_children if node.type == "expression_list" else [node]
        values = [self.value(each, scope) for each in nodes if each.type != "comment"]
        if len(values) == 1 and wanted > 1:
            only = values[0]
            values = list(only.items) if isinstance(only, Several) else [only]
        elif len(values) == 1 and isinstance(values[0], Several):
            values = [values[0].items[0]] if values[0].items else [UNKNOWN]
        return values + [UNKNOWN] * (wanted - len(values))

    def _assign(self, node: Node, scope: Variables) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        targets = [each for each in left.named_children if each.type != "comment"]
        values = self._values(right, scope, len(targets))
        if text_of(node.child_by_field_name("operator")) == "+=" and targets:
            values = [concatenated(self.value(targets[0], scope), values[0], node)]
        for target, value in zip(targets, values, strict=False):
            self._put(target, value, scope, declares=node.type == "short_var_declaration")

    def _put(self, target: Node, value: Value, scope: Variables, *, declares: bool) -> None:
        if target.type == "identifier":
            name = text_of(target)
            if declares:
                scope.names[name] = value
            elif not scope.put(name, value):
                self._run.set_global(self._file, name, value)
        elif target.type == "selector_expression":
            of = self.value(target.child_by_field_name("operand"), scope)
            name = text_of(target.child_by_field_name("field"))
            if isinstance(of, Package):
                self._run.set_global(_file_of(self._run, of), name, value)
            else:
                self._run.set_field(of, name, value)
        elif target.type == "index_expression":
            of = self.value(target.child_by_field_name("operand"), scope)
            if isinstance(of, Items) and len(of.items) < _ITEMS_AT_MOST:
                index = self.value(target.child_by_field_name("index"), scope)
                of.items.append(value)
                if of.keys is not None:
                    of.keys.append(index)

    def _if(self, node: Node, scope: Variables) -> None:
        inner = Variables({}, scope)
        start = node.child_by_field_name("initializer")
        if start is not None:
            self.run(start, inner)
        condition = node.child_by_field_name("condition")
        decided = self._decided(condition, inner)
        for name, taken in (("consequence", decided is not False), ("alternative", decided is not True)):
            branch = node.child_by_field_name(name)
            if branch is not None and taken:
                self.run(branch, inner)

    def _decided(self, node: Node | None, scope: Variables) -> bool | None:
        if node is None:
            return None
        if node.type != "binary_expression" or text_of(node.child_by_field_name("operator")) not in {"==", "!="}:
            self.value(node, scope)
            return None
        left = self.value(node.child_by_field_name("left"), scope)
        right = self.value(node.child_by_field_name("right"), scope)
        if not isinstance(left, Text) or not isinstance(right, Text) or left.unresolved or right.unresolved:
            return None
        return (left.text == right.text) == (text_of(node.child_by_field_name("operator")) == "==")

    def _for(self, node: Node, scope: Variables) -> None:
        body = node.child_by_field_name("body")
        clause = next((each for each in node.named_children if each.type == "range_clause"), None)
        if body is None:
            return
        inner = Variables({}, scope)
        if clause is None:
            for child in node.named_children:
                self.run(child, inner)
            return
        over = self.value(clause.child_by_field_name("right"), scope)
        left = clause.child_by_field_name("left")
        names = [text_of(each) for each in left.named_children] if left is not None else []
        if not isinstance(over, Items):
            item = over.type.items if isinstance(over, Instance) else None
            inner.names.update(zip(names, [UNKNOWN, self._run.of_type(item, "")], strict=False))
            self.run(body, inner)
            return
        keys: list[Value] = over.keys if over.keys is not None else [UNKNOWN] * len(over.items)
        for pair in list(zip(keys, over.items, strict=False))[:_ITEMS_AT_MOST]:
            inner = Variables(dict(zip(names, pair, strict=False)), scope)
            self.run(body, inner)

    def _switch(self, node: Node, scope: Variables) -> None:
        inner = Variables({}, scope)
        start = node.child_by_field_name("initializer")
        if start is not None:
            self.run(start, inner)
        on_node = node.child_by_field_name("value")
        on = self.value(on_node, inner) if on_node is not None else UNKNOWN
        cases = [each for each in node.named_children if each.type in {"expression_case", "default_case", "type_case"}]
        taken = [each for each in cases if self._is_taken(each, on, inner)]
        if isinstance(on, Text) and not on.unresolved and len(taken) > 1:
            taken = [each for each in taken if each.type != "default_case"]
        for case in taken:
            chosen = Variables({}, inner)
            values = case.child_by_field_name("value")
            for child in case.named_children:
                if child != values:
                    self.run(child, chosen)

    def _is_taken(self, case: Node, on: Value, scope: Variables) -> bool:
        listed = case.child_by_field_name("value")
        if case.type != "expression_case" or listed is None or not isinstance(on, Text) or on.unresolved:
            return True
        values = [self.value(each, scope) for each in listed.named_children]
        return any(not isinstance(each, Text) or each.text == on.text for each in values)

    # Expressions

    def value(self, node: Node | None, scope: Variables) -> Value:
        if node is None or not self._run.step():
            return UNKNOWN
        written = literal(node)
        if written is not None:
            return Text(written)
        handler = _EXPRESSIONS.get(node.type)
        if handler is not None:
            return handler(self, node, scope)
        for child in node.named_children:
            self.value(child, scope)
        return UNKNOWN

    def _identifier(self, node: Node, scope: Variables) -> Value:
        name = text_of(node)
        found = scope.get(name)
        return found if found is not None else self._run.named(name, self._file)

    def _selector(self, node: Node, scope: Variables) -> Value:
        of = self.value(node.child_by_field_name("operand"), scope)
        return self._run.member(of, text_of(node.child_by_field_name("field")))

    def _inner(self, node: Node, scope: Variables) -> Value:
        children = [child for child in node.named_children if child.type != "comment"]
        return self.value(children[0], scope) if children else UNKNOWN

    def _asserted(self, node: Node, scope: Variables) -> Value:
        known = self.value(node.child_by_field_name("operand"), scope)
        if isinstance(known, Router | Struct | Function):
            return known
        type_ = self._run.program.type_of(node.child_by_field_name("type"), self._file)
        return self._run.of_type(type_, f"What stands as {text_of(node)} is not told.")

    def _binary(self, node: Node, scope: Variables) -> Value:
        left = self.value(node.child_by_field_name("left"), scope)
        right = self.value(node.child_by_field_name("right"), scope)
        if text_of(node.child_by_field_name("operator")) != "+":
            return UNKNOWN
        return concatenated(left, right, node) if isinstance(left, Text) or isinstance(right, Text) else UNKNOWN

    def _index(self, node: Node, scope: Variables) -> Value:
        of = self.value(node.child_by_field_name("operand"), scope)
        index_node = node.child_by_field_name("index")
        index = self.value(index_node, scope)
        if isinstance(of, Items):
            written = text_of(index_node)
            if of.keys is None and written.isdigit() and int(written) < len(of.items):
                return of.items[int(written)]
            for key, item in zip(of.keys or (), of.items, strict=False):
                if isinstance(key, Text) and isinstance(index, Text) and key.text == index.text:
                    return item
        if isinstance(of, Instance) and of.type.items:
            return self._run.of_type(of.type.items, "")
        return of if isinstance(of, Function) else UNKNOWN

    def _closure(self, node: Node, scope: Variables) -> Value:
        return Function(node, self._file, around=scope)

    def _call(self, node: Node, scope: Variables) -> Value:
        function_node = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        nodes = [each for each in (listed.named_children if listed is not None else ()) if each.type != "comment"]
        name = text_of(function_node)
        if name in {"new", "make", "append"} and nodes:
            return self._built_in(name, nodes, scope)
        function = self.value(function_node, scope)
        arguments = [each for argument in nodes for each in self._argument(argument, scope)]
        if len(arguments) == 1 and isinstance(arguments[0], Several):
            arguments = list(arguments[0].items)
        return self._run.call(function, node, arguments, self._file)

    def _argument(self, node: Node, scope: Variables) -> list[Value]:
        if node.type == "variadic_argument":
            spread = self._inner(node, scope)
            return spread.items if isinstance(spread, Items) else [spread]
        return [self.value(node, scope)]

    def _built_in(self, name: str, nodes: list[Node], scope: Variables) -> Value:
        if name == "append":
            values = [each for node in nodes[1:] for each in self._argument(node, scope)]
            start = self.value(nodes[0], scope)
            return Items([*(start.items if isinstance(start, Items) else ()), *values][:_ITEMS_AT_MOST])
        type_ = self._run.program.type_of(nodes[0], self._file)
        if nodes[0].type == "map_type":
            return Items([], [])
        if type_ is None and nodes[0].type == "identifier":
            type_ = Type(self._file.folder, text_of(nodes[0]))
        return self._empty(type_)

    def _composite(self, node: Node, scope: Variables) -> Value:
        type_node = node.child_by_field_name("type")
        body = node.child_by_field_name("body")
        if type_node is None or body is None:
            return UNKNOWN
        return self._literal_value(body, type_node, scope)

    def _literal_value(self, body: Node, type_node: Node, scope: Variables) -> Value:
        if type_node.type in {"slice_type", "array_type", "implicit_length_array_type", "map_type"}:
            inner = type_node.child_by_field_name("element") or type_node.child_by_field_name("value")
            return self._items(body, inner, scope, is_map=type_node.type == "map_type")
        type_ = self._run.program.type_of(type_node, self._file)
        declared = self._run.program.declared_type(type_) if type_ else None
        if declared:
            meant = declared.node.child_by_field_name("type")
            if meant is not None and meant.type in {"slice_type", "map_type"}:
                inner = meant.child_by_field_name("element") or meant.child_by_field_name("value")
                return self._items(body, inner, scope, is_map=meant.type == "map_type")
        return self._struct(body, type_, type_node, scope)

    def _struct(self, body: Node, type_: Type | None, type_node: Node, scope: Variables) -> Value:
        struct = Struct(type_)
        names = [name for name, _, _ in self._run.program.fields(type_)] if type_ else _inline_fields(type_node)
        for index, element in enumerate(each for each in body.named_children if each.type != "comment"):
            if element.type == "keyed_element":
                parts = [each for each in element.named_children if each.type != "comment"]
                if len(parts) == 2:
                    self._run.set_field(struct, text_of(parts[0]), self._element(parts[1], None, scope))
            elif index < len(names):
                self._run.set_field(struct, names[index], self._element(element, None, scope))
        for value in struct.fields.values():
            if isinstance(value, Function) and value.node.type == "func_literal" and not _holds_a_path(struct):
                self._run.run_function(value, [])
        return struct

    def _items(self, body: Node, inner: Node | None, scope: Variables, *, is_map: bool) -> Items:
        found = Items([], [] if is_map else None)
        for element in body.named_children[:_ITEMS_AT_MOST]:
            if element.type == "keyed_element":
                parts = [each for each in element.named_children if each.type != "comment"]
                if len(parts) != 2:
                    continue
                if found.keys is not None:
                    found.keys.append(self._element(parts[0], None, scope))
                found.items.append(self._element(parts[1], inner, scope))
            elif element.type != "comment":
                found.items.append(self._element(element, inner, scope))
        return found

    def _element(self, node: Node, inner: Node | None, scope: Variables) -> Value:
        """An element of a composite literal; inner: the type that a bare `{…}` has."""
        if node.type == "literal_element" and node.named_children:
            node = node.named_children[0]
        if node.type == "literal_value" and inner is not None:
            bare = inner.named_children[0] if inner.type == "pointer_type" and inner.named_children else inner
            return self._literal_value(node, bare, scope)
        return self.value(node, scope)


def _inline_fields(type_node: Node) -> list[str]:
    if type_node.type != "struct_type":
        return []
    return [
        text_of(name)
        for listed in type_node.named_children
        for each in listed.named_children
        for name in each.children_by_field_name("name")
    ]


def _holds_a_path(struct: Struct) -> bool:
    """Whether it holds a path: then the functions in it answer requests, and are not run now."""
    return any(isinstance(each, Text) and each.text.startswith("/") for each in struct.fields.values())


def _file_of(run: Run, package: Package) -> File:
    return run.program.package(package.folder).files[0]


_SCOPES = {"block"}
_STATEMENTS = {
    "return_statement": Frame._return,
    "var_spec": Frame._declare,
    "const_spec": Frame._declare,
    "short_var_declaration": Frame._assign,
    "assignment_statement": Frame._assign,
    "if_statement": Frame._if,
    "for_statement": Frame._for,
    "expression_switch_statement": Frame._switch,
    "type_switch_statement": Frame._switch,
}
_EXPRESSIONS = {
    "identifier": Frame._identifier,
    "type_identifier": Frame._identifier,
    "selector_expression": Frame._selector,
    "parenthesized_expression": Frame._inner,
    "unary_expression": Frame._inner,
    "type_assertion_expression": Frame._asserted,
    "binary_expression": Frame._binary,
    "index_expression": Frame._index,
    "func_literal": Frame._closure,
    "call_expression": Frame._call,
    "composite_literal": Frame._composite,
}
