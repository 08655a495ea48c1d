"""FastAPI and Starlette: routers included and mounted in each other, over any number of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.discovery.python.handlers import (
    VERBS,
    call_uncalled,
    made_route,
    methods,
    place,
    text,
    unresolved,
    unwrapped,
)
from accepted_apps.audit.discovery.python.program import STEPS_OF_AN_INCLUDE, Program
from accepted_apps.audit.discovery.python.values import Class, External, Function, Instance, Method, Value
from accepted_apps.audit.model import ANY, Framework, Route

_APPS = ("fastapi.FastAPI", "fastapi.applications.FastAPI", "starlette.applications.Starlette")
_WORDS = ("fastapi", "starlette", "APIRouter", "include_router", "FastAPI")
_CALLS = frozenset(
    {"FastAPI", "APIRouter", "Starlette", "include_router", "add_api_route", "api_route", "add_route", "mount"}
)
_STAND_INS = {
    "app": "fastapi.FastAPI",
    "application": "fastapi.FastAPI",
    "fastapi_app": "fastapi.FastAPI",
    "api": "fastapi.FastAPI",
    "server": "fastapi.FastAPI",
}
_PARAMETER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_DEEPEST = 30


@dataclass(frozen=True)
class _Place:
    """Where a router hangs: its prefix, and the sentences on what of it is not known."""

    prefix: str = ""
    unresolved: tuple[str, ...] = ()

    def below(self, *parts: Value) -> _Place:
        texts = [text(part) for part in parts]
        return _Place(_prefix(self.prefix, *texts), (*self.unresolved, *unresolved(*parts)))


def _prefix(*parts: str) -> str:
    path = join(*parts)
    return "" if path == "/" else path.rstrip("/") if not path.endswith("//") else path


class FastApi:
    name = "FastAPI"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        files = sources.mentioning(*_WORDS, suffixes=(".py",))
        if not files:
            return []
        program = Program(sources)
        for path in files:
            program.load(path)
        call_uncalled(program, _CALLS, _STAND_INS)
        return list(_Reader(program).routes())


class _Reader:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.reached: set[int] = set()
        self.computed: list[_Place] = []
        """Where routers are included that the code does not name."""

    def routes(self) -> Iterator[Route]:
        apps = [one for one in self.program.instances if self._is_app(one)]
        mounted = [app for one in self.program.instances for app in self._mounted(one)]
        inner, places = {id(app) for app in mounted}, {id(app.node) for app in mounted}
        for app in apps:
            # A script that makes the inner application once more, to write its description, does not serve it.
            again = id(app.node) in places and not any(self._mounted(app))
            if id(app) not in inner and not again:
                yield from self._of(app, _Place(), ())
        loose = [one for one in self.program.instances if self._is_router(one) and id(one) not in self.reached]
        yield from self._loose(loose, bool(apps))

    def _loose(self, routers: list[Instance], has_app: bool) -> Iterator[Route]:
        """Routers that no app was seen to include: where an include is computed, or the app lies elsewhere."""
        if has_app and not self.computed:
            for router in routers:
                if router.calls:
                    self.program.sources.note("Nothing includes the routers of these files:", router.module.path)
            return
        place = self.computed[0] if self.computed else _Place()
        where = _Place(place.prefix, (*place.unresolved, "Where this router is included is not told by the code."))
        for router in routers:
            if id(router) not in self.reached:
                yield from self._of(router, where, ())

    def _is_app(self, one: Instance) -> bool:
        return any(kind in _APPS for kind in self.program.kinds(one))

    def _is_router(self, one: Instance) -> bool:
        return any(
            kind.startswith(("fastapi.", "starlette.")) and kind.endswith("Router") for kind in self.program.kinds(one)
        )

    def _routes(self, one: Instance) -> bool:
        """Whether it is a router by its kind, or has been used like one."""
        return self._is_app(one) or self._is_router(one) or bool(one.calls)

    def _mounted(self, one: Instance) -> Iterator[Instance]:
        for call in one.calls:
            if _name(call) == "mount" and isinstance(inner := unwrapped(call.argument(1, "app")), Instance):
                yield inner
        if _maker(one).endswith(".Mount") and isinstance(inner := unwrapped(one.argument(1, "app")), Instance):
            yield inner

    def _of(self, router: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        """The routes of an app or a router, and of all that it includes."""
        if id(router) in above or len(above) > _DEEPEST or not self.program.step(STEPS_OF_AN_INCLUDE):
            return
        self.reached.add(id(router))
        above = (*above, id(router))
        own = where if self._is_app(router) else where.below(router.argument(None, "prefix", ""))
        calls = self._calls(router)
        placed = {id(inner) for call in calls if (inner := _inner(call)) and not unresolved(_path(call))}
        for call in calls:
            # `if SETTING: app.mount(SETTING, api) else: app.mount("/api", api)`: the known one is the default.
            if id(_inner(call)) not in placed or not unresolved(_path(call)):
                yield from self._of_call(call, own, above)
        yield from self._listed(router.argument(None, "routes"), own, above)

    def _calls(self, router: Instance) -> list[Instance]:
        """Of the router, and of what is the same router by another name: `app.router`."""
        same = router.attributes.get("router")
        alias = same.calls if isinstance(same, Instance) and isinstance(same.maker, Method) else []
        return [*router.calls, *alias]

    def _of_call(self, call: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        match _name(call):
            case "include_router":
                inner = call.argument(0, "router")
                if isinstance(inner, Method):
                    inner = inner.owner.attributes.get(inner.name)
                below = where.below(call.argument(None, "prefix", ""))
                if isinstance(inner, Instance) and self._routes(inner):
                    yield from self._of(inner, below, above)
                else:
                    self.computed.append(below)
            case "mount":
                yield from self._mount(call, where, above)
            case name if name in VERBS and (call.applied or "endpoint" in call.kwargs):
                yield from self._at(call, where, call.argument(0, "path", ""), call.applied, [name.upper()])
            case "api_route" | "route" if call.applied:
                named = methods(call.argument(None, "methods"), ["GET"])
                yield from self._at(call, where, call.argument(0, "path", ""), call.applied, named)
            case "add_api_route" | "add_route":
                endpoint = call.argument(1, "endpoint", call.argument(None, "route"))
                default = ["GET"] if isinstance(endpoint, Function) else [ANY]
                yield from self._at(
                    call, where, call.argument(0, "path", ""), [endpoint], methods(call.argument(2, "methods"), default)
                )
            case _:
                pass

    def _mount(self, call: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        inner = unwrapped(call.argument(1, "app"))
        if isinstance(inner, Instance):
            yield from self._of(inner, where.below(call.argument(0, "path", "")), above)

    def _listed(self, items: Value, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        """`routes=[Route("/", home), Mount("/users", routes=[…])]`."""
        if isinstance(items, Method) and items.name == "routes" and isinstance(items.owner, Instance):
            yield from self._of(items.owner, where, above)
        for item in items if isinstance(items, list | tuple) else []:
            if not isinstance(item, Instance):
                continue
            kind = _maker(item).rpartition(".")[2]
            if kind in {"Route", "APIRoute"}:
                endpoint = item.argument(1, "endpoint")
                yield from self._at(
                    item, where, item.argument(0, "path", ""), [endpoint], self._methods(item, endpoint)
                )
            elif kind == "Mount":
                below = where.below(item.argument(0, "path", ""))
                inner = unwrapped(item.argument(1, "app"))
                if isinstance(inner, Instance):
                    yield from self._of(inner, below, above)
                yield from self._listed(item.argument(2, "routes"), below, above)

    def _methods(self, item: Instance, endpoint: Value) -> list[str]:
        if isinstance(endpoint, Class):
            from accepted_apps.audit.discovery.python.attributes import methods as methods_of

            return [name.upper() for name in methods_of(self.program, endpoint) if name in VERBS] or [ANY]
        return methods(item.argument(None, "methods"), ["GET"])

    def _at(
        self, call: Instance, where: _Place, path: Value, handlers: list[Value], named: list[str]
    ) -> Iterator[Route]:
        for handler in handlers:
            view = unwrapped(handler)
            for method in named:
                yield made_route(
                    self.program.sources,
                    method=method,
                    path=normal(join(where.prefix, text(path))),
                    handler=view,
                    framework=self._framework(call),
                    declared=place(call),
                    unresolved=(*where.unresolved, *unresolved(path)),
                )

    def _framework(self, call: Instance) -> Framework:
        owner = call.maker.owner if isinstance(call.maker, Method) else call
        kinds = self.program.kinds(owner) if isinstance(owner, Instance) else []
        return "Starlette" if kinds and all(kind.startswith("starlette.") for kind in kinds) else "FastAPI"


def normal(path: str) -> str:
    """`/files/{name:path}` is `/files/{name*}`; other converters only narrow one segment.

    >>> normal("/users/{id:int}/files/{name:path}")
    '/users/{id}/files/{name*}'
    """
    return _PARAMETER.sub(lambda found: f"{{{found[1]}{'*' if found[2] == 'path' else ''}}}", path)


def _inner(call: Instance) -> Instance | None:
    """What a call mounts or includes."""
    given = {"mount": (1, "app"), "include_router": (0, "router")}.get(_name(call))
    inner = unwrapped(call.argument(*given)) if given else None
    return inner if isinstance(inner, Instance) else None


def _path(call: Instance) -> Value:
    return call.argument(0, "path") if _name(call) == "mount" else call.argument(None, "prefix")


def _name(call: Instance) -> str:
    return call.maker.name if isinstance(call.maker, Method) else ""


def _maker(one: Instance) -> str:
    return one.maker.name if isinstance(one.maker, External) else ""


discoverer = FastApi()
