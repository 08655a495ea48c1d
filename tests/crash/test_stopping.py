"""SIGSTOP and SIGTERM: who was stopped past its lease writes nothing any more, and who is told to go loses nothing."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import Callable
from pathlib import Path

from crash.holder import VERBS
from crash.scene import Workers, has_status, observer, read_log
from helpers import alive, wait_until
from served import Server
from stores.processes import hear, info, new_job, process

from accepted import Kind, Status
from accepted.client import AsyncClient
from accepted.runner import StoreSink
from accepted.settings import Settings
from accepted.stores.blobs import FolderBlobs
from accepted.stores.sqlite import SQLiteStore

HOLDER = Path(__file__).with_name("holder.py")


async def test_a_stopped_worker_past_its_lease_writes_nothing_any_more(workers: Workers) -> None:
    jobs, _, forever = observer(workers, upkeep=0.1)
    async with jobs:
        first = await workers.started(lease=1.0)
        handle = await forever.submit()
        await wait_until(lambda: workers.runs() == 1)
        first.send_signal(signal.SIGSTOP)
        second = await workers.started(lease=1.0)
        await wait_until(lambda: workers.runs() == 2)
        holder = (await jobs.get_record(handle.id)).worker
        first.send_signal(signal.SIGCONT)
        first.send_signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait)
        record = await jobs.get_record(handle.id)
        assert (record.worker, record.attempt, record.status) == (holder, 2, Status.RUNNING)
        events = await read_log(jobs, handle.id)
        again = next(event.seq for event in events if event.kind is Kind.RUNNING and event.attempt == 2)
        assert all(event.attempt == 2 for event in events if event.seq > again)
        assert alive(second.pid)


async def test_every_verb_of_a_stopped_attempt_is_refused(tmp_path: Path) -> None:
    """The old attempt tries each when it wakes up, and says what became of it."""
    path = tmp_path / "jobs.db"
    store = SQLiteStore(path)
    await store.open()
    await store.submit([new_job()])
    with process("hold_and_try", path, source=HOLDER) as child:
        (job_id,) = (await asyncio.to_thread(hear, child))["claimed"]
        child.send_signal(signal.SIGSTOP)
        (lost,) = await wait_until(lambda: store.lost(10))
        await store.lose(lost.lease, error=None)
        await store.register_worker(info("successor"))
        (claimed,) = (await store.claim("successor", queues=["default"], tasks=["t"], limit=1, lease=3600)).jobs
        await store.start_step(claimed.job.lease, "step", "step")
        before = await store.get(job_id)
        child.send_signal(signal.SIGCONT)
        assert child.stdin is not None
        child.stdin.write("try\n")
        child.stdin.flush()
        ledger = (await asyncio.to_thread(hear, child))["ledger"]
    assert ledger == dict.fromkeys(VERBS, "LeaseLost") | {"renew": "lost"}
    assert await store.get(job_id) == before
    assert [event.attempt for event in (await store.events(job_id)).events][-2:] == [2, 2]
    assert [(step.status, step.attempt) for step in await store.steps(job_id)] == [("running", 2)]
    assert await store.artifacts(job_id) == []
    await store.complete(claimed.job.lease, b"1")
    await store.close()


async def test_a_stopped_attempt_does_not_replace_its_successors_files(tmp_path: Path) -> None:
    """An artifact of the same name: what the successor attached stays, to the byte, and nothing else is left."""
    path = tmp_path / "jobs.db"
    store, blobs = SQLiteStore(path), FolderBlobs(tmp_path / "blobs")
    await store.open()
    await store.submit([new_job()])
    with process("hold_and_try", path, source=HOLDER) as child:
        (job_id,) = (await asyncio.to_thread(hear, child))["claimed"]
        child.send_signal(signal.SIGSTOP)
        (lost,) = await wait_until(lambda: store.lost(10))
        await store.lose(lost.lease, error=None)
        (claimed,) = (await store.claim("new", queues=["default"], tasks=["t"], limit=1, lease=3600)).jobs
        await StoreSink(store, blobs, claimed.job.lease, Settings()).attach("late.txt", b"mine", "text/plain")
        child.send_signal(signal.SIGCONT)
        assert child.stdin is not None
        child.stdin.write("try\n")
        child.stdin.flush()
        assert (await asyncio.to_thread(hear, child))["ledger"]["attach"] == "LeaseLost"
    attached = await store.artifact(job_id, "late.txt")
    assert attached is not None
    served = b"".join([chunk async for chunk in blobs.read(job_id, attached.blob)])
    await store.close()
    assert served == b"mine"
    assert attached.artifact.sha256 == hashlib.sha256(served).hexdigest()
    assert await asyncio.to_thread(_files, tmp_path / "blobs") == [b"mine"]


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


async def test_a_worker_whose_loop_is_blocked_ends_after_its_server(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server("--workers", "1", target="crash.stoppable:jobs")
    await asyncio.to_thread(server.start)
    mark = tmp_path / "mark"
    async with AsyncClient(server.url) as client:
        await client.tasks["blocking_coroutine"].submit(mark=str(mark))
        await wait_until(mark.exists)
    (worker,) = map(int, mark.read_text().split())
    try:
        await asyncio.to_thread(server.kill)
        await wait_until(lambda: not alive(worker), what="the end of the worker")
    finally:
        mark.unlink()  # else its process would stay for ever
    assert not (tmp_path / "mark.late").exists(), "the job did not end by itself"


async def test_sigterm_gives_jobs_back_to_the_next_worker(workers: Workers) -> None:
    jobs, _, forever = observer(workers)
    async with jobs:
        first = await workers.started()
        handle = await forever.submit()
        await wait_until(lambda: workers.runs() == 1)
        first.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first.wait) == 0
        await workers.started()
        await wait_until(lambda: workers.runs() == 2)
        assert {line[2] for line in workers.lines()} == {"1"}, "an interruption costs no attempt"
        await handle.cancel()
        await wait_until(lambda: has_status(jobs, handle.id, Status.CANCELLED))
