"""The values of expressions."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from accepted_apps.audit.discovery.python.builtins import too_wide
from accepted_apps.audit.discovery.python.calls import settled
from accepted_apps.audit.discovery.python.statements import assign
from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Import,
    Instance,
    Method,
    Partial,
    Scope,
    Unknown,
    Value,
    missing,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.python.program import Program

_LONGEST_TEXT = 20_000
_MOST_ITEMS = 5_000
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.GtE: operator.ge,
}
_PLAIN = (str, int, float, type(None), list, tuple, dict)


def value(program: Program, node: ast.expr | None, scope: Scope) -> Value:  # noqa: PLR0912
    if not program.step():
        return Unknown()
    match node:
        case None:
            return None
        case ast.Constant(value=constant):
            return constant if isinstance(constant, str | int | float | None) else Unknown()
        case ast.Name(id=name):
            return _name(program, name, scope)
        case ast.Attribute(value=owner, attr=name):
            return program.attribute(value(program, owner, scope), name, _written(node))
        case ast.Call():
            return _call(program, node, scope)
        case ast.List(elts=parts):
            return _items(program, parts, scope)
        case ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return tuple(_items(program, parts, scope))
        case ast.Dict():
            return _dict(program, node, scope)
        case ast.JoinedStr(values=parts):
            return _joined([_formatted(program, part, scope) for part in parts])
        case ast.BinOp():
            return _binary(program, node, scope)
        case ast.BoolOp(values=parts):
            return _either([value(program, part, scope) for part in parts], isinstance(node.op, ast.Or))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            number = value(program, inner, scope)
            return -number if isinstance(number, int | float) else Unknown(_written(node))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            truth = value(program, inner, scope)
            return not truth if isinstance(truth, _PLAIN) else Unknown(_written(node))
        case ast.IfExp():
            return _conditional(program, node, scope)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _compared(value(program, left, scope), comparison, value(program, right, scope))
        case ast.Subscript(value=owner, slice=key):
            return _item(program, node, value(program, owner, scope), key, scope)
        case ast.Lambda():
            return Function(node, scope)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _comprehension(program, node, scope)
        case ast.NamedExpr(target=target, value=inner):
            found = value(program, inner, scope)
            assign(program, target, found, scope)
            return found
        case ast.Await(value=inner) | ast.Starred(value=inner):
            return value(program, inner, scope)
        case _:
            return Unknown(_written(node))


def _written(node: ast.AST) -> str:
    try:
        return ast.unparse(node)[:120]
    except (RecursionError, ValueError):
        return ""


def _name(program: Program, name: str, scope: Scope) -> Value:
    for each in scope.chain():
        if name in each.names:
            found = each.names[name]
            if isinstance(found, Import):
                found = each.names[name] = program.resolved(found, each.module)
            return found
        if each.owner is not None and each.parent is not None and (found := _of_class(program, each, name)) is not None:
            return found
    return External(f"builtins.{name}") if hasattr(builtins, name) else Unknown(name)


def _of_class(program: Program, scope: Scope, name: str) -> Value:
    """A name in a class's body; functions do not see it, and their scopes have no owner of their own."""
    from accepted_apps.audit.discovery.python.attributes import own

    return own(program, scope.owner, name, scope) if scope.owner else None


def _call(program: Program, node: ast.Call, scope: Scope) -> Value:
    callee = value(program, node.func, scope)
    args: list[Value] = []
    for arg in node.args:
        found = value(program, arg, scope)
        if isinstance(arg, ast.Starred):
            args += list(found) if isinstance(found, list | tuple) else []
        else:
            args.append(found)
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        found = value(program, keyword.value, scope)
        if keyword.arg is not None:
            kwargs[keyword.arg] = found
        elif isinstance(found, dict):
            kwargs |= {name: one for name, one in found.items() if isinstance(name, str)}
    return program.call(callee, args, kwargs, node, scope)


def _items(program: Program, parts: list[ast.expr], scope: Scope) -> list[Value]:
    items: list[Value] = []
    for part in parts:
        found = value(program, part, scope)
        if isinstance(part, ast.Starred) and isinstance(found, list | tuple | dict):
            items += list(found)
        else:
            items.append(found)
    return items[:_MOST_ITEMS]


def _dict(program: Program, node: ast.Dict, scope: Scope) -> Value:
    made: dict[Value, Value] = {}
    for key, item in zip(node.keys, node.values, strict=True):
        found = value(program, item, scope)
        if key is None:
            made |= found if isinstance(found, dict) else {}
            continue
        name = settled(value(program, key, scope))
        # Objects are compared by identity, so that each of them can be a key, and none is taken for another.
        made[name if not isinstance(name, list | dict) else id(name)] = found
    return made


def _formatted(program: Program, part: ast.expr, scope: Scope) -> Value:
    if isinstance(part, ast.FormattedValue):
        found = settled(value(program, part.value, scope))
        return found if isinstance(found, str | int | float) else Unknown(_written(part.value))
    return value(program, part, scope)


def _joined(parts: list[Value]) -> str:
    unknown = tuple(written for part in parts for written in missing(part))
    text = "".join(str(part) for part in parts if isinstance(part, str | int | float))[:_LONGEST_TEXT]
    return Partial(text, unknown) if unknown else text


