"""Express as the program sees it: applications and routers that remember what was put on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.javascript.values import (
    Arguments,
    Function,
    Host,
    Native,
    Partial,
    Record,
    RegExp,
    Site,
    Unknown,
    Value,
    first,
    native,
)
from accepted_apps.audit.model import ANY

METHODS = {name: name.upper() for name in ("get", "post", "put", "patch", "delete", "head", "options", "query")} | {
    "del": "DELETE",
    "all": ANY,
}


@dataclass(frozen=True)
class Endpoint:
    """method and path as given, and the last handler."""

    method: str
    path: Value
    handler: Value
    site: Site


@dataclass(frozen=True)
class Mount:
    path: Value
    router: Router
    site: Site


class Router(Host):
    """An application or a router. kind: app, router, or given: a parameter that nobody in the repository fills."""

    def __init__(self, kind: str, site: Site) -> None:
        super().__init__()
        self.kind, self.site = kind, site
        self.entries: list[Endpoint | Mount] = []
        self.mounted = False

    def member(self, name: str) -> Value:
        plain = name.removesuffix("Async")
        if plain in METHODS:
            return Native(name, lambda given, site: self._add(METHODS[plain], given, site))
        if plain == "use":
            return Native(name, self._use)
        if plain == "route":
            return native(name, lambda given: Chain(self, first(given)))
        return Unknown(name)

    def _add(self, method: str, given: Arguments, site: Site) -> Value:
        if len(given) < 2:
            return Unknown()  # app.get("a setting")
        if any(_routers(given[1:])):
            return self._use(["", *given[1:]], site)  # a router that is a handler sees the path as it is
        for path in paths(given[0]):
            self.entries.append(Endpoint(method, path, last_handler(given[1:]), site))
        return self

    def add_at(self, method: str, path: Value, given: Arguments, site: Site) -> None:
        for each in paths(path):
            self.entries.append(Endpoint(method, each, last_handler(given), site))

    def _use(self, given: Arguments, site: Site) -> Value:
        at, rest = ("", given) if given and not is_path(given[0]) else (given[0] if given else "", given[1:])
        if isinstance(at, Unknown) and not any(_routers(rest)):
            at, rest = "", given
        for router in _routers(rest):
            if router is not self:
                router.mounted = True
                self.entries += [Mount(path, router, site) for path in paths(at)]
        return self


class Chain(Host):
    """`router.route(path)`."""

    def __init__(self, router: Router, path: Value) -> None:
        super().__init__()
        self._router, self._path = router, path

    def member(self, name: str) -> Value:
        plain = name.removesuffix("Async")
        if plain not in METHODS:
            return native(name, lambda _given: self)

        def add(given: Arguments, site: Site) -> Value:
            self._router.add_at(METHODS[plain], self._path, given, site)
            return self

        return Native(name, add)


def is_path(value: Value) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, (str, Partial, RegExp)) for item in value)
    return isinstance(value, (str, Partial, RegExp, Unknown))


def paths(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def last_handler(given: Arguments) -> Value:
    """The last function of those given, in arrays too; what wraps one counts as it."""
    flat = list(_flat(given))
    last = flat[-1] if flat else Unknown()
    if isinstance(last, Function):
        return last
    return (
        last
        if isinstance(last, Unknown) and last.text
        else next((each for each in reversed(flat) if isinstance(each, Function)), last)
    )


def _flat(given: Arguments) -> Iterator[Value]:
    for value in given:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _routers(given: Arguments) -> list[Router]:
    found: list[Router] = []
    for value in _flat(given):
        if isinstance(value, Router):
            found.append(value)
        elif isinstance(value, Record):
            found += [
                each
                for each in (value.properties.get(name) for name in ("default", "router"))
                if isinstance(each, Router)
            ][:1]
    return found


class Express(Host):
    """What `express` exports: itself a function that makes an application."""

    def __init__(self, made: list[Router]) -> None:
        super().__init__()
        self._made = made

    def member(self, name: str) -> Value:
        match name:
            case "()":
                return Native("express", lambda _given, site: self._make("app", site))
            case "Router":
                return Native("Router", lambda _given, site: self._make("router", site))
            case "default" | "express":
                return self
            case _:
                return Unknown(name)

    def _make(self, kind: str, site: Site) -> Router:
        router = Router(kind, site)
        self._made.append(router)
        return router


def routers_only(made: list[Router], *names: str) -> Record:
    """A package that exports a maker of routers, as `express-promise-router` does."""
    maker = Express(made).member("Router")
    return Record({"default": maker, **dict.fromkeys(names, maker)})
