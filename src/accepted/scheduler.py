"""Jobs by the clock. Every process looks after the schedules in its code; each time is fired once all the same.

`Scheduler.once` is one look: what is due is fired by a compare-and-set on the schedule's `next_at`, in the transaction
that stores the job. Whoever comes second is told so and goes on.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from accepted.errors import ConfigurationError, InvalidInput, LimitReached, StoreError
from accepted.job import Limit, NewJob, new_id
from accepted.limits import CommonLimits
from accepted.meter import Meter
from accepted.rounds import Rounds
from accepted.settings import Settings
from accepted.stores.base import Clock, ScheduleRecord, SchedulingStore, Submitted
from accepted.task import Options, Task

if TYPE_CHECKING:
    from accepted.times import Times

log = logging.getLogger("accepted")

Missed = Literal["latest", "skip", "all"]
Overlap = Literal["skip", "queue", "allow"]

LOOK: Final = 5.0
"""Most seconds between two looks, so that a clock that was set, or a schedule that is new, is seen."""
LATE: Final = 60.0
"""A time that is less than so many seconds late has not been missed."""
MISSED_MAX: Final = 100
"""So many missed times are made up for with `missed="all"`: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What the code says: a task, its validated arguments, and when. docs/schedules.md explains the words."""

    name: str
    task: Task[..., Any]
    times: Times
    arguments: Mapping[str, Any]
    key: str | None
    """`Task.limit_key` of the arguments."""
    options: Options
    missed: Missed
    overlap: Overlap

    @property
    def spec(self) -> str:
        """What the store compares; a schedule of which this has changed begins anew. Without secrets, which are
        encrypted otherwise each time."""
        arguments = json.loads(self.stored_arguments())
        known = {name: value for name, value in arguments.items() if name not in self.task.secrets}
        said = {"task": self.task.name, **self.times.spec, "arguments": known, "owner": self.options.owner}
        return json.dumps(said, sort_keys=True, ensure_ascii=False)

    def stored_arguments(self) -> bytes:
        return self.task.dump_arguments(self.arguments, self.options.owner)


def make_schedule(
    task: Task[..., Any],
    times: Times,
    arguments: Mapping[str, Any],
    options: Options,
    *,
    name: str,
    missed: Missed,
    overlap: Overlap,
) -> Schedule:
    """Raises ConfigurationError naming the keyword that is wrong."""
    for keyword, given, words in (("missed", missed, Missed), ("overlap", overlap, Overlap)):
        if given not in get_args(words):
            expected = ", ".join(map(repr, get_args(words)))
            raise ConfigurationError(f"{keyword}: expected one of {expected}, got {given!r}")
    if missed == "all" and overlap == "skip":
        raise ConfigurationError(
            'missed: with "all" take overlap="queue" or "allow"; "skip" would leave out all but one'
        )
    if options.idempotency_key is not None:
        raise ConfigurationError("idempotency_key: each time of a schedule makes a new job; leave it out")
    files = [one for one in task.files if arguments.get(one)]
    if files:
        raise ConfigurationError(f"arguments: {files[0]} is a file, which a schedule cannot keep; read it in the task")
    try:
        valid = task.validate(arguments)
        key = task.limit_key(valid)
    except InvalidInput as error:
        raise ConfigurationError(f"arguments: {error}") from None
    return Schedule(
        name=name,
        task=task,
        times=times,
        arguments=valid,
        key=key,
        options=options,
        missed=missed,
        overlap=overlap,
    )


@dataclass(frozen=True, slots=True)
class Todo:
    """What to do about a due time: run it or leave it out, and which time is next."""

    run: bool
    next_at: float


def todo_at(due: float, now: float, times: Times, missed: Missed) -> Todo:
    """`due` is not later than `now`. Times that nobody can want any more are passed over at once."""
    following = times.after(due)
    if now - due < LATE:
        return Todo(True, following)
    fresh = times.after(now - LATE)
    if missed == "skip":
        return Todo(False, fresh)
    wanted = 1 if missed == "latest" else MISSED_MAX
    if missed == "latest" and fresh <= now:
        return Todo(False, fresh)  # it runs for those that were missed, too
    first = _last(times, due, now - LATE, wanted)[0]
    return Todo(True, following) if first == due else Todo(False, first)


def _last(times: Times, due: float, until: float, count: int) -> list[float]:
    """The last `count` of the times from `due` to `until`, at least one. Looks back as far as it has to and not from
    `due`, which may lie a year of seconds back."""
    span = 3600.0
    while True:
        start = until - span
        found = [due] if start < due else []
        at = max(due, start)
        while (at := times.after(at)) <= until:
            found.append(at)
        if len(found) >= count or start < due:
            return found[-count:]
        span *= 8


class Scheduler(Rounds):
    """One loop over the schedules of this process. `clock`: seconds since the epoch."""

    def __init__(
        self,
        store: SchedulingStore,
        settings: Settings,
        limits: CommonLimits,
        meter: Meter,
        *,
        clock: Clock = time.time,
    ) -> None:
        super().__init__("schedules", pause=LOOK)
        self._store, self._settings, self._limits, self._meter, self._clock = store, settings, limits, meter, clock
        self._schedules: dict[str, Schedule] = {}
        self._put: set[str] = set()

    def add(self, schedule: Schedule) -> None:
        """Raises ConfigurationError when there is one of that name."""
        if schedule.name in self._schedules:
            raise ConfigurationError(f"two schedules are named {schedule.name!r}; give one another name=")
        self._schedules[schedule.name] = schedule

    def start(self) -> None:
        self._put.clear()
        super().start()

    async def once(self) -> float:
        """Fire what is due. Returns the seconds until something can be due again. Raises StoreError."""
        if not self._schedules:
            return LOOK
        kept = {record.name: record for record in await self._store.schedules()}
        next_at = math.inf
        for one in list(self._schedules.values()):
            try:
                next_at = min(next_at, await self._tend(one, kept.get(one.name)))
            except StoreError:
                raise
            except Exception:
                # One that cannot be stored must not keep the others from their times.
                log.exception("schedule %s", one.name, extra={"action": "crash", "task": one.task.name})
        return max(0.0, min(LOOK, next_at - self._clock()))

    async def _tend(self, schedule: Schedule, kept: ScheduleRecord | None) -> float:
        """One schedule. Returns when it is next due; infinity: it is not this process's to look after."""
        record = await self._record(schedule, kept)
        if record is None:
            return math.inf
        while record.next_at <= self._clock():
            record = await self._fire(schedule, record)
        return record.next_at

    async def _record(self, schedule: Schedule, kept: ScheduleRecord | None) -> ScheduleRecord | None:
        """Where it stands; None: it was dropped, or other code, older or newer than this, has it now."""
        now = self._clock()
        if schedule.name not in self._put:
            record = await self._store.put_schedule(_record(schedule, schedule.times.after(now)))
            self._put.add(schedule.name)
            return record
        if kept is None or kept.spec == schedule.spec:
            return kept
        if now - kept.next_at < LATE:
            return None
        # Nobody fired it: the processes that had the other code are gone.
        return await self._store.put_schedule(_record(schedule, schedule.times.after(kept.next_at - 0.001)))

    async def _fire(self, schedule: Schedule, record: ScheduleRecord) -> ScheduleRecord:
        """Do what the due time asks for. Returns the record after it, whoever did it."""
        due = record.next_at
        todo = todo_at(due, self._clock(), schedule.times, schedule.missed)
        job = self._job(schedule, due) if todo.run else None
        made = await self._store.fire(schedule.name, at=due, next_at=todo.next_at, job=job)
        said = {"action": "schedule", "task": schedule.task.name}
        match made:
            case Submitted():
                self._meter.submitted(schedule.task.name)
            case LimitReached():
                log.info("schedule %s: left out a time: %s", schedule.name, made, extra=said)
            case Exception():
                log.error("schedule %s: left out a time: %s", schedule.name, made, extra=said)
        return replace(record, next_at=todo.next_at)

    def _job(self, schedule: Schedule, due: float) -> NewJob:
        job = schedule.task.new_job(
            schedule.stored_arguments(),
            schedule.options,
            job_id=new_id(),
            now=self._clock(),
            retention=self._settings.retention,
            idempotency=None,
            key=schedule.key,
            common=self._limits,
        )
        alone = (Limit(f"schedule:{schedule.name}", 1),)
        return replace(
            job,
            scheduled_at=due,
            quotas=job.quotas + alone if schedule.overlap == "skip" else job.quotas,
            slots=job.slots + alone if schedule.overlap == "queue" else job.slots,
        )


def _record(schedule: Schedule, next_at: float) -> ScheduleRecord:
    return ScheduleRecord(schedule.name, schedule.spec, schedule.options.owner, next_at)
