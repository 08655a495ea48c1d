"""How relevant a keyword is for the product, 0 to 10: by the ranks of the competitors, then by the title's words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from accepted_apps.sales.model import Keyword, Keywords

TOP: Final = 10
"""A rank up to this is on the first half of the first page: the competitor is found there."""
_MANY: Final = 0.6
"""Share of a keyword's words from which the title speaks for it."""


def by_ranks(keyword: Keyword, exports: Keywords) -> int | None:
    """min(10, 20 · top10 / ASINs), rounded, of the file in which it is higher; None where no file has ranks.

    An ASIN that does not rank counts among the ASINs, and never as one of the top ten.
    """
    scores = [
        min(10, round(20 * sum(keyword.ranks.get(asin, TOP + 1) <= TOP for asin in asins) / len(asins)))
        for file in keyword.in_files
        if (asins := exports.asins.get(file, ()))
    ]
    return max(scores, default=None)


def by_words(stems: Sequence[str], title: Collection[str]) -> int:
    """Where there are no ranks: 10 times the share of the keyword's words that the title has."""
    return round(10 * _share(stems, title))


def adjusted(base: int, stems: Sequence[str], title: Collection[str]) -> int:
    """One more where the title has most of the keyword's words (60 %), two more where it has all; never over 10."""
    share = _share(stems, title)
    return min(10, base + (share >= _MANY) + (share == 1.0))


def _share(stems: Sequence[str], title: Collection[str]) -> float:
    return sum(one in title for one in stems) / len(stems) if stems else 0.0
