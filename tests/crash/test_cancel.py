"""Cancel, for each way in which a function can run: over within the grace and a second, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from helpers import alive, wait_until
from served import Server

from accepted.client import AsyncClient, AsyncRemoteJob

GRACE = 0.5
PATIENCE = 3.0
"""Seconds that a busy machine may be late; `make soak` allows none."""

STOPPABLE = [
    "sleeping_coroutine",
    "busy_coroutine",
    "coroutine_with_child",
    "sleeping_thread",
    "busy_thread",
    "thread_with_child",
    "process_in_c",
    "process_with_child",
    pytest.param("process_with_browser", marks=pytest.mark.browser),
]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Where the server and its jobs have their temporary files; its name is short, for a browser makes a socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, scratch: Path) -> Iterator[Server]:
    """With one worker process beside it: what blocks the worker does not block the server."""
    server = Server(
        tmp_path_factory.mktemp("data"),
        target="crash.stoppable:jobs",
        words=("--workers", "1"),
        ACCEPTED_CANCEL_GRACE=str(GRACE),
        TMPDIR=str(scratch),
    )
    try:
        yield server.start()
    finally:
        server.clean_up()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.url) as made:
        yield made


async def begun(client: AsyncClient, name: str, mark: Path) -> tuple[AsyncRemoteJob, list[int]]:
    """The job under way, and the ids of its processes; the first is the one in which the function runs."""
    job = await client.tasks[name].submit(mark=str(mark))
    await wait_until(mark.exists)
    return job, pids_in(mark)


def pids_in(mark: Path) -> list[int]:
    return [int(pid) for pid in mark.read_text().split()]


async def cancelled_after(job: AsyncRemoteJob) -> float:
    """Cancel it; seconds from the request to the end of the job, by the times of its events."""
    await job.cancel()
    async with asyncio.timeout(10):
        times = {event.kind: event.at async for event in job.events()}
    assert times.keys() >= {"cancelling", "cancelled"}
    cancelling, over = (datetime.fromisoformat(str(times[kind])) for kind in ("cancelling", "cancelled"))
    return (over - cancelling).total_seconds()


async def works_on(client: AsyncClient) -> bool:
    return bool(await (await client.tasks["add"].submit(a=1, b=2)).result(20) == 3)


def running_in(folder: Path) -> list[int]:
    """Processes whose command line names the folder, such as those of a browser with its profile there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (entry / "cmdline").read_text(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if alive(pid) and pid != os.getpid()]


@pytest.mark.parametrize("name", STOPPABLE)
@pytest.mark.parametrize(
    ("rounds", "patience"), [(1, PATIENCE), pytest.param(25, 0.0, marks=pytest.mark.soak)], ids=["short", "long"]
)
async def test_over_within_the_grace_and_nothing_left(
    client: AsyncClient, tmp_path: Path, scratch: Path, name: str, rounds: int, patience: float
) -> None:
    for number in range(rounds):
        mark = tmp_path / f"mark-{number}"
        job, (pid, *children) = await begun(client, name, mark)
        assert await cancelled_after(job) < GRACE + 1 + patience
        isolated = name.startswith("process")
        await wait_until(lambda: not any(map(alive, children)), what="the end of what it started")  # noqa: B023
        await wait_until(lambda: alive(pid) is not isolated)  # noqa: B023
        assert running_in(scratch) == []
        assert not any(job.id[-12:] in name for name in os.listdir(scratch))  # noqa: PTH208
        assert await works_on(client)


async def test_a_thread_inside_c_is_given_up_and_refused(client: AsyncClient, tmp_path: Path) -> None:
    """Nobody can stop it: its job is over in time, the worker goes on, and what it writes later is refused."""
    mark, late = tmp_path / "mark", tmp_path / "mark.late"
    os.mkfifo(f"{mark}.pipe")
    pipe = os.open(f"{mark}.pipe", os.O_RDWR)
    job, _ = await begun(client, "thread_in_c", mark)
    assert await cancelled_after(job) < GRACE + 1 + PATIENCE
    assert await works_on(client)
    before = await job.refresh()
    os.write(pipe, b"x")
    await wait_until(late.exists)
    os.close(pipe)
    assert late.read_text() == "refused"
    assert await works_on(client)
    assert await job.refresh() == before
    assert await job.artifacts() == []


async def test_a_coroutine_that_never_awaits_is_given_up(make_server: Callable[..., Server], tmp_path: Path) -> None:
    """It holds up its worker for as long as it likes, but neither its own job nor the worker's others."""
    server = make_server(
        "--workers", "2", target="crash.stoppable:jobs", ACCEPTED_CANCEL_GRACE=str(GRACE), ACCEPTED_LEASE="3"
    )
    await asyncio.to_thread(server.start)
    mark = tmp_path / "mark"
    try:
        async with AsyncClient(server.url) as client:
            marks = [tmp_path / f"neighbour-{number}" for number in range(6)]
            neighbours = {one: await begun(client, "sleeping_coroutine", one) for one in marks}
            job, (blocked, *_) = await begun(client, "blocking_coroutine", mark)
            held_up = [one for one, (_, pids) in neighbours.items() if pids == [blocked]]
            assert await cancelled_after(job) < GRACE + 1 + PATIENCE
            await wait_until(lambda: all(one.read_text() != str(blocked) for one in held_up), what="their rescue")
            assert await works_on(client)
            mark.unlink()
            await wait_until((tmp_path / "mark.late").exists)
            assert (await job.refresh())["status"] == "cancelled"
            for other, _ in neighbours.values():
                assert (await other.refresh())["status"] == "running"
                assert await cancelled_after(other) < GRACE + 1 + PATIENCE
    finally:
        mark.unlink(missing_ok=True)  # else its process would stay for ever
