"""`accepted serve`, `worker` and `keys`: starting, refusing, ending, being killed."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from cli.conftest import Start
from helpers import alive, wait_until
from served import Server

from accepted.client import Client, Policy

Make = Callable[..., Server]


def children(pid: int) -> list[int]:
    """Processes that this one started and that still run."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


# ── refusing ──


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("served_app", r'expected a target such as "app:app"'),
        ("nothing_here:app", "there is no module 'nothing_here' here"),
        ("served_app:nothing", "served_app has no 'nothing'"),
        ("served_app:number", "expected an ASGI application or a Jobs, got int"),
        ("served_app:broken", "RuntimeError: no browser found"),
    ],
)
def test_targets_that_cannot_be_served(start: Start, tmp_path: Path, target: str, sentence: str) -> None:
    for command in ("serve", "worker"):
        port = ("--port", "0") if command == "serve" else ()
        process = start(command, target, *port, "--data", str(tmp_path))
        assert process.ends() == 4
        assert len(process.err) == 1
        assert sentence in process.err[0]


def test_a_module_that_fails_names_the_place(start: Start, tmp_path: Path) -> None:
    (tmp_path / "bad_app.py").write_text("import json\n\nnope\n")
    process = start("serve", "bad_app:app", "--port", "0", PYTHONPATH=str(tmp_path))
    assert process.ends() == 4
    assert "NameError: name 'nope' is not defined" in process.err[0]
    assert "bad_app.py:3)" in process.err[0]


def test_an_open_server_for_all_the_world_is_refused(start: Start, tmp_path: Path) -> None:
    process = start("serve", "served_app:app", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))
    assert process.ends() == 4
    assert "ACCEPTED_AUTH=keys" in process.err[0]
    allowed = start(
        "serve", "served_app:app", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path), ACCEPTED_AUTH="keys"
    )
    allowed.says(r"^serving http://0\.0\.0\.0:\d+$")


