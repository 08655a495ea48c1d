"""Werkzeug's way to write a path, which Flask has."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r"<(?:([a-zA-Z_]\w*)(?:\([^)]*\))?:)?([a-zA-Z_]\w*)>")


def normal(rule: str) -> str:
    """A rule in the normal form.

    >>> normal("/users/<int:id>/files/<path:name>")
    '/users/{id}/files/{name*}'
    """
    return _PARAMETER.sub(lambda found: f"{{{found[2]}{'*' if found[1] == 'path' else ''}}}", rule)
