"""Keywords are judged as the page says: relevancy, language, brand, category, roots, variants, intent."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from accepted_apps.sales.analysis import relevancy
from accepted_apps.sales.analysis.documents import keyword_root_optimization, roots, structured_data, variants
from accepted_apps.sales.analysis.keywords import analyse
from accepted_apps.sales.analysis.languages import by_script
from accepted_apps.sales.analysis.lexicon import known, misspellings
from accepted_apps.sales.analysis.model import CATEGORIES, Analysis, Item
from accepted_apps.sales.analysis.scoring import score
from accepted_apps.sales.analysis.text import Stemmer, folded, has_possessive, tokens
from accepted_apps.sales.analysis.words import LANGUAGES, known_brands, trade_words, words_of
from accepted_apps.sales.model import Keyword, Keywords, Product

from .material import ASINS, BOARD, PHRASES, exports


@pytest.fixture(scope="module")
def board() -> Analysis:
    found = analyse(exports(), BOARD, "US")
    score(found)
    return found


@pytest.fixture(scope="module")
def by_phrase(board: Analysis) -> dict[str, Item]:
    return {one.phrase: one for one in board.items}


def ranked(*ranks: int) -> Keyword:
    return Keyword(phrase="x", key="x", ranks=dict(zip(ASINS, ranks, strict=False)), in_files=("revenue",))


@pytest.mark.parametrize(
    ("ranks", "asins", "score_"),
    [((1, 10, 11), 10, 4), ((1,) * 5, 10, 10), ((1,) * 9, 20, 9), ((), 10, 0), ((306, 11), 2, 0), ((3,), 3, 7)],
)
def test_relevancy_is_the_share_of_competitors_in_the_top_ten(ranks: tuple[int, ...], asins: int, score_: int) -> None:
    one = Keywords(keywords=[], asins={"revenue": ASINS[:asins]}, reports={})
    assert relevancy.by_ranks(ranked(*ranks), one) == score_


def test_relevancy_is_that_of_the_file_in_which_it_is_higher() -> None:
    both = Keywords(keywords=[], asins={"revenue": ASINS[:10], "design": ASINS[10:12]}, reports={})
    one = Keyword(phrase="x", key="x", ranks={ASINS[0]: 1, ASINS[10]: 2}, in_files=("revenue", "design"))
    assert relevancy.by_ranks(one, both) == 10
    one.in_files = ("revenue",)
    assert relevancy.by_ranks(one, both) == 2


def test_without_ranks_relevancy_is_by_the_titles_words() -> None:
    one = Keyword(phrase="bamboo cutting mat", key="bamboo cutting mat", in_files=("revenue",))
    found = analyse(Keywords(keywords=[one], asins={}, reports={}), BOARD, "US")
    assert found.items[0].relevancy_score == 7
    assert found.items[0].search_volume is None


def test_words_of_the_title_raise_relevancy_and_never_over_ten(by_phrase: dict[str, Item]) -> None:
    assert (by_phrase["wooden chopping board for kitchen"].base_relevancy_score) == 8
    assert (by_phrase["wooden chopping board for kitchen"].relevancy_score) == 10
    assert by_phrase["black cutting board"].relevancy_score == 6
    assert by_phrase["bread knife"].relevancy_score == by_phrase["bread knife"].base_relevancy_score == 1
    assert by_phrase["bamboo cutting board"].relevancy_score == 10


@pytest.mark.parametrize(
    ("phrase", "category"),
    [
        ("cutting board", "Relevant"),
        ("bambo cutting board", "Design-Specific"),
        ("chopping board", "Relevant"),
        ("cutting boards for kitchen", "Relevant"),
        ("large cutting board", "Design-Specific"),
        ("black cutting board", "Design-Specific"),
        ("plastic cutting board", "Design-Specific"),
        ("cutting board set", "Relevant"),
        ("cutting board oil", "Irrelevant"),
        ("cutting board holder", "Irrelevant"),
        ("bread knife", "Irrelevant"),
        ("how to clean a cutting board", "Irrelevant"),
        ("b0cut00001|b0cut00002", "Irrelevant"),
        ("kitchen gadgets", "Outlier"),
        ("kitchen gifts for women", "Outlier"),
        ("best sellers", "Outlier"),
        ("ikea cutting board", "Branded"),
        ("zorvax cutting board", "Branded"),
        ("holmdal board", "Branded"),
        ("tabla de cortar", "Spanish"),
        ("tablas para cortar de madera", "Spanish"),
        ("madera cortar", "Spanish"),
        ("لوح تقطيع", "Arabic"),
    ],
)
def test_categories(by_phrase: dict[str, Item], phrase: str, category: str) -> None:
    assert by_phrase[phrase].category == category, by_phrase[phrase].reason


def test_a_reason_has_words_and_no_stems() -> None:
    keywords: dict[str, tuple[int, int | None, int | None]] = {
        "cutting board": (10, 9000, 9),
        "cutting board bodies": (1, 900, 2),
    }
    found = analyse(
        exports(keywords), Product(asin="B0BOARD001", marketplace="US", url="", title="Cutting Board"), "US"
    )
    assert [one.reason for one in found.items][1] == "is for something else: bodies"


def test_the_main_keyword_is_chosen_by_relevancy_and_volume_or_given(board: Analysis) -> None:
    assert board.main_keyword == "cutting board"
    given = analyse(exports(), BOARD, "US", "  bamboo   board ")
    assert (given.main_keyword, given.main_chosen) == ("bamboo board", "given")


def test_the_brand_is_as_the_title_writes_it(board: Analysis) -> None:
    assert board.brand == "Holmdal"
    assert {"ikea", "zorvax"} <= set(board.other_brands)
    assert "holmdal" not in board.other_brands


def test_what_is_unknown_stays_unknown(board: Analysis, by_phrase: dict[str, Item]) -> None:
    item = by_phrase["cutting board for meat"]
    assert (item.search_volume, item.title_density, item.cpr) == (None, None, None)
    shown = next(one for one in structured_data(board)["items"] if one["phrase"] == item.phrase)
    assert not {"search_volume", "title_density", "cpr"} & shown.keys()
    assert shown["competition"] == {}
    assert item.opportunity_reason == "title density or search volume is not known"


def test_variants_have_one_phrase_that_stands_for_all(board: Analysis, by_phrase: dict[str, Item]) -> None:
    group = next(one for one in board.variants if one.best == "cutting board")
    assert set(group.phrases) == {"cutting board", "cutting boards", "board cutting"}
    assert group.volume == 150_400
    assert by_phrase["board cutting"].variant_of == "cutting board"
    assert by_phrase["cutting board"].represents_variants == 3
    slip = next(one for one in board.variants if one.best == "bamboo cutting board")
    assert slip.phrases == ("bamboo cutting board", "bambo cutting board")


def test_roots_sum_the_volume_of_wanted_keywords(board: Analysis, by_phrase: dict[str, Item]) -> None:
    assert by_phrase["bamboo chopping board"].root == "board"
    assert by_phrase["bread knife"].root == "knife"
    (root,) = [one for one in board.roots if one.root == "board"]
    assert root.volume == sum(one.volume for one in board.wanted if one.root == "board")
    assert set(root.forms) == {"board", "boards"}
    assert sum(one.keywords for one in board.roots) == len(board.wanted)
    assert [one.volume for one in board.roots] == sorted((one.volume for one in board.roots), reverse=True)


def test_what_the_title_says_of_a_pack_sets_no_keyword_apart() -> None:
    keywords = exports(
        {"cutting board": (10, 9_000, 9), "cutting board set": (7, 90, 1), "cutting board bundle": (7, 90, 1)}
    )
    judged = {one.phrase: one.category for one in analyse(keywords, BOARD, "US").items}
    assert (judged["cutting board set"], judged["cutting board bundle"]) == ("Relevant", "Design-Specific")


def test_an_occasion_that_the_title_names_is_the_products_own() -> None:
    product = replace(BOARD, title=f"{BOARD.title}, Wedding Gift for Women")
    keywords = exports(PHRASES | {"wedding gift for women": (5, 900, 0), "amazon wedding gift": (5, 90, 0)})
    judged = {one.phrase: one.category for one in analyse(keywords, product, "US").items}
    assert judged["wedding gift for women"] == "Relevant"
    assert judged["kitchen gifts for women"] == "Outlier", "it is about more than the title says"
    assert judged["amazon wedding gift"] == "Outlier"
    without = {one.phrase: one.category for one in analyse(keywords, BOARD, "US").items}
    assert without["wedding gift for women"] == "Outlier"


def test_intent_counts_what_speaks_for_the_product(by_phrase: dict[str, Item]) -> None:
    assert by_phrase["bamboo cutting board"].intent_score == 3
    assert by_phrase["cutting board"].intent_score == 3
    assert by_phrase["plastic cutting board"].intent_score == 2
    assert by_phrase["cutting board oil"].intent_score == 0
    assert by_phrase["kitchen gadgets"].intent_score == 0
    assert by_phrase["ikea cutting board"].intent_score == 1
    assert by_phrase["tabla de cortar"].intent_score == 3
    assert by_phrase["madera cortar"].intent_score == 1


def test_an_opportunity_has_volume_and_no_title(by_phrase: dict[str, Item]) -> None:
    one = by_phrase["wooden chopping board for kitchen"]
    assert one.opportunity_decision == "Opportunity"
    assert one.opportunity_reason == "350 searches a month, and no title on the first page has it"
    assert by_phrase["bamboo chopping board"].opportunity_decision == "Opportunity"
    assert by_phrase["bambo cutting board"].opportunity_reason == "a variant of “bamboo cutting board”"
    assert by_phrase["cutting board"].opportunity_decision == "Ignore"
    assert by_phrase["best sellers"].opportunity_reason == "not wanted: Outlier"


def test_documents_count_every_keyword_once(board: Analysis) -> None:
    made = structured_data(board)
    assert list(made["stats"])[:6] == list(CATEGORIES)
    assert sum(one["count"] for one in made["stats"].values()) == len(made["items"]) == len(PHRASES)
    assert made["stats"]["Arabic"] == {"count": 1, "examples": ["لوح تقطيع"]}
    for item in made["items"]:
        assert isinstance(item["relevancy_score"], int)
        assert 0 <= item["relevancy_score"] <= 10
        assert item["intent_score"] in (0, 1, 2, 3)
        assert {"phrase", "root", "category", "competition"} <= item.keys()
        assert None not in item.values()
    assert roots(board)[0]["root"] == "board"
    assert variants(board)[0]["best"] == "cutting board"
    assert keyword_root_optimization(board)["priority_roots"][0] == "board"


def test_the_same_exports_give_the_same_analysis(board: Analysis) -> None:
    again = analyse(exports(), BOARD, "US")
    score(again)
    assert again == board


def test_more_keywords_than_are_analysed_leave_out_the_least_relevant() -> None:
    found = analyse(exports(), BOARD, "US", most=5)
    assert found.left_out == len(PHRASES) - 5
    assert [one.phrase for one in found.items] == [
        "cutting board",
        "cutting boards",
        "bamboo cutting board",
        "wooden cutting board",
        "cutting boards for kitchen",
    ]


def test_where_no_ranks_tell_the_title_chooses_the_keywords_that_are_analysed() -> None:
    unranked = [replace(one, ranks={}) for one in exports().keywords]
    found = analyse(Keywords(keywords=unranked, asins={}, reports={}), BOARD, "US", most=3)
    assert [one.phrase for one in found.items] == ["cutting board", "cutting boards", "board"]
    assert {one.base_relevancy_score for one in found.items} == {10}


def test_without_a_listing_the_exports_say_what_the_product_is() -> None:
    found = analyse(exports(), None, "US")
    score(found)
    by_phrase = {one.phrase: one.category for one in found.items}
    assert found.main_keyword == "cutting board"
    assert by_phrase["chopping board"] == "Relevant"
    assert by_phrase["bread knife"] == "Irrelevant"
    assert by_phrase["tabla de cortar"] == "Spanish"


def test_nothing_at_all_is_analysed_without_an_error() -> None:
    found = analyse(Keywords(keywords=[], asins={}, reports={}), None, "US")
    score(found)
    assert (found.items, found.main_keyword, found.roots, found.variants) == ([], "", [], [])
    assert structured_data(found)["items"] == []


def test_an_unknown_marketplace_is_an_error() -> None:
    with pytest.raises(KeyError):
        analyse(exports(), None, "JP")


GERMAN = {
    "knoblauchpresse": (10, 20_000, 20),
    "knoblauchpressen": (10, 900, 5),
    "knoblauch presse": (9, 2_000, 1),
    "knoblauchpresse edelstahl": (9, 5_000, 8),
    "presse für knoblauch": (8, 200, 0),
    "garlic press": (6, 300, 0),
    "zubehör küche": (1, 4_000, 1),
    "geschenke für männer": (1, 30_000, 1),
    "knoblauchschäler": (2, 1_500, 4),
}


def test_german_compounds_are_words_and_umlauts_fold() -> None:
    product = Product(
        asin="B0PRESSE01",
        marketplace="DE",
        url="",
        title="Nordhold Knoblauchpresse aus Edelstahl, spülmaschinenfest",
        brand="Nordhold",
    )
    found = analyse(exports(GERMAN), product, "DE")
    score(found)
    by_phrase = {one.phrase: one for one in found.items}
    assert by_phrase["knoblauchpresse"].category == "Relevant"
    assert by_phrase["knoblauchpresse edelstahl"].category == "Design-Specific"
    assert by_phrase["knoblauchschäler"].category == "Irrelevant"
    assert by_phrase["geschenke für männer"].category == "Outlier"
    assert by_phrase["garlic press"].category != "Branded"
    assert by_phrase["knoblauchpressen"].variant_of == "knoblauchpresse"
    assert by_phrase["knoblauch presse"].variant_of == "knoblauchpresse"
    assert folded("küche", "de") == folded("kueche", "de") == "kuche"


def test_words_of_a_phrase() -> None:
    assert tokens("Chef’s Freeze-Dried d'ail 2x  XL") == ["chefs", "freeze", "dried", "d", "ail", "2x", "xl"]
    assert has_possessive("anthony's powder")
    assert not has_possessive("d'ail")
    english, spanish = Stemmer("en"), Stemmer("es")
    assert english.head(tokens("garlic press with brush")) == "press"
    assert spanish.head(tokens("prensa de ajo")) == "prensa"
    assert english.content(["the"]) == ["the"], "nothing else would be left"


def test_slips_are_of_more_frequent_words() -> None:
    counts = Counter({"strawberries": 40, "strawberry": 30, "press": 20, "powder": 9})
    counts.update({"strawberrys": 1, "atrawberries": 1, "stawbery": 1, "oress": 1, "prefs": 1, "zulay": 9})
    right = known(counts, "en")
    assert misspellings(counts, right) == {
        "strawberrys": "strawberry",
        "atrawberries": "strawberries",
        "stawbery": "strawberry",
        "oress": "press",
        "prefs": "press",
    }


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        ("厨房", "zh"),
        ("まな板", "ja"),
        ("마늘", "ko"),
        ("מטבח", "he"),
        ("кухня", "ru"),
        ("küche", None),
        ("board", None),
    ],
)
def test_scripts(phrase: str, language: str | None) -> None:
    assert by_script(phrase) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_words(language: str) -> None:
    words = words_of(language)
    assert len(words.bullets) == len(words.leads) == 5
    assert all("{words}" in one for one in words.bullets)
    assert all(words.design.values())
    assert words.generic
    assert words.occasion
    assert all(one == one.lower() for one in words.function | words.generic | words.occasion)


def test_no_brand_is_a_word_that_everybody_uses() -> None:
    single = {brand[0] for brand in known_brands() if len(brand) == 1}
    assert single & trade_words() == {"amazon"}
