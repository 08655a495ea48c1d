"""For every test: one line at the end where something could not be tested here."""

from __future__ import annotations

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any(shutil.which(name) for name in BROWSERS):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium or Chrome on PATH: apt-get install chromium"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    without_browser = [report for report in skipped if "no Chromium" in str(report.longrepr)]
    if without_browser:
        terminalreporter.write_line(
            f"{len(without_browser)} browser tests did not run: no Chromium or Chrome here (apt-get install chromium)",
            yellow=True,
        )
