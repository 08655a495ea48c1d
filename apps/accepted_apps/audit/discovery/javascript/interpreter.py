"""Walks the code of modules with values of which some are unknown.

Both ways of a condition that is not known are taken, a loop over what is not known is taken once, and a call of a
function of the repository is followed. So a router that a factory makes, or that a loop mounts, is found as it would be
made. There is a budget for everything: what is beyond it is `Unknown`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.javascript import library
from accepted_apps.audit.discovery.javascript.syntax import FUNCTIONS, decorators, text, unescaped
from accepted_apps.audit.discovery.javascript.values import (
    Arguments,
    Class,
    Function,
    Host,
    Instance,
    Lazy,
    Method,
    Native,
    Record,
    RegExp,
    Site,
    Unknown,
    Value,
    concatenated,
    truth,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_CALLS_DEEP = 40
_SAME_FUNCTION = 3
_ITEMS = 600
_TURNS = 100
_STEPS_OF_A_MODULE = 800_000
_STEPS_OF_A_CALL = 20_000
_PART_OF_A_CALL = 0.3
_PART_OF_ROUTING = 0.9
_OF_ROUTES = re.compile(rb"[rR]outer?s?\b|\bapp\b|express|mount|Controller")
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_FIELDS = frozenset({"public_field_definition", "field_definition"})
_WRAPPERS = frozenset({"as_expression", "satisfies_expression", "non_null_expression", "await_expression"})
_WRAPPERS_OF_ONE = frozenset({"parenthesized_expression", "yield_expression", "instantiation_expression"})
_MAY_DECLARE_ROUTES = re.compile(
    rb"\.\s*(?:use|get|post|put|patch|delete|all|route|setGlobalPrefix|create)\b|require\s*\(|import\s*\(|[rR]oute|\bapp\b"
)
_OF_A_REQUEST = re.compile(r"^_?(req|request|ctx|context|socket)$")
_STARTS = re.compile(rb"require\s*\(|import\s*\(|\.listen\s*\(")
_INJECTORS = frozenset({"get", "resolve", "getInstance"})
_EMPTY = object()


class Exhausted(Exception):
    """The budget of steps is used up."""


class Returned(Exception):
    """A function has come to its end."""


@dataclass(eq=False)
class Scope:
    parent: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)

    def lookup(self, name: str) -> Value:
        """The value of a name; `_EMPTY` for one that nothing declares."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                value = scope.names[name]
                if isinstance(value, Lazy):
                    scope.names[name] = Unknown(name)  # for circles
                    value = scope.names[name] = value.force()
                return value
            scope = scope.parent
        return _EMPTY

    def assign(self, name: str, value: Value) -> None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                scope.names[name] = value
                return
            scope = scope.parent
        self.names[name] = value


@dataclass(eq=False)
class Frame:
    """One call. returned: what its `return`s may give, in their order."""

    returned: list[Value] = field(default_factory=list)
    unsure: int = 0


@dataclass(eq=False)
class Module:
    path: str
    scope: Scope
    record: Record = field(default_factory=lambda: Record({"exports": Record(of_modules=True)}))

    @property
    def exports(self) -> Value:
        return self.record.properties["exports"]

    @property
    def named(self) -> Record:
        """Where `export` puts its names."""
        exports = self.exports
        return exports if isinstance(exports, Record) else Record()

    def exported(self, name: str) -> Value:
        exports = self.exports
        if name == "*":
            return exports
        if name == "default" and not (isinstance(exports, Record) and exports.of_modules and has(exports, "default")):
            return exports if not (isinstance(exports, Record) and exports.of_modules) else Unknown(name)
        return property_of(exports, name)


