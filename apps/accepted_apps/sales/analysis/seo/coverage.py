"""Which keywords stand in a text: their stems one after another, within one clause, articles and prepositions apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from accepted_apps.sales.analysis.model import Item
from accepted_apps.sales.analysis.text import Stemmer, tokens

_CLAUSE: Final = regex.compile(r"[,;:.!?|()\[\]{}•·–—/]|\s-\s")
_LONGEST: Final = 12


@dataclass(frozen=True, slots=True)
class Coverage:
    """Keywords that a whole listing has. covered: as phrases; indexed: by their words alone, wherever these stand."""

    covered: tuple[Item, ...]
    indexed: tuple[Item, ...]
    total: int

    @property
    def percent(self) -> float:
        return percent(len(self.covered), self.total)

    @property
    def volume(self) -> int:
        return sum(one.volume for one in self.covered)

    @property
    def indexed_volume(self) -> int:
        return sum(one.volume for one in self.indexed)


class Finder:
    """Finds a list of keywords in texts."""

    def __init__(self, items: Sequence[Item], stemmer: Stemmer) -> None:
        self._items, self._stemmer = items, stemmer
        self._written = [tuple(self.stems(one.phrase)) for one in items]

    def stems(self, text: str) -> list[str]:
        """Of the words of one clause, articles and prepositions apart."""
        return [self._stemmer.stem(one) for one in self._stemmer.content(tokens(text))]

    def within(self, *texts: str) -> list[Item]:
        """The keywords that one of the texts has, in their own order."""
        runs = {run for text in texts for clause in _CLAUSE.split(text) for run in _runs(self.stems(clause))}
        return [
            one
            for one, written in zip(self._items, self._written, strict=True)
            if written and (written in runs or one.stems in runs)
        ]

    def coverage(self, *texts: str) -> Coverage:
        """Of a listing: title, bullets, and each backend term."""
        words = {stem for text in texts for stem in self.stems(text)}
        indexed = [
            one
            for one, written in zip(self._items, self._written, strict=True)
            if written and (words.issuperset(written) or words.issuperset(one.stems))
        ]
        return Coverage(tuple(self.within(*texts)), tuple(indexed), len(self._items))


def percent(part: float, whole: float) -> float:
    """With two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def _runs(stems: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for start in range(len(stems)):
        for end in range(start + 1, min(len(stems), start + _LONGEST) + 1):
            yield tuple(stems[start:end])
