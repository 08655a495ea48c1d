"""/metrics, and the meter behind it."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from http_api.serving import Api, problem

from accepted.http.problems import DOCS
from accepted.job import Status
from accepted.meter import Meter


async def test_what_is_measured(api: Api, ann: httpx.AsyncClient) -> None:
    path = await api.done(ann, "add", a=1)
    await api.done(ann, "fail")
    await ann.get(path + "/events", headers={"accept": "text/event-stream"})
    async with api.client("root") as root:
        answer = await root.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert values['accepted_jobs_submitted_total{task="add"}'] == "1"
    assert values['accepted_attempts_total{task="fail",outcome="failed"}'] == "1"
    assert values['accepted_job_run_seconds_count{task="add",status="completed"}'] == "1"
    assert values['accepted_job_run_seconds_bucket{task="add",status="completed",le="+Inf"}'] == "1"
    assert values["accepted_job_wait_seconds_count"] == "2"
    assert float(values["accepted_job_wait_seconds_sum"]) >= 0
    assert values['accepted_jobs{status="completed",queue="default"}'] == "1"
    assert values["accepted_oldest_pending_seconds"] == "0.0"
    assert values["accepted_events_delivered_total"] == "3"
    assert values["accepted_subscribers"] == "0"
    assert values["accepted_leases_lost_total"] == "0"
    assert values["accepted_workers"] == "1"
    assert "ann" not in answer.text
    assert path.rsplit("/", 1)[1] not in answer.text


async def test_metrics_are_for_administrators(api: Api, ann: httpx.AsyncClient) -> None:
    problem(await ann.get("/metrics"), 403, "forbidden")
    async with api.client(None) as nobody:
        problem(await nobody.get("/metrics"), 401, "not-authenticated")


def test_counting_from_many_threads() -> None:
    meter = Meter()

    def count() -> None:
        for _ in range(5_000):
            meter.submitted("t")
            meter.finished("t", Status.COMPLETED, 0.5)
            meter.lease_lost()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading = meter.read()
    assert reading.submitted == {"t": 40_000}
    assert reading.leases_lost == 40_000
    histogram = reading.run["t", Status.COMPLETED]
    assert sum(histogram.counts) == 40_000
    assert histogram.total == pytest.approx(20_000)
    meter.lease_lost()
    assert reading.leases_lost == 40_000


def test_buckets() -> None:
    meter = Meter()
    for seconds in (0.0, 0.001, 0.0011, 10_000.0):
        meter.started("t", seconds)
    assert meter.read().wait.counts[:2] == [2, 1]
    assert meter.read().wait.counts[-1] == 1


def test_the_rate_of_starts() -> None:
    meter = Meter()
    assert meter.start_rate("t") is None
    meter.started("t", 0)
    assert meter.start_rate("t") is None
    meter.started("t", 0)
    rate = meter.start_rate("t")
    assert rate is not None
    assert rate > 0


def test_every_problem_has_its_section() -> None:
    """docs/problems.md has a heading for each slug in the source, and no other."""
    import importlib
    import pkgutil

    import accepted
    from accepted.errors import AcceptedError

    for module in pkgutil.walk_packages(accepted.__path__, "accepted."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def slugs(cls: type[AcceptedError]) -> set[str]:
        own = {cls.slug} if cls.__module__.startswith("accepted.") else set()
        return own.union(*map(slugs, cls.__subclasses__()))

    page = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")}
    stored = {"timed-out", "deadline-exceeded", "worker-lost", "arguments-changed", "result-too-large", "http-error"}
    assert headings == slugs(AcceptedError) | stored
    assert DOCS.endswith("/problems#")


async def test_a_problems_type_leads_to_its_section(ann: httpx.AsyncClient) -> None:
    refused = await ann.get("/v1/jobs/nothing")
    page, _, slug = refused.json()["type"].partition("#")
    answer = await ann.get(page)
    assert answer.status_code == 200
    assert f'<h2 id="{slug}">' in answer.text
