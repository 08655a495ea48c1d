"""Tasks that are hard to stop, for `accepted serve crash.stoppable:jobs --workers N`.

Each says that it is under way by writing the process ids that belong to it to the file `mark`. What is not stoppable
ends when `mark` is removed, or when something is written to the pipe `mark.pipe`, and notes in `mark.late` what became
of it then.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from accepted_apps.preview.finding import find_browser

from accepted import Job, Jobs, SyncJob
from accepted.errors import Cancelled

jobs = Jobs()

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def under_way(mark: str, *pids: int) -> None:
    half = Path(f"{mark}.half")
    half.write_text(" ".join(map(str, (os.getpid(), *pids))))
    half.rename(mark)


@jobs.task
async def sleeping_coroutine(mark: str) -> None:
    under_way(mark)
    await asyncio.sleep(600)


@jobs.task
async def busy_coroutine(mark: str, *, job: Job) -> None:
    """Computes, and reports without waiting for anything."""
    under_way(mark)
    while True:
        job.progress(message="busy")


@jobs.task
async def coroutine_with_child(mark: str) -> None:
    child = await asyncio.create_subprocess_exec(*SLEEPER)
    try:
        under_way(mark, child.pid)
        await child.wait()
    finally:
        child.kill()
        await child.wait()


@jobs.task
def sleeping_thread(mark: str) -> None:
    under_way(mark)
    while True:
        time.sleep(0.05)


@jobs.task
def busy_thread(mark: str) -> None:
    under_way(mark)
    while True:
        sum(range(1000))


@jobs.task
def thread_with_child(mark: str) -> None:
    with subprocess.Popen(SLEEPER) as child:
        try:
            under_way(mark, child.pid)
            while child.poll() is None:
                time.sleep(0.05)
        finally:
            child.kill()


@jobs.task(isolation="process")
def process_in_c(mark: str) -> None:
    under_way(mark)
    hashlib.pbkdf2_hmac("sha512", b"password", b"salt", 2_000_000_000)


@jobs.task(isolation="process")
def process_with_child(mark: str) -> None:
    """Leaves its child to whoever cleans up behind it."""
    child = subprocess.Popen(SLEEPER, start_new_session=True)
    under_way(mark, child.pid)
    while True:
        time.sleep(0.05)


@jobs.task(isolation="process")
def process_with_browser(mark: str) -> None:
    with tempfile.TemporaryDirectory() as profile:
        found = find_browser()
        assert found is not None
        command = [found, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        browser = subprocess.Popen(
            [*command, "--remote-debugging-port=0", "about:blank"], stderr=subprocess.PIPE, text=True
        )
        try:
            assert browser.stderr is not None
            while "DevTools listening" not in browser.stderr.readline():
                pass
            under_way(mark, browser.pid)
            while True:
                time.sleep(0.05)
        finally:
            browser.kill()
            browser.wait()


@jobs.task
def thread_in_c(mark: str, *, job: SyncJob) -> None:
    """Waits in one call into C, and then tries to go on as if nothing had happened."""
    with open(f"{mark}.pipe", "rb", buffering=0) as pipe:  # noqa: PTH123
        under_way(mark)
        try:
            pipe.read(1)
            job.log("late")
            job.attach("late.txt", b"late")
        except Cancelled:
            Path(f"{mark}.late").write_text("refused")


@jobs.task
async def blocking_coroutine(mark: str) -> None:
    """Neither awaits nor reports."""
    under_way(mark)
    while Path(mark).exists():  # noqa: ASYNC240
        time.sleep(0.01)  # noqa: ASYNC251
    Path(f"{mark}.late").write_text("went on")  # noqa: ASYNC240


@jobs.task
async def add(a: int, b: int) -> int:
    return a + b
