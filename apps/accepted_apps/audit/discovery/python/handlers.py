"""From a handler, as the interpreter knows it, to a route."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.calls import settled
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Unknown,
    Value,
    missing,
)
from accepted_apps.audit.model import Framework, Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
VERBS = frozenset(method.lower() for method in METHODS)


def text(value: Value) -> str:
    """Of a path or prefix; empty where it is not known."""
    value = settled(value)
    return value if isinstance(value, str) else ""


def unresolved(*values: Value) -> list[str]:
    """A sentence for each part of a path that the code does not tell."""
    parts = [part for value in values for part in _unknown(settled(value))]
    return [f"A part of the path comes from `{part}`, which the code does not tell." for part in dict.fromkeys(parts)]


def _unknown(value: Value) -> tuple[str, ...]:
    if isinstance(value, External):
        return (value.name,)
    if isinstance(value, Instance):
        return (_name(value.maker),)
    return missing(value)


def _name(maker: Value) -> str:
    return f"{maker.name}()" if isinstance(maker, External | Class | Method) else "…"


def methods(value: Value, default: Iterable[str]) -> list[str]:
    """The methods of `methods=[…]`, in capitals."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        value = list(value)
    if not isinstance(value, list | tuple):
        return list(default)
    named = [_method(one) for one in value]
    return list(dict.fromkeys(name for name in named if name))


def _method(value: Value) -> str:
    value = settled(value)
    if isinstance(value, External):  # `http.HTTPMethod.GET`
        value = value.name.rpartition(".")[2]
    return value.upper() if isinstance(value, str) else ""


def unwrapped(value: Value) -> Value:
    """The view in `csrf_exempt(view)`, `cache_page(60)(view)`, `partial(view, …)`, and in a wrapper of its own."""
    for _ in range(10):
        if (wrapped := within(value)) is not None:
            value = wrapped
            continue
        if not isinstance(value, Instance) or isinstance(value.maker, Class) or is_view_class(value):
            break
        inner = next((arg for arg in value.args if isinstance(arg, Function | Class | Instance)), None)
        if inner is None:
            break
        value = inner
    return value


def within(value: Value) -> Value:
    """The view for which a function stands that is decorated with `functools.wraps(view)`; None where it is none."""
    for decorator in value.decorators if isinstance(value, Function) else []:
        if isinstance(decorator, Instance) and _name(decorator.maker) in {"functools.wraps()", "wraps()"}:
            inner = decorator.argument(0, "wrapped")
            return inner if isinstance(inner, Function | Class | Instance) and inner is not value else None
    return None


def is_view_class(value: Value) -> bool:
    """`SomeView.as_view(…)`."""
    return isinstance(value, Instance) and isinstance(value.maker, Method) and value.maker.name == "as_view"


def nodes(value: Value) -> tuple[Module, ast.AST] | None:
    """Where a handler stands."""
    if isinstance(value, Function | Class):
        return value.module, value.node
    return None


