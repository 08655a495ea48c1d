"""Functions of JavaScript, TypeScript, Java, Go and Ruby, by tree-sitter: one walk, told apart by tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .code import Bound, Call, Catch, Code, Function, Loop, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


@dataclass(frozen=True)
class _Grammar:
    functions: frozenset[str]
    classes: frozenset[str]
    loops: frozenset[str]
    calls: frozenset[str]
    branches: frozenset[str]
    logic: frozenset[str]
    strings: frozenset[str]
    catches: frozenset[str]
    statements: frozenset[str]
    each: frozenset[str]
    """Methods that call their function once for each element."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_JS: Final = _Grammar(
    functions=_set("function_declaration function_expression arrow_function method_definition generator_function"),
    classes=_set("class_declaration class"),
    loops=_set("for_statement for_in_statement while_statement do_statement"),
    calls=_set("call_expression new_expression"),
    branches=_set(
        "if_statement ternary_expression for_statement for_in_statement while_statement do_statement switch_case"
        " catch_clause"
    ),
    logic=_set("&& || ??"),
    strings=_set("string template_string"),
    catches=_set("catch_clause"),
    statements=_set(
        "expression_statement lexical_declaration variable_declaration return_statement if_statement for_statement"
        " for_in_statement while_statement throw_statement try_statement"
    ),
    each=_set("forEach map flatMap filter reduce some every"),
)
_JAVA: Final = _Grammar(
    functions=_set("method_declaration constructor_declaration"),
    classes=_set("class_declaration interface_declaration record_declaration"),
    loops=_set("for_statement enhanced_for_statement while_statement do_statement"),
    calls=_set("method_invocation object_creation_expression"),
    branches=_set(
        "if_statement ternary_expression for_statement enhanced_for_statement while_statement do_statement switch_label"
        " catch_clause"
    ),
    logic=_set("&& ||"),
    strings=_set("string_literal"),
    catches=_set("catch_clause"),
    statements=_set(
        "expression_statement local_variable_declaration return_statement if_statement for_statement"
        " enhanced_for_statement while_statement throw_statement try_statement"
    ),
    each=_set("forEach map flatMap filter anyMatch allMatch"),
)
_GO: Final = _Grammar(
    functions=_set("function_declaration method_declaration func_literal"),
    classes=frozenset(),
    loops=_set("for_statement"),
    calls=_set("call_expression"),
    branches=_set("if_statement for_statement expression_case type_case communication_case"),
    logic=_set("&& ||"),
    strings=_set("interpreted_string_literal raw_string_literal"),
    catches=frozenset(),
    statements=_set(
        "expression_statement short_var_declaration var_declaration assignment_statement return_statement if_statement"
        " for_statement go_statement defer_statement"
    ),
    each=frozenset(),
)
_RUBY: Final = _Grammar(
    functions=_set("method singleton_method"),
    classes=_set("class module"),
    loops=_set("for while until while_modifier until_modifier"),
    calls=_set("call"),
    branches=_set("if elsif unless conditional while until for when rescue if_modifier unless_modifier while_modifier"),
    logic=_set("&& || and or"),
    strings=_set("string"),
    catches=_set("rescue"),
    statements=_set("assignment call if unless return for while"),
    each=_set("each each_with_index each_with_object map flat_map collect select reject sum find_each each_slice"),
)
_GRAMMARS: Final = {
    "javascript": _JS,
    "typescript": _JS,
    "tsx": _JS,
    "java": _JAVA,
    "go": _GO,
    "ruby": _RUBY,
}
_BROAD: Final = re.compile(r"\b(Exception|Throwable|StandardError)\b")
_NESTED: Final = 400


def read_tree(file: str, language: str, text: str, tree: Tree) -> Code:
    code = Code(file, language, text.encode())
    _Reader(code, _GRAMMARS[language]).collect(tree.root_node, "", 0)
    return code


