"""What the analysis makes of an export: plain values, so that a step of a job can be stored and taken up again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

RELEVANT: Final = "Relevant"
DESIGN: Final = "Design-Specific"
IRRELEVANT: Final = "Irrelevant"
BRANDED: Final = "Branded"
SPANISH: Final = "Spanish"
OUTLIER: Final = "Outlier"

CATEGORIES: Final = (RELEVANT, DESIGN, IRRELEVANT, BRANDED, SPANISH, OUTLIER)
"""The six that every result counts. A phrase in another language than the marketplace's has that language's English
name for a category: "Spanish", "Portuguese", "Arabic" …"""

WANTED: Final = frozenset({RELEVANT, DESIGN})
"""The categories whose keywords a listing may be written with."""

Decision = Literal["Opportunity", "Ignore"]
By = str
"""Who judged: "rules", or the name of the language model."""


@dataclass(slots=True, kw_only=True)
class Item:
    """One keyword, judged. What no export tells is None.

    base_relevancy_score: by the competitors' ranks alone; relevancy_score: with the words of the title.
    root: the word that the phrase is grouped by, as it is mostly written. language: of the phrase, ISO 639-1.
    variant_of: the phrase that stands for this one, if another does; represents_variants: how many phrases this one
    stands for, itself included. reason: why it is in its category, in a few words. stems: of its words without articles
    and prepositions, with slips set right, in order; head: that of them which says what the thing is.
    """

    phrase: str
    key: str
    search_volume: int | None = None
    category: str = RELEVANT
    reason: str = ""
    language: str = ""
    relevancy_score: int = 0
    base_relevancy_score: int = 0
    root: str = ""
    intent_score: int = 0
    title_density: int | None = None
    cpr: int | None = None
    competing_products: int | None = None
    ranking_competitors: int | None = None
    competitor_rank_avg: float | None = None
    competitor_performance_score: float | None = None
    keyword_sales: int | None = None
    iq_score: int | None = None
    in_files: tuple[str, ...] = ()
    variant_of: str | None = None
    represents_variants: int = 1
    opportunity_decision: Decision = "Ignore"
    opportunity_reason: str = ""
    by: By = "rules"
    stems: tuple[str, ...] = ()
    head: str = ""

    @property
    def volume(self) -> int:
        """The search volume, where it is summed: what is unknown adds nothing."""
        return self.search_volume or 0


@dataclass(slots=True, kw_only=True)
class Root:
    """A word that keywords have in common. volume: of those that are wanted, each once; keywords: their number."""

    root: str
    volume: int
    keywords: int
    forms: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class VariantGroup:
    """Phrases that differ in number, word order, articles, hyphens, accents or a slip only. best: the one to use."""

    best: str
    phrases: tuple[str, ...]
    volume: int


@dataclass(slots=True, kw_only=True)
class Listing:
    """What the analysis uses of a product's page, or of nothing at all: then everything is empty."""

    asin: str = ""
    title: str = ""
    brand: str = ""
    bullets: tuple[str, ...] = ()
    overview: dict[str, str] = field(default_factory=dict)
    category: tuple[str, ...] = ()
    description: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Analysis:
    """A product's keywords, judged.

    left_out: keywords that were not analysed, as there were more than `MOST`. main_keyword: the given one, or the one
    that was chosen; main_chosen: by what rule. heads, topics: stems of words that say what the product is, and of
    others that most of its keywords have. brand: the listing's, as its title writes it; other_brands: those that
    keywords name. categories_by, intent_by: who judged.
    """

    marketplace: str
    language: str
    listing: Listing
    items: list[Item]
    left_out: int = 0
    main_keyword: str = ""
    main_chosen: str = ""
    heads: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    brand: str = ""
    other_brands: tuple[str, ...] = ()
    roots: list[Root] = field(default_factory=list)
    variants: list[VariantGroup] = field(default_factory=list)
    categories_by: By = "rules"
    intent_by: By = "rules"
    notes: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> list[Item]:
        """The keywords that a listing may be written with."""
        return [one for one in self.items if one.category in WANTED]