def made_route(
    sources: SourceTree,
    *,
    method: str,
    path: str,
    handler: Value,
    framework: Framework,
    declared: tuple[Module, ast.AST],
    function: str = "",
    unresolved: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Route:
    """declared: the module and node where the path stands; it stands for the handler where that is not known."""
    module, node = nodes(handler) or declared
    line, end = extent(node)
    return Route(
        method=method,
        path=path,
        file=module.path,
        line=line,
        end_line=end,
        function=function or qualified(handler),
        framework=framework,
        language="python",
        snippet=sources.snippet(module.path, line, end),
        declared_file=declared[0].path,
        declared_line=getattr(declared[1], "lineno", 1),
        unresolved=list(dict.fromkeys(unresolved)),
        notes=list(dict.fromkeys(notes)),
    )


def extent(node: ast.AST) -> tuple[int, int]:
    """First and last line, decorators included."""
    line = getattr(node, "lineno", 1)
    decorators = getattr(node, "decorator_list", [])
    return min([line, *(decorator.lineno for decorator in decorators)]), getattr(node, "end_lineno", None) or line


def qualified(handler: Value) -> str:
    if isinstance(handler, Function):
        owner = handler.owner.name + "." if handler.owner else ""
        return owner + (handler.name or "lambda")
    if isinstance(handler, Class):
        return handler.name
    if isinstance(handler, External):
        return handler.name
    if isinstance(handler, Instance):
        return _name(handler.maker).removesuffix("()")
    return ""


def uncalled(program: Program, words: frozenset[str]) -> Iterator[Function]:
    """Functions of the modules read so far that nobody has called, and in which one of the words is called.

    Those that none of the others calls come first, and of these the ones that take no argument: they are factories,
    and what they call is not called once more.
    """
    waiting = [function for function in program.functions() if _calls(function, words)]
    waiting += _giving(program, waiting)
    callers: dict[str, set[int]] = defaultdict(set)
    for function in waiting:
        for name in _callees(function):
            callers[name].add(id(function.node))

    def rank(one: Function) -> tuple[bool, bool]:
        return bool(callers[one.name] - {id(one.node)}), bool(one.node.args.args)

    for function in sorted(waiting, key=rank):
        if id(function.node) not in program.called:
            yield function


def _giving(program: Program, waiting: list[Function]) -> list[Function]:
    """Functions that call one of these with arguments: without them it may not know what it is to register."""
    wanted = {id(one.node) for one in waiting}
    names = {one.name for one in waiting}

    def gives(function: Function) -> bool:
        for node in ast.walk(function.node):
            if isinstance(node, ast.Call) and (node.args or node.keywords) and called(node.func) in names:
                callee = program.value(node.func, function.scope)
                if isinstance(callee, Function) and id(callee.node) in wanted:
                    return True
        return False

    return [one for one in program.functions() if id(one.node) not in wanted and gives(one)]


def uncalled_methods(program: Program, words: frozenset[str]) -> Iterator[tuple[Class, Function]]:
    """The same of classes: methods that nobody has called."""
    for cls in list(program.classes()):
        for statement in cls.node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and id(statement) not in program.called:
                function = attributes.own(program, cls, statement.name)
                if isinstance(function, Function) and _calls(function, words):
                    yield cls, function


def _calls(function: Function, words: frozenset[str]) -> bool:
    return not words.isdisjoint(_callees(function))


def _callees(function: Function) -> Iterator[str]:
    return (called(node.func) for node in ast.walk(function.node) if isinstance(node, ast.Call))


def called(node: ast.expr) -> str:
    """The last word of the name under which something is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def stand_in(
    program: Program, function: Function, name: str, annotation: ast.expr | None, kinds: dict[str, str]
) -> Value:
    """An argument for a function that nobody calls. kinds: parameters' usual names → the class they have."""
    kind = program.value(annotation, function.scope) if annotation is not None else None
    if isinstance(kind, External | Class):
        maker: External | Class = kind
    elif name in kinds:
        maker = External(kinds[name])
    else:
        return Unknown(name)
    made = Instance(maker, [], {}, function.module, function.node)
    program.instances.append(made)
    return made


def call_uncalled(program: Program, words: frozenset[str], kinds: dict[str, str]) -> None:
    """Calls what nobody calls, with stand-ins for its arguments: factories that only a server's command line names."""
    for function in uncalled(program, words):
        if id(function.node) not in program.called:
            program.call(function, _stand_ins(program, function, kinds), {}, function.node, function.scope)
    for cls, function in uncalled_methods(program, words):
        if id(function.node) in program.called:
            continue
        start = attributes.of_class(program, cls, "__init__")
        given = (
            _stand_ins(program, Function(start.node, start.scope, cls, bound=cls), kinds)
            if isinstance(start, Function)
            else []
        )
        made = program.call(cls, given, {}, cls.node, cls.scope)
        if id(function.node) not in program.called:
            bound = Function(function.node, function.scope, cls, bound=made)
            program.call(bound, _stand_ins(program, bound, kinds), {}, function.node, function.scope)


def _stand_ins(program: Program, function: Function, kinds: dict[str, str]) -> list[Value]:
    parameters = function.node.args.args[1 if function.bound is not None else 0 :]
    needed = len(parameters) - len(function.node.args.defaults)
    return [stand_in(program, function, one.arg, one.annotation, kinds) for one in parameters[: max(needed, 0)]]


def place(value: Value) -> tuple[Module, ast.AST]:
    """Where a call stands."""
    return value.module, value.node
