"""Tasks that are careless with their secrets in every way that `test_scan.py` can think of.

Served as `accepted serve secret_arguments.secret_app:jobs`, with LOGS naming a folder for logs of two formats.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import sys
from pathlib import Path
from urllib.parse import quote

from accepted import Job, Jobs, Retry, Secret, SyncJob, UploadFile
from accepted.redaction import LogFilter

jobs = Jobs()
careless = logging.getLogger("careless")


class Everything(logging.Formatter):
    """All that a record holds, as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        told = {name: str(value) for name, value in vars(record).items()}
        trace = self.formatException(record.exc_info) if record.exc_info else None
        return json.dumps({**told, "said": record.getMessage(), "trace": trace})


def _write_logs(folder: Path) -> None:
    """Everything at DEBUG: as text and as JSON through the filter; and without it, what the application itself did not
    write, because the library's own lines must not need a filter."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    text, everything, ours = (
        logging.FileHandler(folder / f"{name}-{os.getpid()}.log") for name in ("text", "json", "unfiltered")
    )
    everything.setFormatter(Everything())
    ours.setFormatter(Everything())
    ours.addFilter(lambda record: record.name != careless.name)
    for handler in (text, everything):
        handler.addFilter(LogFilter())
    root.handlers = [ours, *root.handlers, text, everything]  # a filter changes a record for all who come after it


if "LOGS" in os.environ:
    _write_logs(Path(os.environ["LOGS"]))


def _tell(job: Job | SyncJob, password: Secret[str]) -> None:
    """In all reports there are."""
    revealed = password.get_secret_value()
    job.log(f"logged in with {revealed}", password=password, url=f"https://x.example/?p={quote(revealed)}")
    job.log("headers", level="debug", headers={"Authorization": base64.b64encode(f"me:{revealed}".encode()).decode()})
    job.log("nested", body=json.dumps({"password": revealed}), hexadecimal=revealed.encode().hex())
    job.progress(10, f"with {revealed}", current=1, total=2, unit=revealed)
    job.emit({"row": [revealed, {revealed: 1}]})
    job.spend(0.1, f"tokens of {revealed}")
    careless.warning("the password is %s", revealed, extra={"password": revealed})
    careless.debug("%s and %r", password, revealed)
    print("a secret prints as", password, repr(password), f"{password:>20}", file=sys.stderr, flush=True)


def _raise(revealed: str) -> None:
    try:
        raise KeyError(revealed)
    except KeyError as error:
        error.add_note(f"a note with {revealed}")
        raise ExceptionGroup(f"two of {revealed}", [ValueError(f"login failed: {revealed!r}")]) from error


async def _wrong(revealed: str) -> None:
    raise PermissionError(f"step with {revealed}")


async def _length(revealed: str) -> int:
    return len(revealed)


@jobs.task
async def succeed(password: Secret[str], note: str = "", *, job: Job) -> int:
    _tell(job, password)
    await job.attach(f"{password.get_secret_value()[:8]}.txt", b"nothing in it")
    return await job.step(f"login {password}", _length, password.get_secret_value())


@jobs.task
def with_file(password: Secret[str], file: UploadFile) -> int:
    return file.path.stat().st_size + len(password.get_secret_value())


@jobs.task(retries=1, backoff=0.01)
async def fail(password: Secret[str], *, job: Job) -> None:
    _tell(job, password)
    _raise(password.get_secret_value())


@jobs.task(retries=1)
async def retry(password: Secret[str], *, job: Job) -> int:
    if job.attempt == 1:
        raise Retry(f"rate limited for {password.get_secret_value()}", after=0.01)
    return job.attempt


@jobs.task
async def fail_step(password: Secret[str], *, job: Job) -> None:
    await job.step(f"with {password.get_secret_value()}", _wrong, password.get_secret_value())


@jobs.task
async def reveal(password: Secret[str]) -> dict[str, str]:
    return {"user": "me", "password": password.get_secret_value()}


@jobs.task(timeout=0.1)
async def overrun(password: Secret[str], *, job: Job) -> None:
    _tell(job, password)
    await asyncio.sleep(600)


@jobs.task
async def wait(password: Secret[str], *, job: Job) -> None:
    _tell(job, password)
    await asyncio.sleep(600)


@jobs.task
async def crash(password: Secret[str], *, job: Job) -> int:
    """Takes its whole worker down, once."""
    _tell(job, password)
    await asyncio.sleep(0.1)
    if job.token == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return job.token


@jobs.task
def fail_in_thread(password: Secret[str], *, job: SyncJob) -> None:
    _tell(job, password)
    _raise(password.get_secret_value())


@jobs.task(isolation="process")
def succeed_in_process(password: Secret[str], *, job: SyncJob) -> list[str]:
    """Its result would be refused if its command line or environment held the secret."""
    _tell(job, password)
    return [Path(f"/proc/self/{name}").read_text() for name in ("cmdline", "environ")]


@jobs.task(isolation="process")
def fail_in_process(password: Secret[str], *, job: SyncJob) -> None:
    _tell(job, password)
    revealed = password.get_secret_value()
    print(f"printed {revealed}", flush=True)
    for piece in (revealed[:7], revealed[7:]):  # as two writes
        print(piece, end="", file=sys.stderr, flush=True)
    os.system('echo "by a shell: $0" >&2')
    _raise(revealed)


@jobs.task(isolation="process")
async def crash_in_process(password: Secret[str], *, job: Job) -> None:
    _tell(job, password)
    await job.progress(50)
    os.abort()
