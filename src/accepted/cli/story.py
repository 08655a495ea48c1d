"""A job's events as lines for a person: what happened, not how it was stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from accepted.cli.output import STYLES, clean, duration, epoch, plain, size
from accepted.client import JobDict, RemoteEvent
from accepted.client.shapes import REMOVED, SNAPSHOT
from accepted.job import Kind, Status, StepStatus

_SIGNS: Mapping[str, str] = {Status.COMPLETED: "✓", Status.FAILED: "✗"}
_LEVELS = {"debug": "dim", "warning": "yellow", "error": "red"}
_PENDING = {
    "interrupted": "interrupted, goes on in another worker",
    "lost": "its worker died, goes on in another",
    "retried": "retried by hand",
}
_OUTPUT_MAX = 200
"""Characters of a partial output that are shown."""


class Story:
    """Keeps what a line needs from earlier events: when the job and its steps began."""

    def __init__(self, job: JobDict) -> None:
        self._submitted = epoch(job["submitted_at"])
        self._steps: dict[str, float] = {}

    def tell(self, event: RemoteEvent) -> Text | None:
        """The line of this event with its time since the submission; None: nothing to tell."""
        line = self._line(event)
        if line is None:
            return None
        since = f"{max(0.0, epoch(event.at) - self._submitted):6.1f}s  " if event.at else " " * 9
        return Text(since, style="dim") + line

    def _line(self, event: RemoteEvent) -> Text | None:
        data = event.data
        match event.kind:
            case Kind.PENDING:
                return _pending(event)
            case Kind.RUNNING:
                return plain(f"▶ started{f', attempt {event.attempt}' if event.attempt > 1 else ''}", "cyan")
            case Kind.CANCELLING:
                return plain(f"■ cancelling ({data.get('reason') or 'requested'})", "magenta")
            case Kind.STEP:
                return self._step(event)
            case Kind.LOG:
                return _log(data)
            case Kind.OUTPUT:
                return Text("← ", style="blue") + plain(_short(data.get("value")))
            case Kind.ARTIFACT:
                return plain(
                    f"+ {data.get('name')}  {size(data.get('size_bytes') or 0)}  {data.get('media_type')}", "blue"
                )
            case value if value == SNAPSHOT:
                return plain("… what happened before is not kept any more", "dim")
            case value if value == REMOVED:
                return plain("the job was removed", "red")
        return None

    def _step(self, event: RemoteEvent) -> Text | None:
        name, status = str(event.data.get("name")), event.data.get("status")
        at = epoch(event.at) if event.at else 0.0
        if status == StepStatus.RUNNING:
            self._steps[name] = at
            return plain(f"· {name}", "dim")
        took = f"  {duration(at - self._steps[name])}" if name in self._steps else ""
        if status == StepStatus.COMPLETED:
            return Text("✓ ", style="green") + plain(name) + Text(took, style="dim")
        return Text("✗ ", style="red") + plain(f"{name}: {said(event.data.get('error'))}") + Text(took, style="dim")


def ending(job: JobDict) -> Text:
    """The last line, of a job that is over."""
    status = Status(job["status"])
    begun, finished = epoch(job["submitted_at"]), job["finished_at"]
    took = f" in {duration(epoch(finished) - begun)}" if finished else ""
    attempts = f", {job['attempt']} attempts" if job["attempt"] > 1 else ""
    cost = f", cost {job['cost']:.4g}" if job["cost"] else ""
    why = ""
    if status is Status.FAILED:
        why = f": {said(job['error'])}"
    elif status is Status.CANCELLED:
        why = f" ({job.get('cancel_reason') or 'requested'})"
    sign = _SIGNS.get(status, "■")
    return plain(f"{sign} {status}{took}{attempts}{cost}{why}", f"bold {STYLES.get(status, '')}")


def said(error: Any) -> str:
    """The sentence of a problem object."""
    if not isinstance(error, dict):
        return "no reason given"
    return str(error.get("detail") or error.get("title") or "no reason given")


def _pending(event: RemoteEvent) -> Text:
    reason, at = event.data.get("reason"), event.data.get("at")
    if reason == "submitted":
        return plain("queued", "dim")
    if reason in _PENDING:
        return plain(f"↻ {_PENDING[reason]}", "yellow")
    pause = f" in {duration(epoch(at) - epoch(event.at))}" if at and event.at else ""
    return plain(f"↻ {said(event.data.get('error'))}; tries again{pause}", "yellow")


def _log(data: dict[str, Any]) -> Text:
    level = str(data.get("level", "info"))
    # What is nested is for programs; a person reads the message.
    extra = {
        name: value
        for name, value in data.items()
        if name not in ("level", "message") and not isinstance(value, dict | list)
    }
    told = "".join(f"  {clean(name)}={_short(value)}" for name, value in extra.items())
    return Text("  ") + plain(data.get("message", ""), _LEVELS.get(level, "")) + plain(told, "dim")


def _short(value: Any) -> str:
    text = clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _OUTPUT_MAX else f"{text[:_OUTPUT_MAX]}…"
