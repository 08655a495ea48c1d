"""Small repositories, written as real ones are, and what is found in them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.base import Discovery

Found = Callable[[dict[str, str]], Discovery]
Listed = Callable[[dict[str, str]], list[str]]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Path → content of each file of a repository; gives what is discovered there."""

    def find(files: dict[str, str]) -> Discovery:
        for path, content in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(content))
        return discover(tmp_path)

    return find


@pytest.fixture
def listed(found: Found) -> Listed:
    """The same, as sorted lines of method and path."""
    return lambda files: sorted(f"{route.method} {route.path}" for route in found(files).routes)
