"""The worker: claims jobs, feeds the runner, keeps the leases, stops gracefully."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import platform
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVarTuple

from accepted.errors import StoreError
from accepted.runner import Attempt, Runner, Stop
from accepted.settings import Settings
from accepted.stores.base import DELIVERY_QUEUE, DELIVERY_TASK, Change, Claimed, Held, WorkerInfo, WorkingStore
from accepted.task import Task

log = logging.getLogger("accepted")

_STORE_PAUSE: Final = 1.0
"""Seconds before a claim is tried again after the store failed."""
_SILENCE: Final = 1.0
"""Seconds without an answer after which an event loop counts as blocked; the grace, where that is shorter."""
_MARGIN: Final = 0.2
"""Seconds that the loop has beyond that, to do what is due."""

_DELIVERIES_PAUSE: Final = 0.05
"""Seconds between looks for deliveries, unless there were more than slots."""

Told = TypeVarTuple("Told")


def host_id() -> str:
    """Names the running kernel: two processes with the same one can see each other die."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    with suppress(OSError):
        return boot.read_text(encoding="ascii").strip()
    import uuid  # loads a library of C

    return f"{platform.node()}-{uuid.getnode():x}"


class Pulse:
    """Whether an event loop runs, asked from one other thread. `answered` is called in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answered: Callable[[], None]) -> None:
        self._loop, self._answered = loop, answered
        self._asked_at: float | None = None

    def ask(self) -> None:
        """Once; a question that has no answer yet stands."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            _tell(self._loop, self._answer)

    @property
    def silence(self) -> float:
        """Seconds since the question that has no answer yet; 0 when there is none."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def _answer(self) -> None:
        self._asked_at = None
        self._answered()


class LeaseKeeper:
    """Renews leases from a thread of its own, so that a function that blocks the event loop keeps its job and a
    dead process loses it.

    Once an attempt should be over (told to stop, or past its time limit, and the grace is over too) and the loop says
    nothing, nobody can stop it here, and all others wait for it: the worker gives up all its leases, so that others
    take the jobs. It takes back what is left of them when the loop runs again.
    """

    def __init__(
        self, store: WorkingStore, worker_id: str, settings: Settings, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._store, self._worker_id, self._lease, self._loop = store, worker_id, settings.lease, loop
        self._patience = min(settings.cancel_grace, _SILENCE)
        self.attempts: dict[str, Attempt] = {}
        self.stuck = False
        """The leases are given up."""
        self._stopped = False
        self._wake = threading.Event()
        self._wakes_at = 0.0
        self._pulse = Pulse(loop, self._loop_runs)
        self._thread = threading.Thread(target=self._run, name="accepted leases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the thread has ended; a renewal under way is finished first."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def hurry(self, end_by: float) -> None:
        """An attempt has to be over sooner than it had to; from any thread."""
        if end_by - self._patience < self._wakes_at:
            self._wake.set()

    def _run(self) -> None:
        renew_at = time.monotonic() + self._lease / 3
        while True:
            self._wakes_at = math.inf  # whoever is in a hurry from here on wakes it
            self._wake.clear()
            self._wakes_at = min(renew_at, self._look_at())
            self._wake.wait(max(0.0, self._wakes_at - time.monotonic()))
            if self._stopped:
                return
            if self._look() or time.monotonic() >= renew_at:
                self.renew()
                renew_at = time.monotonic() + self._lease / 3

    def renew(self) -> None:
        """Once, now; from any thread."""
        held = {job_id: one.lease.token for job_id, one in list(self.attempts.items())}
        try:
            found = self._store.renew(self._worker_id, held, 0.0 if self.stuck else self._lease)
        except StoreError as error:
            log.warning("leases could not be renewed: %s", error, extra={"action": "renew"})
            return
        for job_id, state in found.items():
            if state is not Held.KEPT:
                self._tell(job_id, Stop.CANCEL if state is Held.CANCELLING else Stop.LOST)

    # ── a loop that is blocked ──

    def _end_by(self) -> float:
        """When the first of the attempts has to be over."""
        return min((one.end_by for one in list(self.attempts.values()) if not one.settled), default=math.inf)

    def _look_at(self) -> float:
        """When the loop is to be asked, or should have answered."""
        if self.stuck:
            return math.inf
        now, end_by = time.monotonic(), self._end_by()
        if now < end_by - self._patience:
            return end_by - self._patience
        return max(end_by, now - self._pulse.silence + self._patience) + _MARGIN

    def _look(self) -> bool:
        """True when the leases have to be given up, or can be taken back."""
        silence = self._pulse.silence
        if self.stuck:
            self.stuck = silence > 0
            return not self.stuck
        now, end_by = time.monotonic(), self._end_by()
        if now < end_by - self._patience:
            return False
        if now < end_by + _MARGIN or silence < self._patience + _MARGIN:
            self._pulse.ask()
            return False
        self.stuck = True
        late = [job_id for job_id, one in list(self.attempts.items()) if one.end_by <= now]
        log.error(
            "the event loop is blocked by a job that does not stop (%s); the worker gives up its %d jobs to others",
            ", ".join(late),
            len(self.attempts),
            extra={"action": "stuck", "job_id": late[0] if late else None},
        )
        return True

    def _loop_runs(self) -> None:
        """In the loop."""
        if self.stuck:
            self._wake.set()

    def _tell(self, job_id: str, why: Stop) -> None:
        attempt = self.attempts.get(job_id)
        if attempt is not None and attempt.reporter.stopping != why:
            attempt.warn(why)
            _tell(self._loop, attempt.stop, why)


class Bell:
    """An `asyncio.Event` with a time limit that wakes whoever waits in the very next turn of the loop; `wait_for`
    takes three, too late to ask for a job together with those who submit it."""

    def __init__(self) -> None:
        self._rung = False
        self._waiting: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._rung = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def is_set(self) -> bool:
        return self._rung

    def clear(self) -> None:
        self._rung = False

    async def wait(self, seconds: float | None) -> None:
        """Until it is set, at most `seconds`. For one at a time."""
        if self._rung:
            return
        loop = asyncio.get_running_loop()
        self._waiting = waiting = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, _end, waiting)
        try:
            await waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class Worker:
    """Runs up to `concurrency` jobs at once. Start and stop it in one event loop; both may be called again."""

    def __init__(self, store: WorkingStore, runner: Runner, settings: Settings) -> None:
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._store, self._runner, self._settings = store, runner, settings
        self._wake = Bell()
        self._running: set[asyncio.Task[None]] = set()
        self._busy = 0
        self._delivering = 0
        self._deliveries_at = 0.0
        self._processes = 0
        self._claiming: asyncio.Task[None] | None = None
        self._keeper: LeaseKeeper | None = None
        self._unlisten: Callable[[], None] | None = None
        self._stopping = False
        self._more = False
        """The last look may have left jobs behind for want of a slot; while False, a freed slot is no reason to
        look again: whatever becomes ready is told."""

    @property
    def running(self) -> int:
        """Jobs whose function this worker runs now; deliveries are not counted."""
        return self._busy

    @property
    def _free(self) -> int:
        return self._settings.concurrency - self._busy

    async def start(self) -> None:
        """Raises StoreError."""
        if self._claiming is not None:
            return
        self._stopping = False
        loop = asyncio.get_running_loop()
        now = time.time()
        await self._store.register_worker(
            WorkerInfo(
                id=self.id,
                host=host_id(),
                pid=os.getpid(),
                concurrency=self._settings.concurrency,
                tasks=tuple(self._runner.tasks),
                queues=(*self._settings.queues, *([DELIVERY_QUEUE] if DELIVERY_TASK in self._runner.tasks else [])),
                started_at=now,
                seen_at=now,
            )
        )
        self._keeper = LeaseKeeper(self._store, self.id, self._settings, loop)
        self._keeper.start()
        self._unlisten = self._store.listen(lambda change: self._heard(loop, change))
        self._claiming = loop.create_task(self._claim_forever(), name="accepted claim")

    async def stop(self) -> None:
        """No new claims; running jobs get `drain` seconds to finish, then they are given back to the queue."""
        if self._claiming is None or self._keeper is None:
            return
        self._stopping = True
        self._wake.set()
        await self._claiming
        await self._drain(self._keeper)
        if self._unlisten is not None:
            self._unlisten()
        await asyncio.to_thread(self._keeper.stop)
        with suppress(StoreError):
            await self._store.deregister_worker(self.id)
        self._claiming = None

    async def _drain(self, keeper: LeaseKeeper) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._settings.drain)
        for attempt in list(keeper.attempts.values()):
            attempt.stop(Stop.SHUTDOWN)
        while keeper.attempts:  # every attempt settles: by itself, or abandoned after the grace
            self._wake.clear()
            await self._wake.wait(None)

    def expect(self) -> None:
        """A job is about to be stored from this event loop: ask for it now, not when the commit is told, so that
        the store can write both in one transaction."""
        self._wake.set()

    # ── claiming ──

    async def _claim_forever(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                delay = await self._claim()
            except StoreError as error:
                log.error("no jobs can be claimed: %s", error, extra={"action": "claim"})
                delay = _STORE_PAUSE
            if delay > 0:
                await self._wake.wait(delay)

    async def _claim(self) -> float:
        """Fill the free slots. Returns the seconds until the next try, unless something wakes the worker."""
        self._more = False
        queues = self._settings.queues
        ordinary, isolated = self._task_names()
        delay = await self._claim_some(queues, ordinary, self._free)
        free = min(self._free, self._settings.process_concurrency - self._processes)
        delay = min(delay, await self._claim_some(queues, isolated, free))
        return min(delay, await self._claim_deliveries())

    def _task_names(self) -> tuple[list[str], list[str]]:
        tasks = [task for task in self._runner.tasks.values() if task.name != DELIVERY_TASK]
        isolated = [task.name for task in tasks if _is_isolated(task)]
        return [task.name for task in tasks if not _is_isolated(task)], isolated

    async def _claim_deliveries(self) -> float:
        """Deliveries have slots of their own. Each submission wakes the worker, and not each is a reason to look for
        them; while there are more than slots, each that ends is."""
        if DELIVERY_TASK not in self._runner.tasks:
            return self._settings.poll
        rest = self._deliveries_at - time.monotonic()
        if rest > 0:
            return rest
        slots = self._settings.webhook_concurrency - self._delivering
        delay = await self._claim_some((DELIVERY_QUEUE,), [DELIVERY_TASK], slots)
        if self._delivering < self._settings.webhook_concurrency:
            self._deliveries_at = time.monotonic() + _DELIVERIES_PAUSE
        return delay

    async def _claim_some(self, queues: Sequence[str], tasks: list[str], limit: int) -> float:
        delay = self._settings.poll
        if not tasks:
            return delay
        if limit <= 0:
            self._more = True
            return delay
        claim = await self._store.claim(self.id, queues=queues, tasks=tasks, limit=limit, lease=self._settings.lease)
        for claimed in claim.jobs:
            self._begin(claimed)
        if len(claim.jobs) == limit:
            self._more = True
            return delay  # full: the next slot that frees wakes the worker
        if claim.next_at is not None:
            delay = min(delay, max(0.001, claim.next_at - time.time()))
        return delay

    def _begin(self, claimed: Claimed) -> None:
        assert self._keeper is not None  # noqa: S101  claims are made between start and stop
        attempt = self._runner.begin(claimed)
        self._keeper.attempts[attempt.record.id] = attempt
        self._count(attempt, 1)
        attempt.on_ended, attempt.on_settled = self._ended, self._settled
        attempt.on_hurried = self._keeper.hurry
        running = asyncio.get_running_loop().create_task(self._runner.run(attempt))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        if claimed.job.cancel_requested_at is not None:
            attempt.stop(Stop.CANCEL)

    def _ended(self, attempt: Attempt) -> None:
        """Its slot is free: the next claim can share the transaction that writes its end."""
        self._count(attempt, -1)
        if self._more:
            self._wake.set()

    def _count(self, attempt: Attempt, change: int) -> None:
        if attempt.task.name == DELIVERY_TASK:
            self._delivering += change
        else:
            self._busy += change
            self._processes += change * _is_isolated(attempt.task)

    def _settled(self, attempt: Attempt) -> None:
        assert self._keeper is not None  # noqa: S101  see _begin
        # The same job may have been claimed again here while the end of its last attempt was being told.
        if self._keeper.attempts.get(attempt.record.id) is attempt:
            del self._keeper.attempts[attempt.record.id]
        if self._stopping:
            self._wake.set()

    # ── hearing ──

    def _heard(self, loop: asyncio.AbstractEventLoop, change: Change) -> None:
        """A commit, told in any thread."""
        keeper = self._keeper
        if change.ready and not self._wake.is_set():
            _tell(loop, self._wake.set)
        if keeper is not None and not change.cancelling.isdisjoint(keeper.attempts):
            # The renewal finds out whether it is a cancel or a removal, off the loop, which the job may be blocking.
            threading.Thread(target=keeper.renew, name="accepted cancel", daemon=True).start()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[*Told], None], *arguments: *Told) -> None:
    with suppress(RuntimeError):  # the loop has closed: nobody is left to tell
        loop.call_soon_threadsafe(callback, *arguments)


def _is_isolated(task: Task[..., object]) -> bool:
    return task.policy.isolation == "process"
