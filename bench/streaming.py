"""Live events to many watchers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Bench, Row, at_least, at_most, median, shown
from bench.machine import cpu_seconds, resident_bytes
from bench.processes import Child, helper, serving, working

# ── full speed ───────────────────────────────────────────────────────────────────────────────────────


def full_speed(bench: Bench) -> list[Row]:
    """A worker process commits events as fast as the disk takes them; the server brings them to 200 watchers. Then a
    raw loop sends what one of them received, in the same chunks, to as many sockets."""
    rows = []
    kinds = (("one", 2_000, 1), ("50", 200, 50))
    for name, commits, events in bench.pick(kinds, (("one", 50, 1),)):
        ours, theirs, cpu = [], [], []
        for number in range(bench.pick(3, 1)):
            folder = bench.folder / f"{name}-{number}"
            folder.mkdir()
            mine = _live(folder, 200, commits, events)
            raw = _raw(folder, 200)
            deliveries = 200 * commits * events
            ours.append(deliveries / mine[0])
            theirs.append(deliveries / raw[0])
            cpu.append(raw[1] / mine[1])
        share = median([mine / other for mine, other in zip(ours, theirs, strict=True)])
        rows.append(
            at_least(
                f"live events to 200 watchers, {name} a commit",
                share,
                0.7,
                "{:.2f} × a raw loop",
                f" ({median(ours):,.0f} of {median(theirs):,.0f} deliveries/s; by CPU time {median(cpu):.2f})",
            )
        )
    return rows


def _live(folder: Path, watchers: int, commits: int, events: int) -> tuple[float, float]:
    """Seconds of the clock, and of the server's processor time."""
    gate = folder / "gate"
    with (
        serving(folder, "bench.tasks:jobs", worker=False, owner_watchers_max=watchers) as (server, port),
        working(folder),
    ):
        job = _submitted(port, "burst", gate=str(gate), commits=commits, events=events)
        _wait_until_running(port, job)
        with _audience(folder, port, job, watchers, "sse", record=True) as audience:
            return _timed(folder, gate, server, audience)


def _raw(folder: Path, watchers: int) -> tuple[float, float]:
    """The same of a raw loop."""
    gate = folder / "raw-gate"
    with helper(folder, "raw", stream=str(folder / "stream"), gate=str(gate)) as server:
        port = int(server.says(r"^port (\d+)$")[1])
        with _audience(folder, port, "-", watchers, "sse", record=True) as audience:
            return _timed(folder, gate, server, audience)


def _timed(folder: Path, gate: Path, server: Child, audience: Child) -> tuple[float, float]:
    _wait_for(folder / "ready", audience)
    before = cpu_seconds(server.pid)
    gate.touch()
    seconds = float(audience.answer()["seconds"])
    return seconds, cpu_seconds(server.pid) - before


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
                "  of it since the commit, p99",
                found["commit_p99_ms"],
                "{:.0f} ms",
                f" (p50 {found['commit_p50_ms']:.0f})",
            ),
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
            while audience.process.poll() is None:
                most = max(most, resident_bytes(server.pid))
                time.sleep(0.1)
            cpu = (cpu_seconds(server.pid) - cpu) / (time.monotonic() - start)
            return {**audience.answer(), "memory": (most - before) / watchers, "server_cpu": cpu}


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
