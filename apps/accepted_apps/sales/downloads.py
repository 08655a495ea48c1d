"""Results as files: a workbook with all sheets, and each sheet as CSV. No cell of them can run as a formula.

In a workbook every text is typed as text, and stays as it is. CSV has no types, so a text that a spreadsheet could
take for a formula gets an apostrophe in front: one that begins with = + - @ (in their wide forms too), a tab or a
line break, also behind spaces and invisible characters. Numbers are written as numbers.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accepted_apps.sales.errors import SalesError

Cell = str | int | float | bool | None
Row = Sequence[Cell]

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELL_MAX: Final = 32_767
"""Characters that a cell of a workbook holds."""

SHEETS: Final = ("keywords", "roots", "listing")
FORMATS: Final = ("xlsx", "csv")

_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")
_WIDTHS: Final = {
    "phrase": 42,
    "text": 90,
    "root": 20,
    "category": 18,
    "reason": 36,
    "opportunity_reason": 50,
    "forms": 40,
}


class BadDownload(SalesError):
    """There is no such format, or no such sheet."""

    code = "bad_download"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. name: of the sheet, and of the CSV file."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Row]


def sheets(documents: Mapping[str, Any]) -> list[Sheet]:
    """Keywords, roots and listing of `work.Documents`."""
    return [
        _keywords(documents["structured_data"]["items"]),
        _roots(documents["roots"]),
        _listing(documents["seo"]),
    ]


_KEYWORDS: Final = (
    "phrase",
    "search_volume",
    "category",
    "reason",
    "relevancy_score",
    "intent_score",
    "root",
    "title_density",
    "cpr",
    "competing_products",
    "ranking_competitors",
    "competitor_rank_avg",
    "competitor_performance_score",
    "keyword_sales",
    "iq_score",
    "opportunity_decision",
    "opportunity_reason",
    "variant_of",
    "represents_variants",
    "language",
    "in_files",
)
_ROOTS: Final = ("root", "search_volume", "keywords", "forms")
_LISTING: Final = ("part", "version", "characters", "bytes", "keywords", "search_volume", "text")


def _keywords(items: Sequence[Mapping[str, Any]]) -> Sheet:
    def row(item: Mapping[str, Any]) -> Row:
        flat = {**item, **item.get("competition", {})}
        return [_cell(flat.get(name)) for name in _KEYWORDS]

    return Sheet("keywords", _KEYWORDS, [*map(row, items)])


def _roots(roots: Sequence[Mapping[str, Any]]) -> Sheet:
    return Sheet("roots", _ROOTS, [[_cell(one.get(name)) for name in _ROOTS] for one in roots])


def _listing(seo: Mapping[str, Any]) -> Sheet:
    """Title, bullets and backend terms, as they are and as they could be."""
    now, new = seo["current_seo"], seo["optimized_seo"]
    parts = [
        ("title", "current", now["title_analysis"]["content"], now["title_analysis"]),
        ("title", "optimized", new["optimized_title"]["content"], new["optimized_title"]),
    ]
    short = [name for name in ("short_title", "item_highlights") if name in new]
    parts += [(name.replace("_", " "), "optimized", new[name]["content"], {}) for name in short]
    for number, one in enumerate(now["bullets_analysis_for_display"], 1):
        parts.append((f"bullet {number}", "current", one["content"], one))
    for number, one in enumerate(new["optimized_bullets"], 1):
        parts.append((f"bullet {number}", "optimized", one["content"], one))
    parts.append(("backend terms", "optimized", new["backend_search_terms"], {}))
    return Sheet("listing", _LISTING, [_part(*part) for part in parts])


def _part(part: str, version: str, text: str, told: Mapping[str, Any]) -> Row:
    found = told.get("keywords_included", told.get("keywords_found"))
    keywords = None if found is None else len(found)
    return [
        part,
        version,
        len(text),
        len(text.encode("utf-8", "replace")),
        keywords,
        told.get("total_search_volume"),
        text,
    ]


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, str | int | float) else str(value)


def file_ending(file: str, sheet: str) -> str:
    """How the name of such a file ends. Raises BadDownload, which names the parameter."""
    if file not in FORMATS:
        raise BadDownload(f"expected one of {', '.join(FORMATS)}.", field="format")
    if sheet not in SHEETS:
        raise BadDownload(f"expected one of {', '.join(SHEETS)}.", field="sheet")
    return ".xlsx" if file == "xlsx" else f"-{sheet}.csv"


def as_csv(sheet: Sheet) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know it; lines end in CR LF (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.header)
    writer.writerows([safe(cell) for cell in row] for row in sheet.rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def safe(cell: Cell) -> Cell:
    """As it may stand in CSV. Whoever reads the file by program takes one leading apostrophe off again where one of
    the stated characters follows."""
    if not isinstance(cell, str):
        return cell
    return f"'{cell}" if _may_run(cell) else cell


def _may_run(text: str) -> bool:
    for char in text:
        if char in _FORMULA:
            return True
        # What a spreadsheet trims or does not show: spaces, controls, joiners and marks of direction.
        if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf"):
            return False
    return False


def as_workbook(sheets: Iterable[Sheet]) -> bytes:
    """All sheets in one file."""
    # It takes a while to load, and whoever only submits writes no workbook.
    import xlsxwriter

    file = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name.capitalize())
            page.freeze_panes(1, 0)
            for column, name in enumerate(sheet.header):
                page.set_column(column, column, _WIDTHS.get(name, 14))
                page.write_string(0, column, name, bold)
            last = 0
            for last, row in enumerate(sheet.rows, 1):
                _write(page, last, row)
            page.autofilter(0, 0, last, len(sheet.header) - 1)
    return file.getvalue()


def _write(page: Any, number: int, row: Row) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            page.write_string(number, column, _fitting(cell))
        elif isinstance(cell, bool):
            page.write_boolean(number, column, cell)
        elif cell is not None:
            page.write_number(number, column, cell)


def _fitting(text: str) -> str:
    """Half of a surrogate pair has no place in XML."""
    return text.encode("utf-8", "replace").decode()[:CELL_MAX]
