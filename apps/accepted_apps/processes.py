"""A call in a process of its own: what takes the processor for seconds neither holds up the event loop nor outlives
who waits for it. `python -m accepted_apps.processes` is the process's side.

Both sides are the same program on the same machine, and nobody else can write to the pipes between them; so what goes
through them is pickled. Frames of an 8-byte length, both ways. The process's input stays open while somebody waits:
when it ends, by a kill too, so does the process.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
import pickle
import queue
import re
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Concatenate, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Heard = Callable[..., None]
"""Takes what the function tells while it works; any arguments that can be pickled."""

_LENGTH: Final = struct.Struct("!Q")
_NO_MEMORY: Final = 77
"""Exit code: there may be none left to say so in words."""
_NEARLY_ALL: Final = 0.8
"""The part of the memory allowed from which on errors are looked at with suspicion."""


class ProcessDied(Exception):
    """The process ended without a result: by a signal, or for want of memory. The message says how."""


async def in_process(
    function: Callable[Concatenate[Heard, P], T], heard: Heard, memory: int, /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `function(tell, *args)` returns, or raises. It stands at the top of a module; what it passes to `tell` comes
    to `heard`, in this event loop.

    memory: bytes of address space that the process may take; 0: no limit. Cancelled, it leaves no process behind.
    Raises ProcessDied.
    """
    processes = Processes(1, memory=memory, idle=0)
    try:
        return await processes.call(function, heard, *args, **kwargs)
    finally:
        await processes.close()


class Processes:
    """Calls as `in_process` makes them, `at_once` at a time; the others wait for their turn. It belongs to one loop.

    A process that has answered is kept for the next call, which then need not wait for imports, until nobody has called
    for `idle` seconds. One whose call was cancelled is killed. memory: bytes of address space of each; 0: no limit.
    """

    def __init__(self, at_once: int, *, memory: int, idle: float = 60.0) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._memory, self._patience = memory, idle
        self._idle: list[_Process] = []
        self._ends: set[asyncio.Task[None]] = set()

    async def call(
        self, function: Callable[Concatenate[Heard, P], T], heard: Heard, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """In its turn. Raises what the function raises, ProcessDied."""
        order = pickle.dumps((function, self._memory, args, kwargs))
        async with self._turns:
            process = self._taken() or await _Process.start()
            answered = False
            try:
                kind, said = await process.answer(order, heard)
                answered = self._patience > 0
            finally:
                await self._give_back(process) if answered else await process.end()
        if kind == "error":
            raise said
        result: T = said
        return result

    async def close(self) -> None:
        """End those that wait for a call. Idempotent; a later call starts another."""
        ends = [*self._ends]
        for one in ends:
            one.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        while self._idle:
            await self._idle.pop().end()

    def _taken(self) -> _Process | None:
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
        return None

    async def _give_back(self, process: _Process) -> None:
        self._idle.append(process)
        end = asyncio.create_task(self._end_later(process, process.calls))
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)

    async def _end_later(self, process: _Process, calls: int) -> None:
        await asyncio.sleep(self._patience)
        if process in self._idle and process.calls == calls:
            self._idle.remove(process)
            await process.end()


class _Process:
    """One such process, which answers one call after another."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.calls = 0

    @classmethod
    async def start(cls) -> _Process:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "accepted_apps.processes",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                start_new_session=True,
            )
        )

    @property
    def alive(self) -> bool:
        """Asked of the system: the event loop hears of an end a moment later."""
        try:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return ended is None and self._process.returncode is None

    async def answer(self, order: bytes, heard: Heard) -> tuple[str, Any]:
        """ "result" or "error", and which. Raises ProcessDied."""
        self.calls += 1
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - see start
        assert stdout is not None  # noqa: S101
        with suppress(ConnectionError):
            stdin.write(_LENGTH.pack(len(order)) + order)
            await stdin.drain()
        while True:
            try:
                (length,) = _LENGTH.unpack(await stdout.readexactly(_LENGTH.size))
                kind, said = pickle.loads(await stdout.readexactly(length))  # noqa: S301 - our own process
            except asyncio.IncompleteReadError:
                raise ProcessDied(_end(await self._process.wait())) from None
            if kind != "told":
                return kind, said
            heard(*said)

    async def end(self) -> None:
        """Nothing of it is left when this returns, nor of what it started."""
        # Until it is waited for, its number, and that of its group, are nobody else's.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            # A killed process is over in a moment, and nobody else waits for it.
            await ended
            raise


def _end(code: int) -> str:
    if code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    if code == _NO_MEMORY:
        return "the process needed more memory than it may take"
    return f"the process ended with code {code}"


# ── the process's side ──


def main() -> None:
    # What a library prints must not come between the frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), name="listen", daemon=True).start()
    turn = threading.Lock()

    def tell(*said: Any) -> None:
        _send(answers, turn, ("told", said))

    while True:
        _send(answers, turn, _made(orders.get(), tell))


def _listen(orders: queue.SimpleQueue[bytes]) -> None:
    """Takes orders until the other side has gone; then nothing of what was asked for is wanted any more."""
    source = sys.stdin.buffer
    while len(header := source.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(header)
        orders.put(source.read(length))
    os._exit(1)


def _made(order: bytes, tell: Heard) -> tuple[str, Any]:
    memory = 0
    try:
        function, memory, args, kwargs = pickle.loads(order)  # noqa: S301 - who has started us
        if memory:
            _limit(memory)
        return "result", function(tell, *args, **kwargs)
    except Exception as error:
        if _is_of_memory(error, memory):
            os._exit(_NO_MEMORY)
        return "error", _portable(error)


def _is_of_memory(error: Exception, memory: int) -> bool:
    """MemoryError, and what is said instead where a thread, a file or a library finds no memory.

    A package that does without a library which could not be loaded fails later, and in any words: so each error of
    Python's own counts, where most of the limit has been taken.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    said = ("can't start new thread", "failed to map segment", "Cannot allocate memory")
    if any(one in str(error) for one in said):
        return True
    return type(error).__module__ == "builtins" and 0 < memory * _NEARLY_ALL < _most_taken()


def _most_taken() -> int:
    """Bytes of address space that this process had at its most; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    told = re.search(r"^VmPeak:\s*(\d+) kB$", status, re.MULTILINE)
    return int(told[1]) * 1024 if told else 0


def _portable(error: Exception) -> Exception:
    """The same, where it can be sent; with what only this process knows of where it came from."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a line above
    except Exception:
        portable = RuntimeError(f"{type(error).__name__}: {error}")
        portable.add_note(error.__notes__[-1])
        return portable
    return error


def _send(answers: BinaryIO, turn: threading.Lock, frame: tuple[str, Any]) -> None:
    packed = pickle.dumps(frame)
    with turn:
        answers.write(_LENGTH.pack(len(packed)) + packed)
        answers.flush()


def _limit(memory: int) -> None:
    # Not on Windows, which has no such limits.
    with suppress(ImportError):
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    main()
