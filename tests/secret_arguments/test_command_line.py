"""`accepted submit TASK password:-`: a secret that stands neither in the history nor in the list of processes."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator

import pytest
from served import Server, command, environment

PLAIN = "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), target="secret_arguments.secret_app:jobs")
    try:
        yield server.start()
    finally:
        server.clean_up()


def submit(server: Server, stdin: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("submit", "succeed", "password:-", "--wait", "20s"),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(ACCEPTED_URL=server.url),
        start_new_session=True,
    )


@pytest.mark.parametrize("end", ["\r\n", ""], ids=["line", "no end"])
def test_from_a_pipe_it_is_a_line(server: Server, end: str) -> None:
    out, err = submit(server, subprocess.PIPE).communicate(PLAIN + end)
    assert out.strip() == str(len(PLAIN)), err


def test_from_nowhere_it_is_an_error(server: Server) -> None:
    process = submit(server, subprocess.DEVNULL)
    _, err = process.communicate()
    assert "password:- reads a line of stdin, and there is none" in err
    assert process.returncode == 2


def test_at_a_terminal_it_is_asked_for_and_not_shown(server: Server) -> None:
    ours, theirs = pty.openpty()
    process = submit(server, theirs)
    assert process.stderr is not None
    asked = process.stderr.read(len("password: "))
    assert asked == "password: "
    os.write(ours, f"{PLAIN}\n".encode())
    out, err = process.communicate()
    os.close(theirs)
    assert out.strip() == str(len(PLAIN)), err
    shown = b""
    try:
        while piece := os.read(ours, 1024):
            shown += piece
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    assert PLAIN.encode() not in shown
