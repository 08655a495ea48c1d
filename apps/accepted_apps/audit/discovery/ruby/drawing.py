"""Reads a routes file as Rails' mapper would, statement by statement, and says every route that it draws."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from accepted_apps.audit.discovery.files import SourceTree

from . import gems
from .inflect import underscored
from .scope import Scope, joined, joined_module
from .values import UNKNOWN, Answerer, Constant, Evaluator, Names, Symbol, children, line_of, strings, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_VERBS = {
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "options": "OPTIONS",
    "query": "QUERY",
}
_RESOURCE_OPTIONS = {"as", "controller", "path", "only", "except", "param", "concerns"}
_CANONICAL = {"index", "create", "new", "show", "update", "destroy"}
_ROUTE_OPTIONS = {
    "to", "via", "as", "on", "action", "controller", "constraints", "defaults", "format", "anchor", "path", "module",
    "internal", "only", "except", "param", "concerns", "shallow", "path_names", "trailing_slash", "host", "protocol",
}  # fmt: skip
_GIVEN_BY_THE_READER = {"via", "to"}
_NO_ROUTES = {"direct", "resolve", "require", "require_relative", "include", "extend", "default_url_options"}
_SHORTHAND = re.compile(r"^/?[-\w]+(/[-\w]+)+$")
_OPTIONAL_PARAMETER = re.compile(r"/?\(/?:\w+\)/?")
_SLASH_BEFORE_OPTIONAL = re.compile(r"/(\(+)/?")
_DEPTH_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line of `rails routes`. path: with `:name`, `*name` and `(…)`. controller: empty where something else
    answers, which `notes` then name."""

    method: str
    path: str
    controller: str
    action: str
    file: str
    line: int
    end_line: int
    unresolved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Mount:
    """An application inside this one, and where."""

    name: str
    path: str
    file: str


@dataclass(slots=True)
class _Block:
    node: Node
    file: str
    names: Names


