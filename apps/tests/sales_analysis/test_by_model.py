"""A language model judges, over a real socket; what it gets wrong is judged by rules, and the result says which."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from accepted_apps.language_model import LanguageModel, LanguageModelSettings, ModelTrouble
from accepted_apps.playground.language_model import CHAT, ChatModel
from accepted_apps.playground.social import Served
from accepted_apps.sales.analysis.by_model import BATCH, judge_categories, judge_intent, write_listing
from accepted_apps.sales.analysis.keywords import analyse
from accepted_apps.sales.analysis.model import Analysis, Item, Listing
from accepted_apps.sales.analysis.scoring import score
from accepted_apps.sales.analysis.seo.optimize import draft_by_rules

from .material import BOARD, PHRASES, exports


@pytest.fixture(scope="module")
def served() -> Iterator[Served[ChatModel]]:
    with Served(ChatModel()) as running:
        yield running


@pytest.fixture
def api(served: Served[ChatModel]) -> ChatModel:
    served.network.reset()
    return served.network


@pytest.fixture
async def model(served: Served[ChatModel], api: ChatModel) -> AsyncIterator[LanguageModel]:
    made = LanguageModel(
        LanguageModelSettings(url=f"{served.url}/v1", model="stand-in", tries=1, price_input=1.0, price_output=4.0)
    )
    yield made
    await made.close()


@pytest.fixture(scope="module")
def judged() -> Analysis:
    found = analyse(exports(), BOARD, "US")
    score(found)
    return found


@pytest.fixture
def board(judged: Analysis) -> Analysis:
    return copy.deepcopy(judged)


def numbered(question: str) -> dict[int, str]:
    lines = re.findall(r"^(\d+)\. (.*) \(relevancy", question.partition("Phrases:")[2], re.MULTILINE)
    return {int(number): phrase for number, phrase in lines}


def all_as(category: str, **others: str) -> Any:
    def answer(question: str, _schema: dict[str, Any]) -> Any:
        named = {phrase.replace("_", " "): value for phrase, value in others.items()}
        return {
            "keywords": [
                {"number": number, "category": named.get(phrase, category)}
                for number, phrase in numbered(question).items()
            ]
        }

    return answer


async def test_the_models_categories_are_taken_and_paid_for(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    api.answer("Categories", all_as("Relevant", bread_knife="Outlier", tabla_de_cortar="Spanish"))
    told: list[tuple[int, int]] = []
    used = await judge_categories(board, model, lambda done, of: told.append((done, of)))
    by_phrase = {one.phrase: one for one in board.items}
    assert by_phrase["bread knife"].category == "Outlier"
    assert (by_phrase["bread knife"].by, by_phrase["bread knife"].reason) == ("stand-in", "judged by stand-in")
    assert by_phrase["tabla de cortar"].category == "Spanish"
    assert by_phrase["b0cut00001|b0cut00002"].by == "rules", "there is nothing to judge"
    assert board.categories_by == "stand-in"
    assert used.cost > 0
    assert told[-1] == (len(PHRASES) - 1, len(PHRASES) - 1)
    assert "Holmdal" in api.questions[0]["messages"][1]["content"]


async def test_an_unknown_category_is_objected_to_and_then_judged_by_rules(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    api.answer("Categories", all_as("Superb"))
    with pytest.raises(Exception, match="form that was asked for") as raised:
        await judge_categories(board, model)
    assert raised.value.usage.requests == 2  # type: ignore[attr-defined]
    assert board.categories_by == "rules"
    assert {one.by for one in board.items} == {"rules"}


async def test_of_an_answer_that_leaves_some_out_the_others_are_taken(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    def some(question: str, _schema: dict[str, Any]) -> Any:
        return {"keywords": [{"number": 1, "category": "Outlier"}, {"number": 900, "category": "Branded"}]}

    api.answer("Categories", some)
    await judge_categories(board, model)
    assert [one.by for one in board.items].count("stand-in") == 1
    assert "numbers without an answer: 2, 3" in api.questions[1]["messages"][-1]["content"]
    assert "no number 900" in api.questions[1]["messages"][-1]["content"]
    assert board.notes == [
        f"stand-in judged the categories of 1 keywords, rules those of the other {len(PHRASES) - 1}."
    ]


async def test_many_keywords_are_asked_about_in_batches(api: ChatModel, model: LanguageModel) -> None:
    items = [Item(phrase=f"board {number}", key=f"board {number}", search_volume=number) for number in range(160)]
    found = Analysis(marketplace="US", language="en", listing=Listing(), items=items)
    api.answer("Categories", all_as("Outlier"))
    await judge_categories(found, model)
    assert sorted(len(numbered(one["messages"][1]["content"])) for one in api.questions) == [10, BATCH, BATCH]
    assert {one.category for one in items} == {"Outlier"}


async def test_the_models_intent_is_taken(api: ChatModel, model: LanguageModel, board: Analysis) -> None:
    api.answer(
        "Intents", lambda question, _schema: {"keywords": [{"number": one, "intent": 2} for one in numbered(question)]}
    )
    await judge_intent(board, model)
    assert {one.intent_score for one in board.items if one.reason != "no words"} == {2}
    assert board.intent_by == "stand-in"


async def test_an_api_that_is_down_leaves_the_rules(api: ChatModel, model: LanguageModel, board: Analysis) -> None:
    before = [one.category for one in board.items]
    api.trouble(CHAT, "down")
    with pytest.raises(ModelTrouble):
        await judge_categories(board, model)
    assert [one.category for one in board.items] == before
    made, used = await write_listing(board, draft_by_rules(board), model)
    assert made.by == "rules"
    assert "could not be used" in made.notes[0]
    assert used.cost == 0


GOOD = {
    "title": "Holmdal Cutting Board, Bamboo Chopping Board with Juice Groove, Set of 3",
    "bullets": [
        f"{head}: a bamboo board for the kitchen"
        for head in ("Wooden", "Large", "Juice Groove", "Handles", "Three Sizes")
    ],
}


async def test_the_models_listing_is_taken_where_it_keeps_to_the_rules(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    api.answer("WrittenListing", lambda _question, _schema: GOOD)
    made, used = await write_listing(board, draft_by_rules(board), model)
    assert (made.by, made.draft.title, made.objections) == ("stand-in", GOOD["title"], ())
    assert made.draft.backend
    assert used.requests == 1


async def test_a_listing_with_words_of_its_own_is_repaired(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    def answer(question: str, _schema: dict[str, Any]) -> Any:
        if "leave out “titanium”" in question:
            return GOOD
        return {**GOOD, "title": "Holmdal Cutting Board, Titanium, Best Seller"}

    api.answer("WrittenListing", answer)
    made, used = await write_listing(board, draft_by_rules(board), model)
    assert made.by == "stand-in"
    assert used.requests == 2


async def test_a_listing_that_stays_wrong_is_written_by_rules(
    api: ChatModel, model: LanguageModel, board: Analysis
) -> None:
    api.answer("WrittenListing", lambda _question, _schema: {**GOOD, "title": "Holmdal Board of Titanium"})
    by_rules = draft_by_rules(board)
    made, _ = await write_listing(board, by_rules, model)
    assert (made.by, made.draft) == ("rules", by_rules.draft)
    assert "titanium" in made.notes[0]
