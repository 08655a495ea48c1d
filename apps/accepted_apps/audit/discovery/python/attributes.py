"""The attributes of objects: instances and classes of the repository, of libraries, modules, text."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.python.values import (
    BuiltIn,
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Scope,
    Super,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.python.program import Program


def attribute(program: Program, owner: Value, name: str, written: str = "") -> Value:
    match owner:
        case Instance():
            return _of_instance(program, owner, name, written)
        case Class():
            if name == "_meta" and any(kind.startswith("django.") for kind in program.kinds(owner)):
                return _meta(owner)
            found = of_class(program, owner, name)
            return bound(program, found, owner) if found is not None else _foreign(program, owner, name, written)
        case Module():
            return program.member(owner, name)
        case External(name=full):
            return program.external(f"{full}.{name}")
        case Method():
            return attribute(program, _held(owner), name, written)
        case Function():
            return owner.attributes.get(name, Unknown(written or name))
        case Super():
            return _above(program, owner, name)
        case str() | int() if name in {"value", "name"}:
            return owner  # a member of an Enum
        case str() | list() | dict() | tuple():
            return BuiltIn(owner, name)
        case _:
            return Unknown(written or name)


def _meta(model: Class) -> Value:
    """What Django knows of a model, by which some programs build their patterns."""
    folders = model.module.path.split("/")[:-1]
    label = next((folder for folder in reversed(folders) if folder != "models"), "")
    known = {"app_label": label, "model_name": model.name.lower(), "object_name": model.name}
    known["label_lower"] = f"{label}.{model.name.lower()}"
    return Instance(External("django.db.models.options.Options"), [], {}, model.module, model.node, dict(known))


def of_class(program: Program, cls: Class, name: str) -> Value:
    """An attribute as some class of the ancestry has it; None where none in the repository does."""
    for base in ancestry(program, cls):
        if isinstance(base, Class) and (found := own(program, base, name)) is not None:
            return found
    return None


def own(program: Program, cls: Class, name: str, scope: Scope | None = None) -> Value:
    """An attribute of the class's own body; None where there is none."""
    if name in cls.attributes:
        return cls.attributes[name]
    node = _definition(cls.node.body, name)
    if node is None:
        return None
    inside = scope or Scope(cls.scope.module, cls.scope, owner=cls)
    cls.attributes[name] = Unknown(name)  # what refers to itself ends here
    cls.attributes[name] = _defined(program, node, cls, inside)
    return cls.attributes[name]


def methods(program: Program, cls: Class) -> dict[str, Function]:
    """All functions of a class and its bases in the repository, by name."""
    found: dict[str, Function] = {}
    for base in ancestry(program, cls):
        if isinstance(base, Class):
            for node in _statements(base.node.body):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in found:
                    value = own(program, base, node.name)
                    if isinstance(value, Function):
                        found[node.name] = value
    return found


def ancestry(program: Program, cls: Class, seen: tuple[Class, ...] = ()) -> list[Value]:
    found: list[Value] = [cls]
    for node in cls.node.bases:
        own_name = isinstance(node, ast.Name) and node.id == cls.name
        base = cls.namesake if own_name else program.value(node, cls.scope)
        if isinstance(base, Class) and base not in seen and base is not cls:
            found += ancestry(program, base, (*seen, cls))
        elif isinstance(base, External):
            found.append(base)
        elif isinstance(base, Instance) and isinstance(base.maker, External):
            found.append(External(base.maker.name))
    # Of a base that is reached twice, the last place counts.
    names = [id(base) if isinstance(base, Class) else base.name for base in found]
    return [base for at, base in enumerate(found) if names[at] not in names[at + 1 :]]


def bound(program: Program, found: Value, owner: Value) -> Value:
    """What reading an attribute of an instance or class gives: methods know their owner, properties are called."""
    if not isinstance(found, Function) or isinstance(found.node, ast.Lambda):
        return found
    if _is(found, "staticmethod"):
        return found
    made = Function(found.node, found.scope, found.owner, found.decorators, owner, found.attributes)
    if isinstance(owner, Class):
        return made if _is(found, "classmethod") else found
    if _is(found, "property") or _is(found, "cached_property"):
        return program.call(made, [], {}, found.node, found.scope)
    return made


def _of_instance(program: Program, owner: Instance, name: str, written: str) -> Value:
    if name in owner.attributes:
        return owner.attributes[name]
    if not isinstance(owner.maker, Class):
        return Method(owner, name)
    found = of_class(program, owner.maker, name)
    if found is not None:
        return bound(program, found, owner)
    return _foreign(program, owner, name, written)


def _foreign(program: Program, owner: Instance | Class, name: str, written: str) -> Value:
    """What a class of a library has, if one is among the bases."""
    if any(kind != "builtins.object" for kind in program.kinds(owner)):
        return Method(owner, name)
    return Unknown(written or name)


def _held(method: Method) -> Instance | Class:
    """`app.router` is an object of its own; the same one each time."""
    owner = method.owner
    if method.name not in owner.attributes:
        node = owner.node
        owner.attributes[method.name] = Instance(method, [], {}, _module(owner), node)
    held = owner.attributes[method.name]
    return held if isinstance(held, Instance | Class) else owner


def _module(owner: Instance | Class) -> Module:
    return owner.module


def _above(program: Program, owner: Super, name: str) -> Value:
    instance = owner.instance
    cls = instance.maker if isinstance(instance, Instance) else instance
    if not isinstance(cls, Class):
        return Unknown(name)
    line = ancestry(program, cls)
    after = line[line.index(owner.owner) + 1 :] if owner.owner in line else []
    for base in after:
        if isinstance(base, Class) and (found := own(program, base, name)) is not None:
            return bound(program, found, instance)
    return Method(instance, name) if any(isinstance(base, External) for base in after) else Unknown(name)


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """A class's statements, those under an `if` as well."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If):
            found += _statements(statement.body) + _statements(statement.orelse)
        else:
            found.append(statement)
    return found


def _definition(body: list[ast.stmt], name: str) -> ast.stmt | None:
    found: ast.stmt | None = None
    for statement in _statements(body):
        match statement:
            case ast.FunctionDef(name=defined) | ast.AsyncFunctionDef(name=defined) | ast.ClassDef(name=defined):
                found = statement if defined == name else found
            case ast.Assign(targets=targets):
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    found = statement
            case ast.AnnAssign(target=ast.Name(id=defined), value=given) if defined == name and given is not None:
                found = statement
            case _:
                pass
    return found


def _defined(program: Program, node: ast.stmt, cls: Class, inside: Scope) -> Value:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return Function(node, inside, cls)
        case ast.ClassDef():
            return Class(node, inside, outer=cls)
        case ast.Assign(value=given):
            return program.value(given, inside)
        case ast.AnnAssign(value=given):
            return program.value(given, inside)
        case _:
            return None


def _is(function: Function, decorator: str) -> bool:
    return any(isinstance(each, External) and each.name.rpartition(".")[2] == decorator for each in function.decorators)
