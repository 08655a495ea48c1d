"""k6's summary: `--summary-export`, or `handleSummary`'s data. By URL where thresholds or tags made sub-metrics of
`http_req_duration{name:…}`; by group, and for the whole test, where they did not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from accepted_apps.audit.errors import ReportUnreadable
from accepted_apps.audit.model import WorstApi

from .base import Report, number

_SUB: Final = re.compile(r"^(http_req_duration|http_req_failed|http_reqs)\{(.*)\}$", re.DOTALL)
_TAG: Final = re.compile(r"\s*(\w+)\s*:\s*(.*?)\s*(?=,\s*\w+\s*:|$)", re.DOTALL)


def read(path: Path) -> Report:
    """Raises ReportUnreadable."""
    try:
        data = json.loads(path.read_text("utf-8-sig", errors="replace"))
        metrics = data["metrics"]
        parts = _parts(metrics)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ReportUnreadable("The report is no whole summary of k6.", field="report") from None
    apis = [one for tags, part in parts.items() if (one := _api(dict(tags), part)) is not None]
    if not apis:
        raise ReportUnreadable(
            "The summary of k6 has no numbers by URL; give each request a threshold or tag such as "
            "http_req_duration{name:/users}, or send Locust, JMeter or HAR.",
            field="report",
        )
    return Report("k6 summary", apis)


def _parts(metrics: dict[str, Any]) -> dict[tuple[tuple[str, str], ...], dict[str, dict[str, Any]]]:
    """By tags, the values of each metric."""
    found: dict[tuple[tuple[str, str], ...], dict[str, dict[str, Any]]] = {}
    for name, metric in metrics.items():
        if sub := _SUB.match(name):
            tags = tuple(sorted((key, value) for key, value in _TAG.findall(sub[2]) if key != "expected_response"))
            if tags:
                # handleSummary has the numbers in `values`, --summary-export beside the name.
                found.setdefault(tags, {})[sub[1]] = metric.get("values", metric)
    return found


def _api(tags: dict[str, str], part: dict[str, dict[str, Any]]) -> WorstApi | None:
    endpoint = tags.get("name") or tags.get("url") or tags.get("endpoint") or tags.get("group", "").strip(":")
    times = part.get("http_req_duration", {})
    if not endpoint or number(times.get("avg")) is None:
        return None
    failed, requests = part.get("http_req_failed", {}), part.get("http_reqs", {})
    # --summary-export says `value`, handleSummary `rate`.
    share = number(failed.get("rate", failed.get("value")))
    return WorstApi(
        endpoint=endpoint,
        method=tags.get("method"),
        avg_response_time_ms=number(times.get("avg")),
        error_rate_percent=None if share is None else round(100.0 * share, 3),
        throughput_rps=number(requests.get("rate")),
        percentile_95_latency_ms=number(times.get("p(95)")),
    )
