"""The behavioural suite that every store has to pass; third parties run it on theirs.

    from accepted.stores.conformance import StoreConformance, Subject

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def subject(self, tmp_path):
            return Subject(make=lambda clock: MyStore(tmp_path, clock=clock), shared=True, persistent=True)

It needs pytest and pytest-asyncio (`asyncio_mode = "auto"`). Where backends may differ, `Subject` has a field that
says so; no case is skipped. `pytest.register_assert_rewrite("accepted.stores.conformance")` in a conftest.py, before
the import, makes failures readable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from accepted.stores.conformance.pacing import Admissions, Crowds, Pacing
from accepted.stores.conformance.queueing import Claiming, Limits, Submitting
from accepted.stores.conformance.removing import Removing
from accepted.stores.conformance.scene import ManualClock, Scene, Subject
from accepted.stores.conformance.schedules import Schedules
from accepted.stores.conformance.sharing import Sharing
from accepted.stores.conformance.transitions import Transitions
from accepted.stores.conformance.watching import Access, Insight, Upkeep, Watching
from accepted.stores.conformance.webhooks import Webhooks

__all__ = ["ManualClock", "Scene", "StoreConformance", "Subject"]


class StoreConformance(
    Transitions,
    Submitting,
    Claiming,
    Limits,
    Pacing,
    Admissions,
    Crowds,
    Removing,
    Schedules,
    Webhooks,
    Watching,
    Insight,
    Upkeep,
    Access,
    Sharing,
):
    """Derive from it and define the fixture `subject`, with a name that pytest collects."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest_asyncio.fixture
    async def scene(self, subject: Subject, clock: ManualClock) -> AsyncIterator[Scene]:
        store = subject.make(clock)
        await store.open()
        yield Scene(subject, store, clock)
        await store.close()
