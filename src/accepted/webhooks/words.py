"""What a webhook can be told of, under the names that are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from accepted.job import TERMINAL_KINDS, Kind

TEST: Final = "test"
"""In place of a kind: a delivery that somebody asked for to see whether it arrives."""
TEST_TYPE: Final = "webhook.test"

KINDS: Final[Mapping[str, Kind]] = {
    f"job.{kind}": kind for kind in (Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED, Kind.RUNNING, Kind.PROGRESS)
}
"""The kinds that a webhook may want, by the type that is sent."""
USUAL: Final = tuple(name for name, kind in KINDS.items() if kind in TERMINAL_KINDS)
"""The types that it is told of unless it says otherwise."""


def type_of(kind: str) -> str:
    """The `type` of what is sent about an event of this kind."""
    return TEST_TYPE if kind == TEST else f"job.{kind}"


def types_of(kinds: Iterable[str]) -> list[str]:
    """The types of some kinds, always in the same order."""
    wanted = set(kinds)
    return [name for name, kind in KINDS.items() if kind in wanted]
