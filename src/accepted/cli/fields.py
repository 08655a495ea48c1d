"""Arguments on a command line: `name=text`, `name:=json`, `name@file`, `name:-` for what must not be seen there."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

_FIELD = re.compile(r"([A-Za-z_]\w*)(:=|:-$|=|@)(.*)", re.DOTALL)


def read_fields(given: Iterable[str]) -> dict[str, Any]:
    """Arguments by name; a name that is repeated makes a list. Raises click.UsageError."""
    collected: dict[str, list[Any]] = {}
    for text in given:
        found = _FIELD.fullmatch(text)
        if found is None:
            raise click.UsageError(f"expected name=value, name:=json, name@file or name:-, got {text!r}")
        name, sign, value = found.groups()
        collected.setdefault(name, []).append(_value(name, sign, value))
    return {name: values[0] if len(values) == 1 else values for name, values in collected.items()}


def _value(name: str, sign: str, value: str) -> Any:
    if sign == "=":
        return value
    if sign == ":-":
        return _asked(name)
    if sign == "@":
        path = Path(value)
        if not path.is_file():
            raise click.UsageError(f"{name}: there is no file {value!r}")
        return path
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{name}: {value!r} is not JSON: {error.msg}; for a text write {name}={value}") from None


def _asked(name: str) -> str:
    """Typed without being shown, or a line of stdin: a secret on the command line would stay in the shell's history,
    and every user of the machine can read it there."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError(f"{name}: {name}:- reads a line of stdin, and there is none")
    return line.rstrip("\r\n")
