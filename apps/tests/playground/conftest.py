"""A playground for these tests, started once for a module and forgetful between its tests.

Clients are made with verify=False: there is no TLS here, and reading the certificates takes longer than most tests.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from accepted_apps.playground import Playground

BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en",
    "sec-ch-ua": '"Chromium";v="142"',
}


@pytest.fixture(scope="module")
def running() -> Iterator[Playground]:
    with Playground(slow_seconds=0.2) as playground:
        yield playground


@pytest.fixture
def pg(running: Playground) -> Playground:
    running.reset()
    return running


@pytest.fixture
async def web(pg: Playground) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the site as its base, that goes there directly."""
    async with httpx.AsyncClient(base_url=pg.url, trust_env=False, verify=False, timeout=20) as client:
        yield client


@pytest.fixture
def through(pg: Playground) -> Callable[[str], httpx.AsyncClient]:
    """Makes a client with the site as its base, that goes there through a proxy."""

    def client(proxy: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=pg.url, proxy=proxy, verify=False, timeout=20)

    return client


@pytest.fixture
def browser_headers() -> dict[str, str]:
    """What Chrome sends, as far as /headers looks."""
    return dict(BROWSER_HEADERS)


@pytest.fixture
def wait_until() -> Callable[..., object]:
    """Waits for a fact, and fails when it does not come true in time."""

    async def wait(fact: Callable[[], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not fact():
            if time.monotonic() > deadline:
                raise AssertionError("waited in vain")
            await asyncio.sleep(0.01)

    return wait
