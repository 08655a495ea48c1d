"""Django Ninja and its extra controllers: an API object, routers in each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from accepted_apps.audit.discovery.paths import join
from accepted_apps.audit.discovery.python.calls import named
from accepted_apps.audit.discovery.python.django.rest import Piece
from accepted_apps.audit.discovery.python.django.views import Answer
from accepted_apps.audit.discovery.python.handlers import VERBS, methods, text, unresolved, unwrapped
from accepted_apps.audit.discovery.python.program import STEPS_OF_AN_INCLUDE, Program
from accepted_apps.audit.discovery.python.values import Class, External, Function, Instance, Method, Value

_DEEPEST = 20
_PARAMETER = re.compile(r"\{(?:(\w+):)?(\w+)\}")


def is_api(program: Program, value: Value) -> bool:
    return isinstance(value, Instance) and any(
        kind.rpartition(".")[2] in {"NinjaAPI", "NinjaExtraAPI"} for kind in program.kinds(value)
    )


def pieces(program: Program, api: Instance) -> Iterator[Piece]:
    yield from _of(program, api, "", (), 0)


def _of(program: Program, router: Instance, prefix: str, lacking: tuple[str, ...], depth: int) -> Iterator[Piece]:
    if depth > _DEEPEST or not program.step(STEPS_OF_AN_INCLUDE):
        return
    for call in router.calls:
        name = call.maker.name if isinstance(call.maker, Method) else ""
        if name == "add_router":
            inner = call.argument(1, "router")
            if isinstance(inner, str):
                inner = named(program, inner, call.module)
            given = call.argument(0, "prefix", "")
            if isinstance(inner, Instance):
                below = (*lacking, *unresolved(given))
                yield from _of(program, inner, _below(prefix, text(given)), below, depth + 1)
        elif name == "register_controllers":
            for cls in call.args:
                yield from _controller(cls, prefix, lacking)
        elif name in VERBS or name == "api_operation":
            path = call.argument(1 if name == "api_operation" else 0, "path", "")
            verbs = methods(call.argument(0, "methods"), ["GET"]) if name == "api_operation" else [name.upper()]
            for handler in call.applied:
                yield from _at(call, verbs, _joined(prefix, text(path)), handler, (*lacking, *unresolved(path)))


def _controller(cls: Value, prefix: str, lacking: tuple[str, ...]) -> Iterator[Piece]:
    """`@api_controller("/users") class UserController: @http_get("/{id}") def …`."""
    if not isinstance(cls, Class):
        return
    own = next((one for one in cls.decorators if _last(one) == "api_controller"), None)
    given = own.argument(0, "prefix_or_class", "") if own else ""
    below = _below(prefix, text(given))
    for function in cls.attributes.values():
        for decorator in function.decorators if isinstance(function, Function) else []:
            verb = _last(decorator).removeprefix("http_")
            if isinstance(decorator, Instance) and verb in VERBS:
                path = decorator.argument(0, "path", "")
                yield from _at(decorator, [verb.upper()], _joined(below, text(path)), function, lacking)


def _at(call: Instance, verbs: list[str], path: str, handler: Value, lacking: tuple[str, ...]) -> Iterator[Piece]:
    view = unwrapped(handler)
    for verb in verbs:
        yield Piece(_normal(path), Answer(verb, view, "Django Ninja"), call, lacking)


def _normal(path: str) -> str:
    """Ninja writes the converter first, as Django does: `{int:event_id}`."""
    return _PARAMETER.sub(lambda found: f"{{{found[2]}{'*' if found[1] == 'path' else ''}}}", path)


def _below(prefix: str, given: str) -> str:
    path = join(prefix, given)
    return "" if path == "/" else path.rstrip("/")


def _joined(prefix: str, path: str) -> str:
    return join(prefix, path).lstrip("/")


def _last(value: Value) -> str:
    if isinstance(value, Instance) and isinstance(value.maker, External | Method):
        return value.maker.name.rpartition(".")[2]
    return ""
