"""What a disk holds after a power cut: each image that is possible opens, is sound, and has what was acknowledged.

All processes are stopped (SIGSTOP) at a random moment, so that the files stand still, and the database and its log
(WAL) are copied, the shared memory is not. A power cut may lose what was written and not yet synced. Only one process
writes at a time, and each commit is synced before the next begins and before it is acknowledged; so what may be lost
is the last commit of the log, if nobody had its acknowledgement, and what follows it: the log is cut there, anywhere.
(Nothing here can cut the power of a block device: that would need a device mapper, dm-log-writes.)
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers import wait_until
from stores.processes import hear, process

from accepted.job import JobRecord, Status
from accepted.stores.base import JobQuery
from accepted.stores.sqlite import SQLiteStore

CROWD = Path(__file__).parents[1] / "crash" / "crowd.py"
_HEADER, _FRAME = 32, 24
"""Bytes of the log's header, and of each frame's."""


def commit_ends(wal: Path) -> list[int]:
    """Where the commits of the log end, as offsets. A frame that ends a commit says how large the database is; frames
    of an earlier round of the log have another salt."""
    data = wal.read_bytes()
    if len(data) < _HEADER:
        return []
    (page_size,) = struct.unpack_from(">I", data, 8)
    salt, ends, at = data[16:24], [_HEADER], _HEADER
    while at + _FRAME + page_size <= len(data) and data[at + 8 : at + 16] == salt:
        (pages,) = struct.unpack_from(">I", data, at + 4)
        at += _FRAME + page_size
        if pages:
            ends.append(at)
    return ends


def acknowledged(ledger: Path) -> dict[str, set[str]]:
    """The jobs of each verb that came back. A line is written with one call: it is whole or not there."""
    found: dict[str, set[str]] = {"submit": set(), "report": set(), "complete": set()}
    for line in ledger.read_text().splitlines():
        verb, job_id = line.split()
        found[verb].add(job_id)
    return found


def image(path: Path, folder: Path, *, cut_at: int | None = None) -> Path:
    """A copy of the two files, the log cut at an offset."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(path.with_name(path.name + suffix), folder)
    if cut_at is not None:
        with (folder / f"{path.name}-wal").open("r+b") as file:
            file.truncate(cut_at)
    return folder / path.name


def missing(path: Path, known: dict[str, set[str]]) -> set[str]:
    """What was acknowledged and is not there."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute("SELECT id, status, seq FROM jobs").fetchall()
    connection.close()
    there = {
        "submit": {row[0] for row in rows},
        "report": {row[0] for row in rows if row[2] >= 3},
        "complete": {row[0] for row in rows if row[1] == Status.COMPLETED},
    }
    return {f"{verb} {job_id}" for verb, job_ids in known.items() for job_id in job_ids - there[verb]}


async def work_goes_on(path: Path) -> None:
    """To the end of every job: those that ran are taken from their workers, which are gone."""
    store = SQLiteStore(path)
    await store.open()
    jobs = {job.worker for job in await running(store)}
    for worker in jobs - {None}:
        await store.deregister_worker(str(worker))
    for job in await running(store):
        await store.lose(job.lease, error=None)
    while claims := (await store.claim("w", queues=["default"], tasks=["t"], limit=500, lease=60)).jobs:
        await asyncio.gather(*(store.complete(claimed.job.lease, b"1") for claimed in claims))
    await store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT DISTINCT status FROM jobs").fetchall() in ([], [(Status.COMPLETED,)])
    counted = connection.execute("SELECT count(*), sum(seq) FROM jobs").fetchone()
    events = connection.execute("SELECT count(DISTINCT job), count(*) FROM events").fetchone()
    assert counted in (events, (0, None)), "as many events as numbers: no gap in any log"
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def running(store: SQLiteStore) -> list[JobRecord]:
    return [*(await store.list(JobQuery(statuses=frozenset({Status.RUNNING}), limit=10_000))).jobs]


@pytest.mark.parametrize("cuts", [4, pytest.param(150, marks=pytest.mark.soak)], ids=["short", "long"])
async def test_a_power_cut_at_random_moments(tmp_path: Path, cuts: int) -> None:
    path, ledger = tmp_path / "jobs.db", tmp_path / "ledger"
    with ExitStack() as stack:
        crowd = [stack.enter_context(process("crowd", path, ledger, 3600, source=CROWD)) for _ in range(3)]
        for member in crowd:
            await asyncio.to_thread(hear, member)
            assert member.stdin is not None
            member.stdin.write("go\n")
            member.stdin.flush()
        enough = 0
        for number in range(cuts):
            enough += random.randint(20, 400)
            await wait_until(lambda enough=enough: ledger.exists() and _lines(ledger) > enough)  # type: ignore[misc]
            stop(crowd)
            known = acknowledged(ledger)
            wal = path.with_name("jobs.db-wal")
            size = await asyncio.to_thread(lambda wal=wal: wal.stat().st_size)  # type: ignore[misc]
            await check_images(path, tmp_path / f"cut-{number}", known, commit_ends(wal), size)
            enough = _lines(ledger)
            for member in crowd:
                member.send_signal(signal.SIGCONT)
        for member in crowd:
            assert member.poll() is None


def _lines(ledger: Path) -> int:
    return ledger.read_bytes().count(b"\n")


def stop(crowd: list[subprocess.Popen[str]]) -> None:
    """Returns when none of their threads runs any more."""
    for member in crowd:
        member.send_signal(signal.SIGSTOP)
    for member in crowd:
        for thread in Path(f"/proc/{member.pid}/task").iterdir():
            while (thread / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "Tt":
                pass


async def check_images(path: Path, folder: Path, known: dict[str, set[str]], ends: list[int], size: int) -> None:
    """`ends`: of the commits in the log, which has `size` bytes."""
    await asyncio.to_thread(folder.mkdir)
    whole = image(path, folder / "whole")
    assert missing(whole, known) == set()
    await work_goes_on(whole)
    if len(ends) < 3:
        return
    before_last = image(path, folder / "before-last", cut_at=ends[-2])
    unheard = missing(before_last, known) == set()
    torn = random.randrange(ends[-2] if unheard else ends[-1], size + 1)
    cut = image(path, folder / "torn", cut_at=torn)
    assert missing(cut, known) == set()
    await work_goes_on(cut)
    shutil.rmtree(folder)
