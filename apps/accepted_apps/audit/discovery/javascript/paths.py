"""Express's and Nest's ways to write a path, in the normal form of `discovery.paths`."""

from __future__ import annotations

import re

from accepted_apps.audit.discovery.javascript.values import Partial, RegExp, Unknown, Value

_OPTIONAL_GROUP = re.compile(r"\{([^{}]*)\}")
_PARAMETER = re.compile(r":(?:\"([^\"]+)\"|(\w+))(\((?:[^()\\]|\\.|\([^()]*\))*\))?([?*+])?")
_WILDCARD = re.compile(r"\(\.\*\)|\*(\w*)")
_GROUP = re.compile(r"\((?:\?<(\w+)>|\?:)?((?:[^()\\]|\\.|\[(?:[^\]\\]|\\.)*\])*)\)([?*+]?)")
_PLAIN_SEGMENT = re.compile(r"[\w.~%@!$&',;=:-]*|(?:[\w.~-]*\{\w+\*?\}[\w.~-]*)+")
_ANYTHING = frozenset({".*", ".+", ".*?"})
_MOST_PATHS = 8


def written(value: Value) -> tuple[list[str], list[str]]:
    """The paths that a value declares, and what of them is not known, a sentence each.

    There are several where a part is optional, and none where nothing is known.
    """
    match value:
        case str():
            return _of_text(value), []
        case Partial():
            unknown = [part.text or "a part" for part in value.parts if isinstance(part, Unknown)]
            known = "".join(part if isinstance(part, str) else "" for part in value.parts)
            return _of_text(re.sub("//+", "/", known)), [
                f"`{text}` is not told by the code; the path lacks it." for text in unknown
            ]
        case RegExp():
            return [_of_expression(value.source)], []
        case _:
            return [], []


def _of_text(text: str) -> list[str]:
    text = re.sub(r"/\?(?=\*|$|\(\.\*\))", "/", text)
    text = re.sub(r"\\(.)", r"\1", text) if "\\" in text and "(" not in text else text
    ways = [text]
    while any(_OPTIONAL_GROUP.search(way) for way in ways) and len(ways) < _MOST_PATHS:
        ways = [made for way in ways for made in _with_and_without(way)]
    found: list[str] = []
    for way in ways:
        found += _of_parameters(way)
    return list(dict.fromkeys(found))


def _with_and_without(way: str) -> list[str]:
    group = _OPTIONAL_GROUP.search(way)
    if group is None:
        return [way]
    before, after = way[: group.start()], way[group.end() :]
    return [before + group[1] + after, before + after]


def _of_parameters(way: str) -> list[str]:
    optional: list[str] = []

    def named(found: re.Match[str]) -> str:
        name, pattern, sign = found[1] or found[2], found[3] or "", found[4] or ""
        if sign == "?":
            optional.append(name)
        many = sign in {"*", "+"} or pattern in {"(*)", "(.*)", "(.+)"}
        return f"{{{name}*}}" if many else f"{{{name}}}"

    path = _PARAMETER.sub(named, way)
    path = _WILDCARD.sub(
        lambda found: f"{{{found[1] or 'path'}*}}" if not _inside(path, found.start()) else found[0], path
    )
    path = re.sub(r"(\{\w+\*\})\1+", r"\1", path)
    ways = [path]
    for name in optional[:3]:
        ways += [re.sub(rf"[/.-]?\{{{name}\}}", "", each) for each in ways]
    return ways


def _inside(path: str, position: int) -> bool:
    """Whether a star stands in the braces that a parameter has got."""
    return "{" in path[:position] and path.rfind("{", 0, position) > path.rfind("}", 0, position)


def _of_expression(source: str) -> str:
    """What a regular expression says of its segments; one that is not plain is a parameter."""
    text = source.removeprefix("^").removesuffix("$").replace("\\/", "/")
    text = re.sub(r"(?:/\?|\(\?:/\|\$\)|\(\?=/\|\$\))$", "", text)
    count = 0

    def parameter(name: str | None, many: bool) -> str:
        nonlocal count
        count += 1
        return f"{{{name or f'p{count}'}{'*' if many else ''}}}"

    text = _GROUP.sub(lambda found: parameter(found[1], found[2] in _ANYTHING), text)
    text = re.sub(r"\[\^/\][*+]|\\[dw](?:[*+]|\{[\d,]+\})", lambda _: parameter(None, False), text)
    text = re.sub(r"\.[*+]\??", lambda _: parameter(None, True), text)
    text = re.sub(r"\\([.-])", r"\1", text)
    segments = [each if _PLAIN_SEGMENT.fullmatch(each) else "{pattern}" for each in text.strip("/").split("/")]
    return "/" + "/".join(segments)
