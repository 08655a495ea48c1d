"""What is paid for nothing: a server without requests, and the import."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.figure import Bench, Row, at_most
from bench.machine import cpu_seconds, resident_bytes
from bench.processes import ROOT, serving


def idle(bench: Bench) -> list[Row]:
    with serving(bench.folder, "bench.tasks:jobs") as (server, _):
        time.sleep(bench.pick(2.0, 0.2))
        cpu, start = cpu_seconds(server.pid), time.monotonic()
        time.sleep(bench.pick(20.0, 0.5))
        share = (cpu_seconds(server.pid) - cpu) / (time.monotonic() - start)
        memory = resident_bytes(server.pid) / 1024**2
    return [
        at_most("idle server with a worker, processor", share * 100, 1, "{:.2f} % of a core"),
        at_most("idle server with a worker, memory", memory, 100, "{:.0f} MiB"),
    ]


def importing(bench: Bench) -> list[Row]:
    code = "import time; start = time.perf_counter(); import accepted; print(time.perf_counter() - start)"
    took = [
        float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout) * 1000
        for _ in range(bench.pick(15, 3))
    ]
    return [at_most("import accepted, best of several", min(took), 150, "{:.0f} ms")]
