"""What the crash tests share: processes to be ill-treated, clients that come back, and what has to hold afterwards."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import crash_app
from helpers import wait_until
from served import environment
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from accepted import Event, JobHandle, Jobs, Kind, Status, Task
from accepted.client import AsyncClient, Policy
from accepted.job import TERMINAL_KINDS

APP = Path(crash_app.__file__)
SUBMITTER = Path(__file__).with_name("submitter.py")
PATIENT = Policy(retries=100, timeout=10)


class Workers:
    """Worker processes on one file; all are gone at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.database, self.ledger = folder / "jobs.db", folder / "ledger"
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *, lease: float = 30.0, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(APP), str(self.database), str(self.ledger), str(lease)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(**variables),
        )
        self.processes.append(process)
        return process

    async def started(self, *, lease: float = 30.0, **variables: str) -> subprocess.Popen[str]:
        process = self.start(lease=lease, **variables)
        assert process.stdout is not None
        assert (await asyncio.to_thread(process.stdout.readline)).strip() == "ready"
        return process

    def kill(self) -> None:
        """kill -9 for all of them."""
        for process in self.processes:
            process.kill()
            process.wait()

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def runs(self) -> int:
        """How many attempts of `forever` have come to their loop."""
        return sum(line[1] == "running" for line in self.lines())

    def close(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def observer(workers: Workers, **settings: Any) -> tuple[Jobs, Task[..., Any], Task[..., Any]]:
    """A process that submits and watches, and runs nothing."""
    return crash_app.make(str(workers.database), str(workers.ledger), worker=False, **settings)


class Submitter:
    """The process of `submitter.py`, which can be killed and started again."""

    def __init__(self, url: str, notes: Path, count: int) -> None:
        self._command = [sys.executable, str(SUBMITTER), url, str(notes), str(count)]
        self.notes = notes
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=environment())

    def kill(self) -> None:
        """kill -9. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def done(self) -> bool:
        """Whether it has submitted all; fails when it died of something else than a kill."""
        assert self._process is not None
        assert self._process.poll() in (None, 0)
        return self._process.poll() == 0

    def acknowledged(self) -> list[str]:
        return [line.split()[1] for line in self.notes.read_text().splitlines()] if self.notes.exists() else []


# ── watchers ─────────────────────────────────────────────────────────────────────────────────────────


async def watch_stream(url: str, job_id: str) -> list[int]:
    """What somebody sees who follows a job by SSE, and comes back with his cursor whenever he is cut off."""
    async with AsyncClient(url, policy=PATIENT) as client:
        return [event.seq async for event in (await client.jobs.get(job_id)).events()]


async def watch_socket(url: str, job_id: str) -> list[int]:
    """The same by WebSocket."""
    seen: list[int] = []

    async def to_the_end() -> bool:
        with suppress(OSError, ConnectionClosed, InvalidHandshake, InvalidMessage, TimeoutError):
            async with connect(f"{url.replace('http', 'ws')}/v1/ws", compression=None) as socket:
                await socket.send(
                    json.dumps({"action": "subscribe", "job_id": job_id, "after": seen[-1] if seen else 0})
                )
                async for text in socket:
                    message = json.loads(text)
                    assert message["type"] in ("subscribed", "event"), message
                    if message["type"] == "event":
                        seen.append(message["seq"])
                        if message["kind"] in TERMINAL_KINDS:
                            return True
        return False

    await wait_until(to_the_end, timeout=300, what="the end of the job, by WebSocket")
    return seen


# ── what holds afterwards ────────────────────────────────────────────────────────────────────────────


def check_log(events: list[Event], lines: list[list[str]], *, parts: int = crash_app.STEPS) -> None:
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
    assert len(finished) == parts
    for job_id, number, attempt in lines:
        if job_id == events[0].job_id:
            assert int(attempt) <= finished[number], f"step {number} ran again in attempt {attempt}"


async def read_log(jobs: Jobs, job_id: str) -> list[Event]:
    return list((await jobs.store.events(job_id, limit=100_000)).events)


async def over(jobs: Jobs, job_ids: Iterable[str]) -> bool:
    """Whether all of them are."""
    for job_id in job_ids:
        if not (await jobs.get_record(job_id)).over:
            return False
    return True


async def all_done(handles: list[JobHandle[Any]], *, timeout: float) -> None:
    await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), timeout)


async def has_status(jobs: Jobs, job_id: str, status: Status) -> bool:
    return (await jobs.get_record(job_id)).status is status


def resumptions(logs: Iterable[list[Event]], kills: Iterable[float]) -> list[float]:
    """Seconds from a kill (time since the epoch) to the next `running` event of each job that was lost by it."""
    took: list[float] = []
    for events in logs:
        lost_at: float | None = None
        for event in events:
            if event.kind is Kind.PENDING and json.loads(event.data)["reason"] == "lost":
                lost_at = max((kill for kill in kills if kill <= event.at), default=None)
            elif event.kind is Kind.RUNNING and lost_at is not None:
                took.append(event.at - lost_at)
                lost_at = None
    return sorted(took)


def distribution(values: list[float]) -> str:
    """Of sorted seconds, in one line for a report."""
    if not values:
        return "none"
    at: Callable[[float], float] = lambda share: values[min(len(values) - 1, int(share * len(values)))]  # noqa: E731
    return f"{len(values)} values: median {at(0.5):.3f} s, 95 % {at(0.95):.3f} s, longest {values[-1]:.3f} s"


def moment() -> int:
    """A random number of ledger lines until the next blow."""
    return random.randint(1, 30)
