"""What is learned from pages, and that what was learned still means something."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import news_trees
import pytest
from accepted_apps.news.extract.page import Page
from accepted_apps.news.extract.text import judged
from accepted_apps.news.extract.trees import Forest, learned

from .pages import PARAGRAPHS, TITLE, URL, page

FOREST = Forest(-1.0, [["length", 0.5, 0.25, ["links", 0.1, 2.0, -3.0]], ["heading", 0.5, 0.0, 1.0]])


def asked(tree: Any) -> Iterator[str]:
    if isinstance(tree, list):
        yield tree[0]
        yield from asked(tree[2])
        yield from asked(tree[3])


def test_every_question_of_a_tree_is_about_a_trait_that_is_measured() -> None:
    _, traits = judged(Page(page(), URL, ""), TITLE, "")
    names = {name for tree in learned().trees for name in asked(tree)}
    assert {"said precise", "said plain", "links"} <= names <= set(traits[0])


@pytest.mark.parametrize(
    ("length", "links", "heading", "total"),
    [(0.5, 1.0, 0.0, -0.75), (0.6, 0.1, 0.0, 1.0), (0.6, 0.2, 0.0, -4.0), (0.0, 0.0, 1.0, 0.25)],
)
def test_a_block_is_as_likely_as_its_trees_say_together(
    length: float, links: float, heading: float, total: float
) -> None:
    traits = {"length": length, "links": links, "heading": heading}
    assert FOREST.likelihood(traits) == pytest.approx(1 / (1 + math.exp(-total)))


def test_what_is_written_is_read_again() -> None:
    assert Forest(**json.loads(news_trees.written(FOREST))) == FOREST


def test_blocks_are_learned_from_by_whether_their_text_is_in_the_gold() -> None:
    gold = {"text": "\n".join(PARAGRAPHS)}
    labels = news_trees.labels_of([PARAGRAPHS[0], "Home Politics Sport", PARAGRAPHS[1] + " Read more about it"], gold)
    assert labels[:2] == [1.0, 0.0]
    assert labels[2] is not None
    assert 0.5 < labels[2] < 1.0


def test_of_sentences_only_the_blocks_that_hold_one_are_learned_from() -> None:
    gold = {"with": ["Many roads are closed"], "without": ["all rights reserved"]}
    texts = [PARAGRAPHS[0], PARAGRAPHS[1], "The Daily, all rights reserved."]
    assert news_trees.labels_of(texts, gold) == [None, 1.0, 0.0]


def test_pages_of_one_site_are_never_on_both_sides_of_a_check() -> None:
    parts = [news_trees.part_of({"url": f"https://www.daily.example/{n}"}) for n in range(20)]
    assert len(set(parts)) == 1
