"""Goes through a Go program as it would run when it registers its routes, with what is known of its values.

Branches are all taken, unless a comparison of known texts decides; loops run once for each known item. A function runs
once for each set of known arguments. What a value is after an assignment in a branch is what was assigned last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Protocol

from .program import Declarations, Declared, File, Program, line_of, literal, parameters, text_of
from .values import (
    UNKNOWN,
    Function,
    Instance,
    Items,
    Made,
    Outside,
    Package,
    Router,
    RouterFramework,
    RouterMethod,
    Several,
    Struct,
    Text,
    Type,
    Value,
    Variables,
    carries_router,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_GIN = re.compile(r"(github\.com/gin-gonic/gin|gopkg\.in/gin-gonic/gin\.v\d+)")
_ECHO = re.compile(r"(github\.com|gopkg\.in)/(labstack|pocketbase)/echo([./]v\d+)?")
_ENGINES = {"Engine", "Echo", "IRouter", "IRoutes"}
_GROUPS = {"RouterGroup", "Group"}
_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE")
_METHODS = {f"Method{name.title()}": name for name in _VERBS}
_STEPS_AT_MOST = 4_000_000
_DEPTH_AT_MOST = 40
_PYTHON_FRAMES = 20_000
_ITEMS_AT_MOST = 2_000


class Registered(Protocol):
    """Is told of every call of a router's method that is no group."""

    def __call__(self, router: Router, name: str, call: Node, arguments: list[Value], file: File) -> None: ...


def framework_of(import_path: str) -> RouterFramework | None:
    if _GIN.fullmatch(import_path):
        return "Gin"
    return "Echo" if _ECHO.fullmatch(import_path) else None


