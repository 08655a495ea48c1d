"""Conversations without I/O: a flow is a generator that says what it wants done and is sent what came of it.

The HTTP contract is written once, as flows (`protocol.py`, `following.py`); `sync.py` and `aio.py` only do what a
flow asks for, one with blocking calls and one with `await`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pydantic_core

T = TypeVar("T")

FilePart = tuple[str, Any]
"""A parameter's name and its file: a path, or a binary file object that can seek."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is below the API's prefix. `again`: may be sent once more though the first may have arrived."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """JSON, unless the headers have another `Content-Type`."""
    files: Sequence[FilePart] = ()
    again: bool = True
    silence: float | None = None
    """Seconds without a byte after which the connection counts as dropped; None: the client's `timeout`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` are looked up in any case, as httpx has them; `body` is empty of a stream that is still open."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Raises ValueError."""
        return pydantic_core.from_json(self.body)


class Broken(Exception):
    """The connection could not be made, or ended too early. `unsent`: the server saw nothing of the request."""

    def __init__(self, detail: str, *, unsent: bool) -> None:
        super().__init__(detail)
        self.unsent = unsent


# ── what a flow can ask for ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Send:
    """→ Answer, with its body. Raises Broken into the flow."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """→ Answer; a body of 2xx stays open for `Read`, until the next `Open` or the flow's end. Raises Broken."""

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """→ bytes, b"" at the end of what `Open` opened. Raises Broken."""


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give a value to whoever iterates."""

    value: Any


Effect = Send | Open | Read | Sleep | Deliver
Flow = Generator[Effect, Any, T]


class Run(Generic[T]):
    """A flow under way. `effect` is what it waits for; None once it has ended, with `value`."""

    effect: Effect | None
    value: T

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._go(flow.send, None)

    def reply(self, value: object) -> None:
        self._go(self._flow.send, value)

    def fail(self, error: Broken) -> None:
        self._go(self._flow.throw, error)

    def _go(self, step: Callable[[Any], Effect], argument: object) -> None:
        try:
            self.effect = step(argument)
        except StopIteration as stop:
            self.effect, self.value = None, stop.value
