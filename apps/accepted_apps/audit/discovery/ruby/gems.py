"""Routes that a line of a routes file gets from a gem: Devise's and Doorkeeper's, by their documentation."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accepted_apps.audit.discovery.files import SourceTree

from .inflect import pluralized, singularized
from .scope import joined
from .values import Evaluator, strings, text_of, walk


@dataclass(frozen=True, slots=True)
class GemRoute:
    """path: below what is around. controller: with its namespace, as in `devise/sessions`."""

    method: str
    path: str
    controller: str
    action: str


_UPDATES = (("PATCH", "update"), ("PUT", "update"))
# By controller: the method, the path under the controller's own, the action.
_DEVISE = {
    "sessions": (("GET", "sign_in", "new"), ("POST", "sign_in", "create"), ("DELETE", "sign_out", "destroy")),
    "passwords": (
        ("GET", "password/new", "new"),
        ("GET", "password/edit", "edit"),
        *((method, "password", action) for method, action in _UPDATES),
        ("POST", "password", "create"),
    ),
    "registrations": (
        ("GET", "registration/cancel", "cancel"),
        ("GET", "registration/sign_up", "new"),
        ("GET", "registration/edit", "edit"),
        *((method, "registration", action) for method, action in _UPDATES),
        ("DELETE", "registration", "destroy"),
        ("POST", "registration", "create"),
    ),
    "confirmations": (
        ("GET", "confirmation/new", "new"),
        ("GET", "confirmation", "show"),
        ("POST", "confirmation", "create"),
    ),
    "unlocks": (("GET", "unlock/new", "new"), ("GET", "unlock", "show"), ("POST", "unlock", "create")),
}
_OF_MODULE = {
    "database_authenticatable": "sessions",
    "recoverable": "passwords",
    "registerable": "registrations",
    "confirmable": "confirmations",
    "lockable": "unlocks",
    "omniauthable": "omniauth_callbacks",
}
_USUAL = ("database_authenticatable", "recoverable", "registerable")


def devise(name: str, options: dict[str, Any], sources: SourceTree, root: str) -> Iterator[GemRoute]:
    """Those of `devise_for :name`, for the modules that its model names; the generator's where there is no model."""
    modules, providers = _model(name, options, sources, root)
    given = options.get("controllers")
    controllers = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
    space = options["module"] if isinstance(options.get("module"), str) else "devise"
    names = {"registration": ""} | _named(options.get("path_names"))
    path = options["path"] if isinstance(options.get("path"), str) else name
    skipped, wanted = (
        {pluralized(each) for each in strings(options.get(name)) if each != "all"} for name in ("skip", "only")
    )
    if "all" in strings(options.get("skip")):
        return
    for module in modules:
        kind = _OF_MODULE.get(module, "")
        if not kind or kind in skipped or (wanted and kind not in wanted):
            continue
        controller = controllers.get(kind, f"{space}/{kind}")
        if kind == "omniauth_callbacks":
            yield from _providers(path, providers, controller)
            continue
        for method, below, action in _DEVISE[kind]:
            parts = [names.get(part, part) for part in below.split("/")]
            yield GemRoute(method, joined(path, *parts), controller, action)


def _named(names: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in names.items()} if isinstance(names, dict) else {}


def _providers(path: str, providers: list[str], controller: str) -> Iterator[GemRoute]:
    for provider in providers or [":provider"]:
        action = provider.removeprefix(":")
        for method in ("GET", "POST"):
            yield GemRoute(method, joined(path, "auth", provider), controller, "passthru")
            yield GemRoute(method, joined(path, "auth", provider, "callback"), controller, action)


def _model(name: str, options: dict[str, Any], sources: SourceTree, root: str) -> tuple[tuple[str, ...], list[str]]:
    """The modules and the OmniAuth providers that the model's `devise …` names."""
    wanted = f"/{singularized(name)}.rb"
    paths = [path for path in sources.having(wanted) if "/models/" in path and path.startswith(root)]
    evaluator = Evaluator({}, lambda _: None)
    modules: list[str] = []
    providers: list[str] = []
    for path in sorted(paths, key=len)[:1]:
        tree = sources.syntax(path, "ruby")
        for node in walk(tree.root_node) if tree else ():
            if node.type == "call" and text_of(node.child_by_field_name("method")) == "devise":
                by_position, by_name = evaluator.arguments(node.child_by_field_name("arguments"), {})
                modules += [each for each in by_position if isinstance(each, str)]
                providers += strings(by_name.get("omniauth_providers"))
    del options
    return (tuple(modules) or _USUAL), providers


_DOORKEEPER = (
    ("GET", "authorize/native", "authorizations", "show"),
    ("GET", "authorize", "authorizations", "new"),
    ("POST", "authorize", "authorizations", "create"),
    ("DELETE", "authorize", "authorizations", "destroy"),
    ("POST", "token", "tokens", "create"),
    ("POST", "revoke", "tokens", "revoke"),
    ("POST", "introspect", "tokens", "introspect"),
    ("GET", "token/info", "token_info", "show"),
    ("GET", "applications", "applications", "index"),
    ("POST", "applications", "applications", "create"),
    ("GET", "applications/new", "applications", "new"),
    ("GET", "applications/:id/edit", "applications", "edit"),
    ("GET", "applications/:id", "applications", "show"),
    ("PATCH", "applications/:id", "applications", "update"),
    ("PUT", "applications/:id", "applications", "update"),
    ("DELETE", "applications/:id", "applications", "destroy"),
    ("GET", "authorized_applications", "authorized_applications", "index"),
    ("DELETE", "authorized_applications/:id", "authorized_applications", "destroy"),
)


def doorkeeper(scope: str, skipped: list[str], controllers: dict[str, str]) -> Iterator[GemRoute]:
    """Those of `use_doorkeeper`."""
    for method, below, kind, action in _DOORKEEPER:
        if kind not in skipped:
            yield GemRoute(method, joined(scope, below), controllers.get(kind, f"doorkeeper/{kind}"), action)


def folder_of(path: str) -> str:
    """The application that a file of its `config` or `app` folder belongs to."""
    parts = path.split("/")
    for name in ("config", "app", "lib"):
        if name in parts:
            return "".join(f"{part}/" for part in parts[: parts.index(name)])
    return "".join(f"{part}/" for part in posixpath.dirname(path).split("/") if part)
