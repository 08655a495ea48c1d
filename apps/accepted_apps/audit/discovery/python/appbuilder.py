"""Flask-AppBuilder: classes of views that are added to an AppBuilder, and what they have from the library's."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.handlers import (
    called,
    made_route,
    methods,
    place,
    text,
    unresolved,
    unwrapped,
)
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.discovery.python.rules import normal
from accepted_apps.audit.discovery.python.values import Class, Function, Instance, Method, Module, Value
from accepted_apps.audit.model import Route

ADDING = frozenset({"add_view", "add_view_no_menu", "add_api"})
_LIBRARY = "flask_appbuilder."
_FORM = ("GET", "POST")

_Exposed = tuple[str, str, tuple[str, ...]]
"""A method's name, its path, and what it answers."""

_CRUD: tuple[_Exposed, ...] = (
    ("list", "/list/", ("GET",)),
    ("show", "/show/<pk>", ("GET",)),
    ("add", "/add", _FORM),
    ("edit", "/edit/<pk>", _FORM),
    ("delete", "/delete/<pk>", _FORM),
    ("download", "/download/<filename>", ("GET",)),
    ("action", "/action/<name>/<pk>", _FORM),
    ("action_post", "/action_post", ("POST",)),
)
_COMPACT: tuple[_Exposed, ...] = (
    ("list", "/list/", _FORM),
    ("add", "/add/", _FORM),
    ("edit", "/edit/<pk>", _FORM),
    ("delete", "/delete/<pk>", _FORM),
)
_API: tuple[_Exposed, ...] = (
    ("info", "/_info", ("GET",)),
    ("get", "/<pk>", ("GET",)),
    ("get_list", "/", ("GET",)),
    ("post", "/", ("POST",)),
    ("put", "/<pk>", ("PUT",)),
    ("delete", "/<pk>", ("DELETE",)),
)
_ROLES: tuple[_Exposed, ...] = (
    *_API,
    ("list_role_permissions", "/<pk>/permissions/", ("GET",)),
    ("add_role_permissions", "/<pk>/permissions", ("POST",)),
    ("update_role_users", "/<pk>/users", ("PUT",)),
    ("update_role_groups", "/<pk>/groups", ("PUT",)),
)
_FORMS: tuple[_Exposed, ...] = (("this_form_get", "/form", ("GET",)), ("this_form_post", "/form", ("POST",)))
_CHART: tuple[_Exposed, ...] = (("chart", "/chart/<group_by>", ("GET",)), ("chart", "/chart/", ("GET",)))
_TIME_CHART: tuple[_Exposed, ...] = (("chart", "/chart/<group_by>/<period>", ("GET",)), ("chart", "/chart/", ("GET",)))
_MASTER: tuple[_Exposed, ...] = (("list", "/list/", ("GET",)), ("list", "/list/<pk>", ("GET",)))
_LOGIN: tuple[_Exposed, ...] = (("login", "/login/", _FORM), ("logout", "/logout/", ("GET",)))
_OF_LIBRARY: dict[str, tuple[_Exposed, ...]] = {
    "ModelView": _CRUD,
    "CompactCRUDMixin": _COMPACT,
    "MasterDetailView": (*_MASTER, *_CRUD),
    "MultipleView": _CRUD[:1],
    "ModelRestApi": _API,
    "UserApi": _API,
    "RoleApi": _ROLES,
    "SimpleFormView": _FORMS,
    "PublicFormView": _FORMS,
    "IndexView": (("index", "/", ("GET",)),),
    "GroupByChartView": _CHART,
    "DirectByChartView": _CHART,
    "ChartView": _CHART,
    "DirectChartView": _CHART,
    "TimeChartView": _TIME_CHART,
    "UserDBModelView": (("userinfo", "/userinfo/", ("GET",)), *_CRUD),
    "UserModelView": (("userinfo", "/userinfo/", ("GET",)), *_CRUD),
    "AuthView": _LOGIN,
    "AuthDBView": _LOGIN,
    "AuthLDAPView": _LOGIN,
    "AuthRemoteUserView": (("login", "/login/", ("GET",)), _LOGIN[1]),
    "AuthOAuthView": (
        ("login", "/login/", ("GET",)),
        ("login", "/login/<provider>", ("GET",)),
        ("oauth_authorized", "/oauth-authorized/<provider>", ("GET",)),
        _LOGIN[1],
    ),
}
_BASES = {
    **dict.fromkeys(("IndexView", "AuthView", "AuthDBView", "AuthLDAPView", "AuthRemoteUserView", "AuthOAuthView"), ""),
    "UserApi": "/api/v1/security/users",
    "RoleApi": "/api/v1/security/roles",
}
"""Classes of the library that say where they hang."""


