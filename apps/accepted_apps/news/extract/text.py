"""The text: of all blocks of a page those that are the article, judged from what is seen and what others say."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import html
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree
from trafilatura import bare_extraction

from .blocks import Block
from .dates import is_date
from .linked import clean
from .page import Page
from .people import signed_by
from .state import text_in_scripts
from .titles import folded
from .traits import Traits, Witness, traits_of
from .trees import learned

# What trafilatura says about a page that it cannot read is not for the operator: the page is reported as it is.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)
KEEP = 0.5
"""How likely a block has to be of the article."""
LARGE = 2_500_000
"""Characters of markup, from which on trafilatura is asked once, and in its fast mode."""
_COMPLETE = 400
_OPENING = 40
"""Letters of a line, from which on it is no more one of those that stand between the headline and the text."""


@dataclass(frozen=True, slots=True)
class Body:
    """text: paragraphs, a line each. container: the element that holds most of it. source: who was followed."""

    text: str
    blocks: list[Block]
    container: html.HtmlElement | None
    source: str


def body_of(page: Page, title: str, lead: str) -> Body:
    """May be empty."""
    told = _told(page)
    blocks, traits = judged(page, title, lead)
    kept = _kept(blocks, traits)
    text = "\n".join(block.text for block in kept)
    if len(told) > _COMPLETE and len(text) < 0.4 * len(told):
        return Body(told, kept, _container(kept), "json-ld")
    if len(text) < _COMPLETE:
        hidden = text_in_scripts(page, title)
        if len(text) < 0.4 * len(hidden):
            return Body(hidden, kept, _container(kept), "script")
    return Body(text, kept, _container(kept), "blocks")


def judged(page: Page, title: str, lead: str) -> tuple[list[Block], list[Traits]]:
    """All blocks of the page, and what can be said of each."""
    blocks = page.blocks
    precise = _precise(page)
    witnesses = {
        "precise": Witness.of(precise),
        "plain": Witness.of(_plain(page) if len(page.markup) <= LARGE else precise),
        "wide": Witness.of(_wide(page)),
        "linked": Witness.of(_told(page)),
    }
    return blocks, traits_of(blocks, witnesses, title, lead)


def _precise(page: Page) -> str:
    return _trafilatura(page, favor_precision=True, fast=len(page.markup) > LARGE)


def _plain(page: Page) -> str:
    return _trafilatura(page, favor_precision=False, fast=False)


def _trafilatura(page: Page, *, favor_precision: bool, fast: bool) -> str:
    document = bare_extraction(
        copy.deepcopy(page.tree),
        url=page.url or None,
        favor_precision=favor_precision,
        include_comments=False,
        fast=fast,
    )
    return str(getattr(document, "text", "") or "")


def _wide(page: Page) -> str:
    tree = HTMLTree.parse(page.markup)
    return str(extract_plain_text(tree, main_content=True, alt_texts=False))


def _told(page: Page) -> str:
    """The text that the page hands to search engines: whole, cut off after some lines, or missing."""
    texts = [
        str(node[member])
        for node in page.linked.article
        for member in ("articleBody", "text")
        if isinstance(node.get(member), str)
    ]
    text = max(texts, key=len, default="")
    if "</p>" in text or "<br" in text or "&lt;p" in text:
        text = text.replace("&lt;", "<").replace("</p>", "\n").replace("<br", "\n<br")
    return "\n".join(line for one in text.split("\n") if (line := clean(one)))


def _kept(blocks: Sequence[Block], traits: Sequence[Traits]) -> list[Block]:
    forest = learned()
    kept = [forest.likelihood(one) > KEEP for one in traits]
    seen: set[str] = set()
    opening = True
    for at, block in enumerate(blocks):
        key = folded(block.text)
        # Who signs it is told as the author, and when, above the first paragraph, as its date.
        told = kept[at] and (signed_by(block.text) or (opening and is_date(block.text)))
        if not key or (len(key) > 40 and key in seen) or told:
            kept[at] = False
        elif kept[at]:
            seen.add(key)
            opening = opening and len(key) < _OPENING
    for at, block in enumerate(blocks):
        # A heading over nothing that was kept belongs to what was not.
        if kept[at] and block.is_heading and not any(kept[at + 1 : at + 4]):
            kept[at] = False
    return [block for block, yes in zip(blocks, kept, strict=True) if yes]


def _container(blocks: Sequence[Block]) -> html.HtmlElement | None:
    """The narrowest element that holds nearly all of the text, or the page's article element if that is wider."""
    total = sum(len(block.text) for block in blocks) or 1
    lengths: dict[html.HtmlElement, int] = {}
    for block in blocks:
        for around in (block.element, *block.element.iterancestors()):
            lengths[around] = lengths.get(around, 0) + len(block.text)
    wide = [one for one, length in lengths.items() if length >= 0.85 * total]
    if not wide:
        return None
    narrowest = max(wide, key=lambda one: sum(1 for _ in one.iterancestors()))
    article = next((one for one in narrowest.iterancestors("article")), None)
    return article if article is not None else narrowest
