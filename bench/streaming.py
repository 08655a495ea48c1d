"""Live events to many watchers."""

from __future__ import annotations

import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Bench, Row, at_least, at_most, median, shown
from bench.machine import cpu_seconds, resident_bytes, waited_seconds
from bench.processes import Child, helper, serving, working
from bench.raw import chunks

# ── full speed ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Burst:
    """What the worker writes. `held`: the server is stopped until all of it is committed, so that nobody waits for the
    worker and the disk."""

    name: str
    commits: int
    events: int
    held: bool = False


def full_speed(bench: Bench) -> list[Row]:
    """A worker process commits events as fast as the disk takes them; the server brings them to 200 watchers. Then a
    raw loop sends what one of them received, in the same chunks, to as many sockets; and so does an application
    that does nothing but that, over the server that ours runs on."""
    rows = []
    bursts = (_Burst("one a commit", 2_000, 1), _Burst("50 a commit", 180, 50), _Burst("9,000 at once", 180, 50, True))
    for burst in bench.pick(bursts, (_Burst("one a commit", 50, 1), _Burst("50 at once", 50, 1, True))):
        rounds = [_compared(bench.folder, burst) for _ in range(bench.pick(3, 1))]
        chunk = median([one.chunk for one in rounds])
        busy = median([one.ours.cpu / one.ours.seconds for one in rounds])
        rows += [
            at_least(
                f"live events to 200 watchers, {burst.name}",
                median([one.raw.seconds / one.ours.seconds for one in rounds]),
                0.7,
                "{:.2f} × a raw loop",
                f" ({median([one.deliveries / one.ours.seconds for one in rounds]):,.0f} of"
                f" {median([one.deliveries / one.raw.seconds for one in rounds]):,.0f} deliveries/s;"
                f" by CPU time {median([one.raw.cpu / one.ours.cpu for one in rounds]):.2f})",
            ),
            shown(
                "  the raw loop as a bare application",
                median([one.raw.seconds / one.bare.seconds for one in rounds]),
                "{:.2f} × a raw loop",
                f" (by CPU time {median([one.raw.cpu / one.bare.cpu for one in rounds]):.2f});"
                f" {chunk:.0f} events a chunk, our server {busy:.0%} busy",
            ),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class _Time:
    """Seconds of the clock, and of the server's processor time."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class _Round:
    ours: _Time
    raw: _Time
    bare: _Time
    """The raw loop as an application of the server that ours runs on."""
    deliveries: int
    chunk: float
    """Events in one, on average."""


def _compared(parent: Path, burst: _Burst) -> _Round:
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder, events = Path(name), burst.commits * burst.events
        ours = _live(folder, 200, burst)
        stream = (folder / "stream").read_bytes()
        if stream.count(b"\nevent: output\n") != events:
            raise RuntimeError("a watcher was not brought every event")
        raw, bare = (_raw(folder, 200, uvicorn=uvicorn) for uvicorn in (False, True))
        return _Round(ours, raw, bare, 200 * events, events / len(chunks(stream)))


def _live(folder: Path, watchers: int, burst: _Burst) -> _Time:
    gate = folder / "gate"
    with (
        serving(folder, "bench.tasks:jobs", worker=False, owner_watchers_max=watchers) as (server, port),
        working(folder) as worker,
    ):
        job = _submitted(port, "burst", gate=str(gate), commits=burst.commits, events=burst.events)
        _wait_until_running(port, job)
        with _audience(folder, port, job, watchers, "sse", record=True) as audience:
            return _timed(folder, gate, server, audience, held_for=worker if burst.held else None)


def _raw(folder: Path, watchers: int, *, uvicorn: bool) -> _Time:
    gate = folder / f"gate-of-the-others-{uvicorn}"
    with helper(folder, "raw", stream=str(folder / "stream"), gate=str(gate), uvicorn=uvicorn) as server:
        port = int(server.says(r"^port (\d+)$")[1])
        with _audience(folder, port, "-", watchers, "sse", record=True) as audience:
            return _timed(folder, gate, server, audience)


def _timed(folder: Path, gate: Path, server: Child, audience: Child, *, held_for: Child | None = None) -> _Time:
    _wait_for(folder / "ready", audience)
    before = cpu_seconds(server.pid)
    if held_for is not None:
        server.process.send_signal(signal.SIGSTOP)
    gate.touch()
    continued = None
    if held_for is not None:
        _wait_for(gate.with_name("gate-done"), held_for)
        continued = time.time()
        server.process.send_signal(signal.SIGCONT)
    told = audience.answer()
    # The kernel counts hundredths.
    return _Time(told["ended"] - (continued or told["began"]), max(cpu_seconds(server.pid) - before, 0.01))


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────


def many(bench: Bench) -> list[Row]:
    """A job with 10 events a second and 1,000 watchers of it."""
    rows = []
    watchers = bench.pick(1_000, 50)
    for transport, name in (("sse", "SSE"), ("websocket", "WebSocket")):
        folder = bench.folder / transport
        folder.mkdir()
        found = _many(folder, transport, watchers, ticks=bench.pick(200, 20))
        what = f"{watchers:,} watchers by {name}, 10 events/s"
        lost = f", {found['lost']} lost"
        rows += [
            at_most(
                f"{what}: lag p99",
                found["p99_ms"],
                100,
                "{:.0f} ms",
                f" (p50 {found['p50_ms']:.0f}){lost}",
            ),
            shown(
                "  of it since its commit began, p99",
                found["commit_p99_ms"],
                "{:.0f} ms",
                f" (p50 {found['commit_p50_ms']:.0f})",
            ),
            shown("  longest that the server had no processor", found["waited"] * 1000, "{:.0f} ms"),
            at_most(
                "  memory of the server for each",
                found["memory"] / 1024,
                60,
                "{:.0f} KiB",
                f"; {found['server_cpu']:.0%} of a core",
            ),
        ]
    return rows


def _many(folder: Path, transport: str, watchers: int, ticks: int) -> dict[str, Any]:
    with serving(folder, "bench.tasks:jobs", owner_watchers_max=watchers + 1) as (server, port):
        # One first, so that what is loaded once is not counted as memory of the many.
        with _audience(folder, port, _submitted(port, "ticker", ticks=3, pause=0.1), 1, transport) as first:
            first.answer()
        before = resident_bytes(server.pid)
        job = _submitted(port, "ticker", ticks=ticks, pause=0.1)
        with _audience(folder, port, job, watchers, transport) as audience:
            _wait_for(folder / "ready", audience)
            cpu, start, most = cpu_seconds(server.pid), time.monotonic(), before
            waited, longest = waited_seconds(server.pid), 0.0
            while audience.process.poll() is None:
                most = max(most, resident_bytes(server.pid))
                longest = max(longest, waited_seconds(server.pid) - waited)
                waited = waited_seconds(server.pid)
                time.sleep(0.1)
            cpu = (cpu_seconds(server.pid) - cpu) / (time.monotonic() - start)
            memory = (most - before) / watchers
            return {**audience.answer(), "memory": memory, "server_cpu": cpu, "waited": longest}


def _audience(folder: Path, port: int, job: str, watchers: int, transport: str, *, record: bool = False) -> Child:
    """`ready` appears in the folder when all of them follow the job."""
    (folder / "ready").unlink(missing_ok=True)
    asked = {"port": port, "job": job, "watchers": watchers, "transport": transport}
    return helper(folder, "watchers", **asked, folder=str(folder), record=record)


def _submitted(port: int, task: str, **arguments: Any) -> str:
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/tasks/{task}", json=arguments)
    return str(answer.raise_for_status().json()["id"])


def _wait_until_running(port: int, job: str) -> None:
    while httpx.get(f"http://127.0.0.1:{port}/v1/jobs/{job}").json()["status"] != "running":
        time.sleep(0.01)


def _wait_for(path: Path, maker: Child) -> None:
    while not path.exists():
        if maker.process.poll() is not None:
            maker.answer()
        time.sleep(0.005)
