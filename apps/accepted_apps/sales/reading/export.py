"""One export: from a file's bytes to keywords, with a report of how it was read."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Final, cast

from accepted_apps.sales.errors import NoKeywords
from accepted_apps.sales.model import Dropped, Export, File, Keyword, Kind, ReadingReport
from accepted_apps.sales.reading.headers import SORTS, Sort, kind_of
from accepted_apps.sales.reading.limits import Limits
from accepted_apps.sales.reading.merge import fold
from accepted_apps.sales.reading.numbers import Amounts, Cell, Counts, Numbers, Ranks, Style
from accepted_apps.sales.reading.phrases import ASIN, cleaned, key_of
from accepted_apps.sales.reading.spellings import OF_ASIN
from accepted_apps.sales.reading.table import Numbered, Row, Table, Unbalanced, find_table

CHUNK: Final = 64
"""Rows that are read at once: as many as the processor's cache holds."""

PULSE: Final = 1_000
"""Rows between two calls of a pulse."""

_TELLING: Final = 1_000
"""Rows by which the decimal mark is decided. Where they do not decide it, it is looked for in all rows of a text; in a
workbook numbers are numbers."""

_LINES_SHOWN: Final = 10
_ASINS_MAX: Final = 1_000
_PHRASE_MAX: Final = 500
"""Characters; Amazon's search box takes fewer."""

_MOSTLY: Final = 0.5
"""Share of rows with more cells than the header, above which the header is what is too short."""

_IN_FILES: Final[dict[File, tuple[File, ...]]] = {"revenue": ("revenue",), "design": ("design",)}
_BETWEEN: Final = tuple(each.name for each in fields(Keyword))[2:-2]
"""The fields of a keyword that are numbers, in the order of its arguments."""

_TOTALS: Final = frozenset(
    {"total", "totals", "grand total", "gesamt", "gesamtsumme", "summe", "totale", "totaal", "suma"}
)

_NO_PHRASE: Final = "no keyword phrase"
_AN_ASIN: Final = "an ASIN in place of a phrase"
_TOO_LONG: Final = f"a phrase of more than {_PHRASE_MAX} characters"
_TOO_MANY_CELLS: Final = "more cells than the header"
_HEADER_AGAIN: Final = "the header again"
_TOTAL: Final = "a line of totals"
_AFTER: Final = "text after the table"

Pulse = Callable[[int], None]


def check_export(data: bytes, file: File, limits: Limits | None = None) -> None:
    """Whether a file can be read as an export, told in milliseconds by the top of it.

    Raises BadExport, whose message begins with the field: `revenue_csv` or `design_csv`.
    """
    find_table(data, field_of(file), limits or Limits())


def read_export(data: bytes, file: File, limits: Limits | None = None, pulse: Pulse | None = None) -> Export:
    """Read a whole file. It takes a thread for a second or two where the file has 200,000 rows.

    pulse: called now and then with the rows read so far; what it raises ends the reading.
    Raises BadExport, whose message begins with the field.
    """
    field, bounds = field_of(file), limits or Limits()
    try:
        reading = _Reading(find_table(data, field, bounds), file, bounds, pulse)
        return reading.run()
    except Unbalanced:
        return _Reading(find_table(data, field, bounds, quoted=False), file, bounds, pulse).run()


def field_of(file: File) -> str:
    """The field of the request that a file comes in."""
    return f"{file}_csv"


