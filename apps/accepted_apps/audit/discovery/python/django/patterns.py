"""URL patterns, from the root on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.python.django import ninja
from accepted_apps.audit.discovery.python.django.apps import Apps
from accepted_apps.audit.discovery.python.django.paths import of_regex, of_route
from accepted_apps.audit.discovery.python.django.rest import Piece, Routers
from accepted_apps.audit.discovery.python.django.views import Views
from accepted_apps.audit.discovery.python.handlers import made_route, place, text, unresolved
from accepted_apps.audit.discovery.python.program import STEPS_OF_AN_INCLUDE, Program
from accepted_apps.audit.discovery.python.values import External, Instance, Method, Module, Unknown, Value
from accepted_apps.audit.model import Route

_ROUTES = {"django.urls.path", "django.urls.conf.path"}
_REGEXES = {
    "django.urls.re_path",
    "django.urls.conf.re_path",
    "django.conf.urls.url",
    "django.conf.urls.defaults.url",
}
_SETTINGS = re.compile(r"(^|/)(settings|config|conf)[^/]*\.py$|(^|/)(settings|config)/[^/]*\.py$")
_DEEPEST = 30


@dataclass(frozen=True)
class _Place:
    """What stands before the patterns, as Django joins it: without the slash at the start."""

    prefix: str = ""
    unresolved: tuple[str, ...] = ()
    depth: int = 0

    def below(self, piece: str, *values: Value) -> _Place:
        return _Place(self.prefix + piece, (*self.unresolved, *unresolved(*values)), self.depth + 1)


class Reader:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.views = Views(program)
        self.routers = Routers(program, self.views)
        self.walked: set[str] = set()
        self._settings: list[Module] | None = None
        self._apps: Apps | None = None
        program.externals = self._known

    def routes(self) -> Iterator[Route]:
        roots = self._roots()
        self.apps.ready()
        for path in roots:
            yield from self._of_module(self.program.load(path), _Place())
        if not roots:
            yield from self._without_root()

    # ── where to begin ──

    @property
    def settings(self) -> list[Module]:
        if self._settings is None:
            self._settings = []
            named = self.program.sources.mentioning("ROOT_URLCONF", suffixes=(".py",))
            others = [
                path for path in self.program.sources.having(".py") if _SETTINGS.search(path) and path not in named
            ]
            for path in [*named, *others] if named else []:
                text = self.program.sources.text(path) or ""
                if path in named or re.search(r"^[A-Z_]+ *=", text, re.MULTILINE):
                    self._settings.append(self.program.load(path))
        return self._settings

    @property
    def apps(self) -> Apps:
        if self._apps is None:
            self._apps = Apps(self.program, self.settings)
        return self._apps

    def _known(self, name: str) -> Value | None:
        return self.apps.known(name) if name.startswith("django.apps.apps.") else self._setting(name)

    def _setting(self, name: str) -> Value | None:
        """`django.conf.settings.X`, as the repository's settings have it."""
        if not name.startswith("django.conf.settings."):
            return None
        key = name.removeprefix("django.conf.settings.")
        for module in self.settings:
            if key in module.scope.names:
                value = self.program.member(module, key)
                return value if isinstance(value, str | int | list | tuple | dict) else None
        return None

    def _roots(self) -> list[str]:
        """The files of the root patterns; these are read when the applications are ready."""
        found: list[str] = []
        for module in self.settings:
            name = module.scope.names.get("ROOT_URLCONF")
            root = self.program.finder.find(name, module.path) if isinstance(name, str) else None
            if root and root not in found:
                found.append(root)
        return found

    def _without_root(self) -> Iterator[Route]:
        """No settings name a root: every module of patterns that no other includes is one."""
        modules = [
            self.program.load(path) for path in self.program.sources.mentioning("urlpatterns", suffixes=(".py",))
        ]
        each = {}
        included: set[str] = set()
        for module in modules:
            self.walked = set()
            each[module.path] = list(self._of_module(module, _Place()))
            included |= self.walked - {module.path}
        for path, routes in each.items():
            if path not in included:
                yield from routes

    # ── patterns ──

    def _of_module(self, module: Module, where: _Place) -> Iterator[Route]:
        self.walked.add(module.path)
        yield from self._of_patterns(self.program.member(module, "urlpatterns"), where, module)

    def _of_patterns(self, patterns: Value, where: _Place, module: Module) -> Iterator[Route]:
        if where.depth > _DEEPEST:
            self.program.sources.note("URL patterns that include each other were not followed to the end:", module.path)
            return
        if not self.program.step(STEPS_OF_AN_INCLUDE):
            return
        for item in patterns if isinstance(patterns, list | tuple) else [patterns]:
            match item:
                case Instance(maker=External(name=name)):
                    yield from self._of_external(item, name, where)
                case list() | tuple():
                    yield from self._of_patterns(item, where.below(""), module)
                case Method() | Instance():
                    yield from self._of_object(item, where)
                case _:
                    pass

    def _of_external(self, item: Instance, name: str, where: _Place) -> Iterator[Route]:
        short = name.rpartition(".")[2]
        if name in _ROUTES or name in _REGEXES or short in {"path", "re_path", "url"}:
            route = item.argument(0, "route", item.argument(None, "regex", ""))
            piece = of_route(text(route)) if short == "path" else of_regex(text(route))
            yield from self._of_pattern(item, where.below(piece, route))
        elif short == "i18n_patterns":
            default = item.kwargs.get("prefix_default_language", True)
            piece = "" if default is False else "{language}/"
            yield from self._of_patterns(item.args, where.below(piece), item.module)
        elif short in {"format_suffix_patterns", "required", "decorate"}:
            for arg in item.args:
                if isinstance(arg, list | tuple):
                    yield from self._of_patterns(arg, where, item.module)

    def _of_pattern(self, item: Instance, where: _Place) -> Iterator[Route]:
        view = item.argument(1, "view")
        if _includes(view):
            yield from self._of_include(view, where)
        elif isinstance(view, list | tuple):
            yield from self._of_target(view, where, item.module)
        elif isinstance(view, Method) or (isinstance(view, Instance) and self._holder(view)):
            yield from self._of_object(view, where)
        elif isinstance(view, External) and view.name.endswith(".urls"):
            self.program.sources.note(
                f"The routes of {view.name.removesuffix('.urls')} are a library's and not listed."
            )
        else:
            for answer in self.views.answers(view, item.argument(2, "kwargs"), item.module):
                yield self._route(where, answer.method, answer, item)

    def _of_include(self, include: Instance, where: _Place) -> Iterator[Route]:
        targets = [arg for arg in [*include.args, *include.kwargs.values()] if not isinstance(arg, Unknown)]
        wanted = targets[:1] if _short(include) == "include" else targets
        if not wanted:
            self.program.sources.note(
                "These files include URL patterns that the code does not tell:", include.module.path
            )
        for target in wanted:
            yield from self._of_target(target, where, include.module)

    def _of_target(self, target: Value, where: _Place, module: Module) -> Iterator[Route]:
        """What is included: a module or its name, patterns, a pair of these and a name, a router's `urls`."""
        if isinstance(target, tuple) and target and not isinstance(target[0], Instance):
            target = target[0]
        if isinstance(target, str):
            found = self.program.module_named(target, module.path)
            if found is None:
                self.program.sources.note(f"The URL patterns of {target!r} are not in the repository.")
                return
            target = found
        if isinstance(target, Module):
            yield from self._of_module(target, where)
        else:
            yield from self._of_patterns(target, where, module)

    def _of_object(self, value: Method | Instance, where: _Place) -> Iterator[Route]:
        holder = self._holder(value)
        if holder is None:
            return
        if ninja.is_api(self.program, holder):
            pieces: Iterator[Piece] = ninja.pieces(self.program, holder)
        elif self.routers.is_router(holder):
            pieces = self.routers.pieces(holder)
        else:
            return
        for piece in pieces:
            lacking = _Place(where.prefix + piece.path, (*where.unresolved, *piece.unresolved))
            yield self._route(lacking, piece.answer.method, piece.answer, piece.call)

    def _holder(self, value: Value) -> Instance | None:
        """The router of `router.urls` or `router.get_urls()`, the API of `api.urls`."""
        maker = value.maker if isinstance(value, Instance) else value
        if isinstance(maker, Method) and maker.name in {"urls", "get_urls", "registry"}:
            return maker.owner if isinstance(maker.owner, Instance) else None
        return None

    def _route(self, where: _Place, method: str, answer: Value, item: Instance) -> Route:
        return made_route(
            self.program.sources,
            method=method,
            path="/" + re.sub(r"/{2,}", "/", where.prefix).lstrip("/"),
            handler=answer.handler,
            framework=answer.framework,
            declared=place(item),
            function=answer.function,
            unresolved=where.unresolved,
        )


def _short(value: Instance) -> str:
    return value.maker.name.rpartition(".")[2] if isinstance(value.maker, External | Method) else ""


def _includes(view: Value) -> bool:
    return isinstance(view, Instance) and isinstance(view.maker, External) and "include" in _short(view)
