"""What format a report has: by its content, because file names and content types say little."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final, Literal

from accepted_apps.audit.errors import ReportUnreadable

Kind = Literal["jmeter", "jmeter-xml", "locust", "k6", "har"]
_HEAD: Final = 64 * 1024
_LOCUST: Final = {"request count", "average response time"}
_JMETER: Final = {"elapsed", "label"}
_KNOWN: Final = "JMeter (CSV or XML results), Locust (stats CSV), k6 (JSON summary), HAR"


def sniff(path: Path, name: str = "") -> Kind:
    """Reads the first 64 KB only. Raises ReportUnreadable."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    text = decoded(head).lstrip()
    if not text:
        raise _unreadable(name, "is empty")
    if text.startswith("{"):
        if re.search(r'"metrics"\s*:', text):
            return "k6"
        if re.search(r'"log"\s*:\s*\{', text):
            return "har"
        raise _unreadable(name, "is JSON, but no summary of k6 and no HAR")
    if text.startswith("<"):
        if "<testResults" in text:
            return "jmeter-xml"
        raise _unreadable(name, "is XML, but none of JMeter's")
    return _of_csv(text, name)


def _of_csv(text: str, name: str) -> Kind:
    columns = columns_of(text)
    if columns >= _LOCUST:
        return "locust"
    if columns >= _JMETER:
        return "jmeter"
    first = text.splitlines()[0].split(delimiter_of(text))
    if len(first) >= 5 and re.fullmatch(r"\d{13}", first[0].strip()) and first[1].strip().isdigit():
        return "jmeter"
    raise _unreadable(name, "is no report that is known here")


def columns_of(text: str) -> set[str]:
    """The names of a header line, in lower case."""
    [line] = text.splitlines()[:1] or [""]
    [row] = [*csv.reader(io.StringIO(line), delimiter=delimiter_of(text))][:1] or [[]]
    return {one.strip().lower() for one in row}


def delimiter_of(text: str) -> str:
    """The one that the first line has most of."""
    [line] = text.splitlines()[:1] or [""]
    return max(",;\t|", key=line.count)


def decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")


def _unreadable(name: str, said: str) -> ReportUnreadable:
    called = f"The report {name[:80]!r}" if name else "The report"
    return ReportUnreadable(f"{called} {said}; known are {_KNOWN}.", field="report")
