"""One export: from a file's bytes to keywords, with a report of how it was read."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
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
from accepted_apps.sales.reading.table import Row, Table, Unbalanced, find_table

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
    with _uncollected():
        try:
            return _Reading(find_table(data, field, bounds), file, bounds, pulse).run()
        except Unbalanced:
            return _Reading(find_table(data, field, bounds, quoted=False), file, bounds, pulse).run()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What is read makes no cycles, and to look for some among hundreds of thousands of rows takes a tenth of all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
        self._numeric = tuple(name for name in SORTS if name in table.columns.fields or name in table.columns.shares)
        self._numbers: dict[Sort, Numbers] = {
            "count": Counts(style.decimal),
            "rank": Ranks(style.decimal),
            "amount": Amounts(style.decimal),
            "signed": Numbers(style.decimal),
        }

    def run(self) -> Export:
        told = 0
        for lines, rows in self._table.body():
            self._take(lines, rows)
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
        heard = 0
        for _, rows in self._table.body():
            if heard >= _TELLING and (style.votes or self._table.layout.sheet):
                break
            heard += len(rows)
            for row, (at, counts) in itertools.product(rows, whole.items()):
                if at < len(row):
                    style.hear(row[at], whole=counts)
        return style

    def _take(self, lines: Sequence[int], rows: Sequence[Row]) -> None:
        """Read some rows: column by column, which is several times as fast as cell by cell."""
        alone: Set[int] = frozenset()
        if not self._all_fit(rows):
            lines, rows, alone = self._fitting(lines, rows)
        phrases = [cleaned(str(row[self._columns.phrase])) for row in rows]
        objections = list(map(_objection, phrases))
        if any(objections):
            for line, reason in zip(lines, objections, strict=True):
                if reason:
                    self._drop(reason, line)
            good = [reason is None for reason in objections]
            phrases = list(itertools.compress(phrases, good))
            lines, rows = list(itertools.compress(lines, good)), list(itertools.compress(rows, good))
        if not rows:
            return
        cells = list(zip(*rows, strict=True))
        known = {name: self._values(name, cells) for name in self._numeric}
        columns = [known.get(name) or itertools.repeat(None) for name in _BETWEEN]
        keys, in_files = list(map(key_of, phrases)), itertools.repeat(_IN_FILES[self._file])
        keywords = map(Keyword, phrases, keys, *columns, self._ranks(cells, known), in_files)
        if alone or self._held or not _TOTALS.isdisjoint(keys):
            for line, keyword in zip(lines, keywords, strict=True):
                self._admit(line, keyword, line in alone)
        else:
            self._keep(keywords)

    def _all_fit(self, rows: Sequence[Row]) -> bool:
        """Whether nothing has to be looked at row by row."""
        at, title = self._columns.phrase, self._table.headers[self._columns.phrase]
        fit = set(map(len, rows)) == {self._width} and all(row[at] not in ("", title) for row in rows)
        self._rows += len(rows) if fit else 0
        return fit

    def _fitting(
        self, lines: Sequence[int], rows: Sequence[Row]
    ) -> tuple[Sequence[int], Sequence[Row], frozenset[int]]:
        """The rows that belong to the table, as wide as its header; the lines that have nothing but a first cell."""
        width, at = self._width, self._columns.phrase
        title = self._table.headers[at]
        fitting: dict[int, Row] = {}
        alone = set()
        for line, row in zip(lines, rows, strict=True):
            if not any(row):
                continue
            self._rows += 1
            size = len(row)
            if size > width and self._table.misfits <= _MOSTLY and any(row[width:]):
                self._drop(_TOO_MANY_CELLS, line)
            elif size > at and row[at] == title and _titles(row) == self._table.headers:
                self._drop(_HEADER_AGAIN, line)
            else:
                fitting[line] = [*row[:width], *[""] * (width - size)]
                if size == 1 < width:
                    alone.add(line)
        return list(fitting), list(fitting.values()), frozenset(alone)

    def _values(self, name: str, cells: Sequence[Sequence[Cell]]) -> list[float | None]:
        """The column of one meaning, of those that the file has."""
        if name in self._columns.shares:
            shares = zip(*(self._read("amount", at, cells) for at in self._columns.shares[name]), strict=True)
            return [_total(each) for each in shares]
        return self._read(SORTS[name], self._columns.fields[name], cells)

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
        ranks = [dict(itertools.compress(zip(asins, row, strict=True), row)) for row in zip(*columns, strict=True)] or [
            {} for _ in cells[0]
        ]
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
            self._keep_held()
            self._keep((keyword,))

    def _keep(self, keywords: Iterable[Keyword]) -> None:
        kept, add = self._keywords, self._kind == "search-term-report"
        for keyword in keywords:
            present = kept.setdefault(keyword.key, keyword)
            if present is not keyword:
                self._merged += 1
                fold(keyword, present, add=add)

    def _keep_held(self) -> None:
        self._keep(keyword for _, _, keyword in self._held)
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
                for reason, lines in sorted(self._dropped.items(), key=lambda each: each[1][0])
            ),
            merged=self._merged,
            bounds=self._bounds,
            unreadable=dict(self._unreadable),
            decimal=self._decimal,
            notes=notes,
        )


def _objection(phrase: str) -> str | None:
    """Why something cannot be a keyword."""
    if not phrase[:1].isalnum() and not any(map(str.isalnum, phrase)):
        return _NO_PHRASE
    if len(phrase) > _PHRASE_MAX:
        return _TOO_LONG
    return _AN_ASIN if " " not in phrase and ASIN.fullmatch(phrase) else None


def _titles(row: Row) -> tuple[str, ...]:
    return tuple(cleaned(str(cell)) for cell in row)


def _total(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(sum(known), 4) if known else None