class _Reading:
    """One pass over one file. Used once."""

    def __init__(self, table: Table, file: File, limits: Limits, pulse: Pulse | None) -> None:
        self._table = table
        self._columns = table.columns
        self._width = len(table.headers)
        self._file = file
        self._limits = limits
        self._pulse = pulse
        self._kind: Kind = kind_of(table.headers, table.columns)
        self._keywords: dict[str, Keyword] = {}
        self._asins = dict.fromkeys(table.columns.asins)
        self._held: list[tuple[int, str, Keyword]] = []
        """Rows that are no keywords if nothing follows: totals, text below the table."""
        self._rows = 0
        self._merged = 0
        self._bounds = 0
        self._unreadable: Counter[str] = Counter()
        self._dropped: dict[str, list[int]] = {}
        style = self._style()
        self._mixed = len(style.votes) > 1
        self._decimal = style.decimal
        self._numbers: dict[Sort, Numbers] = {
            "count": Counts(style.decimal),
            "rank": Ranks(style.decimal),
            "amount": Amounts(style.decimal),
            "signed": Numbers(style.decimal),
        }

    def run(self) -> Export:
        body = self._table.body()
        told = 0
        while chunk := list(itertools.islice(body, CHUNK)):
            self._take(chunk)
            self._limits.check_rows(self._rows, field_of(self._file))
            if self._pulse and self._rows - told >= PULSE:
                told = self._rows
                self._pulse(told)
        self._let_go()
        if not self._keywords:
            raise NoKeywords(
                f"the file has a header ({self._table.headers[self._columns.phrase]}) and no keywords below it;"
                " export them again.",
                field=field_of(self._file),
            )
        return Export(
            file=self._file,
            kind=self._kind,
            keywords=list(self._keywords.values()),
            asins=tuple(self._asins),
            report=self._report(),
        )

    def _style(self) -> Style:
        style = Style()
        columns = self._columns
        whole = {at: SORTS[name] in ("count", "rank") for name, at in columns.fields.items() if name in SORTS}
        whole.update(dict.fromkeys(columns.asins.values(), True))
        whole.update(dict.fromkeys(itertools.chain(*columns.shares.values()), False))
        for number, (_, row) in enumerate(self._table.body()):
            if number >= _TELLING and (style.votes or self._table.layout.sheet):
                break
            for at, counts in whole.items():
                if at < len(row):
                    style.hear(row[at], whole=counts)
        return style

    def _take(self, chunk: list[Numbered]) -> None:
        """Read some rows: column by column, which is several times as fast as cell by cell."""
        at = self._columns.phrase
        fitting, phrases = [], []
        for numbered in self._fitting(chunk):
            phrase = cleaned(str(numbered[1][at]))
            if reason := _objection(phrase):
                self._drop(reason, numbered[0])
            else:
                fitting.append(numbered)
                phrases.append(phrase)
        if not fitting:
            return
        cells = list(zip(*(row for _, row, _ in fitting), strict=True))
        known = {name: self._values(name, cells) for name in SORTS}
        columns = [known.get(name) or itertools.repeat(None) for name in _BETWEEN]
        in_files = itertools.repeat(_IN_FILES[self._file])
        keywords = map(Keyword, phrases, map(key_of, phrases), *columns, self._ranks(cells, known), in_files)
        for keyword, (line, _, alone) in zip(keywords, fitting, strict=True):
            self._admit(line, keyword, alone)

    def _fitting(self, chunk: list[Numbered]) -> Iterator[tuple[int, Row, bool]]:
        """The rows that belong to the table, as wide as its header; whether a row has nothing but its first cell."""
        width, at = self._width, self._columns.phrase
        title = self._table.headers[at]
        for line, row in chunk:
            if not any(row):
                continue
            self._rows += 1
            size = len(row)
            if size > width and self._table.misfits <= _MOSTLY and any(row[width:]):
                self._drop(_TOO_MANY_CELLS, line)
            elif size > at and row[at] == title and _titles(row) == self._table.headers:
                self._drop(_HEADER_AGAIN, line)
            else:
                yield line, [*row[:width], *[""] * (width - size)] if size != width else row, size == 1 < width

    def _values(self, name: str, cells: Sequence[Sequence[Cell]]) -> list[float | None]:
        """The column of one meaning; empty where the file has none."""
        if name in self._columns.shares:
            shares = zip(*(self._read("amount", at, cells) for at in self._columns.shares[name]), strict=True)
            return [_total(each) for each in shares]
        at = self._columns.fields.get(name)
        return [] if at is None else self._read(SORTS[name], at, cells)

    def _read(self, sort: Sort, at: int, cells: Sequence[Sequence[Cell]]) -> list[float | None]:
        numbers = self._numbers[sort]
        values = list(map(numbers.__getitem__, cells[at]))
        if numbers.unreadable:
            wrong = sum(map(numbers.unreadable.__contains__, cells[at]))
            if wrong:
                self._unreadable[self._table.headers[at]] += wrong
        if numbers.bounds:
            self._bounds += sum(map(numbers.bounds.__contains__, cells[at]))
        return values

    def _ranks(self, cells: Sequence[Sequence[Cell]], known: dict[str, list[float | None]]) -> list[dict[str, int]]:
        asins = tuple(self._columns.asins)
        columns = [cast("list[int | None]", self._read("rank", at, cells)) for at in self._columns.asins.values()]
        ranks = [
            {asin: rank for asin, rank in zip(asins, row, strict=True) if rank} for row in zip(*columns, strict=True)
        ] or [{} for _ in cells[0]]
        if OF_ASIN in self._columns.fields:
            named = zip(ranks, cells[self._columns.fields[OF_ASIN]], known["organic_rank"], strict=True)
            for each, cell, rank in named:
                self._rank_of(str(cell).strip().upper(), rank, each)
        return ranks

    def _rank_of(self, asin: str, rank: float | None, ranks: dict[str, int]) -> None:
        """A row that names its product."""
        if rank and ASIN.fullmatch(asin):
            if len(self._asins) < _ASINS_MAX:
                self._asins.setdefault(asin)
            if asin in self._asins:
                ranks[asin] = int(rank)

    def _admit(self, line: int, keyword: Keyword, alone: bool) -> None:
        if alone:
            self._held.append((line, _AFTER, keyword))
        elif keyword.key in _TOTALS:
            self._held.append((line, _TOTAL, keyword))
        else:
            if self._held:
                self._keep_held()
            self._keep(keyword)

    def _keep(self, keyword: Keyword) -> None:
        kept = self._keywords.setdefault(keyword.key, keyword)
        if kept is not keyword:
            self._merged += 1
            fold(keyword, kept, add=self._kind == "search-term-report")

    def _keep_held(self) -> None:
        for _, _, keyword in self._held:
            self._keep(keyword)
        self._held.clear()

    def _let_go(self) -> None:
        """The file has ended: what was held back is no keyword, unless it is all that there is."""
        if not self._keywords:
            self._keep_held()
        for line, reason, _ in self._held:
            self._drop(reason, line)

    def _drop(self, reason: str, line: int) -> None:
        self._dropped.setdefault(reason, []).append(line)

    def _report(self) -> ReadingReport:
        table, columns = self._table, self._columns
        meanings = {at: name for name, at in columns.fields.items()}
        meanings.update({at: name for name, positions in columns.shares.items() for at in positions})
        meanings.update(dict.fromkeys(columns.asins.values(), "ranks"))
        notes = table.layout.notes
        if self._mixed:
            notes += (
                f"Its numbers are written in two ways; where one can be read in both, '{self._decimal}' is decimal.",
            )
        return ReadingReport(
            encoding=table.layout.encoding,
            delimiter=table.layout.delimiter,
            sheet=table.layout.sheet,
            preamble=table.preamble,
            header_line=table.line,
            columns={table.headers[at]: name for at, name in sorted(meanings.items())},
            not_understood=tuple(name for at, name in enumerate(table.headers) if name and at not in meanings),
            rows=self._rows,
            dropped=tuple(
                Dropped(reason=reason, rows=len(lines), lines=tuple(lines[:_LINES_SHOWN]))
                for reason, lines in self._dropped.items()
            ),
            merged=self._merged,
            bounds=self._bounds,
            unreadable=dict(self._unreadable),
            decimal=self._decimal,
            notes=notes,
        )


def _objection(phrase: str) -> str | None:
    """Why something cannot be a keyword."""
    if not any(map(str.isalnum, phrase)):
        return _NO_PHRASE
    if len(phrase) > _PHRASE_MAX:
        return _TOO_LONG
    return _AN_ASIN if " " not in phrase and ASIN.fullmatch(phrase) else None


def _titles(row: Row) -> tuple[str, ...]:
    return tuple(cleaned(str(cell)) for cell in row)


def _total(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(sum(known), 4) if known else None
