"""JMeter's results, one line or element for each request: streamed, however long the file is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from xml.parsers.expat import ExpatError, ParserCreate

from accepted_apps.audit.errors import ReportUnreadable

from .base import Report, Samples, number, without_query
from .sniff import columns_of, delimiter_of

# As JMeter writes them where a file has no header: jmeter.properties, "Results File Configuration".
_ORDER: Final = [
    "timestamp",
    "elapsed",
    "label",
    "responsecode",
    "responsemessage",
    "threadname",
    "datatype",
    "success",
    "failuremessage",
    "bytes",
    "sentbytes",
    "grpthreads",
    "allthreads",
    "url",
    "latency",
    "idletime",
    "connect",
]
_FIELD_MOST: Final = 16 * 1024 * 1024
"""Characters."""
_METHOD: Final = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b")


def read(path: Path) -> Report:
    """Results as CSV. Lines that are damaged are left out, and counted in a note."""
    samples, damaged = Samples(), 0
    with _text(path) as file, _long_fields():
        start = file.readline()
        delimiter, names = delimiter_of(start), columns_of(start)
        file.seek(0)
        reader = csv.reader(_without_nul(file), delimiter=delimiter)
        columns = [one.strip().lower() for one in next(reader)] if "elapsed" in names else list(_ORDER)
        if "elapsed" not in names:
            file.seek(0)
            reader = csv.reader(_without_nul(file), delimiter=delimiter)
        for row in _rows(reader):
            values = dict(zip(columns, row, strict=False))
            elapsed, label = number(values.get("elapsed")), values.get("label", "").strip()
            if elapsed is None or not label:
                damaged += 1
                continue
            _add(samples, values, label, elapsed)
    notes = [f"{damaged} lines of the report were left out: they name no request or no time."] if damaged else []
    return Report("JMeter CSV", samples.apis(), notes)


@contextmanager
def _long_fields() -> Iterator[None]:
    """The messages of failed requests are long. The bound is one for all of a process, so it is given back."""
    before = csv.field_size_limit(_FIELD_MOST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_xml(path: Path) -> Report:
    """Results as XML: `httpSample` and `sample` elements, those of a transaction's inside among them."""
    samples, parser = Samples(), ParserCreate()

    def begin(name: str, given: dict[str, str]) -> None:
        elapsed, label = number(given.get("t")), given.get("lb", "").strip()
        if name == "httpSample" and elapsed is not None and label:
            at = number(given.get("ts"))
            samples.add("", label, elapsed, failed=given.get("s") == "false", at=at)

    def entity(*_: object) -> None:
        raise ReportUnreadable("The report declares entities, which none of JMeter's does.", field="report")

    parser.StartElementHandler = begin
    parser.EntityDeclHandler = entity
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except ExpatError as error:
        raise ReportUnreadable(f"The report is no whole XML: line {error.lineno}.", field="report") from None
    return Report("JMeter XML", samples.apis())


def _add(samples: Samples, values: dict[str, str], label: str, elapsed: float) -> None:
    """By its label; where the label is a transaction's own words, by the URL that was fetched, if there is one."""
    url = values.get("url", "").strip()
    url = "" if url == "null" else url
    endpoint = label
    if "/" not in label and url.startswith("http"):
        endpoint = without_query(url)
    elif label.startswith("http"):
        endpoint = without_query(label)
    if not url and values.get("responsemessage", "").startswith("Number of samples in transaction"):
        return  # the sum of requests that have their own lines
    said = _METHOD.search(label)
    failed = values.get("success", "true").strip().lower() == "false"
    samples.add(
        said[1] if said and endpoint != label else "",
        endpoint,
        elapsed,
        failed=failed,
        at=number(values.get("timestamp")),
    )


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
        if row:
            yield row


def _text(path: Path) -> IO[str]:
    with path.open("rb") as file:
        head = file.read(2)
    wide = head in {b"\xff\xfe", b"\xfe\xff"}
    return path.open(encoding="utf-16" if wide else "utf-8-sig", errors="replace", newline="")


def _without_nul(file: IO[str]) -> Iterator[str]:
    for line in file:
        yield line.replace("\0", "")
