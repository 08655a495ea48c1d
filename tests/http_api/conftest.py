"""One service for each test, and two users of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from http_api.serving import Api, started


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with started() as api:
        yield api


@pytest.fixture
async def ann(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client("ann") as client:
        yield client


@pytest.fixture
async def bob(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client("bob") as client:
        yield client
