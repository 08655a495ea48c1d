"""HAR: what a browser or a proxy has recorded, one entry for each request."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from accepted_apps.audit.errors import ReportUnreadable

from .base import Report, Samples, number, without_query

_PARTS_OF_PAGES: Final = [
    ".js",
    ".mjs",
    ".css",
    ".map",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".webp",
    ".avif",
    ".ico",
    ".woff",
    ".woff2",
    ".ttf",
    ".otf",
    ".eot",
    ".mp4",
    ".webm",
    ".mp3",
]
_KINDS: Final = {"stylesheet", "script", "image", "font", "media", "manifest", "websocket", "preflight", "ping"}


def read(path: Path) -> Report:
    """Requests for parts of a page (scripts, pictures …) are no endpoints. Throughput is not told: a recording shows
    how often one person asked. Raises ReportUnreadable."""
    try:
        entries = json.loads(path.read_text("utf-8-sig", errors="replace"))["log"]["entries"]
        samples = Samples()
        for entry in entries:
            _add(samples, entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ReportUnreadable("The report is no whole HAR.", field="report") from None
    apis = samples.apis()
    for one in apis:
        one.throughput_rps = None
    return Report("HAR", apis)


def _add(samples: Samples, entry: dict[str, Any]) -> None:
    request, answer = entry["request"], entry.get("response") or {}
    url, elapsed = str(request["url"]), number(entry.get("time"))
    parts = urlsplit(url)
    if elapsed is None or parts.scheme not in {"http", "https"} or request.get("method") == "OPTIONS":
        return
    if entry.get("_resourceType") in _KINDS or parts.path.lower().endswith(tuple(_PARTS_OF_PAGES)):
        return
    status = int(answer.get("status") or 0)
    samples.add(
        str(request["method"]).upper(), without_query(url), elapsed, failed=status == 0 or status >= 400, at=_at(entry)
    )


def _at(entry: dict[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(entry["startedDateTime"])).timestamp() * 1000.0
    except (KeyError, ValueError):
        return None
