"""A server that is told to stop stops, whatever is open."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path

import httpx
import pytest
from helpers import wait_until

from accepted.http.shutdown import draining_on_signals
from accepted.hub import Hub
from accepted.settings import Settings
from accepted.stores.sqlite import SQLiteStore


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_plain_uvicorn_stops_with_streams_open(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "uvicorn",
        "--port=0",
        "--app-dir",
        str(Path(__file__).parent),
        "app_with_streams:app",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        base = ""
        while "http://" not in base:
            base = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
            assert base, "it did not start"
        base = "http://" + base.partition("http://")[2].split()[0]
        async with httpx.AsyncClient(base_url=base) as client, client.stream("GET", "/stream") as answer:
            lines = answer.aiter_lines()
            async for line in lines:
                if line.startswith("data:"):
                    break
            process.send_signal(number)
            async with asyncio.timeout(10):
                assert [line async for line in lines] == [""], "it ends in order"
                output, _ = await process.communicate()
        assert b"lifespan over" in output
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_leaves_the_handlers_as_they_were() -> None:
    hub = Hub(SQLiteStore(None), Settings())
    before = signal.getsignal(signal.SIGINT)
    with draining_on_signals(hub):
        assert signal.getsignal(signal.SIGINT) is not before
        with draining_on_signals(hub):
            pass
    assert signal.getsignal(signal.SIGINT) is before


async def test_in_another_thread_it_does_nothing() -> None:
    entered: list[object] = []

    def elsewhere() -> None:
        with draining_on_signals(Hub(SQLiteStore(None), Settings())):
            entered.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    await wait_until(lambda: not thread.is_alive())
    assert entered == [before]
