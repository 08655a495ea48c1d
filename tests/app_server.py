"""A real server process of an application, as `accepted serve` starts it."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, Self

from accepted.cli import main

_IMPORTED: Final = [f"accepted_apps.{name}.routes" for name in ("audit", "news", "preview", "profiles", "sales")]
"""Most of a server's start is imports. The processes are forked from one that has done them; all else is their own."""

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_IMPORTED)


class AppServer:
    """`accepted serve APP`. `settings`: variables without `ACCEPTED_`; `path`: where Python looks for modules, too."""

    def __init__(
        self, app: str, data: Path, *, arguments: Iterable[str] = (), path: Iterable[Path] = (), **settings: object
    ) -> None:
        self.data = data
        self.url = ""
        self._app = app
        self._arguments = [*arguments]
        self._path = [*map(str, path)]
        self._process: ForkServerProcess | None = None
        given = {f"ACCEPTED_{name.upper()}": str(value) for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTED_")}
        self._environment = {**kept, **given}

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def start(self, port: int = 0) -> Self:
        words = ["accepted", "serve", self._app, "--port", str(port), "--data", str(self.data), *self._arguments]
        log = self.data / "server.log"
        said, saying = multiprocessing.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_serve, args=(words, self._environment, self._path, log, saying))
        self._process.start()
        saying.close()
        # What the server prints is text, and goes through the pipe as it is.
        with os.fdopen(os.dup(said.fileno())) as lines:
            line = lines.readline()
        self._said = said
        if not line.startswith("serving "):
            self.kill()
            raise AssertionError(log.read_text())
        self.url = line.split()[1]
        return self

    def restart(self) -> Self:
        """On the same port, so that clients find it again."""
        return self.start(int(self.url.rpartition(":")[2]))

    def kill(self) -> None:
        """SIGKILL."""
        self._end(ForkServerProcess.kill)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(ForkServerProcess.terminate)

    def _end(self, how: Callable[[ForkServerProcess], None]) -> None:
        process, self._process = self._process, None
        if process is not None:
            how(process)
            process.join(40)
            assert process.exitcode is not None, "it does not end"
            process.close()
            self._said.close()


def _serve(
    words: Sequence[str], environment: Mapping[str, str], path: Sequence[str], log: Path, saying: Connection
) -> None:
    """In a process of its own, which has nothing of the tests' but what has been imported."""
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.path[:0] = path
    sys.argv[:] = words
    os.dup2(saying.fileno(), 1)
    saying.close()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        main()
    finally:
        sys.stdout.flush()
        # Processes of `multiprocessing` leave this out.
        atexit._run_exitfuncs()


def make_key(data: Path, owner: str) -> str:
    """A key for the server on this data."""
    command = [sys.executable, "-m", "accepted", "keys", "create", owner, "--owner", owner, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(word for word in done.stdout.split() if word.startswith("ak_"))
