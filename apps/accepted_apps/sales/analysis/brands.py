"""Which words of an export are names of brands.

Four signs: the listing's own brand; brands that everybody knows (words/brands.txt); somebody's thing ("anthony's");
and a word that no dictionary has, that is no misspelling of a frequent word of the export, and not made of two words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from accepted_apps.sales.analysis.lexicon import known
from accepted_apps.sales.analysis.text import tokens
from accepted_apps.sales.analysis.words import known_brands

_NAME_FROM: Final = 3
"""Letters from which an unknown word may be a name: shorter ones are units and abbreviations."""
_PART_FROM: Final = 3
_COMPOUNDS: Final = 20_000
"""The most unknown words that are looked at for parts."""


@dataclass(frozen=True, slots=True)
class Brands:
    """names: words that are a brand each. phrases: brands of several words, by their first one."""

    names: frozenset[str]
    phrases: dict[str, tuple[tuple[str, ...], ...]]

    def found_in(self, words: Sequence[str]) -> str | None:
        """The brand that stands in a phrase, if one does."""
        for at, word in enumerate(words):
            if word in self.names:
                return word
            for brand in self.phrases.get(word, ()):
                if tuple(words[at : at + len(brand)]) == brand:
                    return " ".join(brand)
        return None


def own_brands(brand: str, title: str, words: Collection[str]) -> list[tuple[str, ...]]:
    """The listing's brand, and the name at the head of its title, each as words. words: those of dictionaries.

    A title begins with the brand, in short ("GWT" of Gold Water Trading) or in full; its first word counts as that
    where it is no word of a dictionary.
    """
    found: list[tuple[str, ...]] = []
    named = tuple(tokens(brand))
    if named:
        found.append(named)
        found += [(one,) for one in named if one not in words and len(one) >= _NAME_FROM]
    first = tokens(title)[:1]
    if first and first[0] not in words and len(first[0]) >= _NAME_FROM and not first[0].isdigit():
        found.append((first[0],))
    return found


def brands_of(own: Iterable[tuple[str, ...]], unknown: Iterable[str], main: Collection[str]) -> Brands:
    """All brands. unknown: words that are names, by `names_among`. main: words of the main keyword, never a brand."""
    names = set(unknown)
    phrases: dict[str, list[tuple[str, ...]]] = {}
    for brand in [*own, *(tuple(tokens(" ".join(one))) for one in known_brands())]:
        if len(brand) == 1 and brand[0] not in main:
            names.add(brand[0])
        elif len(brand) > 1 and not set(brand) <= set(main):
            phrases.setdefault(brand[0], []).append(brand)
    return Brands(frozenset(names), {first: tuple(all_of) for first, all_of in phrases.items()})


def names_among(counts: Counter[str], words: Collection[str], right: Collection[str], language: str) -> frozenset[str]:
    """Words that are names. words: those of any dictionary; right: what counts as none for another reason."""
    unknown = [
        one
        for one, _ in counts.most_common()
        if one not in words and one not in right and len(one) >= _NAME_FROM and not any(map(str.isdigit, one))
    ]
    return frozenset(unknown) - _compounds(unknown[:_COMPOUNDS], counts, language)


def _compounds(unknown: Sequence[str], counts: Counter[str], language: str) -> frozenset[str]:
    """Words that are made of two: of the export's own, and in German of any."""
    splits = {one: [(one[:at], one[at:]) for at in range(_PART_FROM, len(one) - _PART_FROM + 1)] for one in unknown}
    parts = {part for pairs in splits.values() for pair in pairs for part in pair}
    if language == "de":
        parts |= {part[:-1] for part in parts if part.endswith("s")}
        fit = known(parts, "de")
    else:
        fit = frozenset(part for part in parts if counts[part] > 1)
    return frozenset(
        one
        for one, pairs in splits.items()
        if any((first in fit or first.removesuffix("s") in fit) and last in fit for first, last in pairs)
    )
