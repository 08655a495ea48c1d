"""Waiting for facts. The only place in the tests that sleeps."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def wait_until(fact: Callable[[], Any], *, timeout: float = 20.0, what: str = "the fact") -> Any:
    """Ask until the answer is true; return it. Raises AssertionError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = fact()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true in {timeout:g} s"
        await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
