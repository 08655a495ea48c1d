"""The normal form of a route's path, the same for all frameworks: `/users/{id}`, `/files/{path*}`."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"\{[^{}]*\}")


def join(*parts: str) -> str:
    """Prefixes and a path, one slash between each two; the end stays as the last part that says something has it.

    >>> join("/api/", "users", "")
    '/api/users'
    """
    said = [part for part in parts if part.strip("/")]
    if not said:
        return "/"
    path = "/".join(part.strip("/") for part in said)
    return "/" + path + ("/" if ends_with_slash(parts) else "")


def ends_with_slash(parts: tuple[str, ...]) -> bool:
    last = next((part for part in reversed(parts) if part), "")
    return last.endswith("/")


def shape(path: str) -> str:
    """Paths that differ only in their parameters' names or in the slash at the end have the same shape."""
    return _PARAMETER.sub(lambda found: "{*}" if found[0].endswith("*}") else "{}", path).rstrip("/") or "/"