@dataclass(slots=True)
class Drawing:
    """One application's routes. root: its folder, with a slash at the end, empty for the repository's."""

    sources: SourceTree
    root: str
    api_only: bool
    routes: list[Drawn] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    concerns: dict[str, _Block] = field(default_factory=dict)
    methods: dict[str, _Block] = field(default_factory=dict)
    _file: str = ""
    _depth: int = 0
    _untold: list[str] = field(default_factory=list)
    _evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        self._evaluator = Evaluator({}, self._untold.append)

    def draw(self, body: Node, file: str, scope: Scope) -> None:
        """A block of routes, or a file of them."""
        before, self._file = self._file, file
        names: Names = {}
        for node in children(body):
            self._run(node, scope, names)
        self._file = before

    def learn(self, root: Node, file: str) -> None:
        """Constants and methods that a file defines outside its routes."""
        for node in children(root):
            if node.type == "assignment" and text_of(node.child_by_field_name("left"))[:1].isupper():
                self._assign(node, {})
            elif node.type == "method":
                self.methods[text_of(node.child_by_field_name("name"))] = _Block(node, file, {})
            elif node.type in {"module", "class"}:
                body = node.child_by_field_name("body")
                if body is not None:
                    self.learn(body, file)

    # Statements

    def _run(self, node: Node, scope: Scope, names: Names) -> None:
        if self._depth > _DEPTH_AT_MOST:
            return
        self._depth += 1
        try:
            self._run_statement(node, scope, names)
        finally:
            self._depth -= 1

    def _run_statement(self, node: Node, scope: Scope, names: Names) -> None:
        if node.type in {"call", "identifier"}:
            self._call(node, scope, names)
        elif node.type == "assignment":
            self._assign(node, names)
        elif node.type == "method":
            self.methods[text_of(node.child_by_field_name("name"))] = _Block(node, self._file, names)
        elif node.type in {
            "if",
            "unless",
            "if_modifier",
            "unless_modifier",
            "else",
            "elsif",
            "case",
            "when",
            "conditional",
        }:
            condition = node.child_by_field_name("condition") or node.child_by_field_name("value")
            for child in children(node):
                if child != condition:
                    self._run(child, scope, names)
        elif node.type in {
            "then",
            "begin",
            "body_statement",
            "block_body",
            "program",
            "do_block",
            "block",
            "parenthesized_statements",
            "rescue",
            "ensure",
        }:
            for child in children(node):
                self._run(child, scope, names)

    def _assign(self, node: Node, names: Names) -> None:
        left, right = text_of(node.child_by_field_name("left")), node.child_by_field_name("right")
        value = self._evaluator.value(right, names)
        if left[:1].isupper():
            self._evaluator.constants[left] = value
        else:
            names[left] = value

    def _call(self, node: Node, scope: Scope, names: Names) -> None:
        method = text_of(node.child_by_field_name("method")) if node.type == "call" else text_of(node)
        receiver = node.child_by_field_name("receiver") if node.type == "call" else None
        if receiver is not None and self._is_loop(node, receiver, method, scope, names):
            return
        if method in _NO_ROUTES:
            return
        handler: Callable[..., None] | None = getattr(self, f"_on_{method}", None)
        by_position, by_name = self._arguments(node, names)
        options = {**scope.options, **by_name}
        if method in _VERBS:
            self._match(by_position, {**options, "via": _VERBS[method].lower()}, scope, node)
        elif handler is not None:
            handler(by_position, options, scope, node, names)
        elif method in self.methods:
            self._run_method(self.methods[method], by_position, by_name, scope, node)
        else:
            self._block(node, scope, names)

    def _arguments(self, node: Node, names: Names) -> tuple[list[Any], dict[Any, Any]]:
        return self._evaluator.arguments(node.child_by_field_name("arguments"), names)

    def _is_loop(self, node: Node, receiver: Node, method: str, scope: Scope, names: Names) -> bool:
        block = node.child_by_field_name("block")
        if block is None or method not in {"each", "map", "each_with_index", "each_pair", "flat_map", "tap", "times"}:
            return False
        over = self._evaluator.value(receiver, names)
        pairs = list(over.items()) if isinstance(over, dict) else over if isinstance(over, list) else [UNKNOWN]
        for each in pairs:
            given = list(each) if isinstance(each, tuple) else [each]
            self._run_block(_Block(block, self._file, names), given, scope)
        return True

    def _block(self, node: Node, scope: Scope, names: Names, given: list[Any] | None = None) -> None:
        block = node.child_by_field_name("block") if node.type == "call" else None
        if block is not None:
            self._run_block(_Block(block, self._file, names), given or [], scope)

    def _run_block(self, block: _Block, given: list[Any], scope: Scope) -> None:
        listed = children(block.node.child_by_field_name("parameters"))
        if len(listed) > 1 and len(given) == 1 and isinstance(given[0], list):
            given = given[0]
        inner = dict(block.names)
        for index, parameter in enumerate(listed):
            name = text_of(parameter.child_by_field_name("name") or parameter).lstrip("*&")
            inner[name] = given[index] if index < len(given) else UNKNOWN
        before, self._file = self._file, block.file
        body = block.node.child_by_field_name("body")
        for node in children(body):
            self._run(node, scope, inner)
        self._file = before

    def _run_method(
        self, method: _Block, by_position: list[Any], by_name: dict[Any, Any], scope: Scope, node: Node
    ) -> None:
        inner: Names = {}
        for index, parameter in enumerate(children(method.node.child_by_field_name("parameters"))):
            name = text_of(parameter.child_by_field_name("name") or parameter).lstrip("*&")
            default = parameter.child_by_field_name("value")
            by_default = self._evaluator.value(default, {}) if default is not None else UNKNOWN
            in_order = by_position[index] if index < len(by_position) else by_default
            inner[name] = by_name.get(name, in_order)
        before, self._file = self._file, method.file
        for child in children(method.node.child_by_field_name("body")):
            self._run(child, scope, inner)
        self._file = before
        if node.type == "call":
            self._block(node, scope, {})

    # Scopes

    def _on_scope(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        settings = {**options, "path": "/".join(strings(by_position))} if by_position else options
        optional = settings.get("path")
        if isinstance(optional, str) and _OPTIONAL_PARAMETER.fullmatch(optional):
            remark = f"An optional part may stand in front of the path: {optional}."
            scope = replace(scope, remarks=(*scope.remarks, remark))
            settings = {**settings, "path": ""}
        inner = scope.narrowed(settings)
        untold = [each for each in by_position if each is UNKNOWN]
        if untold or self._untold:
            inner = replace(inner, notes=(*inner.notes, *self._untold_notes(node)))
        self._block(node, inner, names)

    def _on_namespace(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        name = next(iter(strings(by_position)), "")
        scope = scope.nested() if scope.level in {"resources", "resource"} else scope
        settings = {"path": name, "module": name, "shallow_path": options.get("path", name), **options}
        settings = {key: value for key, value in settings.items() if value is not None or key == "module"}
        self._block(node, replace(scope.narrowed(settings), controller="", level=""), names)

    def _on_api_version(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        """The gem versionist: a version that stands in the path, or in a header or parameter and not in the path."""
        del by_position
        version = options.get("path")
        path = version.get("value") if isinstance(version, dict) else None
        module = options.get("module")
        settings = {"module": underscored(module) if isinstance(module, str) else None, "path": path}
        self._block(node, scope.narrowed(settings), names)
        if path and options.get("default"):
            self._block(node, scope.narrowed({**settings, "path": None}), names)

    def _on_with_options(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position
        self._block(node, replace(scope, options=options), names)

    def _on_controller(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        self._block(node, scope.narrowed({**options, "controller": next(iter(strings(by_position)), "")}), names)

    def _on_defaults(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position
        self._block(node, scope.narrowed({"defaults": options}), names)

    def _on_shallow(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position, options
        self._block(node, replace(scope, shallow=True), names)

    def _on_nested(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position, options
        self._block(node, scope.nested(), names)

    def _on_member(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position, options
        self._block(node, scope.member(), names)

    def _on_collection(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position, options
        self._block(node, scope.collection(), names)

    def _on_new(self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names) -> None:
        del by_position, options
        self._block(node, scope.new(), names)

    def _on_concern(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del options, scope
        block = node.child_by_field_name("block")
        for name in strings(by_position)[:1]:
            if block is not None:
                self.concerns[name] = _Block(block, self._file, names)

    def _on_concerns(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del node, names
        for name in strings(by_position):
            if name in self.concerns:
                self._run_block(self.concerns[name], [options], scope)

    def _on_draw(self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names) -> None:
        """`draw :admin` is the file config/routes/admin.rb; with a block, `routes.draw`."""
        del options
        if node.child_by_field_name("block") is not None:
            self._block(node, scope, names)
        for name in strings(by_position):
            self._include(f"{self.root}config/routes/{name}.rb", scope)

    def _on_instance_eval(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        """`instance_eval(File.read("…/routes/admin.rb"))`, the way before `draw` was there."""
        del by_position, options
        written = text_of(node.child_by_field_name("arguments"))
        for name in re.findall(r"[\w./-]*?([\w-]+(?:/[\w-]+)*\.rb)", written):
            self._include(f"{self.root}config/{name.removeprefix('config/')}", scope)
        self._block(node, scope, names)

    def _include(self, path: str, scope: Scope) -> None:
        tree = self.sources.syntax(posixpath.normpath(path), "ruby")
        if tree is None:
            self.sources.note("A file of routes that is drawn is not in the repository:", posixpath.normpath(path))
        elif self._depth < _DEPTH_AT_MOST:
            self.draw(tree.root_node, posixpath.normpath(path), scope)

    # Resources

    def _on_resources(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        self._resources(by_position, options, scope, node, names, singleton=False)

    def _on_resource(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        self._resources(by_position, options, scope, node, names, singleton=True)

    def _resources(
        self,
        by_position: list[Any],
        options: dict[Any, Any],
        scope: Scope,
        node: Node,
        names: Names,
        *,
        singleton: bool,
    ) -> None:
        named = strings(by_position)
        if not named:
            self.sources.note("Resources whose name is computed are left out:", self._file)
        if scope.level in {"resources", "resource"}:
            scope = scope.nested()
        if options.get("shallow"):
            scope = replace(scope, shallow=True)
        others = {key: value for key, value in options.items() if key not in _RESOURCE_OPTIONS}
        for name in named:
            around = scope.narrowed(others) if others else scope
            resource = around.resource(name, options, singleton=singleton, api_only=self.api_only)
            level: Literal["resource", "resources"] = "resource" if singleton else "resources"
            inner = replace(
                around, controller=resource.controller, parents=(*around.parents, resource), level=level, limits={},
                options={}, parameter="id",
            )  # fmt: skip
            self._block(node, replace(inner, options=scope.options), names)
            self._on_concerns(strings(options.get("concerns")), {}, inner, node, names)
            self._own_actions(inner, node)

    def _own_actions(self, scope: Scope, node: Node) -> None:
        resource = scope.parent
        if resource is None:
            return
        collection, member, new = scope.collection(), scope.member(), scope.new()
        places = {
            "index": [("GET", collection.path)],
            "create": [("POST", collection.path)],
            "new": [("GET", new.path)],
            "edit": [("GET", joined(member.path, scope.action_path("edit")))],
            "show": [("GET", member.path)],
            "update": [("PATCH", member.path), ("PUT", member.path)],
            "destroy": [("DELETE", member.path)],
        }
        for action in resource.actions:
            for method, path in places[action]:
                self._add(method, path, scope.controller, action, scope, node)

    # Single routes

    def _on_root(self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names) -> None:
        del names
        to = next(iter(by_position), options.get("to"))
        around = scope.under(scope.parent.path) if scope.level == "resources" and scope.parent else scope
        self._match(["/"], {"via": "get", **options, "to": to}, replace(around, level=""), node)

    def _on_match(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del names
        self._match(by_position, options, scope, node)

    def _match(self, paths: list[Any], options: dict[Any, Any], scope: Scope, node: Node) -> None:
        """`get "path" => "controller#action"`, `get :action, on: :member`, and all that is like them."""
        arrows = {key: value for key, value in options.items() if _is_arrow(key)}
        rest = {key: value for key, value in options.items() if key in _ROUTE_OPTIONS and not _is_arrow(key)}
        if not paths and arrows:
            path, to = next(iter(arrows.items()))
            paths, rest = [path], {**rest, "to": to}
        untold = self._untold_notes(node)
        around = self._placed(scope, rest.get("on"))
        for path in paths:
            if isinstance(path, str):
                self._one(path, rest, around, node, untold)
            elif path is UNKNOWN:
                self.sources.note("Routes whose path is computed are left out:", self._file)

    def _placed(self, scope: Scope, on: Any) -> Scope:
        if on in {"member", "collection", "new"}:
            placed: Scope = getattr(scope, str(on))()
            return placed
        if scope.level == "resources":
            return scope.nested()
        return scope.member() if scope.level == "resource" else scope

    def _one(self, path: str, options: dict[Any, Any], scope: Scope, node: Node, untold: tuple[str, ...]) -> None:
        plain = re.sub(r"\(\.:format\)$", "", path)
        controller, action, note = self._target(plain, isinstance(path, Symbol), options, scope)
        given = options.get("path")
        if isinstance(given, str):
            full = joined(scope.path, given)
        elif not isinstance(path, Symbol):
            full = joined(scope.path, _SLASH_BEFORE_OPTIONAL.sub(r"\1/", f"/{plain}"))
        elif scope.level in {"member", "collection", "new"} and plain in _CANONICAL:
            full = scope.path
        else:
            full = joined(scope.path, scope.action_path(plain))
        for method in _methods(options.get("via")):
            self._add(method, full, controller, action, scope, node, note=note, untold=untold)

    def _target(self, path: str, is_symbol: bool, options: dict[Any, Any], scope: Scope) -> tuple[str, str, str]:
        """Controller, action, and what answers if it is no controller."""
        to = options.get("to")
        controller = options.get("controller")
        action = options.get("action")
        around = str(controller) if isinstance(controller, str) else scope.controller
        if isinstance(to, Answerer):
            what = "It redirects." if to.what.startswith("redirect") else "A function in the routes answers it."
            return "", "", what
        if isinstance(to, Constant):
            return "", "", f"{to.name} answers it."
        if to is None and not isinstance(action, str) and not is_symbol and _SHORTHAND.match(path):
            before, _, last = path.strip("/").rpartition("/")
            return before.replace("-", "_"), last.replace("-", "_"), ""
        if isinstance(to, str) and "#" in to:
            around, _, named = to.partition("#")
            return around, named, ""
        named = to if isinstance(to, str) else action if isinstance(action, str) else scope.action or path.strip("/")
        return around, str(named).replace("-", "_"), ""

    def _add(
        self,
        method: str,
        path: str,
        controller: str,
        action: str,
        scope: Scope,
        node: Node,
        *,
        note: str = "",
        untold: tuple[str, ...] = (),
    ) -> None:
        if controller.startswith("/"):
            full = controller.strip("/")
        else:
            full = joined_module(scope.module, controller) if controller else scope.module if action else ""
        notes = (*scope.remarks, *([note] if note else []))
        unresolved = tuple(dict.fromkeys((*scope.notes, *untold)))
        end = line_of(node) if node.child_by_field_name("block") is not None else node.end_point[0] + 1
        self.routes.append(Drawn(method, path or "/", full, action, self._file, line_of(node), end, unresolved, notes))

    def _untold_notes(self, node: Node) -> tuple[str, ...]:
        found = tuple(f"What {each} is in line {line_of(node)} could not be told." for each in self._untold)
        self._untold.clear()
        return found

    # Applications within, and gems

    def _on_mount(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del names
        at = options.get("at") or options.get("to")
        inner = next((each for each in by_position if isinstance(each, Constant)), None)
        for key, value in options.items():
            if isinstance(key, Constant) and isinstance(value, str):
                inner, at = key, value
            elif isinstance(key, str) and isinstance(value, Constant) and key not in _ROUTE_OPTIONS:
                inner, at = value, key
        written = children(node.child_by_field_name("arguments"))
        name = inner.name if inner else text_of(written[0])[:60] if written else ""
        self.mounts.append(Mount(name, joined(scope.path, at if isinstance(at, str) else ""), self._file))

    def _on_devise_for(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del names
        for name in strings(by_position):
            for each in gems.devise(name, options, self.sources, self.root):
                self._add_of_gem(each, scope, node, own=not each.controller.startswith("devise/"))

    def _on_use_doorkeeper(
        self, by_position: list[Any], options: dict[Any, Any], scope: Scope, node: Node, names: Names
    ) -> None:
        del by_position
        skipped: list[str] = []
        controllers: dict[str, str] = {}
        block = node.child_by_field_name("block") if node.type == "call" else None
        for call in children(block.child_by_field_name("body")) if block is not None else ():
            named, by_name = self._arguments(call, names)
            if text_of(call.child_by_field_name("method")) == "skip_controllers":
                skipped += strings(named)
            elif text_of(call.child_by_field_name("method")) == "controllers":
                controllers |= {str(key): str(value) for key, value in by_name.items()}
        at = options.get("scope", "oauth")
        for each in gems.doorkeeper(str(at), skipped, controllers):
            self._add_of_gem(each, scope, node, own=not each.controller.startswith("doorkeeper/"))

    def _add_of_gem(self, each: gems.GemRoute, scope: Scope, node: Node, *, own: bool) -> None:
        note = "" if own else f"A gem's {each.controller} answers it."
        around = scope if own else replace(scope, module="")
        self._add(each.method, joined(scope.path, each.path), each.controller, each.action, around, node, note=note)


def _is_arrow(key: Any) -> bool:
    """Whether a key is a path: `"path" => "controller#action"`, also one that is called as an option is."""
    return isinstance(key, str) and (
        key not in _ROUTE_OPTIONS or not (isinstance(key, Symbol) or key in _GIVEN_BY_THE_READER)
    )


def _methods(via: Any) -> list[str]:
    named = [name.upper() for name in strings(via)]
    return ["ANY"] if not named or "ALL" in named else named


def engine_module(name: str) -> str:
    """`Blog::Engine` has its controllers below `blog`."""
    return underscored(name.rpartition("::")[0])
