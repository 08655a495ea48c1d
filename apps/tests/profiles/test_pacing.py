"""Turns at a host, pauses of hosts, and waiting in threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.profiles.errors import RateLimited
from accepted_apps.profiles.pacing import Hosts, Pacing
from helpers import wait_until

from accepted import Job, Jobs, Kind


async def test_a_host_has_so_many_places_and_no_more() -> None:
    hosts, leave, inside = Hosts(at_once=2, gap=0.0), asyncio.Event(), list[str]()

    async def visit(host: str) -> None:
        async with hosts.turn(host) as free:
            assert free
            inside.append(host)
            await leave.wait()

    visits = [asyncio.create_task(visit(host)) for host in "abab" * 5]
    await wait_until(lambda: len(inside) >= 4, what="two of each host")
    for _ in range(100):
        await asyncio.sleep(0)
    assert sorted(inside) == ["a", "a", "b", "b"]
    leave.set()
    await asyncio.gather(*visits)
    assert len(inside) == 20


async def test_starts_are_a_gap_apart() -> None:
    hosts, starts = Hosts(at_once=10, gap=0.03), list[float]()

    async def visit() -> None:
        async with hosts.turn("a"):
            starts.append(time.monotonic())

    await asyncio.gather(*(visit() for _ in range(6)))
    assert min(later - sooner for sooner, later in pairwise(starts)) >= 0.029


async def test_who_is_cancelled_while_it_waits_leaves_its_place() -> None:
    hosts = Hosts(at_once=1, gap=0.0)

    async def visit() -> None:
        async with hosts.turn("a"):
            await asyncio.Event().wait()

    first = asyncio.create_task(visit())
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(visit()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in (*waiting, first):
        task.cancel()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    async with asyncio.timeout(5), hosts.turn("a") as free:
        assert free


async def test_a_pause_is_the_longest_that_was_asked_for() -> None:
    hosts = Hosts(at_once=1, gap=0.0)
    hosts.pause("a", 50, "A")
    hosts.pause("a", 10, "B")
    seconds, who = hosts.paused("a")
    assert 49 < seconds <= 50
    assert who == "A"
    assert hosts.paused("b") == (0.0, "")
    async with hosts.turn("a") as free:
        assert not free


# ── within a job ──


@asynccontextmanager
async def running(tmp_path: Path, body: Any) -> AsyncIterator[tuple[Jobs, str]]:
    """A job that runs `body(pacing)`, in a real worker."""
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}")
    hosts = Hosts(at_once=2, gap=0.0)

    @jobs.task(name="paced")
    async def paced(*, job: Job) -> Any:
        pacing = Pacing(job, hosts, longest_wait=5.0)
        try:
            return await body(pacing)
        finally:
            pacing.close()

    async with jobs:
        handle = await paced.submit()
        yield jobs, handle.id


async def messages(jobs: Jobs, job_id: str) -> list[str]:
    record = await jobs.get_record(job_id)
    found, events = list[str](), jobs.events(job_id)
    async for event in events:
        if event.kind is Kind.LOG:
            found.append(event.data.decode())
        if event.seq >= record.seq:
            break
    await events.aclose()
    return found


async def test_a_turn_waits_for_a_pause_and_says_so_once(tmp_path: Path) -> None:
    async def body(pacing: Pacing) -> float:
        began = time.monotonic()
        pacing.pause("a", 0.3, "Network")

        async def visit() -> None:
            async with pacing.turn("a"):
                pass

        await asyncio.gather(*(visit() for _ in range(5)))
        return time.monotonic() - began

    async with running(tmp_path, body) as (jobs, job_id):
        handle = await jobs.get(job_id)
        assert await handle.result(timeout=20) >= 0.3
        [told] = await messages(jobs, job_id)
    assert "Network asks to wait 1 s, until " in told


async def test_a_longer_pause_than_allowed_is_raised_with_its_length(tmp_path: Path) -> None:
    async def body(pacing: Pacing) -> float:
        with pytest.raises(RateLimited) as limited:
            await pacing.limited("a", 60.0, "Network")
        with pytest.raises(RateLimited):
            await asyncio.to_thread(pacing.sync_wait, 60.0, "Network", stopped=threading.Event())
        return limited.value.retry_after

    async with running(tmp_path, body) as (jobs, job_id):
        assert 59 < await (await jobs.get(job_id)).result(timeout=20) <= 60


async def test_a_thread_stops_waiting_when_the_job_is_cancelled(tmp_path: Path) -> None:
    started, ended = threading.Event(), threading.Event()

    def wait(pacing: Pacing) -> None:
        started.set()
        try:
            pacing.sync_wait(4.9, "Network", stopped=threading.Event())
        except BaseException:
            ended.set()
            raise

    async def body(pacing: Pacing) -> None:
        await asyncio.to_thread(wait, pacing)

    async with running(tmp_path, body) as (jobs, job_id):
        await wait_until(started.is_set)
        began = time.monotonic()
        await jobs.cancel(job_id)
        await wait_until(ended.is_set, timeout=4)
        assert time.monotonic() - began < 3, "not the whole pause"
        assert await jobs.wait_over(job_id, 10)
