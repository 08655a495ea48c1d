"""Real jobs whose functions do what Hypothesis wrote, while others cancel, retry and restart the worker: each job comes
to the state, the attempts, the events and the steps that a model of a few lines foretells."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from model.profile import bounded

from accepted import Fail, Job, Jobs, Retry
from accepted.job import Event, Kind, Status

Script = list[str]
"""What one run of the function does, one after the other; then it returns."""

scripts: st.SearchStrategy[Script] = st.lists(
    st.sampled_from(("step a", "step b", "broken c", "log", "wait", "wait", "ignore", "raise", "retry", "fail")),
    max_size=5,
)


@dataclass
class Foretold:
    """A job as it should be once nothing moves any more."""

    runs: list[Script]
    """Of the first run, of the second …; the last of them again from then on."""
    retries: int
    begun: int = 0
    at: int = 0
    """Where in its script it waits."""
    status: Status = Status.PENDING
    attempt: int = 0
    failures: int = 0
    events: list[tuple[str, int]] = field(default_factory=list)
    """Kinds and attempts."""
    calls: Counter[str] = field(default_factory=Counter)
    """Of each step in this run."""
    done: list[tuple[str, int]] = field(default_factory=list)
    """Steps that have finished."""
    ran: list[str] = field(default_factory=list)
    """Steps that have run, again too after a completed job was retried by hand."""

    @property
    def script(self) -> Script:
        return self.runs[min(self.begun, len(self.runs)) - 1]

    def tell(self, kind: Kind) -> None:
        self.events.append((str(kind), self.attempt))

    def begin(self) -> None:
        self.begun, self.at, self.attempt, self.status = self.begun + 1, 0, self.attempt + 1, Status.RUNNING
        self.calls.clear()
        self.tell(Kind.RUNNING)
        self.go_on()

    def go_on(self) -> None:
        """To the next place where it waits, or to its end."""
        for at in range(self.at, len(self.script)):
            match self.script[at].split():
                case ["step", name]:
                    self.step(name)
                case ["broken", _]:
                    self.tell(Kind.STEP)
                    self.tell(Kind.STEP)
                    return self.raised()
                case ["log"]:
                    self.tell(Kind.LOG)
                case ["wait" | "ignore"]:
                    self.at = at
                    return None
                case ["raise" | "retry"]:
                    return self.raised()
                case ["fail"]:
                    return self.over(Status.FAILED)
        return self.over(Status.COMPLETED)

    def step(self, name: str) -> None:
        """The second of a name in a run is another step than the first."""
        self.calls[name] += 1
        if (name, self.calls[name]) not in self.done:
            self.tell(Kind.STEP)
            self.tell(Kind.STEP)
            self.done.append((name, self.calls[name]))
            self.ran.append(name)

    def raised(self) -> None:
        if self.failures == self.retries:
            return self.over(Status.FAILED)
        self.failures += 1
        self.tell(Kind.PENDING)
        return self.begin()

    def over(self, status: Status) -> None:
        self.status = status
        self.tell(Kind(status))

    def told_to_go_on(self) -> None:
        self.at += 1
        self.go_on()

    def cancelled(self) -> None:
        self.tell(Kind.CANCELLING)
        self.over(Status.CANCELLED)

    def interrupted(self) -> None:
        self.tell(Kind.PENDING)
        self.attempt -= 1
        self.begin()

    def retried(self) -> None:
        if self.status is Status.COMPLETED:
            self.done = []
        self.failures = 0
        self.tell(Kind.PENDING)
        self.begin()


class RunnerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.foretold: dict[str, Foretold] = {}
        self.begun: dict[str, int] = {}
        self.ran: dict[str, list[str]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.places: dict[str, tuple[int, int]] = {}
        """Which run each function is in, and where."""
        self.ending = asyncio.Event()
        self.heard = ""
        url = f"sqlite:///{Path(self.folder.name) / 'jobs.db'}"
        self.jobs = Jobs(url, cancel_grace=0.05, drain=0.0, progress_interval=0.01)
        self.tasks = [self.jobs.task(name=f"retries-{n}", retries=n, backoff=0)(self.play) for n in (0, 2)]
        self.wait(self.jobs.start())

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(coroutine)

    # ── what the functions do ────────────────────────────────────────────────────────────────────────

    async def play(self, runs: list[Script], *, job: Job) -> str:
        begun = self.begun[job.id] = self.begun.get(job.id, 0) + 1
        gate = self.gates[job.id] = asyncio.Event()
        for at, instruction in enumerate(runs[min(begun, len(runs)) - 1]):
            self.places[job.id] = begun, at
            match instruction.split():
                case ["step", name]:
                    await job.step(name, self.count, job.id, name)
                case ["broken", name]:
                    await job.step(name, self.break_down)
                case ["log"]:
                    job.log("a line")
                case ["wait"]:
                    await self.stand(gate)
                case ["ignore"]:
                    await self.stand_firm(gate)
                case ["raise"]:
                    raise RuntimeError("on purpose")
                case ["retry"]:
                    raise Retry("later", after=0)
                case ["fail"]:
                    raise Fail("for good")
        return "done"

    def count(self, job_id: str, name: str) -> str:
        self.ran.setdefault(job_id, []).append(name)
        return name

    def break_down(self) -> None:
        raise ValueError("on purpose")

    async def stand(self, gate: asyncio.Event) -> None:
        await gate.wait()
        gate.clear()

    async def stand_firm(self, gate: asyncio.Event) -> None:
        """Who ignores that it is cancelled is given up after the grace, and does nothing more that counts."""
        try:
            await self.stand(gate)
        except asyncio.CancelledError:
            await self.ending.wait()

    # ── what others do ───────────────────────────────────────────────────────────────────────────────

    def some(self, which: int, *, waiting: bool) -> tuple[str, Foretold]:
        found = [each for each in self.foretold.items() if (each[1].status is Status.RUNNING) is waiting]
        return found[which % len(found)]

    def any_waits(self) -> bool:
        return any(job.status is Status.RUNNING for job in self.foretold.values())

    def any_is_over(self) -> bool:
        return any(job.status is not Status.RUNNING for job in self.foretold.values())

    @rule(runs=st.lists(scripts, min_size=1, max_size=3), task=st.integers(0, 1))
    def submit(self, runs: list[Script], task: int) -> None:
        handle = self.wait(self.tasks[task].submit(runs))
        job = self.foretold[handle.id] = Foretold(runs, retries=(0, 2)[task])
        job.tell(Kind.PENDING)
        job.begin()
        self.settle()

    @precondition(any_waits)
    @rule(which=st.integers(0, 9))
    def tell_to_go_on(self, which: int) -> None:
        job_id, job = self.some(which, waiting=True)
        self.gates[job_id].set()
        job.told_to_go_on()
        self.settle()

    @precondition(any_waits)
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        job_id, job = self.some(which, waiting=True)
        self.wait(self.jobs.cancel(job_id))
        job.cancelled()
        self.settle()

    @precondition(any_is_over)
    @rule(which=st.integers(0, 9))
    def cancel_what_is_over(self, which: int) -> None:
        job_id, _ = self.some(which, waiting=False)
        self.wait(self.jobs.cancel(job_id))
        self.settle()

    @precondition(any_is_over)
    @rule(which=st.integers(0, 9))
    def retry(self, which: int) -> None:
        job_id, job = self.some(which, waiting=False)
        self.wait(self.jobs.retry(job_id))
        job.retried()
        self.settle()

    @rule()
    def restart_the_worker(self) -> None:
        self.wait(self.jobs.stop())
        self.wait(self.jobs.start())
        for job in self.foretold.values():
            if job.status is Status.RUNNING:
                job.interrupted()
        self.settle()

    # ── comparing ────────────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        for job_id, job in self.foretold.items():
            self.wait(self.compare(job_id, job))

    async def compare(self, job_id: str, job: Foretold) -> None:
        """Once its log says that it stands where it should."""
        foretold = [each for each in job.events if each[0] != Kind.LOG]
        lines = len(job.events) - len(foretold)

        async def settled() -> bool:
            events = (await self.jobs.store.events(job_id)).events
            self.heard = f"{moves(events)} instead of {foretold}"
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            there = job.status is not Status.RUNNING or self.places.get(job_id) == (job.begun, job.at)
            return there and moves(events) == foretold and sum(event.kind is Kind.LOG for event in events) == lines

        try:
            await wait_until(settled, timeout=10)
        except AssertionError as late:
            late.add_note(self.heard)
            raise
        record = await self.jobs.get_record(job_id)
        assert (record.status, record.attempt, record.failures) == (job.status, job.attempt, job.failures)
        assert self.ran.get(job_id, []) == job.ran, "each finished step once"
        assert self.begun[job_id] == job.begun
        assert record.result == (b'"done"' if job.status is Status.COMPLETED else None)

    def teardown(self) -> None:
        async def end() -> None:
            self.ending.set()
            await self.jobs.stop()

        try:
            self.wait(end())
        finally:
            self.loop.close()
            self.folder.cleanup()


def moves(events: Sequence[Event]) -> list[tuple[str, int]]:
    """All but progress, which is written now and then, and lines of a log, which come a little later than they were
    made."""
    return [(str(event.kind), event.attempt) for event in events if event.kind not in {Kind.LOG, Kind.PROGRESS}]


ONCE = (Phase.explicit, Phase.generate)
"""A history that fails is shown as it is: making it shorter would wait ten seconds for each that fails as well."""


def test_any_program() -> None:
    run_state_machine_as_test(RunnerMachine, settings=bounded(15, 12, phases=ONCE))


@pytest.mark.soak
def test_any_program_for_long() -> None:
    run_state_machine_as_test(RunnerMachine, settings=bounded(300, 40, phases=ONCE))