class _Reader:
    def __init__(self, code: Code, grammar: _Grammar) -> None:
        self._code, self._grammar = code, grammar

    def collect(self, node: Node, owner: str, depth: int) -> None:
        if depth > _NESTED:
            return
        if node.type in self._grammar.functions:
            self._code.functions.append(self._function(node, owner))
        if node.type in self._grammar.classes:
            owner = self._field(node, "name") or owner
        for child in node.named_children:
            self.collect(child, owner, depth + 1)

    def text(self, node: Node | None) -> str:
        return "" if node is None else self._code.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _field(self, node: Node, name: str) -> str:
        return self.text(node.child_by_field_name(name))

    @staticmethod
    def span(node: Node) -> Span:
        return Span(node.start_byte, node.end_byte, node.start_point.row + 1, node.end_point.row + 1)

    def _function(self, node: Node, owner: str) -> Function:
        name = self._field(node, "name")
        if not name and node.parent is not None:
            name = {
                "variable_declarator": self._field(node.parent, "name"),
                "pair": self._field(node.parent, "key"),
                "assignment_expression": self._field(node.parent, "left").rpartition(".")[2],
                "public_field_definition": self._field(node.parent, "name"),
            }.get(node.parent.type, "")
        if node.type == "method_declaration" and self._code.language == "go":
            owner = re.sub(r".*[\s*]|[()]", "", self._field(node, "receiver").split("[")[0])
        function = Function(
            name,
            self._code.file,
            self._code.language,
            self.span(node),
            any(child.type == "async" for child in node.children),
            owner=owner,
        )
        given = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        if given is not None:
            function.parameters = tuple(self._identifiers(given))
        body = node.child_by_field_name("body")
        if body is not None:
            self._visit(body, function, (), self.span(body), 0)
            self._blocks(body, function, 0)
        return function

    def _visit(self, node: Node, function: Function, loops: tuple[Loop, ...], statement: Span, depth: int) -> None:
        kind, grammar = node.type, self._grammar
        if depth > _NESTED or (kind in grammar.functions and not self._runs_inside(node)):
            return
        if kind in grammar.statements and (kind != "call" or node.parent is None or "body" in node.parent.type):
            statement = self.span(node)
        if not node.is_named:  # words and signs; Ruby's `if` and `while` are called as the statements are
            function.complexity += kind in grammar.logic
            return
        function.complexity += kind in grammar.branches
        if kind in grammar.strings:
            function.strings.append((self.span(node), self.text(node).strip("`'\"")))
        if kind in grammar.catches:
            function.catches.append(self._catch(node))
        if kind in grammar.loops:
            self._loop(node, function, loops, statement, depth)
            return
        if kind in grammar.calls:
            each = self._call(node, function, loops, statement)
            if each is not None:
                self._each(node, each, function, loops, statement, depth)
                return
        for child in node.children:
            self._visit(child, function, loops, statement, depth + 1)

    def _runs_inside(self, node: Node) -> bool:
        """A function that is called for each element, or handed to what runs it at once, is part of this one."""
        return (
            node.type in {"arrow_function", "function_expression"}
            and node.parent is not None
            and (node.parent.type == "arguments")
        )

    # ── loops ──

    def _loop(self, node: Node, function: Function, loops: tuple[Loop, ...], statement: Span, depth: int) -> None:
        body = node.child_by_field_name("body")
        variables, over, counting = self._head(node)
        loop = Loop(self.span(node), self.span(body or node), variables, over, counting)
        function.loops.append(loop)
        for child in node.children:
            inside = (*loops, loop) if body is not None and child.id == body.id else loops
            self._visit(child, function, inside, statement, depth + 1)

    def _head(self, node: Node) -> tuple[tuple[str, ...], str, bool]:
        match node.type:
            case "for_in_statement":  # JavaScript
                return self._bound_by(node.child_by_field_name("left")), self._field(node, "right"), False
            case "enhanced_for_statement":
                return self._bound_by(node.child_by_field_name("name")), self._field(node, "value"), False
            case "for" if self._code.language == "ruby":
                return self._bound_by(node.child_by_field_name("pattern")), self._field(node, "value"), False
            case "for_statement" if self._code.language == "go":
                clause = next((one for one in node.named_children if one.type == "range_clause"), None)
                if clause is not None:
                    over = self._field(clause, "right")
                    return self._bound_by(clause.child_by_field_name("left")), over, over.isdigit()
        return (), "", True

    def _bound_by(self, node: Node | None) -> tuple[str, ...]:
        return () if node is None else tuple(one for one in self._identifiers(node) if one != "_")

    def _identifiers(self, node: Node) -> list[str]:
        if node.type in {"identifier", "shorthand_property_identifier_pattern", "property_identifier"}:
            return [self.text(node)]
        if node.type in {"type_annotation", "type_identifier"}:
            return []
        return [name for child in node.named_children for name in self._identifiers(child)]

    def _each(
        self, node: Node, each: Node, function: Function, loops: tuple[Loop, ...], statement: Span, depth: int
    ) -> None:
        """`things.forEach((thing) => …)`, `things.each do |thing| … end`."""
        given = each.child_by_field_name("parameters") or each.child_by_field_name("parameter")
        body = each.child_by_field_name("body") or each
        over = self.text(node.child_by_field_name("object") or node.child_by_field_name("receiver"))
        called = node.child_by_field_name("function")
        if called is not None:
            over = self._field(called, "object")
        loop = Loop(self.span(node), self.span(body), self._bound_by(given), over)
        function.loops.append(loop)
        function.complexity += 1
        for child in node.children:
            if child.start_byte <= each.start_byte and each.end_byte <= child.end_byte:
                self._visit(body, function, (*loops, loop), statement, depth + 1)
            else:
                self._visit(child, function, loops, statement, depth + 1)

    # ── calls ──

    def _call(self, node: Node, function: Function, loops: tuple[Loop, ...], statement: Span) -> Node | None:
        """Enter a call. Its function, where it calls that once for each element."""
        name, target = self._called(node)
        if not name:
            return None
        arguments = node.child_by_field_name("arguments")
        given = [one for one in arguments.named_children if one.type != "comment"] if arguments is not None else []
        parent = node.parent
        chained = parent is not None and _is_called_on(node, parent)
        function.calls.append(
            Call(
                self.span(node),
                name,
                target,
                tuple(self.text(one) for one in given),
                self.text(node),
                statement,
                loops,
                chained=chained,
                awaited=parent is not None and parent.type == "await_expression",
            )
        )
        # In Java, an Optional has most of these methods as well.
        of_one = self._code.language == "java" and name != "forEach" and "tream(" not in target
        if name not in self._grammar.each or of_one:
            return None
        block = node.child_by_field_name("block")
        if block is not None:
            return block
        kinds = {"arrow_function", "function_expression", "lambda_expression"}
        return next((one for one in given if one.type in kinds), None)

    def _called(self, node: Node) -> tuple[str, str]:
        match node.type:
            case "method_invocation":
                return self._field(node, "name"), self._field(node, "object")
            case "object_creation_expression":
                return self._field(node, "type"), "new"
            case "new_expression":
                return self._field(node, "constructor"), "new"
            case "call":
                return self._field(node, "method"), self._field(node, "receiver")
        called = node.child_by_field_name("function")
        if called is None:
            return "", ""
        match called.type:
            case "member_expression":
                return self._field(called, "property"), self._field(called, "object")
            case "selector_expression":
                return self._field(called, "field"), self._field(called, "operand")
            case "identifier":
                return self.text(called), ""
        return "", ""

    # ── exceptions and awaits ──

    def _catch(self, node: Node) -> Catch:
        body = node.child_by_field_name("body")
        inside = [] if body is None else [one for one in body.named_children if "comment" not in one.type]
        head = self.text(node)[: (body.start_byte - node.start_byte) if body is not None else None]
        broad = self._code.language in {"javascript", "typescript", "tsx"} or bool(_BROAD.search(head))
        broad = broad or (self._code.language == "ruby" and node.child_by_field_name("exceptions") is None)
        names = re.findall(r"(?:=>\s*|\()?(?:\w[\w.|\s]*\s)?(\w+)\s*\)?\s*$", head.strip())
        said = "comment" in "".join(one.type for one in (body.named_children if body is not None else ()))
        empty = (
            not inside and not said
            if self._code.language != "ruby"
            else body is None or self.text(body).strip() in {"", "nil", "then"}
        )
        return Catch(self.span(node), self.span(body or node), broad, empty, names[0] if names else "")

    def _blocks(self, node: Node, function: Function, depth: int) -> None:
        if depth > _NESTED:
            return
        run: list[Bound] = []
        for child in node.named_children:
            bound = self._bound_await(child)
            if bound is not None:
                run.append(bound)
                continue
            if run:
                function.awaits.append(run)
                run = []
            if child.type not in self._grammar.functions:
                self._blocks(child, function, depth + 1)
        if run:
            function.awaits.append(run)

    def _bound_await(self, node: Node) -> Bound | None:
        """`const name = await call();`"""
        if node.type != "lexical_declaration" or len(node.named_children) != 1:
            return None
        declarator = node.named_children[0]
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        if name is None or value is None or value.type != "await_expression" or declarator.child_by_field_name("type"):
            return None
        awaited = value.named_children[0] if value.named_children else None
        if awaited is None or awaited.type != "call_expression":
            return None
        names = tuple(self._identifiers(name))
        return Bound(self.span(node), names, self.text(name), self.text(awaited), self.text(node.children[0]))


def _is_called_on(node: Node, parent: Node) -> bool:
    """Whether something is called on the result of a call, and not only read of it."""
    first = parent.named_children[0] if parent.named_children else None
    if first is None or first.id != node.id:
        return False
    if parent.type in {"member_expression", "selector_expression"}:
        called = parent.parent.child_by_field_name("function") if parent.parent is not None else None
        return called is not None and called.id == parent.id
    return parent.type in {"method_invocation", "call"}
