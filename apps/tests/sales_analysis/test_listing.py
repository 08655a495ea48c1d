"""A listing keeps to what Amazon takes, says nothing that nobody knows, and is measured before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest
from accepted_apps.sales.analysis.documents import seo_analysis
from accepted_apps.sales.analysis.keywords import analyse
from accepted_apps.sales.analysis.model import Analysis, Item, Listing
from accepted_apps.sales.analysis.scoring import score
from accepted_apps.sales.analysis.seo.coverage import Finder
from accepted_apps.sales.analysis.seo.limits import USUAL, limits_of
from accepted_apps.sales.analysis.seo.optimize import draft_by_rules
from accepted_apps.sales.analysis.seo.short import shortened
from accepted_apps.sales.analysis.seo.validator import Draft, validate_listing
from accepted_apps.sales.analysis.text import Stemmer, contains, tokens
from accepted_apps.sales.analysis.words import LANGUAGES
from accepted_apps.sales.model import Product
from hypothesis import given, settings
from hypothesis import strategies as st

from .material import BOARD, exports


@pytest.fixture(scope="module")
def stemmer() -> Stemmer:
    return Stemmer("en")


@pytest.fixture(scope="module")
def board() -> Analysis:
    found = analyse(exports(), BOARD, "US")
    score(found)
    return found


def rules(draft: Draft, found: Analysis, stemmer: Stemmer) -> set[tuple[str, str]]:
    return {(one.rule, one.place) for one in validate_listing(draft, found, USUAL, stemmer)}


def test_a_listing_by_rules_has_nothing_wrong_with_it(board: Analysis, stemmer: Stemmer) -> None:
    made = draft_by_rules(board)
    assert made.objections == ()
    assert made.by == "rules"
    title = made.draft.title
    assert title.startswith("Holmdal Cutting Board")
    assert contains(stemmer.stems(title[:80]), stemmer.stems(board.main_keyword))
    assert len(title) <= 200
    assert "Set of 3" in title, "what the present title says of the pack"
    assert len(made.draft.bullets) == 5
    assert len(made.draft.backend.encode()) <= 249
    assert draft_by_rules(board) == made


def test_the_short_title_and_the_highlights_are_the_title_in_two(board: Analysis, stemmer: Stemmer) -> None:
    better = seo_analysis(board, draft_by_rules(board))["optimized_seo"]
    title, short = better["optimized_title"]["content"], better["short_title"]["content"]
    highlights = better["item_highlights"]["content"]
    assert len(short) == better["short_title"]["character_count"] <= 75
    assert len(highlights) == better["item_highlights"]["character_count"] <= 125
    assert contains(stemmer.stems(short), stemmer.stems(board.main_keyword))
    assert {*short.split(", "), *highlights.split(", ")} <= set(title.split(", "))
    assert not set(short.split(", ")) & set(highlights.split(", "))


_CUT = "Board of Bamboo that Stands Beside the Stove of any Kitchen"
"""More words would fit, which say nothing without the last."""


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Cutting Board", "Cutting Board"),
        ("Board for " + "Kitchens " * 9 + "and", "Board for " + "Kitchens " * 6 + "Kitchens"),
        ("Board of Bamboo that Stands Beside the Stove of any Kitchen and any of its Cupboards", _CUT),
        ("x" * 80, "x" * 75),
    ],
)
def test_a_title_is_cut_between_words(title: str, short: str, stemmer: Stemmer) -> None:
    made = shortened(title, USUAL, stemmer)
    assert made is not None
    assert made.title == short


@pytest.mark.parametrize(
    ("category", "is_shortened"),
    [(("Books", "Cookbooks"), False), (("Bücher",), False), (("Musical Instruments",), True), ((), True)],
)
def test_titles_of_media_stay_long(category: tuple[str, ...], is_shortened: bool, stemmer: Stemmer) -> None:
    assert (shortened("A Book, and More", limits_of(category), stemmer) is not None) == is_shortened


def test_it_claims_nothing_that_the_listing_does_not_say(board: Analysis) -> None:
    made = draft_by_rules(board)
    words = set(tokens(" ".join((made.draft.title, *made.draft.bullets, made.draft.backend))))
    assert not words & {"plastic", "black", "marble", "oil", "ikea", "zorvax", "marta", "martas"}
    assert "bamboo" in words


def test_present_bullets_keep_their_heads_and_lose_what_is_not_taken(board: Analysis) -> None:
    bullets = draft_by_rules(board).draft.bullets
    assert bullets[0].startswith("Easy Care: Rinse it under the tap and let it dry; ")
    assert "guaranteed" not in bullets[0]
    assert bullets[1].startswith("Deep Juice Groove: ")
    assert bullets[2].startswith("Kind to Knives: ")
    assert "✅" not in bullets[2]
    assert sum("cutting board" in one for one in bullets) >= 2


def test_backend_terms_are_words_that_title_and_bullets_do_not_have(board: Analysis, stemmer: Stemmer) -> None:
    made = draft_by_rules(board)
    used = set(stemmer.stems(" ".join((made.draft.title, *made.draft.bullets))))
    terms = made.draft.backend.split()
    assert "tabla" in terms, "a relevant keyword in Spanish"
    assert not used.intersection(map(stemmer.stem, terms))
    assert len(set(map(stemmer.stem, terms))) == len(terms)


def test_a_part_of_a_phrase_never_turns_it_round() -> None:
    phrases: dict[str, tuple[int, int | None, int | None]] = {
        "dried mango": (10, 9000, 9),
        "dried mango no sugar added": (9, 8000, 2),
        "mango no sulfur": (9, 700, 2),
    }
    product = Product(
        asin="B0MANGO001", marketplace="US", url="", title="Dried Mango, no sugar added, no sulfur", bullets=[]
    )
    found = analyse(exports(phrases), product, "US")
    title = draft_by_rules(found).draft.title.casefold()
    assert title.count("sugar added") == title.count("no sugar added")
    assert title.count("sulfur") == title.count("no sulfur")


def test_what_was_shouted_is_said() -> None:
    bullet = "NOTHING BUT MANGO FOR HIKERS: Eat it on the way, NOT AT HOME, or with a USB lamp"
    product = Product(asin="B0MANGO001", marketplace="US", url="", title="Dried Mango", bullets=[bullet])
    found = analyse(exports({"dried mango": (10, 9000, 9)}), product, "US")
    [first, *_] = draft_by_rules(found).draft.bullets
    assert first.startswith("Nothing but Mango for Hikers: Eat it on the way, not at Home, or with a USB lamp")


WRONG = {
    "title_length": Draft("Holmdal Cutting Board" + ", Bamboo" * 30, (), ""),
    "title_front": Draft(
        "Holmdal Bamboo Board for the Kitchen with Handles and a Groove, and it is a Cutting Board", (), ""
    ),
    "title_repeated": Draft("Cutting Board, Bamboo Board, Wooden Boards", (), ""),
    "characters": Draft("Cutting Board!", (), ""),
    "pictures": Draft("Cutting Board 🔪", (), ""),
    "promotional": Draft("Cutting Board, Free Shipping", (), ""),
    "capitals": Draft("WOODEN Cutting Board", (), ""),
    "word_outside": Draft("Cutting Board, Titanium", (), ""),
    "brand": Draft("Cutting Board Zorvax", (), ""),
    "title_empty": Draft(" ", (), ""),
    "bullets_number": Draft("Cutting Board", ("Bamboo: a board",), ""),
    "bullet_length": Draft("Cutting Board", ("Board",) * 5, ""),
    "bullet_repeated": Draft("Cutting Board", ("Bamboo: a cutting board",) * 5, ""),
    "bullet_end": Draft("Cutting Board", ("Bamboo: a cutting board.",), ""),
    "backend_bytes": Draft("Cutting Board", (), "ä" * 130),
    "backend_repeated": Draft("Cutting Board", (), "tabla tablas madera madera"),
    "backend_used": Draft("Cutting Board", (), "boards"),
}


@pytest.mark.parametrize("rule", WRONG)
def test_each_rule_is_checked(rule: str, board: Analysis, stemmer: Stemmer) -> None:
    assert rule in {name for name, _ in rules(WRONG[rule], board, stemmer)}


def test_a_listing_that_keeps_to_every_rule_is_not_objected_to(board: Analysis, stemmer: Stemmer) -> None:
    fine = Draft(
        "Holmdal Cutting Board, Bamboo Chopping Board with Juice Groove, Set of 3",
        tuple(
            f"{head}: a board for the kitchen" for head in ("Bamboo", "Wooden", "Large", "Deep Groove", "Three Sizes")
        ),
        "tabla cortar",
    )
    assert validate_listing(fine, board, USUAL, stemmer) == []


def test_a_brand_may_have_its_characters(board: Analysis, stemmer: Stemmer) -> None:
    ours = replace(board, brand="Yoo_Hoo!", listing=replace(board.listing, brand="Yoo_Hoo!"))
    assert ("characters", "title") not in rules(Draft("Yoo_Hoo! Cutting Board", (), ""), ours, stemmer)


def test_the_limit_of_a_title_depends_on_the_category() -> None:
    assert limits_of(["Clothing, Shoes & Jewelry", "Women"]).title == 125
    assert limits_of(["Bekleidung"]).title == 125
    assert limits_of(["Home & Kitchen"]).title == 200


def found_in(text: str, *phrases: str) -> list[str]:
    stemmer = Stemmer("en")
    items = [Item(phrase=one, key=one, stems=tuple(map(stemmer.stem, stemmer.content(tokens(one))))) for one in phrases]
    return [one.phrase for one in Finder(items, stemmer).within(text)]


def test_a_keyword_stands_in_a_text_as_its_stems_one_after_another() -> None:
    assert found_in("Makeup Sponges, Beauty", "makeup sponge", "sponge", "sponge beauty") == ["makeup sponge", "sponge"]
    assert found_in("Beauty Blender Sponge", "beauty sponge", "blender sponges") == ["blender sponges"]
    assert found_in("Freeze-Dried Strawberries", "freeze dried strawberry") == ["freeze dried strawberry"]
    assert found_in("Sponges for the Foundation", "sponge for foundation", "sponge foundation") == [
        "sponge for foundation",
        "sponge foundation",
    ]
    assert found_in("", "board") == []


def test_words_alone_count_wherever_they_stand(board: Analysis, stemmer: Stemmer) -> None:
    whole = Finder(board.wanted, stemmer).coverage("Bamboo Cutting", "for the board")
    assert [one.phrase for one in whole.covered if one.phrase == "bamboo cutting board"] == []
    assert "bamboo cutting board" in [one.phrase for one in whole.indexed]


def test_before_and_after_are_measured_alike(board: Analysis) -> None:
    made = seo_analysis(board, draft_by_rules(board))
    gain, volume = made["comparison"]["coverage_improvement"], made["comparison"]["volume_improvement"]
    assert gain["total_keywords"] == len(board.wanted) == made["current_seo"]["keyword_coverage"]["total_keywords"]
    assert gain["before_covered"] == made["current_seo"]["keyword_coverage"]["covered_keywords"]
    assert gain["after_covered"] > gain["before_covered"]
    assert gain["delta_pct_points"] == pytest.approx(gain["after_coverage_pct"] - gain["before_coverage_pct"], abs=0.02)
    assert volume["delta_volume"] == volume["estimated_volume_after"] - volume["estimated_volume_before"] > 0
    title = made["optimized_seo"]["optimized_title"]
    assert title["character_count"] == len(title["content"])
    assert set(title["guideline_compliance"].values()) == {"PASS"}
    assert title["main_root_included"] is True
    for bullet in made["optimized_seo"]["optimized_bullets"]:
        assert bullet["unique_keywords_count"] + len(bullet["keywords_duplicated_from_other_bullets"]) == len(
            bullet["keywords_included"]
        )
    known = {one.phrase for one in board.items}
    assert set(gain["new_keywords_added"]) <= known
    assert made["current_seo"]["title_analysis"]["content"] == BOARD.title
    assert made["current_seo"]["backend_keywords"] == [], "no page shows them"


def test_without_a_listing_there_is_one_all_the_same() -> None:
    found = analyse(exports(), None, "US")
    score(found)
    made = draft_by_rules(found)
    assert made.objections == ()
    assert made.draft.title.startswith("Cutting Board")
    assert seo_analysis(found, made)["current_seo"]["title_analysis"]["character_count"] == 0


def test_without_any_keyword_it_says_what_is_wrong() -> None:
    empty = Analysis(marketplace="US", language="en", listing=Listing(), items=[])
    made = draft_by_rules(empty)
    assert "title_empty" in {one.rule for one in made.objections}
    assert seo_analysis(empty, made)["comparison"]["coverage_improvement"]["after_coverage_pct"] == 0.0


_WORDS = {
    "en": "garlic press steel mini tool for with the best organic no crusher",
    "de": "knoblauchpresse edelstahl für küche mit klein presse spülmaschinenfest geschenk ohne",
    "fr": "presse ail inox pour avec petit sans cuisine bio moins cher",
    "it": "pressa aglio acciaio per con piccolo senza cucina offerta",
    "es": "prensa ajo acero para con pequeño sin cocina barato",
}
_ODD = st.text(alphabet="abcé ñ!$™✅😀-'’.,;:|_ÄßØ日本", max_size=30)


@st.composite
def analyses(draw: st.DrawFn) -> Analysis:
    """Any keywords, judged in any way, and any listing: worse than what the analysis makes."""
    language = draw(st.sampled_from(LANGUAGES))
    stemmer = Stemmer(language)
    words = st.sampled_from(_WORDS[language].split())
    phrases = draw(
        st.lists(st.one_of(st.lists(words, min_size=1, max_size=5).map(" ".join), _ODD.filter(str.strip)), max_size=40)
    )
    items = [
        Item(
            phrase=one,
            key=one,
            search_volume=draw(st.one_of(st.none(), st.integers(0, 90_000))),
            category=draw(st.sampled_from(["Relevant", "Design-Specific", "Spanish", "Branded"])),
            base_relevancy_score=draw(st.integers(0, 10)),
            stems=tuple(map(stemmer.stem, stemmer.content(tokens(one)))),
        )
        for one in phrases
    ]
    title = draw(st.one_of(st.just(""), st.lists(words, min_size=1, max_size=60).map(" ".join), _ODD))
    return Analysis(
        marketplace="US",
        language=language,
        listing=Listing(
            title=title,
            brand=draw(st.sampled_from(["", "Nordhold", "YOO_HOO!", "N" * 90])),
            bullets=tuple(draw(st.lists(st.one_of(_ODD, st.lists(words, max_size=90).map(" ".join)), max_size=7))),
        ),
        items=items,
        main_keyword=draw(st.sampled_from(["", *phrases[:3]])),
        other_brands=("zorvax", "presse"),
    )


@settings(max_examples=40, deadline=None)
@given(analyses())
def test_no_limit_is_ever_passed_and_no_word_comes_from_elsewhere(found: Analysis) -> None:
    made = draft_by_rules(found)
    assert len(made.draft.title) <= 200
    assert len(made.draft.bullets) == 5
    assert all(len(one) <= 255 for one in made.draft.bullets)
    assert len(made.draft.backend.encode()) <= 249
    broken = {one.rule for one in made.objections}
    assert not broken & {
        "title_length",
        "bullets_number",
        "backend_bytes",
        "backend_repeated",
        "backend_used",
        "word_outside",
        "pictures",
    }, made
    seo_analysis(found, made)
