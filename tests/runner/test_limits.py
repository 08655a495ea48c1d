"""Limits from the policy to the running job: which keys a job gets, what waits, what is refused, whose turn it is."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers import wait_until
from served import Process

from accepted import Job, Jobs, Retry, Secret, UploadFile
from accepted.errors import ConfigurationError, InvalidInput, LimitReached, QueueFull
from accepted.handle import JobHandle
from accepted.job import JobRecord, Kind, Limit, Rate, Status
from accepted.limits import KEY_MAX
from accepted.rates import rate


@pytest.fixture(params=["memory", "file"])
async def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Jobs]:
    made = Jobs("sqlite://:memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'jobs.db'}", drain=0.2)
    try:
        yield made
    finally:
        while made.started:
            await made.stop()


async def given(jobs: Jobs, handle: JobHandle[Any]) -> JobRecord:
    return await jobs.get_record(handle.id)


async def starts(jobs: Jobs, handles: Sequence[JobHandle[Any]]) -> list[float]:
    """When each attempt of these jobs started, by their events; they end first."""
    for handle in handles:
        assert await jobs.wait_over(handle.id, 20)
    logs = [(await jobs.store.events(handle.id)).events for handle in handles]
    return sorted(event.at for log in logs for event in log if event.kind is Kind.RUNNING)


def check_windows(times: Sequence[float], at_most: int, per: float) -> None:
    """No window of `per` seconds, however it is cut, has more than `at_most` starts; times are whole microseconds."""
    for first, last in zip(times, times[at_most:], strict=False):
        assert round((last - first) * 1e6) >= round(per * 1e6), times


# ── rates as text ──


@pytest.mark.parametrize(
    ("text", "at_most", "per"),
    [
        ("5/s", 5, 1),
        ("30/m", 30, 60),
        ("1000/h", 1000, 3600),
        ("1/15m", 1, 900),
        ("3 / 200ms", 3, 0.2),
        ("2/1h30m", 2, 5400),
    ],
)
def test_rates(text: str, at_most: int, per: float) -> None:
    assert rate(text, key="k") == Rate("k", at_most, per)


@pytest.mark.parametrize(
    "text", ["5", "5/", "/s", "0/s", "1001/s", "-1/s", "1.5/s", "5/0s", "5/400d", "5/x", "²/s", "5/s/s"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rate|duration"):
        rate(text)


# ── the policy ──


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"per_key": 1}, "task 'work': per_key= needs key="),
        ({"rate_per_key": "1/s"}, "rate_per_key= needs key="),
        ({"key": "domain"}, "key= does nothing alone; add per_key= or rate_per_key="),
        ({"key": "domian", "per_key": 1}, "there is no parameter 'domian' to make a key of; known: domain, path"),
        ({"key": lambda url: url, "per_key": 1}, "there is no parameter 'url'"),
        ({"key": "file", "per_key": 1}, "there is no parameter 'file' to make a key of"),
        ({"key": lambda domain, word: domain, "per_key": 1}, "there is no parameter 'word' to make a key of"),
        ({"key": lambda *parts: "a", "per_key": 1}, "expected the name of a parameter, or a function of parameters"),
        ({"key": 7, "per_key": 1}, "expected the name of a parameter, or a function"),
        ({"rate": "5"}, "task 'work': rate: expected a rate such as"),
        ({"submit_rate_per_owner": "5000/s"}, "task 'work': submit_rate_per_owner: a rate counts 1 … 1,000"),
        ({"concurrency": -1}, "task 'work': concurrency: expected a whole number ≥ 0"),
        ({"active": 1.5}, "task 'work': active: expected a whole number"),
        ({"name": "a/b"}, "task 'a/b': its name is a part of URLs"),
    ],
)
def test_a_policy_that_makes_no_sense(policy: dict[str, Any], sentence: str) -> None:
    def work(domain: str, path: str, file: UploadFile, word: Secret[str]) -> None: ...

    with pytest.raises(ConfigurationError, match=sentence):
        Jobs("sqlite://:memory:").task(**policy)(work)


@pytest.mark.parametrize(
    ("name", "value"), [("owner_submit_rate", "many"), ("active_max", -1), ("owner_active_max", -1)]
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: expected a"):
        Jobs("sqlite://:memory:", **{name: value})


def new_job(jobs: Jobs, task: Any, owner: str, **arguments: Any) -> Any:
    return task.new_job(
        b"{}",
        task.with_options(owner=owner).options,
        job_id="1",
        now=0.0,
        retention=0.0,
        idempotency=None,
        key=task.limit_key(arguments),
        common=jobs._limits,
    )


def test_every_limit_has_its_key() -> None:
    jobs = Jobs("sqlite://:memory:", active_max=9, owner_active_max=8, owner_submit_rate="7/s")

    @jobs.task(
        concurrency=6,
        per_owner=5,
        key="domain",
        per_key=4,
        rate="3/s",
        rate_per_owner="2/m",
        rate_per_key="1/h",
        active=20,
        active_per_owner=19,
        submit_rate_per_owner="18/s",
    )
    async def crawl(domain: str | None) -> None: ...

    job = new_job(jobs, crawl, "ann", domain="example.org")
    assert job.slots == (Limit("task:crawl", 6), Limit("owner:ann/crawl", 5), Limit("key:crawl/example.org", 4))
    assert job.paces == (
        Rate("rate:task:crawl", 3, 1),
        Rate("rate:owner:ann/crawl", 2, 60),
        Rate("rate:key:crawl/example.org", 1, 3600),
    )
    assert set(job.quotas) == {
        Limit("active:task:crawl", 20),
        Limit("active:ann/crawl", 19),
        Limit("active:ann/*", 8),
        Limit("active:*", 9),
    }
    assert set(job.admissions) == {Rate("submit:ann/crawl", 18, 1), Rate("submit:ann/*", 7, 1)}
    none = new_job(jobs, crawl, "ann", domain=None)
    assert (none.slots, none.paces) == (job.slots[:2], job.paces[:2])


def test_no_owner_is_named_into_the_limit_of_another() -> None:
    jobs = Jobs("sqlite://:memory:", owner_active_max=8, owner_submit_rate="7/s")

    @jobs.task(active=1, active_per_owner=1, per_owner=1, submit_rate_per_owner="1/s")
    async def crawl() -> None: ...

    owners = ["ann", "ann/crawl", "task:crawl", "ann/*", "*", "ann/crawl/*", ""]
    shared = {"active:task:crawl"}
    keys = [
        key
        for owner in owners
        for job in [new_job(jobs, crawl, owner)]
        for key in (one.key for one in (*job.slots, *job.quotas, *job.admissions))
        if key not in shared
    ]
    assert len(keys) == len(set(keys)) == 5 * len(owners)


def test_a_job_without_limits_carries_none() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def plain() -> None: ...

    job = new_job(jobs, plain, "ann")
    assert (job.slots, job.paces, job.quotas, job.admissions) == ((), (), (), ())


# ── keys ──


def test_a_key_is_made_of_validated_arguments() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task(key=lambda url, port: f"{urlsplit(url).hostname}:{port}" if port else None, per_key=1)
    async def visit(url: str, port: int = 80, note: str = "") -> None: ...

    assert visit.limit_key(visit.validate_json(b'{"url": "http://example.org/a"}')) == "example.org:80"
    assert visit.limit_key(visit.validate_json(b'{"url": "http://example.org/a", "port": "0"}')) is None
    with pytest.raises(InvalidInput, match=r"url: no key for its limits: .*IPv6") as caught:
        visit.limit_key(visit.validate({"url": "http://[oh", "port": 1}))
    assert caught.value.errors[0]["pointer"] == "#/url"


async def test_a_key_that_cannot_be_made_stores_nothing(jobs: Jobs) -> None:
    @jobs.task(key=lambda url: urlsplit(url).hostname, per_key=1)
    async def visit(url: str) -> None: ...

    @jobs.task(key=lambda n: 1 // n, per_key=1)
    async def divide(n: int) -> None: ...

    async with jobs:
        with pytest.raises(InvalidInput, match="no key"):
            await visit.submit_many([("http://example.org/",), ("http://[oh",)])
        with pytest.raises(ZeroDivisionError):
            await divide.submit(0)
        assert not (await jobs.list()).jobs


def test_a_long_key_keeps_its_beginning_and_a_hash() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task(key="text", per_key=1)
    async def read(text: str) -> None: ...

    fits, long, other = "a" * KEY_MAX, "a" * 1000, "a" * 999 + "b"
    keys = [read.limit_key({"text": text}) for text in (fits, long, other, long)]
    assert keys[0] == fits
    assert keys[1] == keys[3] != keys[2]
    assert all(key is not None and len(key) == KEY_MAX and key.startswith("aaa") for key in keys)


async def test_a_key_that_no_store_can_hold_is_a_key_all_the_same(jobs: Jobs) -> None:
    odd = ["a\0b", "a\0c", "a?b", "", "\ud800", "\udfff", "a" * KEY_MAX + "\0"]

    @jobs.task(key=lambda n: odd[n], per_key=1)
    async def read(n: int) -> int:
        return n

    assert len({read.limit_key({"n": n}) for n in range(len(odd))}) == len(odd)
    async with jobs:
        handles = await read.submit_many([(n,) for n in range(len(odd))])
        assert [await handle.result(timeout=20) for handle in handles] == list(range(len(odd)))


# ── concurrency ──


class Crowd:
    """Counts who is inside together, by name."""

    def __init__(self) -> None:
        self.inside: dict[str, int] = defaultdict(int)
        self.most: dict[str, int] = defaultdict(int)

    async def visit(self, *names: str) -> None:
        for name in names:
            self.inside[name] += 1
            self.most[name] = max(self.most[name], self.inside[name])
        await asyncio.sleep(0.005)
        for name in names:
            self.inside[name] -= 1


async def test_per_key_and_per_owner_and_concurrency_together(jobs: Jobs) -> None:
    crowd = Crowd()

    @jobs.task(concurrency=6, per_owner=4, key="domain", per_key=2)
    async def crawl(domain: str, *, job: Job) -> None:
        await crowd.visit("all", f"owner {job.owner}", f"key {domain}")

    async with jobs:
        handles = []
        for owner in ("ann", "bob", "carl"):
            calls = [(domain,) for domain in "abcde" * 4]
            handles += await crawl.with_options(owner=owner).submit_many(calls)
        for handle in handles:
            await handle.result(timeout=20)
    assert crowd.most["all"] == 6
    assert max(crowd.most[f"owner {owner}"] for owner in ("ann", "bob", "carl")) == 4
    assert {crowd.most[f"key {domain}"] for domain in "abcde"} <= {1, 2}
    assert 2 in crowd.most.values()


async def test_one_of_a_key_at_a_time_and_the_rest_say_why(jobs: Jobs) -> None:
    gate = asyncio.Event()

    @jobs.task(key="domain", per_key=1)
    async def crawl(domain: str | None) -> None:
        await gate.wait()

    async with jobs:
        first, second, other, free = await crawl.submit_many([("a",), ("a",), ("b",), (None,)])
        for one in (first, other, free):
            await wait_until(functools.partial(running, jobs, one))
        waiting = await jobs.store.waiting(await given(jobs, second))
        assert (waiting.held_by, waiting.used, waiting.at_most, waiting.per) == ("key:crawl/a", 1, 1, None)
        gate.set()
        await second.result(timeout=20)


async def running(jobs: Jobs, handle: JobHandle[Any]) -> bool:
    return (await given(jobs, handle)).status is Status.RUNNING


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Starts worker processes on one file; they work in a folder of their own."""
    made: list[Process] = []

    def start() -> Process:
        made.append(Process(("worker", "limited_app:jobs", "--data", str(tmp_path))))
        return made[-1]

    yield start
    for one in made:
        one.kill()


