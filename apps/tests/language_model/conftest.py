"""One stand-in of an API for all tests, and models that ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from accepted_apps.language_model import LanguageModel, LanguageModelSettings
from accepted_apps.playground.language_model import ChatModel
from accepted_apps.playground.social import Served


@pytest.fixture(scope="session")
def served() -> Iterator[Served[ChatModel]]:
    with Served(ChatModel()) as running:
        yield running


@pytest.fixture
def api(served: Served[ChatModel]) -> ChatModel:
    served.network.reset()
    served.network.key = ""
    served.network.formats = ("json_schema", "json_object")
    return served.network


@pytest.fixture
async def ask_with(served: Served[ChatModel], api: ChatModel) -> AsyncIterator[Callable[..., LanguageModel]]:
    """Makes a model with these settings."""
    made: list[LanguageModel] = []

    def make(**settings: Any) -> LanguageModel:
        given = {"url": f"{served.url}/v1", "model": "stand-in", **settings}
        made.append(LanguageModel(LanguageModelSettings(**given)))
        return made[-1]

    yield make
    for one in made:
        await one.close()
