"""A call in a process of its own: what it returns, tells and raises; and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import Any

import process_calls as called
import pytest
from accepted_apps.processes import ProcessDied, Processes, in_process
from helpers import alive, wait_until


def nobody(*_: Any) -> None:
    raise AssertionError("nothing is told")


async def test_it_returns_and_tells_what_it_does() -> None:
    told: list[Any] = []
    result, pid = await in_process(called.add, lambda *said: told.append(said), 0, 2, 3)
    assert result == 5
    assert told == [("adding", 2), ("adding", 3)]
    assert pid != os.getpid()
    assert not alive(pid)


async def test_what_is_printed_does_not_come_between(capfd: pytest.CaptureFixture[str]) -> None:
    result, _ = await in_process(called.add, lambda *_: None, 0, 2, 3, loud=True)
    assert result == 5
    said = capfd.readouterr()
    assert said.out == ""
    assert all(words in said.err for words in ("a library that prints", "one that writes", "what it starts"))


async def test_an_error_comes_as_it_was_raised() -> None:
    with pytest.raises(called.Refused, match="left: cannot be") as raised:
        await in_process(called.refuse, nobody, 0)
    assert raised.value.field == "left"
    assert "in refuse" in raised.value.__notes__[0], "where it was raised is known"


async def test_an_error_that_cannot_be_sent_comes_in_words() -> None:
    with pytest.raises(RuntimeError, match=r"^Strange: cannot be sent"):
        await in_process(called.stumble, nobody, 0)


@pytest.mark.parametrize(("function", "said"), [(called.leave, "code 3"), (called.crash, "SIGSEGV")])
async def test_a_death_is_told(function: Any, said: str) -> None:
    with pytest.raises(ProcessDied, match=said):
        await in_process(function, nobody, 0)


async def test_memory_is_bounded() -> None:
    assert await in_process(called.take, nobody, 2 * 1024**3, 1024**2) == 1024**2
    with pytest.raises(ProcessDied, match="more memory than it may"):
        await in_process(called.take, nobody, 2 * 1024**3, 4 * 1024**3)


async def test_where_memory_was_short_an_error_of_pythons_own_tells_of_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Fast'"):
        await in_process(called.miss, nobody, 2 * 1024**3, 1024**2)
    with pytest.raises(ProcessDied, match="more memory than it may"):
        await in_process(called.miss, nobody, 2 * 1024**3, 7 * 1024**3 // 4)


async def test_what_cannot_be_sent_is_an_error_and_leaves_nothing() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        await in_process(lambda tell: None, nobody, 0)


async def test_a_cancel_leaves_no_process() -> None:
    pids: list[int] = []
    waiting = asyncio.create_task(in_process(called.stay, lambda *said: pids.extend(said), 0))
    await wait_until(lambda: pids, what="the process")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await wait_until(lambda: not any(map(alive, pids)), what="the end of the process and of what it started")


async def test_it_ends_when_who_waits_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    code = f"import sys; sys.path[:] = {sys.path!r}; import process_calls; process_calls.wait_on(sys.argv[1])"
    waiting = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(file))
    await wait_until(file.exists, what="the process")
    pid = int(file.read_text().split()[0])
    waiting.send_signal(signal.SIGKILL)
    await waiting.wait()
    await wait_until(lambda: not alive(pid), what="the end of the process")


async def test_the_loop_goes_on_meanwhile() -> None:
    pids: list[int] = []
    waiting = asyncio.create_task(in_process(called.stay, lambda *said: pids.extend(said), 0))
    turns = 0
    while not pids and not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert pids
    assert turns > 100, "nobody waited for the start"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


# ── several calls ──


async def test_a_process_that_has_answered_takes_the_next_call_also_after_an_error() -> None:
    processes = Processes(2, memory=0)
    _, first = await processes.call(called.add, lambda *_: None, 1, 2)
    with pytest.raises(called.Refused):
        await processes.call(called.refuse, nobody)
    _, again = await processes.call(called.add, lambda *_: None, 3, 4)
    assert first == again
    await processes.close()
    assert not alive(first)


async def test_one_that_died_or_was_cancelled_is_replaced() -> None:
    processes = Processes(1, memory=0)
    _, first = await processes.call(called.add, lambda *_: None, 1, 2)
    with pytest.raises(ProcessDied):
        await processes.call(called.leave, nobody)
    pids: list[int] = []
    waiting = asyncio.create_task(processes.call(called.stay, lambda *said: pids.extend(said)))
    await wait_until(lambda: pids, what="the process")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    _, last = await processes.call(called.add, lambda *_: None, 1, 2)
    assert len({first, pids[0], last}) == 3
    await processes.close()
    await wait_until(lambda: not any(map(alive, [first, last, *pids])), what="the end of all")


async def test_one_that_died_while_nobody_called_is_replaced() -> None:
    processes = Processes(1, memory=0)
    _, first = await processes.call(called.add, lambda *_: None, 1, 2)
    os.kill(first, signal.SIGKILL)
    await wait_until(lambda: not Path(f"/proc/{first}").exists(), what="its end, with all its threads")
    result, last = await processes.call(called.add, lambda *_: None, 1, 2)
    assert result == 3
    assert last != first
    await processes.close()


async def test_no_more_run_at_once_than_allowed() -> None:
    processes = Processes(2, memory=0)
    pids: list[int] = []
    waiting = [asyncio.create_task(processes.call(called.stay, lambda *said: pids.append(said[0]))) for _ in range(3)]
    await wait_until(lambda: len(pids) == 2, what="two processes")
    waiting[0].cancel()
    await wait_until(lambda: len(pids) == 3, what="the third, in its turn")
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await wait_until(lambda: not any(map(alive, pids)), what="the end of all")


async def test_one_that_nobody_calls_ends_by_itself() -> None:
    processes = Processes(1, memory=0, idle=0.05)
    _, pid = await processes.call(called.add, lambda *_: None, 1, 2)
    await wait_until(lambda: not alive(pid), what="its end")
    await processes.close()


async def test_closing_waits_for_one_that_is_at_its_end() -> None:
    processes = Processes(1, memory=0, idle=0.01)
    _, pid = await processes.call(called.add, lambda *_: None, 1, 2)
    while alive(pid):  # noqa: ASYNC110 - each turn of the loop counts
        await asyncio.sleep(0)  # killed by itself, and not yet waited for
    await processes.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
