"""Where the browser is; apart from it, because what drives it takes a while to load."""

from __future__ import annotations

import shutil
from typing import Final

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser(path: str | None = None) -> str | None:
    """The Chromium or Chrome to drive: the given one if it can be run, else the first on PATH, else None."""
    if path is not None:
        return shutil.which(path)
    return next((found for name in _NAMES if (found := shutil.which(name))), None)
