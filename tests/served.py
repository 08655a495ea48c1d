"""Real servers and commands: `accepted …` in processes of their own, none of which outlives its test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import httpx

HERE = Path(__file__).parent
_SECONDS = 30.0


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "accepted", *words]


def environment(**variables: str) -> dict[str, str]:
    """Without what the person who runs the tests has set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTED_")}
    return {**inherited, "PYTHONPATH": str(HERE), "NO_COLOR": "1", **variables}


@dataclass
class Process:
    """One `accepted` command under way. Its output is collected as it comes."""

    words: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            command(*self.words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**self.variables),
            start_new_session=True,
        )
        self._news: Queue[str] = Queue()
        assert self._process.stdout
        assert self._process.stderr
        streams = ((self._process.stdout, self.out), (self._process.stderr, self.err))
        self._readers = [Thread(target=self._read, args=pair, daemon=True) for pair in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Sequence[str], lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
            self._news.put(lines[-1])
        self._news.put("")

    @property
    def pid(self) -> int:
        return self._process.pid

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches. Raises AssertionError with all that was said instead."""
        end = time.monotonic() + _SECONDS
        while True:
            for line in (*self.out, *self.err):
                found = re.search(pattern, line)
                if found:
                    return found
            try:
                self._news.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                raise AssertionError(f"nobody said {pattern!r}: {self.out} {self.err}") from None
            if self._process.poll() is not None and not any(one.is_alive() for one in self._readers):
                found_late = [re.search(pattern, line) for line in (*self.out, *self.err)]
                assert any(found_late), f"ended without saying {pattern!r}: {self.out} {self.err}"

    def send(self, sig: int) -> None:
        os.kill(self.pid, sig)

    def ends(self) -> int:
        """Wait for its end. Returns the exit code; negative: the signal that killed it."""
        code = self._process.wait(_SECONDS)
        for reader in self._readers:
            reader.join(_SECONDS)
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdout.close()
        self._process.stderr.close()
        return code

    def kill(self) -> None:
        """With its whole session. Idempotent."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._process.stdout and not self._process.stdout.closed:
            self.ends()


class Server:
    """`accepted serve`, which can be killed and started again at the same address with the same data."""

    def __init__(
        self, data: Path, *, target: str = "served_app:jobs", words: Sequence[str] = (), **variables: str
    ) -> None:
        self.data, self.port = data, 0
        self._target, self._words = target, tuple(words)
        self._variables = {
            "ACCEPTED_RECONNECT": "100",
            "ACCEPTED_DRAIN": "0.2",
            "ACCEPTED_CANCEL_GRACE": "0.5",
            "ACCEPTED_LEASE": "2",
            "ACCEPTED_PROGRESS_INTERVAL": "0.02",
            **variables,
        }
        self.process: Process | None = None

    def start(self) -> Server:
        """Returns when it answers."""
        words = ("serve", self._target, "--port", str(self.port), "--data", str(self.data), *self._words)
        self.process = Process(words, self._variables)
        self.port = int(self.process.says(r"^serving http://127\.0\.0\.1:(\d+)$")[1])
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """kill -9; its worker processes are left to themselves."""
        assert self.process
        self.process.send(signal.SIGKILL)
        self.process.ends()

    def stop(self) -> int:
        """SIGTERM. Returns the exit code."""
        assert self.process
        self.process.send(signal.SIGTERM)
        return self.process.ends()

    def clean_up(self) -> None:
        if self.process:
            self.process.kill()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=20)
