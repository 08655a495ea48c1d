"""Real processes and real kill -9: nothing lost, nothing stuck, no finished step run twice, no watcher with a gap."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crash.scene import (
    Submitter,
    Workers,
    all_done,
    check_log,
    distribution,
    has_status,
    moment,
    observer,
    over,
    read_log,
    resumptions,
    watch_socket,
    watch_stream,
)
from helpers import wait_until
from served import Server

from accepted import Event, JobHandle, Kind, Status
from accepted.client import AsyncClient


@pytest.mark.parametrize(
    ("count", "kills"), [(150, 8), pytest.param(3000, 150, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_kill_9_at_random_moments(
    workers: Workers, count: int, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs, work, _ = observer(workers)
    async with jobs:
        await workers.started()
        await workers.started()
        handles = await work.submit_many([{}] * count)
        watched: list[list[Event]] = [[] for _ in range(5)]
        killed: list[float] = []

        async def watch(number: int) -> None:
            watched[number].extend([event async for event in handles[number * 7].events()])

        watchers = [asyncio.create_task(watch(number)) for number in range(5)]
        for _ in range(kills):
            enough = len(workers.lines()) + moment()
            await wait_until(functools.partial(_reached, workers, enough, handles))
            victim = random.choice([process for process in workers.processes if process.poll() is None])
            killed.append(time.time())
            victim.kill()
            victim.wait()
            await workers.started()
        await all_done(handles, timeout=60 + count / 10)
        await asyncio.gather(*watchers)
        logs, lines = [await read_log(jobs, handle.id) for handle in handles], workers.lines()
        for events in logs:
            check_log(events, lines)
        for number, events in enumerate(watched):
            assert [event.seq for event in events] == [event.seq for event in logs[number * 7]]
        took = resumptions(logs, killed)
        assert not took or took[-1] < 10, "far below the lease of 30 s"
        with capsys.disabled():
            print(f"\nfrom kill -9 of a worker to the next attempt: {distribution(took)}")


async def _reached(workers: Workers, lines: int, handles: list[JobHandle[Any]]) -> bool:
    return len(workers.lines()) >= lines or (await handles[-1].refresh()).over


BLOWS = [{"worker"}, {"server"}, {"server", "worker"}, {"submitter"}, {"submitter", "server", "worker"}]


@pytest.mark.parametrize(
    ("count", "kills", "parts"),
    [(60, 6, 80), pytest.param(3000, 120, 2000, marks=pytest.mark.soak)],
    ids=["short", "long"],
)
async def test_kill_9_of_the_server_a_worker_and_who_submits(
    workers: Workers, make_server: Callable[..., Server], tmp_path: Path, count: int, kills: int, parts: int
) -> None:
    """The server has a worker inside, another one runs beside it; clients come back with their keys and cursors."""
    server = make_server(ACCEPTED_LEASE="30")
    await asyncio.to_thread(server.start)
    await workers.started()
    async with AsyncClient(server.url) as client:
        long = [(await client.tasks["work"].submit(parts=parts)).id for _ in range(3)]
    watchers = [
        asyncio.create_task(watch(server.url, job_id)) for job_id in long for watch in (watch_stream, watch_socket)
    ]
    submitter = Submitter(server.url, tmp_path / "acknowledged", count)
    submitter.start()
    for number in range(kills):
        enough = len(workers.lines()) + moment()
        await wait_until(
            lambda enough=enough: len(workers.lines()) >= enough or submitter.done()  # type: ignore[misc]
        )
        blow = BLOWS[number % len(BLOWS)]
        if "submitter" in blow:
            submitter.kill()
        if "server" in blow:
            server.kill()
        if "worker" in blow:
            workers.kill()
            await workers.started()
        if "server" in blow:
            await asyncio.to_thread(server.start)
        if "submitter" in blow:
            submitter.start()
    await wait_until(submitter.done, timeout=60 + count / 5)
    jobs, _, _ = observer(workers)
    async with jobs:
        submitted = submitter.acknowledged()
        everything = [*long, *submitted]
        await wait_until(lambda: over(jobs, everything), timeout=60 + count / 5)
        seen = await asyncio.wait_for(asyncio.gather(*watchers), 60)
        lines = workers.lines()
        for job_id in everything:
            check_log(await read_log(jobs, job_id), lines, parts=parts if job_id in long else 4)
        for number, seqs in enumerate(seen):
            assert seqs == [event.seq for event in await read_log(jobs, long[number // 2])]
        assert len(submitted) == len(set(submitted)) == count
        stored = sum(tally.jobs for tally in await jobs.store.tallies())
        assert stored == count + len(long), "a key that was sent twice made one job"


async def test_a_dead_worker_is_seen_at_once_though_its_lease_is_long(workers: Workers) -> None:
    jobs, _, forever = observer(workers, upkeep=0.1)
    async with jobs:
        first = await workers.started(lease=60.0)
        handle = await forever.submit()
        await wait_until(lambda: workers.runs() == 1)
        await workers.started(lease=60.0)
        first.kill()
        first.wait()
        died = time.monotonic()
        await wait_until(lambda: workers.runs() == 2)
        assert time.monotonic() - died < 5  # far below the lease; bench/ measures how far
        assert [line[1:] for line in workers.lines()] == [["0", "1"], ["running", "1"], ["running", "2"]]
        events = [event for event in await read_log(jobs, handle.id) if event.kind is Kind.PENDING]
        assert json.loads(events[-1].data)["reason"] == "lost"
        await handle.cancel()
        await wait_until(lambda: has_status(jobs, handle.id, Status.CANCELLED))
