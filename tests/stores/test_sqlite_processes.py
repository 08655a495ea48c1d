"""Several processes on one file, some of them killed."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers import wait_until
from stores.processes import hear, info, new_job, process

from accepted.job import Kind, Status
from accepted.stores.base import Change
from accepted.stores.sqlite import SQLiteStore


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    finally:
        connection.close()
    return str(answer)


async def test_four_processes_share_the_work(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with ExitStack() as stack:
        children = [stack.enter_context(process("crowd", path, f"p{n}", 2.0)) for n in range(4)]
        reports = [await asyncio.to_thread(hear, child) for child in children]
        assert [child.wait() for child in children] == [0, 0, 0, 0], "without any error"
    submitted = [job_id for report in reports for job_id in report["submitted"]]
    completed = [job_id for report in reports for job_id in report["completed"]]
    assert len(submitted) > 50
    assert len(completed) == len(set(completed)), "nothing twice"
    store = SQLiteStore(path)
    await store.open()
    left = (await store.claim("w", queues=["default"], tasks=["t"], limit=100_000, lease=60)).jobs
    assert sorted(completed + [claimed.job.id for claimed in left]) == sorted(submitted), "nothing lost"
    for job_id in random.sample(completed, 20):
        kinds = [event.kind for event in (await store.events(job_id)).events]
        assert kinds == [Kind.PENDING, Kind.RUNNING, Kind.COMPLETED]
    await store.close()
    assert integrity(path) == "ok"


async def test_a_killed_worker_is_noticed_at_once(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    await store.register_worker(info("mine"))
    await store.submit([new_job(), new_job()])
    mine = (await store.claim("mine", queues=["default"], tasks=["t"], limit=1, lease=3600)).jobs[0].job
    with process("hold", tmp_path / "jobs.db", "theirs") as child:
        (taken,) = (await asyncio.to_thread(hear, child))["claimed"]
        assert await store.lost(10) == [], "all are alive"
        child.kill()
        child.wait()
        (lost,) = await store.lost(10)
    assert lost.id == taken
    assert await store.lose(lost.lease, error=None) is Status.PENDING
    assert [worker.id for worker in await store.workers()] == ["mine"]
    assert (await store.get(mine.id)).status is Status.RUNNING
    await store.close()


async def test_a_stopped_process_is_not_a_dead_one(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    await store.submit([new_job()])
    with process("hold", tmp_path / "jobs.db", "theirs") as child:
        await asyncio.to_thread(hear, child)
        (tmp_path / "jobs.db-workers").rename(tmp_path / "elsewhere")
        assert await store.lost(10) == [], "a file that is missing proves nothing"
        (tmp_path / "elsewhere").rename(tmp_path / "jobs.db-workers")
        assert await store.lost(10) == []
    assert len(await store.lost(10)) == 1
    await store.close()


async def test_killed_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    acknowledged: list[str] = []
    for seed in range(4):
        with process("scribble", path) as child:
            rounds = random.Random(seed).randrange(1, 15)
            acknowledged += [(await asyncio.to_thread(hear, child))["stored"] for _ in range(rounds)]
            child.kill()
            assert child.stdout is not None
            acknowledged += [line.split('"')[3] for line in child.stdout if line.endswith("}\n")]
    store = SQLiteStore(path)
    await store.open()
    for job_id in acknowledged:
        assert (await store.get(job_id)).status is Status.PENDING
        assert len((await store.events(job_id)).events) == 1
    await store.close()
    assert integrity(path) == "ok"


async def test_the_bell_is_heard_in_the_other_process(tmp_path: Path) -> None:
    """Both ways and back within a fraction of what the safety net takes."""
    store = SQLiteStore(tmp_path / "jobs.db", safety_net=60.0)
    heard: list[Change] = []
    store.listen(heard.append)
    await store.open()
    with process("echo", tmp_path / "jobs.db") as child:
        await asyncio.to_thread(hear, child)
        for _ in range(20):
            await _there_and_back(store, heard)
    await store.close()


async def _there_and_back(store: SQLiteStore, heard: list[Change]) -> None:
    job = new_job()
    await store.submit([job])

    async def completed() -> bool:
        return (await store.get(job.id)).status is Status.COMPLETED

    await wait_until(completed, timeout=10)
    await wait_until(lambda: any(job.id in (change.jobs or ()) and not change.ready for change in heard))


@pytest.mark.parametrize("removed", ["the folder", "the bells"])
async def test_a_bell_that_somebody_removed(tmp_path: Path, removed: str) -> None:
    """The slow look finds what was missed, and hangs the bell up again."""
    one, two = SQLiteStore(tmp_path / "jobs.db"), SQLiteStore(tmp_path / "jobs.db", safety_net=0.02)
    heard: list[Change] = []
    await one.open()
    await two.open()
    two.listen(heard.append)
    folder = tmp_path / "jobs.db-doorbell"
    await wait_until(folder.exists)
    for bell in folder.iterdir():
        bell.unlink()
    if removed == "the folder":
        folder.rmdir()
    await one.submit([new_job()])
    await wait_until(lambda: heard)
    await wait_until(lambda: folder.exists() and any(folder.iterdir()))
    heard.clear()
    job = new_job()
    await one.submit([job])
    await wait_until(lambda: any(job.id in (change.jobs or ()) for change in heard))
    await one.close()
    await two.close()
    assert list(folder.iterdir()) == []


async def test_first_opened_by_eight_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        children = [stack.enter_context(process("opens", tmp_path / "jobs.db")) for _ in range(8)]
        for child in children:
            await asyncio.to_thread(hear, child)
        for child in children:
            assert child.stdin is not None
            child.stdin.write("now\n")
            child.stdin.flush()
        for child in children:
            assert await asyncio.to_thread(hear, child) == {"opened": True}
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    assert len((await store.claim("w", queues=["default"], tasks=["t"], limit=100, lease=60)).jobs) == 8
    await store.close()


async def test_idle_costs_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "jobs.db")
    store.listen(lambda change: None)
    await store.open()
    await store.submit([new_job()])
    used, start = time.process_time(), time.monotonic()
    await wait_until(lambda: time.monotonic() - start > 1.0)
    spent = time.process_time() - used
    await store.close()
    assert spent < 0.05, "of a second, this test's own waiting included"
