"""What Gin, Echo and Go's own packages do, as far as it says something of routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .program import line_of, text_of
from .values import (
    UNKNOWN,
    Function,
    Instance,
    Items,
    Made,
    Outside,
    Router,
    RouterFramework,
    Several,
    Struct,
    Text,
    Type,
    Value,
    carries_router,
)

if TYPE_CHECKING:
    from tree_sitter import Node

TAKES_ROUTER = re.compile(r"\b(gin\.(Engine|RouterGroup|IRouter|IRoutes)|echo\.(Echo|Group))\b")
_GIN = re.compile(r"(github\.com/gin-gonic/gin|gopkg\.in/gin-gonic/gin\.v\d+)")
_ECHO = re.compile(r"(github\.com|gopkg\.in)/(labstack|pocketbase)/echo([./]v\d+)?")
_ENGINES = {"Engine", "Echo", "IRouter", "IRoutes"}
_GROUPS = {"RouterGroup", "Group"}
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE")
HTTP_CONSTANTS = {f"Method{name.title()}": name for name in VERBS}


def framework_of(import_path: str) -> RouterFramework | None:
    if _GIN.fullmatch(import_path):
        return "Gin"
    return "Echo" if _ECHO.fullmatch(import_path) else None


def router_of(type_: Type, told: str) -> Router | None:
    framework = None if type_.inside else framework_of(type_.place)
    if framework is None or type_.name not in _ENGINES | _GROUPS:
        return None
    return Router(framework, unresolved=(told,) if told and type_.name in _GROUPS else ())


def grouped(router: Router, prefix: Value, call: Node) -> Router:
    told = text_or_unresolved(prefix, call, "arguments")
    return Router(
        router.framework,
        joined(router.framework, router.prefix, told.text),
        tuple(dict.fromkeys((*router.unresolved, *told.unresolved))),
    )


def joined(framework: RouterFramework, prefix: str, path: str) -> str:
    """Gin cleans what it joins, and keeps the slash at the end; Echo puts the two behind each other."""
    if framework == "Echo":
        return prefix + path
    if not path:
        return prefix
    return re.sub(r"/{2,}", "/", f"{prefix}/{path}")


def text_or_unresolved(value: Value, node: Node, part: str) -> Text:
    if isinstance(value, Text):
        return value
    said = text_of(_first(node.child_by_field_name(part)))
    return Text("", (f"What {said or 'a prefix'} is in line {line_of(node)} could not be told.",))


def concatenated(left: Value, right: Value, node: Node) -> Value:
    one, other = text_or_unresolved(left, node, "left"), text_or_unresolved(right, node, "right")
    return Text(one.text + other.text, one.unresolved + other.unresolved)


def called_outside(function: Outside, arguments: list[Value]) -> Value:
    framework = framework_of(function.path)
    if framework and function.name in {"New", "Default", "NewWithConfig"}:
        return Router(framework)
    texts = [each.text if isinstance(each, Text) else None for each in arguments]
    if function.path == "fmt" and function.name == "Sprintf" and texts and texts[0] is not None:
        return _formatted(texts[0], arguments[1:])
    if function.path in {"path", "net/url", "path/filepath"} and function.name in {"Join", "JoinPath"}:
        if any(text is None for text in texts):
            return UNKNOWN
        return Text(re.sub(r"/{2,}", "/", "/".join(text for text in texts if text)))
    if function.path == "strings" and texts and texts[0] is not None:
        return _string_function(function.name, [text or "" for text in texts])
    return UNKNOWN


def _string_function(name: str, texts: list[str]) -> Value:
    first = texts[0]
    second = texts[1] if len(texts) > 1 else ""
    results = {
        "ToLower": first.lower(),
        "ToUpper": first.upper(),
        "TrimSuffix": first.removesuffix(second),
        "TrimPrefix": first.removeprefix(second),
        "TrimRight": first.rstrip(second),
        "TrimLeft": first.lstrip(second),
        "Trim": first.strip(second),
        "TrimSpace": first.strip(),
    }
    return Text(results[name]) if name in results else UNKNOWN


def _formatted(form: str, values: list[Value]) -> Text:
    left = list(values)
    unresolved: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = left.pop(0) if left else UNKNOWN
        if isinstance(value, Text):
            unresolved.extend(value.unresolved)
            return value.text
        unresolved.append(f"What {found[0]} in {form!r} stands for could not be told.")
        return ""

    text = re.sub(r"%[-+# 0]*\d*(?:\.\d+)?[a-zA-Z%]", put, form)
    return Text(text, tuple(unresolved))


def made(result: Value, function: Value, arguments: list[Value]) -> Value:
    """Keeps, for a handler that is made by a call, what it is made by and of."""
    if isinstance(result, Instance) and result.type.inside:
        return result
    if not (result is UNKNOWN or isinstance(result, Instance | Function)):
        return result
    if isinstance(result, Function) and TAKES_ROUTER.search(text_of(result.node.child_by_field_name("parameters"))):
        return result  # an option, which is called with a router later
    by = function if isinstance(function, Function) and function.name else None
    of = [
        inner
        for each in arguments
        for inner in ([each] if isinstance(each, Function) else each.of if isinstance(each, Made) else [])
        if _answers_requests(inner)
    ]
    return Made(by, tuple(of)) if by or of else result


def _answers_requests(function: Function) -> bool:
    return re.search(r"Context\b|http\.Request\b", text_of(function.node.child_by_field_name("parameters"))) is not None


def _first(node: Node | None) -> Node | None:
    return node.named_children[0] if node is not None and node.named_children else node


def worth(value: Value) -> int:
    order: list[type[Value]] = [Instance, Text, Items, Function, Struct, Router]
    if isinstance(value, Several):
        return max(map(worth, value.items), default=0)
    if isinstance(value, Struct) and carries_router(value):
        return len(order) + 1
    return next((rank for rank, kind in enumerate(order, 1) if isinstance(value, kind)), 0)
