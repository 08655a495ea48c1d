"""One small table in the header and the marks of a Cerebro export, and the same in many dialects. Rows are made up."""

from __future__ import annotations

from accepted_apps.sales.model import Export, File
from accepted_apps.sales.reading.export import read_export

HEADER = (
    "Keyword Phrase",
    "Keyword Sales",
    "Cerebro IQ Score",
    "Search Volume",
    "Search Volume Trend",
    "H10 PPC Sugg. Bid",
    "Competing Products",
    "CPR",
    "Title Density",
    "Position (Rank)",
    "Competitor Rank (avg)",
    "Ranking Competitors (count)",
    "B0PLAY0001",
    "B0PLAY0002",
)
ROWS = (
    ("getrocknete früchte", "-", "858", "12900", "-10", "0.97", "548", "8", "4", "6", "14.1", "2", "6", "13"),
    ("dried pear, sliced", "26", "1420", "909", "19", "1.13", ">1000", "12", "0", "8", "15.9", "2", "8", ">306"),
    ("crème de marrons", "113", "6441", "2686", "-", "", "417", "28", "2", "0", "8.3", "1", "-", "7"),
)


def written(rows: object = ROWS, *, separator: str = ",", decimal: str = ".", grouped: bool = False) -> str:
    """The table as text, its cells in quotes."""

    def cell(text: str) -> str:
        bound = text[:1] if text[:1] in "<>" else ""
        bare = text[len(bound) :]
        if bare.isdigit() and grouped:
            text = bound + f"{int(bare):,}".replace(",", "." if decimal == "," else ",")
        elif bare.replace(".", "", 1).isdigit() and not bare.isdigit():
            text = bound + bare.replace(".", decimal)
        return f'"{text}"'

    lines = [separator.join(f'"{name}"' for name in HEADER)]
    lines += [separator.join(map(cell, row)) for row in rows]  # type: ignore[attr-defined]
    return "\n".join(lines) + "\n"


def read(text: str | bytes, file: File = "revenue") -> Export:
    """A text in UTF-8, or the bytes of a file."""
    return read_export(text.encode() if isinstance(text, str) else text, file)
