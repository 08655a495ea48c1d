"""Every setting of the sales analysis, with unit and default: `ACCEPTED_SALES_…`, or the table `[sales]`.

docs/sales.md lists them; a test holds that page against this class.
"""

from __future__ import annotations

from dataclasses import dataclass

from accepted.errors import ConfigurationError
from accepted.settings import setting
from accepted_apps.sales.model import MARKETPLACES
from accepted_apps.sales.reading.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesSettings:
    """Settings of the task, of what it reads, and of the routes."""

    # ── the service ──
    wait: float = setting(
        25.0, "How long `POST /api/v1/amazon-sales-intelligence` waits before it answers 202.", unit="seconds"
    )
    timeout: float = setting(1800.0, "How long one attempt may take.", unit="seconds")
    retries: int = setting(
        2, "Further attempts after trouble that may pass, each going on at the step that the last one had reached."
    )
    active_per_user: int = setting(5, "Analyses that one user may have pending and running; one more gets 429.")
    retention: float = setting(
        7 * 86400.0, "How long an analysis is kept, with its files, once it is over; then it is purged.", unit="seconds"
    )
    processes: int = setting(
        2,
        "Analyses of one worker that take the processor at once, each in a process of its own; others wait their turn.",
    )
    memory: int = setting(
        4 * 1024 * 1024 * 1024, "Address space of such a process; one that needs more fails the analysis.", unit="bytes"
    )

    # ── the exports ──
    file_max: int = setting(64 * 1024 * 1024, "One export, as it is sent.", unit="bytes")
    unpacked_max: int = setting(1024 * 1024 * 1024, "A workbook, unpacked.", unit="bytes")
    rows_max: int = setting(500_000, "Rows of one export.")
    columns_max: int = setting(2_000, "Columns of one export.")

    # ── the listing ──
    listing_required: bool = setting(
        False, "Whether an analysis fails when the product page cannot be read; else it goes on from the exports alone."
    )
    max_tier: int = setting(3, "The highest tier of the preview that a product page is worth.")
    amazon_urls: tuple[str, ...] = setting(
        (),
        "Base URLs in place of Amazon's own, as MARKETPLACE=URL: one's own test site, such as US=http://127.0.0.1:8130.",
    )

    def __post_init__(self) -> None:
        for name in ("active_per_user", "processes", "rows_max", "columns_max", "file_max"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"sales.{name}: expected a number ≥ 1, got {getattr(self, name)}")
        if not 1 <= self.max_tier <= 3:
            raise ConfigurationError(f"sales.max_tier: expected 1, 2 or 3, got {self.max_tier}")
        for entry in self.amazon_urls:
            code, _, url = entry.partition("=")
            if code not in MARKETPLACES or not url.startswith(("http://", "https://")):
                known = ", ".join(MARKETPLACES)
                raise ConfigurationError(
                    f"sales.amazon_urls: expected MARKETPLACE=URL with one of {known}, got {entry!r}"
                )

    @property
    def base_urls(self) -> dict[str, str]:
        """Those that stand in place of Amazon's own, by marketplace."""
        return {code: url.rstrip("/") for code, _, url in (entry.partition("=") for entry in self.amazon_urls)}

    @property
    def limits(self) -> Limits:
        """What one export may hold."""
        return Limits(bytes=self.file_max, unpacked=self.unpacked_max, columns=self.columns_max, rows=self.rows_max)
