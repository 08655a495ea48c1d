"""Submitting from Python."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from accepted import Jobs
from accepted.settings import Settings
from bench.figure import Bench, Row, at_least, median, run
from bench.machine import fdatasync_rate

AT_ONCE: Final = 200
PAGES: Final = 8
"""What a commit of one job writes: its row, arguments, event and turn, and the indexes that it stands in."""


def jobs_in(folder: Path, **settings: Any) -> Jobs:
    """A `Jobs` with the default settings, whatever the environment says, on the file that processes beside take."""
    return Jobs(settings=Settings(data=folder, **settings))


async def many(submit: Callable[[], Awaitable[object]], count: int, at_once: int = AT_ONCE) -> float:
    """So many calls, `at_once` of them under way at any moment. The seconds it took."""

    async def one_of_them(calls: int) -> None:
        for _ in range(calls):
            await submit()

    each, more = divmod(count, at_once)
    start = time.perf_counter()
    await asyncio.gather(*(one_of_them(each + (number < more)) for number in range(at_once)))
    return time.perf_counter() - start


def submit(bench: Bench) -> list[Row]:
    return run(_submit(bench))


async def _submit(bench: Bench) -> list[Row]:
    jobs = jobs_in(bench.folder, worker=False)

    @jobs.task
    async def order(repo: str, branch: str = "main", depth: int = 1) -> str:
        return f"{repo}@{branch}:{depth}"

    def submit_one() -> Awaitable[object]:
        return order.submit("owner/name", depth=3)

    count, single = bench.pick((10_000, 500), (400, 20))
    rates: list[float] = []
    singles: list[float] = []
    shares: list[float] = []
    of_its_size: list[float] = []
    async with jobs:
        # Until the write-ahead log has its length: from then on it is written over.
        await many(submit_one, bench.pick(10_000, 200))
        for _ in range(bench.pick(7, 1)):
            rates.append(count / await many(submit_one, count))
            singles.append(single / await many(submit_one, single, 1))
            shares.append(singles[-1] / await asyncio.to_thread(fdatasync_rate, bench.folder))
            of_its_size.append(await asyncio.to_thread(fdatasync_rate, bench.folder, pages=PAGES))
    return [
        at_least(f"submit from Python, {AT_ONCE} at once", median(rates), 12_000, "{:,.0f} jobs/s"),
        at_least(
            "submit from Python, one at a time",
            median(shares),
            0.8,
            "{:.2f} of the fdatasync rate",
            f" ({median(singles):,.0f} jobs/s; {median(of_its_size):,.0f} of {PAGES} pages)",
        ),
    ]
