"""Running jobs: no-op jobs, pick-up, progress, steps, and a worker that is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from accepted import Job, Jobs, Status
from accepted.settings import Settings
from bench import tasks
from bench.figure import Bench, Row, at_least, at_most, median, percentile, run, shown
from bench.processes import working
from bench.submitting import jobs_in, many

WIDE: Final = 200
"""Jobs at once of a worker whose jobs are short: as many share a commit."""
USUAL: Final = Settings().concurrency

# ── no-op jobs ───────────────────────────────────────────────────────────────────────────────────────


def no_op(bench: Bench) -> list[Row]:
    """Submitted, run, its result and its three events stored; the clock stops when the last is over."""
    count = bench.pick(20_000, 400)
    alone: list[float] = []
    beside: list[float] = []
    usual: list[float] = []
    for number in range(bench.pick(5, 1)):
        for workers, concurrency, rates in ((0, WIDE, alone), (2, WIDE, beside), (0, USUAL, usual)):
            folder = bench.folder / f"{number}-{workers}-{concurrency}"
            folder.mkdir()
            with ExitStack() as stack:
                for _ in range(workers):
                    stack.enter_context(working(folder, concurrency=concurrency))
                rates.append(run(_end_to_end(folder, count, concurrency, own_worker=not workers)))
    return [
        at_least("no-op jobs end to end, one process", median(alone), 10_000, "{:,.0f} jobs/s"),
        at_least("no-op jobs, two worker processes beside", median(beside), median(alone), "{:,.0f} jobs/s"),
        shown(f"  one process, {USUAL} jobs at once", median(usual), "{:,.0f} jobs/s"),
    ]


async def _end_to_end(folder: Path, count: int, concurrency: int, *, own_worker: bool) -> float:
    jobs = jobs_in(folder, worker=own_worker, concurrency=concurrency)
    order = jobs.register(tasks.order.function, name="order", policy=tasks.order.policy)
    async with jobs:
        await many(lambda: order.submit("owner/name"), 200)
        await _completed(jobs, 200)
        start = time.perf_counter()
        await many(lambda: order.submit("owner/name"), count)
        await _completed(jobs, 200 + count)
        return count / (time.perf_counter() - start)


async def _completed(jobs: Jobs, count: int) -> None:
    while sum(tally.jobs for tally in await jobs.store.tallies() if tally.status is Status.COMPLETED) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


# ── pick-up ──────────────────────────────────────────────────────────────────────────────────────────


def pick_up(bench: Bench) -> list[Row]:
    """From the call of `submit` to the body's first line, the worker being idle."""
    count = bench.pick(500, 30)
    here, there = bench.folder / "here", bench.folder / "there"
    here.mkdir()
    there.mkdir()
    inside = run(_pick_up(here, count, own_worker=True))
    with working(there):
        beside = run(_pick_up(there, count, own_worker=False))
    return [
        at_most("pick-up by the worker in process, p50", percentile(inside, 50), 1, "{:.2f} ms"),
        at_most("pick-up by the worker in process, p99", percentile(inside, 99), 3, "{:.2f} ms"),
        at_most("pick-up by another process, p50", percentile(beside, 50), 2, "{:.2f} ms"),
        at_most("pick-up by another process, p99", percentile(beside, 99), 6, "{:.2f} ms"),
    ]


async def _pick_up(folder: Path, count: int, *, own_worker: bool) -> list[float]:
    """Milliseconds."""
    jobs = jobs_in(folder, worker=own_worker)
    stamp = jobs.register(tasks.stamp.function, name="stamp", policy=tasks.stamp.policy)
    took = []
    async with jobs:
        for _ in range(count + 5):
            await asyncio.sleep(random.uniform(0.002, 0.012))
            called = time.monotonic()
            handle = await stamp.submit()
            took.append((await handle.result() - called) * 1000)
    return took[5:]


# ── progress and steps ───────────────────────────────────────────────────────────────────────────────


def progress(bench: Bench) -> list[Row]:
    million = bench.pick(1_000_000, 20_000)
    calls = [run(_in_a_job(bench.folder / f"call-{n}", _calls, million // 5)) for n in range(bench.pick(5, 1))]
    whole = [run(_in_a_job(bench.folder / f"job-{n}", _awaited, million)) for n in range(bench.pick(3, 1))]
    return [
        at_most("a progress call that is not written", median(calls) / (million // 5) * 1e6, 2, "{:.2f} µs"),
        at_most(f"a job that makes {million:,} progress calls", median(whole), 3, "{:.2f} s"),
    ]


async def _calls(job: Job, count: int) -> float:
    start = time.perf_counter()
    for number in range(count):
        job.progress(number / count, "matching")
    return time.perf_counter() - start


async def _awaited(job: Job, count: int) -> float:
    start = time.perf_counter()
    for number in range(count):
        await job.progress(100 * number / count, "matching")
    return time.perf_counter() - start


def step(bench: Bench) -> list[Row]:
    took = run(_in_a_job(bench.folder, _steps, bench.pick(500, 20)))
    return [
        at_most("a checkpointed step, p50", percentile(took, 50), 1, "{:.2f} ms"),
        shown("a checkpointed step, p99", percentile(took, 99), "{:.2f} ms"),
    ]


async def _steps(job: Job, count: int) -> list[float]:
    """Milliseconds of each."""

    async def nothing(number: int) -> int:
        return number

    took = []
    for number in range(count):
        start = time.perf_counter()
        await job.step(f"step {number}", nothing, number)
        took.append((time.perf_counter() - start) * 1000)
    return took


async def _in_a_job(folder: Path, body: Any, *args: Any) -> Any:
    """What `body` returns when it runs as a job."""
    jobs = jobs_in(folder)

    @jobs.task
    async def measured(*, job: Job) -> Any:
        return await body(job, *args)

    async with jobs:
        return await (await measured.submit()).result()


# ── kill -9 ──────────────────────────────────────────────────────────────────────────────────────────


def resume(bench: Bench) -> list[Row]:
    """From the kill of the worker that runs a job to the body's first line in the other one."""
    rounds = bench.pick(5, 1)
    ledger = bench.folder / "ledger"
    with ExitStack() as stack:
        workers = {one.pid: one for one in (stack.enter_context(working(bench.folder)) for _ in range(2))}
        run(_start_marathon(bench.folder, ledger))
        took = []
        for number in range(rounds):
            victim = workers.pop(int(_line(ledger, number)[0]))
            killed = time.monotonic()
            os.kill(victim.pid, signal.SIGKILL)
            took.append(float(_line(ledger, number + 1)[1]) - killed)
            spare = stack.enter_context(working(bench.folder))
            workers[spare.pid] = spare
    return [
        at_most("resumed after kill -9 of its worker", median(took), 1, "{:.2f} s", f" (slowest {max(took):.2f} s)")
    ]


async def _start_marathon(folder: Path, ledger: Path) -> None:
    jobs = jobs_in(folder, worker=False)
    marathon = jobs.register(tasks.marathon.function, name="marathon", policy=tasks.marathon.policy)
    async with jobs:
        await marathon.submit(str(ledger))


def _line(ledger: Path, number: int) -> list[str]:
    """Wait for it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        lines = ledger.read_text().splitlines(keepends=True) if ledger.exists() else []
        if len(lines) > number and lines[number].endswith("\n"):
            return lines[number].split()
        time.sleep(0.001)
    raise RuntimeError("nobody took the job over")
