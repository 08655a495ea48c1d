"""A title: brand, main keyword, what the present title says of size and pack, then further keywords by worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import regex

from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.limits import Limits
from accepted_apps.sales.analysis.seo.validator import Allowed, promotional_in
from accepted_apps.sales.analysis.seo.writing import Case, clean, stems_of
from accepted_apps.sales.analysis.text import Stemmer, contains, tokens

_PARTS: Final = regex.compile(r"[,|•·;]|\s[-–—]\s|\(|\)")
_AMOUNT: Final = regex.compile(r"\d")
_AMOUNT_MOST: Final = 40
"""Characters of a part of the present title that says an amount: "Pack of 4", "6 Pcs"."""
_WORTH_REPEATING: Final = 500
"""Searches a month from which a keyword has a place though the title has all of its words, elsewhere."""
_FURTHER: Final = 8
"""Keywords after the main one: more of them make a list of words, not a title."""


class TitleWriter:
    """Writes one title, in which no word occurs more often than it may."""

    def __init__(self, found: Analysis, limits: Limits, stemmer: Stemmer, allowed: Allowed) -> None:
        self._found, self._limits, self._stemmer, self._allowed = found, limits, stemmer, allowed
        self._case = Case(found, stemmer)
        self._title = ""
        self._used: Counter[str] = Counter()

    def write(self, keywords: Sequence[Item]) -> str:
        """The title; without a main keyword and a brand it is that of the best keywords alone."""
        found = self._found
        main = self._case.title(clean(found.main_keyword))
        brand = clean(found.brand)
        whole = f"{brand} {main}".strip()
        front = whole if len(whole) <= min(self._limits.front, self._limits.short or self._limits.title) else main
        self._title = front[: self._limits.title]
        self._used = stems_of([self._title], self._stemmer)
        amounts = self._amounts()
        further = 0
        for item in keywords:
            if further == _FURTHER:
                break
            further += self._add(self._new_part(item), room=sum(len(one) + 2 for one in amounts))
        for amount in amounts:
            self._add(amount)
        return self._title

    def _new_part(self, item: Item) -> str:
        """The phrase, or what of it is new where its other words are used up; "" where nothing is."""
        stems = self._stemmer.stems(item.phrase)
        if contains(self._stemmer.stems(self._title), stems):
            return ""
        words = item.phrase.split()
        fits = [self._fits(one) for one in words]
        new = any(self._used[stem] == 0 for stem in stems)
        if all(fits) and (new or item.volume >= _WORTH_REPEATING):
            part = words
        elif not self._stemmer.words.negation.intersection(tokens(item.phrase)):
            # A part of "no sugar added" says the contrary.
            part = self._new_run(words)
        else:
            part = []
        # "press for" says nothing.
        while part and self._stemmer.is_function(part[-1].lower()):
            part.pop()
        while part and self._stemmer.is_function(part[0].lower()):
            part.pop(0)
        return self._case.title(clean(" ".join(part)))

    def _new_run(self, words: Sequence[str]) -> list[str]:
        """Words of a phrase one after another that the title has not: two, or one that says what the product is."""
        new = [not any(self._used[stem] for stem in self._stemmer.stems(one)) for one in words]
        start = next((at for at, is_new in enumerate(new) if is_new), len(words))
        end = next((at for at in range(start, len(words)) if not new[at]), len(words))
        run = list(words[start:end])
        content = [one for one in run if not self._stemmer.is_function(one.lower())]
        names = any(self._stemmer.stem(one.lower()) in self._found.heads for one in content)
        return run if len(content) > 1 or names else []

    def _fits(self, word: str) -> bool:
        return all(
            self._used[stem] < self._limits.word_times
            for one, stem in ((one, self._stemmer.stem(one)) for one in tokens(word))
            if not self._stemmer.is_function(one)
        )

    def _add(self, part: str, *, room: int = 0) -> bool:
        """Whether there was a part, and place for it; `room` stays free behind it."""
        if not part or promotional_in(part, self._stemmer):
            return False
        longer = f"{self._title}, {part}" if self._title else part
        used = self._used + stems_of([part], self._stemmer)
        if len(longer) + room > self._limits.title or any(one > self._limits.word_times for one in used.values()):
            return False
        if self._allowed.brands.intersection(self._stemmer.stems(part)):
            return False
        self._title, self._used = longer, used
        return True

    def _amounts(self) -> list[str]:
        parts = (clean(one).strip(" .:-–—") for one in _PARTS.split(self._found.listing.title))
        return [one for one in parts if _AMOUNT.search(one) and len(one) <= _AMOUNT_MOST][:2]
