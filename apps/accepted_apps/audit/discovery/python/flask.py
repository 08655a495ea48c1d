"""Flask: blueprints in each other, method views, and its extensions RESTful, RESTX, Smorest and AppBuilder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.appbuilder import ADDING, AppBuilders
from accepted_apps.audit.discovery.python.handlers import (
    VERBS,
    call_uncalled,
    is_view_class,
    made_route,
    methods,
    place,
    text,
    unresolved,
    unwrapped,
)
from accepted_apps.audit.discovery.python.program import STEPS_OF_AN_INCLUDE, Program
from accepted_apps.audit.discovery.python.rules import normal
from accepted_apps.audit.discovery.python.values import Class, External, Function, Instance, Method, Unknown, Value
from accepted_apps.audit.model import ANY, Route

_WORDS = ("flask", "quart", "Blueprint", "create_app", "add_resource", ".route(", "add_url_rule", "MethodView")
_CALLS = frozenset(
    {
        "Flask",
        "Quart",
        "APIFlask",
        "Blueprint",
        "Api",
        "Namespace",
        "register_blueprint",
        "add_url_rule",
        "add_resource",
        "add_namespace",
        "route",
        "init_app",
        *ADDING,
    }
)
_STAND_INS = {
    "app": "flask.Flask",
    "application": "flask.Flask",
    "flask_app": "flask.Flask",
    "server": "flask.Flask",
    "api": "flask_restful.Api",
    "bp": "flask.Blueprint",
    "blueprint": "flask.Blueprint",
}
_APPS = frozenset({"Flask", "Quart", "APIFlask", "OpenAPI"})
_LIBRARIES = ("flask", "quart", "apiflask")
_DEEPEST = 30


@dataclass(frozen=True)
class _Place:
    """Where a blueprint hangs: its prefix, and the sentences on what of it is not known."""

    prefix: str = ""
    unresolved: tuple[str, ...] = ()

    def below(self, *parts: Value) -> _Place:
        path = join(self.prefix, *(text(part) for part in parts))
        return _Place("" if path == "/" else path, (*self.unresolved, *unresolved(*parts)))


class Flask:
    name = "Flask"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        files = sources.mentioning(*_WORDS, suffixes=(".py",))
        if not any("flask" in (text := sources.text(path) or "") or "quart" in text for path in files):
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
        self.apis: dict[int, list[tuple[Instance, Value]]] = defaultdict(list)
        """App or blueprint → the extensions' APIs on it, each with a prefix given there."""

    def routes(self) -> Iterator[Route]:
        apps = [one for one in self.program.instances if self._is(one, _APPS)]
        apis = [one for one in self.program.instances if self._is(one, frozenset({"Api"}))]
        for api in apis:
            self._attach(api)
        mounted = [one for app in apps for one in self._mounted(app)]
        for app in apps:
            if app not in [inner for inner, _ in mounted]:
                yield from self._of(app, _Place(), ())
        for app, prefix in mounted:
            yield from self._of(app, _Place().below(prefix), ())
        yield from AppBuilders(self.program).routes()
        yield from self._loose(apis, bool(apps))

    def _loose(self, apis: list[Instance], has_app: bool) -> Iterator[Route]:
        """What hangs on an app that was not seen: `api = Api()` in one module, and `init_app` who knows where."""
        for api in apis:
            if id(api) not in self.reached:
                yield from self._of_api(api, _Place(), ())
        computed = any(
            _name(call) == "register_blueprint" and isinstance(call.argument(0, "blueprint"), Unknown)
            for one in self.program.instances
            for call in one.calls
        )
        for blueprint in self.program.instances:
            if not self._is(blueprint, frozenset({"Blueprint", "APIBlueprint"})) or id(blueprint) in self.reached:
                continue
            if has_app and not computed:
                if blueprint.calls:
                    self.program.sources.note("Nothing registers the blueprints of these files:", blueprint.module.path)
                continue
            where = _Place("", ("Where this blueprint is registered is not told by the code.",))
            yield from self._of(blueprint, where.below(blueprint.argument(None, "url_prefix")), ())

    def _is(self, one: Instance, names: frozenset[str]) -> bool:
        return any(kind.rpartition(".")[2] in names and kind.startswith(_LIBRARIES) for kind in self.program.kinds(one))

    def _attach(self, api: Instance) -> None:
        target = api.argument(0, "app", api.argument(None, "blueprint"))
        prefix = api.argument(None, "url_prefix")
        if isinstance(target, Instance):
            self.apis[id(target)].append((api, prefix))
        for call in api.calls:
            if _name(call) == "init_app" and isinstance(on := call.argument(0, "app"), Instance):
                self.apis[id(on)].append((api, prefix))

    def _mounted(self, app: Instance) -> Iterator[tuple[Instance, Value]]:
        """`app.wsgi_app = DispatcherMiddleware(app, {"/admin": other_app})`."""
        given = app.attributes.get("wsgi_app")
        if isinstance(given, Instance) and isinstance(mounts := given.argument(1, "mounts"), dict):
            for prefix, inner in mounts.items():
                if isinstance(inner, Instance) and inner is not app:
                    yield inner, prefix

    def _of(self, owner: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        """The routes of an app or a blueprint, of its blueprints and APIs."""
        if id(owner) in above or len(above) > _DEEPEST or not self.program.step(STEPS_OF_AN_INCLUDE):
            return
        self.reached.add(id(owner))
        above = (*above, id(owner))
        for call in owner.calls:
            yield from self._of_call(call, where, above)
        for api, prefix in self.apis[id(owner)]:
            yield from self._of_api(api, where.below(prefix), above)

    def _of_call(self, call: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        match _name(call):
            case "register_blueprint" | "register_api":
                inner = call.argument(0, "blueprint")
                if isinstance(inner, Instance):
                    given = call.argument(None, "url_prefix")
                    own = inner.argument(None, "url_prefix") if given is None else given
                    yield from self._of(inner, where.below(own), above)
            case "route":
                default = self._default_methods(call)
                yield from self._at(call, where, call.argument(0, "rule", ""), call.applied, default)
            case name if name in VERBS and call.applied:
                yield from self._at(call, where, call.argument(0, "rule", ""), call.applied, [name.upper()])
            case "add_url_rule":
                view = call.argument(2, "view_func")
                default = self._default_methods(call)
                yield from self._at(call, where, call.argument(0, "rule", ""), [view], default)
            case _:
                pass

    def _of_api(self, api: Instance, where: _Place, above: tuple[int, ...]) -> Iterator[Route]:
        if id(api) in above or len(above) > _DEEPEST or not self.program.step(STEPS_OF_AN_INCLUDE):
            return
        self.reached.add(id(api))
        above = (*above, id(api))
        own = where.below(api.argument(None, "prefix"))
        for call in api.calls:
            match _name(call):
                case "add_resource":
                    yield from self._resource(
                        call, own, call.args[:1] or [call.argument(None, "resource")], call.args[1:]
                    )
                case "resource" | "route":
                    yield from self._resource(call, own, call.applied, call.args)
                case "add_namespace":
                    namespace = call.argument(0, "ns", call.argument(None, "namespace"))
                    if isinstance(namespace, Instance):
                        yield from self._of_api(namespace, own.below(_namespace_path(namespace, call)), above)
                case "namespace":
                    yield from self._of_api(call, own.below(_namespace_path(call, call)), above)
                case "register_blueprint":
                    yield from self._of_call(call, own, above)
                case _:
                    pass

    def _resource(self, call: Instance, where: _Place, classes: list[Value], urls: list[Value]) -> Iterator[Route]:
        for url in urls:
            for cls in classes:
                yield from self._at(call, where, url, [cls], self._of_class(cls))

    def _default_methods(self, call: Instance) -> list[str]:
        given = call.argument(None, "methods")
        return methods(given, []) if given is not None else []

    def _at(
        self, call: Instance, where: _Place, rule: Value, handlers: list[Value], named: list[str]
    ) -> Iterator[Route]:
        path = normal(join(where.prefix, text(rule)))
        for handler in handlers:
            view = unwrapped(handler)
            cls = view.maker.owner if is_view_class(view) else view
            own = named or self._methods(cls)
            for method in _counted(own):
                yield made_route(
                    self.program.sources,
                    method=method,
                    path=path,
                    handler=self._method_of(cls, method),
                    framework="Flask",
                    declared=place(call),
                    unresolved=(*where.unresolved, *unresolved(rule)),
                )

    def _methods(self, handler: Value) -> list[str]:
        if isinstance(handler, Class):
            return self._of_class(handler)
        return methods(handler.attributes.get("methods"), ["GET"]) if isinstance(handler, Function) else ["GET"]

    def _of_class(self, cls: Value) -> list[str]:
        """Of a class with methods called `get`, `post` …, or a view with `methods` and `dispatch_request`."""
        if not isinstance(cls, Class):
            return [ANY] if isinstance(cls, External) else ["GET"]
        given = attributes.of_class(self.program, cls, "methods")
        if isinstance(given, list | tuple):
            return methods(given, [])
        found = [name.upper() for name in attributes.methods(self.program, cls) if name in VERBS]
        return sorted(found) or ["GET"]

    def _method_of(self, handler: Value, method: str) -> Value:
        if isinstance(handler, Class):
            found = attributes.methods(self.program, handler)
            return found.get(method.lower()) or found.get("dispatch_request") or handler
        return handler


def _counted(named: list[str]) -> list[str]:
    """Flask answers HEAD and OPTIONS by itself; they count where nothing else is answered."""
    return [method for method in named if method not in {"HEAD", "OPTIONS"}] or named


def _namespace_path(namespace: Instance, call: Instance) -> Value:
    """RESTX: the path given where it is added, else its own, else its name."""
    given = call.argument(1 if call is not namespace else None, "path")
    if given is None:
        given = namespace.argument(2, "path")
    name = namespace.argument(0, "name", "")
    return given if given is not None else "/" + text(name).lstrip("/")


def _name(call: Instance) -> str:
    return call.maker.name if isinstance(call.maker, Method) else ""


discoverer = Flask()
