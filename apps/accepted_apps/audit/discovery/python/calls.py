"""What calls give."""

from __future__ import annotations

import ast
import posixpath
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.python.builtins import call_builtin, call_method_of_value
from accepted_apps.audit.discovery.python.values import (
    BuiltIn,
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Native,
    Partial,
    Scope,
    Super,
    Unknown,
    Value,
    missing,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.python.program import Program

_FROM_ENVIRONMENT = {"os.getenv", "os.environ.get", "environ.get"}
_WITH_DEFAULT_SECOND = {"decouple.config"}


def call(
    program: Program, callee: Value, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope
) -> Value:
    match callee:
        case Function():
            return _call_function(program, callee, args, kwargs)
        case Class():
            return _make(program, callee, args, kwargs, node, scope)
        case External(name=name):
            return _call_external(program, name, args, kwargs, node, scope)
        case Method():
            return _call_method(callee, args, kwargs, node, scope)
        case BuiltIn():
            return call_method_of_value(callee.owner, callee.name, args, kwargs)
        case Native():
            return callee.give(args, kwargs)
        case Super():
            return callee
        case Instance():
            return _apply(program, callee, args, kwargs, node, scope)
        case _:
            return Unknown(_written(node))


def settled(value: Value) -> Value:
    """Text or a number where an object stands for one: the default of a setting's field, of an environment variable."""
    for _ in range(5):
        if not isinstance(value, Instance) or isinstance(value.maker, Class):
            break
        name = value.maker.name
        if "default" in value.kwargs:
            value = value.kwargs["default"]
        elif name in _WITH_DEFAULT_SECOND or isinstance(value.maker, Method):
            value = value.args[1] if len(value.args) > 1 and isinstance(value.args[1], str | int) else Unknown(name)
        elif name.endswith(".Field") and value.args and isinstance(value.args[0], str):
            value = value.args[0]
        else:
            break
    return value


def _call_function(program: Program, function: Function, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if program.too_much:
        return Unknown(function.name)
    if function.bound is not None:
        args = [function.bound, *args]
    inside = Scope(function.scope.module, _enclosing(function))
    inside.names |= _arguments(program, function, args, kwargs)
    node = function.node
    program.called.add(id(node))
    program.depth += 1
    try:
        if isinstance(node, ast.Lambda):
            return program.value(node.body, inside)
        if function.owner is not None and args:
            inside.names["super"] = Super(args[0], function.owner)
        program.run(node.body, inside)
    finally:
        program.depth -= 1
    return _returned(inside)


def _enclosing(function: Function) -> Scope:
    """The functions of a class do not see the names of its body."""
    scope = function.scope
    while scope.owner is not None and scope.parent is not None:
        scope = scope.parent
    return scope


def _returned(scope: Scope) -> Value:
    """What is returned whatever happens, where that is known; else the first that is known."""
    known = [(value, certain) for value, certain in scope.returned if not isinstance(value, Unknown | None)]
    for value, certain in known:
        if certain:
            return value
    if known:
        return known[0][0]
    return scope.returned[0][0] if scope.returned else None


def _arguments(program: Program, function: Function, args: list[Value], kwargs: dict[str, Value]) -> dict[str, Value]:
    spec = function.node.args
    positional = [*spec.posonlyargs, *spec.args]
    names: dict[str, Value] = {}
    for at, parameter in enumerate(positional):
        if at < len(args):
            names[parameter.arg] = args[at]
    rest = dict(kwargs)
    for parameter in [*positional, *spec.kwonlyargs]:
        if parameter.arg in rest:
            names[parameter.arg] = rest.pop(parameter.arg)
    defaults = dict(
        zip([one.arg for one in positional[len(positional) - len(spec.defaults) :]], spec.defaults, strict=True)
    )
    defaults |= {one.arg: given for one, given in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if given}
    for name, given in defaults.items():
        if name not in names:
            names[name] = program.value(given, function.scope)
    for parameter in [*positional, *spec.kwonlyargs]:
        names.setdefault(parameter.arg, Unknown(parameter.arg))
    if spec.vararg:
        names[spec.vararg.arg] = tuple(args[len(positional) :])
    if spec.kwarg:
        names[spec.kwarg.arg] = rest
    return names


def _make(
    program: Program, cls: Class, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope
) -> Value:
    if args and isinstance(args[0], str | int) and any(kind.startswith("enum.") for kind in program.kinds(cls)):
        return args[0]
    made = Instance(cls, args, kwargs, scope.module, node)
    program.instances.append(made)
    program.called.add(id(cls.node))
    for base in program.ancestry(cls):
        if isinstance(base, Class):
            start = program.attribute(base, "__init__")
            if isinstance(start, Function):
                bound = Function(start.node, start.scope, start.owner, bound=made)
                _call_function(program, bound, args, kwargs)
                break
            break
    return made


def _call_external(
    program: Program, name: str, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope
) -> Value:
    if name.startswith("builtins."):
        return call_builtin(program, name.partition(".")[2], args, kwargs)
    match name:
        case _ if name in _FROM_ENVIRONMENT:
            default = args[1] if len(args) > 1 else kwargs.get("default")
            return default if default is not None else Unknown(_written(node))
        case "functools.partial" if args:
            return _partial(args, kwargs)
        case "typing.cast" if len(args) > 1:
            return args[1]
        case "importlib.import_module" if args:
            found = _imported(program, args[0], scope) if isinstance(args[0], str) else None
            return found or Unknown(_written(node))
        case "django.utils.module_loading.import_string" if args:
            found = named(program, args[0], scope.module) if isinstance(args[0], str) else None
            return found or Unknown(_written(node))
        case "os.path.join" | "posixpath.join" if args:
            return _path(args)
        case "collections.defaultdict":
            return _with_default(args, kwargs)
        case "copy.copy" | "copy.deepcopy" if args:
            return args[0]
        case _:
            made = Instance(External(name), args, kwargs, scope.module, node)
            program.instances.append(made)
            return made


def named(program: Program, dotted: str, module: Module) -> Value:
    """An object by its full name, `app.views.users`; None where there is none in the repository."""
    owner, _, name = dotted.replace(":", ".").rpartition(".")
    if not owner or (holder := program.module_named(owner, module.path)) is None:
        return None
    found = program.member(holder, name)
    return None if isinstance(found, Unknown) else found


def _imported(program: Program, name: str, scope: Scope) -> Value:
    if name.startswith("."):
        dots = len(name) - len(name.lstrip("."))
        path = program.finder.relative(name.lstrip("."), dots, scope.module.path)
        return program.load(path) if path else None
    return program.module_named(name, scope.module.path)


def _path(args: list[Value]) -> Value:
    unknown = tuple(written for arg in args for written in missing(arg))
    text = posixpath.join(*(str(arg) if isinstance(arg, str) else "" for arg in args))
    return Partial(text, unknown) if unknown else text


def _with_default(args: list[Value], kwargs: dict[str, Value]) -> Value:
    factories: dict[str, Callable[[], Value]] = {"builtins.dict": dict, "builtins.list": list}
    factory = factories.get(args[0].name) if args and isinstance(args[0], External) else None
    return defaultdict(factory, kwargs)


def _partial(args: list[Value], kwargs: dict[str, Value]) -> Value:
    function = args[0]
    if isinstance(function, Function) and not isinstance(function.node, ast.Lambda) and len(args) == 1 and not kwargs:
        return function
    return function if isinstance(function, Function | Class) else Unknown()


def _call_method(method: Method, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope) -> Value:
    owner = method.owner
    if method.name == "__init__" and isinstance(owner, Instance):
        # `super().__init__(prefix="/x")`: what the library's class gets is what counts.
        owner.args = args
        owner.kwargs = owner.kwargs | kwargs
        return None
    made = Instance(method, args, kwargs, scope.module, node)
    if isinstance(owner, Instance):
        owner.calls.append(made)
    return made


def _apply(
    program: Program, callee: Instance, args: list[Value], kwargs: dict[str, Value], node: ast.AST, scope: Scope
) -> Value:
    """An object is called: as a decorator, or by its own `__call__`."""
    if isinstance(callee.maker, Class):
        method = program.attribute(callee, "__call__")
        if isinstance(method, Function):
            return call(program, method, args, kwargs, node, scope)
    if len(args) == 1 and isinstance(args[0], Function | Class | Instance | Method):
        callee.applied.append(args[0])
        return args[0]
    made = Instance(Method(callee, "__call__"), args, kwargs, scope.module, node)
    callee.calls.append(made)
    return made


def _written(node: ast.AST) -> str:
    try:
        return ast.unparse(node)[:120]
    except (RecursionError, ValueError):
        return ""
