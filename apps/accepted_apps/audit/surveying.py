"""The worker's side of a survey: fetch, start the process that reads, and leave nothing behind."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from accepted_apps.processes import ProcessDied, in_process

from .errors import RepositoryTooSlow, SurveyFailed
from .repository.fetch import fetch
from .repository.place import Place
from .settings import AuditSettings
from .survey import Order, Survey, survey

_PREFIX: Final = "audit-"

Told = Callable[[str], None]


@asynccontextmanager
async def work_folder(parent: Path, job_id: str, keep_for: float) -> AsyncIterator[Path]:
    """A folder for one attempt. What an attempt of this job left that was killed is removed, and what is older than
    any attempt can be (`keep_for`, seconds)."""
    await asyncio.to_thread(_sweep, parent, job_id, keep_for)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=f"{_PREFIX}{job_id}-", dir=parent))
    try:
        yield folder
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def _sweep(parent: Path, job_id: str, keep_for: float) -> None:
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.name.startswith(f"{_PREFIX}{job_id}-") or folder.stat().st_mtime < time.time() - keep_for:
                shutil.rmtree(folder, ignore_errors=True)


async def run_survey(place: Place, token: str | None, order: Order, settings: AuditSettings, told: Told) -> Survey:
    """Fetch the repository where it is not of this machine, and read it in a process of its own.

    `order` has everything but the repository. Raises AuditError.
    """
    if place.path:
        order.path, order.branch = Path(place.path), place.branch
    else:
        told(f"fetching {place.name}")
        fetched = await fetch(place, token, order.work, settings)
        order.pack, order.commit, order.branch = fetched.pack, fetched.commit, fetched.branch
        told(f"fetched {_size(fetched.size)} of {place.name}, branch {fetched.branch}")
    try:
        async with asyncio.timeout(settings.survey_timeout):
            return await in_process(survey, told, settings.survey_memory, order)
    except ProcessDied as died:
        raise SurveyFailed(
            f"{place.name} could not be read: {died}; it may need more memory (`survey_memory`)."
        ) from None
    except TimeoutError:
        raise RepositoryTooSlow(
            f"{place.name} could not be read within {settings.survey_timeout:g} s (`survey_timeout`)."
        ) from None


def _size(count: int) -> str:
    return f"{count / 1024**2:.1f} MB" if count >= 1024**2 else f"{count / 1024:.0f} KB"
