"""What the columns of an export mean, by their headers: spellings of tools and languages, not positions.

A header is compared without case, accents, spaces and punctuation. Where several columns have one meaning, the
spelling that stands first in the table counts, then the column that stands first in the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from accepted_apps.sales.model import Kind
from accepted_apps.sales.reading.phrases import ASIN
from accepted_apps.sales.reading.spellings import (
    COUNTED,
    OF_ASIN,
    PHRASE,
    PHRASE_ENDS,
    SHARES,
    SPELLINGS,
    WINDOW,
    WINDOWED,
    Composed,
)

Sort = Literal["count", "rank", "amount", "signed"]

SORTS: Final[dict[str, Sort]] = {
    "search_volume": "count",
    "search_volume_trend": "signed",
    "title_density": "count",
    "cpr": "count",
    "competing_products": "count",
    "keyword_sales": "count",
    "iq_score": "count",
    "ranking_competitors": "count",
    "competitor_rank_avg": "amount",
    "competitor_performance_score": "amount",
    "position": "rank",
    "relative_rank": "rank",
    "organic_rank": "rank",
    "sponsored_rank": "rank",
    "sponsored_asins": "count",
    "bid": "amount",
    "bid_min": "amount",
    "bid_max": "amount",
    "click_share": "amount",
    "conversion_share": "amount",
    "search_frequency_rank": "rank",
    "impressions": "count",
    "clicks": "count",
    "orders": "count",
    "spend": "amount",
    "sales": "amount",
}
SUMMED: Final = ("impressions", "clicks", "orders", "spend", "sales")
"""What a report about advertising counts apart for each campaign: it is added up for a phrase."""

_ADDITION: Final = re.compile(
    r"[(\[](?:[^()\[\]]*\b(?:days?|tage|jours|giorni|días|month(?:ly)?|weeks?|us|uk|de|fr|it|es|ca|usa|usd|eur|gbp|cad"
    r"|exact|total|global|est\.?|organic)\b[^()\[\]]*|[#%$€£]|\d+)[)\]]|[$€£]|\s-\s(?:us|uk|de|fr|it|es|ca)$",
    re.IGNORECASE,
)
"""What a header may carry beside its name: a time, a marketplace, a unit."""

_SIGNS: Final = frozenset("([-$€£")
"""What an addition begins with."""

_COLUMN_ASIN: Final = re.compile(r"(?<![A-Za-z0-9])B0[A-Z0-9]{8}(?![A-Za-z0-9])")
_NO_ORGANIC_RANK: Final = re.compile(
    r"sponsor|\bads?\b|paid|title|click|conv|price|sales|revenue|review|page|gesponsert", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def normal(header: str) -> str:
    """Letters and digits of any script, in lower case, without accents."""
    folded = header.lower() if header.isascii() else unicodedata.normalize("NFKD", header).casefold()
    return "".join(filter(str.isalnum, folded))


def _aliases() -> dict[str, tuple[str, int]]:
    table: dict[str, tuple[str, int]] = {}
    for meaning, spellings in SPELLINGS.items():
        for order, spelling in enumerate(_words(spellings)):
            table.setdefault(spelling, (meaning, order))
    return table


def _words(spellings: str) -> tuple[str, ...]:
    return tuple(map(normal, spellings.split("|")))


def _test_of(rule: Composed) -> tuple[str, Callable[[str], bool]]:
    """The meaning, and whether a header has it."""
    one_of_each, none_of = tuple(map(_words, rule.words)), _words(rule.without)

    def fits(name: str) -> bool:
        has_all = all(any(word in name for word in words) for words in one_of_each)
        return has_all and not any(word in name for word in none_of)

    return rule.meaning, fits


_ALIASES: Final = _aliases()
_SHARES: Final = {share: _words(spellings) for share, spellings in SHARES.items()}
_PHRASE_ENDS: Final = _words(PHRASE_ENDS)
_WINDOWED: Final = tuple(map(_test_of, WINDOWED))
_COUNTED: Final = tuple(map(_test_of, COUNTED))
_WINDOW: Final = re.compile(WINDOW)
_HEADER_MAX: Final = 120
_WINDOWS: Final = ("7", "14", "30", "1")
"""Which of several windows counts: Amazon's own for Sponsored Products first, then that of Sponsored Brands."""

_NO_ALIAS: Final = 1_000
"""Above the order of any spelling in the table: a header that was put together counts after those that are listed."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row, by position from 0.

    fields: meaning → position. shares: meaning → the positions that are added up. asins: competitors' ranks.
    """

    fields: dict[str, int]
    shares: dict[str, tuple[int, ...]]
    asins: dict[str, int]

    @property
    def phrase(self) -> int:
        return self.fields[PHRASE]

    @property
    def usable(self) -> bool:
        return PHRASE in self.fields

    @property
    def worth(self) -> int:
        """How much of a header was understood; 0 without a phrase."""
        return (len(self.fields) + len(self.shares) + len(self.asins)) if self.usable else 0

    def positions(self) -> set[int]:
        """Those that are understood."""
        shares = (position for positions in self.shares.values() for position in positions)
        return {*self.fields.values(), *self.asins.values(), *shares}


