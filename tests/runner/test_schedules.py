"""Jobs by the clock: each time once, what was missed, runs that overlap, several processes, changed definitions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import wait_until
from served import Process

from accepted import Jobs, Secret, UploadFile
from accepted.errors import ConfigurationError
from accepted.job import JobRecord, Status
from accepted.limits import CommonLimits
from accepted.meter import Meter
from accepted.scheduler import LOOK, Scheduler, Todo, make_schedule, todo_at
from accepted.settings import Settings
from accepted.stores.base import JobQuery
from accepted.stores.sqlite import SQLiteStore
from accepted.task import Task
from accepted.times import Every, times

HOUR = 3600.0
START = 1_790_000_000.0 - 1_790_000_000.0 % HOUR
"""Some full hour."""


class Scene:
    """A store and processes (schedulers) on one file, and the clock that all of them see."""

    def __init__(self, path: Path) -> None:
        self.now = START + 1
        self.store = SQLiteStore(str(path), clock=lambda: self.now)
        self.jobs = Jobs("sqlite://:memory:")

        @self.jobs.task
        async def report(kind: str = "daily") -> None: ...

        self.report: Task[..., Any] = report

    def process(self, settings: Settings | None = None, **keywords: Any) -> Scheduler:
        """Another process with this schedule in its code: `every` an hour unless said otherwise."""
        settings = settings or Settings()
        made = Scheduler(self.store, settings, CommonLimits(settings), Meter(), clock=lambda: self.now)
        made.add(self.schedule(**keywords))
        return made

    def schedule(self, *, every: float | str = HOUR, arguments: dict[str, Any] | None = None, **keywords: Any) -> Any:
        owner = keywords.pop("owner", "local")
        return make_schedule(
            self.report,
            times(None, every, "UTC"),
            arguments or {},
            self.report.with_options(owner=owner).options,
            **{"name": "report", "missed": "latest", "overlap": "allow", **keywords},
        )

    async def fired(self) -> list[float]:
        """The times that made jobs, in hours since the start; earliest first."""
        return [(job.scheduled_at - START) / HOUR for job in await self.made()]

    async def made(self) -> list[JobRecord]:
        found = (await self.store.list(JobQuery(limit=200))).jobs
        return sorted(found, key=lambda job: job.scheduled_at)

    async def finish(self) -> int:
        """Run what is ready to its end. Returns how many that were."""
        claim = await self.store.claim("w", queues=["default"], tasks=["report"], limit=100, lease=60)
        for claimed in claim.jobs:
            await self.store.complete(claimed.job.lease, b"null")
        return len(claim.jobs)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path / "jobs.db")
    await made.store.open()
    yield made
    await made.store.close()


# ── at its times, once ──


async def test_nothing_before_the_first_time_and_one_job_at_each(scene: Scene) -> None:
    process = scene.process(arguments={"kind": "hourly"}, owner="news")
    assert await process.once() == LOOK
    assert await scene.fired() == []
    scene.now = START + HOUR - 2
    assert await process.once() == 2.0
    for hour in (1, 2):
        scene.now = START + hour * HOUR
        assert await process.once() == LOOK
        assert await process.once() == LOOK
    assert await scene.fired() == [1, 2]
    last = (await scene.made())[-1]
    assert (last.task, last.owner, json.loads(last.args)) == ("report", "news", {"kind": "hourly"})
    (record,) = await scene.store.schedules()
    assert (record.owner, record.next_at, record.last_at) == ("news", START + 3 * HOUR, START + 2 * HOUR)
    assert record.last_job == last.id


async def test_many_who_see_it_due_at_once_make_one_job(scene: Scene) -> None:
    processes = [scene.process() for _ in range(8)]
    await asyncio.gather(*(one.once() for one in processes))
    for hour in range(1, 6):
        scene.now = START + hour * HOUR + 0.25
        await asyncio.gather(*(one.once() for one in processes))
    assert await scene.fired() == [1, 2, 3, 4, 5]


async def test_a_clock_that_is_set_back_runs_nothing_twice(scene: Scene) -> None:
    process = scene.process()
    await process.once()
    scene.now = START + HOUR
    await process.once()
    for back in (1, 600, HOUR):
        scene.now = START + HOUR - back
        assert await process.once() == LOOK
        assert await scene.process().once() == LOOK
    scene.now = START + 2 * HOUR
    await process.once()
    assert await scene.fired() == [1, 2]


# ── missed ──


@pytest.mark.parametrize(
    ("missed", "late", "expected"),
    [
        ("latest", 30, [1, 4]),
        ("latest", 20 * 60, [1, 4]),
        ("skip", 30, [1, 4]),
        ("skip", 20 * 60, [1]),
        ("all", 30, [1, 2, 3, 4]),
        ("all", 20 * 60, [1, 2, 3, 4]),
    ],
)
async def test_nobody_was_there_for_three_hours(scene: Scene, missed: str, late: float, expected: list[float]) -> None:
    first = scene.process(missed=missed)
    await first.once()
    scene.now = START + HOUR
    await first.once()
    scene.now = START + 4 * HOUR + late
    again = scene.process(missed=missed)
    await again.once()
    assert await scene.fired() == expected
    scene.now = START + 5 * HOUR
    await again.once()
    assert (await scene.fired())[-1] == 5


async def test_a_time_that_is_a_little_late_was_not_missed(scene: Scene) -> None:
    process = scene.process(missed="skip")
    await process.once()
    scene.now = START + HOUR + 59.9
    await process.once()
    assert await scene.fired() == [1]
    scene.now = START + 2 * HOUR + 60
    await process.once()
    assert await scene.fired() == [1]


async def test_a_clock_that_jumps_a_day_has_missed_a_day(scene: Scene) -> None:
    process = scene.process(missed="all")
    await process.once()
    scene.now += 24 * HOUR
    await process.once()
    assert await scene.fired() == list(range(1, 25))


async def test_all_is_the_last_hundred(scene: Scene) -> None:
    process = scene.process(every="1m", missed="all")
    await process.once()
    scene.now += 30 * 24 * HOUR
    await process.once()
    made = await scene.made()
    assert [one.scheduled_at for one in made] == [scene.now - 1 - n * 60 for n in range(100, -1, -1)]


def test_a_year_of_seconds_is_passed_over_in_no_time() -> None:
    class Counted(Every):
        asked = 0

        def after(self, at: float) -> float:
            Counted.asked += 1
            return super().after(at)

    year, every = 365 * 86400.0, Counted("1s")
    assert todo_at(START, START + year, every, "latest") == Todo(False, START + year - 59)
    assert todo_at(START, START + year, every, "all") == Todo(False, START + year - 159)
    assert todo_at(START, START + year + 0.5, every, "skip") == Todo(False, START + year - 59)
    day = times(None, "1d", "UTC")
    midnight = day.after(START)
    assert todo_at(midnight, midnight + year + 120, day, "latest") == Todo(False, midnight + year)
    assert todo_at(midnight, midnight + year + 120, day, "all") == Todo(False, midnight + year - 99 * 86400)
    assert Counted.asked < 10_000


# ── overlap ──


async def test_a_run_that_is_not_over_leaves_out_the_next(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    process = scene.process(overlap="skip")
    await process.once()
    with caplog.at_level(logging.INFO, "accepted"):
        for hour in (1, 2, 3):
            scene.now = START + hour * HOUR
            await process.once()
    assert await scene.fired() == [1]
    assert [one.levelname for one in caplog.records] == ["INFO", "INFO"]
    assert "schedule report: left out a time" in caplog.text
    assert (await scene.store.schedules())[0].last_job is None
    await scene.finish()
    scene.now = START + 4 * HOUR
    await process.once()
    assert await scene.fired() == [1, 4]


@pytest.mark.parametrize(("overlap", "together"), [("queue", 1), ("allow", 3)])
async def test_a_run_that_is_not_over_and_the_next(scene: Scene, overlap: str, together: int) -> None:
    process = scene.process(overlap=overlap)
    await process.once()
    for hour in (1, 2, 3):
        scene.now = START + hour * HOUR
        await process.once()
    assert await scene.fired() == [1, 2, 3]
    assert await scene.finish() == together
    while await scene.finish():
        pass
    assert {job.status for job in await scene.made()} == {Status.COMPLETED}


async def test_the_owners_limits_count_for_it(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    process = scene.process(Settings(owner_active_max=1))
    await process.once()
    with caplog.at_level(logging.INFO, "accepted"):
        for hour in (1, 2):
            scene.now = START + hour * HOUR
            await process.once()
    assert await scene.fired() == [1]
    assert "active:local/*" in caplog.text


# ── what is in the code, and what is in the store ──


async def test_the_same_definition_goes_on_and_another_begins_anew(scene: Scene) -> None:
    await scene.process().once()
    scene.now = START + 0.5 * HOUR
    await scene.process(missed="all", overlap="queue").once()
    (record,) = await scene.store.schedules()
    assert record.next_at == START + HOUR
    for changed in ({"every": "20m"}, {"arguments": {"kind": "other"}}, {"owner": "ann"}):
        await scene.process(**changed).once()
        before, (record,) = record, await scene.store.schedules()
        assert record.spec != before.spec
        assert record.last_at is None
    assert (record.owner, record.next_at) == ("ann", START + HOUR)


async def test_older_code_leaves_a_newer_definition_alone(scene: Scene) -> None:
    old, new = scene.process(arguments={"kind": "old"}), scene.process(arguments={"kind": "new"})
    await old.once()
    await new.once()
    scene.now = START + HOUR
    assert await old.once() == LOOK
    await new.once()
    assert [json.loads(job.args) for job in await scene.made()] == [{"kind": "new"}]
    # The new ones are gone: after a minute the old code is the best there is, and the time is not lost.
    scene.now = START + 2 * HOUR + 59
    await old.once()
    assert await scene.fired() == [1]
    scene.now = START + 2 * HOUR + 61
    await old.once()
    assert [json.loads(job.args) for job in await scene.made()] == [{"kind": "new"}, {"kind": "old"}]
    assert await scene.fired() == [1, 2]


async def test_a_dropped_one_is_not_fired_until_a_process_with_it_starts(scene: Scene) -> None:
    process = scene.process()
    await process.once()
    assert await scene.store.drop_schedule("report")
    scene.now = START + HOUR
    await process.once()
    assert await scene.fired() == []
    await scene.process().once()
    assert [one.name for one in await scene.store.schedules()] == ["report"]


# ── jobs.schedule ──


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({}, "schedule 'report': give either cron"),
        ({"cron": "0 3 * *"}, "schedule 'report': cron: expected five fields"),
        ({"every": "1h", "arguments": {"kid": "daily"}}, "schedule 'report': arguments: kid: Unexpected"),
        ({"every": "1h", "arguments": {"kind": 7}, "name": "n"}, "schedule 'n': arguments: kind: .*string"),
        ({"every": "1h", "arguments": {"file": UploadFile.of(__file__)}}, "arguments: file is a file"),
        ({"every": "1h", "missed": "some"}, "missed: expected one of 'latest', 'skip', 'all', got 'some'"),
        ({"every": "1h", "overlap": "no"}, "overlap: expected one of 'skip', 'queue', 'allow', got 'no'"),
        ({"every": "1h", "missed": "all"}, "missed: with .all. take overlap="),
        ({"every": "1h", "cancel_after": "soon"}, "expected a duration"),
    ],
)
def test_what_is_refused_when_it_is_written_down(keywords: dict[str, Any], sentence: str) -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def report(kind: str = "daily", file: UploadFile | None = None) -> None: ...

    with pytest.raises(ConfigurationError, match=sentence):
        jobs.schedule(report, **keywords)


def test_a_name_is_given_once_and_the_task_is_one_of_these() -> None:
    jobs, others = Jobs("sqlite://:memory:"), Jobs("sqlite://:memory:")

    async def report() -> None: ...

    mine = jobs.task(report)
    jobs.schedule(mine, every="1h")
    jobs.schedule(mine, every="2h", name="other")
    with pytest.raises(ConfigurationError, match="two schedules are named 'report'"):
        jobs.schedule(mine, every="2h")
    with pytest.raises(ConfigurationError, match="'report' is not one of these jobs"):
        others.schedule(mine, every="1h")
    with pytest.raises(ConfigurationError, match="idempotency_key"):
        jobs.schedule(mine.with_options(idempotency_key="k"), every="1h", name="third")


async def test_it_runs(tmp_path: Path) -> None:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}")

    @jobs.task(key="kind", per_key=1)
    async def report(kind: str) -> str:
        return kind

    jobs.schedule(
        report, cron="* * * * * *", timezone="Europe/Berlin", arguments={"kind": "b"}, owner="news", priority=7,
        cancel_after="1h",
    )  # fmt: skip

    async def completed() -> list[JobRecord]:
        return list((await jobs.list(status="completed")).jobs)

    async with jobs:
        job = (await wait_until(completed))[0]
        assert await (await jobs.get(job.id)).result() == "b"
    assert (job.owner, job.priority, job.deadline_cancels) == ("news", 7, True)
    assert job.deadline_at == pytest.approx(job.submitted_at + 3600, abs=1)
    assert job.scheduled_at == int(job.scheduled_at) <= job.submitted_at


async def test_a_secret_is_kept_for_every_run_and_no_part_of_what_is_compared(tmp_path: Path) -> None:
    def made() -> Jobs:
        jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}")

        @jobs.task
        async def report(word: Secret[str], kind: str) -> int:
            return len(word.get_secret_value())

        jobs.schedule(report, every="1s", arguments={"word": "hush hush", "kind": "daily"})
        return jobs

    specs = []
    for jobs in (made(), made()):
        async with jobs:
            before = {job.id for job in (await jobs.list(status="completed")).jobs}

            async def others(jobs: Jobs = jobs, before: set[str] = before) -> set[str]:
                return {job.id for job in (await jobs.list(status="completed")).jobs} - before

            job = await jobs.get((await wait_until(others)).pop())
            assert await job.result() == 9
            specs += [one.spec for one in await jobs.store.schedules()]
    assert specs[0] == specs[1]
    assert "daily" in specs[0]
    assert "hush" not in specs[0]


async def test_one_that_cannot_be_stored_does_not_hold_up_the_others(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    process = scene.process(name="a", owner="half of a pair \ud800")
    process.add(scene.schedule(name="b"))
    await process.once()
    scene.now = START + HOUR
    await process.once()
    assert await scene.fired() == [1]
    assert {one.levelname for one in caplog.records} == {"ERROR"}
    assert "schedule a" in caplog.text


# ── several processes ──


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    made: list[Process] = []

    def start() -> Process:
        made.append(Process(("worker", "scheduled_app:jobs", "--data", str(tmp_path))))
        return made[-1]

    yield start
    for one in made:
        one.kill()


async def test_four_processes_run_each_second_once(tmp_path: Path, start: Callable[[], Process]) -> None:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", worker=False)
    async with jobs:
        processes = [start() for _ in range(4)]
        for one in processes:
            await asyncio.to_thread(one.says, "working on tick")

        async def ticks(count: int) -> list[float]:
            made = sorted(job.scheduled_at for job in (await jobs.list(status="completed", limit=200)).jobs)
            return made if len(made) >= count else []

        seen = len(await wait_until(lambda: ticks(2)))
        await asyncio.to_thread(processes[0].kill)
        made = await wait_until(lambda: ticks(seen + 2))
        assert made == [made[0] + second for second in range(len(made))]
