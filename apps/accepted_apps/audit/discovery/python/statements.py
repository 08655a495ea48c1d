"""Running statements."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Import,
    Instance,
    Module,
    Scope,
    Unknown,
    Value,
    missing,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.python.program import Program

_MOST_ROUNDS = 500
_MOST_ITEMS = 5_000
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def run(  # noqa: PLR0912
    program: Program, body: Iterable[ast.stmt], scope: Scope, *, certain: bool = True
) -> bool:
    """Whether the end was reached; certain: whether a `return` in here is one of the whole function."""
    for statement in body:
        if not program.step():
            return False
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                bind(statement.name, _function(program, statement, scope), scope)
            case ast.ClassDef():
                bind(statement.name, _class(program, statement, scope), scope)
            case ast.Return():
                scope.returned.append((program.value(statement.value, scope), certain))
                return False
            case ast.Raise() | ast.Continue() | ast.Break():
                return False
            case ast.Expr():
                program.value(statement.value, scope)
            case ast.Assign():
                _assign(program, statement, scope)
            case ast.AnnAssign():
                if statement.value is not None:
                    assign(program, statement.target, program.value(statement.value, scope), scope)
            case ast.AugAssign():
                _augment(program, statement, scope)
            case ast.Import() | ast.ImportFrom():
                _import(program, statement, scope)
            case ast.If():
                if not _branches(program, statement, scope, certain):
                    return False
            case ast.For() | ast.AsyncFor():
                _loop(program, statement, scope)
            case ast.While():
                run(program, statement.body, scope, certain=False)
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    entered = program.value(item.context_expr, scope)
                    if item.optional_vars is not None:
                        assign(program, item.optional_vars, entered, scope)
                if not run(program, statement.body, scope, certain=certain):
                    return False
            case ast.Try() | ast.TryStar():
                _attempt(program, statement, scope)
            case ast.Match():
                for case in statement.cases:
                    run(program, case.body, scope, certain=False)
            case _:
                pass
    return True


def bind(name: str, value: Value, scope: Scope) -> None:
    """Sets a name, unless the other branch has set it to something better."""
    if name in scope.held and not isinstance(scope.names.get(name), Unknown | None):
        return
    scope.names[name] = value


def assign(program: Program, target: ast.expr, value: Value, scope: Scope) -> None:
    match target:
        case ast.Name(id=name):
            bind(name, value, scope)
        case ast.Attribute(value=owner, attr=name):
            match program.value(owner, scope):
                case Instance() | Class() | Function() as held:
                    held.attributes[name] = value
                case Module() as module:
                    module.scope.names[name] = value
                case _:
                    pass
        case ast.Subscript(value=owner, slice=key):
            held = program.value(owner, scope)
            index = program.value(key, scope)
            if isinstance(held, dict) and isinstance(index, str | int):
                held[index] = value
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = list(value) if isinstance(value, list | tuple) else []
            for at, part in enumerate(parts):
                known = at < len(values) and not isinstance(part, ast.Starred)
                assign(program, part, values[at] if known else Unknown(), scope)
        case ast.Starred(value=inner):
            assign(program, inner, Unknown(), scope)
        case _:
            pass


def _assign(program: Program, statement: ast.Assign, scope: Scope) -> None:
    value = program.value(statement.value, scope)
    for target in statement.targets:
        assign(program, target, value, scope)


def _augment(program: Program, statement: ast.AugAssign, scope: Scope) -> None:
    load = ast.copy_location(_loaded(statement.target), statement.target)
    before, after = program.value(load, scope), program.value(statement.value, scope)
    if isinstance(before, list) and isinstance(statement.op, ast.Add):
        before += list(after)[:_MOST_ITEMS] if isinstance(after, list | tuple) else [after]
        del before[_MOST_ITEMS:]
        return
    joined = ast.copy_location(ast.BinOp(load, statement.op, statement.value), statement)
    assign(program, statement.target, program.value(joined, scope), scope)


def _loaded(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=owner, attr=name):
            return ast.Attribute(owner, name, ast.Load())
        case _:
            return ast.Subscript(target.value, target.slice, ast.Load())


def _import(program: Program, statement: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            top = alias.name.partition(".")[0]
            bind(alias.asname or top, Import(alias.name if alias.asname else top), scope)
        return
    name, path = statement.module or "", ""
    if statement.level:
        path = program.finder.relative(name, statement.level, scope.module.path) or ""
    for alias in statement.names:
        if alias.name == "*":
            _import_all(program, program.resolved(Import(name, path=path), scope.module), scope)
        else:
            imported: Value = Import(name, alias.name, path)
            if alias.name == "views" and scope.parent is None:
                # Views may register themselves where they are defined.
                imported = program.resolved(imported, scope.module)
            bind(alias.asname or alias.name, imported, scope)


def _import_all(program: Program, module: Value, scope: Scope) -> None:
    if not isinstance(module, Module):
        return
    offered = module.scope.names.get("__all__")
    for each, value in list(module.scope.names.items()):
        if each in offered if isinstance(offered, list | tuple) else not each.startswith("_"):
            bind(each, program.resolved(value, module) if isinstance(value, Import) else value, scope)


def _branches(program: Program, statement: ast.If, scope: Scope, certain: bool) -> bool:
    test = _known(program, statement.test, scope)
    if test is not None:
        return run(program, statement.body if test else statement.orelse, scope, certain=certain)
    before = dict(scope.names)
    run(program, statement.body, scope, certain=False)
    if not statement.orelse:
        # `prefix = ""`, and `if settings.ROOT: prefix = settings.ROOT`: what is known is the better guess.
        scope.names |= {
            name: known
            for name, known in before.items()
            if isinstance(known, str) and not missing(known) and missing(scope.names.get(name))
        }
    if statement.orelse:
        held = scope.held
        scope.held = held | {name for name, value in scope.names.items() if before.get(name) is not value}
        run(program, statement.orelse, scope, certain=False)
        scope.held = held
    return True


def _known(program: Program, test: ast.expr, scope: Scope) -> bool | None:
    """The outcome of a test, where the code alone decides it. What a setting says may differ where it is installed."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            known = _known(program, inner, scope)
            return None if known is None else not known
        case ast.Call(func=ast.Name(id="hasattr" | "issubclass")):
            value = program.value(test, scope)
            return value if isinstance(value, bool) else None
        case ast.Attribute() | ast.BoolOp() | ast.Call():
            return None
        case ast.Name(id=name) if not any(name in one.names for one in scope.chain() if one.parent is not None):
            return None
        case ast.Compare() if any(isinstance(part, ast.Attribute) for part in ast.walk(test)):
            return None
    value = program.value(test, scope)
    if isinstance(value, str | int | float | list | tuple | dict | None):
        return bool(value)
    return True if isinstance(value, Function | Class) else None


