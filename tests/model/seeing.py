"""All that can be seen of a store and of the model, in one form, so that it can be compared."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from model.model import Model, Told, delivery_name
from stores.test_flow import connection

from accepted.errors import AcceptedError, JobGone, JobNotFound
from accepted.job import Event, JobRecord, Status
from accepted.stores.base import DELIVERY_TASK, Claim, JobQuery, Submitted
from accepted.stores.sqlite import SQLiteStore

Seen = dict[str, Any]


class Names:
    """Deliveries under the names that the model gives them: the store draws their ids by lot."""

    def __init__(self) -> None:
        self.real: dict[str, str] = {}
        self.given: dict[str, str] = {}

    def name(self, job: JobRecord) -> str:
        if job.task == DELIVERY_TASK and job.id not in self.given and job.id not in self.real:
            given = delivery_name(json.loads(job.args))
            self.given[job.id], self.real[given] = given, job.id
        return self.given.get(job.id, job.id)

    def named(self, job: JobRecord) -> JobRecord:
        return replace(job, id=self.name(job))

    def plain(self, answer: Any) -> Any:
        """An answer of a verb. When the next job is due is compared elsewhere: a store may say an earlier time."""
        match answer:
            case JobRecord():
                return self.named(answer)
            case Submitted():
                return "submitted", self.named(answer.job), answer.replayed
            case Claim():
                return [(self.named(one.job), dict(one.steps)) for one in answer.jobs]
            case AcceptedError():
                return type(answer).__name__, self._facts(answer)
            case list():
                return [self.plain(each) for each in answer]
            case str() if not isinstance(answer, Status):
                return self.given.get(answer, answer)
            case _:
                return answer

    def _facts(self, error: AcceptedError) -> dict[str, Any]:
        facts = {name: value for name, value in vars(error).items() if not name.startswith("_")}
        return {
            name: self.given.get(value, value) if isinstance(value, str) else value for name, value in facts.items()
        }


async def see(store: SQLiteStore, names: Names, ids: set[str]) -> Seen:
    """`ids`: of all jobs that ever were. Fails when the list, the log and the jobs themselves do not agree."""
    records = (await store.list(JobQuery(limit=10_000))).jobs
    found = {names.name(job): job for job in records}
    missing = sorted(names.real.get(name, name) for name in (ids | names.real.keys()) - found.keys())
    reads: list[Awaitable[Any]] = [
        store.events_after({job.id: 0 for job in records}),
        store.tallies(),
        store.oldest_pending(),
        store.workers(),
        store.schedules(),
        *(store.steps(job.id) for job in records),
        *(store.artifacts(job.id) for job in records),
        *(store.waiting(job) for job in records if job.status is Status.PENDING),
        *(_gone(store, job_id) for job_id in missing),
    ]
    events, tallies, oldest, workers, schedules, *rest = await asyncio.gather(*reads)
    seen: Seen = {f"job {name}": names.named(job) for name, job in found.items()}
    for name, job in found.items():
        page = events[job.id]
        assert page.first_seq == 1
        seen[f"events {name}"] = [_told(event) for event in page.events]
    parts = iter(rest)
    seen |= {f"steps {name}": next(parts) for name in found}
    seen |= {f"artifacts {name}": next(parts) for name in found}
    pending = [name for name, job in found.items() if job.status is Status.PENDING]
    seen |= {f"waiting {name}": next(parts) for name in pending}
    seen |= {f"gone {names.given.get(job_id, job_id)}": names.plain(next(parts)) for job_id in missing}
    seen |= {"tallies": {tally for tally in tallies if tally.jobs}, "oldest": oldest, "schedules": schedules}
    seen["workers"] = {worker.id: worker for worker in workers}
    return seen | _places(store, names)


def _places(store: SQLiteStore, names: Names) -> Seen:
    """In which order jobs stand, and how far the lanes have come: it shows later only, when several are ready."""
    file = connection(store)
    places = file.execute("SELECT id, -priority, turn, n FROM jobs").fetchall()
    lanes = file.execute("SELECT queue, task, priority, turn FROM lanes").fetchall()
    turns = file.execute("SELECT queue, priority, owner, turn FROM turns").fetchall()
    seen: Seen = {f"place {names.given.get(job_id, job_id)}": tuple(place) for job_id, *place in places}
    seen["lanes"] = {(queue, task, priority): turn for queue, task, priority, turn in lanes}
    seen["turns"] = {(queue, priority, owner): turn for queue, priority, owner, turn in turns}
    return seen


def _told(event: Event) -> Told:
    return Told(event.seq, event.at, event.attempt, event.kind, json.loads(event.data))


async def _gone(store: SQLiteStore, job_id: str) -> AcceptedError:
    try:
        raise AssertionError(f"{job_id} is there: {await store.get(job_id)}")
    except (JobGone, JobNotFound) as error:
        return error


def foresee(model: Model, names: Names, ids: set[str]) -> Seen:
    """The same of the model."""
    seen: Seen = {}
    for name, job in model.jobs.items():
        seen[f"job {name}"] = model.record(job)
        seen[f"place {name}"] = job.place
        seen[f"events {name}"] = job.events
        seen[f"steps {name}"] = [*job.steps.values()]
        seen[f"artifacts {name}"] = [artifact for _, artifact in sorted(job.artifacts.items())]
        if job.status is Status.PENDING:
            seen[f"waiting {name}"] = model.waiting(job)
    for name in (ids | names.real.keys()) - model.jobs.keys():
        with suppress(KeyError):
            seen[f"gone {name}"] = names.plain(model.tombstones.get(name) or JobNotFound(name))
    alive = {name: worker for name, (worker, until) in model.workers_.items() if until > model.now}
    schedules = [schedule for _, schedule in sorted(model.schedules_.items())]
    seen |= {"lanes": model.lanes, "turns": model.turns}
    seen |= {"tallies": model.tallies(), "oldest": model.oldest_pending(), "schedules": schedules, "workers": alive}
    return seen


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Empty: they are the same. `waiting.resets_at` is compared elsewhere: a store may say an earlier time."""
    lines = []
    for what in sorted(expected.keys() | found.keys()):
        ours, theirs = expected.get(what, "nothing"), found.get(what, "nothing")
        if what.startswith("waiting ") and theirs != "nothing":
            theirs = replace(theirs, resets_at=None)
        if ours != theirs:
            lines.append(f"{what}:\n  the model: {ours}\n  the store: {theirs}")
    return lines


def counted(file: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """What the store has counted: an implementation's own, but nothing may be left of it when all is over."""
    return {
        "slot": dict(file.execute("SELECT key, used FROM gauges WHERE kind = 'slot'")),
        "quota": dict(file.execute("SELECT key, used FROM gauges WHERE kind = 'quota'")),
        "pace": dict(file.execute("SELECT key, ready FROM windows WHERE kind = 'pace' AND ready <> 0")),
        "line": dict(file.execute("SELECT waiting_for, count(*) FROM lines GROUP BY waiting_for")),
    }
