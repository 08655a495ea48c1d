"""Goes through a Go program as it would run when it registers its routes, with what is known of its values.

Branches are all taken, unless a comparison of known texts decides; loops run once for each known item. A function runs
once for each set of known arguments. What a value is after an assignment in a branch is what was assigned last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Protocol

from .frame import Frame
from .library import HTTP_CONSTANTS, TAKES_ROUTER, called_outside, framework_of, grouped, made, router_of, worth
from .program import Declarations, Declared, File, Program, parameters, text_of
from .values import (
    UNKNOWN,
    Function,
    Instance,
    Items,
    Made,
    Outside,
    Package,
    Router,
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

_STEPS_AT_MOST = 4_000_000
_DEPTH_AT_MOST = 40
_PYTHON_FRAMES = 20_000


class Registered(Protocol):
    """Is told of every call of a router's method that is no group."""

    def __call__(self, router: Router, name: str, call: Node, arguments: list[Value], file: File) -> None: ...


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
        if _REGISTERS.search(text_of(declared.node.child_by_field_name("body"))):
            self.program.sources.note("What registers routes and is never called is left out:", declared.file.path)
        return False

    def _takes_a_router(self, declared: Declared) -> bool:
        types = [type_ for _, type_, _ in parameters(declared.node)]
        receiver = declared.node.child_by_field_name("receiver")
        if receiver is not None and declared.owner:
            fields = self.program.fields(Type(declared.file.folder, declared.owner))
            if any(type_ and router_of(type_, "") for _, type_, _ in fields):
                return True
        known = (self.program.type_of(type_, declared.file) for type_ in types)
        return any(type_ and (router_of(type_, "") or self.program.is_interface(type_)) for type_ in known)

    def _learn_what_matters(self, functions: list[Declared]) -> None:
        """A function matters if it registers routes, or names one that does."""
        named: dict[tuple[str, int], set[str]] = {}
        for each in functions:
            body = text_of(each.node.child_by_field_name("body"))
            named[_place(each)] = _words(body)
            types = text_of(each.node.child_by_field_name("parameters"))
            self._matters[_place(each)] = _REGISTERS.search(body) is not None or TAKES_ROUTER.search(types) is not None
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
        frame = Frame(self, function.file)
        frame.run(body, scope)
        self._depth -= 1
        result = max(frame.returned, key=worth, default=result_type)
        self._results[key] = result if worth(result) >= worth(result_type) else result_type
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
        frame = Frame(self, function.file)
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
        return router_of(type_, told) or Instance(type_)

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
                frame = Frame(self, declared.file)
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
            if of.path == "net/http" and name in HTTP_CONSTANTS:
                return Text(HTTP_CONSTANTS[name])
            if framework_of(of.path) and name in HTTP_CONSTANTS.values():
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
            return made(self.run_function(function, arguments), function, arguments)
        if isinstance(function, Type):
            known = arguments[0] if arguments else UNKNOWN
            return known if isinstance(known, Text | Router | Items) else self.of_type(function, "")
        if isinstance(function, Outside):
            found = called_outside(function, arguments)
            self._has_engine = self._has_engine or isinstance(found, Router)
            if found is not UNKNOWN:
                return found
        elif any(map(carries_router, arguments)):
            self._whatever_has_this_name(call, arguments)
        for each in arguments:
            if isinstance(each, Function) and each.node.type == "func_literal":
                self.run_function(each, [])
        return made(UNKNOWN, function, arguments)

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


_REGISTERS = re.compile(
    r"\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Any|Group|AddRoute)\(|\.(Handle|Match|Add)\([^,()]+,\s*[^,()]+,"
    r"|\b(gin|echo)\.(New|Default)\("
)
