"""What the stand-ins of Mastodon and Bluesky have in common: who asked for what, and how it goes wrong when told to."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

SLOW_SECONDS: Final = 1.0
"""What each answer about `slow` people takes."""

Kind = Literal["limited", "down", "nonsense", "endless"]


@dataclass(slots=True)
class Visit:
    """One request: the part of the network, what of it, and the status that was answered (0: not yet)."""

    part: str
    what: str
    token: str | None
    at: float = field(default_factory=time.monotonic)
    status: int = 0


@dataclass(slots=True)
class Trouble:
    """What the next `times` answers to a part are instead of what was asked for. `retry_after` in seconds."""

    kind: Kind
    times: int
    retry_after: float


class Limit:
    """Requests that may be made in any window of `seconds`; as real ones it tells what is left, and when it ends."""

    def __init__(self, requests: int, seconds: float) -> None:
        self.requests, self.seconds = requests, seconds
        self.ends_at, self.left = 0.0, requests

    def take(self) -> bool:
        """Whether one more is allowed."""
        if time.time() >= self.ends_at:
            self.ends_at, self.left = time.time() + self.seconds, self.requests
        if not self.left:
            return False
        self.left -= 1
        return True


class StandIn:
    """The memory of one stand-in. `delay` in seconds, before each answer."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.troubles: dict[str, Trouble] = {}
        self.limit: Limit | None = None
        self.delay = 0.0
        self.redirect = ""
        """Where everything is redirected to, if anywhere."""
        self.open_requests = 0
        """Those that are being answered now, and the most that ever were at once."""
        self.most_open = 0

    def trouble(self, part: str, kind: Kind, *, times: int = 1_000_000, retry_after: float = 1.0) -> None:
        """Answer the next requests for this part in this way."""
        self.troubles[part] = Trouble(kind, times, retry_after)

    def counts(self, part: str) -> Counter[str]:
        """How often each thing of a part was asked for, and given."""
        return Counter(visit.what for visit in self.visits if visit.part == part and visit.status == 200)

    def reset(self) -> None:
        """As if just started."""
        self.visits.clear()
        self.troubles.clear()
        self.limit, self.delay, self.redirect, self.most_open = None, 0.0, "", 0

    async def answered(self, request: Request, part: str, what: str, body: Response, *, slow: bool = False) -> Response:
        """The answer, after what was told to go wrong, and with what servers say of their limits."""
        visit = Visit(part, what, _token(request))
        self.visits.append(visit)
        self.open_requests += 1
        self.most_open = max(self.most_open, self.open_requests)
        try:
            await asyncio.sleep(self.delay + (SLOW_SECONDS if slow else 0.0))
            response = await self._wrong(request, part) or self._over_limit() or self._elsewhere() or body
            response.headers.update(self._limit_headers())
            visit.status = response.status_code
            return response
        finally:
            self.open_requests -= 1

    async def _wrong(self, request: Request, part: str) -> Response | None:
        trouble = self.troubles.get(part)
        if trouble is None or not trouble.times:
            return None
        trouble.times -= 1
        match trouble.kind:
            case "limited":
                return self.too_many(math.ceil(trouble.retry_after))
            case "down":
                return PlainTextResponse("upstream error", 502)
            case "nonsense":
                return PlainTextResponse("<html><body>Welcome</body></html>", media_type="text/html")
            case "endless":
                while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette has no event for it
                    await asyncio.sleep(0.02)
                return None

    def _over_limit(self) -> Response | None:
        if self.limit is None or self.limit.take():
            return None
        return self.too_many(None)

    def _elsewhere(self) -> Response | None:
        return RedirectResponse(self.redirect) if self.redirect else None

    def too_many(self, retry_after: int | None) -> Response:
        """How this network refuses what comes too fast."""
        raise NotImplementedError

    def _limit_headers(self) -> Mapping[str, str]:
        return {} if self.limit is None else self.limit_headers(self.limit)

    def limit_headers(self, limit: Limit) -> dict[str, str]:
        """How this network tells what is left."""
        raise NotImplementedError


def _token(request: Request) -> str | None:
    return request.headers.get("authorization", "").removeprefix("Bearer ") or None


def number(request: Request, name: str, default: int, most: int) -> int:
    """A number of the query, at most `most`."""
    given: Any = request.query_params.get(name, "")
    return min(int(given), most) if given.isdecimal() else default
