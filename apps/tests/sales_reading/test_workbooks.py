"""Exports that were saved as XLSX, by several kinds of writers."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
from accepted_apps.playground.sales.exports import cerebro, workbook

from .tables import HEADER, read
from .test_bad_files import BOOK, SHEET, repacked

ROWS = (HEADER, ("getrocknete früchte", "-", 858, 12900, -10, 0.97, 548, 8, 4, 6, 14.1, 2, 6, ">306"))


def saved(book: openpyxl.Workbook) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def by_openpyxl() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ROWS:
        sheet.append(row)
    return saved(book)


@pytest.mark.parametrize("data", [workbook(iter(ROWS)), workbook(iter(ROWS), shared=False), by_openpyxl()])
def test_a_workbook_is_read_like_the_csv(data: bytes) -> None:
    export = read(data)
    keyword = export.keywords[0]
    assert export.kind == "cerebro"
    assert (keyword.phrase, keyword.search_volume, keyword.bid) == ("getrocknete früchte", 12900, 0.97)
    assert (keyword.keyword_sales, keyword.competitor_rank_avg) == (None, 14.1)
    assert keyword.ranks == {"B0PLAY0001": 6, "B0PLAY0002": 306}
    assert export.report.encoding == "xlsx"


def test_a_made_up_export_is_the_same_as_csv_and_as_workbook() -> None:
    rows = cerebro(300, 5)
    text, book = read(rows.csv()), read(workbook(rows.cells()))
    assert text.keywords == book.keywords
    assert len(text.keywords) == 300


def test_the_sheet_with_the_keywords_is_found_among_others() -> None:
    book = openpyxl.Workbook()
    cover = book.active
    assert cover is not None
    cover.append(("Campaigns",))
    hidden = book.create_sheet("Old")
    hidden.append(("Keyword", "Search Volume", "CPR", "Title Density"))
    hidden.append(("old", 1, 1, 1))
    hidden.sheet_state = "hidden"
    keywords = book.create_sheet("SP Search Term Report")
    keywords.append(("My report",))
    keywords.append(())
    keywords.append((None, "Customer Search Term", "Clicks"))
    keywords.append((None, "pears", 12))
    export = read(saved(book))
    assert (export.keywords[0].phrase, export.keywords[0].clicks) == ("pears", 12)
    assert (export.report.sheet, export.report.header_line, export.report.preamble) == (
        "SP Search Term Report",
        3,
        ("My report",),
    )


def test_cells_that_show_percent_are_percent() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(("Keyword", "ABA Total Click Share", "Search Volume Trend"))
    sheet.append(("pears", 0.421, -0.11))
    sheet["B2"].number_format = "0.0%"
    sheet["C2"].number_format = "0%"
    keyword = read(saved(book)).keywords[0]
    assert (keyword.click_share, keyword.search_volume_trend) == (42.1, -11)


def test_names_with_a_prefix_and_cells_without_places_are_read() -> None:
    sheet = (
        b'<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData>'
        b'<x:row><x:c t="inlineStr"><x:is><x:t>Keyword</x:t></x:is></x:c>'
        b'<x:c t="str"><x:v>Search Volume</x:v></x:c></x:row>'
        b'<x:row><x:c t="inlineStr"><x:is><x:r><x:t>dried </x:t></x:r><x:r><x:t>pears</x:t></x:r>'
        b"<x:rPh><x:t>reading</x:t></x:rPh></x:is></x:c><x:c><x:v>12</x:v></x:c></x:row>"
        b"</x:sheetData></x:worksheet>"
    )
    export = read(repacked(BOOK, SHEET, sheet))
    assert (export.keywords[0].phrase, export.keywords[0].search_volume) == ("dried pears", 12)


def test_errors_in_cells_are_unknown() -> None:
    sheet = (
        b"<worksheet><sheetData><row><c t='str'><v>Keyword</v></c><c t='str'><v>CPR</v></c></row>"
        b"<row><c t='str'><v>pears</v></c><c t='e'><v>#DIV/0!</v></c></row></sheetData></worksheet>"
    )
    export = read(repacked(BOOK, SHEET, sheet))
    assert export.keywords[0].cpr is None
    assert export.report.unreadable == {}


def test_what_is_packed_is_what_is_read() -> None:
    with zipfile.ZipFile(io.BytesIO(BOOK)) as archive:
        assert archive.testzip() is None
    assert read(BOOK).keywords[0].search_volume == 12
