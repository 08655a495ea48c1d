"""Results as files, opened again by other programs: what is in them, and that nothing of them runs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from accepted_apps.sales.downloads import CELL_MAX, BadDownload, Sheet, as_csv, as_workbook, file_ending, safe
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

NASTY = (
    "=1+1",
    "+49 garlic",
    "-2 pack",
    "@SUM(A1)",
    "\t=cmd|' /C calc'!A0",
    "\r=1",
    "\n=1",
    '  =HYPERLINK("http://127.0.0.1")',
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "\xa0@x",
    "＝1+1",
    "＠x",
    "\x01=1",
)
PLAIN = (
    "garlic press",
    "fräse für öl",
    "にんにく",
    "ثوم",
    "a=b",
    "2-pack",
    "3 - 4",
    "me@home",
    "'quoted'",
    "",
    "\U0001f9c4 press",
)
RUNS = frozenset("=+-@\t\r\n＝＋－＠")


def opened(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def first_shown(text: str) -> str:
    """The first character that a spreadsheet sees."""
    return text.lstrip(" \u200b\ufeff\xa0")[:1]


@pytest.mark.parametrize("text", NASTY)
def test_what_could_run_gets_an_apostrophe_in_front(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_what_cannot_run_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_numbers_stay_numbers() -> None:
    assert [safe(one) for one in (-5, -0.5, 7, None, True)] == [-5, -0.5, 7, None, True]


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_no_cell_of_a_csv_begins_as_a_formula_does_and_all_come_back(texts: list[str]) -> None:
    rows = opened(as_csv(Sheet("keywords", ("phrase",) * len(texts), [texts])))
    back = rows[1] if len(rows) > 1 and rows[1] else [""] * len(texts)
    assert [
        one.removeprefix("'") if safe(text) != text else one for one, text in zip(back, texts, strict=True)
    ] == texts
    assert not any(first_shown(one) in RUNS for one in back if one)


@given(st.lists(st.sampled_from(NASTY + PLAIN), min_size=1, max_size=4))
def test_a_csv_is_read_by_a_spreadsheet_of_any_country(texts: list[str]) -> None:
    data = as_csv(Sheet("keywords", ("phrase", "volume"), [(one, 1200) for one in texts]))
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") >= len(texts) + 1
    assert [row[1] for row in opened(data)[1:]] == ["1200"] * len(texts)


def cells(data: bytes) -> list[list[Any]]:
    book = load_workbook(io.BytesIO(data))
    return [list(row) for row in book.worksheets[0].iter_rows()]


def test_every_text_of_a_workbook_is_typed_as_text() -> None:
    texts = (*NASTY, *filter(None, PLAIN), "https://example.org/", "mailto:x@y", "12", "{=A1}")
    rows = cells(as_workbook([Sheet("keywords", ("phrase",), [(one,) for one in texts])]))
    assert [row[0].data_type for row in rows[1:]] == ["s"] * len(texts)
    assert all(row[0].hyperlink is None for row in rows)
    for row, text in zip(rows[1:], texts, strict=True):
        if "\r" not in text and "\x01" not in text:  # which XML spells in its own way
            assert row[0].value == text


def test_numbers_of_a_workbook_are_numbers_and_what_is_unknown_is_blank() -> None:
    _, row = cells(as_workbook([Sheet("keywords", ("a", "b", "c", "d"), [(1200, -0.5, None, True)])]))
    assert [cell.value for cell in row] == [1200, -0.5, None, True]
    assert [cell.data_type for cell in row[:2]] == ["n", "n"]


@pytest.mark.parametrize("text", ["x" * (CELL_MAX + 5), "half \ud83e pair", "\x00\x08 control"])
def test_what_a_workbook_cannot_hold_does_not_break_it(text: str) -> None:
    _, row = cells(as_workbook([Sheet("keywords", ("phrase",), [(text,)])]))
    assert isinstance(row[0].value, str)
    assert as_csv(Sheet("keywords", ("phrase",), [(text,)]))


def test_a_file_is_asked_for_by_format_and_sheet() -> None:
    assert file_ending("xlsx", "keywords") == ".xlsx"
    assert file_ending("csv", "roots") == "-roots.csv"
    with pytest.raises(BadDownload, match=r"^format: expected one of xlsx, csv"):
        file_ending("pdf", "keywords")
    with pytest.raises(BadDownload, match=r"^sheet: expected one of keywords, roots, listing"):
        file_ending("csv", "../../etc/passwd")
