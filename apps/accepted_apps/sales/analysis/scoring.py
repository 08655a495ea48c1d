"""Intent, roots, variants and opportunities of judged keywords: all by rules, from the analysis alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from accepted_apps.sales.analysis.languages import NAMES
from accepted_apps.sales.analysis.model import (
    BRANDED,
    DESIGN,
    RELEVANT,
    WANTED,
    Analysis,
    Decision,
    Item,
    Root,
    VariantGroup,
)
from accepted_apps.sales.analysis.text import Stemmer, tokens

FOUND: Final = 7
"""Relevancy from which competitors are found by a keyword."""
VOLUME: Final = 100
"""Searches a month from which a phrase that no title has is worth one."""
LOW_DENSITY: Final = 3
LOW_DENSITY_VOLUME: Final = 300
"""Searches a month from which a phrase that up to LOW_DENSITY titles have is worth one."""

_LANGUAGES: Final = frozenset(NAMES.values()) | {"Other language"}


def score(found: Analysis) -> None:
    """Fill in intent, roots, variants and opportunities; what was there of them is replaced."""
    for item in found.items:
        item.intent_score = intent(item, found)
    found.intent_by = "rules"
    found.roots = _roots(found)
    found.variants = _variants(found)
    for item in found.items:
        item.opportunity_decision, item.opportunity_reason = opportunity(item)


def intent(item: Item, found: Analysis) -> int:
    """0 to 3. What is wanted has 2, and 3 where competitors are found by it (relevancy from 7), or where it names no
    design and has both a word that says what the product is and one that most of the product's keywords have.

    Another's brand has as many of these three signs as there are, less one. In another language it goes by the
    relevancy alone (from 3, 5, 7). What is broad or irrelevant has 0.
    """
    base = item.base_relevancy_score
    if item.category in _LANGUAGES:
        return sum(base >= bound for bound in (3, 5, FOUND))
    stems = set(item.stems)
    named = bool(stems.intersection(found.heads))
    usual = not found.topics or bool(stems.intersection(found.topics))
    competed = base >= FOUND
    if item.category == BRANDED:
        return max(named + usual + competed - 1, 0)
    if item.category == DESIGN:
        return 2 + competed
    if item.category == RELEVANT:
        return 2 + (competed or (named and usual))
    return 0


def opportunity(item: Item) -> tuple[Decision, str]:
    """Whether a keyword is searched for and missing in the titles of the first page, and why (not)."""
    if item.category not in WANTED:
        return "Ignore", f"not wanted: {item.category}"
    if item.variant_of is not None:
        return "Ignore", f"a variant of “{item.variant_of}”"
    if item.title_density is None or item.search_volume is None:
        return "Ignore", "title density or search volume is not known"
    if item.title_density == 0 and item.search_volume >= VOLUME:
        return "Opportunity", f"{item.search_volume:,} searches a month, and no title on the first page has it"
    if 0 < item.title_density <= LOW_DENSITY and item.search_volume >= LOW_DENSITY_VOLUME:
        titles = "one title has" if item.title_density == 1 else f"{item.title_density} titles have"
        return "Opportunity", f"{item.search_volume:,} searches a month, and only {titles} it"
    if item.search_volume < VOLUME:
        return "Ignore", f"fewer than {VOLUME} searches a month"
    return "Ignore", f"{item.title_density} titles on the first page have it"


def _roots(found: Analysis) -> list[Root]:
    """Each keyword's root is its last word that says what the product is; else its head, or, where that is a colour, a
    material or the like, its first word that most of the product's keywords have."""
    stemmer = Stemmer(found.language)
    heads, topics = set(found.heads), set(found.topics)
    design = frozenset().union(*map(stemmer.stemmed, stemmer.words.design.values()))

    def root_of(item: Item) -> str:
        named = [one for one in item.stems if one in heads]
        if item.head in named or not named:
            plain = item.head in design and item.head not in heads
            return next((one for one in item.stems if one in topics), item.head) if plain else item.head
        return named[-1]

    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in found.items:
        for word in tokens(item.phrase):
            forms[stemmer.stem(word)][word] += 1 + item.volume
    volumes: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for item in found.items:
        written = _written(root_of(item), forms)
        item.root = written
        if item.category in WANTED:
            volumes[written] += item.volume
            numbers[written] += 1
    by_form = {_written(stem, forms): stem for stem in forms}
    return [
        Root(
            root=root,
            volume=volumes[root],
            keywords=number,
            forms=tuple(form for form, _ in forms[by_form[root]].most_common()) if root in by_form else (root,),
        )
        for root, number in sorted(numbers.items(), key=lambda one: (-volumes[one[0]], -one[1], one[0]))
    ]


def _written(stem: str, forms: defaultdict[str, Counter[str]]) -> str:
    """A stem as the word that it is mostly searched as."""
    known = forms.get(stem)
    return min(known.items(), key=lambda one: (-one[1], len(one[0]), one[0]))[0] if known else stem


def _variants(found: Analysis) -> list[VariantGroup]:
    groups: defaultdict[tuple[object, ...], list[Item]] = defaultdict(list)
    for item in found.items:
        item.variant_of, item.represents_variants = None, 1
        if item.stems:
            groups[tuple(sorted(item.stems)), item.category in WANTED, item.language].append(item)
    made = []
    for items in groups.values():
        if len(items) < 2:
            continue
        best, *others = sorted(items, key=lambda one: (-one.volume, -one.relevancy_score, len(one.phrase), one.phrase))
        best.represents_variants = len(items)
        for one in others:
            one.variant_of = best.phrase
        made.append(
            VariantGroup(
                best=best.phrase,
                phrases=(best.phrase, *(one.phrase for one in others)),
                volume=sum(one.volume for one in items),
            )
        )
    return sorted(made, key=lambda one: (-one.volume, one.best))
