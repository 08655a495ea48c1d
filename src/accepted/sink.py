"""Where the reports of one attempt go: to the store, to the process that runs the job, through what redacts secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from accepted.job import JSON, Artifact, EventDraft, Progress


class Sink(Protocol):
    """Each method raises LeaseLost when the attempt was fenced off."""

    async def report(self, events: Sequence[EventDraft], progress: Progress | None, cost: float) -> None: ...
    async def start_step(self, key: str, name: str) -> None: ...
    async def finish_step(self, key: str, name: str, result: bytes) -> None: ...
    async def fail_step(self, key: str, name: str, error: Mapping[str, JSON]) -> None: ...
    async def attach(self, name: str, source: Path | bytes, media_type: str) -> Artifact: ...