class Interpreter:
    """load: the module that an import in a file means. outside: what a package, not the repository's, exports to it."""

    def __init__(
        self,
        *,
        load: Callable[[str, str], Module | None],
        outside: Callable[[str, str], Value],
        environment: Callable[[str, str], Value],
        files: library.Files,
        steps: int,
    ) -> None:
        self._load, self._outside, self._environment, self.files = load, outside, environment, files
        # What a module takes is put aside: it is not counted against the one that imports it.
        self._steps, self._aside, self._floor = steps, 0, 0
        self._frames: list[Frame] = [Frame()]
        self._active: dict[int, int] = {}
        self._routing: dict[int, bool] = {}
        self._globals = Record()
        self.called: set[int] = set()
        self.functions: dict[int, Function] = {}
        self.classes: list[Class] = []
        self._statements: dict[str, Callable[[Node, Scope, Module], None]] = {
            "expression_statement": self._expression_statement,
            "lexical_declaration": self._declaration,
            "variable_declaration": self._declaration,
            "statement_block": self._block,
            "if_statement": self._if,
            "for_statement": self._for,
            "for_in_statement": self._for_in,
            "while_statement": self._while,
            "do_statement": self._while,
            "try_statement": self._try,
            "switch_statement": self._switch,
            "return_statement": self._return,
            "throw_statement": self._throw,
            "export_statement": self._export,
            "enum_declaration": self._enum,
            "labeled_statement": self._inside,
            "class_declaration": self._class_statement,
            "abstract_class_declaration": self._class_statement,
            "function_declaration": self._function_statement,
            "generator_function_declaration": self._function_statement,
            "internal_module": self._namespace,
            "module": self._namespace,
        }
        self._expressions: dict[str, Callable[[Node, Scope, Module], Value]] = {
            "identifier": self._identifier,
            "undefined": _constant(None),
            "null": _constant(None),
            "true": _constant(True),
            "false": _constant(False),
            "number": _number,
            "string": self._string,
            "template_string": self._template,
            "regex": _expression,
            "array": self._array,
            "object": self._object,
            "this": self._this,
            "super": self._this,
            "member_expression": self._member,
            "subscript_expression": self._subscript,
            "call_expression": self._call,
            "new_expression": self._new,
            "assignment_expression": self._assignment,
            "augmented_assignment_expression": self._augmented,
            "update_expression": self._update,
            "binary_expression": self._binary,
            "unary_expression": self._unary,
            "ternary_expression": self._ternary,
            "sequence_expression": self._sequence,
            "class": self._class,
            "class_declaration": self._class,
            "abstract_class_declaration": self._class,
        }

    # — statements —

    def run(self, node: Node, module: Module) -> None:
        """The top level of a module. Raises Exhausted where the whole budget is used up."""
        before, started, aside = self._floor, self._steps, self._aside
        self._floor = started + aside - _STEPS_OF_A_MODULE
        self._frames.append(Frame())
        try:
            self._statements_of(node, module.scope, module)
        except (Returned, RecursionError):
            pass
        except Exhausted:
            if self._steps <= 0:
                raise
        finally:
            self._frames.pop()
            self._floor, self._aside = before, aside + started - self._steps

    def _statements_of(self, node: Node, scope: Scope, module: Module) -> None:
        children = node.named_children
        for child in children:
            self._hoist(child, scope, module)
        for child in children:
            self.execute(child, scope, module)

    def _hoist(self, node: Node, scope: Scope, module: Module) -> None:
        if node.type == "import_statement":
            self._import(node, scope, module)
        declared = node.child_by_field_name("declaration") if node.type == "export_statement" else node
        if declared is not None and declared.type in {"function_declaration", "generator_function_declaration"}:
            name = text(declared.child_by_field_name("name"))
            scope.names[name] = self._function(declared, scope, module, name)
            if node.type == "export_statement":
                is_default = any(child.type == "default" for child in node.children)
                module.named.properties["default" if is_default else name] = scope.names[name]

    def execute(self, node: Node, scope: Scope, module: Module) -> None:
        run = self._statements.get(node.type)
        if run is not None:
            self._step()
            run(node, scope, module)

    def _step(self) -> None:
        self._steps -= 1
        if self._steps + self._aside <= self._floor or self._steps <= 0:
            raise Exhausted

    def _inside(self, node: Node, scope: Scope, module: Module) -> None:
        for child in node.named_children:
            self.execute(child, scope, module)

    def _block(self, node: Node, scope: Scope, module: Module) -> None:
        self._statements_of(node, Scope(scope), module)

    def _expression_statement(self, node: Node, scope: Scope, module: Module) -> None:
        for child in node.named_children:
            if child.type in self._statements:
                self.execute(child, scope, module)
            elif child.type != "comment":
                self.evaluate(child, scope, module)

    def _declaration(self, node: Node, scope: Scope, module: Module) -> None:
        for declarator in node.named_children:
            if declarator.type != "variable_declarator":
                continue
            name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            if name is None:
                continue
            if value is not None and name.type in {"identifier", "object_pattern"} and _is_require(value):
                self._bind(name, Lazy(self._later(value, scope, module)), scope, module)
            elif value is None:
                self._bind(name, None, scope, module)
            else:
                self._bind(name, _named(self.evaluate(value, scope, module), text(name)), scope, module)

    def _later(self, node: Node, scope: Scope, module: Module) -> Callable[[], Value]:
        return lambda: self.evaluate(node, scope, module)

    def _bind(self, pattern: Node, value: Value, scope: Scope, module: Module) -> None:
        match pattern.type:
            case "identifier" | "shorthand_property_identifier_pattern":
                scope.names[text(pattern)] = value
            case "object_pattern":
                for child in pattern.named_children:
                    self._bind_property(child, value, scope, module)
            case "array_pattern":
                for index, child in enumerate(pattern.named_children):
                    known = isinstance(value, list) and index < len(value)
                    self._bind(child, value[index] if known else Unknown(text(child)), scope, module)
            case "assignment_pattern" | "object_assignment_pattern":
                left, right = pattern.child_by_field_name("left"), pattern.child_by_field_name("right")
                if left is not None and right is not None:
                    missing = value is None or isinstance(value, Unknown)
                    given = self.evaluate(right, scope, module) if missing else value
                    self._bind(left, given, scope, module)
            case "rest_pattern":
                for child in pattern.named_children:
                    self._bind(child, value, scope, module)
            case "required_parameter" | "optional_parameter":
                inner = pattern.child_by_field_name("pattern")
                if inner is not None:
                    self._bind(inner, value, scope, module)
            case _:
                pass

    def _bind_property(self, child: Node, value: Value, scope: Scope, module: Module) -> None:
        match child.type:
            case "shorthand_property_identifier_pattern":
                name = text(child)
                scope.names[name] = Lazy(lambda: self.member(value, name))
            case "pair_pattern":
                key, target = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and target is not None:
                    name = self._key(key, scope, module)
                    later = Lazy(lambda: self.member(value, name))
                    given = later if target.type == "identifier" else later.force()
                    self._bind(target, given, scope, module)
            case "object_assignment_pattern":
                left = child.child_by_field_name("left")
                self._bind(child, self.member(value, text(left)), scope, module)
            case _:
                self._bind(child, Unknown(), scope, module)

    def _if(self, node: Node, scope: Scope, module: Module) -> None:
        condition = self._field(node, "condition", scope, module)
        consequence, alternative = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        known = truth(condition)
        for branch, taken in ((consequence, known), (alternative, None if known is None else not known)):
            if branch is None or taken is False:
                continue
            inner = self._inside if branch.type == "else_clause" else self.execute
            if taken:
                inner(branch, scope, module)
            else:
                self._maybe(inner, branch, scope, module)

    def _maybe(self, run: Callable[[Node, Scope, Module], None], node: Node, scope: Scope, module: Module) -> None:
        frame = self._frames[-1]
        frame.unsure += 1
        try:
            run(node, scope, module)
        except Returned:
            pass  # what comes after may be reached as well
        finally:
            frame.unsure -= 1

    def _for(self, node: Node, scope: Scope, module: Module) -> None:
        inner = Scope(scope)
        initializer, condition = node.child_by_field_name("initializer"), node.child_by_field_name("condition")
        increment, body = node.child_by_field_name("increment"), node.child_by_field_name("body")
        if initializer is not None:
            self.execute(initializer, inner, module)
        for turn in range(_TURNS):
            known = truth(self._condition(condition, inner, module))
            if known is False or body is None:
                return
            self._maybe(self.execute, body, inner, module)
            if known is None or turn == _TURNS - 1:
                return
            if increment is not None:
                self.evaluate(increment, inner, module)

    def _condition(self, node: Node | None, scope: Scope, module: Module) -> Value:
        if node is None or node.type == "empty_statement":
            return Unknown()
        return self.evaluate(node.named_children[0] if node.type == "expression_statement" else node, scope, module)

    def _for_in(self, node: Node, scope: Scope, module: Module) -> None:
        left, body = node.child_by_field_name("left"), node.child_by_field_name("body")
        over = self._field(node, "right", scope, module)
        items = library.keys(over) if text(node.child_by_field_name("operator")) == "in" else library.items(over)
        for item in ([Unknown(text(left))] if items is None else items)[:_ITEMS]:
            inner = Scope(scope)
            if left is not None:
                self._bind(left, item, inner, module)
            if body is not None:
                self._maybe(self.execute, body, inner, module)

    def _while(self, node: Node, scope: Scope, module: Module) -> None:
        body = node.child_by_field_name("body")
        if body is not None:
            self._maybe(self.execute, body, scope, module)

    def _try(self, node: Node, scope: Scope, module: Module) -> None:
        body = node.child_by_field_name("body")
        if body is not None:
            self.execute(body, scope, module)
        final = node.child_by_field_name("finalizer")
        if final is not None:
            self._inside(final, scope, module)

    def _switch(self, node: Node, scope: Scope, module: Module) -> None:
        body = node.child_by_field_name("body")
        for case in body.named_children if body is not None else []:
            for child in case.named_children:
                self._maybe(self.execute, child, scope, module)

    def _return(self, node: Node, scope: Scope, module: Module) -> None:
        frame = self._frames[-1]
        given = node.named_children
        frame.returned.append(self.evaluate(given[0], scope, module) if given else None)
        raise Returned

    def _throw(self, _node: Node, _scope: Scope, _module: Module) -> None:
        raise Returned

    def _function_statement(self, _node: Node, _scope: Scope, _module: Module) -> None:
        """Declared already, before the first statement of its block."""

    def _class_statement(self, node: Node, scope: Scope, module: Module) -> None:
        name = text(node.child_by_field_name("name"))
        scope.names[name] = self._class(node, scope, module)

    def _namespace(self, node: Node, scope: Scope, module: Module) -> None:
        body, inner = node.child_by_field_name("body"), Scope(scope)
        if body is None:
            return
        self._statements_of(body, inner, Module(module.path, inner))
        scope.names[text(node.child_by_field_name("name"))] = Record(dict(inner.names))

    def _enum(self, node: Node, scope: Scope, module: Module) -> None:
        members, count = Record(), 0
        body = node.child_by_field_name("body")
        inner = Scope(scope, members.properties)
        for child in body.named_children if body is not None else []:
            if child.type == "enum_assignment":
                key, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    members.properties[self._key(key, scope, module)] = self.evaluate(value, inner, module)
            elif child.type != "comment":
                members.properties[text(child)] = count
                count += 1
        scope.names[text(node.child_by_field_name("name"))] = members

    # — imports and exports —

    def _import(self, node: Node, scope: Scope, module: Module) -> None:
        source = node.child_by_field_name("source")
        if source is None:
            return self._import_require(node, scope, module)
        written = self._string(source, scope, module)
        clause = next((child for child in node.named_children if child.type == "import_clause"), None)
        if clause is None:
            self.imported(written, module, "*")
            return None
        for child in clause.named_children:
            if child.type == "identifier":
                self._import_name(text(child), written, "default", scope, module)
            elif child.type == "namespace_import":
                self._import_name(text(child.named_children[-1]), written, "*", scope, module)
            else:
                for specifier in child.named_children:
                    name = text(specifier.child_by_field_name("name"))
                    alias = text(specifier.child_by_field_name("alias")) or name
                    self._import_name(alias, written, name, scope, module)
        return None

    def _import_require(self, node: Node, scope: Scope, module: Module) -> None:
        """`import x = require("y")`."""
        clause = next((child for child in node.named_children if child.type == "import_require_clause"), None)
        source = clause.child_by_field_name("source") if clause is not None else None
        if clause is not None and source is not None:
            written = self._string(source, scope, module)
            self._import_name(text(clause.named_children[0]), written, "*", scope, module)

    def _import_name(self, alias: str, written: Value, name: str, scope: Scope, module: Module) -> None:
        scope.names[alias] = Lazy(lambda: self.imported(written, module, name))

    def imported(self, written: Value, module: Module, name: str) -> Value:
        """What `name` of an import is; `*` is all of it."""
        if not isinstance(written, str):
            self._outside("", module.path)  # whatever it is, it may use any file
            return Unknown()
        loaded = self._load(written, module.path)
        if loaded is not None:
            found = loaded.exported(name)
            return found.force() if isinstance(found, Lazy) else found
        outside = self._outside(written, module.path)
        if outside is None:
            return Unknown(name if name not in {"*", "default"} else written)
        if name in {"*", "default"}:
            default = property_of(outside, "default")
            return default if name == "default" and not isinstance(default, Unknown) else outside
        return self.member(outside, name)

    def _export(self, node: Node, scope: Scope, module: Module) -> None:
        named, source = module.named, node.child_by_field_name("source")
        declared, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
        is_default = any(child.type == "default" for child in node.children)
        if source is not None:
            self._export_from(node, self._string(source, scope, module), module)
        elif value is not None:
            if is_default:
                named.properties["default"] = _named(self.evaluate(value, scope, module), "")
            else:  # export = x
                module.record.properties["exports"] = self.evaluate(value, scope, module)
        elif declared is not None:
            self.execute(declared, scope, module)
            for name in _declared(declared):
                named.properties["default" if is_default else name] = Lazy(partial(self._known, scope, name))
        else:
            for name, alias in _specifiers(node):
                named.properties[alias] = Lazy(partial(self._known, scope, name))
            if any(child.type == "=" for child in node.children) and node.named_children:
                module.record.properties["exports"] = self.evaluate(node.named_children[-1], scope, module)

    def _export_from(self, node: Node, written: Value, module: Module) -> None:
        named = module.named
        for name, alias in _specifiers(node):
            named.properties[alias] = Lazy(partial(self.imported, written, module, name))
        whole = next((child for child in node.named_children if child.type == "namespace_export"), None)
        if whole is not None:
            named.properties[text(whole.named_children[-1])] = Lazy(lambda: self.imported(written, module, "*"))
        elif any(child.type == "*" for child in node.children):
            named.more.append(lambda name: self.imported(written, module, name) if name != "default" else Unknown())

    # — expressions —

    def evaluate(self, node: Node, scope: Scope, module: Module) -> Value:
        self._step()
        kind = node.type
        run = self._expressions.get(kind)
        if run is not None:
            return run(node, scope, module)
        if kind in FUNCTIONS:
            return self._function(node, scope, module, text(node.child_by_field_name("name")))
        if kind in _WRAPPERS or kind in _WRAPPERS_OF_ONE:
            children = node.named_children
            return self.evaluate(children[0], scope, module) if children else None
        if kind == "type_assertion":
            return self.evaluate(node.named_children[-1], scope, module)
        return Unknown(_short(node))

    def _field(self, node: Node, name: str, scope: Scope, module: Module) -> Value:
        child = node.child_by_field_name(name)
        return None if child is None else self.evaluate(child, scope, module)

    def _known(self, scope: Scope, name: str) -> Value:
        value = scope.lookup(name)
        return Unknown(name) if value is _EMPTY else value

    def _this(self, _node: Node, scope: Scope, _module: Module) -> Value:
        return self._known(scope, "this")

    def _identifier(self, node: Node, scope: Scope, module: Module) -> Value:
        name = text(node)
        value = scope.lookup(name)
        if value is not _EMPTY:
            return value
        match name:
            case "module":
                return module.record
            case "exports":
                return module.exports
            case "__dirname":
                return "/" + posixpath.dirname(module.path)
            case "__filename":
                return "/" + module.path
            case "process":
                return self._outside(name, module.path)
            case "global" | "globalThis":
                return self._globals
            case _:
                return library.GLOBALS.get(name, Unknown(name))

    def _string(self, node: Node, _scope: Scope, _module: Module) -> Value:
        written = text(node)
        if "\\" not in written:
            return written[1:-1]
        return "".join(
            unescaped(child) if child.type == "escape_sequence" else text(child) for child in node.named_children
        )

    def _template(self, node: Node, scope: Scope, module: Module) -> Value:
        parts: list[Value] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(self.evaluate(child.named_children[0], scope, module) if child.named_children else "")
            else:
                parts.append(unescaped(child) if child.type == "escape_sequence" else text(child))
        return concatenated(parts)

    def _array(self, node: Node, scope: Scope, module: Module) -> Value:
        return self._values(node, scope, module)

    def _values(self, node: Node, scope: Scope, module: Module) -> Arguments:
        values: Arguments = []
        for child in node.named_children:
            if child.type == "comment":
                continue
            if child.type == "spread_element":
                spread = self.evaluate(child.named_children[0], scope, module)
                values += spread if isinstance(spread, list) else [Unknown(_short(child))]
            else:
                values.append(self.evaluate(child, scope, module))
        return values

    def _object(self, node: Node, scope: Scope, module: Module) -> Value:
        made = Record()
        for child in node.named_children:
            match child.type:
                case "pair":
                    key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                    if key is not None and value is not None:
                        name = self._key(key, scope, module)
                        made.properties[name] = _named(self.evaluate(value, scope, module), name)
                case "shorthand_property_identifier":
                    made.properties[text(child)] = self._identifier(child, scope, module)
                case "spread_element":
                    spread = self.evaluate(child.named_children[0], scope, module)
                    if isinstance(spread, Record):
                        made.properties.update(spread.properties)
                        made.more += spread.more
                case "method_definition":
                    name = self._key(child.child_by_field_name("name"), scope, module)
                    made.properties[name] = self._function(child, Scope(scope, {"this": made}), module, name)
                case _:
                    pass
        return made

    def _key(self, node: Node | None, scope: Scope, module: Module) -> str:
        if node is None:
            return ""
        match node.type:
            case "string":
                return str(self._string(node, scope, module))
            case "computed_property_name":
                value = self.evaluate(node.named_children[0], scope, module)
                return value if isinstance(value, str) else str(value)
            case _:
                return text(node)

    def _function(self, node: Node, scope: Scope, module: Module, name: str) -> Function:
        made = Function(node, scope, module, name)
        self.functions.setdefault(node.id, made)
        return made

    def _member(self, node: Node, scope: Scope, module: Module) -> Value:
        target, name = node.child_by_field_name("object"), text(node.child_by_field_name("property"))
        if target is None:
            return Unknown()
        if target.type == "super":
            return self._of_super(name, scope)
        if text(target) == "process.env":
            return self._environment(name, module.path)
        if target.type == "meta_property":
            return "file:///" + module.path if name == "url" else "/" + posixpath.dirname(module.path)
        value = self.evaluate(target, scope, module)
        found = self.member(value, name)
        return Unknown(_short(node)) if isinstance(found, Unknown) else found

    def _of_super(self, name: str, scope: Scope) -> Value:
        owner, this = scope.lookup("super"), scope.lookup("this")
        found = owner.base.find(name) if isinstance(owner, Class) and isinstance(owner.base, Class) else None
        return self._method(*found, name, this) if found else Unknown(name)

    def _subscript(self, node: Node, scope: Scope, module: Module) -> Value:
        value, index = self._field(node, "object", scope, module), self._field(node, "index", scope, module)
        if isinstance(value, list) and isinstance(index, int) and not isinstance(index, bool):
            return value[index] if 0 <= index < len(value) else None
        if isinstance(index, str):
            if text(node.child_by_field_name("object")) == "process.env":
                return self._environment(index, module.path)
            return self.member(value, index)
        return Unknown(_short(node))

    def member(self, value: Value, name: str) -> Value:
        """A property of a value, methods bound to it."""
        match value:
            case Lazy():
                return self.member(value.force(), name)
            case Unknown():
                return Unknown(f"{value.text}.{name}" if value.text else name)
            case _ if name in {"then", "catch", "finally"} and not (isinstance(value, Record) and has(value, name)):
                return library.of_promise(value, name, self)
            case Instance() if not has(value, name) and value.kind is not None:
                return self._of_class(value, name)
            case Record():
                found = property_of(value, name)
                if isinstance(found, Lazy):
                    found = value.properties[name] = found.force()
                return found
            case Class():
                return self._static(value, name)
            case Host():
                return value.properties[name] if name in value.properties else value.member(name)
            case Function() | Native() if name in {"bind", "call", "apply"}:
                return library.of_function(value, name, self)
            case _:
                return library.member(value, name, self)

    def _of_class(self, instance: Instance, name: str) -> Value:
        found = instance.kind.find(name) if instance.kind is not None else None
        if found is None:
            return Unknown(name)
        kind, method = found
        bound = self._method(kind, method, name, instance)
        return self.call(bound, [], Site(kind.module, method.node)) if method.kind == "get" else bound

    def _method(self, kind: Class, method: Method, name: str, this: Value) -> Function:
        scope = Scope(kind.scope, {"this": this, "super": kind})
        made = Function(method.node, scope, kind.module, name, owner=kind.name)
        self.functions.setdefault(method.node.id, made)
        return made

    def _static(self, kind: Class, name: str) -> Value:
        for each in kind.lineage():
            if name in each.statics:
                value = each.statics[name]
                if isinstance(value, Lazy):
                    value = each.statics[name] = value.force()
                return value
        if name == "name":
            return kind.name
        return Record() if name == "prototype" else Unknown(f"{kind.name}.{name}")

    def _call(self, node: Node, scope: Scope, module: Module) -> Value:
        callee, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if callee is None or given is None or given.type == "template_string":
            return Unknown(_short(node))
        site = Site(module, node)
        if callee.type == "import" or text(callee) == "require":
            return self._required(self._values(given, scope, module), module)
        if callee.type == "super":
            return self._super(self._values(given, scope, module), scope, site)
        function = self.evaluate(callee, scope, module)
        arguments = self._values(given, scope, module)
        if isinstance(function, Unknown):
            return self._unknown_call(function, arguments, site)
        result = self.call(function, arguments, site)
        return _short_of(result, node)

    def _required(self, arguments: Arguments, module: Module) -> Value:
        written = arguments[0] if arguments else None
        return self.imported(written, module, "*")

    def _super(self, arguments: Arguments, scope: Scope, site: Site) -> Value:
        owner, this = scope.lookup("super"), scope.lookup("this")
        if isinstance(owner, Class) and isinstance(owner.base, Class) and isinstance(this, Instance):
            self._construct_as(owner.base, this, arguments, site)
        return None

    def _unknown_call(self, function: Unknown, arguments: Arguments, site: Site) -> Value:
        """A call of something outside the repository: what it is given may be called by it."""
        name = function.text.rpartition(".")[2]
        first = arguments[0] if arguments else None
        if isinstance(first, Class) and name in _INJECTORS:
            return self.instance(first, site)
        for argument in arguments:
            if isinstance(argument, Function) and _declares_routes(argument.node):
                self.call(argument, [], site)
        wrapped = next((argument for argument in reversed(arguments) if isinstance(argument, Function)), None)
        return wrapped if wrapped is not None else Unknown(_short(site.node))

    def call(self, function: Value, arguments: Arguments, site: Site) -> Value:
        """What a function gives. Values that are missing are Unknown."""
        if isinstance(function, Native):
            return function.run(arguments, site)
        if isinstance(function, Host):
            call = function.member("()")
            return call.run(arguments, site) if isinstance(call, Native) else Unknown()
        if not isinstance(function, Function):
            return Unknown()
        result = _named(self._invoke(function, arguments, site), function.name)
        wrapped = next((argument for argument in reversed(arguments) if isinstance(argument, Function)), None)
        if isinstance(wrapped, Function):
            if isinstance(result, Function) and result is not wrapped:
                result.wraps = wrapped
            elif isinstance(result, Unknown) or result is None:
                return Function(wrapped.node, wrapped.scope, wrapped.module, wrapped.name, wrapped.owner, wrapped.wraps)
        return result

    def _invoke(self, function: Function, arguments: Arguments, site: Site) -> Value:
        node = function.node
        self.called.add(node.id)
        depth = self._active.get(node.id, 0)
        body = node.child_by_field_name("body")
        if body is None or depth >= _SAME_FUNCTION or len(self._frames) > _CALLS_DEEP:
            return Unknown(function.name)
        scope = Scope(function.scope)
        if node.type not in {"arrow_function", "method_definition"}:
            scope.names["this"] = function.this
        with self._calling(node.id, routing=self._is_routing(node, arguments)):
            self._bind_parameters(node, arguments, scope, function.module, site)
            if body.type != "statement_block":
                return self.evaluate(body, scope, function.module)
            with suppress(Returned):
                self._statements_of(body, scope, function.module)
            return _best(self._frames[-1].returned)
        return Unknown(function.name)

    def _is_routing(self, node: Node, arguments: Arguments) -> bool:
        """Whether a function is likely to have to do with routes; what others do matters less."""
        if any(isinstance(argument, Host) for argument in arguments):
            return True
        if node.id not in self._routing:
            self._routing[node.id] = bool(node.text and _OF_ROUTES.search(node.text))
        return self._routing[node.id]

    @contextmanager
    def _calling(self, key: int, *, routing: bool) -> Iterator[None]:
        """A call may use up a part of its caller's steps; what comes after it is run all the same."""
        before = self._floor
        left = self._steps + self._aside
        most = int((left - before) * _PART_OF_ROUTING)
        self._floor = left - (
            most if routing else min(most, max(_STEPS_OF_A_CALL, int((left - before) * _PART_OF_A_CALL)))
        )
        self._active[key] = self._active.get(key, 0) + 1
        self._frames.append(Frame())
        try:
            yield
        except Exhausted:
            if self._steps + self._aside <= before or self._steps <= 0:
                raise
        finally:
            self._floor = before
            self._frames.pop()
            self._active[key] -= 1

    def _bind_parameters(self, node: Node, arguments: Arguments, scope: Scope, module: Module, site: Site) -> None:
        single = node.child_by_field_name("parameter")
        several = node.child_by_field_name("parameters")
        patterns = [single] if single is not None else several.named_children if several is not None else []
        patterns = [pattern for pattern in patterns if pattern.type not in {"comment", "decorator"}]
        for index, pattern in enumerate(patterns):
            inner = pattern.child_by_field_name("pattern") or pattern
            if inner.type == "rest_pattern":
                self._bind(inner, arguments[index:], scope, module)
                continue
            value = arguments[index] if index < len(arguments) else Unknown(text(inner))
            default = pattern.child_by_field_name("value")
            if default is not None and (value is None or isinstance(value, Unknown)):
                value = self.evaluate(default, scope, module)
            if isinstance(value, Unknown):
                value = self._injected(pattern, value, scope, site)
            self._bind(inner, value, scope, module)
            this = scope.lookup("this")
            if isinstance(this, Instance) and _is_property(pattern):
                this.properties[text(inner)] = value

    def _injected(self, pattern: Node, value: Unknown, scope: Scope, site: Site) -> Value:
        """What a container would give for a parameter whose type is a class of the repository."""
        kind = pattern.child_by_field_name("type")
        written = kind.named_children[0] if kind is not None and kind.named_children else None
        if written is None or written.type != "type_identifier":
            return value
        found = scope.lookup(text(written))
        if isinstance(found, Host):
            return found
        return self.instance(found, site) if isinstance(found, Class) else value

    def _new(self, node: Node, scope: Scope, module: Module) -> Value:
        constructor = self._field(node, "constructor", scope, module)
        given = node.child_by_field_name("arguments")
        arguments = self._values(given, scope, module) if given is not None else []
        site = Site(module, node)
        match constructor:
            case Class():
                return self.instance(constructor, site, arguments)
            case Function():
                this = Instance()
                bound = Function(constructor.node, constructor.scope, constructor.module, constructor.name, this=this)
                result = self.call(bound, arguments, site)
                return result if isinstance(result, (Record, Host)) else this
            case Native() | Host():
                return self.call(constructor, arguments, site)
            case _:
                return self._unknown_call(Unknown(_short(node)), arguments, site)

    def instance(self, kind: Class, site: Site, arguments: Arguments | None = None) -> Instance:
        """A new object of a class; what its constructor is not given is injected where its type is a class."""
        made = Instance(kind=kind)
        self.called.add(kind.node.id)
        if self._active.get(kind.node.id, 0) < _SAME_FUNCTION and len(self._frames) <= _CALLS_DEEP:
            with self._calling(kind.node.id, routing=True):
                self._construct_as(kind, made, arguments or [], site)
        return made

    def _construct_as(self, kind: Class, this: Instance, arguments: Arguments, site: Site) -> None:
        constructor = kind.methods.get("constructor")
        if constructor is None:
            if isinstance(kind.base, Class):
                self._construct_as(kind.base, this, arguments, site)
            self._initialize(kind, this)
            return
        if not isinstance(kind.base, Class):
            self._initialize(kind, this)
        else:
            self._initialize(kind.base, this)
            self._initialize(kind, this)
        self.call(self._method(kind, constructor, "constructor", this), arguments, site)

    def _initialize(self, kind: Class, this: Instance) -> None:
        """The fields of a class that have a value."""
        scope = Scope(kind.scope, {"this": this, "super": kind})
        body = kind.node.child_by_field_name("body")
        for child in body.named_children if body is not None else []:
            value = child.child_by_field_name("value")
            if value is None or child.type not in _FIELDS or any(part.type == "static" for part in child.children):
                continue
            name = _member_name(child)
            given = _named(self.evaluate(value, scope, kind.module), name)
            if isinstance(given, Function) and not given.owner:
                given.owner = kind.name
            this.properties[name] = given

    def _class(self, node: Node, scope: Scope, module: Module) -> Value:
        name = text(node.child_by_field_name("name"))
        made = Class(node, scope, module, name)
        if name:
            scope.names[name] = made
        made.base = self._base(node, scope, module)
        self.classes.append(made)
        body = node.child_by_field_name("body")
        for child in body.named_children if body is not None else []:
            if child.type == "method_definition":
                self._add_method(made, child, scope, module)
            elif any(part.type == "static" for part in child.children) and child.child_by_field_name("value"):
                value = child.child_by_field_name("value")
                inner = Scope(scope, {"this": made})
                if value is not None:
                    made.statics[_member_name(child)] = Lazy(self._later(value, inner, module))
        made.decorations = self._decorations(node, scope, module)
        return made

    def _add_method(self, made: Class, node: Node, scope: Scope, module: Module) -> None:
        words = {child.type for child in node.children}
        method_name = _member_name(node)
        if "static" in words:
            function = self._function(node, Scope(scope, {"this": made, "super": made}), module, method_name)
            function.owner = made.name
            made.statics[method_name] = function
            return
        kind = "get" if "get" in words else "set" if "set" in words else "method"
        if kind == "set":
            return
        given = tuple(self._decorations(node, scope, module))
        made.methods[method_name] = Method(node, kind, given)

    def _base(self, node: Node, scope: Scope, module: Module) -> Value:
        heritage = next((child for child in node.named_children if child.type == "class_heritage"), None)
        if heritage is None:
            return None
        clause = next((child for child in heritage.named_children if child.type == "extends_clause"), None)
        written = clause.child_by_field_name("value") if clause is not None else None
        if clause is None and heritage.named_children and heritage.named_children[0].type != "implements_clause":
            written = heritage.named_children[0]
        return self.evaluate(written, scope, module) if written is not None else None

    def _decorations(self, node: Node, scope: Scope, module: Module) -> list[Value]:
        found: list[Value] = []
        for decorator in decorators(node):
            if decorator.named_children:
                written = decorator.named_children[0]
                value = self.evaluate(written, scope, module)
                found.append(value)
                given = written.child_by_field_name("arguments")
                if given is not None and isinstance(value, (Unknown, Function)):
                    # One of the repository's own, of which only what it is given can be told.
                    found += [each for each in self._values(given, scope, module) if isinstance(each, Record)]
        return found

    def _assignment(self, node: Node, scope: Scope, module: Module) -> Value:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return Unknown()
        name = text(left.child_by_field_name("property")) if left.type == "member_expression" else text(left)
        value = _named(self.evaluate(right, scope, module), name)
        self._store(left, value, scope, module)
        return value

    def _store(self, left: Node, value: Value, scope: Scope, module: Module) -> None:
        match left.type:
            case "identifier":
                scope.assign(text(left), value)
            case "member_expression":
                target = left.child_by_field_name("object")
                if target is not None:
                    name = text(left.child_by_field_name("property"))
                    self._put(self.evaluate(target, scope, module), name, value)
            case "subscript_expression":
                index = self._field(left, "index", scope, module)
                if isinstance(index, str):
                    self._put(self._field(left, "object", scope, module), index, value)
            case "object_pattern" | "array_pattern":
                self._bind(left, value, scope, module)
            case _:
                pass

    def _put(self, target: Value, name: str, value: Value) -> None:
        if isinstance(target, Record):
            target.properties[name] = value
        elif isinstance(target, Class):
            target.statics[name] = value
        elif isinstance(target, Host):
            target.properties[name] = value

    def _augmented(self, node: Node, scope: Scope, module: Module) -> Value:
        left = node.child_by_field_name("left")
        operator = text(node.child_by_field_name("operator")).removesuffix("=")
        if left is None:
            return Unknown()
        before, right = self.evaluate(left, scope, module), self._field(node, "right", scope, module)
        value = library.binary(operator, before, right)
        self._store(left, value, scope, module)
        return value

    def _update(self, node: Node, scope: Scope, module: Module) -> Value:
        target = node.child_by_field_name("argument")
        if target is None:
            return Unknown()
        before = self.evaluate(target, scope, module)
        is_more = text(node.child_by_field_name("operator")) == "++"
        after = library.binary("+" if is_more else "-", before, 1) if isinstance(before, int) else Unknown()
        self._store(target, after, scope, module)
        return before

    def _binary(self, node: Node, scope: Scope, module: Module) -> Value:
        operator = text(node.child_by_field_name("operator"))
        left = self._field(node, "left", scope, module)
        if operator in {"||", "&&", "??"}:
            return self._logical(operator, left, node, scope, module)
        return library.binary(operator, left, self._field(node, "right", scope, module))

    def _logical(self, operator: str, left: Value, node: Node, scope: Scope, module: Module) -> Value:
        known = truth(left)
        if operator == "??" and known is not None:
            return left if left is not None else self._field(node, "right", scope, module)
        if (operator == "||" and known) or (operator == "&&" and known is False):
            return left
        right = self._field(node, "right", scope, module)
        if known is None and operator != "&&" and isinstance(right, Unknown):
            return left
        return right

    def _unary(self, node: Node, scope: Scope, module: Module) -> Value:
        operator, value = text(node.child_by_field_name("operator")), self._field(node, "argument", scope, module)
        if operator == "!":
            known = truth(value)
            return Unknown() if known is None else not known
        if operator == "typeof":
            return library.type_of(value)
        return (
            -value if operator == "-" and isinstance(value, (int, float)) else value if operator == "+" else Unknown()
        )

    def _ternary(self, node: Node, scope: Scope, module: Module) -> Value:
        known = truth(self._field(node, "condition", scope, module))
        if known is not None:
            return self._field(node, "consequence" if known else "alternative", scope, module)
        values = [self._field(node, name, scope, module) for name in ("consequence", "alternative")]
        return _best(values)

    def _sequence(self, node: Node, scope: Scope, module: Module) -> Value:
        value: Value = None
        for child in node.named_children:
            value = self.evaluate(child, scope, module)
        return value


