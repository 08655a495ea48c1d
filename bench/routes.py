"""Requests over HTTP, against bare routes of FastAPI in the same server: submitting and polling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bench.figure import Bench, Row, at_least, at_most, median, percentile, shown
from bench.machine import cpu_seconds, fdatasync_seconds
from bench.processes import helper, serving

CONNECTIONS: Final = 32
BODY: Final = b'{"repo":"owner/name","branch":"main","depth":3}'
COMMIT_PAGES: Final = 18
"""What a commit of a job from each connection writes to the log, in pages."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and the process."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of request, and what the rounds measured of it."""

    server: Server
    request: bytes
    status: int
    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    """Of the generator: its share of a core."""
    costs: list[float] = field(default_factory=list)
    """Microseconds of the server's processor time for each request, all its threads."""

    def measure(self, folder: Path, seconds: float) -> None:
        cpu = cpu_seconds(self.server.pid)
        found: Mapping[str, Any] = helper(
            folder,
            "generator",
            port=self.server.port,
            request=self.request.decode(),
            status=self.status,
            connections=CONNECTIONS,
            seconds=seconds,
        ).answer()
        if found["wrong"]:
            raise RuntimeError(f"{found['wrong']} answers were not {self.status}")
        self.costs.append((cpu_seconds(self.server.pid) - cpu) / found["answers"] * 1e6)
        self.rates.append(found["rate"])
        self.p50s.append(found["p50_ms"])
        self.p99s.append(found["p99_ms"])
        self.cpus.append(found["cpu"])


def submit(bench: Bench) -> list[Row]:
    """The routes in an application of FastAPI, and served alone; jobs are stored and not run."""
    with _both_servers(bench, worker=False) as (app, own):
        bare = Asked(app, _post("/bare/tasks/order"), 202)
        included = Asked(app, _post("/v1/tasks/order"), 202)
        alone = Asked(own, _post("/v1/tasks/order"), 202)
        syncs = _in_turns(bench, bare, included, alone)
    return [
        *_compared("POST /v1/tasks/{task} in a FastAPI app", included, bare, 0.9, 2),
        *_compared("POST /v1/tasks/{task}, served alone", alone, bare, 0.9, 2),
        _bare("the bare POST beside it", bare),
        _disk("what the disk takes for a commit of 32 jobs, p99", syncs),
    ]


def poll(bench: Bench) -> list[Row]:
    """304 for a job that runs."""
    with _both_servers(bench, worker=True) as (app, own):
        bare = Asked(app, _get("/bare/jobs/1", 'W/"2"'), 304)
        included = Asked(app, _get(*_running_job(app, bench.folder)), 304)
        alone = Asked(own, _get(*_running_job(own, bench.folder)), 304)
        _in_turns(bench, bare, included, alone)
    return [
        *_compared("GET /v1/jobs/{id} → 304 in a FastAPI app", included, bare, 1.0, None),
        *_compared("GET /v1/jobs/{id} → 304, served alone", alone, bare, 1.0, None),
        _bare("the bare 304 beside it", bare),
    ]


@contextmanager
def _both_servers(bench: Bench, *, worker: bool) -> Iterator[tuple[Server, Server]]:
    """An application of FastAPI and of accepted alone, each with a database of its own."""
    folders = [bench.folder / name for name in ("included", "alone")]
    for folder in folders:
        folder.mkdir()
    with (
        serving(folders[0], "bench.served:app", worker=worker) as (app, port),
        serving(folders[1], "bench.tasks:jobs", worker=worker) as (own, own_port),
    ):
        yield Server(port, app.pid), Server(own_port, own.pid)


def _running_job(server: Server, folder: Path) -> tuple[str, str]:
    """Path and tag of a job that runs until its server ends."""
    api = f"http://127.0.0.1:{server.port}"
    path = httpx.post(f"{api}/v1/tasks/marathon", json={"ledger": str(folder / "ledger")}).headers["location"]
    while (found := httpx.get(api + path)).json()["status"] != "running":
        pass
    return path, found.headers["etag"]


def _in_turns(bench: Bench, *kinds: Asked) -> list[float]:
    """The times, in seconds, that the disk took meanwhile to write and sync what a commit for all of them writes."""
    syncs: list[float] = []
    for number in range(bench.pick(7, 1)):
        syncs += fdatasync_seconds(bench.folder, pages=COMMIT_PAGES)
        for kind in kinds if number % 2 else reversed(kinds):
            kind.measure(bench.folder, bench.pick(1.5, 0.2))
    return syncs


def _compared(what: str, ours: Asked, bare: Asked, wanted: float, p99_wanted: float | None) -> list[Row]:
    ratio = median([mine / other for mine, other in zip(ours.rates, bare.rates, strict=True)])
    p99 = median([mine / other for mine, other in zip(ours.p99s, bare.p99s, strict=True)])
    times = " × the bare one"
    note = f" ({median(ours.p99s):.1f} ms)"
    return [
        at_least(what, ratio, wanted, "{:.2f}" + times, f" ({median(ours.rates):,.0f}/s)"),
        shown("  processor time", median(ours.costs), "{:,.0f} µs", f", the bare one {median(bare.costs):,.0f}"),
        shown("  p99", p99, "{:.2f}" + times, note)
        if p99_wanted is None
        else at_most("  p99", p99, p99_wanted, "{:.2f}" + times, note),
    ]


def _bare(what: str, bare: Asked) -> Row:
    note = f", p99 {median(bare.p99s):.1f} ms; the generator took {median(bare.cpus):.0%} of a core"
    return shown(what, median(bare.rates), "{:,.0f}/s", note)


def _disk(what: str, syncs: list[float]) -> Row:
    p50, p99 = (percentile(syncs, percent) * 1000 for percent in (50, 99))
    return shown(what, p99, "{:.1f} ms", f", p50 {p50:.1f} ms")


def _post(path: str) -> bytes:
    kind = f"content-type: application/json\r\ncontent-length: {len(BODY)}"
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{kind}\r\n\r\n"
    return head.encode() + BODY


def _get(path: str, tag: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nif-none-match: {tag}\r\n\r\n".encode()
