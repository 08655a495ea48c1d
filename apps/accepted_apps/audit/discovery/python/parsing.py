"""Python sources as syntax trees, also such as this Python does not know: of a later release, of Python 2, broken."""

from __future__ import annotations

import ast
import re
import warnings

_MOST_REPAIRS = 200
_EXCEPT = re.compile(r"^(\s*except\*?\s+)([\w.]+(?:\s*,\s*[\w.]+)+)(\s*:)", re.MULTILINE)
_GENERIC = re.compile(r"^(\s*(?:async\s+def|def|class)\s+\w+)(\[[^\n]*?\])(?=\s*[(:])", re.MULTILINE)
_ALIAS = re.compile(r"^(\s*)type(\s+\w+)(\[[^\n]*?\])?(\s*=)", re.MULTILINE)
_BLOCK = re.compile(r"\s*(?:async\s+def|def)\s")


def parsed(text: str) -> tuple[ast.Module, bool]:
    """The tree, and whether it is of the whole file; where not, the bodies of some functions are left out.

    Lines keep their numbers. Raises SyntaxError, ValueError, RecursionError or MemoryError where there is no way.
    """
    try:
        return _parse(text), True
    except SyntaxError:
        text = _older(text)
    for _ in range(_MOST_REPAIRS):
        try:
            return _parse(text), False
        except SyntaxError as error:
            repaired = _without(text, error.lineno or 1)
            if repaired == text:
                raise
            text = repaired
    return _parse(text), False


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's escapes
        return ast.parse(text)


def _older(text: str) -> str:
    """Spellings of Python 3.12 to 3.14 in those of 3.11, where the meaning for us is the same."""
    text = _EXCEPT.sub(r"\1(\2)\3", text)
    text = _GENERIC.sub(r"\1", text)
    return _ALIAS.sub(r"\1\2\4", text)


def _without(text: str, line: int) -> str:
    """The text without the body of the innermost function around a line, or without the line itself."""
    lines = text.split("\n")
    at = min(line, len(lines)) - 1
    start = _enclosing(lines, at)
    if start is None:
        lines[at] = ""
        return "\n".join(lines)
    indent = _indent(lines[start])
    first, last = _body(lines, start, indent)
    for each in range(first, last + 1):
        lines[each] = ""
    lines[last] = " " * (indent + 4) + "pass"
    return "\n".join(lines)


def _enclosing(lines: list[str], at: int) -> int | None:
    """The line of the innermost `def` whose body holds the line, and is not empty already."""
    limit = _indent(lines[at]) if lines[at].strip() else 10_000
    for each in range(at - 1, -1, -1):
        line = lines[each]
        if not line.strip() or _indent(line) >= limit:
            continue
        if _BLOCK.match(line):
            first, last = _body(lines, each, _indent(line))
            if first <= at <= last and any(text.strip() not in {"", "pass"} for text in lines[first : last + 1]):
                return each
        limit = min(limit, _indent(line)) if not line.lstrip().startswith((")", "]", "}", "#")) else limit
    return None


def _body(lines: list[str], start: int, indent: int) -> tuple[int, int]:
    """First and last line of a function's body; its head may take several lines."""
    first, depth = start, 0
    while first < len(lines):
        code = lines[first].partition("#")[0]
        depth += sum(code.count(one) for one in "([{") - sum(code.count(one) for one in ")]}")
        first += 1
        if depth <= 0 and code.rstrip().endswith(":"):
            break
    last = first
    for each in range(first, len(lines)):
        if lines[each].strip():
            if _indent(lines[each]) <= indent and not lines[each].lstrip().startswith("#"):
                break
            last = each
    return first, min(last, len(lines) - 1)


def _indent(line: str) -> int:
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())
