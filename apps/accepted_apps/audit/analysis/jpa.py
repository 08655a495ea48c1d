"""Relations of JPA entities that are loaded when they are first used, and the queries that fetch along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from accepted_apps.audit.discovery.files import SourceTree

if TYPE_CHECKING:
    from tree_sitter import Node

_KINDS: Final = {"OneToMany": "many", "ManyToMany": "many", "ManyToOne": "one", "OneToOne": "one"}
_RELATION: Final = re.compile(r"@(OneToMany|ManyToMany|ManyToOne|OneToOne)\b")
_LOADED_IN_BATCHES: Final = re.compile(r"@BatchSize\b|@Fetch\b")
_FETCHES: Final = re.compile(r"@EntityGraph\b|\bjoin\s+fetch\b", re.IGNORECASE)


def read_entities(tree: SourceTree) -> dict[str, dict[str, str]]:
    """By entity, its lazy relations: `one` or `many`. Empty where Hibernate is told to load all of them in batches."""
    if tree.mentioning("default_batch_fetch_size", suffixes=(".yml", ".yaml", ".properties", ".xml", ".java")):
        return {}
    found: dict[str, dict[str, str]] = {}
    for file in tree.mentioning("@OneToMany", "@ManyToMany", "@ManyToOne", "@OneToOne", suffixes=(".java",)):
        for kind in _of_type(tree, file, "class_declaration"):
            modifiers = _modifiers(kind)
            if "@Entity" in modifiers and not _LOADED_IN_BATCHES.search(modifiers):
                found.setdefault(_named(kind), {}).update(_relations(kind))
    return found


def read_fetching(tree: SourceTree) -> frozenset[str]:
    """Names of the methods of repositories that fetch relations along."""
    return frozenset(
        _named(method)
        for file in tree.mentioning("EntityGraph", "fetch", "FETCH", suffixes=(".java",))
        for method in _of_type(tree, file, "method_declaration")
        if _FETCHES.search(_modifiers(method))
    )


def _relations(kind: Node) -> dict[str, str]:
    relations: dict[str, str] = {}
    body = kind.child_by_field_name("body")
    for member in body.named_children if body is not None else ():
        modifiers = _modifiers(member)
        declared = _RELATION.search(modifiers)
        if declared is None or _LOADED_IN_BATCHES.search(modifiers):
            continue
        many = _KINDS[declared[1]] == "many"
        if "EAGER" in modifiers if many else "LAZY" not in modifiers:
            continue
        name = _named(member)
        relations[name] = _KINDS[declared[1]]
    return relations


def _of_type(tree: SourceTree, file: str, wanted: str) -> Iterator[Node]:
    parsed = tree.syntax(file, "java")
    waiting = [parsed.root_node] if parsed is not None else []
    while waiting:
        node = waiting.pop()
        if node.type == wanted:
            yield node
        if node.type != "block":
            waiting += reversed(node.named_children)


def _modifiers(node: Node) -> str:
    return next((_text(child) for child in node.children if child.type == "modifiers"), "")


def _named(node: Node) -> str:
    """Of a getter, the name of what it gets."""
    declarator = node.child_by_field_name("declarator") or node
    name = _text(declarator.child_by_field_name("name"))
    if node.type == "method_declaration" and _RELATION.search(_modifiers(node)):
        bare = name.removeprefix("get")
        return bare[:1].lower() + bare[1:]
    return name


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""
