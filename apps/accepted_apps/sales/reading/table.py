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

Chunk = tuple[Sequence[int], Sequence[Row]]
"""Some rows, with where each of them begins."""

CHUNK: Final = 64
"""Rows that are read at once: as many as the processor's cache holds."""

_BLOCK: Final = 1 << 18
"""Characters that are cut into lines at once."""

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
    """One way to see the rows of a file. chunks: makes a new pass over all of them."""

    chunks: Callable[[], Iterator[Chunk]]
    encoding: str
    delimiter: str = ""
    sheet: str = ""
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[Numbered]:
        """The same, row by row."""
        return itertools.chain.from_iterable(zip(*chunk, strict=True) for chunk in self.chunks())


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

    def body(self) -> Iterator[Chunk]:
        """The rows below the header. Raises Unbalanced."""
        above = self.skipped + 1
        for lines, rows in self.layout.chunks():
            if above < len(rows):
                yield lines[above:], rows[above:]
            above = max(0, above - len(rows))

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
        return Layout(lambda: _chunks(book.rows(file)), "xlsx", sheet=name)

    return [layout(name, file) for name, file in book.sheets()]


def _chunks(rows: Iterator[Numbered]) -> Iterator[Chunk]:
    while some := list(itertools.islice(rows, CHUNK)):
        yield [line for line, _ in some], [row for _, row in some]


def _texts(decoded: Decoded, field: str, limits: Limits, *, quoted: bool) -> list[Layout]:
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    stated = _STATED.match(text[:20])
    separators = (stated[1],) if stated else _SEPARATORS
    notes = decoded.notes
    if not quoted:
        notes += ("A quotation mark is opened and not closed in it, so quotation marks were taken as they are.",)

    def layout(separator: str, quote: str, *, nested: bool = False) -> Layout:
        def chunks() -> Iterator[Chunk]:
            found = _read(text, separator, quote, field, limits)
            return _unwrapped(found, separator) if nested else found

        return Layout(chunks, decoded.encoding, separator, notes=notes)

    quotes = ('"', "'") if quoted else ("",)
    layouts = [layout(separator, quote) for quote in quotes for separator in separators]
    return layouts + [layout(separator, '"', nested=True) for separator in separators if quoted]


def _read(text: str, separator: str, quote: str, field: str, limits: Limits) -> Iterator[Chunk]:
    """The rows of a text. Without a quote, the marks around a cell are taken off, and mean nothing more."""
    lines = _lines(text, field)
    if quote:
        reader = csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True)
    else:
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, skipinitialspace=True)
    before, failed = 0, None
    while failed is None:
        rows: list[list[str]] = []
        try:
            rows.extend(itertools.islice(reader, CHUNK))
        except csv.Error as error:
            failed = error
        if not rows:
            break
        limits.check_columns(max(map(len, rows)), field)
        after = reader.line_num
        if after - before == len(rows):
            yield range(before + 1, after + 1), rows if quote else [_bare(row) for row in rows]
        else:
            yield from _over_lines(rows, before + 1, separator)
        before = after
    if failed and quote:
        raise Unbalanced from failed
    if failed:
        raise BadExport("a cell of the file is longer than any keyword; export it again.", field=field) from failed


def _bare(row: list[str]) -> list[str]:
    return [cell.strip().strip('"') for cell in row]


def _over_lines(rows: list[list[str]], line: int, separator: str) -> Iterator[Chunk]:
    """Rows of which some have line breaks in their cells. Raises Unbalanced, after those before the one that is."""
    lines: list[int] = []
    for row in rows:
        breaks = sum(cell.count("\n") for cell in row)
        if breaks and any(_swallowed(cell, separator) for cell in row):
            yield lines, rows[: len(lines)]
            raise Unbalanced
        lines.append(line)
        line += 1 + breaks
    yield lines, rows


def _swallowed(cell: str, separator: str) -> bool:
    breaks = cell.count("\n")
    return breaks > _BREAKS_MAX or 0 < breaks <= cell.count(separator)


def _lines(text: str, field: str) -> Iterator[str]:
    """Each line with the break at its end, which a cell over several lines keeps."""
    return map(str.__add__, itertools.chain.from_iterable(_blocks(text, field)), itertools.repeat("\n"))


def _blocks(text: str, field: str) -> Iterator[list[str]]:
    """The lines without their breaks, some at once."""
    start, size = 0, len(text)
    while start < size:
        end = text.rfind("\n", start, start + _BLOCK)
        if end < 0:
            end = text.find("\n", start)
        if end < 0:
            end = size
        lines = text[start:end].split("\n")
        if max(map(len, lines)) > _LINE_MAX:
            raise ExportTooLarge(
                f"a line of the file has more than {_LINE_MAX:,} characters; export it again.", field=field
            )
        yield lines
        start = end + 1


def _unwrapped(chunks: Iterator[Chunk], separator: str) -> Iterator[Chunk]:
    """Rows of a file that a spreadsheet saved with each line as a single cell."""
    for lines, rows in chunks:
        cells = (str(row[0]).replace("\n", " ") if row else "" for row in rows)
        yield lines, [next(csv.reader((cell,), delimiter=separator, skipinitialspace=True), []) for cell in cells]


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
