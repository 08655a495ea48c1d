"""Django's two ways to write a path, in the normal form. Both are pieces: Django puts them together as they are."""

from __future__ import annotations

import re

_CONVERTER = re.compile(r"<(?:([^<>:]+):)?([^<>:]+)>")
_NAMED = re.compile(r"\?P<(\w+)>")
_QUANTIFIER = re.compile(r"[?*+]\??|\{\d*,?\d*\}\??")


def of_route(route: str) -> str:
    """
    >>> of_route("users/<int:pk>/files/<path:name>")
    'users/{pk}/files/{name*}'
    """
    return _CONVERTER.sub(lambda found: f"{{{found[2].strip()}{'*' if found[1] == 'path' else ''}}}", route)


def of_regex(pattern: str) -> str:
    """The path that a regular expression matches; what it may leave out is left out.

    >>> of_regex(r"^users/(?P<pk>\\\\d+)/(?:edit/)?$")
    'users/{pk}/'
    """
    return _Regex(pattern.removeprefix("^")).path()


class _Regex:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.unnamed = 0

    def path(self) -> str:
        parts: list[str] = []
        while self.at < len(self.pattern):
            part = self._part()
            if part is None:  # an alternative: the first one stands for all
                break
            if part == ".":
                part = self._dot()
            elif (optional := self._quantified()) is not None:
                part = "" if optional and not part.startswith("{") else part
            parts.append(part)
        return "".join(parts)

    def _part(self) -> str | None:
        char = self.pattern[self.at]
        self.at += 1
        match char:
            case "\\":
                return self._escape()
            case "(":
                return self._group()
            case "[":
                self._skip_class()
                return self._parameter()
            case "^" | "$":
                return ""
            case "|":
                return None
            case _:
                return char

    def _escape(self) -> str:
        char = self.pattern[self.at : self.at + 1]
        self.at += 1
        if char in {"A", "Z", "b", "B", "z"}:
            return ""
        return self._parameter() if char in {"d", "D", "w", "W", "s", "S"} else char

    def _dot(self) -> str:
        """A dot that is repeated is anything; alone it is mostly meant as one."""
        if self._quantified() is None:
            return "."
        return self._parameter(whole=True)

    def _group(self) -> str:
        start, depth = self.at, 1
        while self.at < len(self.pattern) and depth:
            char = self.pattern[self.at]
            if char == "\\":
                self.at += 1
            elif char == "[":
                self.at += 1
                self._skip_class()
                continue
            depth += (char == "(") - (char == ")")
            self.at += 1
        inside = self.pattern[start : self.at - 1]
        if named := _NAMED.match(inside):
            return f"{{{named[1]}{'*' if _spans(inside[named.end() :]) else ''}}}"
        if inside.startswith(("?!", "?=", "?<", "?i", "?#", "?x", "?u")) and not inside.startswith("?i:"):
            return ""
        if inside.startswith("?"):
            inner = _Regex(inside.partition(":")[2])
            inner.unnamed = self.unnamed
            path = inner.path()
            self.unnamed = inner.unnamed
            return path
        return self._parameter(whole=_spans(inside))

    def _skip_class(self) -> None:
        if self.pattern[self.at : self.at + 1] == "^":
            self.at += 1
        self.at += 1  # a bracket that comes first is itself
        while self.at < len(self.pattern) and self.pattern[self.at - 1] != "]":
            self.at += 2 if self.pattern[self.at] == "\\" else 1
        if self.at <= len(self.pattern) and self.pattern[self.at - 1 : self.at] != "]":
            self.at += 1

    def _quantified(self) -> bool | None:
        """Whether what comes before may be left out; None where nothing repeats it."""
        found = _QUANTIFIER.match(self.pattern, self.at)
        if not found:
            return None
        self.at = found.end()
        return found[0][0] in "?*" or found[0].startswith(("{0", "{,"))

    def _parameter(self, *, whole: bool = False) -> str:
        self.unnamed += 1
        return f"{{arg{self.unnamed}{'*' if whole else ''}}}"


def _spans(inside: str) -> bool:
    """Whether a group can match a slash."""
    return bool(re.search(r"(?<!\\)\.[*+]", re.sub(r"\[[^\]]*\]", "", inside))) or "/" in re.sub(
        r"\[\^[^\]]*\]", "", inside
    )
