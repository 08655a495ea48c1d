"""What event streams (sse.py) and sockets (websocket.py) share: what they need, and how many there may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from accepted.errors import LimitReached, Unavailable
from accepted.http.auth import Access
from accepted.hub import Hub
from accepted.job import JobRecord
from accepted.settings import Settings


class Places:
    """Counts open streams and sockets of this process: all together, and of each owner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owners: dict[str, int] = {}
        self._open = 0

    @property
    def open(self) -> int:
        return self._open

    def take(self, owner: str | None) -> Place:
        """A place, to be released by whoever took it. `owner` None: not known yet, see `Place.claim`. Raises
        Unavailable when the process is full, LimitReached when the owner is."""
        if self._open >= self._settings.watchers_max:
            raise Unavailable("This server has as many live streams as it may have; poll, or try again.")
        place = Place(self)
        if owner is not None:
            place.claim(owner)
        self._open += 1
        place.held = True
        return place

    def enter(self, owner: str) -> None:
        used, at_most = self._owners.get(owner, 0), self._settings.owner_watchers_max
        if used >= at_most:
            raise LimitReached("live streams of one owner", used=used, at_most=at_most)
        self._owners[owner] = used + 1

    def leave(self, owner: str | None) -> None:
        self._open -= 1
        if owner is not None:
            self._owners[owner] -= 1
            if not self._owners[owner]:
                del self._owners[owner]


class Place:
    """One stream's or socket's place."""

    __slots__ = ("_owner", "_places", "held")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._owner: str | None = None
        self.held = False

    def claim(self, owner: str) -> None:
        """It turned out whose it is. Raises LimitReached."""
        self._places.enter(owner)
        self._owner = owner

    def release(self) -> None:
        """Idempotent."""
        if self.held:
            self.held = False
            self._places.leave(self._owner)

    def __del__(self) -> None:
        # A response that was made but never sent, because a middleware failed say, gives its place back too.
        self.release()


@dataclass(frozen=True, slots=True)
class Live:
    """Everything a live transport needs, passed in once by whoever builds the routes."""

    hub: Hub
    access: Access
    places: Places
    body: Callable[[JobRecord], Awaitable[bytes]]
    """The job's JSON, as `GET /v1/jobs/{id}` answers it."""
    cancel: Callable[[str, str], Awaitable[JobRecord]]
    """Ask for the job's end, with a reason; the job after it."""

    @property
    def settings(self) -> Settings:
        return self.hub.settings
