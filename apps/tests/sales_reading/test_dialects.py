"""The same table, however it is written, is the same keywords."""

from __future__ import annotations

import pytest
from accepted_apps.sales.model import Export

from .tables import HEADER, ROWS, read, written

PLAIN = written()


def seen(export: Export) -> list[tuple[object, ...]]:
    return [
        (
            each.phrase,
            each.keyword_sales,
            each.iq_score,
            each.search_volume,
            each.search_volume_trend,
            each.bid,
            each.competing_products,
            each.cpr,
            each.title_density,
            each.position,
            each.competitor_rank_avg,
            each.ranking_competitors,
            each.ranks,
        )
        for each in export.keywords
    ]


WANTED = [
    ("getrocknete früchte", None, 858, 12900, -10, 0.97, 548, 8, 4, 6, 14.1, 2, {"B0PLAY0001": 6, "B0PLAY0002": 13}),
    ("dried pear, sliced", 26, 1420, 909, 19, 1.13, 1000, 12, 0, 8, 15.9, 2, {"B0PLAY0001": 8, "B0PLAY0002": 306}),
    ("crème de marrons", 113, 6441, 2686, None, None, 417, 28, 2, None, 8.3, 1, {"B0PLAY0002": 7}),
]

DIALECTS: dict[str, bytes] = {
    "plain": PLAIN.encode(),
    "byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf-16 with mark": PLAIN.encode("utf-16"),
    "utf-16 without mark": PLAIN.encode("utf-16-le"),
    "utf-16 big end first": PLAIN.encode("utf-16-be"),
    "utf-32": PLAIN.encode("utf-32"),
    "windows": PLAIN.encode("cp1252"),
    "mac roman": PLAIN.encode("mac_roman"),
    "lines of windows": PLAIN.replace("\n", "\r\n").encode(),
    "lines of an old mac": PLAIN.replace("\n", "\r").encode(),
    "semicolons": written(separator=";").encode(),
    "tabs": written(separator="\t").encode("utf-16"),
    "pipes": written(separator="|").encode(),
    "stated separator": b"sep=;\n" + written(separator=";").encode(),
    "german numbers": written(separator=";", decimal=",", grouped=True).encode("cp1252"),
    "english numbers": written(grouped=True).encode(),
    "a preamble": ('"Cerebro","Marketplace: DE"\n\n"Exported 2026-01-02"\n' + PLAIN).encode(),
    "quoted by apostrophes": written().replace('"', "'").encode(),
    "spaces around cells": PLAIN.replace('","', '" , "').encode(),
    "each line in one cell": "".join('"' + line.replace('"', '""') + '"\n' for line in PLAIN.splitlines()).encode(),
    "kept from a spreadsheet's guesses": "".join(
        ";".join(f"={cell}" for cell in line.split(";")) + "\n" for line in written(separator=";").splitlines()
    ).encode(),
    "columns without a name": "".join(line + ",,\n" for line in PLAIN.splitlines()).encode(),
    "blank lines": PLAIN.replace("\n", "\n\n").encode(),
    "zeros between": PLAIN.replace("früchte", "früch\x00te").encode(),
    "headers in capitals with line breaks": PLAIN.replace(
        ",".join(f'"{name}"' for name in HEADER),
        ",".join('"' + name.upper().replace(" ", "\n") + '"' for name in HEADER),
    ).encode(),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_of_one_table_reads_the_same(dialect: str) -> None:
    export = read(DIALECTS[dialect])
    assert seen(export) == WANTED
    assert export.asins == ("B0PLAY0001", "B0PLAY0002")
    assert export.kind == "cerebro"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_single_column_with_empty_ones_beside_it_is_clean(separator: str) -> None:
    export = read(f"Keyword{separator * 2}\ndried pears{separator * 2}\n")
    assert [each.phrase for each in export.keywords] == ["dried pears"]


def test_the_report_tells_how_a_file_was_read() -> None:
    report = read(b"Cerebro export\n" + written(separator=";", decimal=",", grouped=True).encode("cp1252")).report
    assert (report.encoding, report.delimiter, report.decimal) == ("cp1252", ";", ",")
    assert (report.preamble, report.header_line, report.rows) == (("Cerebro export",), 2, 3)
    assert report.columns["Search Volume"] == "search_volume"
    assert report.columns["B0PLAY0001"] == "ranks"
    assert report.bounds == 2


def test_what_is_not_understood_is_named() -> None:
    report = read("Keyword Phrase,Search Volume,Organic,Trending Now\npears,12,1,0\n").report
    assert report.not_understood == ("Organic", "Trending Now")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("検索キーワード,検索ボリューム\nドライフルーツ,1200\nいちご 乾燥,300\n", "cp932"),
        ("关键词,搜索量\n草莓干,1200\n冻干 苹果 零食,90\n", "gb18030"),
        ("Keyword,Search Volume\nсушеные груши,1200\nсушеные яблоки без сахара,90\n", "cp1251"),
        ("Mot-clé,Volume de recherche\npoires séchées à l’ancienne,1200\nœufs en poudre,90\n", "cp1252"),
        ("Palabra clave,Volumen de búsqueda\npiña deshidratada para niños,1200\n", "mac_roman"),
    ],
)
def test_texts_of_before_unicode_are_read_in_their_own_encoding(text: str, encoding: str) -> None:
    export = read(text.encode(encoding))
    assert [each.phrase for each in export.keywords] == [line.split(",")[0] for line in text.splitlines()[1:]]
    assert export.report.encoding == encoding


def test_a_cut_character_does_not_make_a_file_another_encoding() -> None:
    text = "Keyword,Search Volume\n" + "".join(f"früchte süß {number},5\n" for number in range(50))
    export = read(text.encode() + b"getrocknet \xc3,7\n")
    assert export.report.encoding == "utf-8"
    assert export.keywords[0].phrase == "früchte süß 0"
    assert len(export.report.notes) == 1


def test_a_mark_of_inches_that_opens_a_cell_takes_no_rows_with_it() -> None:
    rows = [f"{number} mm pipe,{number}" for number in range(1, 80)]
    rows[3] = '"5 inch pipe,55'
    rows[20] = 'pipe 3/4",21'
    export = read("Keyword,Search Volume\n" + "\n".join(rows) + "\n")
    assert len(export.keywords) == 79
    assert (export.keywords[3].phrase, export.keywords[3].search_volume) == ("5 inch pipe", 55)
    assert "quotation mark" in export.report.notes[0]


def test_a_table_below_the_sixtieth_line_is_not_looked_for_and_one_above_is() -> None:
    export = read("note\n" * 55 + PLAIN)
    assert export.report.header_line == 56
    assert len(export.report.preamble) == 55


def test_the_rows_of_the_table_are_those_of_all_its_columns() -> None:
    assert len(ROWS[0]) == len(HEADER)
