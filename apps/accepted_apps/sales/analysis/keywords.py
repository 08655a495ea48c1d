"""From exports to judged keywords: relevancy, language, brand and category of each."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from accepted_apps.sales.analysis import relevancy
from accepted_apps.sales.analysis.brands import Brands, brands_of, names_among, own_brands
from accepted_apps.sales.analysis.categories import NAMED_OCCASION, Judge, is_no_phrase
from accepted_apps.sales.analysis.core import Core, Phrase, core_of, weight
from accepted_apps.sales.analysis.languages import NAMES, NEIGHBOURS, Vocabulary, by_script
from accepted_apps.sales.analysis.lexicon import joins, known, misspellings
from accepted_apps.sales.analysis.model import BRANDED, IRRELEVANT, OUTLIER, Analysis, Item, Listing
from accepted_apps.sales.analysis.text import Stemmer, contains, tokens
from accepted_apps.sales.analysis.words import trade_words
from accepted_apps.sales.model import MARKETPLACES, Keyword, Keywords, Product

MOST: Final = 50_000
"""Keywords that are analysed at most: those of the highest relevancy, then of the highest volume."""
SHOP: Final = "amazon"
_JOINS: Final = 2_000


@dataclass(slots=True)
class Reading:
    """One phrase on its way, and its words, with slips set right."""

    item: Item
    words: list[str]


def listing_of(product: Product | None) -> Listing:
    """What the analysis uses of a product's page."""
    if product is None:
        return Listing()
    return Listing(
        asin=product.asin,
        title=product.title,
        brand=product.brand or "",
        bullets=tuple(product.bullets),
        overview=dict(product.overview),
        category=tuple(product.category),
        description=tuple(product.description),
    )


def analyse(
    exports: Keywords, product: Product | None, marketplace: str, main_keyword: str | None = None, *, most: int = MOST
) -> Analysis:
    """Every keyword with its relevancy, language and category, by rules, in the order of the exports.

    Raises KeyError for an unknown marketplace. It is a matter of seconds, all of them the processor's: call it in a
    process, or at least a thread, of its own.
    """
    language = MARKETPLACES[marketplace].language
    listing = listing_of(product)
    stemmer = Stemmer(language)
    title = frozenset(stemmer.stems(listing.title))
    read = [_read(*one, stemmer, title) for one in _most_relevant(exports, stemmer, title, most)]
    found = Analysis(
        marketplace=marketplace,
        language=language,
        listing=listing,
        items=[one.item for one in read],
        left_out=len(exports.keywords) - len(read),
    )
    _judge(found, read, stemmer, title, main_keyword)
    return found


def _most_relevant(
    exports: Keywords, stemmer: Stemmer, title: frozenset[str], most: int
) -> list[tuple[Keyword, int | None]]:
    """Keywords, in order, with their relevancy by ranks; where ranks tell, no word of those left out is looked at."""
    bases = [(one, relevancy.by_ranks(one, exports)) for one in exports.keywords]
    if len(bases) <= most:
        return bases
    scores = [
        relevancy.by_words(_stems(tokens(one.phrase), stemmer), title) if base is None else base for one, base in bases
    ]
    order = sorted(range(len(bases)), key=lambda at: (-scores[at], -(bases[at][0].search_volume or 0), at))
    return [bases[at] for at in sorted(order[:most])]


def _stems(words: Sequence[str], stemmer: Stemmer) -> tuple[str, ...]:
    """Those of all words but articles and prepositions."""
    return tuple(map(stemmer.stem, stemmer.content(words)))


def _read(keyword: Keyword, base: int | None, stemmer: Stemmer, title: frozenset[str]) -> Reading:
    words = tokens(keyword.phrase)
    stems = _stems(words, stemmer)
    scored = relevancy.by_words(stems, title) if base is None else base
    item = Item(
        phrase=keyword.phrase,
        key=keyword.key,
        search_volume=keyword.search_volume,
        base_relevancy_score=scored,
        relevancy_score=scored if base is None else relevancy.adjusted(base, stems, title),
        title_density=keyword.title_density,
        cpr=keyword.cpr,
        competing_products=keyword.competing_products,
        ranking_competitors=keyword.ranking_competitors,
        competitor_rank_avg=keyword.competitor_rank_avg,
        competitor_performance_score=keyword.competitor_performance_score,
        keyword_sales=keyword.keyword_sales,
        iq_score=keyword.iq_score,
        in_files=tuple(keyword.in_files),
    )
    return Reading(item, words)


def _judge(found: Analysis, read: list[Reading], stemmer: Stemmer, title: frozenset[str], main: str | None) -> None:
    home = frozenset(tokens(" ".join((found.listing.title, *found.listing.bullets, *found.listing.category))))
    counts = Counter(word for one in read for word in set(one.words))
    own = known(counts.keys() | home, found.language) | trade_words()
    foreign = _foreign(counts, own, found.marketplace, found.language)
    # English words are at home everywhere; other languages' would hide too many slips.
    slips = misspellings(counts, own | foreign.get("en", frozenset()))
    _set_right(read, slips, counts, own, stemmer)
    given = tokens(main or "")
    vocabulary = Vocabulary(found.language, own, foreign, home | slips.keys() | set(given))
    ours = own_brands(found.listing.brand, found.listing.title, own)
    listed = home - {word for brand in ours for word in brand}
    dictionary = own.union(*foreign.values())
    names = names_among(counts, dictionary, slips.keys() | listed | set(given), found.language)
    brands = brands_of(ours, names, given)
    found.brand = _written_brand(found.listing, ours)
    open_ones = _named(found, read, vocabulary, brands, {word for brand in ours for word in brand})
    core = _core(found, open_ones, stemmer, title, main)
    judge = Judge(stemmer, core, title, frozenset(map(stemmer.stem, home)))
    for one in open_ones:
        verdict = judge.verdict(one.words, one.item.base_relevancy_score)
        one.item.category, one.item.reason = verdict.category, verdict.reason
    for one in read:
        # The shop's own name beside an occasion ("amazon best sellers") names no product of a brand.
        if one.item.category == BRANDED and SHOP in one.words:
            rest = judge.verdict([word for word in one.words if word != SHOP], 0)
            if rest.category == OUTLIER or rest.reason == NAMED_OCCASION:
                one.item.category, one.item.reason = OUTLIER, "names a whole category, or an occasion"


