"""NestJS as the program sees it: decorators, applications with a prefix and versions, configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from accepted_apps.audit.discovery.javascript.values import (
    Arguments,
    Class,
    Function,
    Host,
    Native,
    Record,
    Site,
    Unknown,
    Value,
    first,
    native,
)
from accepted_apps.audit.model import ANY

NEUTRAL = "\0neutral"
"""The version that stands for no version."""

METHODS = {
    "Get": "GET",
    "Post": "POST",
    "Put": "PUT",
    "Patch": "PATCH",
    "Delete": "DELETE",
    "Head": "HEAD",
    "Options": "OPTIONS",
    "All": ANY,
    "Sse": "GET",
    "Search": "SEARCH",
}
_PLAIN = (*METHODS, "Controller", "Module", "Version", "Global")


@dataclass(frozen=True)
class Decoration:
    """One of Nest's own decorators, with what it was given."""

    name: str
    given: tuple[Value, ...]


@dataclass(frozen=True)
class Placed:
    """`RouterModule.register([{path, module, children}])`."""

    tree: Value


@dataclass(eq=False)
class Configured:
    """What the repository tells of its configuration. made: each namespace's, or "" for those without one."""

    made: list[tuple[str, Value]] = field(default_factory=list)


class Application(Host):
    """What `NestFactory.create` gives."""

    def __init__(self, module: Value, site: Site, nest: Nest) -> None:
        super().__init__()
        self.module, self.site, self._nest = module, site, nest
        self.prefix: Value = ""
        self.excluded: Value = None
        self.versioning: Value = None
        self.listens = False

    def member(self, name: str) -> Value:
        match name:
            case "setGlobalPrefix":
                return Native(name, self._prefixed)
            case "enableVersioning":
                return Native(name, self._versioned)
            case "get" | "resolve" | "select":
                return Native(name, self._got)
            case "listen" | "listenAsync":
                return Native(name, self._listened)
            case _:
                return Unknown(name)

    def _prefixed(self, given: Arguments, _site: Site) -> Value:
        self.prefix = given[0] if given else ""
        options = given[1] if len(given) > 1 else None
        self.excluded = options.properties.get("exclude") if isinstance(options, Record) else None
        return self

    def _versioned(self, given: Arguments, _site: Site) -> Value:
        self.versioning = given[0] if given else Record()
        return self

    def _listened(self, _given: Arguments, _site: Site) -> Value:
        self.listens = True
        return self

    def _got(self, given: Arguments, site: Site) -> Value:
        wanted = given[0] if given else None
        if isinstance(wanted, Class):
            return self._nest.instance(wanted, site)
        return wanted if isinstance(wanted, Host) else Unknown()


class Configuration(Host):
    """`ConfigService`: the class and the one object of it."""

    def __init__(self, nest: Nest) -> None:
        super().__init__()
        self._nest = nest

    def member(self, name: str) -> Value:
        if name in {"get", "getOrThrow"}:
            return Native(name, self._get)
        return native(name, lambda _given: self) if name == "()" else Unknown(name)

    def _get(self, given: Arguments, site: Site) -> Value:
        key = given[0] if given else None
        if not isinstance(key, str):
            return Unknown("ConfigService.get")
        found = self._nest.configured(key, site)
        if isinstance(found, Unknown) and len(given) > 1 and not isinstance(given[1], Record):
            return given[1]
        return found


class Nest:
    """The modules of Nest, and what the program did with them.

    instance, call, member: the interpreter's. environment: a variable, for a file.
    """

    def __init__(self, environment: Callable[[str, str], Value]) -> None:
        self.applications: list[Application] = []
        self.instance: Callable[[Class, Site], Value] = lambda _kind, _site: Unknown()
        self.call: Callable[[Value, Arguments, Site], Value] = lambda _function, _given, _site: Unknown()
        self.member: Callable[[Value, str], Value] = lambda _value, _name: Unknown()
        self._environment = environment
        self._sources: list[tuple[str, Value, Site]] = []
        self._configuration = Configuration(self)
        self.packages: dict[str, Value] = {
            "@nestjs/common": self._common(),
            "@nestjs/core": self._core(),
            "@nestjs/config": self._config(),
        }

    def configured(self, key: str, site: Site) -> Value:
        """The value of `key` ("app.prefix") in what the repository loads as configuration, or in the environment."""
        for namespace, source, made_at in self._sources:
            parts = f"{key}.".removeprefix(f"{namespace}." if namespace else "").split(".")[:-1]
            if namespace and len(parts) > key.count("."):
                continue
            value = self.call(source, [], made_at)
            for part in parts:
                value = self.member(value, part)
            if not isinstance(value, Unknown) and value is not None:
                return value
        return self._environment(key, site.module.path)

    def _common(self) -> Record:
        named: dict[str, Value] = {name: _decorator(name) for name in _PLAIN}
        named["applyDecorators"] = native("applyDecorators", list)
        named["RequestMapping"] = native("RequestMapping", _requested)
        named["forwardRef"] = Native("forwardRef", lambda given, site: self.call(first(given), [], site))
        named["VERSION_NEUTRAL"] = NEUTRAL
        named["VersioningType"] = Record({name: name for name in ("URI", "HEADER", "MEDIA_TYPE", "CUSTOM")})
        named["RequestMethod"] = Record({name: name for name in ("ALL", *(each.upper() for each in METHODS))})
        return Record(named)

    def _core(self) -> Record:
        def created(given: Arguments, site: Site) -> Value:
            made = Application(given[0] if given else Unknown(), site, self)
            self.applications.append(made)
            return made

        placed = native("register", lambda given: Placed(first(given)))
        return Record(
            {
                "NestFactory": Record({"create": Native("create", created)}),
                "RouterModule": Record({"register": placed, "forRoutes": placed}),
            }
        )

    def _config(self) -> Record:
        def registered(given: Arguments, site: Site) -> Value:
            if len(given) > 1 and isinstance(given[0], str):
                self._sources.append((given[0], given[1], site))
            return Unknown("registerAs")

        def loaded(given: Arguments, site: Site) -> Value:
            options = first(given)
            sources = options.properties.get("load") if isinstance(options, Record) else None
            for source in sources if isinstance(sources, list) else []:
                if isinstance(source, Function):
                    self._sources.append(("", source, site))
            return Unknown("ConfigModule")

        return Record(
            {
                "ConfigService": self._configuration,
                "registerAs": Native("registerAs", registered),
                "ConfigModule": Record({"forRoot": Native("forRoot", loaded)}),
            }
        )


def flat(decorations: list[Value] | tuple[Value, ...]) -> Iterator[Decoration]:
    """Nest's own among them; those that `applyDecorators` put together one by one."""
    for value in decorations:
        if isinstance(value, Decoration):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from flat(value)


def _decorator(name: str) -> Native:
    return native(name, lambda given: Decoration(name, tuple(given)))


def _requested(given: Arguments) -> Value:
    """`@RequestMapping({path, method: RequestMethod.GET})`."""
    options = given[0] if given and isinstance(given[0], Record) else Record()
    method = options.properties.get("method", "GET")
    name = method.capitalize() if isinstance(method, str) and method.capitalize() in METHODS else "Get"
    return Decoration(name, (options.properties.get("path", "/"),))