class Run:
    def __init__(self, program: Program, registered: Registered) -> None:
        self.program = program
        self._registered = registered
        self._results: dict[Hashable, Value] = {}
        self._called: set[tuple[str, int]] = set()
        self._globals: dict[tuple[str, str], Value] = {}
        self._fields: dict[tuple[Type, str], Value] = {}
        self._matters: dict[tuple[str, int], bool] = {}
        self._names_that_matter: set[str] = set()
        self._mentioned: set[str] = set()
        self._all_functions: list[Declared] = []
        self._has_engine = False
        self._steps = 0
        self._depth = 0

    @property
    def was_too_long(self) -> bool:
        return self._steps > _STEPS_AT_MOST

    def everything(self, packages: Iterable[Declarations]) -> None:
        """main and init first; then whatever has to do with routes and was not called by something known."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _PYTHON_FRAMES))  # calls in calls, each of many expressions in expressions
        try:
            self._everything(list(packages))
        finally:
            sys.setrecursionlimit(limit)

    def _everything(self, packages: list[Declarations]) -> None:
        functions = self._all_functions = [each for package in packages for each in _functions(package)]
        self._learn_what_matters(functions)
        for package in packages:
            for name, declared in package.values.items():
                self._mentioned |= _words(text_of(declared.node)) - {name}
                self._global(package.folder, name)
        mattering = [each for each in functions if self._matters[_place(each)]]
        for each in sorted(mattering, key=_starting_order):
            self._as_root(each)
        for each in mattering:
            if self._may_be_called(each):
                self._as_root(each, whatever_it_takes=True)

    def _as_root(self, declared: Declared, *, whatever_it_takes: bool = False) -> None:
        if _place(declared) in self._called or (not whatever_it_takes and self._takes_a_router(declared)):
            return
        receiver = Instance(Type(declared.file.folder, declared.owner)) if declared.owner else None
        self.run_function(self._function(declared, receiver), [])

    def _may_be_called(self, declared: Declared) -> bool:
        """Whether something unknown may call a function that nothing known called. In a program with an engine of its
        own, not where nobody says its name, or those who do mean another."""
        if _place(declared) in self._called or not self._has_engine or not self._takes_a_router(declared):
            return True
        names_called = {each.name for each in self._all_functions if _place(each) in self._called}
        if declared.name in self._mentioned and declared.name not in names_called:
            return True
        self.program.sources.note("What registers routes and is never called is left out:", declared.file.path)
        return False

    def _takes_a_router(self, declared: Declared) -> bool:
        types = [type_ for _, type_, _ in parameters(declared.node)]
        receiver = declared.node.child_by_field_name("receiver")
        if receiver is not None and declared.owner:
            fields = self.program.fields(Type(declared.file.folder, declared.owner))
            if any(type_ and _router_of(type_, "") for _, type_, _ in fields):
                return True
        known = (self.program.type_of(type_, declared.file) for type_ in types)
        return any(type_ and (_router_of(type_, "") or self.program.is_interface(type_)) for type_ in known)

    def _learn_what_matters(self, functions: list[Declared]) -> None:
        """A function matters if it registers routes, or names one that does."""
        named: dict[tuple[str, int], set[str]] = {}
        for each in functions:
            body = text_of(each.node.child_by_field_name("body"))
            named[_place(each)] = _words(body)
            types = text_of(each.node.child_by_field_name("parameters"))
            self._matters[_place(each)] = _REGISTERS.search(body) is not None or _TAKES_ROUTER.search(types) is not None
            self._mentioned |= named[_place(each)]
        frontier = {each.name for each in functions if self._matters[_place(each)]}
        while frontier:
            self._names_that_matter |= frontier
            found = [each for each in functions if not self._matters[_place(each)] and named[_place(each)] & frontier]
            for each in found:
                self._matters[_place(each)] = True
            frontier = {each.name for each in found} - self._names_that_matter

    # Functions

    def _function(self, declared: Declared, receiver: Value | None = None) -> Function:
        return Function(declared.node, declared.file, declared.name, declared.owner, receiver)

    def run_function(self, function: Function, arguments: list[Value]) -> Value:
        key = (function.key, tuple(each.key for each in arguments))
        if key in self._results:
            return self._results[key]
        result_type = self._result_type(function)
        self._results[key] = result_type
        if self._depth >= _DEPTH_AT_MOST or self.was_too_long:
            return result_type
        body = function.node.child_by_field_name("body")
        if body is None or not self._is_worth_it(function, arguments):
            return self._short_result(function, arguments, body) or result_type
        self._called.add((function.file.path, function.node.start_byte))
        scope = Variables({}, function.around)
        self._bind(function, arguments, scope)
        self._depth += 1
        frame = _Frame(self, function.file)
        frame.run(body, scope)
        self._depth -= 1
        result = max(frame.returned, key=_worth, default=result_type)
        self._results[key] = result if _worth(result) >= _worth(result_type) else result_type
        return self._results[key]

    def _is_worth_it(self, function: Function, arguments: list[Value]) -> bool:
        place = (function.file.path, function.node.start_byte)
        if function.node.type == "func_literal" or self._matters.get(place):
            return True
        if place not in self._matters:
            body = text_of(function.node.child_by_field_name("body"))
            words = _words(body)
            self._matters[place] = _REGISTERS.search(body) is not None or bool(words & self._names_that_matter)
            if self._matters[place]:
                return True
        if any(isinstance(each, Text) and each.text.startswith("/") for each in arguments) and _returns_text(function):
            return True
        return any(map(carries_router, arguments)) or (
            function.receiver is not None
            and isinstance(function.receiver, Struct)
            and carries_router(function.receiver)
        )

    def _short_result(self, function: Function, arguments: list[Value], body: Node | None) -> Value | None:
        """What a function that does nothing but return something returns."""
        statements = _statements(body) if body is not None else []
        if len(statements) != 1 or statements[0].type != "return_statement":
            return None
        frame = _Frame(self, function.file)
        scope = Variables({}, function.around)
        self._bind(function, arguments, scope)
        self._depth += 1
        frame.run(statements[0], scope)
        self._depth -= 1
        found = frame.returned[0] if frame.returned else UNKNOWN
        return found if isinstance(found, Text | Struct | Items | Router) else None

    def _bind(self, function: Function, arguments: list[Value], scope: Variables) -> None:
        receiver = function.node.child_by_field_name("receiver")
        if receiver is not None:
            for declared in receiver.named_children:
                name = text_of(declared.child_by_field_name("name"))
                scope.names[name] = function.receiver or UNKNOWN
        for index, (name, type_node, variadic) in enumerate(parameters(function.node)):
            if variadic:
                scope.names[name] = Items(arguments[index:])
            elif index < len(arguments) and arguments[index] is not UNKNOWN and not isinstance(arguments[index], Made):
                scope.names[name] = arguments[index]
            else:
                type_ = self.program.type_of(type_node, function.file)
                told = f"What {function.name or 'a function'} in {function.file.path} is given as {name} is not told."
                scope.names[name] = self.of_type(type_, told)

    def _result_type(self, function: Function) -> Value:
        node = function.node.child_by_field_name("result")
        if node is None:
            return UNKNOWN
        if node.type != "parameter_list":
            return self.of_type(self.program.type_of(node, function.file), "")
        types = (
            self.program.type_of(each.child_by_field_name("type") or each, function.file)
            for each in node.named_children
        )
        return Several(tuple(self.of_type(type_, "") for type_ in types))

    def of_type(self, type_: Type | None, told: str) -> Value:
        """A value of which only the type is known; a router without a prefix where it is one. told: of a group."""
        if type_ is None:
            return UNKNOWN
        return _router_of(type_, told) or Instance(type_)

    # Names

    def named(self, name: str, file: File) -> Value:
        """A name that is no variable of a function."""
        package = self.program.package(file.folder)
        if name in package.functions:
            return self._function(package.functions[name])
        if name in package.values:
            return self._global(file.folder, name)
        if name in package.types:
            return Type(file.folder, name)
        if name in file.imports:
            folder = self.program.folder_of(file.imports[name])
            return Outside(file.imports[name]) if folder is None else Package(folder)
        for path in file.dots:
            folder = self.program.folder_of(path)
            if folder is not None:
                found = self.member(Package(folder), name)
                if found is not UNKNOWN:
                    return found
            elif framework_of(path):
                return Outside(path, name)
        return UNKNOWN

    def _global(self, folder: str, name: str) -> Value:
        key = (folder, name)
        if key in self._globals:
            return self._globals[key]
        declared = self.program.package(folder).values[name]
        type_node = declared.node.child_by_field_name("type")
        self._globals[key] = self.of_type(self.program.type_of(type_node, declared.file), "")
        value_node = declared.node.child_by_field_name("value")
        if value_node is not None:
            values = [each for each in value_node.named_children if each.type != "comment"]
            if values:
                frame = _Frame(self, declared.file)
                found = frame.value(values[min(declared.index, len(values) - 1)], Variables({}))
                if isinstance(found, Several):
                    found = found.items[declared.index] if declared.index < len(found.items) else UNKNOWN
                if found is not UNKNOWN:
                    self._globals[key] = found
        return self._globals[key]

    def set_global(self, file: File, name: str, value: Value) -> None:
        if value is not UNKNOWN and name in self.program.package(file.folder).values:
            self._globals[file.folder, name] = value

    def member(self, of: Value, name: str) -> Value:
        """What stands after a dot."""
        if isinstance(of, Router):
            return RouterMethod(of, name)
        if isinstance(of, Outside):
            if of.path == "net/http" and name in _METHODS:
                return Text(_METHODS[name])
            if framework_of(of.path) and name in _METHODS.values():
                return Text(name)
            return Outside(of.path, f"{of.name}.{name}".strip("."))
        if isinstance(of, Package):
            return self._of_package(of.folder, name)
        if isinstance(of, Struct | Instance):
            return self._of_value(of, of.type, name)
        return UNKNOWN

    def _of_package(self, folder: str, name: str) -> Value:
        package = self.program.package(folder)
        if name in package.functions:
            return self._function(package.functions[name])
        if name in package.values:
            return self._global(folder, name)
        return Type(folder, name) if name in package.types else UNKNOWN

    def _of_value(self, of: Value, type_: Type | None, name: str, depth: int = 6) -> Value:
        if isinstance(of, Struct) and name in of.fields:
            return of.fields[name]
        if type_ is None or not depth:
            return UNKNOWN
        declared = self.program.package(type_.place).methods.get(type_.name, {}).get(name) if type_.inside else None
        if declared:
            return self._function(declared, of)
        fields = list(self.program.fields(type_))
        for field_name, field_type, _ in fields:
            if field_name == name:
                return self._fields.get((type_, name)) or self.of_type(
                    field_type, f"What {type_.name}.{name} is, is not told."
                )
        for field_name, field_type, embedded in fields:
            if embedded and field_type:
                inner = self._of_value(of, type_, field_name, 1) if depth > 1 else UNKNOWN
                if isinstance(inner, Router):
                    return RouterMethod(inner, name)
                if inner is UNKNOWN:
                    inner = Instance(field_type)
                found = self._of_value(inner, field_type, name, depth - 1)
                if found is not UNKNOWN:
                    return found
        return self._of_interface(type_, name)

    def _of_interface(self, type_: Type, name: str) -> Value:
        """The one method that an interface's method can be, if there is only one."""
        if not self.program.is_interface(type_):
            return UNKNOWN
        package = self.program.package(type_.place)
        near = [methods[name] for methods in package.methods.values() if name in methods]
        found = near or self.program.methods_named(name)
        if len(found) != 1:
            return UNKNOWN
        return self._function(found[0], Instance(Type(found[0].file.folder, found[0].owner)))

    def set_field(self, of: Value, name: str, value: Value) -> None:
        if isinstance(of, Struct):
            of.fields[name] = value
        type_ = of.type if isinstance(of, Struct | Instance) else None
        if type_ and value is not UNKNOWN and (carries_router(value) or isinstance(value, Struct | Text)):
            self._fields.setdefault((type_, name), value)

    # Calls

    def call(self, function: Value, call: Node, arguments: list[Value], file: File) -> Value:
        if isinstance(function, RouterMethod):
            return self._router_call(function, call, arguments, file)
        if isinstance(function, Function):
            return _made(self.run_function(function, arguments), function, arguments)
        if isinstance(function, Type):
            known = arguments[0] if arguments else UNKNOWN
            return known if isinstance(known, Text | Router | Items) else self.of_type(function, "")
        if isinstance(function, Outside):
            found = _outside(function, arguments)
            self._has_engine = self._has_engine or isinstance(found, Router)
            if found is not UNKNOWN:
                return found
        elif any(map(carries_router, arguments)):
            self._whatever_has_this_name(call, arguments)
        for each in arguments:
            if isinstance(each, Function) and each.node.type == "func_literal":
                self.run_function(each, [])
        return _made(UNKNOWN, function, arguments)

    def _whatever_has_this_name(self, call: Node, arguments: list[Value]) -> None:
        """A method of a value that is not known, given a router: each method of that name may be meant."""
        function = call.child_by_field_name("function")
        if function is None or function.type != "selector_expression":
            return
        for declared in self.program.methods_named(text_of(function.child_by_field_name("field"))):
            if self._takes_a_router(declared) and len(list(parameters(declared.node))) >= len(arguments):
                receiver = Instance(Type(declared.file.folder, declared.owner))
                self.run_function(self._function(declared, receiver), arguments)

    def _router_call(self, method: RouterMethod, call: Node, arguments: list[Value], file: File) -> Value:
        router = method.router
        if method.name == "Group":
            prefix = arguments[0] if arguments else Text("")
            return grouped(router, prefix, call)
        if method.name in {"Use", "Host", "With"}:
            return router
        self._registered(router, method.name, call, arguments, file)
        return router if router.framework == "Gin" else UNKNOWN

    def step(self) -> bool:
        self._steps += 1
        return self._steps <= _STEPS_AT_MOST


