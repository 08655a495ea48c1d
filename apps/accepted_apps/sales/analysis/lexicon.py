"""Which words of an export are words of a language, and which are misspelt ones.

The dictionaries (simplemma) are large, 40 to 160 MB each, and take a second to open: two at most stay in memory.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

MISSPELT_FROM: Final = 5
"""Letters from which a word may count as a misspelt one: shorter ones are too much alike."""
_TWO_SLIPS_FROM: Final = 8
_DICTIONARIES: Final = DefaultDictionaryFactory(cache_max_size=2)
_MODELS: Final = 3_000
"""The most frequent words of an export, of which others may be misspellings."""


def known(words: Iterable[str], language: str) -> frozenset[str]:
    """Those of the words that stand in a dictionary of the language (ISO 639-1), in any of their forms."""
    dictionary = _DICTIONARIES.get_dictionary(language)
    # German nouns stand in it as they are written.
    nouns = language == "de"
    return frozenset(one for one in words if one in dictionary or (nouns and one.capitalize() in dictionary))


def misspellings(counts: Counter[str], right: Collection[str]) -> dict[str, str]:
    """Words that are none, and are one slip away (two, from eight letters on) from a more frequent one that is.

    counts: how often each word occurs. A slip is a letter too many, too few, another, or two that changed places; the
    first letter is right, or the rest is.
    """
    models = [one for one, times in counts.most_common() if one in right and len(one) >= MISSPELT_FROM - 1][:_MODELS]
    by_deletion: defaultdict[str, list[str]] = defaultdict(list)
    for model in models:
        for reduced in _deletions(model, 2 if len(model) >= _TWO_SLIPS_FROM else 1):
            by_deletion[reduced].append(model)
    found: dict[str, str] = {}
    for word, times in counts.items():
        if word in right or len(word) < MISSPELT_FROM or any(map(str.isdigit, word)):
            continue
        slips = 2 if len(word) >= _TWO_SLIPS_FROM else 1
        near = {model for reduced in _deletions(word, slips) for model in by_deletion.get(reduced, ())}
        ranked = sorted(
            (distance, -counts[model], model)
            for model in near
            if counts[model] > times and (distance := _slips(word, model)) <= (slips if word[0] == model[0] else 1)
        )
        if ranked:
            found[word] = ranked[0][2]
    return found


def joins(
    counts: Counter[str], pairs: Mapping[tuple[str, str], int], right: Collection[str]
) -> tuple[dict[tuple[str, str], str], dict[str, tuple[str, str]]]:
    """Words that are written as one and as two: ("make", "up") → "makeup", "freezedried" → ("freeze", "dried").

    pairs: how often two words stand together. What a dictionary has as one word becomes one, anything else two.
    """
    whole: dict[tuple[str, str], str] = {}
    parts: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        one = pair[0] + pair[1]
        if one not in counts or len(one) < MISSPELT_FROM or one.isdigit():
            continue
        if one in right:
            whole[pair] = one
        else:
            parts[one] = pair
    return whole, parts


def _deletions(word: str, depth: int) -> set[str]:
    found = {word}
    edge = found
    for _ in range(depth):
        edge = {one[:at] + one[at + 1 :] for one in edge for at in range(len(one))}
        found = found | edge
    return found


def _slips(left: str, right: str) -> int:
    """Damerau-Levenshtein distance, with neighbours changing places as one slip."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row, before_row = row, [i], before
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before_row[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]
