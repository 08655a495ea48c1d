"""Fixtures: a shared warm browser where there is one, and settings that let tests reach loopback without pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accepted_apps.preview.climb import Report
from accepted_apps.preview.settings import PreviewSettings


@pytest.fixture
def settings() -> Callable[..., PreviewSettings]:
    """Settings for tests: 127.0.0.5 and 127.0.0.6 stand for the public internet, 127.0.0.1 stays private."""

    def make(**changes: Any) -> PreviewSettings:
        values: dict[str, Any] = {
            "allow": ("127.0.0.5", "127.0.0.6"),
            "host_delay": 0.0,
            "respect_robots": False,
            "browser": False,
            "browser_settle": 2.0,
            "browser_challenge_wait": 1.0,
        }
        return PreviewSettings(**(values | changes))

    return make


class Reports(list[Report]):
    """Collects what is reported; checks that percent never falls."""

    async def __call__(self, report: Report) -> None:
        assert not self or report.percent >= self[-1].percent
        self.append(report)

    @property
    def signs(self) -> list[tuple[int, str, str]]:
        return [(entry["tier"], entry["outcome"], entry["sign"]) for entry in self[-1].escalation_log]


@pytest.fixture
def reports() -> Reports:
    return Reports()
