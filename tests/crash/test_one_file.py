"""Sixteen processes that submit, claim and report on one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from stores.processes import hear, process

CROWD = Path(__file__).with_name("crowd.py")


@pytest.mark.parametrize("seconds", [2, pytest.param(180, marks=pytest.mark.soak)], ids=["short", "long"])
async def test_sixteen_processes_on_one_file(tmp_path: Path, seconds: int, capsys: pytest.CaptureFixture[str]) -> None:
    """No error at all, every job exactly once."""
    path, ledger = tmp_path / "jobs.db", tmp_path / "ledger"
    with ExitStack() as stack:
        members = [stack.enter_context(process("crowd", path, ledger, seconds, source=CROWD)) for _ in range(16)]
        for member in members:
            await asyncio.to_thread(hear, member)
        for member in members:
            assert member.stdin is not None
            member.stdin.write("go\n")
            member.stdin.flush()
        longest = [(await asyncio.to_thread(hear, member))["longest"] for member in members]
        assert [member.wait() for member in members] == [0] * 16
    done: dict[str, Counter[str]] = {"submit": Counter(), "report": Counter(), "complete": Counter()}
    for line in ledger.read_text().splitlines():
        verb, job_id = line.split()
        done[verb][job_id] += 1
    assert done["submit"] == done["report"] == done["complete"]
    assert set(done["submit"].values()) == {1}
    connection = sqlite3.connect(path)
    stored = connection.execute(
        "SELECT id, status, attempt, seq FROM jobs JOIN results ON results.job = jobs.n"
    ).fetchall()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert {row[0] for row in stored} == set(done["submit"])
    assert {row[1:] for row in stored} == {("completed", 1, 4)}, "submitted, running, a report, completed"
    with capsys.disabled():
        print(f"\n16 processes, {len(stored)} jobs in {seconds} s: the longest call took {max(longest):.3f} s")