class _Frame:
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
        if type_ and not _router_of(type_, "") and self._run.program.declared_type(type_):
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
            values = [_concatenated(self.value(targets[0], scope), values[0], node)]
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
        return _concatenated(left, right, node) if isinstance(left, Text) or isinstance(right, Text) else UNKNOWN

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


def _made(result: Value, function: Value, arguments: list[Value]) -> Value:
    """Keeps, for a handler that is made by a call, what it is made by and of."""
    if isinstance(result, Instance) and result.type.inside:
        return result
    if not (result is UNKNOWN or isinstance(result, Instance | Function)):
        return result
    by = function if isinstance(function, Function) and function.name else None
    of = [
        inner
        for each in arguments
        for inner in ([each] if isinstance(each, Function) else each.of if isinstance(each, Made) else [])
        if _answers_requests(inner)
    ]
    return Made(by, tuple(of)) if by or of else result


def _answers_requests(function: Function) -> bool:
    return re.search(r"Context\b|http\.Request\b", text_of(function.node.child_by_field_name("parameters"))) is not None


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


def grouped(router: Router, prefix: Value, call: Node) -> Router:
    told = text_or_unresolved(prefix, call, "arguments")
    return Router(
        router.framework,
        joined(router.framework, router.prefix, told.text),
        tuple(dict.fromkeys((*router.unresolved, *told.unresolved))),
    )


