"""Every setting of the news application, with unit and default: `ACCEPTED_NEWS_…`, or the table `[news]`.

How pages are fetched (politeness, sizes, addresses, tiers and their prices) is set for the preview, whose engine
fetches here too. docs/news.md lists them; a test holds that page against this class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accepted.errors import ConfigurationError
from accepted.settings import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsSettings:
    """Settings of the tasks, of the registry and of what is remembered."""

    # ── the service ──
    limit: int = setting(20, "Articles of each source, unless a request says another number.")
    limit_max: int = setting(200, "The most articles of each source that one request may ask for.")
    sources_max: int = setting(50, "The most sources in one request.")
    active_per_user: int = setting(5, "Jobs that one user may have pending and running; one more gets 429.")
    timeout: float = setting(3600.0, "How long one job may run.", unit="seconds")
    source_timeout: float = setting(
        900.0, "How long one source may take; what is not read by then is left out, and said so.", unit="seconds"
    )
    retries: int = setting(1, "Further attempts, each going on where the last one stopped.")

    # ── checking a source ──
    check_wait: float = setting(
        8.0, "How long a check of a source is waited for before it answers 202.", unit="seconds"
    )
    check_timeout: float = setting(60.0, "How long a check may run.", unit="seconds")
    check_limit: int = setting(20, "Links that a check shows.")

    # ── fetching ──
    sources_at_once: int = setting(4, "Sources of one job that are read at once.")
    articles_at_once: int = setting(8, "Articles of one job that are fetched at once, each host one at a time.")
    extractions_at_once: int = setting(2, "Pages from which one process takes the article at once.")
    max_tier: int = setting(
        1, "The highest of the preview's tiers (1 to 3) for a page that is blocked; the prices are the preview's."
    )
    fresh: float = setting(
        3600.0, "For how long an article that was fetched is not fetched again, whoever asks.", unit="seconds"
    )
    believe: float = setting(
        300.0, "For how long a site's own word is believed that a feed or page is still fresh.", unit="seconds"
    )
    turn: float = setting(
        60.0,
        "For how long an article that a job was about to fetch waits for that job, after its process died.",
        unit="seconds",
    )

    # ── what is remembered ──
    database: str = setting(
        "",
        "Where articles and sources are: postgresql://user:password@host/name, or sqlite:///path; empty: `news.db` in "
        "the folder `data` of the server.",
        secret=True,
    )
    keep_pages: float = setting(
        86400.0, "For how long fetched pages are kept, and articles that nobody has.", unit="seconds"
    )

    # ── the registry ──
    sources: Path | None = setting(None, "A file of sources that everybody sees: JSON, or OPML.")
    registry_max: int = setting(1000, "The most sources in one user's registry.")
    opml_max: int = setting(2 * 1024 * 1024, "An OPML file that is imported.", unit="bytes")

    def __post_init__(self) -> None:
        least_one = [
            "limit",
            "limit_max",
            "sources_max",
            "check_limit",
            "sources_at_once",
            "articles_at_once",
            "extractions_at_once",
            "turn",
        ]
        for name in least_one:
            if getattr(self, name) < 1:
                raise ConfigurationError(
                    f"ACCEPTED_NEWS_{name.upper()}: expected at least 1, got {getattr(self, name)}"
                )
        if self.limit > self.limit_max:
            raise ConfigurationError(
                f"ACCEPTED_NEWS_LIMIT: expected at most ACCEPTED_NEWS_LIMIT_MAX ({self.limit_max}), got {self.limit}"
            )
        if not 1 <= self.max_tier <= 3:
            raise ConfigurationError(f"ACCEPTED_NEWS_MAX_TIER: expected 1, 2 or 3, got {self.max_tier}")
