"""Real processes for the tests: each runs one of these functions in an interpreter of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from served import environment

from accepted.job import NewJob, Status, new_id
from accepted.stores.base import Change, JobQuery, WorkerInfo
from accepted.stores.sqlite import SQLiteStore


@contextmanager
def process(
    name: str, *arguments: object, source: str | Path = __file__, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run the function `name` of this module, or of the one whose file is `source`; its lines come by stdout. Killed at
    the end if it still runs."""
    command = [sys.executable, "-W", "error", str(source), name, *map(str, arguments)]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(**variables)
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def hear(child: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of a process. Fails when it ended instead."""
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, f"the process ended with {child.wait()}"
    heard: dict[str, Any] = json.loads(line)
    return heard


def new_job(owner: str = "local", **fields: Any) -> NewJob:
    return NewJob(new_id(), "t", b'{"a":1}', owner=owner, **fields)


def info(worker_id: str) -> WorkerInfo:
    now = time.time()
    return WorkerInfo(worker_id, socket.gethostname(), os.getpid(), 5, ("t",), ("default",), now, now)


# ── what the processes do ────────────────────────────────────────────────────────────────────────────


async def crowd(path: str, name: str, seconds: str) -> None:
    """Submit, claim, renew and complete from several tasks until the time is over; then say what was done."""
    store = SQLiteStore(path)
    await store.open()
    end = time.monotonic() + float(seconds)
    submitted: list[str] = []
    completed: list[str] = []

    async def submits() -> None:
        while time.monotonic() < end:
            jobs = [new_job(f"{name}-{n}") for n in range(3)]
            await store.submit(jobs)
            submitted.extend(job.id for job in jobs)

    async def works(worker: str) -> None:
        while True:
            claim = await store.claim(worker, queues=["default"], tasks=["t"], limit=5, lease=60)
            if not claim.jobs and time.monotonic() > end:
                return
            held = {claimed.job.id: claimed.job.token for claimed in claim.jobs}
            if held:
                await asyncio.to_thread(store.renew, worker, held, 60)
            for claimed in claim.jobs:
                await store.complete(claimed.job.lease, b'"done"')
                completed.append(claimed.job.id)
            await store.lost(10)

    await asyncio.gather(submits(), works(f"{name}-a"), works(f"{name}-b"))
    await store.close()
    say(submitted=submitted, completed=completed)


async def hold(path: str, worker_id: str) -> None:
    """Claim what there is as a registered worker, say so, and never come back."""
    store = SQLiteStore(path)
    await store.open()
    await store.register_worker(info(worker_id))
    claim = await store.claim(worker_id, queues=["default"], tasks=["t"], limit=10, lease=3600)
    say(claimed=[claimed.job.id for claimed in claim.jobs])
    await asyncio.Event().wait()


async def scribble(path: str) -> None:
    """Submit for ever, saying each job once it is acknowledged."""
    store = SQLiteStore(path)
    await store.open()
    while True:
        job = new_job()
        await asyncio.gather(*(store.submit([new_job()]) for _ in range(20)), store.submit([job]))
        say(stored=job.id)


async def echo(path: str) -> None:
    """Complete every job as soon as it is heard of, by the bell alone."""
    store = SQLiteStore(path, safety_net=60.0)
    await store.open()
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(change: Change) -> None:
        if change.ready:
            loop.call_soon_threadsafe(ready.set)

    store.listen(heard)
    say(ready=True)
    while True:
        await ready.wait()
        ready.clear()
        for claimed in (await store.claim("w", queues=["default"], tasks=["t"], limit=10, lease=60)).jobs:
            await store.complete(claimed.job.lease, b"1")


async def paced(path: str, name: str) -> None:
    """Claim until nothing is pending, asleep until a claim's `next_at` or news; say how many it were."""
    store = SQLiteStore(path)
    await store.open()
    news = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard(change: Change) -> None:
        loop.call_soon_threadsafe(news.set)

    store.listen(heard)
    pending = JobQuery(statuses=frozenset({Status.PENDING}), limit=1)
    taken = 0
    while True:
        news.clear()
        claim = await store.claim(name, queues=["default"], tasks=["t"], limit=5, lease=60)
        taken += len(claim.jobs)
        if claim.jobs:
            continue
        if not (await store.list(pending)).jobs:
            break
        with suppress(TimeoutError):
            async with asyncio.timeout(None if claim.next_at is None else max(0.0, claim.next_at - time.time())):
                await news.wait()
    await store.close()
    say(taken=taken)


async def opens(path: str) -> None:
    """Wait for the word, open, say how that went."""
    say(here=True)
    sys.stdin.readline()
    store = SQLiteStore(path)
    await store.open()
    await store.submit([new_job()])
    await store.close()
    say(opened=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
