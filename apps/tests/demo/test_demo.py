"""The demo from its first line to its last, and what is left of it then."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from helpers import alive, wait_until


class Demo:
    """`python -m accepted_apps.demo` up to a line that begins so."""

    def __init__(self, process: subprocess.Popen[str], until: str) -> None:
        self.process = process
        self.said = ""
        assert process.stdout is not None
        for line in process.stdout:
            self.said += line
            if line.startswith(until):
                break
        else:
            raise AssertionError(self.said)
        found = re.search(r"^server +(\S+)", self.said, re.MULTILINE)
        assert found, self.said
        self.url = found[1]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, verify=False, trust_env=False, timeout=20)

    async def end(self, number: signal.Signals) -> int:
        """The exit code; by then nothing of it runs any more."""
        started = group_of(self.process.pid)
        assert len(started) > 1
        self.process.send_signal(number)
        code = self.process.wait(40)
        await wait_until(lambda: not any(map(alive, started)), what="the end of all processes")
        return code


def group_of(pid: int) -> list[int]:
    """The process and all that it has started, directly or not."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [pid]
    for known in found:
        found += [child for child, parent in parents if parent == known]
    return found


@contextmanager
def demo(data: Path, port: int, *, until: str = "Serving on ", **variables: str) -> Iterator[Demo]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCEPTED_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "accepted_apps.demo", "--port", str(port), "--data", str(data)],
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Demo(process, until)
    finally:
        process.terminate()
        process.wait(40)
        assert process.stdout is not None
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return min(port, 60_000)


@pytest.mark.browser
async def test_the_demo_shows_each_application_and_serves_until_ctrl_c(tmp_path: Path) -> None:
    with demo(tmp_path / "data", free_port()) as running:
        said = running.said
        assert f"Serving on {running.url} until Ctrl-C." in said
        for tier in ("Lightweight", "IP Rotation", "Browser Mode"):
            assert tier in said
        assert "Cloudflare block page" in said
        assert "brought the page" in said
        assert "100 elements" in said
        task_id = re.search(r"/preview#(\S+)", said)
        assert task_id
        task = running.get(f"/scraper/task/{task_id[1]}").json()
        assert (task["status"], task["tier"]) == ("completed", 3)
        assert all(
            running.get(f"/{page}").status_code == 200 for page in ("preview", "profiles", "news", "sales", "audit")
        )
        assert "6 posts with 1,200 comments and replies." in said
        assert "12 articles of 3 sources. Gone Gazette: " in said
        news_id = re.search(r"/news#(\S+)", said)
        assert news_id
        assert running.get(f"/api/news/scrape-job/{news_id[1]}").json()["job"]["status"] == "completed"
        assert running.get("/api/news/documents?q=lighthouse").json()["pagination"]["total"] > 0
        covered = re.search(r"its listing covers (\d+) of them, the optimised one (\d+):", said)
        assert covered
        assert int(covered[2]) > int(covered[1])
        sales_id = re.search(r"/sales#(\S+)", said)
        assert sales_id
        analysis = running.get(f"/api/v1/job-status/{sales_id[1]}").json()
        assert [step["status"] for step in analysis["steps"]] == ["completed"] * 4
        assert "3 of 3 endpoints matched." in said
        assert "GET /api/users/42: read_user in app/users.py" in said
        audit_id = re.search(r"/audit#(\S+)", said)
        assert audit_id
        assert running.get(f"/status/{audit_id[1]}").json()["status"] == "completed"
        assert (tmp_path / "data" / "jobs.db").exists()
        assert await running.end(signal.SIGINT) == 0


async def test_without_a_browser_two_tiers_are_climbed_and_nothing_is_left_of_a_demo_that_is_stopped_midway(
    tmp_path: Path,
) -> None:
    port, temporary = free_port(), tmp_path / "temporary"
    temporary.mkdir()
    variables = {"ACCEPTED_PREVIEW_BROWSER_PATH": "/nothing/here", "TMPDIR": str(temporary)}
    with (
        socket.create_server(("127.0.0.1", port)),
        demo(tmp_path / "data", port, until="$ accepted submit profile", **variables) as running,
    ):
        assert running.url != f"http://127.0.0.1:{port}", "the next free one"
        assert "No Chromium or Chrome here, so two tiers: install one with `apt-get install chromium`." in running.said
        assert "brought the page" in running.said
        task = running.get("/scraper/tasks").json()["tasks"][0]
        assert (task["status"], task["cost"]) == ("completed", 0.0051)
        assert await running.end(signal.SIGTERM) == 0
    assert [*temporary.iterdir()] == []


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "accepted_apps.demo", "--port", str(free_port()), "--data", str(tmp_path)],
        env={**os.environ, "ACCEPTED_LEASE": "never"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ACCEPTED_LEASE" in done.stdout