async def test_processes_share_the_limit_of_a_key(tmp_path: Path, workers: Callable[[], Process]) -> None:
    here = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", worker=False)

    @here.task(key="domain", per_key=1)
    async def crawl(domain: str) -> int: ...  # type: ignore[empty-body]

    async with here:
        for one in (workers(), workers()):
            await asyncio.to_thread(one.says, "working on crawl")
        handles = await crawl.submit_many([(str(tmp_path / "abcd"[n % 4]),) for n in range(80)])
        done = {await handle.result(timeout=30) for handle in handles}
    assert len(done) == 2


# ── paces ──


@pytest.mark.parametrize("limit", ["rate", "rate_per_owner", "rate_per_key"])
async def test_no_window_has_more_starts(jobs: Jobs, limit: str) -> None:
    key: dict[str, Any] = {"key": "name"} if limit == "rate_per_key" else {}

    @jobs.task(**{limit: "3/150ms", **key})
    async def work(name: str) -> None: ...

    async with jobs:
        groups: dict[str, list[JobHandle[Any]]] = {}
        for name in ("ann", "bob"):
            groups[name] = await work.with_options(owner=name).submit_many([(name,)] * 8)
        together = [handle for group in groups.values() for handle in group]
        for group in [together] if limit == "rate" else list(groups.values()):
            times = await starts(jobs, group)
            assert len(times) == len(group)
            check_windows(times, 3, 0.15)
        assert len(await starts(jobs, together)) == 16


