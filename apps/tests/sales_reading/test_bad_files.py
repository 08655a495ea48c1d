"""Files that are no export are refused at once, with what is wrong; none costs more than it may."""

from __future__ import annotations

import io
import zipfile

import pytest
from accepted_apps.playground.sales.exports import workbook
from accepted_apps.sales.errors import BadExport, ExportTooLarge, NoKeywordColumn, NoKeywords
from accepted_apps.sales.reading.export import check_export, read_export
from accepted_apps.sales.reading.limits import Limits
from hypothesis import example, given
from hypothesis import strategies as st

from .tables import read

FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file is empty"),
    "blanks": (b"\xef\xbb\xbf \r\n\r\n", "the file is empty"),
    "zeros": (b"\x00" * 500, "the file is empty"),
    "a pdf": (b"%PDF-1.7\n...", "it is a PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n....", "it is a picture"),
    "gzip": (b"\x1f\x8b\x08\x00abc", "unpack it first"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500, "old Excel workbook"),
    "a web page": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "signed out"),
    "json": (b'{"detail": "no"}', "the file is JSON"),
    "noise": (bytes(range(256)) * 40, "no text"),
    "half a zip": (b"PK\x03\x04" + b"\x00" * 40, "damaged"),
}


@pytest.mark.parametrize("file", FILES)
def test_what_is_no_export_is_refused_at_the_first_look(file: str) -> None:
    data, said = FILES[file]
    with pytest.raises(BadExport) as refused:
        check_export(data, "revenue")
    assert said in refused.value.message
    assert refused.value.message.startswith("revenue_csv: ")
    assert refused.value.field == "revenue_csv"


def test_a_missing_column_is_named_with_the_headers_that_were_seen() -> None:
    with pytest.raises(NoKeywordColumn) as refused:
        check_export(b"Title,Search Volume\nx,1\n", "design")
    assert refused.value.message == (
        "design_csv: no column with the keyword phrase was found among Title, Search Volume;"
        " its header should be Keyword Phrase, Keyword or Search Term."
    )
    assert refused.value.headers == ("Title", "Search Volume")


def test_a_list_of_products_is_known_as_one() -> None:
    text = "Display Order,Product Details,ASIN,Brand,Price  $,BSR,Review Count\n1,Pears,B0PLAY0001,Play,9.99,12,4\n"
    with pytest.raises(NoKeywordColumn, match="lists products"):
        check_export(text.encode(), "revenue")


@pytest.mark.parametrize("text", ["Keyword,Search Volume\n", "Keyword,Search Volume\n,\n,5\n"])
def test_a_header_without_keywords_is_no_export(text: str) -> None:
    with pytest.raises(NoKeywords, match=r"revenue_csv: the file has a header \(Keyword\) and no keywords below it"):
        read(text)


def test_bytes_rows_and_columns_are_bounded() -> None:
    text = b"Keyword,Search Volume\n" + b"".join(b"pears %d,1\n" % number for number in range(2000))
    with pytest.raises(ExportTooLarge, match="larger than"):
        check_export(text, "revenue", Limits(bytes=1000))
    with pytest.raises(ExportTooLarge, match="more than 1,000 rows"):
        read_export(text, "revenue", Limits(rows=1000))
    with pytest.raises(ExportTooLarge, match="columns"):
        check_export(b"Keyword" + b",x" * 3000 + b"\n", "revenue")


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_a_million_columns_are_refused_before_they_are_made(separator: bytes) -> None:
    with pytest.raises(ExportTooLarge):
        check_export(b"Keyword" + separator * 5_000_000 + b"\n", "revenue")


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ExportTooLarge, match="a line of the file"):
        check_export(b"Keyword,Search Volume\n" + b"x" * 5_000_000, "revenue")


def test_a_cell_without_end_is_refused_and_takes_nothing_with_it() -> None:
    with pytest.raises(BadExport):
        read(b"Keyword,Search Volume\npears," + b"9" * 500_000 + b"\n")


def test_a_zip_that_is_no_workbook_says_what_to_do() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export.csv", "Keyword\npears\n")
    with pytest.raises(BadExport, match="unpack it"):
        check_export(packed.getvalue(), "revenue")


def repacked(data: bytes, file: str, text: bytes) -> bytes:
    """A workbook with one of its files replaced."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, text if info.filename == file else old.read(info))
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
BOOK = workbook(iter([("Keyword", "Search Volume"), ("pears", 12)]))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (SHEET, b"<worksheet><sheetData>" + b"<row><c><v>1</v></c></row>" * 3_000_000),
        ("xl/sharedStrings.xml", b"<sst>" + b"<si><t>x</t></si>" * 2_000_000),
    ],
)
def test_a_workbook_unpacks_to_no_more_than_it_may(file: str, text: bytes) -> None:
    bomb = repacked(BOOK, file, text)
    assert len(bomb) < 500_000
    with pytest.raises(ExportTooLarge, match="unpacks to more than"):
        check_export(bomb, "revenue", Limits(unpacked=50 * 1024 * 1024))


@pytest.mark.parametrize(
    "sheet",
    [
        b'<worksheet><sheetData><row><c r="ZZZZZZZZ1"><v>1</v></c></row></sheetData></worksheet>',
        b'<worksheet><sheetData><row><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>',
        b"<worksheet><sheetData><row>" + b"<c/>" * 100_000 + b"</row></sheetData></worksheet>",
    ],
)
def test_a_sheet_as_wide_as_a_workbook_can_be_is_refused(sheet: bytes) -> None:
    with pytest.raises(ExportTooLarge, match="columns"):
        check_export(repacked(BOOK, SHEET, sheet), "revenue")


@pytest.mark.parametrize(
    "sheet",
    [
        b"<worksheet><sheetData><row>",
        b"no xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>',
        b"<worksheet><sheetData><row><c t='inlineStr'><is><t>"
        + b"x" * 9_000_000
        + b"</t></is></c></row></sheetData></worksheet>",
    ],
)
def test_a_damaged_workbook_is_refused(sheet: bytes) -> None:
    with pytest.raises(BadExport, match="damaged"):
        check_export(repacked(BOOK, SHEET, sheet), "revenue")


def refusal(data: bytes) -> str | None:
    try:
        read(data)
    except BadExport as error:
        return error.message
    return None


@given(st.binary(max_size=400))
def test_no_bytes_at_all_bring_the_reading_down(data: bytes) -> None:
    for each in (data, b"Keyword,Search Volume\n" + data, b"\xef\xbb\xbf" + data, b"PK\x03\x04" + data):
        refused = refusal(each)
        assert refused is None or refused.startswith("revenue_csv: ")


@given(st.integers(0, len(BOOK) - 1), st.integers(0, 255))
@example(BOOK.index(b"PK\x05\x06") + 17, 255)  # its files begin before its first byte
def test_no_broken_byte_of_a_workbook_brings_the_reading_down(place: int, byte: int) -> None:
    broken = bytearray(BOOK)
    broken[place] = byte
    refused = refusal(bytes(broken))
    assert refused is None or refused.startswith("revenue_csv: ")
