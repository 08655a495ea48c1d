"""Which rows of a file are keywords, and what becomes of the others."""

from __future__ import annotations

import pytest
from accepted_apps.sales.model import Export, Keyword
from accepted_apps.sales.reading.export import PULSE, read_export
from accepted_apps.sales.reading.merge import merge
from accepted_apps.sales.reading.phrases import cleaned, key_of
from hypothesis import given
from hypothesis import strategies as st

from .tables import read


def dropped(export: Export) -> dict[str, tuple[int, ...]]:
    return {each.reason: each.lines for each in export.report.dropped}


def test_rows_that_are_no_keywords_are_left_out_and_told_with_their_lines() -> None:
    export = read(
        "Keyword,Search Volume,CPR\n"
        "pears,12,1\n"
        ",5,1\n"
        "b0play0001,3,1\n"
        "*,3,1\n"
        "figs,one,more,cell\n"
        "Keyword,Search Volume,CPR\n"
        f"{'long ' * 200},3,1\n"
        "plums,7,1\n"
    )
    assert [each.phrase for each in export.keywords] == ["pears", "plums"]
    assert dropped(export) == {
        "no keyword phrase": (3, 5),
        "an ASIN in place of a phrase": (4,),
        "more cells than the header": (6,),
        "the header again": (7,),
        "a phrase of more than 500 characters": (8,),
    }
    assert [each.lines[0] for each in export.report.dropped] == [3, 4, 6, 7, 8], "in the order of the file"
    assert export.report.rows == 8


def test_lines_are_counted_through_cells_with_line_breaks() -> None:
    rows = "".join(f'"pear {number}","a note\nof two lines",1\n' for number in range(100))
    export = read(f"Keyword,Note,Search Volume\n{rows},,5\nplums,,7\n")
    assert len(export.keywords) == 101
    assert dropped(export) == {"no keyword phrase": (202,)}


def test_totals_and_footers_at_the_end_are_no_keywords() -> None:
    export = read("Keyword,Search Volume\npears,12\nTotal,12\n\nExported on 2 January\n© Play\n")
    assert [each.phrase for each in export.keywords] == ["pears"]
    assert dropped(export) == {"a line of totals": (3,), "text after the table": (5, 6)}


def test_a_product_called_total_is_a_keyword_where_rows_follow() -> None:
    assert [each.phrase for each in read("Keyword,Search Volume\ntotal,12\npears\nfigs,5\n").keywords] == [
        "total",
        "pears",
        "figs",
    ]


def test_a_list_of_phrases_alone_is_an_export() -> None:
    export = read("Keyword\npears\nfigs\n")
    assert [each.phrase for each in export.keywords] == ["pears", "figs"]
    assert export.keywords[0].search_volume is None


def test_a_header_without_names_for_its_last_columns_loses_no_rows() -> None:
    export = read("Keyword,Search Volume\npears,12,x\nfigs,5,y\n")
    assert [each.search_volume for each in export.keywords] == [12, 5]


def test_a_column_of_row_numbers_without_a_name_does_not_matter() -> None:
    assert read(",Keyword,Search Volume\n0,pears,12\n1,figs,5\n").keywords[1].search_volume == 5


def test_phrases_that_differ_in_what_cannot_be_seen_are_one() -> None:
    export = read(
        "Keyword,Search Volume,CPR,B0PLAY0001\nDried  Pears,,8,12\ndried pears\u200b,900,9,4\nｄｒｉｅｄ pears,1,1,-\n"
        "pears\ufffc ripe,5,,\nreife birnen süß,5,,\nreife birnen su\u0308ß,6,,\n"
    )
    assert [each.phrase for each in export.keywords] == ["Dried Pears", "pears ripe", "reife birnen süß"]
    first = export.keywords[0]
    assert (first.key, first.search_volume, first.cpr, first.ranks) == ("dried pears", 900, 8, {"B0PLAY0001": 4})
    assert export.report.merged == 3


def test_diacritics_and_arabic_stay_as_they_are() -> None:
    export = read("Keyword,Search Volume\ncafé,5\ncafe,6\nتين مجفف,7\n")
    assert [each.phrase for each in export.keywords] == ["café", "cafe", "تين مجفف"]


def test_both_files_are_one_list_that_knows_where_each_phrase_stands() -> None:
    revenue = read("Keyword,Search Volume,CPR,B0PLAY0001\npears,900,,4\nfigs,5,1,-\n")
    design = read("Keyword,Search Volume,CPR,B0PLAY0001,B0PLAY0002\nplums,7,1,2,3\nPears,901,8,2,9\n", "design")
    both = merge(revenue, design)
    assert [(each.phrase, each.in_files) for each in both.keywords] == [
        ("pears", ("revenue", "design")),
        ("figs", ("revenue",)),
        ("plums", ("design",)),
    ]
    pears = both.keywords[0]
    assert (pears.search_volume, pears.cpr, pears.ranks) == (900, 8, {"B0PLAY0001": 2, "B0PLAY0002": 9})
    assert both.asins_of(("revenue",)) == ("B0PLAY0001",)
    assert both.asins_of(pears.in_files) == ("B0PLAY0001", "B0PLAY0002")
    assert revenue.keywords[0].ranks == {"B0PLAY0001": 4}, "the exports themselves are left as they were"


def test_one_file_alone_is_a_list_too() -> None:
    assert [each.phrase for each in merge(read("Keyword\npears\n")).keywords] == ["pears"]


def test_reading_can_be_stopped_between_rows() -> None:
    heard: list[int] = []

    class Stopped(Exception):
        pass

    def pulse(rows: int) -> None:
        heard.append(rows)
        if len(heard) == 3:
            raise Stopped

    text = "Keyword,Search Volume\n" + "".join(f"pears {number},{number}\n" for number in range(5000))
    with pytest.raises(Stopped):
        read_export(text.encode(), "revenue", pulse=pulse)
    assert PULSE <= heard[0] < heard[-1] < 4 * PULSE


@given(st.text(max_size=60))
def test_a_cleaned_phrase_stays_as_it_is(text: str) -> None:
    phrase = cleaned(text)
    assert cleaned(phrase) == phrase
    assert key_of(phrase) == key_of(cleaned(text.upper())) or not text.isascii()
    assert phrase == phrase.strip()


@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=("Cs", "Cc")), min_size=1
            ),
            st.integers(0, 10**6),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_is_a_keyword_or_is_told_of(rows: list[tuple[str, int]]) -> None:
    lines = [f'"{phrase.replace(chr(34), chr(34) * 2)}",{volume}' for phrase, volume in rows]
    export = read("\n".join(["Keyword,Search Volume", "certain phrase,1", *lines, "last phrase,2"]) + "\n")
    known = {each.key: each for each in export.keywords}
    told = sum(each.rows for each in export.report.dropped)
    assert len(export.keywords) + export.report.merged + told == len(rows) + 2
    for phrase, _ in rows:
        kept: Keyword | None = known.get(key_of(cleaned(phrase)))
        assert kept is not None or told
