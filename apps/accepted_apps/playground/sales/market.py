"""What people search for around the product: two exports of a made-up market, in which ranks follow the meaning.

Half of the competitors in the top ten make a keyword that belongs to the product; those of another product, of another
brand, in another language and about something else stand among them, as in real exports.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from accepted_apps.playground.sales.exports import CEREBRO, Cell, as_csv, asins, row

_COMPETITORS: Final = 10
_FORMS: Final = (("dried pears", 9), ("dried pear slices", 9), ("dehydrated pears", 7), ("pear slices", 6))
"""What the product is called, each with how many competitors are found by it in the top ten."""
_SOLD: Final = ("", "unsulphured", "no sugar added", "natural", "unsweetened", "bulk", "healthy", "chewy")
_LOOKS: Final = ("organic", "soft", "whole", "halves", "in bag", "for baking", "for muesli", "snack pack", "gift box")

_OTHERS: Final = (
    # phrase, searches a month, competitors in the top ten
    ("dried fruit", 33_100, 5),
    ("dried pear", 2_900, 8),
    ("dried pears no sugar added", 1_480, 8),
    ("sun dried pears", 720, 8),
    ("pears dried", 640, 7),
    ("dryed pears", 210, 6),
    ("zorvani dried pears", 1_900, 4),
    ("kelbrook farms dried fruit", 880, 2),
    ("peras deshidratadas", 590, 4),
    ("peras secas", 320, 3),
    ("freeze dried strawberries", 49_500, 0),
    ("dried mango", 40_500, 1),
    ("pear tree", 22_200, 0),
    ("pear sauce", 1_300, 0),
    ("canned pears", 9_900, 0),
    ("how to dry pears", 480, 0),
    ("pear recipes", 5_400, 0),
    ("food dehydrator", 74_000, 0),
    ("healthy snacks", 110_000, 2),
    ("gift basket", 90_500, 0),
    ("trail mix", 60_500, 0),
    ("stocking stuffers", 201_000, 0),
)


def revenue_export() -> bytes:
    """Of the competitors that sell most."""
    return as_csv(_rows(_SOLD, _OTHERS, most=9_900, seed=1))


def design_export() -> bytes:
    """Of those that look most like the product; some phrases stand in both."""
    return as_csv(_rows(_LOOKS, _OTHERS[:6], most=4_300, seed=2))


def _rows(
    words: Sequence[str], others: Sequence[tuple[str, int, int]], *, most: int, seed: int
) -> Iterator[Sequence[Cell]]:
    chance = random.Random(seed)  # noqa: S311 - made-up numbers are no secrets
    competitors = asins(_COMPETITORS)
    yield (*CEREBRO, *competitors)
    for number, (word, (form, top)) in enumerate(product(words, _FORMS)):
        yield row(_phrase(word, form), most // (number + 1) + 40, _ranks(top, chance), chance)
    for phrase, volume, top in others:
        yield row(phrase, volume, _ranks(top, chance), chance)


def _phrase(word: str, form: str) -> str:
    behind = word.startswith(("no ", "in ", "for ", "bulk", "snack", "gift", "halves"))
    return f"{form} {word}" if behind else f"{word} {form}".strip()


def _ranks(top: int, chance: random.Random) -> list[Cell]:
    """So many from 1 to 10, the others further down or nowhere."""
    ranks: list[Cell] = [chance.randrange(1, 11) for _ in range(top)]
    ranks += [chance.choice(("-", chance.randrange(11, 120))) for _ in range(_COMPETITORS - top)]
    chance.shuffle(ranks)
    return ranks