def joined(framework: RouterFramework, prefix: str, path: str) -> str:
    """Gin cleans what it joins, and keeps the slash at the end; Echo puts the two behind each other."""
    if framework == "Echo":
        return prefix + path
    if not path:
        return prefix
    return re.sub(r"/{2,}", "/", f"{prefix}/{path}")


def text_or_unresolved(value: Value, node: Node, part: str) -> Text:
    if isinstance(value, Text):
        return value
    said = text_of(_first(node.child_by_field_name(part)))
    return Text("", (f"What {said or 'a prefix'} is in line {line_of(node)} could not be told.",))


def _first(node: Node | None) -> Node | None:
    return node.named_children[0] if node is not None and node.named_children else node


def _concatenated(left: Value, right: Value, node: Node) -> Value:
    one, other = text_or_unresolved(left, node, "left"), text_or_unresolved(right, node, "right")
    return Text(one.text + other.text, one.unresolved + other.unresolved)


def _router_of(type_: Type, told: str) -> Router | None:
    framework = None if type_.inside else framework_of(type_.place)
    if framework is None or type_.name not in _ENGINES | _GROUPS:
        return None
    return Router(framework, unresolved=(told,) if told and type_.name in _GROUPS else ())


def _outside(function: Outside, arguments: list[Value]) -> Value:
    framework = framework_of(function.path)
    if framework and function.name in {"New", "Default", "NewWithConfig"}:
        return Router(framework)
    texts = [each.text if isinstance(each, Text) else None for each in arguments]
    if function.path == "fmt" and function.name == "Sprintf" and texts and texts[0] is not None:
        return _formatted(texts[0], arguments[1:])
    if function.path in {"path", "net/url", "path/filepath"} and function.name in {"Join", "JoinPath"}:
        if any(text is None for text in texts):
            return UNKNOWN
        return Text(re.sub(r"/{2,}", "/", "/".join(text for text in texts if text)))
    if function.path == "strings" and texts and texts[0] is not None:
        return _string_function(function.name, [text or "" for text in texts])
    return UNKNOWN