async def test_who_waits_for_a_pace_is_told_until_when(jobs: Jobs) -> None:
    @jobs.task(rate="1/h")
    async def work() -> None: ...

    async with jobs:
        first, second = await work.submit_many([(), ()])
        await first.result(timeout=20)
        (started,) = await starts(jobs, [first])
        waiting = await jobs.store.waiting(await given(jobs, second))
        assert (waiting.held_by, waiting.used, waiting.at_most, waiting.per) == ("rate:task:work", 1, 1, 3600)
        assert waiting.resets_at == pytest.approx(started + 3600, abs=0.001)


async def test_retries_are_starts(jobs: Jobs) -> None:
    @jobs.task(rate="2/150ms", retries=4, backoff=0.0)
    async def work(*, job: Job) -> int:
        if job.attempt < 5:
            raise Retry("again", after=0.0)
        return job.attempt

    async with jobs:
        handle = await work.submit()
        assert await handle.result(timeout=20) == 5
        times = await starts(jobs, [handle])
    assert len(times) == 5
    check_windows(times, 2, 0.15)


# ── admission ──


async def test_the_tasks_queue_is_full(jobs: Jobs) -> None:
    gate = asyncio.Event()

    @jobs.task(active=2)
    async def work() -> None:
        await gate.wait()

    async with jobs:
        await work.submit()
        with pytest.raises(QueueFull, match=r"holds 2 of at most 2 jobs .active:task:work"):
            await work.with_options(owner="bob").submit_many([(), ()])
        gate.set()
        first = (await jobs.list(owner="local")).jobs[0]
        assert await jobs.wait_over(first.id, 20)
        bobs = (await jobs.list(owner="bob")).jobs[0]
        assert await jobs.wait_over(bobs.id, 20)
        gate.clear()
        await work.submit_many([(), ()])
        with pytest.raises(QueueFull):
            await jobs.retry(first.id)


