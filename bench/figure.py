"""What a figure is made of: rows of the table, the room it is given, and the little arithmetic that all share."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from accepted import collector

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """`met` None: shown to explain another row."""

    what: str
    value: float
    measured: str
    wanted: str = ""
    met: bool | None = None


def at_least(what: str, value: float, wanted: float, form: str, note: str = "") -> Row:
    """`form` is a format for both numbers, such as "{:,.0f} jobs/s"."""
    return Row(what, value, form.format(value) + note, "≥ " + form.format(wanted), value >= wanted)


def at_most(what: str, value: float, wanted: float, form: str, note: str = "") -> Row:
    return Row(what, value, form.format(value) + note, "≤ " + form.format(wanted), value <= wanted)


def shown(what: str, value: float, form: str, note: str = "") -> Row:
    return Row(what, value, form.format(value) + note)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a figure is given. `folder` is empty, its own, and removed afterwards."""

    folder: Path
    quick: bool

    def pick(self, full: T, quick: T) -> T:
        """How much is measured."""
        return quick if self.quick else full


Figure = Callable[[Bench], list[Row]]


def run(main: Coroutine[Any, Any, T]) -> T:
    """In the event loop that `accepted serve` takes, in a process set up as it is."""
    collector.spare()
    with asyncio.Runner(loop_factory=uvicorn.Config("none").get_loop_factory()) as runner:
        return runner.run(main)


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of them that is not below `percent` of all; 0 when there are none."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else 0.0
