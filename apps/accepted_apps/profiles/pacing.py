"""How fast networks are asked, and what a job says while it waits.

`Hosts` belongs to the process: all jobs share one pace for a host, and its pauses. `Pacing` belongs to one attempt of
one job: its provider takes a turn before each request, and says when the network asks to wait, and how far it is. The
`sync_…` forms, and `count`, are for threads that the provider has started.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from accepted import Cancelled, Job

from .errors import RateLimited

_KEPT: Final = 10_000


@dataclass(slots=True)
class _Host:
    room: asyncio.Semaphore
    line: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever holds it is the next to start."""
    next_at: float = 0.0
    paused_until: float = 0.0
    who: str = ""
    """Who asked for the pause."""
    users: int = 0


class Hosts:
    """The pace of each host for all jobs of a process, in one event loop: `at_once` requests, their starts `gap`
    seconds apart, none while the host asks to wait."""

    def __init__(self, *, at_once: int, gap: float) -> None:
        self._at_once, self._gap = at_once, gap
        self._hosts: dict[str, _Host] = {}

    def pause(self, name: str, seconds: float, who: str) -> None:
        """Let nobody start a request before this time has passed."""
        host, until = self._host(name), time.monotonic() + seconds
        if until > host.paused_until:
            host.paused_until, host.who = until, who

    def paused(self, name: str) -> tuple[float, str]:
        """Seconds that are left of a pause (0: there is none), and who asked for it."""
        host = self._host(name)
        return max(0.0, host.paused_until - time.monotonic()), host.who

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[bool]:
        """Hold one of the host's places. False: the host was paused meanwhile, so start nothing."""
        host = self._host(name)
        host.users += 1
        try:
            async with host.room:
                async with host.line:
                    await asyncio.sleep(max(0.0, host.next_at - time.monotonic()))
                    free = host.paused_until <= time.monotonic()
                    if free:
                        host.next_at = time.monotonic() + self._gap
                yield free
        finally:
            host.users -= 1

    def _host(self, name: str) -> _Host:
        found = self._hosts.get(name)
        if found is None:
            self._forget()
            found = self._hosts[name] = _Host(asyncio.Semaphore(self._at_once))
        return found

    def _forget(self) -> None:
        if len(self._hosts) >= _KEPT:
            now = time.monotonic()
            for name in [key for key, one in self._hosts.items() if not one.users and one.paused_until <= now]:
                del self._hosts[name]


class Pacing:
    """What the provider of one attempt calls. `longest_wait` in seconds; `close` ends what waits in threads."""

    def __init__(self, job: Job, hosts: Hosts, *, longest_wait: float) -> None:
        self.job = job
        self._hosts = hosts
        self._longest_wait = longest_wait
        self._closed = threading.Event()
        self._told_until = 0.0
        self._notes: dict[str, str] = {}

    @property
    def closed(self) -> bool:
        """Whether the attempt is over, or is being stopped; from any thread."""
        return self._closed.is_set() or self.job.cancelled

    def close(self) -> None:
        """The attempt is over: whatever still waits in a thread raises Cancelled there."""
        self._closed.set()

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Around each request: waits for the host's pace, and for its pauses. Raises RateLimited."""
        while True:
            await self._sit_out(host)
            async with self._hosts.turn(host) as free:
                if free:
                    yield
                    return

    def pause(self, host: str, seconds: float, who: str) -> None:
        """`who` has said that nobody may ask for some time: the next turn waits for that. For all jobs."""
        self._hosts.pause(host, seconds, who)

    async def limited(self, host: str, seconds: float, who: str) -> None:
        """The network refused: wait as long as it asks to, and show it. Outside of a turn.

        Raises RateLimited when that is longer than the job may stay with its worker.
        """
        self.pause(host, seconds, who)
        await self._sit_out(host)

    async def _sit_out(self, host: str) -> None:
        while True:
            seconds, who = self._hosts.paused(host)
            if not seconds:
                return
            self._tell(seconds, who)
            await asyncio.sleep(seconds)

    def sync_wait(self, seconds: float, who: str, *, stopped: threading.Event) -> None:
        """In a thread: wait, and show it. Raises RateLimited as `limited` does; Cancelled once the job has to stop, or
        the provider has set `stopped`."""
        self._tell(seconds, who)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if stopped.wait(min(left, 0.1)):
                raise Cancelled("the provider is not needed any more")
            self.check()

    def check(self) -> None:
        """In a thread, where it has nothing under way: Cancelled once the job has to stop."""
        if self.closed:
            raise Cancelled("the attempt is over")

    def count(self, done: int, total: int | None, what: str) -> None:
        """How far it is, such as 20 of 20 `posts`. Total None: nobody knows. While the job waits, that is what it
        says."""
        if time.monotonic() >= self._told_until:
            self.job.progress(message=f"{done} {what}" if total is None else f"{done} of {total} {what}")

    def note(self, post_id: str, text: str) -> None:
        """Say in a sentence why comments of a post are missing; it stands with them in the result."""
        self._notes[post_id] = text

    def noted(self, post_id: str) -> str | None:
        """What was said of a post."""
        return self._notes.get(post_id)

    def _tell(self, seconds: float, who: str) -> None:
        """Show a pause to everybody, and keep it in the job's log: once, however many of its posts wait."""
        if seconds > self._longest_wait:
            raise RateLimited(
                f"{who} asks to wait {seconds:.0f} s; the job goes on from here after that.", retry_after=seconds
            )
        until = datetime.fromtimestamp(time.time() + seconds, UTC)
        message = f"{who} asks to wait {max(1, round(seconds))} s, until {until:%H:%M:%S} UTC."
        self.job.progress(message=message)
        if time.monotonic() + seconds > self._told_until + 0.5:
            self._told_until = time.monotonic() + seconds
            self.job.log(message, level="warning", limited={"who": who, "seconds": round(seconds, 1)})
