"""Locust's `…_stats.csv`: one line for each name, with the numbers of the whole test."""

from __future__ import annotations

import csv
from pathlib import Path

from accepted_apps.audit.model import WorstApi

from .base import Report, number
from .sniff import decoded, delimiter_of


def read(path: Path) -> Report:
    """The line `Aggregated` is no endpoint, and a name that was never asked has no numbers."""
    text = decoded(path.read_bytes())
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter_of(text))
    apis = []
    for row in rows:
        values = {(name or "").strip().lower(): value for name, value in row.items() if isinstance(value, str)}
        name, count = values.get("name", "").strip(), number(values.get("request count"))
        if not name or not count or (name in {"Aggregated", "Total"} and not values.get("type", "").strip()):
            continue
        failed = number(values.get("failure count")) or 0.0
        apis.append(
            WorstApi(
                endpoint=name,
                method=values.get("type", "").strip() or None,
                avg_response_time_ms=number(values.get("average response time")),
                error_rate_percent=round(100.0 * failed / count, 3),
                throughput_rps=number(values.get("requests/s")),
                percentile_95_latency_ms=number(values.get("95%")),
            )
        )
    return Report("Locust stats", apis)