def _string_function(name: str, texts: list[str]) -> Value:
    first = texts[0]
    second = texts[1] if len(texts) > 1 else ""
    results = {
        "ToLower": first.lower(),
        "ToUpper": first.upper(),
        "TrimSuffix": first.removesuffix(second),
        "TrimPrefix": first.removeprefix(second),
        "TrimRight": first.rstrip(second),
        "TrimLeft": first.lstrip(second),
        "Trim": first.strip(second),
        "TrimSpace": first.strip(),
    }
    return Text(results[name]) if name in results else UNKNOWN


def _formatted(form: str, values: list[Value]) -> Text:
    left = list(values)
    unresolved: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = left.pop(0) if left else UNKNOWN
        if isinstance(value, Text):
            unresolved.extend(value.unresolved)
            return value.text
        unresolved.append(f"What {found[0]} in {form!r} stands for could not be told.")
        return ""

    text = re.sub(r"%[-+# 0]*\d*(?:\.\d+)?[a-zA-Z%]", put, form)
    return Text(text, tuple(unresolved))


def _file_of(run: Run, package: Package) -> File:
    return run.program.package(package.folder).files[0]


def _functions(package: Declarations) -> list[Declared]:
    found = {_place(each): each for each in (*package.functions.values(), *package.initializers)}
    for methods in package.methods.values():
        found |= {_place(each): each for each in methods.values()}
    return [found[place] for place in sorted(found)]


