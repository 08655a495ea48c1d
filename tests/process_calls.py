"""What tests of `accepted_apps.processes` call; a module that a process finds on its path."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Tell = Callable[..., None]


class Refused(Exception):
    """One with a constructor of its own, as the applications' errors have."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def add(tell: Tell, left: int, right: int, *, loud: bool = False) -> tuple[int, int]:
    tell("adding", left)
    tell("adding", right)
    if loud:
        print("a library that prints")
        os.write(1, b"and one that writes")
        subprocess.run([sys.executable, "-c", "print('and what it starts')"], check=True)
    return left + right, os.getpid()


def refuse(tell: Tell) -> None:
    raise Refused("cannot be", field="left")


class Strange(Exception):
    """One that cannot be made again from its text."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


def stumble(tell: Tell) -> None:
    raise Strange("cannot be sent", code=7)


def leave(tell: Tell) -> None:
    os._exit(3)


def crash(tell: Tell) -> None:
    ctypes.string_at(0)


def take(tell: Tell, size: int) -> int:
    return len(bytearray(size))


def stay(tell: Tell) -> None:
    """Until somebody ends it, with a process that it started."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    tell(os.getpid(), child.pid)
    time.sleep(600)


def wait_on(name: str) -> None:
    """Somebody who waits for `stay`, and writes down who that is."""
    import asyncio

    from accepted_apps.processes import in_process

    def heard(*pids: int) -> None:
        part = Path(f"{name}.part")
        part.write_text(" ".join(map(str, pids)))
        part.rename(name)

    asyncio.run(in_process(stay, heard, 0))


def miss(tell: Tell, size: int) -> None:
    """As a package that has done without what could not be loaded."""
    taken = bytearray(size)
    del taken
    raise AttributeError("module 'shelf' has no attribute 'Fast'")
