"""Who is alive on this machine: each worker holds a lock on a file of its own, for its life.

The kernel lets go of a lock when its process dies, whatever kills it and in whatever namespace it runs; so
whoever can take the lock knows that the worker is dead, at once and without asking about process ids.
"""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import IO, Final

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: a dead worker is noticed when its leases are over
    fcntl = None

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def kernel() -> str:
    """A name of the running kernel: equal only where file locks of one are seen by the other."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


class Liveness:
    """The locks of the workers of this store, and the test of those of others."""

    def __init__(self, folder: Path) -> None:
        self.kernel = kernel()
        self._folder = folder
        self._lock = threading.Lock()
        self._held: dict[str, IO[bytes]] = {}
        # A forked child would hold the locks beyond its parent's death.
        if hasattr(os, "register_at_fork"):
            forget = weakref.WeakMethod(self.release_all)
            os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    def hold(self, worker_id: str) -> None:
        """Raises OSError when the folder cannot be written."""
        if fcntl is None or worker_id in self._held:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = self._path(worker_id).open("wb")
        fcntl.flock(file, fcntl.LOCK_SH)
        with self._lock:
            self._held[worker_id] = file

    def release(self, worker_id: str) -> None:
        with self._lock:
            file = self._held.pop(worker_id, None)
        if file is not None:
            self._path(worker_id).unlink(missing_ok=True)
            file.close()

    def release_all(self) -> None:
        """Without removing the files: for whoever must not speak for the workers any more."""
        for file in self._held.values():
            file.close()
        self._held.clear()

    def dead(self, worker_ids: Iterable[str]) -> list[str]:
        """Those of these workers that are known to be dead. A file that is missing proves nothing."""
        return [worker_id for worker_id in worker_ids if self._dead(worker_id)]

    def _dead(self, worker_id: str) -> bool:
        if fcntl is None or worker_id in self._held:
            return False
        path = self._path(worker_id)
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:  # locked: it lives; or there is no file
            return False
        return True

    def _path(self, worker_id: str) -> Path:
        return self._folder / hashlib.sha256(worker_id.encode()).hexdigest()[:32]
