"""Finding the table in a file: its sheet or its separator, and the row that is its header."""

from __future__ import annotations

import contextlib
import csv
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from accepted_apps.sales.errors import BadExport, ExportTooLarge, NoKeywordColumn
from accepted_apps.sales.reading import xlsx
from accepted_apps.sales.reading.headers import Columns, columns_of, names_phrases, normal
from accepted_apps.sales.reading.limits import Limits
from accepted_apps.sales.reading.numbers import Cell
from accepted_apps.sales.reading.phrases import cleaned
from accepted_apps.sales.reading.text import Decoded, decode

Row = Sequence[Cell]
Numbered = tuple[int, Row]
"""A row with the line of the file, or the row of the sheet, that it begins at."""

_SEARCHED: Final = 60
"""Rows at the top of a file among which the header is looked for."""

_SEPARATORS: Final = (",", ";", "\t", "|")
_LINE_MAX: Final = 1_000_000
_BREAKS_MAX: Final = 5
"""Line breaks in a cell; headers have some. A quotation mark that nobody closes takes the lines that follow into its
cell, and their separators."""

_SHOWN: Final = 12
_STATED: Final = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_PRODUCTS: Final = frozenset(
    {"bsr", "asin", "parentlevelsales", "reviewcount", "sellercountryregion", "productdetails"}
)