def has(record: Record, name: str) -> bool:
    return name in record.properties


def property_of(value: Value, name: str) -> Value:
    if not isinstance(value, Record):
        return Unknown(name)
    if name in value.properties:
        return value.properties[name]
    for look in value.more:
        found = look(name)
        if not isinstance(found, Unknown):
            return found
    return Unknown(name)


def _best(values: list[Value]) -> Value:
    """Of the values that may be, the first that is known and something."""
    if not values:
        return None
    known = [value for value in values if not isinstance(value, Unknown)]
    records = [value for value in known if type(value) is Record and not value.of_modules]
    if len(records) > 1 and len(records) == len(known):
        return _either(records)
    lists = [value for value in known if isinstance(value, list)]
    if len(lists) > 1 and len(lists) == len(known):
        return [item for at, each in enumerate(lists) for item in each if not any(item in one for one in lists[:at])]
    return next((value for value in known if value not in (None, "", False)), (known or values)[0])


def _either(records: list[Value]) -> Record:
    """Objects of which only a run would choose one: the first, with the items of the others in its lists."""
    made = Record(dict(records[0].properties), list(records[0].more))
    for other in records[1:]:
        for name, value in other.properties.items():
            mine = made.properties.get(name)
            if isinstance(mine, list) and isinstance(value, list):
                made.properties[name] = mine + [item for item in value if item not in mine]
            else:
                made.properties.setdefault(name, value)
    return made


