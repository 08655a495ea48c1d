"""The category of a keyword, by stated rules. docs/sales.md tells them in the same order."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import regex

from accepted_apps.sales.analysis.core import Core
from accepted_apps.sales.analysis.model import DESIGN, IRRELEVANT, OUTLIER, RELEVANT
from accepted_apps.sales.analysis.text import Stemmer

COMPETITORS_FOUND: Final = 9
"""Relevancy from which most competitors are found by a keyword: then it is theirs, whatever its words say."""
NAMED_OCCASION: Final = "is for an occasion that the title names"
_ALWAYS: Final = ("quality", "pack")
"""What the product is said to be in its title sets no keyword apart, if it is one of these."""

_NUMBERS: Final = regex.compile(r"(?i)(?:b0[a-z0-9]{8}|\d+[x\d]*)(?:[|,; ]+(?:b0[a-z0-9]{8}|\d+[x\d]*))*")


@dataclass(frozen=True, slots=True)
class Verdict:
    category: str
    reason: str


class Judge:
    """Judges keywords of the marketplace's language that name no brand."""

    def __init__(self, stemmer: Stemmer, core: Core, title: frozenset[str], listing: frozenset[str]) -> None:
        """title, listing: the stems of the present title, and of all that the listing says."""
        words, self._core, self._title, self._listing = stemmer.words, core, title, title | listing
        self._stemmer = stemmer
        self._generic = stemmer.stemmed(words.generic) - core.stems
        self._occasion = stemmer.stemmed(words.occasion) - core.stems
        self._people = stemmer.stemmed(words.people) - core.stems
        self._informational = stemmer.stemmed(words.informational) - core.stems
        self._foreign_forms = stemmer.stemmed(words.foreign_forms) - core.stems - self._listing
        self._design = {kind: stemmer.stemmed(listed) - core.heads for kind, listed in words.design.items()}
        self._any_design = frozenset().union(*self._design.values())

    def verdict(self, words: Sequence[str], relevancy: int) -> Verdict:
        """words: of the phrase, with slips set right. relevancy: by the ranks alone."""
        content = [self._stemmer.stem(one) for one in self._stemmer.content(words)]
        if not content or all(one.isdigit() for one in content):
            return Verdict(IRRELEVANT, "no words")
        found = set(content)
        if "friday" in found:
            # "black friday" is a day, and no colour.
            found.discard("black")
        if self._informational.intersection(map(self._stemmer.stem, words)):
            return Verdict(IRRELEVANT, "asks for information")
        if self._named_occasion(found):
            return Verdict(RELEVANT, NAMED_OCCASION)
        if not found & self._core.stems:
            return self._without_core(found, relevancy)
        if not found & self._core.heads:
            return self._without_head(words, found, relevancy)
        return self._with_head(words, found, relevancy)

    def _named_occasion(self, found: set[str]) -> bool:
        """Whether a phrase is about an occasion, and all its words are the title's."""
        return len(found & self._occasion) > 1 and found <= self._title

    def _without_core(self, found: set[str], relevancy: int) -> Verdict:
        if found & (self._generic | self._occasion) or found <= self._people | self._any_design:
            return Verdict(OUTLIER, "names a whole category, or an occasion")
        if relevancy >= COMPETITORS_FOUND:
            return Verdict(RELEVANT, "most competitors rank for it")
        return Verdict(IRRELEVANT, "has no word that the product is searched by")

    def _without_head(self, words: Sequence[str], found: set[str], relevancy: int) -> Verdict:
        """Words of the product's surroundings, and not what it is."""
        rest = found - self._core.stems
        strange = rest - self._generic - self._occasion - self._people - self._any_design
        if not strange and rest & (self._generic | self._occasion):
            return Verdict(OUTLIER, "names a whole category, or an occasion")
        if relevancy >= COMPETITORS_FOUND:
            return Verdict(RELEVANT, "most competitors rank for it")
        if not rest:
            return Verdict(OUTLIER, "broad: says not what the product is")
        if strange & self._generic or not strange:
            return Verdict(OUTLIER, "broad: says not what the product is")
        return Verdict(IRRELEVANT, "is for something else: " + self._first(words, strange))

    def _with_head(self, words: Sequence[str], found: set[str], relevancy: int) -> Verdict:
        rest = found - self._core.stems
        strange = rest - self._listing - self._core.related
        strange -= self._generic | self._occasion | self._people | self._any_design
        head = self._stemmer.stem(self._stemmer.head(words))
        joined = any(one in self._stemmer.words.split for one in words[1:-1])
        if found & self._foreign_forms and relevancy < COMPETITORS_FOUND:
            return Verdict(IRRELEVANT, "is another form of it: " + self._first(words, self._foreign_forms))
        if head in strange and relevancy < COMPETITORS_FOUND:
            return Verdict(IRRELEVANT, "is for something else: " + self._first(words, {head}))
        if self._core.topics and not found & self._core.topics:
            if strange and relevancy < COMPETITORS_FOUND:
                return Verdict(IRRELEVANT, "is for something else: " + self._first(words, strange))
            if not rest and len(found) == 1 and relevancy < COMPETITORS_FOUND:
                return Verdict(OUTLIER, "broad: one word")
        kind = next((kind for kind, listed in self._design.items() if found & listed - self._core.stems), None)
        if kind is not None and not (kind in _ALWAYS and found & self._design[kind] <= self._title):
            return Verdict(DESIGN, f"says which one: {kind}")
        if strange and joined:
            return Verdict(DESIGN, "says which one: with " + self._first(words, strange))
        return Verdict(RELEVANT, "says what the product is")

    def _first(self, words: Sequence[str], stems: Set[str]) -> str:
        """The first word of these stems, as it was written."""
        return next(one for one in words if self._stemmer.stem(one) in stems)


def is_no_phrase(phrase: str) -> bool:
    """Whether there is nothing to judge: product numbers, digits, signs, what was garbled on the way."""
    bare = phrase.strip()
    return not any(map(str.isalpha, bare)) or _NUMBERS.fullmatch(bare) is not None
