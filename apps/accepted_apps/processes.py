"""A call in a process of its own: what takes the processor for seconds neither holds up the event loop nor outlives
who waits for it. `python -m accepted_apps.processes` is the process's side.

Both sides are the same program on the same machine, and nobody else can write to the pipes between them; so what goes
through them is pickled. Frames of an 8-byte length, both ways. The process's input stays open while somebody waits:
when it ends, by a kill too, so does the process.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pickle
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, Concatenate, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Heard = Callable[..., None]
"""Takes what the function tells while it works; any arguments that can be pickled."""

_LENGTH: Final = struct.Struct("!Q")
_NO_MEMORY: Final = 77
"""Exit code: there may be none left to say so in words."""


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
    order = pickle.dumps((function, memory, args, kwargs))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "accepted_apps.processes",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        start_new_session=True,
    )
    try:
        result: T = await _served(process, order, heard)
        return result
    finally:
        # Until it is waited for, its number, and that of its group, are nobody else's.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.shield(process.wait())


async def _served(process: asyncio.subprocess.Process, order: bytes, heard: Heard) -> Any:
    assert process.stdin is not None  # noqa: S101 - see who calls
    assert process.stdout is not None  # noqa: S101
    with suppress(ConnectionError):
        process.stdin.write(_LENGTH.pack(len(order)) + order)
        await process.stdin.drain()
    while True:
        try:
            (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            kind, said = pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 - our own process
        except asyncio.IncompleteReadError:
            raise ProcessDied(_end(await process.wait())) from None
        if kind == "told":
            heard(*said)
        elif kind == "error":
            raise said
        else:
            return said


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
    (length,) = _LENGTH.unpack(sys.stdin.buffer.read(_LENGTH.size))
    order = sys.stdin.buffer.read(length)
    threading.Thread(target=_end_with_input, name="watch", daemon=True).start()
    turn = threading.Lock()

    def tell(*said: Any) -> None:
        _send(answers, turn, ("told", said))

    try:
        function, memory, args, kwargs = pickle.loads(order)  # noqa: S301 - who has started us
        if memory:
            _limit(memory)
        made = ("result", function(tell, *args, **kwargs))
    except MemoryError:
        os._exit(_NO_MEMORY)
    except Exception as error:
        made = ("error", _portable(error))
    _send(answers, turn, made)


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


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()