def _named(value: Value, name: str) -> Value:
    """A function or class without a name has that of what it is given to; one that is wrapped likewise."""
    function = value
    while isinstance(function, Function):
        function.name = function.name or name
        function = function.wraps
    if isinstance(value, Class) and not value.name:
        value.name = name
    return value


def _constant(value: Value) -> Callable[[Node, Scope, Module], Value]:
    return lambda _node, _scope, _module: value


def _expression(node: Node, _scope: Scope, _module: Module) -> Value:
    return RegExp(text(node.child_by_field_name("pattern")))


def _number(node: Node, _scope: Scope, _module: Module) -> Value:
    written = text(node)
    try:
        return int(written.replace("_", ""), 0)
    except ValueError:
        pass
    try:
        return float(written)
    except ValueError:
        return Unknown(written)


def _short(node: Node) -> str:
    return " ".join(text(node).split())[:80]


def _short_of(value: Value, node: Node) -> Value:
    return Unknown(_short(node)) if isinstance(value, Unknown) and not value.text else value


def _is_require(node: Node) -> bool:
    if node.type == "member_expression":
        inner = node.child_by_field_name("object")
        return inner is not None and _is_require(inner)
    if node.type != "call_expression" or text(node.child_by_field_name("function")) != "require":
        return False
    given = node.child_by_field_name("arguments")
    return given is not None and bool(given.named_children) and given.named_children[0].type == "string"


