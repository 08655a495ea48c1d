"""Reports of load tests: which endpoints they name, with what numbers, and which of them are the worst."""

from __future__ import annotations

from pathlib import Path

from accepted_apps.audit.errors import ReportUnreadable

from .base import Report, worst_of
from .sniff import sniff

__all__ = ["Report", "read_report", "sniff", "worst_of"]


def read_report(path: Path, name: str = "") -> Report:
    """A report of a format that is told by its content. Raises ReportUnreadable."""
    from . import har, jmeter, k6, locust

    formats = {
        "jmeter": jmeter.read,
        "jmeter-xml": jmeter.read_xml,
        "locust": locust.read,
        "k6": k6.read,
        "har": har.read,
    }
    kind = sniff(path, name)
    report = formats[kind](path)
    if not report.apis:
        raise ReportUnreadable(f"The report ({report.format}) names no request that was made.", field="report")
    return report
