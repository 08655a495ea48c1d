"""isolation="process": real processes, real signals, nothing left behind."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import runner_tasks as tasks
from helpers import alive, wait_until

from accepted import JobCancelled, JobFailed, UploadFile
from accepted.job import Kind


@pytest.fixture
async def started() -> AsyncIterator[None]:
    async with tasks.jobs:
        yield


pytestmark = pytest.mark.usefixtures("started")


async def test_the_result_of_another_process() -> None:
    assert await (await tasks.add.submit(2, 3)).result(timeout=30) == 5


async def test_reports_reach_the_store() -> None:
    handle = await tasks.whoami.submit()
    said = await handle.result(timeout=30)
    assert said["pid"] != os.getpid()
    assert said["squared"] == 49
    record = await handle.refresh()
    assert record.cost == pytest.approx(0.25)
    assert record.progress.percent == 40
    events = {event.kind: json.loads(event.data) for event in [e async for e in handle.events()]}
    assert events[Kind.LOG]["user"] == "ann"
    assert events[Kind.ARTIFACT]["name"] == "note.txt"
    assert events[Kind.STEP]["status"] == "completed"


async def test_a_coroutine_too() -> None:
    assert await (await tasks.coroutine_in_process.submit(0.0)).result(timeout=30) == "ANN"


async def test_a_cancelled_coroutine_ends() -> None:
    handle = await tasks.coroutine_in_process.submit(600.0)
    await wait_until(lambda: _percent(handle.id, 10))
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)


async def _percent(job_id: str, percent: float) -> bool:
    return (await tasks.jobs.get_record(job_id)).progress.percent == percent


async def test_fail_keeps_its_code_and_data() -> None:
    with pytest.raises(JobFailed, match="private") as caught:
        await (await tasks.refuse.submit()).result(timeout=30)
    assert (caught.value.error["code"], caught.value.error["profile"]) == ("private", "ann")


async def test_a_process_that_dies_fails_the_job_and_says_how() -> None:
    with pytest.raises(JobFailed, match="SIGKILL"):
        await (await tasks.crash.submit()).result(timeout=30)


async def test_memory_is_limited() -> None:
    with pytest.raises(JobFailed) as caught:
        await (await tasks.eat.submit()).result(timeout=30)
    assert caught.value.error["exception"] == "MemoryError"


async def test_sigterm_lets_it_clean_up(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    handle = await tasks.tidy_sleep.submit(str(mark))
    await wait_until(mark.exists)
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)
    assert mark.read_text(encoding="utf-8") == "cleaned up"


async def test_the_stubborn_one_is_killed_with_all_its_descendants(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    handle = await tasks.stubborn.submit(str(pids))
    await wait_until(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 3)
    all_pids = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
    assert all(alive(pid) for pid in all_pids)
    await handle.cancel()
    with pytest.raises(JobCancelled):
        await handle.result(timeout=10)
    await wait_until(lambda: not any(alive(pid) for pid in all_pids), what="the end of all three processes")


async def test_a_file_arrives_as_a_path(tmp_path: Path) -> None:
    source = tmp_path / "käse.csv"
    source.write_text("a,b\n", encoding="utf-8")
    handle = await tasks.read_file.submit(UploadFile.of(source))
    source.unlink()
    assert await handle.result(timeout=30) == "a,b\n"
