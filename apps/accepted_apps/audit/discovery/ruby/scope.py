"""Where in a routes file one is: what `scope`, `namespace`, `resources` … around a line add to its routes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .inflect import pluralized, singularized
from .values import strings

Level = Literal["", "resources", "resource", "member", "collection", "nested", "new"]

_ALL = ("index", "create", "new", "show", "update", "destroy", "edit")
_FORMS = ("new", "edit")


@dataclass(frozen=True, slots=True)
class Resource:
    """path: as in URLs. parameter: of one item. singleton: declared by `resource`. shallow: as it was declared."""

    name: str
    path: str
    controller: str
    parameter: str
    actions: tuple[str, ...]
    singleton: bool
    shallow: bool

    @property
    def member_path(self) -> str:
        return self.path if self.singleton else f"{self.path}/:{self.parameter}"

    @property
    def nested_path(self) -> str:
        return self.path if self.singleton else f"{self.path}/:{singularized(self.name)}_{self.parameter}"


@dataclass(frozen=True, slots=True)
class Scope:
    """path, module, controller: of all that is around. options: defaults of `with_options`. parents: the resources
    around, outermost first. limits: `only` and `except` of a scope. notes: what of the path could not be told."""

    path: str = ""
    module: str = ""
    controller: str = ""
    action: str = ""
    level: Level = ""
    parents: tuple[Resource, ...] = ()
    shallow: bool = False
    shallow_path: str = ""
    path_names: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    parameter: str = "id"
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def parent(self) -> Resource | None:
        return self.parents[-1] if self.parents else None

    def under(self, path: str) -> Scope:
        return replace(self, path=joined(self.path, path))

    def at(self, level: Level) -> Scope:
        return replace(self, level=level)

    def narrowed(self, options: dict[str, Any]) -> Scope:
        """What `scope …` with these options is."""
        path = "/".join(strings(options.get("path")))
        shallow_path = "/".join(strings(options.get("shallow_path"))) or ("" if self.level == "nested" else path)
        module = options.get("module")
        names = options.get("path_names")
        limits: dict[str, Any] = {key: options[key] for key in ("only", "except") if key in options}
        defaults = options.get("defaults")
        controller = options.get("controller")
        action = options.get("action")
        return replace(
            self,
            path=joined(self.path, path),
            module=joined_module(self.module, module) if isinstance(module, str) else self.module,
            controller=str(controller) if isinstance(controller, str) else _default(defaults, self.controller),
            action=str(action) if isinstance(action, str) else self.action,
            shallow=bool(options.get("shallow", self.shallow)),
            shallow_path=joined(self.shallow_path, shallow_path),
            path_names={**self.path_names, **_texts(names)},
            limits={**self.limits, **limits} if limits else self.limits,
            parameter=str(options["param"]) if isinstance(options.get("param"), str) else self.parameter,
        )

    def shallowly(self) -> Scope:
        """Without the resources around, as the members of a shallow resource are."""
        return replace(self, path=self.shallow_path)

    def nested(self) -> Scope:
        parent = self.parent
        if parent is None:
            return self
        around = self.shallowly() if self.shallow and any(each.shallow for each in self.parents) else self
        return around.under(parent.nested_path).at("nested")

    def member(self) -> Scope:
        parent = self.parent
        if parent is None:
            return self
        around = self.shallowly() if self.shallow and not parent.singleton else self
        return around.under(parent.member_path).at("member")

    def collection(self) -> Scope:
        return self.under(self.parent.path).at("collection") if self.parent else self

    def new(self) -> Scope:
        return self.under(f"{self.parent.path}/{self.action_path('new')}").at("new") if self.parent else self

    def action_path(self, action: str) -> str:
        return self.path_names.get(action, action)

    def resource(self, name: str, options: dict[str, Any], *, singleton: bool, api_only: bool) -> Resource:
        path = options.get("path")
        controller = options.get("controller")
        parameter = options.get("param")
        return Resource(
            name=name,
            path=str(path) if isinstance(path, str) else name,
            controller=str(controller) if isinstance(controller, str) else (pluralized(name) if singleton else name),
            parameter=str(parameter) if isinstance(parameter, str) else self.parameter,
            actions=_actions({**self.limits, **options} if not _limits(options) else options, singleton, api_only),
            singleton=singleton,
            shallow=self.shallow,
        )


def joined(*paths: str) -> str:
    """With one slash in front of each part; empty if no part says anything."""
    return "".join(f"/{part}" for path in paths if (part := path.strip("/")))


def joined_module(outer: str, inner: str) -> str:
    return f"{outer}/{inner}".strip("/") if inner else outer


def _default(defaults: Any, controller: str) -> str:
    given = defaults.get("controller") if isinstance(defaults, dict) else None
    return given if isinstance(given, str) else controller


def _texts(names: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in names.items()} if isinstance(names, dict) else {}


def _limits(options: dict[str, Any]) -> bool:
    return options.get("only") is not None or options.get("except") is not None


def _actions(options: dict[str, Any], singleton: bool, api_only: bool) -> tuple[str, ...]:
    own = [action for action in _ALL if not (singleton and action == "index") and not (api_only and action in _FORMS)]
    if options.get("only") is not None:
        wanted = strings(options["only"])
        return tuple(action for action in _ALL if action in wanted and not (singleton and action == "index"))
    return tuple(action for action in own if action not in strings(options.get("except")))
