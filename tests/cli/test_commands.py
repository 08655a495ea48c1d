"""The commands that talk to a server, as processes, against a real one."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Start
from served import Process, Server

import accepted
from accepted.client import Client

Run = Callable[..., Process]


@pytest.fixture
def run(start: Start, server: Server) -> Run:
    """A command to its end: `run("jobs", code=0)`."""

    def run(*words: str, code: int = 0, **variables: str) -> Process:
        process = start(*words, **{"ACCEPTED_URL": server.url, **variables})
        assert process.ends() == code, (process.out, process.err)
        return process

    return run


def value(process: Process) -> Any:
    return json.loads("\n".join(process.out))


def test_submit_follow_prints_what_happens_and_the_result(run: Run) -> None:
    process = run("submit", "story", "--follow")
    assert value(process) == {"over": "\x9bnow"}
    told = "\n".join(process.err)
    for part in (
        "queued",
        "▶ started",
        "· first part",
        "✓ first part",
        "careful  where=\\x1b]0;title\\x07here",
        '← {"row": 1}',
        "✗ second part: wrong \\x1b[31m turn",
        "tries again in",
        "▶ started, attempt 2",
        "+ report.csv  4 B  text/csv",
        "50% 3/6 rows half",
        "✓ completed in",
        "2 attempts, cost 0.5",
    ):
        assert part in told, part
    assert told.count("✓ first part") == 1


def test_nothing_that_steers_a_terminal_is_printed(run: Run) -> None:
    process = run("submit", "story", "--follow")
    printed = "\n".join((*process.out, *process.err))
    assert not [char for char in printed if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]


def test_submit_prints_an_id_to_work_with(run: Run, server: Server) -> None:
    job_id = run("submit", "add", "a:=2", "b=40").out[0]
    assert value(run("result", job_id, "--wait", "20s")) == 42
    assert run("watch", job_id).err[-1].startswith("✓ completed")
    shown = "\n".join(run("show", job_id).out)
    assert "completed" in shown
    assert job_id in shown
    assert value(run("show", job_id, "--json"))["task"] == "add"
    run("delete", job_id)
    assert "was removed (deleted)" in run("show", job_id, code=4).err[0]
    assert "no job 'nobody'" in run("watch", "nobody", code=4).err[0]


def test_submit_json(run: Run) -> None:
    job = value(run("submit", "add", "a=1", "--json", "--priority", "3", "--delay", "1h", "--cancel-after", "2h"))
    assert (job["status"], job["priority"]) == ("pending", 3)
    assert job["deadline_at"]


def test_submit_wait(run: Run, tmp_path: Path) -> None:
    assert value(run("submit", "add", "a=1", "--wait", "20s")) == 2
    process = run("submit", "gate", f"path={tmp_path / 'never'}", "--wait", "100ms", code=5)
    assert process.err[0].startswith("watch it: accepted watch ")
    run("cancel", process.out[0])


def test_submit_with_files(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    fields = [f"first@{tmp_path / 'a'}", f"others@{tmp_path / 'b'}", f"others@{tmp_path / 'c'}", "sign=+"]
    assert value(run("submit", "join", *fields, "--wait", "20s"))["joined"] == "a+b+c"


def test_the_exit_code_says_how_it_ended(run: Run, server: Server, tmp_path: Path) -> None:
    process = run("submit", "refuse", "why=closed", "--follow", code=1)
    assert process.out == []
    assert process.err[-1].startswith("✗ failed in")
    assert process.err[-1].endswith(": closed")
    job_id = run("submit", "refuse", "why=closed").out[0]
    assert run("result", job_id, "--wait", "20s", code=1).err == ["accepted: the job failed: closed"]
    job_id = run("submit", "gate", f"path={tmp_path / 'never'}").out[0]
    assert "it goes on" in run("result", job_id, code=5).err[0]
    assert run("cancel", job_id, "--reason", "enough").out[0] in ("cancelling", "cancelled")
    assert run("watch", job_id, code=3).err[-1].startswith("■ cancelled")
    assert run("retry", job_id).out == ["pending"]
    run("delete", job_id)


def test_events_for_programs(run: Run) -> None:
    events = [json.loads(line) for line in run("submit", "count", "to=3", "--follow", "--json").out]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["kind"] == "completed"
    job_id = events[0]["job_id"]
    again = [json.loads(line) for line in run("watch", job_id, "--json", "--after", "2").out]
    assert again == events[2:]


def test_ctrl_c_leaves_the_job_running(start: Start, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "go"
    process = start("submit", "gate", f"path={path}", "--follow", ACCEPTED_URL=server.url)
    process.says("10% waiting")
    process.send(signal.SIGINT)
    assert process.ends() == 130
    job_id = process.says(r"The job goes on. Watch it: accepted watch (\S+) --url http://127")[1]
    path.write_text("on")
    with Client(server.url) as client:
        assert client.jobs.get(job_id).result(20) == "on"


def test_tasks(run: Run) -> None:
    lines = [" ".join(line.split()) for line in run("tasks").out]
    assert lines[0] == "task arguments about"
    assert "add a= [b=] Add two numbers." in lines
    assert "join first@ [others@] [sign=]" in lines
    assert {task["name"] for task in value(run("tasks", "--json"))} >= {"add", "join"}


def test_jobs(run: Run) -> None:
    ids = [run("submit", "echo", f"text=needle {n}", "--json") for n in range(3)]
    newest = value(ids[-1])["id"]
    run("result", newest, "--wait", "20s")
    lines = run("jobs", "--search", "needle", "--limit", "2").out
    assert len(lines) == 3
    assert lines[1].startswith(newest)
    assert "completed" in lines[1]
    found = value(run("jobs", "--task", "echo", "--status", "completed", "--json"))
    assert newest in [job["id"] for job in found]


def test_download(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    job_id = run("submit", "join", f"first@{tmp_path / 'a'}").out[0]
    run("result", job_id, "--wait", "20s")
    assert "joined.txt  1 B  text/plain" in "\n".join(run("show", job_id).out)
    run("download", job_id, "joined.txt", str(tmp_path / "b"))
    assert (tmp_path / "b").read_text() == "a"


def test_purge(run: Run) -> None:
    done = run("submit", "echo", "text=old", "--json")
    job_id = value(done)["id"]
    run("result", job_id, "--wait", "20s")
    assert run("purge", "--task", "echo", "--older-than", "1h", "--yes").err == ["nothing to delete"]
    assert run("purge", "--task", "echo", code=130).err[-1].startswith("Delete ")
    assert run("purge", "--task", "echo", "--status", "completed", "--yes").err[0].startswith("deleted ")
    run("show", job_id, code=4)
    assert "expected a duration" in run("purge", "--older-than", "soon", code=2).err[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["submit", "add", "a"], "expected name=value, name:=json, name@file or name:-, got 'a'"),
        (["submit", "add", "a:={"], "is not JSON"),
        (["submit", "join", "first@/nowhere"], "there is no file '/nowhere'"),
        (["jobs", "--status", "sleeping"], "'sleeping' is not one of"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_wrong_command_lines(run: Run, words: list[str], sentence: str) -> None:
    assert sentence in run(*words, code=2).err[-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["submit", "add", "a=x"], "accepted: a: Input should be a valid integer"),
        (["submit", "nothing"], "accepted: There is no task 'nothing'"),
        (["jobs", "--url", "http://127.0.0.1:9"], "accepted: Cannot reach http://127.0.0.1:9"),
        (["jobs", "--url", "nowhere"], "accepted: expected the address of a server"),
        (["submit", "add", "a=1", "--delay", "soon"], "accepted: expected a duration"),
    ],
)
def test_trouble_is_one_sentence(run: Run, words: list[str], sentence: str) -> None:
    process = run(*words, code=4, ACCEPTED_RETRIES="0")
    assert len(process.err) == 1
    assert process.err[0].startswith(sentence)


def test_a_reader_that_goes_away(start: Start, server: Server) -> None:
    import subprocess

    from served import command, environment

    line = " ".join(command("tasks", "--json")) + " | head -1"
    done = subprocess.run(["sh", "-c", line], env=environment(ACCEPTED_URL=server.url), capture_output=True, check=True)
    assert done.stderr == b""


def test_version(run: Run) -> None:
    assert run("version").out == run("--version").out == [accepted.__version__]
