"""What all readers of reports make, and the rule by which the worst endpoints are chosen."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from accepted_apps.audit.model import WorstApi
from accepted_apps.audit.shapes import performance_issues

_SAMPLE: Final = 20_000
_NAMES: Final = 50_000


@dataclass
class Report:
    """The endpoints of a report, as it names them. format: as people call it."""

    format: str
    apis: list[WorstApi]
    notes: list[str] = field(default_factory=list)

    def worst(self, limit: int) -> list[WorstApi]:
        return worst_of(self.apis, limit)


def worst_of(apis: Iterable[WorstApi], limit: int) -> list[WorstApi]:
    """Those with performance issues, the highest score first; where none has any, the `limit` or ten slowest.

    The score adds up by how much each threshold is missed, each at most tenfold: see `score`.
    """
    ranked = sorted(apis, key=lambda one: (-score(one), -(one.avg_response_time_ms or 0.0), one.endpoint))
    bad = [one for one in ranked if performance_issues(one)]
    return bad[:limit] if bad else ranked[: min(limit, 10)]


def score(api: WorstApi) -> float:
    """avg / 1000 ms + errors / 5 % + p95 / 2000 ms + 50 rps / throughput ÷ 10, each part at most 10; what is unknown
    counts 0. Throughput weighs least, because a load test sets it as much as the server does."""
    parts = [
        (api.avg_response_time_ms or 0.0) / 1000.0,
        (api.error_rate_percent or 0.0) / 5.0,
        (api.percentile_95_latency_ms or 0.0) / 2000.0,
        0.0 if api.throughput_rps is None else 5.0 / max(api.throughput_rps, 0.01),
    ]
    limits = (10.0, 10.0, 10.0, 1.0)
    return sum(min(part, most) for part, most in zip(parts, limits, strict=True))


class Samples:
    """Single requests added up by endpoint. The 95th percentile is exact up to 20,000 requests of an endpoint, then
    that of a random sample of as many."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Endpoint] = {}
        self._chance = random.Random(95)  # noqa: S311  a sample, no secret

    def add(self, method: str, endpoint: str, elapsed: float, *, failed: bool, at: float | None = None) -> None:
        """elapsed in milliseconds, `at` (when it began) too. Endpoints beyond 50,000 names are not counted."""
        one = self._found.get((method, endpoint))
        if one is None:
            if len(self._found) >= _NAMES:
                return
            one = self._found[method, endpoint] = _Endpoint()
        one.add(elapsed, failed=failed, at=at, chance=self._chance)

    def apis(self) -> list[WorstApi]:
        return [one.api(method, endpoint) for (method, endpoint), one in self._found.items()]


class _Endpoint:
    __slots__ = ("begins", "count", "ends", "failed", "kept", "total")

    def __init__(self) -> None:
        self.count = self.failed = 0
        self.total = 0.0
        self.begins, self.ends = math.inf, -math.inf
        self.kept: list[float] = []

    def add(self, elapsed: float, *, failed: bool, at: float | None, chance: random.Random) -> None:
        self.count += 1
        self.failed += failed
        self.total += elapsed
        if at is not None:
            self.begins, self.ends = min(self.begins, at), max(self.ends, at + elapsed)
        if len(self.kept) < _SAMPLE:
            self.kept.append(elapsed)
        elif (place := chance.randrange(self.count)) < _SAMPLE:
            self.kept[place] = elapsed

    def api(self, method: str, endpoint: str) -> WorstApi:
        lasted = (self.ends - self.begins) / 1000.0
        return WorstApi(
            endpoint=endpoint,
            method=method or None,
            avg_response_time_ms=round(self.total / self.count, 3),
            error_rate_percent=round(100.0 * self.failed / self.count, 3),
            # Of one request there is no rate.
            throughput_rps=round(self.count / lasted, 3) if self.count > 1 and lasted > 0 else None,
            percentile_95_latency_ms=round(percentile(self.kept, 95.0), 3),
        )


def percentile(values: list[float], percent: float) -> float:
    """By nearest rank, as JMeter and Locust have it."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100.0) - 1)]


def without_query(url: str) -> str:
    """The URL that names the endpoint: without what differs from request to request."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0]
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.scheme and parts.netloc else parts.path or url


def number(text: str | float | None) -> float | None:
    """None for what is no number, not a finite one, or below zero."""
    try:
        value = float(str(text).strip().rstrip("%"))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value >= 0 else None
