"""`accepted schedules`, on the store of a service that runs one every second."""

from __future__ import annotations

import json
from pathlib import Path

from cli.conftest import Start


def test_schedules_are_listed_and_dropped(start: Start, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    start("worker", "scheduled_app:jobs", *data).says("working on tick")

    def run(*words: str, code: int = 0) -> tuple[list[str], list[str]]:
        process = start("schedules", *words, *data)
        assert process.ends() == code, (process.out, process.err)
        return process.out, process.err

    (one,) = json.loads("\n".join(run("--json")[0]))
    assert (one["name"], one["task"], one["owner"], one["every_seconds"]) == ("tick", "tick", "local", 1.0)
    heading, row = run()[0]
    assert heading.split() == ["name", "task", "owner", "when", "next", "last", "last", "job"]
    assert row.startswith("tick")
    assert "every 1.0 s" in row
    assert run("--drop", "tick") == ([], ["dropped tick"])
    assert run("--json")[0] == ["[]"]
    assert "There is no schedule 'tick'" in run("--drop", "tick", code=4)[1][0]
