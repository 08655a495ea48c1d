"""Django REST framework: what a router makes of a viewset."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.django.paths import of_regex
from accepted_apps.audit.discovery.python.django.views import Answer, Views
from accepted_apps.audit.discovery.python.handlers import VERBS, methods, text, unresolved
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.discovery.python.values import Class, External, Function, Instance, Method, Value

_LIST = {"get": "list", "post": "create"}
_DETAIL = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
_OF_MIXINS = {
    "ListModelMixin": ("list",),
    "CreateModelMixin": ("create",),
    "RetrieveModelMixin": ("retrieve",),
    "UpdateModelMixin": ("update", "partial_update"),
    "DestroyModelMixin": ("destroy",),
    "ReadOnlyModelViewSet": ("list", "retrieve"),
    "ModelViewSet": ("list", "create", "retrieve", "update", "partial_update", "destroy"),
}
_ACTIONS = {"action", "detail_route", "list_route", "link"}


@dataclass(frozen=True)
class Piece:
    """A path below where the router is included, and what answers there."""

    path: str
    answer: Answer
    call: Instance
    unresolved: tuple[str, ...] = ()


class Routers:
    def __init__(self, program: Program, views: Views) -> None:
        self.program = program
        self.views = views

    def is_router(self, value: Value) -> bool:
        return isinstance(value, Instance) and any(
            kind.rpartition(".")[2].endswith("Router") for kind in self.program.kinds(value)
        )

    def pieces(self, router: Instance) -> Iterator[Piece]:
        slash = self._slash(router)
        prefix, lacking = self._parent_prefix(router)
        if self._has_root(router):
            yield Piece("", Answer("GET", External("APIRootView"), "Django REST framework", "APIRootView"), router)
        for call in self._registered(router):
            yield from self._of_viewset(router, call, prefix, slash, lacking)

    def _has_root(self, router: Instance) -> bool:
        kinds = [kind.rpartition(".")[2] for kind in self.program.kinds(router)]
        given = router.argument(None, "include_root_view", router.attributes.get("include_root_view", True))
        return bool({"DefaultRouter", "ExtendedDefaultRouter"} & set(kinds)) and given is not False

    def _slash(self, router: Instance) -> str:
        given = router.argument(None, "trailing_slash", router.attributes.get("trailing_slash", True))
        if isinstance(router.maker, Class) and given is True:
            own = attributes.of_class(self.program, router.maker, "trailing_slash")
            given = True if own is None else own
        if isinstance(given, str):
            return "/" if given.startswith("/") else ""
        return "" if given is False else "/"

    def _registered(self, router: Instance) -> list[Instance]:
        """Registrations, also those taken over from another router's registry."""
        found = [call for call in router.calls if _name(call) == "register"]
        registry = router.attributes.get("registry")
        for call in registry.calls if isinstance(registry, Instance) else []:
            other = call.argument(0, "iterable")
            if _name(call) == "extend" and isinstance(other, Method | Instance):
                owner = other.owner if isinstance(other, Method) else getattr(other.maker, "owner", None)
                if isinstance(owner, Instance):
                    found += self._registered(owner)
        return found

    def _parent_prefix(self, router: Instance) -> tuple[str, tuple[str, ...]]:
        """drf-nested-routers: `NestedSimpleRouter(parent, "users", lookup="user")`."""
        parent = router.argument(0, "parent_router")
        if not isinstance(parent, Instance) or not self.is_router(parent):
            return "", ()
        prefix, lookup = router.argument(1, "parent_prefix"), text(router.argument(None, "lookup"))
        for call in self._registered(parent):
            if text(call.argument(0, "prefix")) == text(prefix):
                above, lacking = self._parent_prefix(parent)
                name = f"{lookup or 'nested_' + str(len(above.split('/')))}_{self._lookup(call.argument(1, 'viewset'))}"
                return f"{above}{of_regex(text(prefix))}/{{{name}}}/", (*lacking, *unresolved(prefix))
        return f"{text(prefix)}/{{{lookup}_pk}}/", tuple(unresolved(prefix))

    def _of_viewset(
        self, router: Instance, call: Instance, above: str, slash: str, lacking: tuple[str, ...]
    ) -> Iterator[Piece]:
        prefix, viewset = call.argument(0, "prefix", ""), call.argument(1, "viewset")
        base = above + of_regex(text(prefix)).strip("/")
        lacking = (*lacking, *unresolved(prefix))
        one = f"{base}/{{{self._lookup(viewset)}}}" if base.rstrip("/") else f"{{{self._lookup(viewset)}}}"
        if not isinstance(viewset, Class):
            return
        for path, mapping in ((base, self._mapping(router, 0)), (one, self._mapping(router, 1))):
            for answer in self._standard(viewset, mapping):
                yield Piece(path + slash if path else path, answer, call, lacking)
        for detail, url, answer in self._extra(viewset):
            start = one if detail else base
            yield Piece("/".join(part for part in (start, url) if part) + slash, answer, call, lacking)
        for nested in call.calls:  # drf-extensions: `.register(…).register(…, parents_query_lookups=[…])`
            if _name(nested) == "register":
                lookups = nested.argument(None, "parents_query_lookups")
                name = text(lookups[-1]) if isinstance(lookups, list | tuple) and lookups else "pk"
                yield from self._of_viewset(router, nested, f"{base}/{{parent_lookup_{name}}}/", slash, lacking)

    def _mapping(self, router: Instance, at: int) -> dict[str, str]:
        """A router of the repository may map further methods: `self.routes[0].mapping.update({…})`."""
        mapping = dict(_LIST if at == 0 else _DETAIL)
        for cls in self.program.ancestry(router.maker) if isinstance(router.maker, Class) else []:
            for node in ast.walk(cls.node) if isinstance(cls, Class) else []:
                match node:
                    case ast.Call(
                        func=ast.Attribute(
                            value=ast.Attribute(value=ast.Subscript(slice=ast.Constant(value=index)), attr="mapping"),
                            attr="update",
                        ),
                        args=[given],
                    ) if index == (0 if at == 0 else 2):
                        value = self.program.value(given, cls.scope)
                        mapping |= value if isinstance(value, dict) else {}
                    case _:
                        pass
        return mapping

    def _standard(self, viewset: Class, mapping: dict[str, str]) -> Iterator[Answer]:
        functions = attributes.methods(self.program, viewset)
        inherited = {
            action
            for kind in self.program.kinds(viewset)
            for mixin, actions in _OF_MIXINS.items()
            if (short := kind.rpartition(".")[2]) == mixin or (short.endswith(mixin) and "Mixin" not in mixin)
            for action in actions
            if not (mixin == "ModelViewSet" and "ReadOnly" in short)
        }
        allowed = self.views.allowed(viewset)
        for method, action in mapping.items():
            if (action in functions or action in inherited) and (not allowed or method.upper() in allowed):
                handler = functions.get(action, viewset)
                yield Answer(method.upper(), handler, "Django REST framework", f"{viewset.name}.{action}")

    def _extra(self, viewset: Class) -> Iterator[tuple[bool, str, Answer]]:
        """Methods with `@action`: whether of one object, the path, and the answer."""
        functions = attributes.methods(self.program, viewset)
        allowed = self.views.allowed(viewset)
        for name, function in functions.items():
            decorator = next((one for one in function.decorators if _is_action(one)), None)
            if decorator is None:
                continue
            kind = decorator.maker.name.rpartition(".")[2]
            detail = (
                kind == "detail_route" or decorator.argument(1 if kind == "action" else None, "detail", False) is True
            )
            url = decorator.argument(2 if kind == "action" else None, "url_path")
            path = of_regex(text(url)) if isinstance(url, str) else name
            named = methods(decorator.argument(0, "methods"), ["GET"])
            handlers = [(method, function) for method in named] + _mapped(functions, name)
            for method, handler in handlers:
                if not allowed or method in allowed:
                    answer = Answer(method, handler, "Django REST framework", f"{viewset.name}.{handler.name}")
                    yield detail, path.strip("/"), answer

    def _lookup(self, viewset: Value) -> str:
        if not isinstance(viewset, Class):
            return "pk"
        named = attributes.of_class(self.program, viewset, "lookup_url_kwarg")
        field = attributes.of_class(self.program, viewset, "lookup_field")
        regex = attributes.of_class(self.program, viewset, "lookup_value_regex")
        whole = isinstance(regex, str) and (".+" in regex or ".*" in regex)
        return (text(named) or text(field) or "pk") + ("*" if whole else "")


def _is_action(decorator: Value) -> bool:
    return (
        isinstance(decorator, Instance)
        and isinstance(decorator.maker, External)
        and decorator.maker.name.rpartition(".")[2] in _ACTIONS
        and "rest_framework" in decorator.maker.name
    )


def _mapped(functions: dict[str, Function], name: str) -> list[tuple[str, Function]]:
    """Further methods of an action: `@publish.mapping.delete`."""
    found = []
    for function in functions.values():
        for node in getattr(function.node, "decorator_list", []):
            match node:
                case ast.Attribute(value=ast.Attribute(value=ast.Name(id=action), attr="mapping"), attr=method):
                    if action == name and method in VERBS:
                        found.append((method.upper(), function))
                case _:
                    pass
    return found


def _name(call: Instance) -> str:
    return call.maker.name if isinstance(call.maker, Method) else ""
