"""Where a controller's action is: the file and the lines of its method, also of one that it inherits."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree

from .inflect import underscored
from .values import children, line_of, text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_SUFFIX = "_controller.rb"
_ANCESTORS_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Action:
    """function: `Admin::UsersController#show`. found: whether it has a method; else the lines are the class's first."""

    file: str
    line: int
    end_line: int
    function: str
    found: bool


@dataclass(slots=True)
class _Class:
    file: str
    name: str
    node: Node
    above: str = ""
    methods: dict[str, Node] = field(default_factory=dict)
    included: list[str] = field(default_factory=list)


class Controllers:
    def __init__(self, sources: SourceTree) -> None:
        self._sources = sources
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in sources.having(".rb"):
            self._by_name[posixpath.basename(path)].append(path)
        self._read: dict[str, list[_Class]] = {}

    def action(self, controller: str, action: str, near: str) -> Action | None:
        """controller: as `admin/users`; near: the folder of the application, whose own are taken first."""
        path = self._file(f"{controller}{_SUFFIX}", near)
        if path is None:
            return None
        own = self._classes(path)
        known = next((each for each in own if underscored(each.name).endswith(posixpath.basename(path)[:-3])), None)
        known = known or (own[0] if own else None)
        if known is None:
            return None
        label = f"{known.name}#{action}"
        holder = self._holder(known, action, near, set())
        if holder is None:
            line = line_of(known.node)
            return Action(known.file, line, line, label, found=False)
        node = holder.methods[action]
        return Action(holder.file, line_of(node), node.end_point[0] + 1, label, found=True)

    def exists(self, controller: str, near: str) -> bool:
        return self._file(f"{controller}{_SUFFIX}", near) is not None

    def _holder(self, known: _Class, action: str, near: str, seen: set[str]) -> _Class | None:
        """The class or module that has the method: itself, one that it includes, one above it."""
        if action in known.methods:
            return known
        if known.name in seen or len(seen) > _ANCESTORS_AT_MOST * 3:
            return None
        seen.add(known.name)
        for name in (*reversed(known.included), known.above):
            path = self._file(f"{underscored(name)}.rb", near, within=known.name) if name else None
            for each in self._classes(path) if path else ():
                if underscored(each.name).endswith(underscored(name)):
                    found = self._holder(each, action, near, seen)
                    if found:
                        return found
        return None

    def _file(self, name: str, near: str, within: str = "") -> str | None:
        """The file that autoloading finds for a name, tried in the namespaces around as Ruby does."""
        spaces = underscored(within).split("/")[:-1]
        for depth in range(len(spaces), -1, -1):
            wanted = "/".join([*spaces[:depth], name])
            paths = [
                path
                for path in self._by_name.get(posixpath.basename(wanted), ())
                if path == wanted or path.endswith(f"/{wanted}")
            ]
            if paths:
                return min(paths, key=lambda path: (not path.startswith(near), len(path), path))
        return None

    def _classes(self, path: str) -> list[_Class]:
        if path not in self._read:
            tree = self._sources.syntax(path, "ruby")
            found: list[_Class] = []
            if tree is not None:
                _collect(tree.root_node, "", path, found)
            self._read[path] = found
        return self._read[path]


def _collect(node: Node, space: str, path: str, found: list[_Class]) -> None:
    for child in children(node):
        if child.type in {"class", "module"}:
            name = f"{space}::{text_of(child.child_by_field_name('name'))}".removeprefix("::")
            above = child.child_by_field_name("superclass")
            known = _Class(path, name, child, text_of(children(above)[0]) if above is not None else "")
            _read_body(child.child_by_field_name("body"), known)
            found.append(known)
            _collect(child, name, path, found)
        elif child.type in {"body_statement", "program", "begin", "if", "then"}:
            _collect(child, space, path, found)


def _read_body(body: Node | None, known: _Class) -> None:
    for child in children(body):
        if child.type == "method":
            known.methods.setdefault(text_of(child.child_by_field_name("name")), child)
        elif child.type == "call":
            _read_call(child, known)


def _read_call(call: Node, known: _Class) -> None:
    """`include Concern`, `private def x`, `alias_method :a, :b`, and a concern's `included do`."""
    method = text_of(call.child_by_field_name("method"))
    listed = children(call.child_by_field_name("arguments"))
    if method in {"include", "prepend", "extend"}:
        known.included += [text_of(each) for each in listed if each.type in {"constant", "scope_resolution"}]
    elif method == "alias_method" and len(listed) == 2:
        old = text_of(listed[1]).removeprefix(":")
        known.methods.setdefault(text_of(listed[0]).removeprefix(":"), known.methods.get(old, call))
    elif method in {"private", "protected", "public", "helper_method"}:
        for each in listed:
            if each.type == "method":
                known.methods.setdefault(text_of(each.child_by_field_name("name")), each)
    elif method in {"included", "class_methods"} and call.child_by_field_name("block") is not None:
        for inner in walk(call):
            if inner.type == "method":
                known.methods.setdefault(text_of(inner.child_by_field_name("name")), inner)
    elif method == "define_method" and listed:
        known.methods.setdefault(text_of(listed[0]).strip(":\"'"), call)
