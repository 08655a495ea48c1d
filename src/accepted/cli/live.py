"""A followed job on stderr: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from accepted.cli.output import clean
from accepted.cli.story import Story, ending
from accepted.client import JobDict, ProgressDict, RemoteEvent
from accepted.client.shapes import SNAPSHOT
from accepted.job import Kind, Status


class View(Protocol):
    """Shows a job while it is followed; use it in `with`."""

    def __enter__(self) -> View: ...

    def __exit__(self, *_: object) -> None: ...

    def see(self, event: RemoteEvent, job: JobDict) -> None:
        """An event, and the job as it is after it."""

    def end(self, job: JobDict) -> None:
        """The last line, once the job is over and looked at again."""


def make_view(job: JobDict) -> View:
    console = Console(stderr=True, highlight=False)
    return Bar(console, job) if console.is_terminal and not console.is_dumb_terminal else Lines(console, job)


class Lines:
    """A line for each event that tells something, and for progress when it went on by a tenth or says something new."""

    def __init__(self, console: Console, job: JobDict) -> None:
        self._console = console
        self._story = Story(job)
        self._shown: tuple[int, str] = (0, "")
        self._step = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def see(self, event: RemoteEvent, job: JobDict) -> None:
        line = self._story.tell(event)
        if line is not None:
            self._print(line)
        if event.kind == Kind.STEP:
            self._step = str(event.data.get("name"))
        elif event.kind == Kind.PROGRESS:
            self._progress(job["progress"])

    def end(self, job: JobDict) -> None:
        self._print(ending(job))

    def _progress(self, progress: ProgressDict) -> None:
        done, message = amount(progress), progress["message"] or ""
        now = (int((progress["percent"] or 0) // 10), message)
        # A step that begins is its own message, and its line was printed.
        if now != self._shown and (done or message != self._step):
            self._print(Text(" ".join(filter(None, (" " * 8, done, clean(message))))))
        self._shown = now

    def _print(self, line: Text) -> None:
        # No wrapping: these lines go to files and to grep.
        self._console.print(line, soft_wrap=True)


class Bar:
    """Lines that scroll above a bar that stays."""

    def __init__(self, console: Console, job: JobDict) -> None:
        self._console = console
        self._story = Story(job)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[amount]}", markup=False),
            TextColumn(
                "{task.fields[message]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            TextColumn("{task.fields[cost]}", style="dim", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            expand=True,
        )
        self._row = self._bar.add_task(clean(job["task"]), total=None, amount="", message=job["status"], cost="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def see(self, event: RemoteEvent, job: JobDict) -> None:
        line = self._story.tell(event)
        if line is not None:
            self._bar.console.print(line)
        if event.kind == Kind.COST:
            self._bar.update(self._row, cost=f"cost {event.data.get('total', 0):.4g}")
        if event.kind in (Kind.PROGRESS, Kind.PENDING, Kind.RUNNING, SNAPSHOT):
            self._advance(job)

    def _advance(self, job: JobDict) -> None:
        if Status(job["status"]) is not Status.RUNNING:
            self._bar.update(self._row, completed=0, total=None, amount="", message=job["status"])
            return
        progress = job["progress"]
        done, total = fraction(progress)
        message = clean(progress["message"] or (Kind.CANCELLING if job["cancelling"] else Status.RUNNING))
        self._bar.update(self._row, completed=done, total=total, amount=amount(progress), message=message)

    def end(self, job: JobDict) -> None:
        self._console.print(ending(job))


def fraction(progress: ProgressDict) -> tuple[float, float | None]:
    """How much is done, and of how much; None: nobody knows."""
    if progress["percent"] is not None:
        return progress["percent"], 100.0
    return progress["current"] or 0.0, progress["total"]


def amount(progress: ProgressDict) -> str:
    """ "63 %", "12/40 pages", or both."""
    parts = [] if progress["percent"] is None else [f"{progress['percent']:3.0f}%"]
    if progress["current"] is not None:
        of = "" if progress["total"] is None else f"/{progress['total']:g}"
        unit = f" {clean(progress['unit'])}" if progress["unit"] else ""
        parts.append(f"{progress['current']:g}{of}{unit}")
    return " ".join(parts)
