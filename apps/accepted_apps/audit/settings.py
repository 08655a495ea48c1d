"""Every setting of the audit, with unit and default: `ACCEPTED_AUDIT_…`, or the table `[audit]`.

docs/audit.md lists them; a test holds that page against this class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accepted.errors import ConfigurationError
from accepted.settings import setting

READERS = ("auto", "git", "dulwich")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Settings of the task, of fetching repositories, and of reading them."""

    # ── the service ──
    wait: float = setting(
        25.0, "How long `POST /analyze-worst-apis-with-github/` waits before it answers 202.", unit="seconds"
    )
    timeout: float = setting(900.0, "How long one attempt may take.", unit="seconds")
    retries: int = setting(2, "Further attempts, each going on at the step that the last one had reached.")
    active_per_user: int = setting(5, "Audits that one user may have pending and running; one more gets 429.")
    endpoints_max: int = setting(500, "The most endpoints of one audit; of a report of a load test, the worst.")
    report_max: int = setting(256 * 1024 * 1024, "A report of a load test that is a request's body.", unit="bytes")

    # ── what may be read ──
    allow: tuple[str, ...] = setting(
        (),
        "Private hosts, host:port, IPs or networks that may be fetched from, over plain http too: one's own git "
        "server.",
    )
    github_url: str = setting("https://github.com", "Where `owner/repo` is; that of a GitHub Enterprise server.")
    local_repositories: tuple[str, ...] = setting(
        (), "Folders of this machine below which repositories may be audited by their paths."
    )

    # ── bounds ──
    clone_timeout: float = setting(
        300.0, "Fetching one repository, from the first request to the last byte.", unit="seconds"
    )
    clone_bytes: int = setting(512 * 1024 * 1024, "What is fetched of one repository, compressed.", unit="bytes")
    refs_bytes: int = setting(64 * 1024 * 1024, "The list of a repository's branches.", unit="bytes")
    repository_files: int = setting(100_000, "Files of a repository.")
    repository_bytes: int = setting(1024 * 1024 * 1024, "All files of a repository together, unpacked.", unit="bytes")
    file_bytes: int = setting(2 * 1024 * 1024, "A file; a larger one is left out.", unit="bytes")
    survey_timeout: float = setting(300.0, "Unpacking and reading one repository.", unit="seconds")
    survey_memory: int = setting(
        4 * 1024 * 1024 * 1024, "Address space of the process that unpacks and reads it.", unit="bytes"
    )
    routes_max: int = setting(10_000, "Routes of one repository that the result lists.")

    # ── how ──
    git: str = setting("auto", "What unpacks: `git` (the program), `dulwich`, or `auto`: git where it is installed.")
    folder: Path | None = setting(None, "Where repositories lie while they are read; empty: `audit` in `data`.")
    model_endpoints: int = setting(
        20,
        "Endpoints of one audit that a language model looks at, where one is configured, those that matter most first.",
    )

    def __post_init__(self) -> None:
        if self.git not in READERS:
            raise ConfigurationError(f"audit.git: expected one of {', '.join(READERS)}, got {self.git!r}")
        for name in ("endpoints_max", "active_per_user", "repository_files"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"audit.{name}: expected a number ≥ 1, got {getattr(self, name)}")
        if not self.github_url.startswith(("https://", "http://")):
            raise ConfigurationError(f"audit.github_url: expected an http(s) URL, got {self.github_url!r}")
