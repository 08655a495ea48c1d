"""Changes of code as text: what stood there, what should, and that the latter can still be parsed."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from accepted_apps.audit.discovery.files import _parser as parser_of

from .code import Code, Function, Span

_WHOLE_FUNCTION = 30
"""Lines up to which a function is shown whole; of a longer one, the statements that change."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes from start to end of a file become `text`."""

    start: int
    end: int
    text: str


def insertion(at: int, text: str) -> Edit:
    return Edit(at, at, text)


@dataclass(frozen=True, slots=True)
class Change:
    """Lines before and after, without the indentation that they have in common."""

    line: int
    before: str
    after: str


def change_of(code: Code, function: Function, edits: Sequence[Edit], imports: str = "") -> Change | None:
    """`imports`: a line that the new code needs, shown above it where the file lacks it. None where no part that holds
    the edits can be parsed by itself."""
    lines = _starts(code.source)
    spans = []
    if function.span.end_line - function.span.line < _WHOLE_FUNCTION:
        spans.append(function.span)
    spans.append(_touched(code, edits))
    if function.span not in spans:
        spans.append(function.span)
    for span in spans:
        first, last = span.line, span.end_line
        start, end = lines[first - 1], lines[last] - 1 if last < len(lines) else len(code.source)
        if any(edit.start < start or edit.end > end for edit in edits):
            continue
        before = code.source[start:end].decode("utf-8", "replace")
        after = _applied(code.source, start, end, edits)
        before, after = _dedented(before), _dedented(after)
        if before != after and parses(before, code.language) and parses(after, code.language):
            if imports and imports not in code.text:
                after = f"{imports}\n\n{after}"
            return Change(first, before, after)
    return None


def parses(text: str, language: str) -> bool:
    """Whether a piece of a program is one of its language."""
    if language == "python":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(textwrap.dedent(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True
    return not parser_of(language).parse(text.encode()).root_node.has_error


def _applied(source: bytes, start: int, end: int, edits: Sequence[Edit]) -> str:
    made, at = b"", start
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        made += source[at : edit.start] + edit.text.encode()
        at = edit.end
    return (made + source[at:end]).decode("utf-8", "replace")


def _touched(code: Code, edits: Sequence[Edit]) -> Span:
    """Whole lines, as few as hold the edits, grown until brackets on them are closed."""
    first = code.source.count(b"\n", 0, min(edit.start for edit in edits)) + 1
    last = code.source.count(b"\n", 0, max(edit.end for edit in edits)) + 1
    return Span(0, 0, first, last)


def _starts(source: bytes) -> list[int]:
    starts = [0]
    for line in source.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _dedented(text: str) -> str:
    return textwrap.dedent(text.rstrip())
