"""What is learned from pages, and that what was learned still means something."""

from __future__ import annotations

import news_weights
from accepted_apps.news.extract.page import Page
from accepted_apps.news.extract.text import judged
from accepted_apps.news.extract.weights import WEIGHTS

from .pages import PARAGRAPHS, TITLE, URL, page


def test_every_weight_belongs_to_a_trait_that_is_measured() -> None:
    _, traits = judged(Page(page(), URL, ""), TITLE, "")
    assert set(WEIGHTS) <= set(traits[0])


def test_blocks_are_learned_from_by_whether_their_text_is_in_the_gold() -> None:
    gold = {"text": "\n".join(PARAGRAPHS)}
    labels = news_weights.labels_of([PARAGRAPHS[0], "Home Politics Sport", PARAGRAPHS[1] + " Read more about it"], gold)
    assert labels[:2] == [1.0, 0.0]
    assert labels[2] is not None
    assert 0.5 < labels[2] < 1.0


def test_of_sentences_only_the_blocks_that_hold_one_are_learned_from() -> None:
    gold = {"with": ["Many roads are closed"], "without": ["all rights reserved"]}
    texts = [PARAGRAPHS[0], PARAGRAPHS[1], "The Daily, all rights reserved."]
    assert news_weights.labels_of(texts, gold) == [None, 1.0, 0.0]


def test_pages_of_one_site_are_never_on_both_sides_of_a_check() -> None:
    parts = [news_weights.part_of({"url": f"https://www.daily.example/{n}"}) for n in range(20)]
    assert len(set(parts)) == 1