def _loop(program: Program, statement: ast.For | ast.AsyncFor, scope: Scope) -> None:
    items = program.value(statement.iter, scope)
    if isinstance(items, dict):
        items = list(items)
    if not isinstance(items, list | tuple):
        items = [Unknown(ast.unparse(statement.iter))]
    for item in list(items)[:_MOST_ROUNDS]:
        assign(program, statement.target, item, scope)
        run(program, statement.body, scope, certain=False)
    run(program, statement.orelse, scope, certain=False)


def _attempt(program: Program, statement: ast.Try | ast.TryStar, scope: Scope) -> None:
    before = dict(scope.names)
    run(program, statement.body, scope, certain=False)
    held = scope.held
    scope.held = held | {name for name, value in scope.names.items() if before.get(name) is not value}
    for handler in statement.handlers:
        run(program, handler.body, scope, certain=False)
    scope.held = held
    run(program, statement.orelse, scope, certain=False)
    run(program, statement.finalbody, scope, certain=False)


def _function(program: Program, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Value:
    return decorated(program, Function(node, scope, scope.owner), node.decorator_list, scope)


def _class(program: Program, node: ast.ClassDef, scope: Scope) -> Value:
    made = Class(node, scope)
    if any(isinstance(base, ast.Name) and base.id == node.name for base in node.bases):
        made.namesake = program.value(ast.Name(node.name, ast.Load()), scope)
    inside = Scope(scope.module, scope, owner=made)
    for statement in node.body:
        # Decorators may register methods as routes; all else of a class is read when it is asked for.
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.decorator_list:
            made.attributes[statement.name] = _function(program, statement, inside)
    return decorated(program, made, node.decorator_list, scope)


def decorated(program: Program, made: Function | Class, decorators: list[ast.expr], scope: Scope) -> Value:
    for node in reversed(decorators):
        if _plain(node):
            made.decorators.append(External(f"builtins.{ast.unparse(node)}"))
            continue
        decorator = program.value(node, scope)
        made.decorators.append(decorator)
        if not isinstance(decorator, Unknown):
            program.call(decorator, [made], {}, node, scope)
    return made


def _plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"property", "staticmethod", "classmethod"}
