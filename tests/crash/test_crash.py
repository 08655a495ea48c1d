"""Real worker processes, real kill -9 and SIGSTOP: nothing lost, nothing stuck, no finished step run twice."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import crash_app
import pytest
from helpers import alive, wait_until

from accepted import Event, JobHandle, Jobs, Kind, Status, Task
from accepted.job import TERMINAL_KINDS

APP = Path(crash_app.__file__)


class Workers:
    """Worker processes on one file; all are gone at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.database, self.ledger = folder / "jobs.db", folder / "ledger"
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *, lease: float = 30.0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(APP), str(self.database), str(self.ledger), str(lease)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    async def started(self, **kwargs: float) -> subprocess.Popen[str]:
        process = self.start(**kwargs)
        assert process.stdout is not None
        assert (await asyncio.to_thread(process.stdout.readline)).strip() == "ready"
        return process

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def close(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(tmp_path)
    yield made
    made.close()


def observer(workers: Workers) -> tuple[Jobs, Task[..., Any], Task[..., Any]]:
    """A process that submits and watches, and runs nothing."""
    return crash_app.make(str(workers.database), str(workers.ledger), worker=False, upkeep=0.1)


def check_log(events: list[Event], lines: list[list[str]]) -> None:
    """One job's log: no gap, one end, and no execution of a step after the attempt that finished it."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert sum(event.kind in TERMINAL_KINDS for event in events) == 1
    assert events[-1].kind is Kind.COMPLETED
    finished: dict[str, int] = {}
    for event in events:
        data = json.loads(event.data)
        if event.kind is Kind.STEP and data["status"] == "completed":
            number = data["name"].removeprefix("part ")
            assert number not in finished, "a step finished twice"
            finished[number] = event.attempt
    assert len(finished) == crash_app.STEPS
    for job_id, number, attempt in lines:
        if job_id == events[0].job_id:
            assert int(attempt) <= finished[number], f"step {number} ran again in attempt {attempt}"


async def all_done(handles: list[JobHandle[Any]], *, timeout: float) -> None:
    await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), timeout)


@pytest.mark.parametrize(
    ("count", "kills"), [(150, 8), pytest.param(3000, 150, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_kill_9_at_random_moments(workers: Workers, count: int, kills: int) -> None:
    jobs, work, _ = observer(workers)
    async with jobs:
        await workers.started()
        await workers.started()
        handles = await work.submit_many([{}] * count)
        watched: list[list[Event]] = [[] for _ in range(5)]

        async def watch(number: int) -> None:
            watched[number].extend([event async for event in handles[number * 7].events()])

        watchers = [asyncio.create_task(watch(number)) for number in range(5)]
        for _ in range(kills):
            enough = len(workers.lines()) + random.randint(1, 30)
            await wait_until(functools.partial(_reached, workers, enough, handles))
            victim = random.choice([process for process in workers.processes if process.poll() is None])
            victim.kill()
            victim.wait()
            await workers.started()
        await all_done(handles, timeout=60 + count / 10)
        await asyncio.gather(*watchers)
        lines = workers.lines()
        for handle in handles:
            check_log([event async for event in handle.events()], lines)
        for number, events in enumerate(watched):
            stored = [event async for event in handles[number * 7].events()]
            assert [event.seq for event in events] == [event.seq for event in stored]


async def _reached(workers: Workers, lines: int, handles: list[JobHandle[Any]]) -> bool:
    return len(workers.lines()) >= lines or (await handles[-1].refresh()).over


async def test_a_dead_worker_is_seen_at_once_though_its_lease_is_long(workers: Workers) -> None:
    jobs, _, forever = observer(workers)
    async with jobs:
        first = await workers.started(lease=60.0)
        handle = await forever.submit()
        await wait_until(lambda: any(line[1] == "running" for line in workers.lines()))
        await workers.started(lease=60.0)
        first.kill()
        first.wait()
        died = time.monotonic()
        await wait_until(lambda: sum(line[1] == "running" for line in workers.lines()) == 2)
        assert time.monotonic() - died < 5  # far below the lease; bench/ measures how far
        assert [line[1:] for line in workers.lines()] == [["0", "1"], ["running", "1"], ["running", "2"]]
        events = [e for e in (await jobs.store.events(handle.id)).events if e.kind is Kind.PENDING]
        assert json.loads(events[-1].data)["reason"] == "lost"
        await handle.cancel()
        await wait_until(lambda: _status(jobs, handle.id, Status.CANCELLED))


async def _status(jobs: Jobs, job_id: str, status: Status) -> bool:
    return (await jobs.get_record(job_id)).status is status


async def test_a_stopped_worker_past_its_lease_writes_nothing_any_more(workers: Workers) -> None:
    jobs, _, forever = observer(workers)
    async with jobs:
        first = await workers.started(lease=1.0)
        handle = await forever.submit()
        await wait_until(lambda: any(line[1] == "running" for line in workers.lines()))
        first.send_signal(signal.SIGSTOP)
        second = await workers.started(lease=1.0)
        await wait_until(lambda: sum(line[1] == "running" for line in workers.lines()) == 2)
        holder = (await jobs.get_record(handle.id)).worker
        first.send_signal(signal.SIGCONT)
        first.send_signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait)
        record = await jobs.get_record(handle.id)
        assert (record.worker, record.attempt, record.status) == (holder, 2, Status.RUNNING)
        events = (await jobs.store.events(handle.id)).events
        again = next(event.seq for event in events if event.kind is Kind.RUNNING and event.attempt == 2)
        assert all(event.attempt == 2 for event in events if event.seq > again)
        assert alive(second.pid)


async def test_sigterm_gives_jobs_back_to_the_next_worker(workers: Workers) -> None:
    jobs, _, forever = observer(workers)
    async with jobs:
        first = await workers.started()
        handle = await forever.submit()
        await wait_until(lambda: any(line[1] == "running" for line in workers.lines()))
        first.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first.wait) == 0
        await workers.started()
        await wait_until(lambda: sum(line[1] == "running" for line in workers.lines()) == 2)
        assert {line[2] for line in workers.lines()} == {"1"}, "an interruption costs no attempt"
        await handle.cancel()
        await wait_until(lambda: _status(jobs, handle.id, Status.CANCELLED))
