"""A load generator that costs little: prebuilt bytes on kept connections, each sends again when it was answered.

`python -m bench.generator '{"port": …, "request": "…", "status": 202, "connections": 32, "seconds": 2}'` prints a line
of JSON: requests a second, p50 and p99 in milliseconds, answers with another status, all answers with those before
and after the measured time, and its own share of a core.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import cast

from bench.figure import percentile, run

WARM_UP = 0.3
"""Seconds that do not count."""


class Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again."""

    def __init__(self, request: bytes, answered: Callable[[float, float, bytes], None]) -> None:
        self._request, self._answered = request, answered
        self._received = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if is_whole(self._received):
            self._answered(self._asked, time.perf_counter(), self._received[9:12])
            self._received = b""
            self._ask()


def is_whole(answer: bytes) -> bool:
    """Whether head and body are there; an answer that names no length has no body (304)."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    named = answer.find(b"content-length: ", 0, head)
    if named < 0:
        return True
    return len(answer) >= head + 4 + int(answer[named + 16 : answer.find(b"\r", named)])


async def generate(port: int, request: str, status: int, connections: int, seconds: float) -> dict[str, float]:
    latencies: list[float] = []
    wrong = answers = 0
    counted = asyncio.Event()
    counts_from = time.perf_counter() + WARM_UP
    expected = str(status).encode()

    def answered(asked: float, at: float, code: bytes) -> None:
        nonlocal wrong, answers
        answers += 1
        wrong += code != expected
        if at >= counts_from:
            latencies.append(at - asked)
            if len(latencies) == 1:
                counted.set()

    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(request.encode(), answered), "127.0.0.1", port)
    await asyncio.sleep(counts_from - time.perf_counter())
    cpu = time.process_time()
    await asyncio.sleep(counts_from + seconds - time.perf_counter())
    # A machine with much else to do may have answered nothing in a short time.
    await counted.wait()
    took = time.perf_counter() - counts_from
    return {
        "rate": len(latencies) / took,
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
        "wrong": wrong,
        "answers": answers,
        "cpu": (time.process_time() - cpu) / took,
    }


if __name__ == "__main__":
    print(json.dumps(run(generate(**json.loads(sys.argv[1])))))
