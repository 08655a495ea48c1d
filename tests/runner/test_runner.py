"""The runner and the worker on a real store: what happens to one job, from submit to its end."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pydantic
import pytest
from helpers import wait_until

from accepted import Fail, Job, JobCancelled, JobFailed, Jobs, Retry, SyncJob, current_job, current_sync_job
from accepted.errors import Cancelled, ConfigurationError, InvalidInput, LimitReached, ResultTimeout, StoreError
from accepted.job import Event, JobRecord, Kind, Status


@pytest.fixture(params=["memory", "file"])
async def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Jobs]:
    url = "sqlite://:memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'jobs.db'}"
    made = Jobs(url, cancel_grace=0.3, lease=1.5, progress_interval=0.05, drain=0.2)
    try:
        yield made
    finally:
        while made.started:
            await made.stop()


async def log_of(jobs: Jobs, job_id: str) -> list[Event]:
    return [event async for event in jobs.events(job_id)]


def kinds(events: list[Event]) -> list[str]:
    return [str(event.kind) for event in events]


class Report(pydantic.BaseModel):
    repo: str
    routes: list[str]


# ── results ──


async def test_a_coroutine_returns_its_type(jobs: Jobs) -> None:
    @jobs.task
    async def audit(repo: str, branch: str = "main") -> Report:
        return Report(repo=f"{repo}@{branch}", routes=["/a"])

    async with jobs:
        handle = await audit.submit("owner/repo", branch="dev")
        assert handle.status is Status.PENDING
        assert await handle.result(timeout=10) == Report(repo="owner/repo@dev", routes=["/a"])
        events = await log_of(jobs, handle.id)
    assert kinds(events) == ["pending", "running", "completed"]
    assert [event.seq for event in events] == [1, 2, 3]


async def test_a_plain_function_runs_in_a_thread(jobs: Jobs) -> None:
    @jobs.task
    def which() -> str:
        return threading.current_thread().name

    async with jobs:
        assert "accepted which" in await (await which.submit()).result(timeout=10)


async def test_submit_many_keeps_the_order(jobs: Jobs) -> None:
    @jobs.task
    async def double(value: int) -> int:
        return 2 * value

    async with jobs:
        handles = await double.submit_many([(n,) for n in range(50)] + [{"value": 50}])
        assert [await handle.result(timeout=10) for handle in handles] == [2 * n for n in range(51)]


async def test_a_large_result_goes_to_the_blob_store(jobs: Jobs) -> None:
    @jobs.task
    async def large() -> str:
        return "x" * 300_000

    async with jobs:
        handle = await large.submit()
        assert len(await handle.result(timeout=10)) == 300_000
        record = await handle.refresh()
        assert record.result is None
        assert record.result_blob is not None


async def test_a_result_that_json_cannot_hold_fails_with_a_reason(jobs: Jobs) -> None:
    @jobs.task
    async def odd() -> Any:
        return object()

    async with jobs:
        with pytest.raises(JobFailed, match="cannot be stored as JSON"):
            await (await odd.submit()).result(timeout=10)


async def test_result_timeout_leaves_the_job_running(jobs: Jobs) -> None:
    gate = asyncio.Event()

    @jobs.task
    async def waits() -> str:
        await gate.wait()
        return "done"

    async with jobs:
        handle = await waits.submit()
        with pytest.raises(ResultTimeout):
            await handle.result(timeout=0.05)
        gate.set()
        assert await handle.result(timeout=10) == "done"


# ── bad input ──


async def test_bad_arguments_store_nothing(jobs: Jobs) -> None:
    @jobs.task
    async def typed(count: int) -> int:
        return count

    async with jobs:
        with pytest.raises(InvalidInput, match="count") as caught:
            await typed.submit("many")  # type: ignore[arg-type]
        assert caught.value.errors[0]["pointer"] == "#/count"
        with pytest.raises(InvalidInput, match="extra"):
            await typed.submit(1, extra=2)  # type: ignore[call-arg]
        assert not (await jobs.list()).jobs


def test_functions_that_cannot_be_tasks() -> None:
    jobs = Jobs("sqlite://:memory:")
    with pytest.raises(ConfigurationError, match=r"name its parameters instead of \*rest"):

        @jobs.task
        def many(*rest: int) -> None: ...

    with pytest.raises(ConfigurationError, match="top of a module"):

        @jobs.task(isolation="process")
        def inner() -> None: ...

    with pytest.raises(ConfigurationError, match="unknown 'retrys'"):
        jobs.task(retrys=3)(lambda: None)  # type: ignore[call-overload]


async def test_submitting_before_the_start_says_what_to_do() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def early() -> None: ...

    with pytest.raises(ConfigurationError, match="async with jobs"):
        await early.submit()


# ── failing and trying again ──


async def test_retries_then_succeeds_without_repeating_finished_steps(jobs: Jobs) -> None:
    ran: list[str] = []

    async def discover(repo: str) -> list[str]:
        ran.append(f"discover {repo}")
        return ["/a", "/b"]

    def match(route: str) -> str:
        ran.append(f"match {route}")
        if len(ran) < 4 and route == "/b":
            raise RuntimeError("the network is down")
        return route.upper()

    @jobs.task(retries=3, backoff=0.01)
    async def audit(repo: str, *, job: Job) -> list[str]:
        routes = await job.step("Discovering", discover, repo)
        return [await job.step("Matching", match, route) for route in routes]

    async with jobs:
        handle = await audit.submit("r")
        assert await handle.result(timeout=10) == ["/A", "/B"]
        events = await log_of(jobs, handle.id)
    assert ran == ["discover r", "match /a", "match /b", "match /b"]
    retry = next(event for event in events if event.kind is Kind.PENDING and event.seq > 1)
    data = json.loads(retry.data)
    assert data["reason"] == "error"
    assert data["error"]["detail"] == "the network is down"
    assert (await_last := events[-1]).attempt == 2, await_last


async def test_a_step_gives_the_same_types_the_first_time_and_from_the_store(jobs: Jobs) -> None:
    seen: list[Any] = []

    def pair() -> tuple[int, Report]:
        return 1, Report(repo="r", routes=[])

    @jobs.task(retries=1, backoff=0)
    async def twice(*, job: Job) -> None:
        seen.append(await job.step("pair", pair))
        if len(seen) == 1:
            raise RuntimeError("again")

    async with jobs:
        await (await twice.submit()).result(timeout=10)
    assert seen[0] == seen[1] == (1, Report(repo="r", routes=[]))


async def test_out_of_retries_is_failed_with_the_problem(jobs: Jobs) -> None:
    @jobs.task(retries=2, backoff=0)
    async def broken() -> None:
        raise ValueError("no such column")

    async with jobs:
        handle = await broken.submit()
        with pytest.raises(JobFailed, match="no such column") as caught:
            await handle.result(timeout=10)
        assert caught.value.error["attempts"] == 3
        assert caught.value.error["exception"] == "ValueError"
        assert handle.record.error == caught.value.error


async def test_fail_is_final_and_carries_its_code(jobs: Jobs) -> None:
    @jobs.task(retries=5)
    async def private() -> None:
        raise Fail("the profile is private", code="private-profile", profile="ann")

    async with jobs:
        with pytest.raises(JobFailed, match="private") as caught:
            await (await private.submit()).result(timeout=10)
        assert caught.value.error["code"] == "private-profile"
        assert caught.value.error["profile"] == "ann"
        assert caught.value.error["attempts"] == 1


async def test_retry_says_when(jobs: Jobs) -> None:
    calls: list[float] = []

    @jobs.task(retries=1, backoff=60)
    async def limited() -> str:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise Retry("429", after=0.05)
        return "ok"

    async with jobs:
        assert await (await limited.submit()).result(timeout=10) == "ok"
    assert calls[1] - calls[0] >= 0.05


async def test_retry_by_hand_keeps_finished_steps(jobs: Jobs) -> None:
    ran: list[str] = []
    broken = True

    def first() -> int:
        ran.append("first")
        return 1

    @jobs.task
    async def work(*, job: Job) -> int:
        value = await job.step("first", first)
        if broken:
            raise RuntimeError("broken")
        return value

    async with jobs:
        handle = await work.submit()
        with pytest.raises(JobFailed):
            await handle.result(timeout=10)
        broken = False
        await handle.retry()
        assert await handle.result(timeout=10) == 1
    assert ran == ["first"]


# ── time limits ──


async def test_an_attempt_past_its_timeout_fails(jobs: Jobs) -> None:
    @jobs.task(timeout=0.1)
    async def slow() -> None:
        await asyncio.Event().wait()

    async with jobs:
        with pytest.raises(JobFailed, match=r"longer than 0\.1 s") as caught:
            await (await slow.submit()).result(timeout=10)
        assert caught.value.error["code"] == "timed-out"


async def test_the_deadline_ends_the_whole_job_running_or_waiting(jobs: Jobs) -> None:
    @jobs.task(deadline=0.2, concurrency=1, retries=100, backoff=0)
    async def slow() -> None:
        await asyncio.Event().wait()

    async with jobs:
        running, waiting = await slow.submit(), await slow.submit()
        for handle in (running, waiting):
            with pytest.raises(JobFailed) as caught:
                await handle.result(timeout=10)
            assert caught.value.error["code"] == "deadline-exceeded"


async def test_cancel_after_cancels(jobs: Jobs) -> None:
    @jobs.task
    async def slow() -> None:
        await asyncio.Event().wait()

    async with jobs:
        with pytest.raises(JobCancelled):
            await (await slow.with_options(cancel_after=0.1).submit()).result(timeout=10)


# ── cancel ──


async def test_cancel_a_pending_job_at_once(jobs: Jobs) -> None:
    @jobs.task
    async def later() -> None: ...

    async with jobs:
        handle = await later.with_options(delay=60).submit()
        assert (await handle.cancel("changed my mind")).status is Status.CANCELLED
        with pytest.raises(JobCancelled, match="changed my mind"):
            await handle.result(timeout=10)


async def test_cancel_a_coroutine_lets_it_clean_up(jobs: Jobs) -> None:
    started, cleaned = asyncio.Event(), asyncio.Event()

    @jobs.task
    async def sleeps() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    async with jobs:
        handle = await sleeps.submit()
        await started.wait()
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=10)
        assert cleaned.is_set()
        assert kinds(await log_of(jobs, handle.id)) == ["pending", "running", "cancelling", "cancelled"]


async def test_cancel_a_thread_by_exception(jobs: Jobs) -> None:
    started, stopped = threading.Event(), threading.Event()

    @jobs.task
    def spins() -> None:
        try:
            started.set()
            while True:
                time.sleep(0.001)
        except Cancelled:
            stopped.set()
            raise

    async with jobs:
        handle = await spins.submit()
        await wait_until(started.is_set)
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=10)
        assert stopped.is_set()


async def test_one_who_swallows_the_cancellation_is_abandoned_after_the_grace(jobs: Jobs) -> None:
    started, ended = asyncio.Event(), asyncio.Event()
    let_go = False

    @jobs.task
    async def stubborn(*, job: Job) -> str:
        while not let_go:
            started.set()
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        ended.set()
        return "too late"

    async with jobs:
        handle = await stubborn.submit()
        await started.wait()
        await handle.cancel()
        with pytest.raises(JobCancelled):
            await handle.result(timeout=10)
        let_go = True
        await ended.wait()
        assert (await handle.refresh()).status is Status.CANCELLED


async def test_a_coroutine_that_blocks_the_loop_but_reports_can_be_cancelled(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    jobs = Jobs(url, cancel_grace=0.3)

    @jobs.task
    async def counts(*, job: Job) -> None:
        for number in itertools.count():
            job.progress(current=number)

    async def cancel_from_elsewhere() -> None:
        async with Jobs(url, worker=False) as other:
            job = await wait_until(lambda: _running(other))
            await other.cancel(job.id)

    async with jobs:
        elsewhere = asyncio.create_task(asyncio.to_thread(asyncio.run, cancel_from_elsewhere()))
        with pytest.raises(JobCancelled):
            await (await counts.submit()).result(timeout=20)
        await elsewhere


async def _running(jobs: Jobs) -> JobRecord | None:
    return next(iter((await jobs.list(status="running")).jobs), None)


async def test_deleting_a_running_job_stops_it(jobs: Jobs) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    @jobs.task
    async def sleeps() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with jobs:
        handle = await sleeps.submit()
        await started.wait()
        await handle.delete()
        await wait_until(stopped.is_set)


# ── reporting ──


async def test_progress_is_coalesced_never_falls_and_the_last_is_kept(jobs: Jobs) -> None:
    @jobs.task
    async def busy(*, job: Job) -> None:
        for number in range(20_000):
            await job.progress(number / 200, f"at {number}")
        await job.progress(10, "the end")

    async with jobs:
        handle = await busy.submit()
        await handle.result(timeout=20)
        record = await handle.refresh()
        events = [json.loads(e.data) for e in await log_of(jobs, handle.id) if e.kind is Kind.PROGRESS]
    assert record.progress.message == "the end"
    assert record.progress.percent == pytest.approx(99.995, abs=0.01)
    percents = [event["percent"] for event in events]
    assert percents == sorted(percents)
    assert 1 <= len(events) < 500


async def test_reports_go_on_while_the_store_is_slow(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    report = jobs.store.report

    async def slowly(*args: Any, **kwargs: Any) -> int:
        await asyncio.sleep(0.15)  # longer than progress_interval: the next write is due while this one is under way
        return await report(*args, **kwargs)

    monkeypatch.setattr(jobs.store, "report", slowly)

    @jobs.task
    async def climbs(*, job: Job) -> None:
        for percent in (10, 20, 30, 40):
            job.progress(percent - 5)
            await asyncio.sleep(0.07)
            job.progress(percent)
            await wait_until(functools.partial(_percent, jobs, job.id, percent), what=f"{percent} % in the store")

    async with jobs:
        await (await climbs.submit()).result(timeout=60)


async def _percent(jobs: Jobs, job_id: str, percent: float) -> bool:
    return (await jobs.get_record(job_id)).progress.percent == percent


async def test_reports_survive_a_store_that_fails_for_a_while(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    report, failures = jobs.store.report, 3

    async def at_first_not(*args: Any, **kwargs: Any) -> int:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreError("the disk is full")
        return await report(*args, **kwargs)

    monkeypatch.setattr(jobs.store, "report", at_first_not)

    @jobs.task
    async def tells(*, job: Job) -> None:
        job.log("once")
        job.spend(0.5)
        job.progress(70, "nearly")

    async with jobs:
        handle = await tells.submit()
        await handle.result(timeout=20)
        record = await handle.refresh()
        assert kinds(await log_of(jobs, handle.id)).count("log") == 1
    assert (record.progress.percent, record.progress.message, record.cost) == (70, "nearly", 0.5)


async def test_track_counts_and_moves_the_percent_only_when_asked(jobs: Jobs) -> None:
    @jobs.task
    async def two(*, job: Job) -> None:
        for _ in job.track(range(4), "plain", unit="pages"):
            pass
        await job.progress(20)
        for _ in job.track(iter(range(10)), "moving", total=10, upto=70):
            pass

    async with jobs:
        handle = await two.submit()
        await handle.result(timeout=10)
        progress = (await handle.refresh()).progress
    assert (progress.percent, progress.current, progress.total, progress.unit) == (70, 10, 10, "pages")


async def test_a_name_has_one_file_however_often_it_is_attached_and_by_which_attempt(jobs: Jobs) -> None:
    @jobs.task(retries=1, backoff=0)
    async def attaching(*, job: Job) -> None:
        for number in range(3):
            await job.attach("a.txt", f"{job.attempt}/{number}".encode())
        await asyncio.gather(*(job.attach("b.txt", f"{job.attempt}/{number}".encode()) for number in range(3)))
        if job.attempt == 1:
            raise RuntimeError("again")

    async with jobs:
        handle = await attaching.submit()
        await handle.result()
        contents = []
        for name in ("a.txt", "b.txt"):
            attached = await jobs.store.artifact(handle.id, name)
            assert attached is not None
            contents.append(b"".join([chunk async for chunk in jobs.blobs.read(handle.id, attached.blob)]))
            path = await jobs.blobs.path(handle.id, attached.blob)
        assert contents[0] == b"2/2"
        assert contents[1].startswith(b"2/")
        assert path is not None
        assert len(list(path.parent.iterdir())) == 2


async def test_files_that_an_attempt_writes_after_its_job_was_removed_go_too(jobs: Jobs) -> None:
    removed = asyncio.Event()

    @jobs.task
    async def writer(*, job: Job) -> None:
        await job.attach("before.txt", b"one")
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await removed.wait()
        await jobs.blobs.put(job.id, "artifact.after.txt", b"two", media_type="text/plain")

    async with jobs:
        handle = await writer.submit()
        async for event in handle.events():
            if event.kind is Kind.ARTIFACT:
                break
        attached = await jobs.store.artifact(handle.id, "before.txt")
        assert attached is not None
        before = await jobs.blobs.path(handle.id, attached.blob)
        assert before is not None
        await handle.delete()
        removed.set()
        await wait_until(lambda: not jobs.worker.running)
        await wait_until(lambda: not before.parent.exists())


async def test_a_coroutine_that_reports_faster_than_the_store_writes_is_held_back(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = asyncio.Event()
    report = jobs.store.report

    async def slow(*args: Any, **options: Any) -> int:
        await writing.wait()
        return await report(*args, **options)

    monkeypatch.setattr(jobs.store, "report", slow)
    emitted = 0

    @jobs.task
    async def flood(*, job: Job) -> None:
        nonlocal emitted
        for _ in range(20):
            await job.emit("x" * 1_000_000)
            emitted += 1

    async with jobs:
        handle = await flood.submit()
        await wait_until(lambda: emitted >= 4)
        for _ in range(100):
            await asyncio.sleep(0)
        assert emitted < 10, "what waits is bounded"
        writing.set()
        await handle.result(timeout=30)
        assert kinds(await log_of(jobs, handle.id)).count("output") == 20


class NotJson:
    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize("report", ["log", "emit"])
async def test_a_report_that_json_cannot_hold_is_refused_in_its_own_line(jobs: Jobs, report: str) -> None:
    @jobs.task
    async def careless(*, job: Job) -> str:
        try:
            job.log("found", what=NotJson()) if report == "log" else job.emit(NotJson())
        except TypeError as error:
            return str(error)
        return "taken"

    async with jobs:
        assert "cannot be stored as JSON" in await (await careless.submit()).result(timeout=10)


async def test_words_and_numbers_of_progress_and_of_a_failure_need_not_be_json(jobs: Jobs) -> None:
    @jobs.task
    async def careless(*, job: Job) -> None:
        job.progress(None, NotJson(), current=Fraction(1, 2), total=Fraction(2))  # type: ignore[arg-type]
        raise Fail("no", row=NotJson())

    async with jobs:
        handle = await careless.submit()
        with pytest.raises(JobFailed) as failed:
            await handle.result(timeout=10)
        assert failed.value.error["row"] == "odd"
        progress = (await handle.refresh()).progress
        assert (progress.message, progress.current, progress.percent) == ("odd", 0.5, 25.0)


async def test_log_output_cost_and_artifact(jobs: Jobs) -> None:
    @jobs.task
    async def tells(*, job: Job) -> None:
        await job.log("fetched", level="warning", url="http://x")
        await job.emit({"row": 1})
        await job.spend(0.08, "browser")
        await job.spend(0.02, "proxy")
        made = await job.attach("report.csv", b"a,b\n1,2\n")
        assert made.size_bytes == 8

    async with jobs:
        handle = await tells.submit()
        await handle.result(timeout=10)
        events = {event.kind: json.loads(event.data) for event in await log_of(jobs, handle.id)}
        record = await handle.refresh()
        artifacts = await jobs.store.artifacts(handle.id)
    assert events[Kind.LOG] == {"level": "warning", "message": "fetched", "url": "http://x"}
    assert events[Kind.OUTPUT] == {"value": {"row": 1}}
    assert record.cost == pytest.approx(0.10)
    assert events[Kind.COST] == {"amount": 0.02, "what": "proxy", "total": 0.1}
    assert [(one.name, one.size_bytes, one.media_type) for one in artifacts] == [("report.csv", 8, "text/csv")]


async def test_the_context_reaches_called_functions_and_threads(jobs: Jobs) -> None:
    def in_thread() -> str:
        job = current_sync_job()
        job.log("from a thread")
        return job.step("inner", lambda: "inner done")

    @jobs.task
    async def outer() -> str:
        await current_job().progress(1)
        return await asyncio.to_thread(in_thread)

    async with jobs:
        handle = await outer.submit()
        assert await handle.result(timeout=10) == "inner done"
        assert "log" in kinds(await log_of(jobs, handle.id))
    with pytest.raises(LookupError):
        current_job()


async def test_a_plain_function_has_the_blocking_forms(jobs: Jobs) -> None:
    async def fetch(n: int) -> int:
        return n + 1

    @jobs.task
    def work(*, job: SyncJob) -> int:
        job.attach("a.bin", b"\0")
        return job.step("fetch", fetch, 1) + job.step("plain", int, "5")

    async with jobs:
        assert await (await work.submit()).result(timeout=10) == 7


# ── limits ──


async def test_per_owner_limits_what_runs_at_once(jobs: Jobs) -> None:
    running, most = 0, 0

    @jobs.task(per_owner=2)
    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        running -= 1

    async with jobs:
        handles = await work.submit_many([{}] * 12)
        for handle in handles:
            await handle.result(timeout=20)
    assert most == 2


async def test_active_per_owner_refuses_one_more(jobs: Jobs) -> None:
    @jobs.task(active_per_owner=1)
    async def work() -> None:
        await asyncio.Event().wait()

    async with jobs:
        await work.submit()
        with pytest.raises(LimitReached) as caught:
            await work.submit()
        assert (caught.value.used, caught.value.at_most) == (1, 1)
        await work.with_options(owner="bob").submit()


# ── leases and the graceful stop ──


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.soak)])
async def test_a_blocked_loop_keeps_its_job(jobs: Jobs, seconds: float) -> None:
    runs: list[int] = []

    @jobs.task
    async def blocks(*, job: Job) -> int:
        runs.append(job.attempt)
        time.sleep(seconds)  # noqa: ASYNC251  longer than two leases, on purpose
        return job.attempt

    async with jobs:
        assert await (await blocks.submit()).result(timeout=seconds + 20) == 1
    assert runs == [1]


async def test_stopping_gives_the_job_back_without_costing_an_attempt(tmp_path: Path) -> None:
    attempts: list[int] = []
    steps: list[str] = []

    def make() -> tuple[Jobs, Any, asyncio.Event]:
        jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", drain=0.05, cancel_grace=0.3)
        started = asyncio.Event()

        @jobs.task
        async def work(*, job: Job) -> str:
            attempts.append(job.attempt)
            await job.step("once", steps.append, "once")
            started.set()
            if len(attempts) == 1:
                await asyncio.Event().wait()
            return "done"

        return jobs, work, started

    first, work, started = make()
    async with first:
        handle = await work.submit()
        await started.wait()
    second, _, _ = make()
    async with second:
        again = await second.get(handle.id)
        assert await again.result(timeout=10) == "done"
        events = await log_of(second, handle.id)
    assert attempts == [1, 1]
    assert steps == ["once"]
    assert json.loads(events[kinds(events).index("pending", 1)].data)["reason"] == "interrupted"


@pytest.mark.parametrize("why", ["cancel", "timeout", "shutdown"])
async def test_a_job_knows_why_it_has_to_stop(jobs: Jobs, why: str) -> None:
    started, told = asyncio.Event(), []

    @jobs.task(timeout=0.1 if why == "timeout" else None)
    async def waits(*, job: Job) -> None:
        told.append(job.stopping)
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append(job.stopping)

    async with jobs:
        handle = await waits.submit()
        await started.wait()
        if why == "cancel":
            await handle.cancel()
        if why != "shutdown":
            await wait_until(lambda: len(told) == 2)
    assert told == [None, why]


async def test_a_running_job_may_finish_while_the_worker_drains(jobs: Jobs) -> None:
    started = asyncio.Event()

    @jobs.task
    async def short() -> str:
        started.set()
        await asyncio.sleep(0.05)
        return "done"

    async with jobs:
        handle = await short.submit()
        await started.wait()
        await jobs.worker.stop()
        assert (await handle.refresh()).status is Status.COMPLETED


async def test_idempotency_key_of_a_python_submission(jobs: Jobs) -> None:
    @jobs.task
    async def work(n: int) -> int:
        return n

    async with jobs:
        once = work.with_options(idempotency_key="k1")
        first, second = await once.submit(1), await once.submit(1)
        assert first.id == second.id
        with pytest.raises(Exception, match="another body"):
            await once.submit(2)
