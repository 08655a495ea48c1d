"""The analysis by a language model: used where its answer holds, and not where it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from accepted_apps.playground.audit import GitServer
from accepted_apps.playground.language_model import ChatModel
from accepted_apps.playground.social import Served

from .serving import SLOW, Client, Server, matched

CURRENT = "    users = db.query(User).all()"
IMPROVED = "    users = db.query(User).limit(50).all()"


def said(**changes: Any) -> dict[str, Any]:
    proposal = {
        "title": "Bound the list",
        "issue": "All users are read",
        "explanation": "Take a page",
        "file": "app/users.py",
        "current_code": CURRENT,
        "improved_code": IMPROVED,
        "expected_improvement": "Most of the time",
        "priority": "high",
    }
    return {"summary": "It reads everything", "root_causes": ["No limit"], "suggestions": [{**proposal, **changes}]}


@pytest.fixture
async def model() -> AsyncIterator[Served[ChatModel]]:
    with Served(ChatModel(key="sk-audit-secret")) as api:
        yield api


@pytest.fixture
async def client(model: Served[ChatModel], serve: Callable[..., Server], git: GitServer) -> AsyncIterator[Client]:
    server = serve(
        language_model_url=f"{model.url}/v1",
        language_model_model="stand-in",
        language_model_key="sk-audit-secret",
        language_model_price_input=1000,
        audit_model_endpoints=1,
    )
    async with server.client() as made:
        yield made


async def test_a_models_answer_is_used_where_it_holds(client: Client, model: Served[ChatModel]) -> None:
    model.network.answer("Review", lambda *_: said())
    fast = {"endpoint": "/health", "avg_response_time_ms": 1}
    state = await client.over(await client.start("shop/fastapi", fast, SLOW))
    result = state["result"]
    api = matched(result, "/api/users")
    assert api["analysis_by"] == result["analysis_by"] == "stand-in"
    assert (api["summary"], api["root_causes"]) == ("It reads everything", ["No limit"])
    [suggestion] = api["code_suggestions"]
    assert (suggestion["current_code"], suggestion["improved_code"]) == (CURRENT, IMPROVED)
    assert (suggestion["file"], suggestion["line"]) == ("app/users.py", 13)
    assert matched(result, "/health")["analysis_by"] == "rules", "only the worst are asked about"
    assert len(model.network.questions) == 1
    assert state["cost"] > 0
    assert result["cost"] == pytest.approx(state["cost"], abs=1e-5)
    question = str(model.network.questions)
    assert "   13     users = db.query(User).all()" in question
    assert "2500 ms on average" in question


@pytest.mark.parametrize(
    "wrong",
    [
        {"current_code": "    users = everything()"},
        {"improved_code": "    users = = ("},
        {"improved_code": CURRENT},
        {"current_code": ""},
    ],
)
async def test_an_answer_that_does_not_hold_falls_back_to_the_rules(
    wrong: dict[str, str], client: Client, model: Served[ChatModel]
) -> None:
    model.network.answer("Review", lambda *_: said(**wrong))
    result = await client.completed()
    api = matched(result, "/api/users")
    assert api["analysis_by"] == "rules"
    assert [one["rule"] for one in api["code_suggestions"]] == ["lazy-relation", "missing-pagination"]
    assert any("language model" in note for note in result["notes"])
    assert len(model.network.questions) == 2, "it was told once what is wrong"
    assert "sk-audit-secret" not in str(result)


async def test_a_model_that_refuses_is_no_failure(client: Client, model: Served[ChatModel]) -> None:
    model.network.key = "another"
    result = await client.completed()
    assert result["analysis_by"] == "rules"
    assert any("language model" in note for note in result["notes"])
