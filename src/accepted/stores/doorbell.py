"""Telling the other processes on this machine, at once, that something was committed.

Every process that listens binds a datagram socket in one folder; whoever commits sends each of them a line that
says what changed. Nobody polls, so an idle process sleeps, and news arrives in a fraction of a millisecond.
A bell can be missed (a full buffer, a folder that somebody removed): stores keep a slow look of their own.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accepted.stores.base import Change

log = logging.getLogger(__name__)

AVAILABLE: Final = hasattr(socket, "AF_UNIX")

EVERYTHING: Final = Change(ready=True, cancelling=frozenset(), jobs=None)
"""Look at all that you watch."""

_LONGEST: Final = 32_768
"""Bytes of a datagram; a longer list of jobs is told as EVERYTHING."""
_LONGEST_PATH: Final = 100
"""Bytes of a path that every system lets a socket have."""
_TICK: Final = 100_000_000
"""Nanoseconds: longer than any file system's clock stands still."""
_SUSPICIOUS: Final = 8
"""So many datagrams at once come close to what the kernel queues (10 by default): more may have been lost."""


class Doorbell:
    """One process's bell. `heard` is called in a thread of this object with what others committed."""

    def __init__(self, folder: Path, heard: Callable[[Change], None]) -> None:
        self._folder, self._heard = folder, heard
        self._name = secrets.token_hex(8)
        self._out: socket.socket | None = None
        self._in: socket.socket | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._thread: threading.Thread | None = None
        self._deaf: set[str] = set()
        """Peers whose buffer was full: they are told to look at everything next time."""
        self._known: Sequence[str] = ()
        self._read_at: int | None = None
        """The folder's own time when `_known` was read, if no later change can have the same one."""
        self.heard_count = 0
        """How often others were heard."""

    # ── ringing ──────────────────────────────────────────────────────────────────────────────────────

    def ring(self, change: Change) -> None:
        """Tell the others; never blocks, never raises."""
        try:
            peers = self._peers()
            if not peers:
                return
            if self._out is None:
                self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._out.setblocking(False)
            line = _encode(change)
            with _short(self._folder) as folder:
                for name in peers:
                    self._send(self._out, folder, name, line)
        except OSError as error:  # nobody ever listened, or somebody removed the folder
            log.debug("ringing in %s: %s", self._folder, error)

    def _peers(self) -> Sequence[str]:
        """Who listens, besides this process. Asked after every commit, so the folder is read only when it has
        changed. Raises OSError."""
        changed_at = self._folder.stat().st_mtime_ns
        if changed_at != self._read_at:
            with os.scandir(self._folder) as entries:
                self._known = [entry.name for entry in entries if entry.name != self._name]
            # A folder's time moves in ticks: who came later in the tick of this reading would go unnoticed.
            settled = time.time_ns() - changed_at > _TICK
            self._read_at = changed_at if settled else None
        return self._known

    def _send(self, out: socket.socket, folder: str, name: str, line: bytes) -> None:
        try:
            out.sendto(_encode(EVERYTHING) if name in self._deaf else line, f"{folder}/{name}")
            self._deaf.discard(name)
        except BlockingIOError:
            self._deaf.add(name)
        except ConnectionRefusedError:  # it died without a word
            (self._folder / name).unlink(missing_ok=True)
            self._deaf.discard(name)
        except OSError as error:
            log.debug("ringing at %s: %s", name, error)

    # ── listening ────────────────────────────────────────────────────────────────────────────────────

    def listen(self) -> bool:
        """Begin to listen. False where that is impossible: then the caller has to look by itself."""
        try:
            self._in = self._bind()
        except OSError as error:
            log.info("no doorbell in %s: %s", self._folder, error)
            return False
        self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._main, args=(self._wake[1],), name="accepted-doorbell", daemon=True)
        self._thread.start()
        return True

    def check(self) -> None:
        """Hang the bell up again where somebody removed the folder. Raises OSError when that fails."""
        if self._wake is not None and not (self._folder / self._name).exists():
            self._in, old = self._bind(), self._in
            self._wake[0].send(b".")
            if old is not None:
                old.close()

    def close(self) -> None:
        if self._wake is not None and self._thread is not None:
            listening, self._in = self._in, None
            self._wake[0].send(b".")
            self._thread.join()
            if listening is not None:
                listening.close()
            for end in self._wake:
                end.close()
            self._wake = None
            (self._folder / self._name).unlink(missing_ok=True)
        if self._out is not None:
            self._out.close()
            self._out = None

    def _bind(self) -> socket.socket:
        if not AVAILABLE:
            raise OSError("this system has no Unix sockets")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            with _short(self._folder) as folder:
                bell.bind(f"{folder}/{self._name}")
        except OSError:
            bell.close()
            raise
        bell.setblocking(False)
        return bell

    def _main(self, wake: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            while (bell := self._in) is not None:
                selector.register(bell, selectors.EVENT_READ)
                self._hear(bell, wake, selector)
                selector.unregister(bell)

    def _hear(self, bell: socket.socket, wake: socket.socket, selector: selectors.BaseSelector) -> None:
        """Until `wake` says that there is another bell, or none any more."""
        while wake not in [key.fileobj for key, _ in selector.select()]:
            lines = list(_received(bell))
            if lines:
                self.heard_count += 1
                self._heard(_merged(lines))
        wake.recv(64)


def _received(bell: socket.socket) -> Iterator[bytes]:
    try:
        while True:
            yield bell.recv(_LONGEST)
    except OSError:  # nothing more; or hung up
        return


def _encode(change: Change) -> bytes:
    line = json.dumps(
        {
            "ready": change.ready,
            "cancelling": [*change.cancelling],
            "jobs": None if change.jobs is None else [*change.jobs],
        }
    ).encode()
    return line if len(line) <= _LONGEST else _encode(EVERYTHING)


def _decode(line: bytes) -> Change:
    try:
        told = json.loads(line)
        jobs = told["jobs"]
        return Change(told["ready"], frozenset(told["cancelling"]), None if jobs is None else frozenset(jobs))
    except (ValueError, TypeError, KeyError):  # another version's, perhaps
        return EVERYTHING


def _merged(lines: Iterable[bytes]) -> Change:
    changes = [_decode(line) for line in lines]
    if len(changes) >= _SUSPICIOUS:
        changes.append(EVERYTHING)
    jobs: set[str] = set()
    for change in changes:
        jobs |= change.jobs or set()
    return Change(
        ready=any(change.ready for change in changes),
        cancelling=frozenset().union(*(change.cancelling for change in changes)),
        jobs=None if any(change.jobs is None for change in changes) else frozenset(jobs),
    )


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A path to the folder that is short enough for a socket's address. Raises OSError where there is none."""
    path = str(folder.absolute())
    if len(os.fsencode(path)) + 17 <= _LONGEST_PATH:
        yield path
        return
    if not sys.platform.startswith("linux"):
        raise OSError(f"{path} is too long for a socket")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
