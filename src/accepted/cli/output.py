"""Printing: results to stdout, everything for people to stderr, nothing that could steer a terminal."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from accepted.job import Status

STYLES: Mapping[str, str] = {
    Status.PENDING: "yellow",
    Status.RUNNING: "cyan",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "magenta",
}


def clean(text: object) -> str:
    """Without characters that a terminal acts on: much of what jobs say comes from the outside."""
    return "".join(" " if char in "\t\n" else char if _harmless(char) else _escaped(char) for char in str(text))


def _harmless(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs") or char in "\u200d\u00ad"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def plain(text: object, style: str = "") -> Text:
    return Text(clean(text), style=Style.parse(style))


def print_json(value: Any) -> None:
    """To stdout, indented; C1 controls escaped like the others."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo("".join(char if _harmless(char) or char == "\n" else f"\\u{ord(char):04x}" for char in text))


def print_json_line(value: Any) -> None:
    click.echo(json.dumps(value, separators=(",", ":")))


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Columns to stdout; as wide as they have to be where nobody looks at it in a terminal."""
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=1000)
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, no_wrap=heading in ("id", "status", "submitted"), overflow="ellipsis")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
    console.print(made)


def status_text(status: str) -> Text:
    return Text(status, style=STYLES.get(status, ""))


def ago(at: str | None) -> str:
    """An ISO time as "3 min ago"."""
    return f"{duration(time.time() - epoch(at))} ago" if at else ""


def epoch(at: str) -> float:
    """Seconds since the epoch of an ISO time."""
    return datetime.fromisoformat(at).timestamp()


def duration(seconds: float) -> str:
    """A few characters that say how long."""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: float) -> str:
    """Bytes as "12.3 KB"."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
