"""Numbers as exports write them: `2,900`, `2.900`, `1 234,5`, `$0.91`, `12 %`, `>306`, `-`, `N/R`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, Literal

from accepted_apps.sales.reading.phrases import unguarded

Decimal = Literal[".", ","]
Cell = str | int | float
"""Of a text, or of a workbook, whose numbers are numbers already."""

_BLANK: Final = frozenset(
    {
        "",
        "-",
        "--",
        "–",
        "—",
        "n/r",
        "nr",
        "n/a",
        "na",
        "#n/a",
        "k.a.",
        "null",
        "none",
        "nan",
        "nil",
        "∞",
        "inf",
        "?",
        ".",
        "*",
        "n/d",
        "nd",
        "s/o",
        "#div/0!",
        "#value!",
        "#ref!",
        "unranked",
    }
)
_DRESS: Final = re.compile(r"[\s%$€£¥₹'’`#]|\b(?:USD|EUR|GBP|CAD|US|CA|CDN|C)\b|C(?=\$)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"([<>≤≥~≈+]*=?)([-−–]?)([\d.,]*\d[\d.,]*)(?:e([+-]?\d{1,3}))?([km]?)(\+?)", re.IGNORECASE)
_WHOLE: Final = re.compile(r"\d+")
_GROUPED: Final[dict[Decimal, re.Pattern[str]]] = {
    ".": re.compile(r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d*)?"),
    ",": re.compile(r"[1-9]\d{0,2}(?:\.\d{2,3})*\.\d{3}(?:,\d*)?"),
}
_PLAIN: Final[dict[Decimal, re.Pattern[str]]] = {
    ".": re.compile(r"\d+\.\d*|\.\d+"),
    ",": re.compile(r"\d+,\d*|,\d+"),
}
_OTHER: Final[dict[Decimal, Decimal]] = {".": ",", ",": "."}
_THREE_DIGITS: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_HUGE: Final = 1e15
_MULTIPLES: Final = {"": 1, "k": 1_000, "m": 1_000_000}


class Style:
    """Which decimal mark a file has, decided by all of its cells that tell, not by each for itself."""

    def __init__(self) -> None:
        self.votes: Counter[Decimal] = Counter()

    def hear(self, cell: Cell, *, whole: bool) -> None:
        """Count a cell of a column of numbers. whole: the column counts things, so that `2.900` cannot be 2.9."""
        if not isinstance(cell, str) or ("." not in cell and "," not in cell):
            return
        found = _NUMBER.fullmatch(_DRESS.sub("", cell))
        mark = _mark_of(found[3], whole) if found else None
        if mark:
            self.votes[mark] += 1

    @property
    def decided(self) -> bool:
        return bool(self.votes)

    @property
    def decimal(self) -> Decimal:
        return "," if self.votes[","] > self.votes["."] else "."


def _mark_of(digits: str, whole: bool) -> Decimal | None:
    last = max(digits.rfind("."), digits.rfind(","))
    mark: Decimal = "." if digits[last] == "." else ","
    if _OTHER[mark] in digits:
        return mark
    if digits.count(mark) > 1:
        return _OTHER[mark]
    if _THREE_DIGITS.fullmatch(digits):
        return _OTHER[mark] if whole else None
    return mark


class Numbers(dict[Cell, float | None]):
    """Cell → its number, None for none; each spelling is read once.

    unreadable: cells that hold something, and no number. bounds: cells such as `>306`, which count as their number.
    """

    def __init__(self, decimal: Decimal) -> None:
        super().__init__()
        self.decimal = decimal
        self.unreadable: set[Cell] = set()
        self.bounds: set[Cell] = set()

    def __missing__(self, cell: Cell) -> float | None:
        value = self._read(cell)
        if value is not None and not self._possible(value):
            self.unreadable.add(cell)
            self.bounds.discard(cell)
            value = None
        self[cell] = value if value is None else self._shaped(value)
        return self[cell]

    def _possible(self, value: float) -> bool:
        """Whether such a number can be one of this kind."""
        return abs(value) < _HUGE

    def _shaped(self, value: float) -> float | None:
        """The number as this kind of numbers is kept."""
        return value

    def _read(self, cell: Cell) -> float | None:
        if not isinstance(cell, str):
            return cell
        if cell.isdecimal() and cell.isascii() and len(cell) < 16:
            return int(cell)
        stripped = unguarded(cell.strip()).strip()
        if stripped.lower() in _BLANK:
            return None
        found = _NUMBER.fullmatch(_DRESS.sub("", stripped))
        value = None if found is None else self._value(found)
        if value is None:
            self.unreadable.add(cell)
        elif found and (found[1].strip("+~≈") or found[6]):
            self.bounds.add(cell)
        return value

    def _value(self, found: re.Match[str]) -> float | None:
        size = self._digits(found[3], scientific=found[4] is not None)
        if size is None:
            return None
        size *= _MULTIPLES[found[5].lower()] * 10.0 ** int(found[4] or 0)
        return -size if found[2] else size

    def _digits(self, digits: str, *, scientific: bool) -> float | None:
        if len(digits) > 30:
            return None
        if _WHOLE.fullmatch(digits):
            return float(digits)
        for mark in (self.decimal, _OTHER[self.decimal]):
            grouped = not scientific and _GROUPED[mark].fullmatch(digits)
            if grouped or _PLAIN[mark].fullmatch(digits):
                return float(digits.replace(_OTHER[mark], "").replace(",", "."))
        return None


class Amounts(Numbers):
    """Prices, shares, scores: from 0."""

    def _possible(self, value: float) -> bool:
        return 0 <= value < _HUGE


class Counts(Amounts):
    """Things counted: whole, from 0."""

    def _shaped(self, value: float) -> int | None:
        return round(value)


class Ranks(Counts):
    """Places in a list: whole, from 1; tools write 0 where something has no rank."""

    def _shaped(self, value: float) -> int | None:
        return round(value) or None
