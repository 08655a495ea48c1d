"""A real server process of an application, as `accepted serve` starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Self


class AppServer:
    """`accepted serve APP`. `settings`: variables without `ACCEPTED_`; `path`: where Python looks for modules, too."""

    def __init__(
        self, app: str, data: Path, *, arguments: Iterable[str] = (), path: Iterable[Path] = (), **settings: object
    ) -> None:
        self.data = data
        self.url = ""
        self._app = app
        self._arguments = [*arguments]
        self._process: subprocess.Popen[str] | None = None
        given = {f"ACCEPTED_{name.upper()}": str(value) for name, value in settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTED_")}
        self._environment = {**kept, **given}
        if path:
            self._environment["PYTHONPATH"] = os.pathsep.join(map(str, path))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, port: int = 0) -> Self:
        command = [sys.executable, "-m", "accepted", "serve", self._app, "--port", str(port)]
        with (self.data / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--data", str(self.data), *self._arguments],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("serving "):
            self.kill()
            raise AssertionError((self.data / "server.log").read_text())
        self.url = line.split()[1]
        return self

    def restart(self) -> Self:
        """On the same port, so that clients find it again."""
        return self.start(int(self.url.rpartition(":")[2]))

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(40)
            assert process.stdout is not None
            process.stdout.close()


def make_key(data: Path, owner: str) -> str:
    """A key for the server on this data."""
    command = [sys.executable, "-m", "accepted", "keys", "create", owner, "--owner", owner, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return next(word for word in done.stdout.split() if word.startswith("ak_"))
