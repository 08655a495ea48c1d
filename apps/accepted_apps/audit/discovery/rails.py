"""Routes of Ruby on Rails applications and of engines within the repository, as `rails routes` lists them.

Without the format at the end. An optional part of a path gives a route with it and one without; but an optional scope
around many routes, such as a language, is only noted. PATCH and PUT are two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.model import Route

from .ruby.controllers import Controllers
from .ruby.drawing import Drawing, Drawn, Mount, engine_module
from .ruby.gems import folder_of
from .ruby.scope import Scope
from .ruby.values import text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_DRAWS = {"draw", "append", "prepend", "add_routes"}
_API_ONLY = re.compile(r"^\s*config\.api_only\s*=\s*true", re.MULTILINE)
_ISOLATED = re.compile(r"^\s*isolate_namespace\s+\(?\s*(?:::)?([\w:]+)", re.MULTILINE)
_PARAMETER = re.compile(r"(?<!\\):([a-zA-Z_]\w*)")
_REST = re.compile(r"\*(\w+)")
_OPTIONAL = re.compile(r"\(([^()]*)\)")
_VARIANTS_AT_MOST = 8


class RailsDiscoverer:
    name = "Rails"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        blocks = list(_blocks(sources))
        if not blocks:
            return []
        return list(_Application(sources, blocks).routes())


class _Block:
    """One `….routes.draw do`. of: `Rails.application`, or the engine's name."""

    def __init__(self, file: str, root: Node, of: str, body: Node) -> None:
        self.file, self.root, self.of, self.body = file, root, of, body
        self.folder = folder_of(file)
        self.is_engine = not re.search(r"(Rails\.application|(^|::)Application)$", of)


def _blocks(sources: SourceTree) -> Iterator[_Block]:
    for file in sources.mentioning("routes.draw", "routes.append", "routes.prepend", "add_routes", suffixes=(".rb",)):
        tree = sources.syntax(file, "ruby")
        for node in walk(tree.root_node) if tree else ():
            if node.type != "call" or text_of(node.child_by_field_name("method")) not in _DRAWS:
                continue
            receiver = text_of(node.child_by_field_name("receiver"))
            block = node.child_by_field_name("block")
            body = block.child_by_field_name("body") if block is not None else None
            method = text_of(node.child_by_field_name("method"))
            if tree and body is not None and (receiver.endswith("routes") or method == "add_routes"):
                yield _Block(file, tree.root_node, receiver.removesuffix(".routes"), body)


class _Application:
    def __init__(self, sources: SourceTree, blocks: list[_Block]) -> None:
        self._sources = sources
        self._blocks = sorted(blocks, key=lambda block: (block.is_engine, block.file))
        self._controllers = Controllers(sources)
        self._isolated = self._isolated_engines() if any(block.is_engine for block in blocks) else set()
        self._mounts: list[Mount] = []

    def routes(self) -> Iterator[Route]:
        engines = {block.of for block in self._blocks if block.is_engine}
        for block in self._blocks:
            for scope, unmounted in self._scopes(block):
                drawing = self._drawing(block)
                drawing.draw(block.body, block.file, scope)
                self._mounts += drawing.mounts
                for drawn in drawing.routes:
                    yield from self._of(drawn, block, unmounted)
                self._note_mounts(drawing.mounts, engines)

    def _drawing(self, block: _Block) -> Drawing:
        settings = self._sources.text(f"{block.folder}config/application.rb") or ""
        drawing = Drawing(self._sources, block.folder, api_only=bool(_API_ONLY.search(settings)))
        drawing.learn(block.root, block.file)
        return drawing

    def _scopes(self, block: _Block) -> list[tuple[Scope, str]]:
        """Where its routes begin: once for each place where an engine is mounted."""
        if not block.is_engine:
            return [(Scope(), "")]
        module = engine_module(block.of) if _last(block.of) in self._isolated or block.of in self._isolated else ""
        found = [mount for mount in self._mounts if _is_same(mount.name, block.of)]
        if not found:
            return [(Scope(module=module), f"Where {block.of} is mounted is not told.")]
        paths = sorted({mount.path for mount in found})
        return [(Scope(path=path, shallow_path=path, module=module), "") for path in paths]

    def _isolated_engines(self) -> set[str]:
        """The names of engines whose controllers are in a module of their own."""
        found: set[str] = set()
        for path in self._sources.mentioning("isolate_namespace", suffixes=(".rb",)):
            for name in _ISOLATED.findall(self._sources.text(path) or ""):
                found |= {f"{name}::Engine", name}
        return found

    def _note_mounts(self, mounts: list[Mount], engines: set[str]) -> None:
        for mount in mounts:
            if not any(_is_same(mount.name, of) for of in engines):
                said = f"{mount.name} is mounted at {mount.path or '/'}; what it answers is not listed."
                self._sources.note(said)

    def _of(self, drawn: Drawn, block: _Block, unmounted: str) -> Iterator[Route]:
        action = self._controllers.action(drawn.controller, drawn.action, block.folder) if drawn.controller else None
        place = action or drawn
        file, line, end = place.file, place.line, place.end_line
        notes = list(drawn.notes)
        if action and not action.found:
            notes.append(f"{action.function} has no method of its own in the repository.")
        function = action.function if action else f"{drawn.controller}#{drawn.action}" if drawn.controller else ""
        for path in variants(drawn.path):
            yield Route(
                method=drawn.method,
                path=normal(path),
                file=file,
                line=line,
                end_line=end,
                function=function,
                framework="Rails",
                language="ruby",
                snippet=self._sources.snippet(file, line, end),
                declared_file=drawn.file if action else "",
                declared_line=drawn.line if action else 0,
                unresolved=[*drawn.unresolved, *([unmounted] if unmounted else [])],
                notes=notes,
            )


def _last(name: str) -> str:
    return name.rpartition("::")[0]


def _is_same(one: str, other: str) -> bool:
    """`Engine` names, from the outside or from within a module."""
    one, other = one.removeprefix("::"), other.removeprefix("::")
    return bool(one) and (one == other or one.endswith(f"::{other}") or other.endswith(f"::{one}"))


def variants(path: str) -> list[str]:
    """With and without each optional part; a format at the end is left out."""
    path = _named(re.sub(r"\(\.:format\)$|\(\.\*?format\)$", "", path))
    left = [path]
    found: list[str] = []
    while left and len(found) < _VARIANTS_AT_MOST:
        each = left.pop(0)
        optional = _OPTIONAL.search(each)
        if optional is None:
            found.append(each)
            continue
        before, after = each[: optional.start()], each[optional.end() :]
        without = before + after
        left = [without, *left, before + optional[1] + after]
    return list(dict.fromkeys(found))


def normal(path: str) -> str:
    """`/users/:id/*rest` as `/users/{id}/{rest*}`."""
    return "/" + re.sub(r"/{2,}", "/", _named(path)).strip("/")


def _named(path: str) -> str:
    return _REST.sub(r"{\1*}", _PARAMETER.sub(r"{\1}", path))


discoverer = RailsDiscoverer()