async def test_the_whole_queue_is_full(tmp_path: Path) -> None:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", active_max=2, worker=False)

    @jobs.task
    async def one() -> None: ...

    @jobs.task
    async def other() -> None: ...

    async with jobs:
        handle = await one.submit()
        await other.with_options(owner="bob").submit()
        with pytest.raises(QueueFull) as caught:
            await one.with_options(owner="carl").submit()
        assert (caught.value.limit, caught.value.used, caught.value.at_most) == ("active:*", 2, 2)
        await jobs.cancel(handle.id)
        await one.with_options(owner="carl").submit()


async def test_an_owner_has_enough(tmp_path: Path) -> None:
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", owner_active_max=2, worker=False)

    @jobs.task(active_per_owner=1)
    async def one() -> None: ...

    @jobs.task
    async def other() -> None: ...

    async with jobs:
        await one.submit()
        with pytest.raises(LimitReached, match="active:local/one"):
            await one.submit()
        await other.submit()
        with pytest.raises(LimitReached) as caught:
            await other.submit()
        assert (caught.value.limit, caught.value.resets_at) == ("active:local/*", None)
        await other.with_options(owner="bob").submit()


@pytest.mark.parametrize("where", ["task", "settings"])
async def test_an_owner_submits_too_fast(tmp_path: Path, where: str) -> None:
    settings: dict[str, Any] = {"owner_submit_rate": "2/h"} if where == "settings" else {}
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", **settings)

    @jobs.task(submit_rate_per_owner="" if where == "settings" else "2/h")
    async def work() -> int:
        return 1

    async with jobs:
        # That they are over gives nothing back: what counts is that they came.
        for handle in await work.submit_many([(), ()]):
            await handle.result(timeout=20)
        first = min(job.submitted_at for job in (await jobs.list()).jobs)
        with pytest.raises(LimitReached) as caught:
            await work.submit()
        refused = caught.value
        assert (refused.used, refused.at_most, refused.per) == (2, 2, 3600)
        assert refused.resets_at == pytest.approx(first + 3600, abs=0.001)
        assert 3590 < refused.retry_after <= 3600
        await work.with_options(owner="bob").submit()


# ── whose turn it is ──


@pytest.mark.parametrize("waiting", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_one_job_of_another_is_next_however_many_wait(tmp_path: Path, waiting: int) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    started: asyncio.Queue[str] = asyncio.Queue()
    slots = asyncio.Semaphore(0)

    async def work(*, job: Job) -> None:
        started.put_nowait(job.owner)
        await slots.acquire()

    clerk, worker = Jobs(url, worker=False), Jobs(url, concurrency=1, drain=0.0)
    submit, _ = clerk.task(per_owner=1)(work), worker.task(per_owner=1)(work)
    async with clerk:
        anns = submit.with_options(owner="ann")
        for _ in itertools.repeat(None, waiting // 5000):
            await anns.submit_many([()] * 5000)
        async with worker:
            assert await asyncio.wait_for(started.get(), 20) == "ann"
            await submit.with_options(owner="bob").submit()
            slots.release()
            assert await asyncio.wait_for(started.get(), 20) == "bob"
            slots.release()
            assert await asyncio.wait_for(started.get(), 20) == "ann"
