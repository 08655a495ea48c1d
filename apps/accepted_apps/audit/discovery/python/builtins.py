"""Built-in functions, and the methods of text, lists and dicts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Partial,
    Unknown,
    Value,
    missing,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.python.program import Program

_MOST = 5_000
_LONGEST_TEXT = 20_000
_LARGEST_PRODUCT = 1_000_000
_WIDE = re.compile(r"\d{3}|\*|\{[^{}]*\{")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_TEXT = _names(
    "lower upper strip lstrip rstrip replace removeprefix removesuffix title capitalize split rsplit partition"
    " rpartition startswith endswith format join casefold count find"
)
_OF_AN_APPLICATION = _names(
    "name label verbose_name path module models_module models apps default default_auto_field ready get_model"
    " get_models import_models create"
)
_OF_LIBRARY_CLASSES = {
    "builtins.object": frozenset[str](),
    "django.apps.AppConfig": _OF_AN_APPLICATION,
    "django.apps.config.AppConfig": _OF_AN_APPLICATION,
}
_OF_LISTS = _names("append extend insert index count copy reverse pop sort")
_OF_DICTS = _names("get items keys values update copy pop setdefault")


def call_builtin(  # noqa: PLR0912
    program: Program, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    first = args[0] if args else None
    match name:
        case "list" | "sorted" | "reversed" | "tuple" | "set" | "frozenset" | "iter":
            return _sequence(name, first, bool(args))
        case "dict":
            return _dict(first) | kwargs
        case "str" if args:
            return str(first) if isinstance(first, str | int | float) and not missing(first) else first
        case "int" | "bool" | "len" if args:
            return _number(name, first)
        case "enumerate" if isinstance(first, list | tuple):
            return [(at, item) for at, item in enumerate(first)]
        case "zip" if args and all(isinstance(arg, list | tuple) for arg in args):
            return [tuple(items) for items in zip(*args, strict=False)]
        case "range" if args and all(isinstance(arg, int) for arg in args):
            return list(range(*args)[:_MOST])
        case "getattr" if len(args) > 1 and isinstance(args[1], str):
            found = program.attribute(first, args[1])
            return args[2] if isinstance(found, Unknown | Method) and len(args) > 2 else found
        case "setattr" if len(args) == 3 and isinstance(args[1], str):
            if isinstance(first, Instance | Class | Function):
                first.attributes[args[1]] = args[2]
            return None
        case "hasattr" if len(args) == 2 and isinstance(args[1], str):
            return _has(program, first, args[1])
        case "issubclass" if len(args) == 2 and isinstance(first, Class):
            return _is_below(program, first, args[1])
        case "hasattr" | "isinstance" | "issubclass" | "callable":
            return Unknown(name)
        case "map" if len(args) == 2 and isinstance(args[1], list | tuple) and isinstance(first, Function):
            return [program.call(first, [item], {}, first.node, first.scope) for item in args[1]]
        case "vars" | "dir" if isinstance(first, Module):
            return dict(first.scope.names)
        case _:
            return Unknown(f"{name}()")


def _has(program: Program, owner: Value, name: str) -> Value:
    """Unknown where a class of a library decides it."""
    if isinstance(owner, Module):
        return not isinstance(program.member(owner, name), Unknown)
    if not isinstance(owner, Instance):
        return Unknown("hasattr()")
    found = program.attribute(owner, name)
    if not isinstance(found, Unknown | Method):
        return True
    kinds = program.kinds(owner)
    return False if isinstance(found, Unknown) or _lacks(kinds, name) else Unknown("hasattr()")


def _lacks(kinds: list[str], name: str) -> bool:
    return all(kind in _OF_LIBRARY_CLASSES and name not in _OF_LIBRARY_CLASSES[kind] for kind in kinds)


def _is_below(program: Program, cls: Class, other: Value) -> Value:
    if isinstance(other, tuple):
        found = [_is_below(program, cls, one) for one in other]
        return True if True in found else next((one for one in found if isinstance(one, Unknown)), False)
    if isinstance(other, Class):
        return other in program.ancestry(cls)
    return True if isinstance(other, External) and other.name in program.kinds(cls) else Unknown("issubclass()")


def call_method_of_value(owner: Value, name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    try:
        if isinstance(owner, str) and name in _OF_TEXT:
            return _text(owner, name, args, kwargs)
        if isinstance(owner, list) and name in _OF_LISTS:
            if name == "extend" and not isinstance(args[0], list | tuple):
                return owner.append(args[0])
            return getattr(owner, name)(*args) if len(owner) < _MOST else None
        if isinstance(owner, dict) and name in _OF_DICTS:
            return _of_dict(owner, name, args, kwargs)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        pass
    return Unknown(f".{name}()")


def too_wide(template: str) -> bool:
    """Whether a template may make much text of little: widths of three digits and more, or computed ones."""
    return bool(_WIDE.search(template))


def _sequence(name: str, first: Value, given: bool) -> Value:
    if isinstance(first, dict):
        first = list(first)
    if given and not isinstance(first, list | tuple):
        return first
    items = list(first or ())
    return tuple(items) if name in {"tuple", "set", "frozenset"} else items[::-1] if name == "reversed" else items


def _dict(first: Value) -> dict[Value, Value]:
    if isinstance(first, dict):
        return dict(first)
    if isinstance(first, list | tuple):
        return {item[0]: item[1] for item in first if isinstance(item, list | tuple) and len(item) == 2}
    return {}


def _number(name: str, first: Value) -> Value:
    kinds: dict[str, Callable[[Any], Value]] = {"int": int, "bool": bool, "len": len}
    if not isinstance(first, str | int | float | list | tuple | dict) or missing(first):
        return Unknown(f"{name}()")
    try:
        return kinds[name](first)
    except (TypeError, ValueError):
        return Unknown(f"{name}()")


def _text(owner: str, name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    if name == "join":
        return _joined(owner, args[0])
    sizes = [len(arg) for arg in args if isinstance(arg, str)]
    if (name == "format" and too_wide(owner)) or len(owner) * max(sizes, default=0) > _LARGEST_PRODUCT:
        return Unknown(f".{name}()")
    values = [*args, *kwargs.values()]
    unknown = missing(owner) + tuple(written for value in values for written in missing(value))
    if name == "format":
        filled = [value if isinstance(value, str | int | float) else "" for value in args]
        text = owner.format(
            *filled, **{key: value if isinstance(value, str | int) else "" for key, value in kwargs.items()}
        )
        unknown += tuple("…" for value in values if not isinstance(value, str | int | float | Unknown))
    else:
        text = getattr(str(owner), name)(*args, **kwargs)
    if not isinstance(text, str):
        return text
    return Partial(text[:_LONGEST_TEXT], unknown) if unknown else text[:_LONGEST_TEXT]


def _joined(owner: str, parts: Value) -> Value:
    if not isinstance(parts, list | tuple):
        return Unknown(".join()")
    if len(owner) * len(parts) + sum(len(part) for part in parts if isinstance(part, str)) > _LARGEST_PRODUCT:
        return Unknown(".join()")
    unknown = tuple(written for part in parts for written in missing(part))
    text = owner.join(part if isinstance(part, str) else "" for part in parts)
    return Partial(text, unknown) if unknown else text


def _of_dict(owner: dict[Value, Value], name: str, args: list[Value], kwargs: dict[str, Value]) -> Value:
    match name:
        case "items":
            return list(owner.items())
        case "keys":
            return list(owner)
        case "values":
            return list(owner.values())
        case "update":
            owner.update(args[0] if args and isinstance(args[0], dict) else {}, **kwargs)
            return None
        case _:
            return getattr(owner, name)(*args)
