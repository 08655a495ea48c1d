"""Exports made up for the tests, in the shape of Cerebro's: a garlic press and what people search around it."""

from __future__ import annotations

import csv
import io
import itertools

ASINS = tuple(f"B0COMPET{number:02}" for number in range(10))
HEADER = (
    "Keyword Phrase",
    "Keyword Sales",
    "Cerebro IQ Score",
    "Search Volume",
    "Search Volume Trend",
    "Competing Products",
    "CPR",
    "Title Density",
    "Position (Rank)",
    "Relative Rank",
    "Competitor Rank (avg)",
    "Ranking Competitors (count)",
    "Competitor Performance Score",
    *ASINS,
)
PHRASES = (
    # phrase, search volume, title density, competitors in the top ten
    ("garlic press", "71,743", "41", 9),
    ("garlic mincer", "12,050", "18", 8),
    ("garlic press stainless steel", "4,310", "12", 8),
    ("stainless steel garlic press", "3,975", "9", 7),
    ("garlic presses", "1,120", "0", 6),
    ("garlic crusher", "6,616", "5", 7),
    ("garlic press rocker", "1,466", "3", 5),
    ("easy clean garlic press", "980", "0", 5),
    ("best garlic press", "2,200", "1", 4),
    ("large garlic press", "610", "0", 4),
    ("oxo garlic press", "5,400", "2", 3),
    ("prensa de ajo", "870", "0", 2),
    ("ginger press", "540", "0", 1),
    ("kitchen gadgets", "98,000", "30", 0),
    ("potato ricer", "21,500", "25", 0),
)


def export(rows: int = 0, *, phrases: tuple[tuple[str, str, str, int], ...] = PHRASES) -> bytes:
    """The phrases, then made-up ones until there are `rows`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER)
    made = ((f"garlic press {one} {two}", "120", "0", 3) for one, two in itertools.product(range(1000), range(1000)))
    for phrase, volume, density, top in (*phrases, *itertools.islice(made, max(0, rows - len(phrases)))):
        ranks = ["3"] * top + ["-"] * (10 - top)
        numbers = ["12", "840", volume, "5", ">1,000", "16", density, "4", "1", "11.5", str(top), "6.2"]
        writer.writerow([phrase, *numbers, *ranks])
    return text.getvalue().encode("utf-8-sig")
