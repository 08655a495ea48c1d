"""Relations of models that are loaded when they are first used: what makes N + 1 queries of a harmless loop."""

from __future__ import annotations

import ast
import re
from typing import Final

from accepted_apps.audit.discovery.files import SourceTree

from .jpa import read_entities

_DJANGO: Final = {"ForeignKey": "one", "OneToOneField": "one", "ManyToManyField": "many"}
_RUBY: Final = re.compile(r"^\s*(belongs_to|has_one|has_many|has_and_belongs_to_many)\s+:(\w+)", re.MULTILINE)
_RUBY_CLASS: Final = re.compile(r"^\s*class\s+([A-Z]\w*)", re.MULTILINE)


def read_relations(tree: SourceTree) -> dict[str, dict[str, str]]:
    """By model, its relations: `one` for a thing, `many` for a list. Of Django, SQLAlchemy, Rails and JPA."""
    found = read_entities(tree)
    for file in tree.mentioning("ForeignKey", "OneToOneField", "ManyToManyField", "relationship(", suffixes=(".py",)):
        module = tree.python(file)
        for node in ast.walk(module) if module is not None else ():
            if isinstance(node, ast.ClassDef):
                relations = _of_class(node)
                if relations:
                    found.setdefault(node.name, {}).update(relations)
    for file in tree.mentioning("belongs_to", "has_many", "has_one", suffixes=(".rb",)):
        text = tree.text(file) or ""
        model = _RUBY_CLASS.search(text)
        if model is not None:
            for kind, name in _RUBY.findall(text):
                found.setdefault(model[1], {})[name] = "one" if kind in {"belongs_to", "has_one"} else "many"
    return found


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    relations = {}
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                kind = _kind(call)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
                kind = _kind(call)
            case _:
                continue
        if kind:
            relations[name] = kind
    return relations


def _kind(call: ast.Call) -> str:
    """Empty for what is no relation, or one that is fetched along by itself (`lazy=`)."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"relationship", "Relationship"}:
        return "" if any(one.arg == "lazy" for one in call.keywords) else "many"
    return _DJANGO.get(name, "")
