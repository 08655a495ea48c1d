"""Backend terms: words of keywords that title and bullets do not have, by the searches they stand for."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.limits import Limits
from accepted_apps.sales.analysis.seo.validator import Allowed, foreign
from accepted_apps.sales.analysis.seo.writing import true_words
from accepted_apps.sales.analysis.text import Stemmer, tokens

_LETTERS: Final = 2
_COMMON_TIMES: Final = 3
_COMMON_MEAN: Final = 7.0


def backend_terms(found: Analysis, used: set[str], limits: Limits, stemmer: Stemmer, allowed: Allowed) -> list[str]:
    """Words, each once by its stem, within the limit of bytes. used: stems of title and bullets.

    Those of wanted keywords come first, then those of other languages; both by the volume of their keywords. Slips
    are left out: Amazon sets them right itself. A word that says which design a product is (its colour, its material
    …) has to be true of this one; any other that the listing does not have has to be competitors' common one: in three
    keywords or more, with a mean relevancy from 7.
    """
    taken = set(used) | allowed.brands
    made: list[str] = []
    size = -1
    ours = filter(_may_stand(found, stemmer), _by_volume(found.wanted, stemmer, slips=False))
    for word in itertools.chain(ours, _by_volume(foreign(found), stemmer, slips=True)):
        stem = stemmer.stem(word)
        longer = size + 1 + len(word.encode())
        if stem in taken or longer > limits.backend:
            continue
        taken.add(stem)
        made.append(word)
        size = longer
    return made


def _may_stand(found: Analysis, stemmer: Stemmer) -> Callable[[str], bool]:
    true = true_words(found, stemmer)
    design = frozenset().union(*map(stemmer.stemmed, stemmer.words.design.values()))
    scores: defaultdict[str, list[int]] = defaultdict(list)
    for item in found.wanted:
        for stem in set(item.stems):
            scores[stem].append(item.base_relevancy_score)

    def may_stand(word: str) -> bool:
        stem = stemmer.stem(word)
        if true is not None and (stem in true or stem in design):
            return stem in true
        of = scores[stem]
        return len(of) >= _COMMON_TIMES and sum(of) / len(of) >= _COMMON_MEAN

    return may_stand


def _by_volume(items: list[Item], stemmer: Stemmer, *, slips: bool) -> list[str]:
    volumes: defaultdict[str, float] = defaultdict(float)
    for item in items:
        words = tokens(item.phrase)
        for word in dict.fromkeys(words):
            if len(word) < _LETTERS or word.isdigit() or _is_function(word, stemmer, abroad=slips):
                continue
            if slips or stemmer.stem(word) in item.stems:
                volumes[word] += (1 + item.volume) * (1 + item.relevancy_score)
    return sorted(volumes, key=lambda one: (-volumes[one], one))


def _is_function(word: str, stemmer: Stemmer, *, abroad: bool) -> bool:
    return stemmer.is_function(word) or (abroad and len(word) <= 3)
