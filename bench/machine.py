"""The machine, as far as figures depend on it."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PAGE: Final = 4096
SYNCS: Final = 200

_LIBRARIES: Final = ("uvicorn", "fastapi", "starlette", "pydantic", "httptools", "uvloop", "websockets")


def describe(folder: Path) -> list[str]:
    """The lines above the table."""
    load = " ".join(f"{one:.2f}" for one in os.getloadavg())
    grows, stays = fdatasync_rate(folder, grows=True), fdatasync_rate(folder)
    durable = f"WAL, synchronous=FULL: an answer waits for its fdatasync; {folder} does {stays:,.0f} a second"
    return [
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
        f"{os.cpu_count()} CPUs ({platform.machine()}), load average at the start {load}",
        f"{durable}, {grows:,.0f} where each makes the file longer",
    ]


def fdatasync_rate(folder: Path, *, pages: int = 1, grows: bool = False) -> float:
    """How often in a second so many pages can be written and synced, one after the other; over what the file has
    already, as a write-ahead log is written once it was moved into the database."""
    return SYNCS / sum(fdatasync_seconds(folder, pages=pages, grows=grows))


def fdatasync_seconds(folder: Path, *, pages: int = 1, grows: bool = False) -> list[float]:
    """How long each of them takes."""
    path, taken = folder / "fdatasync", []
    with path.open("wb") as file:
        if not grows:
            file.write(bytes(PAGE * pages * SYNCS))
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
        for _ in range(SYNCS):
            start = time.perf_counter()
            os.write(file.fileno(), bytes(PAGE * pages))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    path.unlink()
    return taken


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """How long the main thread of a process was ready to run and had no processor, so far."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def resident_bytes(pid: int) -> int:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