def _binary(program: Program, node: ast.BinOp, scope: Scope) -> Value:
    left, right = (settled(value(program, side, scope)) for side in (node.left, node.right))
    match node.op:
        case ast.Add():
            return _added(node, left, right)
        case ast.Mod() if isinstance(left, str):
            return _percent(left, right, node)
        case ast.Div() if isinstance(left, str) and isinstance(right, str):  # pathlib's way of joining
            return f"{left.rstrip('/')}/{right}"
        case ast.BitOr() if isinstance(left, dict) and isinstance(right, dict):
            return left | right
        case ast.BitOr() if isinstance(left, tuple) and isinstance(right, tuple):  # sets are tuples here
            return (*left, *right)[:_MOST_ITEMS]
        case ast.Sub() if isinstance(left, tuple) and isinstance(right, tuple):
            return tuple(item for item in left if item not in right)
        case ast.Mult() if isinstance(left, int) and isinstance(right, int) and abs(left * right) < 10**9:
            return left * right
        case _:
            return Unknown(_written(node))


def _added(node: ast.BinOp, left: Value, right: Value) -> Value:
    if isinstance(left, list | tuple) or isinstance(right, list | tuple):
        both = [*_spread(left), *_spread(right)][:_MOST_ITEMS]
        return tuple(both) if isinstance(left, tuple) else both
    if isinstance(left, str) or isinstance(right, str):
        named = [
            side if isinstance(side, str) else Unknown(_written(written))
            for side, written in ((left, node.left), (right, node.right))
        ]
        return _joined(named)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left + right
    if isinstance(left, Method | Instance) and isinstance(right, Method | Instance):
        return [left, right]  # `first_router.urls + second_router.urls`
    return Unknown(_written(node))


def _spread(side: Value) -> list[Value]:
    return list(side) if isinstance(side, list | tuple) else [side]


def _percent(left: str, right: Value, node: ast.BinOp) -> Value:
    values = right if isinstance(right, tuple | dict) else (right,)
    if too_wide(left):
        return Unknown(_written(node))
    parts = list(values.values()) if isinstance(values, dict) else list(values)
    unknown = tuple(written for part in parts for written in missing(part))
    known = [part if isinstance(part, str | int | float) else "" for part in parts]
    try:
        text = left % (dict(zip(values, known, strict=True)) if isinstance(values, dict) else tuple(known))
    except (TypeError, ValueError, KeyError):
        return Unknown(_written(node))
    return Partial(text[:_LONGEST_TEXT], unknown) if unknown else text[:_LONGEST_TEXT]


def _either(parts: list[Value], first_true: bool) -> Value:
    for part in parts:
        if isinstance(part, Unknown):
            continue
        if not isinstance(part, _PLAIN) or bool(part) is first_true:
            return part
    return parts[-1]


def _conditional(program: Program, node: ast.IfExp, scope: Scope) -> Value:
    test = value(program, node.test, scope)
    if isinstance(test, _PLAIN):
        return value(program, node.body if test else node.orelse, scope)
    one, other = value(program, node.body, scope), value(program, node.orelse, scope)
    return other if isinstance(one, Unknown | None) else one


def _compared(left: Value, comparison: ast.cmpop, right: Value) -> Value:
    if not isinstance(left, _PLAIN) or not isinstance(right, _PLAIN) or missing(left) or missing(right):
        return Unknown()
    try:
        return _COMPARISONS[type(comparison)](left, right)
    except TypeError:
        return Unknown()


def _item(program: Program, node: ast.Subscript, owner: Value, key: ast.expr, scope: Scope) -> Value:
    if isinstance(key, ast.Slice):
        bounds = [value(program, bound, scope) for bound in (key.lower, key.upper, key.step)]
        if isinstance(owner, str | list | tuple) and all(isinstance(bound, int | None) for bound in bounds):
            return owner[slice(*bounds)]
        return Unknown(_written(node))
    if isinstance(owner, External | Class):
        return owner  # `list[str]`, `Router[User]`
    if isinstance(owner, Instance) and owner.args and isinstance(owner.args[0], dict):
        owner = owner.args[0]  # of a class that is a dict
    index = settled(value(program, key, scope))
    try:
        if isinstance(owner, dict | list | tuple | str) and isinstance(index, str | int):
            return owner[index]  # type: ignore[index]
        if isinstance(owner, dict):
            return owner[index]
    except (KeyError, IndexError, TypeError):
        pass
    return Unknown(_written(node))


def _comprehension(
    program: Program, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
) -> Value:
    inside = Scope(scope.module, scope)
    made: list[Value] = []
    named: dict[Value, Value] = {}

    def each(left: list[ast.comprehension]) -> None:
        if not left:
            if isinstance(node, ast.DictComp):
                key = value(program, node.key, inside)
                if isinstance(key, str | int):
                    named[key] = value(program, node.value, inside)
            else:
                made.append(value(program, node.elt, inside))
            return
        items = value(program, left[0].iter, inside)
        for item in list(items)[:_MOST_ITEMS] if isinstance(items, list | tuple | dict) else []:
            assign(program, left[0].target, item, inside)
            tests = [value(program, test, inside) for test in left[0].ifs]
            if all(test or not isinstance(test, _PLAIN) for test in tests):
                each(left[1:])

    if isinstance(value(program, node.generators[0].iter, scope), list | tuple | dict):
        each(node.generators)
        return named if isinstance(node, ast.DictComp) else made
    return Unknown(_written(node))
