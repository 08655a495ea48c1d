"""Which function of the repository a call means, by its name and by what it is called on."""

from __future__ import annotations

import re
from typing import Final

from accepted_apps.audit.discovery.files import SourceTree

from .code import Call, Function

_SUFFIXES: Final = {
    "python": (".py",),
    "javascript": (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx"),
    "typescript": (".ts", ".tsx", ".mts", ".js"),
    "tsx": (".ts", ".tsx", ".js", ".jsx"),
    "java": (".java",),
    "go": (".go",),
    "ruby": (".rb",),
}
_DEFINITIONS: Final = {
    "python": re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE),
    "script": re.compile(
        r"^[ \t]*(?:export[ \t]+)?(?:default[ \t]+)?(?:async[ \t]+)?function\*?[ \t]+(\w+)"
        r"|^[ \t]*(?:export[ \t]+)?(?:const|let|var)[ \t]+(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*"
        r"(?:async\b[ \t]*)?(?:function\b|\(|\w+[ \t]*=>)"
        r"|^[ \t]*(?:(?:public|private|protected|static|async)[ \t]+)*(\w+)[ \t]*\([^\n;]*\)[ \t]*(?::[^\n{;]+)?\{"
        r"|^[ \t]*(?:exports|module\.exports)\.(\w+)[ \t]*=",
        re.MULTILINE,
    ),
    "java": re.compile(
        r"^[ \t]*(?:(?:public|private|protected|static|final|synchronized|default)[ \t]+)*"
        r"[\w<>\[\],.?]+[ \t]+(\w+)[ \t]*\([^;{}]*\)[^;{}()]*\{",
        re.MULTILINE,
    ),
    "go": re.compile(r"^func[ \t]+(?:\([^)]*\)[ \t]*)?(\w+)", re.MULTILINE),
    "ruby": re.compile(r"^[ \t]*def[ \t]+(?:self\.)?(\w+[?!]?)", re.MULTILINE),
}
_NO_FUNCTIONS: Final = frozenset(
    ["if", "for", "while", "switch", "catch", "function", "return", "constructor", "super", "else", "try", "do", "with"]
)
_OWN: Final = frozenset({"self", "this", "cls", "super()", "s", "h", "c", "ctx"})


class Definitions:
    """Where functions of a checkout are defined. Read once for each language, when it is first asked for."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._known: dict[str, dict[str, list[tuple[str, int]]]] = {}

    def resolve(self, function: Function, call: Call) -> tuple[str, int] | None:
        """File and line of what is called: in the same file; else where what it is called on says which file or class;
        else the only one of that name. None where it is not sure."""
        places = self._places(function.language).get(call.name, [])
        places = [
            one
            for one in places
            if not (one[0] == function.file and function.span.line <= one[1] <= function.span.end_line)
        ]
        own = call.target in _OWN or not call.target
        here = [one for one in places if one[0] == function.file]
        if own and here:
            return here[0]
        if not call.target:
            return places[0] if len(places) == 1 else None
        hint = _plain(re.split(r"\.|->|::", call.target.removesuffix("()"))[-1])
        if not hint or (own and len(hint) < 3):
            return None
        named = [one for one in places if _plain(one[0].rpartition("/")[2].rpartition(".")[0]) == hint]
        named = (
            named or [one for one in places if hint in _plain(one[0].rpartition("/")[2])] if len(hint) > 3 else named
        )
        return named[0] if len(named) == 1 else None

    def _places(self, language: str) -> dict[str, list[tuple[str, int]]]:
        kind = "script" if language in {"javascript", "typescript", "tsx"} else language
        if kind not in self._known:
            found: dict[str, list[tuple[str, int]]] = {}
            self._known[kind] = found
            for file in self._tree.having(*_SUFFIXES[language]):
                text = self._tree.text(file)
                for one in _DEFINITIONS[kind].finditer(text or ""):
                    name = next(group for group in one.groups() if group)
                    if name not in _NO_FUNCTIONS:
                        at = one.start(one.lastindex or 0)
                        found.setdefault(name, []).append((file, (text or "").count("\n", 0, at) + 1))
        return self._known[kind]


def _plain(name: str) -> str:
    """`order_service`, `OrderService`, `order.service` and `orderServiceImpl` are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower()).removesuffix("impl")