class Unbalanced(Exception):
    """A quotation mark was opened and not closed: the file does not quote its cells by it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to see the rows of a file. rows: makes a new pass over all of them."""

    rows: Callable[[], Iterator[Numbered]]
    encoding: str
    delimiter: str = ""
    sheet: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose table was found. skipped: rows before the header. line: of the header.

    misfits: the share of the rows near the top that have more cells than the header.
    """

    layout: Layout
    skipped: int
    line: int
    headers: tuple[str, ...]
    columns: Columns
    preamble: tuple[str, ...]
    misfits: float

    def body(self) -> Iterator[Numbered]:
        """The rows below the header. Raises Unbalanced."""
        return itertools.islice(self.layout.rows(), self.skipped + 1, None)

    @property
    def fit(self) -> tuple[int, int, float]:
        """How well this way of seeing the file does: the greater, the better."""
        odd = sum(header[:1] in {'"', "'"} or header[-1:] in _SEPARATORS for header in self.headers)
        return self.columns.worth, -odd, -self.misfits


def find_table(data: bytes, field: str, limits: Limits, *, quoted: bool = True) -> Table:
    """Where the keywords stand in a file. Only the top of a text is looked at.

    quoted: whether quotation marks hold cells together. Raises BadExport where the file cannot be read, or has no
    column of phrases.
    """
    limits.check_bytes(len(data), field)
    if data.startswith(xlsx.MARK):
        layouts = _sheets(data, field, limits)
    else:
        layouts = _texts(decode(data, field), field, limits, quoted=quoted)
    tops = [(layout, _top(layout)) for layout in layouts]
    tables = [table for layout, top in tops if (table := _table(layout, top))]
    if not tables:
        raise _no_table([top for _, top in tops], field)
    return max(tables, key=lambda table: table.fit)


def _sheets(data: bytes, field: str, limits: Limits) -> list[Layout]:
    book = xlsx.Workbook(data, limits, field)

    def layout(name: str, file: str) -> Layout:
        return Layout(lambda: book.rows(file), "xlsx", sheet=name)

    return [layout(name, file) for name, file in book.sheets()]


def _texts(decoded: Decoded, field: str, limits: Limits, *, quoted: bool) -> list[Layout]:
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    stated = _STATED.match(text[:20])
    separators = (stated[1],) if stated else _SEPARATORS
    notes = decoded.notes
    if not quoted:
        notes += ("A quotation mark is opened and not closed in it, so quotation marks were taken as they are.",)

    def layout(separator: str, quote: str, *, nested: bool = False) -> Layout:
        def rows() -> Iterator[Numbered]:
            found = _rows(text, separator, quote, field, limits)
            return _unwrapped(found, separator) if nested else found

        return Layout(rows, decoded.encoding, separator, notes=notes)

    quotes = ('"', "'") if quoted else ("",)
    layouts = [layout(separator, quote) for quote in quotes for separator in separators]
    return layouts + [layout(separator, '"', nested=True) for separator in separators if quoted]


def _rows(text: str, separator: str, quote: str, field: str, limits: Limits) -> Iterator[Numbered]:
    """The rows of a text. Without a quote, the marks around a cell are taken off, and mean nothing more."""
    lines = _lines(text, field)
    if quote:
        reader = csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True)
    else:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, skipinitialspace=True)
    before = 0
    try:
        for row in reader:
            after = reader.line_num
            if after - before > 1 and any(_swallowed(cell, separator) for cell in row):
                raise Unbalanced
            if len(row) > limits.columns:
                limits.check_columns(len(row), field)
            yield before + 1, row if quote else [cell.strip().strip('"') for cell in row]
            before = after
    except csv.Error as error:
        if quote:
            raise Unbalanced from error
        raise BadExport("a cell of the file is longer than any keyword; export it again.", field=field) from error


def _swallowed(cell: str, separator: str) -> bool:
    breaks = cell.count("\n")
    return breaks > _BREAKS_MAX or 0 < breaks <= cell.count(separator)


def _lines(text: str, field: str) -> Iterator[str]:
    start, size = 0, len(text)
    while start < size:
        end = text.find("\n", start) + 1 or size
        if end - start > _LINE_MAX:
            raise ExportTooLarge(
                f"a line of the file has more than {_LINE_MAX:,} characters; export it again.", field=field
            )
        yield text[start:end]
        start = end


def _unwrapped(rows: Iterator[Numbered], separator: str) -> Iterator[Numbered]:
    """Rows of a file that a spreadsheet saved with each line as a single cell."""
    for line, row in rows:
        cell = str(row[0]).replace("\n", " ") if row else ""
        yield line, next(csv.reader((cell,), delimiter=separator, skipinitialspace=True), [])


def _top(layout: Layout) -> list[Numbered]:
    top: list[Numbered] = []
    with contextlib.suppress(Unbalanced):
        top.extend(itertools.islice(layout.rows(), _SEARCHED))
    return top


def _table(layout: Layout, top: list[Numbered]) -> Table | None:
    best: tuple[int, Columns] | None = None
    for place, (_, row) in enumerate(top):
        headers = [str(cell) for cell in row]
        if not names_phrases(headers):
            continue
        columns = columns_of(headers)
        if columns.worth > (best[1].worth if best else 0):
            best = place, columns
    if best is None:
        return None
    place, columns = best
    line, row = top[place]
    below = top[place + 1 :]
    return Table(
        layout=layout,
        skipped=place,
        line=line,
        headers=tuple(cleaned(str(cell)) for cell in row),
        columns=columns,
        preamble=tuple(text for _, each in top[:place] if (text := _sentence(each)) and text.lower() != "sep="),
        misfits=sum(len(each) > len(row) for _, each in below) / max(1, len(below)),
    )


def _sentence(row: Row) -> str:
    return " ".join(cleaned(str(cell)) for cell in row if cell != "")[:200]


def _no_table(tops: list[list[Numbered]], field: str) -> BadExport:
    rows = [row for top in tops for _, row in top]
    widest = max(rows, key=lambda row: sum(cell != "" for cell in row), default=())
    headers = tuple(name for cell in widest if (name := cleaned(str(cell))[:60]))
    if len(_PRODUCTS & {normal(header) for header in headers}) >= 2:
        return NoKeywordColumn(
            "the file lists products, as Xray does, and no keywords; export them with Cerebro.",
            field=field,
            headers=headers,
        )
    more = f" and {len(headers) - _SHOWN} more" if len(headers) > _SHOWN else ""
    return NoKeywordColumn(
        f"no column with the keyword phrase was found among {', '.join(headers[:_SHOWN])}{more};"
        " its header should be Keyword Phrase, Keyword or Search Term.",
        field=field,
        headers=headers,
    )
