"""Two servers and two workers, restarted one after the other under load: nobody who uses them can tell."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from crash.scene import Workers, check_log, observer, over, read_log
from helpers import wait_until
from http_live.serving import read_events
from served import Process, Server

from accepted.job import TERMINAL_KINDS, new_id

DRAIN = {"ACCEPTED_DRAIN": "0.2", "ACCEPTED_CANCEL_GRACE": "0.5", "ACCEPTED_MAX_EVENTS": "100000"}
"""Settings of servers and workers: short goodbyes, and logs that are whole, so that they can be compared."""


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    made: list[Process] = []

    def start() -> Process:
        words = ("worker", "crash.application:jobs", "--data", str(tmp_path))
        made.append(Process(words, {"CRASH_LEDGER": str(tmp_path / "ledger"), **DRAIN}))
        made[-1].says("^working on")
        return made[-1]

    yield start
    for process in made:
        process.kill()


class Balanced:
    """A client of both servers, as behind a load balancer: what fails at one is sent to the other, once."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self._turn = itertools.count()
        self._http = httpx.AsyncClient(timeout=20)
        self.jobs: list[str] = []

    def urls(self) -> Iterator[str]:
        """One server and the other, by turns; who begins changes too."""
        begin = next(self._turn)
        return (self._servers[(begin + number) % 2].url for number in itertools.count())

    async def submit(self, parts: int) -> str:
        """Raises when the one retry fails too."""
        headers = {"Idempotency-Key": new_id(), "Prefer": "respond-async"}
        for last, url in zip((False, True), self.urls(), strict=False):
            try:
                answer = await self._http.post(f"{url}/v1/tasks/work", json={"parts": parts}, headers=headers)
                answer.raise_for_status()
                break
            except httpx.HTTPError:
                if last:
                    raise
        self.jobs.append(answer.json()["id"])
        return self.jobs[-1]

    async def watch(self, job_id: str) -> tuple[list[int], float]:
        """The numbers of its events to the end, and the longest silence between two of them in seconds."""
        seen, silence, heard = [0], 0.0, time.monotonic()
        for url in self.urls():
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(seen[-1])}
            try:
                async with self._http.stream("GET", f"{url}/v1/jobs/{job_id}/events", headers=headers) as answer:
                    assert answer.status_code == 200, await answer.aread()
                    async for event in read_events(answer.aiter_lines()):
                        silence, heard = max(silence, time.monotonic() - heard), time.monotonic()
                        seen.append(int(event.id))
                        if event.kind in TERMINAL_KINDS:
                            return seen[1:], silence
            except httpx.HTTPError:
                continue
        raise AssertionError("there is always another turn")

    async def close(self) -> None:
        await self._http.aclose()


@pytest.mark.parametrize(
    ("rounds", "parts", "longest"),
    [(1, 150, 6.0), pytest.param(8, 5000, 2.0, marks=pytest.mark.soak)],
    ids=["short", "long"],
)
async def test_a_rolling_restart(
    make_server: Callable[..., Server],
    start_worker: Callable[[], Process],
    workers: Workers,
    rounds: int,
    parts: int,
    longest: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers = [make_server(ACCEPTED_WORKER="false", **DRAIN) for _ in range(2)]
    for server in servers:
        await asyncio.to_thread(server.start)
    running = [await asyncio.to_thread(start_worker) for _ in range(2)]
    client, done = Balanced(servers), asyncio.Event()
    followed = [await client.submit(parts) for _ in range(3)]
    watchers = [asyncio.create_task(client.watch(job_id)) for job_id in followed]

    async def load() -> None:
        while not done.is_set():
            await client.watch(await client.submit(2))

    loading = asyncio.create_task(load())
    for _ in range(rounds):
        for server in servers:
            assert await asyncio.to_thread(server.stop) == 0
            await asyncio.to_thread(server.start)
            before = len(client.jobs)
            await wait_until(lambda before=before: loading.done() or len(client.jobs) > before + 2)  # type: ignore[misc]
        for number in range(2):
            running[number].send(signal.SIGTERM)
            assert await asyncio.to_thread(running[number].ends) == 0
            running[number] = await asyncio.to_thread(start_worker)
    done.set()
    await loading  # raises if a submit was refused
    jobs, _, _ = observer(workers)
    async with jobs:
        await wait_until(lambda: over(jobs, client.jobs), timeout=120)
        seen = await asyncio.wait_for(asyncio.gather(*watchers), 60)
        lines = workers.lines()
        for job_id in client.jobs:
            check_log(await read_log(jobs, job_id), lines, parts=parts if job_id in followed else 2)
            record = await jobs.get_record(job_id)
            assert (record.attempt, record.failures, record.losses) == (1, 0, 0), "no attempt was counted"
        for job_id, (seqs, _) in zip(followed, seen, strict=True):
            assert seqs == [event.seq for event in await read_log(jobs, job_id)]
    silence = max(quiet for _, quiet in seen)
    with capsys.disabled():
        print(f"\nrolling restart, {len(client.jobs)} jobs: the longest silence of a watcher was {silence:.2f} s")
    assert silence < longest
    await client.close()
