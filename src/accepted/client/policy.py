"""How patient a client is: which requests it sends again, after which pauses, how often."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from accepted.client.flow import Answer, Broken, Request
from accepted.client.problems import read_problem, retry_after
from accepted.errors import IdempotencyInFlight

_GATEWAY = frozenset({502, 503, 504})
"""What a proxy says while the server behind it restarts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times are seconds."""

    timeout: float = 30.0
    """For a connection, and for each further byte of an answer."""
    retries: int = 4
    """How often one request is sent again: after a dropped connection, 429 and 503."""
    retry_after_max: float = 60.0
    """A longer `Retry-After` than this is not waited for: the error is raised."""
    patience: float = 120.0
    """How long something that waits for a job (`result`, `events`, `download`) puts up with a silent server."""
    silence: float = 60.0
    """A stream of events without a byte, or a comment, for so long counts as dropped."""
    long_poll: float = 25.0
    """How long one waiting request is held, below what proxies cut off."""
    clock: Callable[[], float] = time.monotonic

    def backoff(self, tries: int) -> float:
        """Before try `tries` + 1: doubling from a quarter of a second to ten, spread so that many clients that lost
        the same server do not come back together."""
        return min(0.25 * 2.0 ** min(tries - 1, 10), 10.0) * random.uniform(0.5, 1.0)  # noqa: S311  jitter


class Tries:
    """The further tries that one request, or one `patient` wait, has left."""

    def __init__(self, policy: Policy, *, patient: bool = False) -> None:
        self._policy = policy
        self._patient = patient
        self.reset()

    def reset(self) -> None:
        """Something came through: begin to count again."""
        self._count = 0
        self._since = self._policy.clock()

    def pause(self, trouble: Answer | Broken, request: Request) -> float | None:
        """Seconds to wait before the request is sent again; None: give up, or nothing to give up on."""
        delay = self._delay(trouble, request)
        if delay is None:
            return None
        if self._patient:
            spent = self._policy.clock() - self._since > self._policy.patience
        else:
            spent = self._count > self._policy.retries
        return None if spent else delay

    def _delay(self, trouble: Answer | Broken, request: Request) -> float | None:
        self._count += 1
        if isinstance(trouble, Broken):
            return self._policy.backoff(self._count) if request.again or trouble.unsent else None
        asked = retry_after(trouble)
        if trouble.status in (429, 503) and asked is not None:
            return asked if asked <= self._policy.retry_after_max else None
        problem = read_problem(trouble)
        if problem is None:
            return self._policy.backoff(self._count) if trouble.status in _GATEWAY and request.again else None
        if problem.slug == IdempotencyInFlight.slug:
            return self._policy.backoff(self._count) if asked is None else asked
        return None