class AppBuilders:
    """The views of a program, as the AppBuilder registers them."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def routes(self) -> Iterator[Route]:
        seen: set[int] = set()
        for cls, added in [*self._added(), *self._of_security()]:
            if id(cls) not in seen:
                seen.add(id(cls))
                yield from self._of_view(cls, added)

    def _added(self) -> Iterator[tuple[Class, tuple[Module, ast.AST]]]:
        for one in list(self.program.instances):
            held = [each for each in one.attributes.values() if isinstance(each, Instance)]
            for call in [call for owner in (one, *held) for call in owner.calls]:
                if isinstance(call.maker, Method) and call.maker.name in ADDING:
                    yield from self._view(call.argument(0, "baseview"), place(call))
            if any(kind.startswith(_LIBRARY) and kind.endswith("AppBuilder") for kind in self.program.kinds(one)):
                index = one.attributes.get("indexview", one.argument(None, "indexview"))
                yield from self._view(index, place(one))

    def _of_security(self) -> Iterator[tuple[Class, tuple[Module, ast.AST]]]:
        """What a security manager of the repository has in place of the library's: `authdbview = OurLogin`."""
        for cls in list(self.program.classes()):
            if any(kind.startswith(_LIBRARY) and kind.endswith("SecurityManager") for kind in self.program.kinds(cls)):
                for statement in cls.node.body:
                    for target in statement.targets if isinstance(statement, ast.Assign) else []:
                        if isinstance(target, ast.Name):
                            yield from self._view(attributes.own(self.program, cls, target.id), (cls.module, statement))

    def _view(self, value: Value, added: tuple[Module, ast.AST]) -> Iterator[tuple[Class, tuple[Module, ast.AST]]]:
        view = unwrapped(value)
        cls = view.maker if isinstance(view, Instance) else view
        if isinstance(cls, Class) and any(kind.startswith(_LIBRARY) for kind in self.program.kinds(cls)):
            yield cls, added

    def _of_view(self, cls: Class, added: tuple[Module, ast.AST]) -> Iterator[Route]:
        base = self._base(cls)
        for handler, name, rule, verbs in self._exposed(cls):
            path = normal(join(text(base), text(rule)))
            for method in [verb for verb in verbs if verb not in {"HEAD", "OPTIONS"}] or verbs:
                yield made_route(
                    self.program.sources,
                    method=method,
                    path=path,
                    handler=handler,
                    framework="Flask",
                    declared=added,
                    function=f"{cls.name}.{name}",
                    unresolved=unresolved(base, rule),
                )

    def _base(self, cls: Class) -> Value:
        given = attributes.of_class(self.program, cls, "route_base")
        if given is not None:
            return given
        kinds = [kind.rpartition(".")[2] for kind in self.program.kinds(cls)]
        inherited = next((_BASES[kind] for kind in kinds if kind in _BASES), None)
        if inherited is not None:
            return inherited
        if any(kind.endswith("Api") for kind in kinds):
            version = attributes.of_class(self.program, cls, "version")
            name = attributes.of_class(self.program, cls, "resource_name")
            return f"/api/{text(version) or 'v1'}/{(text(name) or cls.name).lower()}"
        return "/" + cls.name.lower()

    def _exposed(self, cls: Class) -> Iterator[tuple[Value, str, Value, list[str]]]:
        functions = attributes.methods(self.program, cls)
        wanted = attributes.of_class(self.program, cls, "include_route_methods")
        left_out = attributes.of_class(self.program, cls, "exclude_route_methods")

        def counts(name: str) -> bool:
            return not (
                (isinstance(wanted, list | tuple | str) and name not in wanted)
                or (isinstance(left_out, list | tuple | str) and name in left_out)
            )

        for name, function in functions.items():
            if counts(name):
                for rule, verbs in self._decorated(function):
                    yield function, name, rule, verbs
        kinds = [kind.rpartition(".")[2] for kind in self.program.kinds(cls) if kind.startswith(_LIBRARY)]
        own = set(functions)
        for kind in kinds:
            inherited = [one for one in _OF_LIBRARY.get(kind, ()) if one[0] not in own]
            for name, path, answered in inherited:
                if counts(name):
                    yield cls, name, path, list(answered)
            own |= {name for name, _, _ in inherited}

    def _decorated(self, function: Function) -> Iterator[tuple[Value, list[str]]]:
        """The rules of `@expose("/path", methods=(…))`; one method may have several."""
        for node in getattr(function.node, "decorator_list", []):
            if isinstance(node, ast.Call) and called(node.func) == "expose":
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                rule = node.args[0] if node.args else given.get("url")
                verbs = node.args[1] if len(node.args) > 1 else given.get("methods")
                yield (
                    self.program.value(rule, function.scope) if rule is not None else "/",
                    methods(self.program.value(verbs, function.scope), ["GET"]),
                )
