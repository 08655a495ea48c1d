"""The .sql files: statements by name, and schemas."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statements(engine: str) -> Mapping[str, str]:
    """The statements of `{engine}.sql`. Raises ValueError on a name used twice."""
    parts = _NAME.split(_text(engine))[1:]
    names, bodies = parts[::2], parts[1::2]
    found = {name: body.strip() for name, body in zip(names, bodies, strict=True)}
    if len(found) != len(names):
        raise ValueError(f"{engine}.sql names a statement twice")
    return found


def schema(engine: str) -> list[str]:
    """The statements of `{engine}_schema.sql`, in order."""
    made: list[str] = []
    part = ""
    for line in _text(f"{engine}_schema").splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):  # it knows where the body of a trigger ends
            made.append(part)
            part = ""
    return made


def _text(name: str) -> str:
    return (files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
