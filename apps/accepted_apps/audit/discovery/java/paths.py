"""Spring's ways to write a path, in the normal form of `discovery.paths`."""

from __future__ import annotations

import re

_REST = re.compile(r"\{\*(\w+)\}")
_STARS = re.compile(r"\*\*+")


def normal(path: str) -> str:
    """`{id:[0-9]+}` is `{id}`, `/**` is any number of segments, `*` is a part of one.

    >>> normal("/files/{name:.+}/**")
    '/files/{name}/{path*}'
    """
    path = _REST.sub(r"{\1*}", _without_patterns(path.strip()))
    path = _STARS.sub("{path*}", path)
    made, count = "", 0
    for at, letter in enumerate(path):
        if letter == "*" and path[at + 1 : at + 2] != "}":
            count += 1
            made += "{any}" if count == 1 else f"{{any{count}}}"
        else:
            made += letter
    return made


def _without_patterns(path: str) -> str:
    """What stands after a colon within braces; it may have braces itself."""
    made, depth, skipping = "", 0, False
    for letter in path:
        if letter == "{":
            depth += 1
            if depth > 1:
                continue
        elif letter == "}":
            depth -= 1
            if depth > 0:
                continue
            skipping = False
        elif letter == ":" and depth == 1:
            skipping = True
        if not skipping:
            made += letter
    return made
