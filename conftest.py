"""For every test: readable failures of the suite for stores; one line at the end where something could not be tested
here."""

from __future__ import annotations

import pytest
from accepted_apps.preview.browser import find_browser

pytest_plugins = ["browsing"]

# Before any test imports it.
pytest.register_assert_rewrite("accepted.stores.conformance")

NO_BROWSER = "no Chromium or Chrome here: apt-get install chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_browser() is not None:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    without_browser = [report for report in skipped if NO_BROWSER in str(report.longrepr)]
    if without_browser:
        terminalreporter.write_line(
            f"{len(without_browser)} browser tests did not run: {NO_BROWSER}",
            yellow=True,
        )
