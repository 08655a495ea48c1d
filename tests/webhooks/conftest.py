"""One receiver and one service for each test that needs no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from webhooks.receiver import Receiver, receiving
from webhooks.scene import Scene, scene


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def at_once(receiver: Receiver) -> AsyncIterator[Scene]:
    """Where a further try comes without a pause."""
    async with scene(receiver) as made:
        yield made


@pytest.fixture
async def in_real_time(receiver: Receiver) -> AsyncIterator[Scene]:
    """Where the pauses are those of the documentation."""
    async with scene(receiver, pauses=None) as made:
        yield made
