"""`python -m accepted.isolated FD`: the child's side of `isolation.py`.

A plain function runs in the main thread, where signals arrive, and an event loop in a second thread talks to the
worker. A coroutine runs in a loop in the main thread, which talks to the worker too.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import importlib
import itertools
import os
import resource
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

import pydantic_core

from accepted.body import call
from accepted.context import BaseJob, Job, JobInfo, Reporter, SyncJob, current
from accepted.errors import Cancelled, Fail, LeaseLost, Retry, StoreError
from accepted.files import UploadFile
from accepted.isolation import HEADER, MARK, kill_marked, pack, receive
from accepted.job import JSON, Artifact, EventDraft, Progress
from accepted.redaction import Redactor
from accepted.secret import Vault
from accepted.task import Policy, Task

T = TypeVar("T")

_PR_SET_PDEATHSIG: Final = 1


class Worker:
    """The connection to the worker, and the `Sink` of this process. Used in one event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: dict[int, asyncio.Future[JSON]] = {}
        self._asked = itertools.count()
        self.reporter: Reporter
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, connection: socket.socket, order: Mapping[str, Any], redactor: Redactor | None) -> Worker:
        """In the running loop, which from then on listens for replies."""
        worker = cls(*await asyncio.open_connection(sock=connection))
        job = order["job"]
        progress = Progress(**job["progress"])
        worker.reporter = Reporter(worker, interval=order["interval"], progress=progress, cost=job["cost"])
        if redactor is not None:
            worker.reporter.redact(redactor)
        worker._listening = asyncio.create_task(worker._listen())
        return worker

    async def _listen(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await receive(self._reader)
                if message["op"] == "stop":
                    self.reporter.stop(message["reason"])
                    continue
                waiting = self._waiting.pop(message["id"])
                if message.get("lost"):
                    waiting.set_exception(LeaseLost(message["error"], 0))
                elif message.get("store"):
                    waiting.set_exception(StoreError(message["error"]))
                elif "error" in message:
                    waiting.set_exception(RuntimeError(message["error"]))
                else:
                    waiting.set_result(message.get("value"))

    async def send(self, message: Mapping[str, Any]) -> None:
        self._writer.write(pack(message))
        await self._writer.drain()

    async def _ask(self, **message: Any) -> JSON:
        number = next(self._asked)
        answer: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self.send({**message, "id": number})
        return await answer

    async def report(self, events: Sequence[EventDraft], progress: Progress | None, cost: float) -> None:
        drafts = [(draft.kind, draft.data) for draft in events]
        await self._ask(op="report", events=drafts, progress=progress.data() if progress else None, cost=cost)

    async def start_step(self, key: str, name: str) -> None:
        await self._ask(op="start_step", key=key, name=name)

    async def finish_step(self, key: str, name: str, result: bytes) -> None:
        await self._ask(op="finish_step", key=key, name=name, result=result.decode())

    async def fail_step(self, key: str, name: str, error: Mapping[str, JSON]) -> None:
        await self._ask(op="fail_step", key=key, name=name, error=error)

    async def attach(self, name: str, source: Path | bytes, media_type: str) -> Artifact:
        if isinstance(source, bytes):
            place: dict[str, Any] = {"path": None, "bytes": base64.b64encode(source).decode()}
        else:
            place = {"path": str(Path.cwd() / source), "bytes": None}
        made = await self._ask(op="attach", name=name, media_type=media_type, **place)
        return Artifact(name, made["size_bytes"], media_type, made["sha256"])


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    order = _receive(connection)
    _end_with_worker(connection.dup())
    try:
        task = _find(order)
        arguments, redactor = _arguments(task, order)
    except Exception as error:  # an import that fails, arguments that do not fit: the job's error, not a crash
        connection.sendall(pack(_said(error)))
        return
    if order["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    if task.is_coroutine:
        asyncio.run(_as_coroutine(connection, order, task, arguments, redactor))
    else:
        _as_function(connection, order, task, arguments, redactor)


def _receive(connection: socket.socket) -> dict[str, Any]:
    """The first frame, before there is any loop."""
    with connection.makefile("rb", buffering=0) as stream:
        header = stream.read(HEADER.size)
        body = b""
        (length,) = HEADER.unpack(header)
        while len(body) < length:
            body += stream.read(length - len(body))
    order: dict[str, Any] = pydantic_core.from_json(body)
    return order


def _end_with_worker(connection: socket.socket) -> None:
    """When the worker dies, nothing of this job may go on: neither this process nor what it started."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # also while a C call holds the interpreter

    def watch() -> None:
        poll = select.poll()
        poll.register(connection, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
        poll.poll()
        kill_marked(os.environ.get(MARK, ""))
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="accepted watch", daemon=True).start()


async def _as_coroutine(
    connection: socket.socket,
    order: Mapping[str, Any],
    task: Task[..., Any],
    arguments: dict[str, Any],
    redactor: Redactor | None,
) -> None:
    worker = await Worker.connect(connection, order, redactor)
    job = Job(_info(order), worker.reporter, _steps(order))
    running = asyncio.create_task(_call(task, arguments, job))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        raw = task.dump_result(await running)
        await worker.reporter.drain()
        await worker.send({"op": "result", "value": raw.decode()})
    except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
        await worker.reporter.drain()
        await worker.send(_said(error))


async def _call(task: Task[..., Any], arguments: dict[str, Any], job: BaseJob) -> Any:
    current.set(job)
    return await call(task, arguments, job)


def _as_function(
    connection: socket.socket,
    order: Mapping[str, Any],
    task: Task[..., Any],
    arguments: dict[str, Any],
    redactor: Redactor | None,
) -> None:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="accepted report", daemon=True).start()

    def wait(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    worker = wait(Worker.connect(connection, order, redactor))
    job = SyncJob(_info(order), worker.reporter, _steps(order))
    current.set(job)
    signal.signal(signal.SIGTERM, _raise_cancelled)
    try:
        raw = task.dump_result(call(task, arguments, job))
        last = {"op": "result", "value": raw.decode()}
    except (Exception, Cancelled, SystemExit, KeyboardInterrupt) as error:
        last = _said(error)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end is known; it is only told now
    wait(worker.reporter.drain())
    wait(worker.send(last))


def _raise_cancelled(_number: int, _frame: FrameType | None) -> None:
    raise Cancelled("stopped by SIGTERM")


def _info(order: Mapping[str, Any]) -> JobInfo:
    job = order["job"]
    return JobInfo(job["id"], order["name"], job["owner"], job["attempt"], job["token"], job["deadline_at"])


def _steps(order: Mapping[str, Any]) -> dict[str, bytes]:
    return {key: result.encode() for key, result in order["steps"].items()}


def _find(order: Mapping[str, Any]) -> Task[..., Any]:
    sys.path[:] = order["path"]
    if order["main"] is not None:
        # As multiprocessing does: the script again, under a name that its `if __name__ == "__main__"` does not match.
        found: Any = runpy.run_path(order["main"], run_name="__accepted_main__")[order["qualname"].split(".")[0]]
        rest = order["qualname"].split(".")[1:]
    else:
        found, rest = importlib.import_module(order["module"]), order["qualname"].split(".")
    for name in rest:
        found = getattr(found, name)
    found = getattr(found, "task", found)
    if isinstance(found, Task):
        return found
    return Task(found, name=order["name"], policy=Policy(), submitter=None)


def _arguments(task: Task[..., Any], order: Mapping[str, Any]) -> tuple[dict[str, Any], Redactor | None]:
    body, redactor = order["args"].encode(), None
    if task.secrets:
        _no_core_dump()
        key = base64.b64decode(order["secret_key"])
        task.vault = Vault(lambda: key)
        arguments, redactor = task.open_arguments(body, owner=order["job"]["owner"], job_id=order["job"]["id"])
    else:
        arguments = task.load_arguments(body)
    for name, paths in order["files"].items():
        value = arguments.get(name)
        if isinstance(value, UploadFile):
            arguments[name] = replace(value, local=Path(paths[0]))
        elif value:
            arguments[name] = [replace(one, local=Path(path)) for one, path in zip(value, paths, strict=True)]
    return arguments, redactor


def _no_core_dump() -> None:
    """The memory of this process holds secrets. One byte, not none: Linux gives a dump to a program in spite of a limit
    of 0, and to nobody at 1."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 1 if most == resource.RLIM_INFINITY else min(1, most)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _said(error: BaseException) -> dict[str, Any]:
    """An exception as a frame."""
    said: dict[str, Any] = {
        "op": "error",
        "type": type(error).__name__,
        "text": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }
    if isinstance(error, Fail):
        said |= {"code": error.code, "data": error.data}
    if isinstance(error, Retry):
        said |= {"after": error.after}
    return said


if __name__ == "__main__":
    main()
