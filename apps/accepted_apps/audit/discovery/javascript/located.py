"""From what the interpreter found to the routes of the model."""

from __future__ import annotations

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.javascript.syntax import language, lines
from accepted_apps.audit.discovery.javascript.values import Function, Site, Unknown, Value
from accepted_apps.audit.model import Framework, Route

_WRAPPED_DEEP = 10


def route(
    sources: SourceTree, method: str, path: str, handler: Value, site: Site, framework: Framework, unresolved: list[str]
) -> Route:
    """site: where the route is declared; it counts as the handler's place where the handler is not to be found."""
    function = _unwrapped(handler)
    if function is None:
        file, first, last = site.module.path, site.line, site.node.end_point.row + 1
        name = handler.text if isinstance(handler, Unknown) and handler.text.replace(".", "").isidentifier() else ""
    else:
        file, (first, last), name = function.module.path, lines(function.node), _name(function)
    declared = site.module.path != file or not first <= site.line <= last
    return Route(
        method=method,
        path=path,
        file=file,
        line=first,
        end_line=last,
        function=name,
        framework=framework,
        language=language(file),
        snippet=sources.snippet(file, first, last),
        declared_file=site.module.path if declared else "",
        declared_line=site.line if declared else 0,
        unresolved=unresolved,
    )


def _unwrapped(handler: Value) -> Function | None:
    for _ in range(_WRAPPED_DEEP):
        if not isinstance(handler, Function) or handler.wraps is None:
            break
        handler = handler.wraps
    return handler if isinstance(handler, Function) else None


def _name(function: Function) -> str:
    return f"{function.owner}.{function.name}" if function.owner and function.name else function.name
