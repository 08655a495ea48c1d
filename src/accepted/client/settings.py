"""Where a command line finds its server: read from the environment by `accepted.settings`, like everything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accepted.settings import load, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """`ACCEPTED_URL`, `ACCEPTED_KEY` …, or the table `[client]` of the TOML file."""

    url: str = setting("http://127.0.0.1:8000", "The server that client commands talk to.")
    key: str = setting("", "API key, or a token, for it.", secret=True)
    timeout: float = setting(30.0, "Time for a connection, and for each answer.", unit="seconds")
    retries: int = setting(4, "How often a request is sent again after a dropped connection, 429 or 503.")
    patience: float = setting(
        120.0, "How long a command that follows a job puts up with a silent server.", unit="seconds"
    )


def load_client_settings(
    *, config: Path | None = None, url: str | None = None, key: str | None = None
) -> ClientSettings:
    """Raises ConfigurationError."""
    return load(ClientSettings, section="client", prefix="ACCEPTED_", config=config, url=url, key=key)
