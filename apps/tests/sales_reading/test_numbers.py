"""Numbers are read by the style of their file; what is unknown is not zero."""

from __future__ import annotations

import pytest
from accepted_apps.sales.reading.numbers import Amounts, Counts, Decimal, Numbers, Ranks, Style
from hypothesis import given
from hypothesis import strategies as st

from .tables import read


@pytest.mark.parametrize("cell", ["", " ", "-", "–", "N/R", "n/a", "null", "#N/A", "∞", "."])
def test_no_value_is_unknown(cell: str) -> None:
    numbers = Numbers(".")
    assert numbers[cell] is None
    assert not numbers.unreadable


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("2,900", ".", 2900),
        ("2.900", ",", 2900),
        ("1,234,567.5", ".", 1234567.5),
        ("1.234.567,5", ",", 1234567.5),
        ("1 234,5", ",", 1234.5),
        ("1\u202f234,5", ",", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("12,34,567", ".", 1234567),
        ("$0.91", ".", 0.91),
        ("US$ 0.91", ".", 0.91),
        ("0,91 €", ",", 0.91),
        ("CA$1.20", ".", 1.2),
        ("12.5 %", ".", 12.5),
        ("-11", ".", -11),
        ("−11%", ".", -11),
        ("+64", ".", 64),
        ("2900.0", ".", 2900),
        ("1.2E+05", ".", 120000),
        ("2.9k", ".", 2900),
        ("#12", ".", 12),
        ("0.5", ",", 0.5),
        ("0,123", ".", 0.123),
    ],
)
def test_a_number_is_what_its_file_means_by_it(cell: str, decimal: Decimal, value: float) -> None:
    assert Numbers(decimal)[cell] == pytest.approx(value)


@pytest.mark.parametrize("cell", ["Mar 20", "stable", "1-10", "0.91 - 1.24", "1.2.3", "12,3456.7", "9" * 40])
def test_what_is_no_number_is_told(cell: str) -> None:
    numbers = Counts(".")
    assert numbers[cell] is None
    assert numbers.unreadable == {cell}


@pytest.mark.parametrize("cell", [">306", "<306", "306+", "> 306", "≥306"])
def test_a_bound_counts_as_its_number_and_is_told(cell: str) -> None:
    ranks = Ranks(".")
    assert ranks[cell] == 306
    assert ranks.bounds == {cell}


def test_a_rank_of_nought_is_no_rank_and_a_count_of_nought_is_one() -> None:
    assert (Ranks(".")["0"], Counts(".")["0"]) == (None, 0)


def test_counts_and_amounts_are_not_negative() -> None:
    assert (Counts(".")["-5"], Amounts(".")["-0.5"], Numbers(".")["-5"]) == (None, None, -5)


@given(value=st.integers(0, 10**9), german=st.booleans())
def test_grouping_is_undone_in_both_styles(value: int, german: bool) -> None:
    written = f"{value:,}".replace(",", ".") if german else f"{value:,}"
    assert Counts("," if german else ".")[written] == value


@given(value=st.decimals(0, 10**6, places=2), german=st.booleans())
def test_amounts_survive_both_styles(value: object, german: bool) -> None:
    written = f"{value:,}"
    if german:
        written = written.translate(str.maketrans(",.", ".,"))
    assert Amounts("," if german else ".")[written] == pytest.approx(float(str(value)))


def test_the_style_is_that_of_the_file_not_of_the_cell() -> None:
    """`1.250` alone could be either; the price beside it tells."""
    german = read("Keyword;Search Volume;Suggested Bid\npears;1.250;0,85\nfigs;900;1,10\n")
    english = read("Keyword;Competitor Rank (avg);Suggested Bid\npears;1.250;0.85\n")
    assert (german.keywords[0].search_volume, german.report.decimal) == (1250, ",")
    assert (english.keywords[0].competitor_rank_avg, english.report.decimal) == (1.25, ".")


def test_a_style_that_shows_late_is_still_that_of_the_file() -> None:
    rows = "".join(f"pears {number};{number}\n" for number in range(1, 3000))
    export = read(f"Keyword;Search Volume\n{rows}figs;12.900\n")
    assert export.keywords[-1].search_volume == 12900


def test_a_file_in_two_styles_says_so() -> None:
    export = read('Keyword,Search Volume,Suggested Bid,CPR\npears,"1,250",0.85,8\nfigs,900,"1,1",9\n')
    assert [each.bid for each in export.keywords] == [0.85, 1.1]
    assert "two ways" in export.report.notes[0]


def test_numbers_of_a_workbook_are_numbers_already() -> None:
    style = Style()
    style.hear(1.25, whole=True)
    assert not style.votes
    assert Amounts(",")[1.125] == 1.125


def test_unreadable_cells_are_counted_by_their_column() -> None:
    report = read("Keyword,Search Volume,Trend\npears,12,stable\nfigs,many,up\n").report
    assert report.unreadable == {"Search Volume": 1, "Trend": 2}
