"""The suite for all stores, on ours: adding a backend means one entry here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from accepted.stores.conformance import StoreConformance, Subject
from accepted.stores.sqlite import SQLiteStore


def sqlite_file(folder: Path) -> Subject:
    return Subject(
        make=lambda clock: SQLiteStore(folder / "jobs.db", clock=clock, max_events_per_job=100),
        shared=True,
        persistent=True,
        events_kept=100,
    )


def sqlite_memory(_: Path) -> Subject:
    return Subject(
        make=lambda clock: SQLiteStore(None, clock=clock, max_events_per_job=100),
        shared=False,
        persistent=False,
        events_kept=100,
    )


@pytest.mark.parametrize("backend", [sqlite_file, sqlite_memory])
class TestStores(StoreConformance):
    @pytest.fixture
    def subject(self, backend: Callable[[Path], Subject], tmp_path: Path) -> Subject:
        return backend(tmp_path)


def test_no_case_hides_another() -> None:
    """Of two cases of one name, only the first base's would run."""
    names = Counter(name for base in StoreConformance.__bases__ for name in vars(base) if name.startswith("test_"))
    assert [name for name, bases in names.items() if bases > 1] == []
