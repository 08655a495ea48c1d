"""Servers, workers and other processes of the bench: `with serving(…) as server`. None outlives its `with`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
_PATIENCE: Final = 120.0
"""Seconds."""


class Child:
    """A Python process that runs `words`; what it says goes to a file. `settings` are those of accepted, which
    sees no others."""

    def __init__(self, folder: Path, *words: str, **settings: object) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTED_")}
        chosen = {f"ACCEPTED_{name.upper()}": str(value) for name, value in settings.items()}
        self._said = folder / f"{time.monotonic_ns()}.log"
        with self._said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env={**inherited, **chosen},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for it. Raises RuntimeError with what it said instead."""
        end = time.monotonic() + _PATIENCE
        while True:
            ended = self.process.poll() is not None
            text = self._said.read_text()
            found = re.search(pattern, text, re.MULTILINE)
            if found:
                return found
            if ended or time.monotonic() > end:
                raise RuntimeError(f"{self.process.args!r} did not say {pattern!r}: {text[-3000:]}")
            time.sleep(0.005)

    def answer(self) -> Any:
        """The JSON of its last line, once it has ended. Raises RuntimeError."""
        self.process.wait(_PATIENCE)
        return json.loads(self.says(r"^\{.*\}$")[0])


@contextmanager
def serving(data: Path, target: str, **settings: object) -> Iterator[tuple[Child, int]]:
    """`accepted serve`, and its port."""
    words = ("-m", "accepted", "serve", target, "--port", "0", "--data", str(data))
    with Child(data, *words, **settings) as child:
        yield child, int(child.says(r"^serving http://127\.0\.0\.1:(\d+)$")[1])


@contextmanager
def working(data: Path, target: str = "bench.tasks:jobs", **settings: object) -> Iterator[Child]:
    """`accepted worker`."""
    with Child(data, "-m", "accepted", "worker", target, "--data", str(data), **settings) as child:
        child.says("^working on ")
        yield child


def helper(log: Path, module: str, **asked: Any) -> Child:
    """A module of the bench as a process of its own; it is told what to do in JSON. `log`: a folder."""
    return Child(log, "-m", f"bench.{module}", json.dumps(asked))