def test_a_port_that_is_taken(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("serve", "served_app:jobs", "--port", str(port), "--data", str(tmp_path))
        assert process.ends() == 4
        assert process.err[0].startswith(f"accepted: cannot listen on 127.0.0.1:{port}: Address already in use")


def test_a_folder_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = start("serve", "served_app:jobs", "--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert process.ends() == 4
    assert len(process.err) == 1


def test_a_setting_that_is_wrong(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "accepted.toml"
    config.write_text("concurrency = 'many'\n")
    process = start("serve", "served_app:jobs", "--port", "0", "--config", str(config))
    assert process.ends() == 4
    assert "concurrency: expected a number, got 'many'" in process.err[0]


def test_an_application_that_forgets_its_jobs_is_told(make_server: Make) -> None:
    server = make_server(target="served_app:forgetful").start()
    assert server.process
    server.process.says(r"give it lifespan=jobs\.lifespan")


# ── ending ──


def follow(server: Server, job_id: str) -> tuple[threading.Thread, list[str]]:
    """A client that follows, and what it has seen; it ends when the server is gone for good."""
    seen: list[str] = []

    def run() -> None:
        with Client(server.url, policy=Policy(patience=0, timeout=5)) as client:
            try:
                seen.extend(event.kind for event in client.jobs.get(job_id).events())
            except ConnectionError:
                return

    thread = threading.Thread(target=run)
    thread.start()
    return thread, seen


def test_open_streams_do_not_hold_up_the_end(make_server: Make, tmp_path: Path) -> None:
    server = make_server().start()
    with Client(server.url) as client:
        job = client.tasks["gate"].submit(path=str(tmp_path / "never"))
        events = job.events()
        next(event for event in events if event.kind == "progress")
        thread, _ = follow(server, job.id)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 4
        thread.join(20)
        assert not thread.is_alive()
    server.start()
    with Client(server.url) as client:
        again = client.jobs.get(job.id)
        reasons = (one.data.get("reason") for one in again.events() if one.kind == "pending")
        assert list(islice(reasons, 2)) == ["submitted", "interrupted"]


async def test_a_second_signal_ends_it_at_once(make_server: Make, tmp_path: Path) -> None:
    server = make_server(ACCEPTED_DRAIN="60").start()
    process = server.process
    assert process
    with Client(server.url) as client:
        job = client.tasks["gate"].submit(path=str(tmp_path / "never"))
        next(event for event in job.events() if event.kind == "running")
    process.send(signal.SIGINT)
    await wait_until(lambda: refused(server.port))
    process.send(signal.SIGINT)
    assert process.ends() == 130


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return True
    return False


# ── worker processes ──


async def test_workers_beside_the_server(make_server: Make) -> None:
    server = make_server(words="--workers 2").start()
    assert server.process
    pid = server.process.pid
    await wait_until(lambda: len(children(pid)) == 2)
    with Client(server.url) as client:
        assert client.tasks["add"].submit(a=1).result(20) == 2
    first, second = children(pid)
    os.kill(first, signal.SIGKILL)
    await wait_until(lambda: len(children(pid)) == 2 and first not in children(pid))
    assert second in children(pid)
    server.process.says("a worker process ended with code -9; another starts in 0.5 s")
    workers = children(pid)
    assert server.stop() == 0
    assert not any(map(alive, workers))


async def test_workers_end_when_the_server_is_killed(make_server: Make) -> None:
    server = make_server(words="--workers 1").start()
    assert server.process
    pid = server.process.pid
    await wait_until(lambda: children(pid))
    with Client(server.url) as client:
        client.tasks["add"].submit(a=1).result(20)
    workers = children(pid)
    server.process.send(signal.SIGKILL)
    await wait_until(lambda: not any(map(alive, workers)))


async def test_ctrl_c_in_a_terminal_reaches_workers_through_the_server_only(make_server: Make, tmp_path: Path) -> None:
    server = make_server(words="--workers 1", ACCEPTED_DRAIN="20").start()
    assert server.process
    path = tmp_path / "go"
    with Client(server.url) as client:
        job = client.tasks["gate"].submit(path=str(path))
        next(event for event in job.events() if event.kind == "progress")
    os.killpg(server.process.pid, signal.SIGINT)
    path.write_text("drained")
    assert server.process.ends() == 0
    server.start()
    with Client(server.url) as client:
        job = client.jobs.get(job.id)
        assert job.record["attempt"] == 1
        assert job.result(20) == "drained"


def test_a_worker_runs_the_lifespan_of_an_application(make_server: Make, start: Start) -> None:
    server = make_server(ACCEPTED_WORKER="false").start()
    worker = start("worker", "served_app:app", "--data", str(server.data), "--concurrency", "3")
    worker.says("working on add, count")
    with Client(server.url) as client:
        assert client.tasks["is_prepared"].submit().result(20) is True
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0


def test_a_worker_of_another_queue_takes_nothing(make_server: Make, start: Start) -> None:
    server = make_server(ACCEPTED_WORKER="false").start()
    start("worker", "served_app:jobs", "--data", str(server.data), "--queue", "other").says("working on")
    with Client(server.url) as client:
        job = client.tasks["add"].submit(a=1)
        start("worker", "served_app:jobs", "--data", str(server.data), "--queue", "default").says("working on")
        assert job.result(20) == 2


# ── settings and keys ──


def test_settings_reach_the_target(make_server: Make, tmp_path: Path) -> None:
    config = tmp_path / "accepted.toml"
    config.write_text("page_max = 3\n")
    server = make_server(words=f"--config {config}").start()
    assert (server.data / "jobs.db").exists()
    with Client(server.url) as client, pytest.raises(Exception, match="3"):
        client.jobs.list(limit=4)


def test_keys(make_server: Make, start: Start, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    made = start("keys", "create", "laptop", "--owner", "ann", "--data", data)
    assert made.ends() == 0
    key, key_id = made.out[0], made.err[0].rsplit(" ", 1)[1]
    server = make_server(ACCEPTED_AUTH="keys").start()
    submit = ("submit", "add", "a=1", "--wait", "20s", "--url", server.url)
    done = start(*submit, ACCEPTED_KEY=key)
    assert done.ends() == 0
    assert done.out == ["2"]
    refused = start(*submit)
    assert refused.ends() == 4
    listed = start("keys", "list", "--data", data)
    assert listed.ends() == 0
    assert "laptop" in listed.out[1]
    assert key not in "\n".join(listed.out)
    assert start("keys", "revoke", key_id, "--data", data).ends() == 0
    assert start("keys", "revoke", key_id, "--data", data).ends() == 4
