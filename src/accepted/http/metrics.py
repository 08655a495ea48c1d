"""`/metrics` in the Prometheus text format (0.0.4), written by hand: six kinds of lines need no library.

Counters and histograms are this process's own (`Meter`); gauges are the store's, the same from every process. So sum
the former over processes and take the maximum of the latter. docs/http.md lists them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from accepted.meter import Histogram
from accepted.stores.base import Tally

if TYPE_CHECKING:
    from accepted.jobs import Jobs

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Samples = Iterable[tuple[Mapping[str, str], float]]


async def render(jobs: Jobs) -> bytes:
    """All metrics of this process and of the store. Raises StoreError."""
    store, meter = jobs.store, jobs.meter.read()
    tallies = await store.tallies()
    oldest, workers = await store.oldest_pending(), await store.workers()
    now = time.time()
    lines: list[str] = []
    for family in (
        _counter(
            "accepted_jobs_submitted_total",
            "Jobs stored by this process.",
            [({"task": task}, count) for task, count in meter.submitted.items()],
        ),
        _counter(
            "accepted_attempts_total",
            "Attempts ended in this process, by what the job became (pending: it will be tried again).",
            [({"task": task, "outcome": status}, sum(one.counts)) for (task, status), one in meter.run.items()],
        ),
        _counter(
            "accepted_leases_lost_total", "Attempts that lost their lease in this process.", [({}, meter.leases_lost)]
        ),
        _counter(
            "accepted_events_delivered_total",
            "Events handed to watchers by this process.",
            [({}, jobs.hub.delivered)],
        ),
        _histogram(
            "accepted_job_wait_seconds",
            "From when a job could start to when its attempt did.",
            [({}, meter.wait)],
        ),
        _histogram(
            "accepted_job_run_seconds",
            "Attempts that ended in this process.",
            [({"task": task, "status": status}, one) for (task, status), one in meter.run.items()],
        ),
        _gauge("accepted_subscribers", "Open event streams and sockets of this process.", [({}, jobs.hub.watchers)]),
        _gauge(
            "accepted_jobs",
            "Jobs by status, from the store; those that are over are counted since the store exists.",
            _by_queue(tallies),
        ),
        _gauge(
            "accepted_oldest_pending_seconds",
            "Age of the job that could run and waits longest; 0: none waits.",
            [({}, max(0.0, now - oldest) if oldest is not None else 0.0)],
        ),
        _gauge("accepted_workers", "Live workers, from the store.", [({}, len(workers))]),
        _gauge(
            "accepted_worker_slots",
            "Jobs that the live workers can run at once.",
            [({}, sum(worker.concurrency for worker in workers))],
        ),
    ):
        lines += family
    return "".join(f"{line}\n" for line in lines).encode()


def _by_queue(tallies: Sequence[Tally]) -> Samples:
    """By status and queue; tasks are summed up, they have counters of their own."""
    sums: dict[tuple[str, str], int] = {}
    for tally in tallies:
        key = (tally.status.value, tally.queue)
        sums[key] = sums.get(key, 0) + tally.jobs
    return [({"status": status, "queue": queue}, jobs) for (status, queue), jobs in sums.items()]


def _counter(name: str, meaning: str, samples: Samples) -> Iterator[str]:
    return _family(name, meaning, "counter", samples)


def _gauge(name: str, meaning: str, samples: Samples) -> Iterator[str]:
    return _family(name, meaning, "gauge", samples)


def _family(name: str, meaning: str, kind: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _histogram(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], Histogram]]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} histogram"
    for labels, histogram in samples:
        running = 0
        for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
            running += count
            yield _sample(
                f"{name}_bucket", {**labels, "le": "+Inf" if bound == float("inf") else f"{bound:g}"}, running
            )
        yield _sample(f"{name}_sum", labels, histogram.total)
        yield _sample(f"{name}_count", labels, running)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
