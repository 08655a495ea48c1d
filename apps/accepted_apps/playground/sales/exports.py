"""Made-up keyword exports in the shapes of real ones, of any length; the same numbers give the same file."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

CEREBRO: Final = (
    "Keyword Phrase",
    "ABA Total Click Share",
    "ABA Total Conv. Share",
    "Keyword Sales",
    "Cerebro IQ Score",
    "Search Volume",
    "Search Volume Trend",
    "H10 PPC Sugg. Bid",
    "H10 PPC Sugg. Min Bid",
    "H10 PPC Sugg. Max Bid",
    "Sponsored ASINs",
    "Competing Products",
    "CPR",
    "Title Density",
    "Organic",
    "Sponsored Product",
    "Amazon Recommended",
    "Amazon Choice",
    "Highly Rated",
    "Sponsored Brand Header",
    "Sponsored Brand Video",
    "Top Rated From Our Brand",
    "Trending Now",
    "Sponsored Rank (avg)",
    "Sponsored Rank (count)",
    "Amazon Recommended Rank (avg)",
    "Amazon Recommended Rank (count)",
    "Position (Rank)",
    "Relative Rank",
    "Competitor Rank (avg)",
    "Ranking Competitors (count)",
    "Competitor Performance Score",
)
"""The header of a Cerebro export for several ASINs, which follow it, each with a column."""

_FIRST: Final = (
    "organic",
    "big",
    "small",
    "cheap",
    "best",
    "fresh",
    "bulk",
    "kids",
    "travel",
    "natural",
    "soft",
    "blue",
)
_SECOND: Final = ("dried", "frozen", "sliced", "whole", "raw", "sweet", "crunchy", "sour", "ripe", "wild", "salted")
_THIRD: Final = ("pears", "plums", "figs", "dates", "apples", "cherries", "mango", "berries", "peaches", "apricots")
_FOURTH: Final = ("", "snack", "chips", "powder", "pack", "bag", "gift box", "for baking", "no sugar", "slices")

Cell = str | int | float


def asins(count: int) -> tuple[str, ...]:
    """Made-up ones."""
    return tuple(f"B0PLAY{number:04d}" for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, made as it is asked for. Its first row is the header."""

    count: int
    asins: tuple[str, ...]
    seed: int = 1

    def cells(self) -> Iterator[Sequence[Cell]]:
        """Row by row; `-` and ``""`` are no value, as in the real ones."""
        chance = random.Random(self.seed)  # noqa: S311 - made-up numbers are no secrets
        yield (*CEREBRO, *self.asins)
        for number in range(self.count):
            yield self._row(number, chance)

    def csv(self) -> bytes:
        return as_csv(self.cells())

    def _row(self, number: int, chance: random.Random) -> list[Cell]:
        volume = int(300_000 / (number + 3)) + chance.randrange(100, 900)
        ranks = [chance.choice(("-", *range(1, 120))) for _ in self.asins]
        return row(phrase(number), volume, ranks, chance)


def row(phrase: str, volume: int, ranks: Sequence[Cell], chance: random.Random) -> list[Cell]:
    """One keyword with the competitors' ranks; the other cells are made up."""
    ranked = [rank for rank in ranks if isinstance(rank, int)]
    bid = round(chance.uniform(0.3, 2.5), 2)
    shares: list[Cell] = ["", ""] if chance.random() < 0.4 else [round(chance.uniform(5, 70), 1) for _ in range(2)]
    average: Cell = round(sum(ranked) / len(ranked), 1) if ranked else "-"
    return [
        phrase,
        *shares,
        chance.choice(("-", volume // 40)),
        volume // 2 + 50,
        volume,
        chance.choice(("-", chance.randrange(-60, 90))),
        *(("", "", "") if chance.random() < 0.2 else (bid, round(bid * 0.75, 2), round(bid * 1.3, 2))),
        chance.randrange(200),
        chance.randrange(50, 5000),
        chance.randrange(8, 60),
        chance.randrange(12),
        *(chance.randrange(2) for _ in range(9)),
        *(chance.randrange(40) for _ in range(4)),
        ranks[0] if ranks and ranks[0] != "-" else 0,
        chance.randrange(1, 10),
        average,
        len(ranked),
        chance.randrange(11),
        *ranks,
    ]


def as_csv(rows: Iterator[Sequence[Cell]]) -> bytes:
    """As Helium 10 writes it: UTF-8 with a byte order mark, words in quotes, numbers bare."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerows([cell if cell != "" else None for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().replace('""', "").encode()


def cerebro(count: int, competitors: int = 8, *, seed: int = 1) -> Rows:
    """An export with so many keywords, each phrase another."""
    return Rows(count, asins(competitors), seed)


def phrase(number: int) -> str:
    """The phrase with that number, from 0; no two are the same."""
    left, third = divmod(number, len(_THIRD))
    left, second = divmod(left, len(_SECOND))
    left, first = divmod(left, len(_FIRST))
    left, fourth = divmod(left, len(_FOURTH))
    words = (_FIRST[first], _SECOND[second], _THIRD[third], _FOURTH[fourth], str(left) if left else "")
    return " ".join(word for word in words if word)


def workbook(rows: Iterator[Sequence[Cell]], *, shared: bool = True, sheet: str = "Export") -> bytes:
    """Rows as a small, valid XLSX file. shared: texts stand once, as spreadsheets write them; else in their cells."""
    strings: dict[str, int] = {}
    body = "".join(
        f'<row r="{number}">{"".join(_cell(cell, number, at, strings, shared) for at, cell in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    listed = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
    files = {
        "[Content_Types].xml": _XML + '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPE}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_RELS}"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_RELS}"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
        f'Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'{_XML}<sst xmlns="{_MAIN}">{listed}</sst>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _cell(cell: Cell, row: int, at: int, strings: dict[str, int], shared: bool) -> str:
    if cell == "":
        return ""
    place = f"{_letters(at)}{row}"
    if isinstance(cell, str):
        if shared:
            return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _letters(at: int) -> str:
    letters = ""
    number = at + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters
