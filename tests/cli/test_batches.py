"""`accepted submit --batch` and `accepted delete-all`, as processes, against a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.conftest import Start
from served import Process, Server, command, environment

from accepted.client import Client

Run = Callable[..., Process]


@pytest.fixture
def run(start: Start, server: Server) -> Run:
    """A command to its end: `run("jobs", code=0)`."""

    def run(*words: str, code: int = 0) -> Process:
        process = start(*words, ACCEPTED_URL=server.url)
        assert process.ends() == code, (process.out, process.err)
        return process

    return run


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url)


def test_a_job_for_each_line(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "numbers").write_bytes(b'\xef\xbb\xbf{"a":1}\r\n\n{"a":2}')
    with client:
        words = ("submit", "add", "--batch", str(tmp_path / "numbers"), "--idempotency-key", "numbers")
        process = run(*words)
        assert process.err == ["2 stored, 0 refused"]
        assert [client.jobs.get(job_id).result(20) for job_id in process.out] == [2, 3]
        assert run(*words).out == process.out


def test_refused_lines_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "numbers").write_text('{"a":1}\n\n{"a":"\x1b]0;x"}\nno\n{"a":4}\n')
    process = run("submit", "add", "--batch", str(tmp_path / "numbers"), code=4)
    assert len(process.out) == 2
    assert process.err[0].startswith("line 3: ")
    assert process.err[1].startswith("line 4: The line is not JSON")
    assert process.err[2] == "2 stored, 2 refused"
    found = [
        json.loads(line) for line in run("submit", "add", "--batch", str(tmp_path / "numbers"), "--json", code=4).out
    ]
    assert [one["line"] for one in found] == [1, 3, 4, 5]
    assert [one["error"] and one["error"]["code"] for one in found] == [None, "bad-request", "bad-request", None]
    assert found[0]["status"] == "pending"
    assert found[0]["replayed"] is False


def test_from_stdin(server: Server) -> None:
    done = subprocess.run(
        command("submit", "add", "--batch", "-"),
        input=b'{"a":1}\n' * 3,
        env=environment(ACCEPTED_URL=server.url),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert len(done.stdout.split()) == 3


def test_what_is_for_one_job(run: Run, tmp_path: Path) -> None:
    (tmp_path / "numbers").write_text('{"a":1}\n')
    for words in (("a=1",), ("--follow",), ("--wait", "1s")):
        process = run("submit", "add", "--batch", str(tmp_path / "numbers"), *words, code=2)
        assert "they are for one job" in process.err[-1]


def test_delete_all(run: Run, client: Client) -> None:
    with client:
        client.tasks["echo"].with_options(delay="1h").submit_many([{"text": "x"}] * 3)
        assert "say which" in run("delete-all", "--yes", code=2).err[-1]
        assert "say which" in run("delete-all", "--everything", "--task", "echo", "--yes", code=2).err[-1]
        assert run("delete-all", "--task", "echo", "--status", "failed", "--yes").err == ["deleted 0 jobs"]
        assert run("delete-all", "--task", "echo", "--status", "pending", "--yes").err == ["deleted 3 jobs"]
        client.tasks["echo"].submit(text="x")
        assert run("delete-all", "--everything", "--yes").err[-1].startswith("deleted ")
        assert client.jobs.list().jobs == []


def test_delete_all_asks(server: Server, client: Client) -> None:
    with client:
        job = client.tasks["echo"].with_options(delay="1h").submit(text="x")
        for answer, left in ((b"n\n", True), (b"y\n", False)):
            done = subprocess.run(
                command("delete-all", "--task", "echo"),
                input=answer,
                env=environment(ACCEPTED_URL=server.url),
                capture_output=True,
                timeout=30,
                check=False,
            )
            assert b"Delete all jobs of yours (of task echo) with their results?" in done.stderr
            assert (done.returncode != 0) is left
            assert (job.id in [one.id for one in client.jobs.list().jobs]) is left
