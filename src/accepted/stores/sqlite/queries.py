"""The loader of the .sql files: statements by name, each with the comment that says why it is as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(module: str) -> Mapping[str, str]:
    """The statements of `{module}.sql`, by name. Raises ValueError on a name used twice."""
    text = (files(__package__) / f"{module}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    statements = {name: body.strip() for name, body in zip(names, bodies, strict=True)}
    if len(statements) != len(names):
        raise ValueError(f"{module}.sql names a statement twice")
    return statements


def migrations() -> list[str]:
    """The migration scripts in order; the n-th leads to schema n."""
    folder = files(__package__) / "migrations"
    scripts = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in scripts]
