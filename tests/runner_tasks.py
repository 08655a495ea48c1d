"""Tasks that other processes can import: for isolation="process"."""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

from accepted import Fail, Job, Jobs, SyncJob, UploadFile
from accepted.errors import Cancelled

jobs = Jobs("sqlite://:memory:", cancel_grace=0.5, process_concurrency=4)


@jobs.task(isolation="process")
def add(a: int, b: int) -> int:
    return a + b


@jobs.task(isolation="process")
def whoami(*, job: SyncJob) -> dict[str, str | int]:
    job.progress(40, "working")
    job.log("hello", user="ann")
    job.spend(0.25, "tokens")
    job.attach("note.txt", b"from the child")
    squared = job.step("square", square, 7)
    return {"id": job.id, "pid": os.getpid(), "squared": squared}


def square(value: int) -> int:
    return value * value


@jobs.task(isolation="process")
async def coroutine_in_process(delay: float, *, job: Job) -> str:
    await job.progress(10)
    await asyncio.sleep(delay)
    return await job.step("name", a_name, "ann")


async def a_name(name: str) -> str:
    return name.upper()


@jobs.task(isolation="process")
def refuse() -> None:
    raise Fail("the profile is private", code="private", profile="ann")


@jobs.task(isolation="process")
def crash() -> None:
    os.kill(os.getpid(), 9)


@jobs.task(isolation="process", memory="400MB")
def eat() -> int:
    return len(bytearray(2 * 1024**3))


@jobs.task(isolation="process")
def tidy_sleep(mark: str) -> None:
    """Cleans up when it is told to stop."""
    Path(mark).write_text("sleeping", encoding="utf-8")
    try:
        time.sleep(60)
    except Cancelled:
        Path(mark).write_text("cleaned up", encoding="utf-8")
        raise


@jobs.task(isolation="process")
def stubborn(pids: str) -> None:
    """Blocks in C, deaf to SIGTERM, with a child in the group and one in a session of its own."""
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    near = subprocess.Popen([sys.executable, "-c", script])
    far = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    Path(pids).write_text(f"{os.getpid()} {near.pid} {far.pid}", encoding="utf-8")
    while True:
        ctypes.CDLL(None).sleep(600)


@jobs.task(isolation="process")
def read_file(source: UploadFile) -> str:
    return source.path.read_text(encoding="utf-8")