def _is_property(parameter: Node) -> bool:
    """`constructor(private readonly users: UserService)`."""
    return any(child.type in {"accessibility_modifier", "readonly"} for child in parameter.children)


def _member_name(node: Node) -> str:
    name = node.child_by_field_name("name") or node.child_by_field_name("property")
    return text(name).strip("\"'")


def _declares_routes(node: Node) -> bool:
    """Whether it is worth to look into a callback: not into the handler of a request."""
    several = node.child_by_field_name("parameters")
    first = node.child_by_field_name("parameter") or (
        several.named_children[0] if several and several.named_children else None
    )
    name = text(first.child_by_field_name("pattern") or first) if first is not None else ""
    if _OF_A_REQUEST.match(name) and ("req" in name or not _STARTS.search(node.text or b"")):
        return False
    return bool(node.text and _MAY_DECLARE_ROUTES.search(node.text))


def _declared(node: Node) -> list[str]:
    if node.type in {"lexical_declaration", "variable_declaration"}:
        names: list[str] = []
        for declarator in node.named_children:
            name = declarator.child_by_field_name("name")
            if name is not None and name.type == "identifier":
                names.append(text(name))
            elif name is not None:
                names += [text(child) for child in _leaves(name)]
        return names
    name = node.child_by_field_name("name")
    return [text(name)] if name is not None else []


def _leaves(pattern: Node) -> Iterator[Node]:
    for child in pattern.named_children:
        if child.type in {"identifier", "shorthand_property_identifier_pattern"}:
            yield child
        else:
            yield from _leaves(child)


def _specifiers(node: Node) -> list[tuple[str, str]]:
    """The names of `export { a, b as c }`."""
    clause = next((child for child in node.named_children if child.type == "export_clause"), None)
    found: list[tuple[str, str]] = []
    for child in clause.named_children if clause is not None else []:
        if child.type == "export_specifier":
            name = text(child.child_by_field_name("name"))
            found.append((name, text(child.child_by_field_name("alias")) or name))
    return found
