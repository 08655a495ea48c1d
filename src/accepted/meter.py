"""What this process counts about its jobs. Plain numbers, no output format: `http/metrics.py` writes them.

Thread-safe. A count costs about 0.2 µs, so nobody has to think about where to place one. No owner and no job id
is ever a label: the number of series stays the number of tasks.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from typing import Final

from accepted.job import Status
from accepted.value import value

WAIT_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
RUN_BOUNDS: Final = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0)
_STARTS: Final = 32
"""How many of a task's latest starts its rate is taken from."""


class Histogram:
    """Counts per bucket; `counts[-1]` is everything above the last bound. `total` is the sum of the values."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> Histogram:
        twin = Histogram(self.bounds)
        twin.counts, twin.total = list(self.counts), self.total
        return twin


@value
class Reading:
    """All counts at one moment."""

    submitted: dict[str, int]
    """By task."""
    wait: Histogram
    """Seconds from when a job could have started to when its attempt did."""
    run: dict[tuple[str, Status], Histogram]
    """Seconds of an attempt, by task and by what the job became of it (`pending`: it will be tried again)."""
    leases_lost: int


class Meter:
    """Counters and histograms of one `Jobs`, since the process began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._submitted: dict[str, int] = {}
        self._wait = Histogram(WAIT_BOUNDS)
        self._run: dict[tuple[str, Status], Histogram] = {}
        self._starts: dict[str, deque[float]] = {}
        self._leases_lost = 0

    def submitted(self, task: str, jobs: int = 1) -> None:
        """New jobs were stored."""
        with self._lock:
            self._submitted[task] = self._submitted.get(task, 0) + jobs

    def started(self, task: str, wait_seconds: float) -> None:
        """An attempt begins that could have begun `wait_seconds` ago."""
        now = time.monotonic()
        with self._lock:
            self._wait.observe(wait_seconds)
            starts = self._starts.get(task)
            if starts is None:
                starts = self._starts[task] = deque(maxlen=_STARTS)
            starts.append(now)

    def finished(self, task: str, status: Status, run_seconds: float) -> None:
        """An attempt has ended, and this is what the job became."""
        with self._lock:
            histogram = self._run.get((task, status))
            if histogram is None:
                histogram = self._run[task, status] = Histogram(RUN_BOUNDS)
            histogram.observe(run_seconds)

    def lease_lost(self) -> None:
        """An attempt was fenced off: somebody else has its job."""
        with self._lock:
            self._leases_lost += 1

    def start_rate(self, task: str) -> float | None:
        """Jobs of the task that this process starts in a second, from its latest starts; None: too few to tell."""
        with self._lock:
            starts = self._starts.get(task)
            if starts is None or len(starts) < 2:
                return None
            count, oldest = len(starts), starts[0]
        # Up to now, not up to the last start: a queue that stands still gets slower by the second.
        return count / max(time.monotonic() - oldest, 1e-3)

    def read(self) -> Reading:
        """A copy of everything."""
        with self._lock:
            return Reading(
                submitted=dict(self._submitted),
                wait=self._wait.copy(),
                run={labels: histogram.copy() for labels, histogram in self._run.items()},
                leases_lost=self._leases_lost,
            )