def columns_of(headers: Sequence[str]) -> Columns:
    """What the columns under these headers mean.

    Amazon gives the shares of clicks and sales of the three most clicked products in columns of their own.
    """
    best: dict[str, tuple[int, int]] = {}
    shares: dict[str, list[int]] = {}
    asins: dict[str, int] = {}
    for position, header in enumerate(headers):
        name = header.strip()
        if asin := _asin_of(name):
            asins.setdefault(asin, position)
        elif share := _share_of(name):
            shares.setdefault(share, []).append(position)
        elif found := _meaning_of(name):
            meaning, order = found
            if meaning not in best or order < best[meaning][0]:
                best[meaning] = (order, position)
    for meaning in _misleading(best, headers):
        best.pop(meaning, None)
    fields = {meaning: position for meaning, (_, position) in best.items()}
    return Columns(fields, {share: tuple(at) for share, at in shares.items() if share not in fields}, asins)


def names_phrases(headers: Sequence[str]) -> bool:
    """Whether one of these may be the header of the phrases, told faster than by `columns_of`."""
    return any((found := _listed(header.strip())) and found[0] == PHRASE for header in headers)


def _meaning_of(header: str) -> tuple[str, int] | None:
    return _listed(header) or (_composed(normal(header)) if header and len(header) <= _HEADER_MAX else None)


def _listed(header: str) -> tuple[str, int] | None:
    if not header or len(header) > _HEADER_MAX:
        return None
    found = _ALIASES.get(normal(header))
    if found is None and _SIGNS.intersection(header):
        found = _ALIASES.get(normal(_ADDITION.sub(" ", header)))
    return found or ((PHRASE, _NO_ALIAS) if normal(header).endswith(_PHRASE_ENDS) else None)


def _composed(name: str) -> tuple[str, int] | None:
    """What a header means that no table lists, by the words it is put together from."""
    if window := _WINDOW.search(name):
        order = _WINDOWS.index(window[1]) if window[1] in _WINDOWS else len(_WINDOWS)
        return next(((meaning, _NO_ALIAS + order) for meaning, fits in _WINDOWED if fits(name)), None)
    return next(((meaning, _NO_ALIAS) for meaning, fits in _COUNTED if fits(name)), None)


def _misleading(found: Mapping[str, tuple[int, int]], headers: Sequence[str]) -> list[str]:
    """Meanings that the other columns contradict."""
    wrong = [] if {OF_ASIN, "organic_rank"} <= found.keys() else [OF_ASIN]
    if "spend" in found and "bid" in found and normal(headers[found["bid"][1]]) == "cpc":
        wrong.append("bid")  # what was paid, and not what is asked
    if "search_volume" in found and not found.keys() & {"spend", "orders", "sales"}:
        # What all products had on a search, unless the header says whose it is.
        wrong += [name for name in ("impressions", "clicks") if name in found and found[name][0] < _NO_ALIAS]
    return wrong


def _share_of(header: str) -> str | None:
    if not any(digit in header for digit in "123") or len(header) > 200:
        return None
    name = normal(header)
    return next((share for share, words in _SHARES.items() if _of_top_three(name, words)), None)


def _of_top_three(name: str, words: tuple[str, ...]) -> bool:
    return any(name.endswith(word) and name.removesuffix(word)[-1:] in ("1", "2", "3") for word in words)


def _asin_of(header: str) -> str | None:
    """The competitor whose organic ranks a column holds."""
    if ASIN.fullmatch(header):
        return header.upper()
    found = _COLUMN_ASIN.findall(header) if len(header) <= 200 else []
    return found[0] if len(found) == 1 and not _NO_ORGANIC_RANK.search(header) else None


def kind_of(headers: Sequence[str], columns: Columns) -> Kind:
    """Whose export it is, as far as the headers tell."""
    names = {normal(header) for header in headers}
    fields = columns.fields
    if {"magnetiqscore", "magnetiq"} & names:
        return "magnet"
    if {"cerebroiqscore", "cerebroiq", "competitorperformancescore"} & names:
        return "cerebro"
    if any("rankingjuice" in name for name in names):
        return "datadive"
    if "search_frequency_rank" in fields and columns.shares:
        return "top-search-terms"
    if "impressions" in fields and "search_volume" in fields and "keyword_sales" in fields:
        return "search-query-performance"
    if "impressions" in fields and "spend" in fields:
        return "search-term-report"
    if any(name.startswith(("easeofrank", "easetorank", "exactsearchvolume", "30daysearchvolume")) for name in names):
        return "keyword-scout"
    if "keywordphrase" in names and columns.asins:
        return "cerebro"
    return "keywords"