def _starting_order(declared: Declared) -> int:
    """As Go runs them: whatever is called init, then main; the rest has no order."""
    return 2 if declared.owner else {"init": 0, "main": 1}.get(declared.name, 2)


def _words(code: str) -> set[str]:
    """The names in a piece of code, not those in its strings."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`', "", code)))


def _place(declared: Declared) -> tuple[str, int]:
    return (declared.file.path, declared.node.start_byte)


def _returns_text(function: Function) -> bool:
    return text_of(function.node.child_by_field_name("result")) == "string"


def _statements(body: Node) -> list[Node]:
    children = [child for child in body.named_children if child.type != "comment"]
    if len(children) == 1 and children[0].type == "statement_list":
        return [child for child in children[0].named_children if child.type != "comment"]
    return children


def _worth(value: Value) -> int:
    order: list[type[Value]] = [Instance, Text, Items, Function, Struct, Router]
    if isinstance(value, Several):
        return max(map(_worth, value.items), default=0)
    if isinstance(value, Struct) and carries_router(value):
        return len(order) + 1
    return next((rank for rank, kind in enumerate(order, 1) if isinstance(value, kind)), 0)


_REGISTERS = re.compile(
    r"\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Any|Group|AddRoute)\(|\.(Handle|Match|Add)\([^,()]+,\s*[^,()]+,"
    r"|\b(gin|echo)\.(New|Default)\("
)
_TAKES_ROUTER = re.compile(r"\b(gin\.(Engine|RouterGroup|IRouter|IRoutes)|echo\.(Echo|Group))\b")
_SCOPES = {"block"}
_STATEMENTS = {
    "return_statement": _Frame._return,
    "var_spec": _Frame._declare,
    "const_spec": _Frame._declare,
    "short_var_declaration": _Frame._assign,
    "assignment_statement": _Frame._assign,
    "if_statement": _Frame._if,
    "for_statement": _Frame._for,
    "expression_switch_statement": _Frame._switch,
    "type_switch_statement": _Frame._switch,
}
_EXPRESSIONS = {
    "identifier": _Frame._identifier,
    "type_identifier": _Frame._identifier,
    "selector_expression": _Frame._selector,
    "parenthesized_expression": _Frame._inner,
    "unary_expression": _Frame._inner,
    "type_assertion_expression": _Frame._asserted,
    "binary_expression": _Frame._binary,
    "index_expression": _Frame._index,
    "func_literal": _Frame._closure,
    "call_expression": _Frame._call,
    "composite_literal": _Frame._composite,
}
