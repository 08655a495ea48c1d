"""A model is asked over a real socket: shapes, repair, pauses, errors, cost; the key goes into its header only."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from accepted_apps.language_model import (
    AnswerUnusable,
    KeyRefused,
    LanguageModel,
    LanguageModelError,
    LanguageModelSettings,
    ModelMissing,
    ModelRateLimited,
    ModelTrouble,
    PaymentNeeded,
    QuestionRefused,
    Usage,
)
from accepted_apps.language_model.wire import strict_schema
from accepted_apps.playground.language_model import CHAT, ChatModel, Wrong
from pydantic import BaseModel, Field

from accepted.errors import ConfigurationError
from accepted.settings import load

Make = Callable[..., LanguageModel]


class Verdict(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    kind: Literal["good", "bad"]
    points: list[int] = []


RIGHT = {"title": "Ein Wort", "kind": "good", "points": [1, 2]}


async def test_an_answer_has_the_shape_that_was_asked_for_and_its_cost(api: ChatModel, ask_with: Make) -> None:
    api.answer("Verdict", lambda _question, _schema: RIGHT)
    model = ask_with(price_input=2.0, price_output=10.0)
    value, used = await model.ask("What is it?", Verdict, system="You judge.")
    assert value == Verdict(title="Ein Wort", kind="good", points=[1, 2])
    assert used.requests == 1
    assert used.tokens == used.tokens_in + used.tokens_out > 0
    assert used.cost == pytest.approx((used.tokens_in * 2 + used.tokens_out * 10) / 1_000_000)
    (body,) = api.questions
    assert body["messages"][0]["content"].startswith("You judge.")
    assert body["messages"][1] == {"role": "user", "content": "What is it?"}
    assert body["response_format"]["json_schema"]["strict"] is True
    assert "temperature" not in body
    assert "reasoning_effort" not in body


def test_a_strict_schema_requires_every_member_and_allows_no_other() -> None:
    shape = strict_schema(Verdict)
    assert shape["required"] == ["title", "kind", "points"]
    assert shape["additionalProperties"] is False
    assert "maxLength" not in str(shape)
    assert set(shape["properties"]) == {"title", "kind", "points"}, "a member may be called what a keyword is called"


@pytest.mark.parametrize("wrap", ["fenced", "thoughts", "parts"])
async def test_json_is_found_in_what_is_around_it(api: ChatModel, ask_with: Make, wrap: Wrong) -> None:
    api.answer("Verdict", lambda _question, _schema: RIGHT)
    api.wrong(wrap)
    value, used = await ask_with().ask("?", Verdict)
    assert value.title == "Ein Wort"
    assert used.requests == 1


@pytest.mark.parametrize("wrong", ["prose", "broken", "empty", "cut", "refusal"])
async def test_an_answer_that_is_wrong_is_asked_for_once_more(api: ChatModel, ask_with: Make, wrong: Wrong) -> None:
    api.answer("Verdict", lambda _question, _schema: RIGHT)
    api.wrong(wrong)
    value, used = await ask_with().ask("?", Verdict)
    assert value.kind == "good"
    assert used.requests == 2
    assert "This answer cannot be used" in api.questions[1]["messages"][-1]["content"]


async def test_the_model_is_told_what_is_wrong_in_its_place(api: ChatModel, ask_with: Make) -> None:
    answers = iter([{"title": "x", "kind": "middling", "points": ["many"]}, RIGHT])
    api.answer("Verdict", lambda _question, _schema: next(answers))
    await ask_with().ask("?", Verdict)
    told = api.questions[1]["messages"][-1]["content"]
    assert "kind: Input should be 'good' or 'bad'" in told
    assert "points.0:" in told


async def test_the_callers_own_check_is_part_of_the_repair(api: ChatModel, ask_with: Make) -> None:
    def answer(question: str, _schema: dict[str, Any]) -> Any:
        return RIGHT if "too few points" in question else {**RIGHT, "points": []}

    api.answer("Verdict", answer)
    value, used = await ask_with().ask("?", Verdict, check=lambda one: [] if one.points else ["too few points"])
    assert value.points == [1, 2]
    assert used.requests == 2


async def test_what_stays_wrong_is_an_error_that_holds_the_answer_and_its_cost(api: ChatModel, ask_with: Make) -> None:
    api.answer("Verdict", lambda _question, _schema: {**RIGHT, "points": []})
    with pytest.raises(AnswerUnusable) as raised:
        await ask_with(price_input=1.0).ask("?", Verdict, check=lambda _one: ["too few points"])
    assert raised.value.objections == ("too few points",)
    assert isinstance(raised.value.value, Verdict)
    assert raised.value.usage.requests == 2
    assert raised.value.usage.cost > 0
    assert not raised.value.retryable


@pytest.mark.parametrize("formats", [("json_object",), ()])
async def test_an_api_that_knows_no_schemas_is_asked_in_a_way_it_knows(
    api: ChatModel, ask_with: Make, formats: tuple[str, ...]
) -> None:
    api.formats = formats
    api.answer("Verdict", lambda _question, _schema: RIGHT)
    model = ask_with()
    first, _ = await model.ask("?", Verdict)
    asked = len(api.questions)
    second, _ = await model.ask("?", Verdict)
    assert first.kind == second.kind == "good"
    assert asked == 3 - len(formats)
    assert len(api.questions) == asked + 1, "the way is remembered"
    assert "JSON schema, Verdict" in api.questions[-1]["messages"][0]["content"]


async def test_a_pause_that_is_asked_for_is_kept(api: ChatModel, ask_with: Make) -> None:
    api.trouble(CHAT, "limited", times=1, retry_after=1)
    began = time.monotonic()
    await ask_with().ask("?", Verdict)
    assert time.monotonic() - began >= 1.0
    assert [visit.status for visit in api.visits] == [429, 200]


async def test_a_pause_that_is_too_long_is_told(api: ChatModel, ask_with: Make) -> None:
    api.trouble(CHAT, "limited", retry_after=3600)
    with pytest.raises(ModelRateLimited) as raised:
        await ask_with().ask("?", Verdict)
    assert raised.value.retry_after == 3600
    assert raised.value.retryable
    assert len(api.visits) == 1


async def test_errors_of_the_api_are_tried_again_and_then_told(api: ChatModel, ask_with: Make) -> None:
    api.trouble(CHAT, "down", times=1)
    _, used = await ask_with().ask("?", Verdict)
    assert [visit.status for visit in api.visits] == [502, 200]
    assert used.requests == 1
    api.wrong("error")
    await ask_with().ask("?", Verdict)
    assert [visit.status for visit in api.visits[2:]] == [200, 200], "the first of them holds an error 503"
    api.trouble(CHAT, "down")
    with pytest.raises(ModelTrouble, match="502"):
        await ask_with(tries=2).ask("?", Verdict)


async def test_what_is_no_such_api_is_told(api: ChatModel, ask_with: Make) -> None:
    api.trouble(CHAT, "nonsense")
    with pytest.raises(ModelTrouble, match=r"language_model\.url"):
        await ask_with(tries=1).ask("?", Verdict)


async def test_an_answer_that_does_not_come_ends_at_the_timeout(api: ChatModel, ask_with: Make) -> None:
    api.trouble(CHAT, "endless")
    with pytest.raises(ModelTrouble, match=r"within 0\.2 s"):
        await ask_with(tries=1, timeout=0.2).ask("?", Verdict)


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = "http://{}:{}/v1".format(*taken.getsockname())
    model = LanguageModel(LanguageModelSettings(url=url, model="m", tries=1, key="sk-se-cret"))
    with pytest.raises(ModelTrouble, match="cannot be reached"):
        await model.ask("?", Verdict)
    await model.close()


async def test_a_wrong_key_is_told_and_the_key_is_not(api: ChatModel, ask_with: Make) -> None:
    api.key = "sk-right"
    with pytest.raises(KeyRefused) as raised:
        await ask_with(key="sk-se-cret").ask("?", Verdict)
    assert "Incorrect API key provided" in raised.value.message
    assert "se-cret" not in f"{raised.value!r} {raised.value.message}"
    assert len(api.visits) == 1
    value, _ = await ask_with(key="sk-right").ask("?", Verdict)
    assert value.kind == "good"
    assert "sk-right" not in str(api.questions)


async def test_another_model_and_an_empty_account_are_told(api: ChatModel, ask_with: Make) -> None:
    with pytest.raises(ModelMissing, match="gpt-9"):
        await ask_with(model="gpt-9").ask("?", Verdict)
    api.wrong("quota")
    with pytest.raises(PaymentNeeded):
        await ask_with().ask("?", Verdict)


async def test_an_answer_that_is_too_long_is_cut_off(api: ChatModel, ask_with: Make) -> None:
    api.answer("Verdict", lambda _question, _schema: {**RIGHT, "title": "x" * 5000})
    with pytest.raises(AnswerUnusable, match=r"language_model\.answer_max"):
        await ask_with(answer_max=2000).ask("?", Verdict)


async def test_only_so_many_questions_wait_at_once(api: ChatModel, ask_with: Make) -> None:
    api.delay = 0.02
    model = ask_with(at_once=2)
    await asyncio.gather(*(model.ask(f"{number}?", Verdict) for number in range(8)))
    assert api.most_open == 2
    assert len(api.visits) == 8


async def test_a_cancelled_question_leaves_its_turn_to_others(api: ChatModel, ask_with: Make) -> None:
    model = ask_with(at_once=1)
    api.trouble(CHAT, "endless", times=1)
    asking = asyncio.create_task(model.ask("?", Verdict))
    while not api.open_requests:  # noqa: ASYNC110 - the stand-in runs in another thread
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    value, _ = await model.ask("?", Verdict)
    assert value.kind == "good"


async def test_without_a_model_nothing_is_asked() -> None:
    model = LanguageModel(LanguageModelSettings())
    assert not model.configured
    with pytest.raises(ModelMissing, match=r"language_model\.url"):
        await model.ask("?", Verdict)


def test_usage_adds_up() -> None:
    assert Usage(0.5, 10, 2, 1) + Usage(0.25, 1, 1, 1) == Usage(0.75, 11, 3, 2)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("model", {"url": "https://api.example/v1"}),
        ("url", {"model": "m"}),
        ("url", {"url": "api.example/v1", "model": "m"}),
        ("tries", {"url": "https://api.example", "model": "m", "tries": 0}),
        ("price_output", {"price_output": -1.0}),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"language_model\.{name}"):
        LanguageModelSettings(**given)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCEPTED_LANGUAGE_MODEL_URL", "https://api.example/v1")
    monkeypatch.setenv("ACCEPTED_LANGUAGE_MODEL_MODEL", "small")
    monkeypatch.setenv("ACCEPTED_LANGUAGE_MODEL_KEY", "sk-se-cret")
    monkeypatch.setenv("ACCEPTED_LANGUAGE_MODEL_PRICE_CACHED", "0.1")
    found = load(LanguageModelSettings, section="language_model")
    assert (found.model, found.price_cached) == ("small", 0.1)
    assert LanguageModel(found).configured
    assert "se-cret" not in repr(found)


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = LanguageModelError.__subclasses__()
    assert QuestionRefused in kinds
    assert len({kind.code for kind in kinds}) == len(kinds)
