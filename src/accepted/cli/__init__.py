"""The command line: `accepted serve | worker | tasks | submit | watch | jobs | …`. Needs `accepted[server]`."""

from __future__ import annotations

import sys

_NEEDS = frozenset({"click", "rich", "httpx", "uvicorn"})


def main() -> None:
    """The console script."""
    try:
        from accepted.cli.root import run
    except ModuleNotFoundError as error:
        if error.name not in _NEEDS:
            raise
        sys.exit(f"accepted: the commands need {error.name}: pip install 'accepted[server]'")
    sys.exit(run())
