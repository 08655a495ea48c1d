"""How likely a block belongs to the article: boosted decision trees over its traits, learned from known articles.

`scripts/news_trees.py` writes `trees.json`; docs/news.md says from which pages.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .traits import Traits

FILE = Path(__file__).with_name("trees.json")


@dataclass(frozen=True, slots=True)
class Forest:
    """bias: what every block begins with. A tree is what it adds to that, or a question: [trait, bound, the tree where
    the trait is at most the bound, the tree where it is more]."""

    bias: float
    trees: list[Any]

    def likelihood(self, traits: Traits) -> float:
        """Between 0 and 1."""
        return 1 / (1 + math.exp(-self.bias - sum(_added(tree, traits) for tree in self.trees)))


@cache
def learned() -> Forest:
    """The trees that are delivered."""
    return Forest(**json.loads(FILE.read_text("utf-8")))


def _added(tree: Any, traits: Traits) -> float:
    while type(tree) is list:
        trait, bound, least, more = tree
        tree = least if traits[trait] <= bound else more
    return float(tree)
