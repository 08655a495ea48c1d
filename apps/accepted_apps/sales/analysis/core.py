"""The words that a product is searched by, drawn from the keywords for which its competitors rank."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_CORE_SHARE: Final = 0.12
_HEAD_SHARE: Final = 0.12
_RELATED_SHARE: Final = 0.02
_HEAD_MEAN: Final = 6.0
_HEAD_TIMES: Final = 5


@dataclass(frozen=True, slots=True)
class Phrase:
    """A keyword of the marketplace's language without a brand: the stems of its words, its head, its weight."""

    stems: tuple[str, ...]
    head: str
    relevancy: int
    weight: float


@dataclass(frozen=True, slots=True)
class Core:
    """heads: stems that say what the product is. topics: others that most of its keywords have. related: stems that
    some of them have. mean: mean relevancy of the keywords with a stem."""

    heads: frozenset[str]
    topics: frozenset[str]
    related: frozenset[str]

    @property
    def stems(self) -> frozenset[str]:
        return self.heads | self.topics


def weight(relevancy: int, volume: int | None) -> float:
    """What a keyword counts for: the square of its relevancy, times the logarithm of its volume."""
    return relevancy**2 * math.log(math.e + (volume or 0))


def core_of(
    phrases: Iterable[Phrase], *, main: Sequence[str], main_head: str, title: Collection[str], plain: Collection[str]
) -> Core:
    """Stems by their share of the weight of all phrases.

    Heads: from 12 % as the head of a phrase of several words; or at the head of five phrases or more that have
    another word of the main keyword, with a mean relevancy from 6; in both cases mostly at the head where they occur.
    Topics: from 12 %, or twice that where the title does not have them. Related: from 2 %, and the title's.

    main: stems of the main keyword: they belong to the core whatever their share. title: stems that the title has; a
    listing's title makes a word related. plain: stems that say nothing of a product (tools, gifts, colours …).
    """
    whole = 0.0
    support: defaultdict[str, float] = defaultdict(float)
    as_head: defaultdict[str, float] = defaultdict(float)
    relevancies: defaultdict[str, list[int]] = defaultdict(list)
    about = set(main) - {main_head}
    for one in phrases:
        whole += one.weight
        for stem in set(one.stems):
            support[stem] += one.weight
        if len(one.stems) > 1:
            as_head[one.head] += one.weight
            if about.intersection(one.stems):
                relevancies[one.head].append(one.relevancy)
    whole = whole or 1.0
    heads = {stem for stem, share in as_head.items() if share / whole >= _HEAD_SHARE}
    heads |= {
        stem
        for stem, scores in relevancies.items()
        if len(scores) >= _HEAD_TIMES and sum(scores) / len(scores) >= _HEAD_MEAN
    }
    heads = {stem for stem in heads if as_head[stem] >= support[stem] / 2 and stem not in plain}
    if main_head:
        heads.add(main_head)
    needed = {stem: _CORE_SHARE if stem in title or not title else 2 * _CORE_SHARE for stem in support}
    topics = {stem for stem, share in support.items() if share / whole >= needed[stem] and stem not in plain}
    topics |= {one for one in main if one not in plain}
    related = {stem for stem, share in support.items() if share / whole >= _RELATED_SHARE}
    return Core(frozenset(heads), frozenset(topics - heads), frozenset(related | set(title)))