def _foreign(counts: Counter[str], own: frozenset[str], marketplace: str, language: str) -> dict[str, frozenset[str]]:
    """Words that other languages' dictionaries have, and the marketplace's has not."""
    open_words = {one for one in counts if one not in own and one.isalpha()}
    found: dict[str, frozenset[str]] = {}
    for neighbour in NEIGHBOURS[marketplace]:
        if open_words and neighbour != language:
            found[neighbour] = known(open_words, neighbour)
    return found


def _set_right(
    read: list[Reading], slips: dict[str, str], counts: Counter[str], own: frozenset[str], stemmer: Stemmer
) -> None:
    """Misspelt words as they are meant, and words that are written as one and as two in one way."""
    pairs = Counter(pair for one in read for pair in zip(one.words, one.words[1:], strict=False))
    whole, parts = joins(counts, dict(pairs.most_common(_JOINS)), own)
    for one in read:
        one.words = list(_joined([slips.get(word, word) for word in one.words], whole, parts))
        one.item.stems = _stems(one.words, stemmer)
        one.item.head = stemmer.stem(stemmer.head(one.words)) if one.words else ""


def _joined(words: list[str], whole: dict[tuple[str, str], str], parts: dict[str, tuple[str, str]]) -> Iterator[str]:
    at = 0
    while at < len(words):
        made = whole.get((words[at], words[at + 1])) if at + 1 < len(words) else None
        if made is not None:
            yield made
            at += 2
        else:
            yield from parts.get(words[at], (words[at],))
            at += 1


def _written_brand(listing: Listing, ours: list[tuple[str, ...]]) -> str:
    """The brand as the title has it, which is often in short: its first words that are the brand's."""
    words = {word for brand in ours for word in brand}
    begun = list(itertools.takewhile(lambda one: words.issuperset(tokens(one)), listing.title.split()))
    return " ".join(begun).strip(",;:|-–™®© ") if begun else listing.brand


def _named(
    found: Analysis, read: list[Reading], vocabulary: Vocabulary, brands: Brands, own: set[str]
) -> list[Reading]:
    """Judge those of another language, with a brand, or without words; return the others. own: words of our brand."""
    open_ones: list[Reading] = []
    others: dict[str, None] = {}
    for one in read:
        item = one.item
        item.language = by_script(item.phrase) or vocabulary.language
        brand = brands.found_in(tokens(item.phrase)) or brands.found_in(one.words)
        if is_no_phrase(item.phrase):
            item.category, item.reason = IRRELEVANT, "no words"
        elif item.language == vocabulary.language and brand is None:
            item.language = vocabulary.language_of(one.words)
        if item.category == IRRELEVANT:
            continue
        if item.language != vocabulary.language:
            item.category, item.reason = NAMES.get(item.language, "Other language"), "is in another language"
        elif brand is not None:
            item.category, item.reason = BRANDED, f"names a brand: {brand}"
            if not set(brand.split()) <= own:
                others[brand] = None
        else:
            open_ones.append(one)
    found.other_brands = tuple(others)
    return open_ones


def _core(found: Analysis, read: list[Reading], stemmer: Stemmer, title: frozenset[str], given: str | None) -> Core:
    words = stemmer.words
    plain = stemmer.stemmed(words.generic | words.occasion | words.people | words.informational)
    plain |= frozenset().union(*map(stemmer.stemmed, words.design.values()))
    _choose_main(found, read, stemmer.stems(found.listing.title), plain, given)
    main = tokens(found.main_keyword)
    core = core_of(
        (
            Phrase(
                one.item.stems,
                one.item.head,
                one.item.base_relevancy_score,
                weight(one.item.base_relevancy_score, one.item.search_volume),
            )
            for one in read
        ),
        main=[stemmer.stem(one) for one in stemmer.content(main)],
        main_head=stemmer.stem(stemmer.head(main)) if main else "",
        title=title,
        plain=plain,
    )
    found.heads, found.topics = tuple(sorted(core.heads)), tuple(sorted(core.topics))
    return core


def _choose_main(
    found: Analysis, read: list[Reading], title: tuple[str, ...], plain: frozenset[str], given: str | None
) -> None:
    """The given one; else the phrase of two words or more (in German: one) with the highest weight, which words of the
    title raise, and the phrase itself in the title doubles at least."""
    if given and given.strip():
        found.main_keyword, found.main_chosen = " ".join(given.split()), "given"
        return

    def worth(one: Reading) -> float:
        share = relevancy.by_words(one.item.stems, frozenset(title)) / 10
        return weight(one.item.relevancy_score, one.item.search_volume) * (
            0.5 + share + contains(title, one.item.stems)
        )

    # One word says too little, except in German, where it may be several in one.
    least = 1 if found.language == "de" else 2
    several = [one for one in read if len(one.item.stems) >= least and not set(one.item.stems) & plain]
    best = max(several or read, key=worth, default=None)
    if best is not None and best.item.base_relevancy_score:
        found.main_keyword = best.item.phrase
        found.main_chosen = "the keyword with the highest relevancy and search volume, by the words of the title"
