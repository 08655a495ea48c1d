"""The application's task on a store of its own in this process, and what is asked of it."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.task import Shared, add_profiles
from helpers import wait_until

from accepted import JobFailed, JobHandle, Jobs, Task
from accepted.job import Event, JobRecord, Kind, Status

FAST: Mapping[str, Any] = {"request_gap": 0.0, "instagram_gap": 0.0, "instagram_pace": 1e6, "retries": 0}
"""No pauses but those that Instagram or Apify asks for, and one attempt."""


@dataclass(slots=True)
class Desk:
    """Submits profiles, and looks at what becomes of them."""

    jobs: Jobs
    task: Task[..., Any]
    database: Path

    async def start(self, url: str, **more: Any) -> JobHandle[Any]:
        return await self.task.submit(url=url, **more)

    async def read(self, url: str, **more: Any) -> Any:
        """The result, as JSON."""
        found = await (await self.start(url, **more)).result(timeout=60)
        return found.model_dump(mode="json")

    async def profile(self, name: str, **more: Any) -> Any:
        """Of the profile of a name: the profile, and its posts."""
        return (await self.read(profile_url(name), **more))["profile"]

    async def refused(self, url: str, **more: Any) -> tuple[str, str]:
        """Code and sentence of the error that a job ends with."""
        handle = await self.start(url, **more)
        with pytest.raises(JobFailed) as failed:
            await handle.result(timeout=60)
        error = failed.value.error
        return str(error["code"]), str(error["detail"])

    async def events(self, handle: JobHandle[Any]) -> list[Event]:
        record = await handle.refresh()
        found = []
        async for event in handle.events():
            found.append(event)
            if event.seq >= record.seq:
                break
        return found

    async def said(self, handle: JobHandle[Any]) -> str:
        """Everything that the job's events hold, as one text."""
        return "\n".join(event.data.decode() for event in await self.events(handle))

    async def finished_steps(self, handle: JobHandle[Any]) -> list[str]:
        told = [json.loads(event.data) for event in await self.events(handle) if event.kind == Kind.STEP]
        return [step["name"] for step in told if step["status"] == Status.COMPLETED]

    async def waits(self, handle: JobHandle[Any]) -> JobRecord:
        """The job, once it waits for another attempt."""

        async def waiting() -> JobRecord | None:
            record = await handle.refresh()
            return record if record.status is Status.PENDING and record.attempt else None

        found: JobRecord = await wait_until(waiting, what="the job that is taken up again later")
        return found


@asynccontextmanager
async def desk(folder: Path, **settings: Any) -> AsyncIterator[Desk]:
    """A desk with these settings of profiles; another one in the same folder goes on with its jobs."""
    database = folder / "jobs.db"
    jobs = Jobs(f"sqlite:///{database}", progress_interval=0.02, cancel_grace=5.0, drain=0.05)
    task = add_profiles(jobs, Shared(ProfilesSettings(**{**FAST, **settings})))
    async with jobs:
        yield Desk(jobs, task, database)


def profile_url(name: str) -> str:
    return f"https://www.instagram.com/{name}/"


def session_file(folder: Path, cookies: Mapping[str, str], name: str = "session-reader") -> str:
    """As Instaloader writes it."""
    path = folder / name
    path.write_bytes(pickle.dumps(dict(cookies)))
    return str(path)


def threads() -> list[str]:
    """Those of Instaloader's that live."""
    return [one.name for one in threading.enumerate() if one.name.startswith("instaloader")]


def count(comments: list[Any]) -> int:
    """Comments and replies together."""
    return sum(1 + count(one["replies"]) for one in comments)


def stored(folder: Path) -> bytes:
    """Everything that the store has written."""
    return b"".join(path.read_bytes() for path in folder.glob("jobs.db*") if path.is_file())
