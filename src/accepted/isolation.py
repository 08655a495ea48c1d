"""`isolation="process"`: the function in a process of its own, which can be killed and limited in memory.

The worker starts `python -m accepted.isolated`, hands it the job over a socket pair and serves its reports: frames
of a 4-byte length and JSON, both ways. The store is the worker's alone, so the lease and its token stay here.

Nothing may be left behind. The process leads a session of its own, which is killed as a group; its environment
carries the job's id as a mark, by which descendants that left the group are found (Linux: /proc). Its folder for
temporary files is its own and goes with it. When the worker dies, the socket closes and the process ends itself; its
folder is removed by the job's next attempt.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pydantic_core

from accepted.context import Reporter
from accepted.errors import AcceptedError, Died, Fail, LeaseLost, Retry, StoreError
from accepted.job import JSON, EventDraft, JobRecord, Kind, Progress
from accepted.redaction import Redactor
from accepted.settings import Settings
from accepted.task import Task

MARK: Final = "ACCEPTED_JOB_MARK"
HEADER: Final = struct.Struct("!I")
_PROC: Final = Path("/proc")


def pack(message: Mapping[str, Any]) -> bytes:
    """One frame."""
    body = pydantic_core.to_json(message)
    return HEADER.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next frame. Raises IncompleteReadError at the end."""
    (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    message: dict[str, Any] = pydantic_core.from_json(await reader.readexactly(length))
    return message


class ProcessBody:
    """The worker's side of one such process."""

    def __init__(
        self,
        task: Task[..., Any],
        record: JobRecord,
        arguments: Mapping[str, Any],
        steps: Mapping[str, bytes],
        reporter: Reporter,
        settings: Settings,
    ) -> None:
        self._task, self._record, self._arguments, self._steps = task, record, arguments, steps
        self._reporter, self._settings = reporter, settings
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._interrupted = False
        self._mark = f"{record.id}.{record.token}"

    async def run(self) -> bytes:
        scratch = await asyncio.to_thread(_make_scratch, self._record.id)
        try:
            return await self._run(scratch)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True))

    async def _run(self, scratch: str) -> bytes:
        ours, theirs = socket.socketpair()
        redactor = self._reporter.redactor
        with theirs:
            # Not in a thread: PR_SET_PDEATHSIG, which the child asks for, speaks of the thread that forked it.
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220  our own interpreter; vfork takes about a millisecond
                [sys.executable, "-m", "accepted.isolated", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=None if redactor is None else subprocess.PIPE,
                stderr=None if redactor is None else subprocess.PIPE,
                env={
                    **os.environ,
                    MARK: self._mark,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "TMPDIR": scratch,
                },
                start_new_session=True,
            )
        if redactor is not None:
            self._pass_on(self._process, redactor)
        reader, self._writer = await asyncio.open_connection(sock=ours)
        try:
            self._writer.write(pack(self._order()))
            if self._interrupted:
                self.interrupt()
            return await self._serve(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Died(await self._cause()) from None
        finally:
            self._writer.close()
            await asyncio.shield(self._clean_up())

    def _pass_on(self, process: subprocess.Popen[bytes], redactor: Redactor) -> None:
        """What it prints goes where this process prints, without its secrets."""
        assert process.stdout is not None  # noqa: S101  see run
        assert process.stderr is not None  # noqa: S101
        redactor.pass_on(process.stdout, 1)
        redactor.pass_on(process.stderr, 2)

    def interrupt(self) -> None:
        """SIGTERM, which the process turns into Cancelled (or cancellation) inside the function."""
        self._interrupted = True
        if self._writer is not None:
            with suppress(ConnectionError):
                self._writer.write(pack({"op": "stop", "reason": str(self._reporter.stopping)}))
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> bool:
        """SIGKILL for the whole group; `run` then ends by the closed socket."""
        if self._process is not None:
            _kill_group(self._process.pid)
        return True

    # ── the conversation ──

    def _order(self) -> dict[str, JSON]:
        function = self._task.function
        record = self._record
        main = sys.modules.get("__main__")
        return {
            "module": function.__module__,
            "qualname": function.__qualname__,
            "main": getattr(main, "__file__", None) if function.__module__ == "__main__" else None,
            "path": sys.path,
            "name": self._task.name,
            "memory": self._task.policy.memory,
            "interval": self._settings.progress_interval,
            "files": {name: self._paths(name) for name in self._task.files},
            "args": record.args.decode(),
            "secret_key": base64.b64encode(self._task.vault.key).decode() if self._task.vault else None,
            "job": {
                "id": record.id,
                "owner": record.owner,
                "attempt": record.attempt,
                "token": record.token,
                "deadline_at": record.deadline_at,
                "progress": record.progress.data(),
                "cost": record.cost,
            },
            "steps": {key: result.decode() for key, result in self._steps.items()},
        }

    def _paths(self, name: str) -> list[str]:
        value = self._arguments.get(name)
        return [str(file.path) for file in (value if isinstance(value, list) else [value]) if file is not None]

    async def _serve(self, reader: asyncio.StreamReader) -> bytes:
        """Answer reports until the end comes. Raises what the function raised, as far as JSON can say it."""
        while True:
            message = await receive(reader)
            match message["op"]:
                case "result":
                    return str(message["value"]).encode()
                case "error":
                    raise _revive(message)
                case _:
                    await self._answer(message)

    async def _answer(self, message: dict[str, Any]) -> None:
        assert self._writer is not None  # noqa: S101  set before the first frame
        reply: dict[str, Any] = {"op": "done", "id": message["id"]}
        try:
            reply["value"] = await self._perform(message)
        except (AcceptedError, OSError, ValueError) as error:
            reply["error"] = str(error)
            reply["lost"], reply["store"] = isinstance(error, LeaseLost), isinstance(error, StoreError)
            if isinstance(error, LeaseLost):
                self._reporter.refuse()
        with suppress(ConnectionError):
            self._writer.write(pack(reply))

    async def _perform(self, message: dict[str, Any]) -> JSON:
        sink = self._reporter.sink
        match message["op"]:
            case "report":
                events = [EventDraft(Kind(kind), data) for kind, data in message["events"]]
                progress = Progress(**message["progress"]) if message["progress"] else None
                await sink.report(events, progress, message["cost"])
            case "start_step":
                await sink.start_step(message["key"], message["name"])
            case "finish_step":
                await sink.finish_step(message["key"], message["name"], message["result"].encode())
            case "fail_step":
                await sink.fail_step(message["key"], message["name"], message["error"])
            case "attach":
                source = Path(message["path"]) if message["path"] else base64.b64decode(message["bytes"])
                made = await sink.attach(message["name"], source, message["media_type"])
                return {"size_bytes": made.size_bytes, "sha256": made.sha256}
        return None

    # ── the end ──

    async def _cause(self) -> str:
        assert self._process is not None  # noqa: S101  it ran, or there was nothing to die
        code = await asyncio.to_thread(self._process.wait)
        if code >= 0:
            return f"The job's process ended with exit code {code} and no result; look at what it printed."
        name = signal.Signals(-code).name
        hint = "; out of memory, perhaps: see the machine's log" if name == "SIGKILL" else ""
        return f"The job's process was ended by {name}{hint}."

    async def _clean_up(self) -> None:
        """Kill what is left of the group before the process is reaped (until then its id cannot be another's),
        then descendants that left the group."""
        assert self._process is not None  # noqa: S101  see _cause
        _kill_group(self._process.pid)
        await asyncio.to_thread(self._process.wait)
        await asyncio.to_thread(kill_marked, self._mark)


def _make_scratch(job_id: str) -> str:
    """The folder of an attempt's temporary files. What an attempt left whose worker died is removed.

    Its name is short, for sockets may be made in it, whose paths end at about a hundred characters.
    """
    prefix = f"accepted-{job_id[-12:]}-"
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=prefix)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """SIGKILL for every other process whose environment carries the mark. Nothing where there is no /proc."""
    wanted = f"{MARK}={mark}".encode()
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def _revive(message: dict[str, Any]) -> BaseException:
    """The exception of the function, as the runner has to see it."""
    match message["type"]:
        case "Fail":
            return Fail(message["text"], code=message["code"], **message["data"])
        case "Retry":
            return Retry(message["text"], after=message["after"])
        case "Cancelled" | "CancelledError":
            return asyncio.CancelledError(message["text"])
        case name:
            kind = StoreError if name == StoreError.__name__ else type(name, (RuntimeError,), {})
            made: BaseException = kind(message["text"])
            made.add_note(message["traceback"])
            return made
