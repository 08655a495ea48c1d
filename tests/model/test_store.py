"""Any history of calls, by anybody with any lease: after each the store answers and holds what the model does."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model.model import Model
from model.orders import Call, outcomes
from model.profile import bounded
from model.seeing import Names, counted, differences, foresee, see
from stores.test_flow import connection

from accepted.errors import AcceptedError
from accepted.job import EventDraft, IdempotencyKey, Kind, Lease, Limit, NewJob, Progress, Rate, Status
from accepted.stores.base import DELIVERY_QUEUE, Claim, ScheduleRecord, Webhook, WorkerInfo, delivery_owner
from accepted.stores.conformance import ManualClock
from accepted.stores.conformance.scene import ERROR
from accepted.stores.sqlite import SQLiteStore

OWNERS, TASKS, QUEUES, WORKERS, HOOKS = ("ann", "bob"), ("t", "u"), ("default", "slow"), ("w1", "w2"), ("h1", "h2")
SERVED = (*QUEUES, DELIVERY_QUEUE)
MANY = 1000
"""Of a thing that there will never be so many of."""

owners, tasks, queues = st.sampled_from(OWNERS), st.sampled_from(TASKS), st.sampled_from(QUEUES)
workers, hooks, schedule_names = st.sampled_from(WORKERS), st.sampled_from(HOOKS), st.sampled_from(("s1", "s2"))
numbers = st.integers(0, 40)
"""Which of those that there are."""
some_tasks = st.sampled_from((("t",), ("t", "u"), ("u", "t", "accepted.webhook"), ("accepted.webhook",), ()))
some_queues = st.sampled_from((("default",), SERVED, ("slow", DELIVERY_QUEUE)))
shifts = st.sampled_from((0, 0, 0, 0, 0, -1, 1))
"""How far a token is from the job's latest."""
delays = st.sampled_from((0.25, 0.5, 1.0, 1.0, 2.5, 5.0, 30.0))


@st.composite
def new_jobs(draw: st.DrawFn) -> dict[str, Any]:
    """A job without its id; times count from now."""
    owner, task = draw(owners), draw(st.sampled_from(("t", "t", "u")))
    domain = draw(st.sampled_from(("x", "y")))
    slots = (Limit(f"task:{task}", 3), Limit(f"owner:{owner}/{task}", 2), Limit(f"key:{domain}", 1))
    paces = (Rate(f"task:{task}", 3, 2.0), Rate(f"owner:{owner}/{task}", 2, 2.5), Rate(f"key:{domain}", 1, 1.0))
    quotas = (Limit("active", 8), Limit(f"active:{owner}", 5))
    limited = draw(st.sampled_from((0, 1, 2, 3, 4, 5)))
    return {
        "task": task,
        "owner": owner,
        "queue": draw(st.sampled_from(("default", "default", "slow"))),
        "priority": draw(st.sampled_from((0, 0, 0, 5, -1))),
        "delay": draw(st.sampled_from((None, None, None, 1.0, 5.0))),
        "deadline": draw(st.sampled_from((None, None, 3.0, 20.0))),
        "deadline_cancels": draw(st.booleans()),
        "retention": draw(st.sampled_from((20.0, 1000.0))),
        "slots": draw(st.sampled_from((slots, slots[1:], slots[:1], slots[2:], slots[::2]))) if limited >= 2 else (),
        "paces": draw(st.sampled_from((paces, paces[1:], paces[:1], paces[2:], paces[::2]))) if limited >= 3 else (),
        "quotas": draw(st.sampled_from(((), (), quotas, quotas[1:]))),
        "admissions": draw(st.sampled_from(((), (), (), (Rate(f"admit:{owner}", 3, 4.0), Rate("admit", 5, 2.0))))),
        "key": draw(st.sampled_from((None, None, None, ("k1", "f"), ("k1", "g"), ("k2", "f")))),
    }


def runs(machine: StoreMachine) -> bool:
    return any(job.status is Status.RUNNING for job in machine.model.jobs.values())


def waits(machine: StoreMachine) -> bool:
    return any(job.waits for job in machine.model.jobs.values())


def is_over(machine: StoreMachine) -> bool:
    return any(not job.active for job in machine.model.jobs.values())


def is_late(machine: StoreMachine) -> bool:
    return any(job.waits and (job.deadline_at or inf) <= machine.clock() for job in machine.model.jobs.values())


def is_lost(machine: StoreMachine) -> bool:
    return bool(machine.model.lost(MANY))


class StoreMachine(RuleBasedStateMachine):
    """One store, one clock that stands still between the rules, one model."""

    in_file = False

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        path = Path(self.folder.name) / "jobs.db" if self.in_file else None
        self.store = SQLiteStore(path, clock=self.clock)
        self.wait(self.store.open())
        self.model, self.names = Model(self.clock()), Names()
        self.ids: list[str] = []
        self.made = 0
        self.agrees = True

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(coroutine)

    # ── doing the same to both ───────────────────────────────────────────────────────────────────────

    def do(self, verb: str, *arguments: Any, about: str | None = None, **keywords: Any) -> Any:
        return self.do_at_once([Call(verb, arguments, keywords, about)])[0]

    def do_at_once(self, calls: Sequence[Call]) -> list[Any]:
        """The store's own answers, once the model has given the same to one of the allowed orders."""
        self.agrees = False
        raw: list[Any] = self.wait(self._ask(calls))
        answers = [self.names.plain(answer) for answer in raw]
        found = self.wait(see(self.store, self.names, set(self.ids)))
        first: list[str] = []
        for trial, expected in outcomes(self.model, calls):
            wanted = {f"answer {at} of {calls[at].verb}": self.names.plain(one) for at, one in enumerate(expected)}
            wanted |= foresee(trial, self.names, set(self.ids))
            given = {f"answer {at} of {calls[at].verb}": one for at, one in enumerate(answers)}
            different = differences(wanted, given | found)
            if not different:
                self.model, self.seen, self.agrees = trial, found, True
                return raw
            first = first or different
        raise AssertionError("\n".join(["in no order does the model come to what the store says:", *first]))

    async def _ask(self, calls: Sequence[Call]) -> list[Any]:
        answers = await asyncio.gather(*(self._call(call) for call in calls), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, AcceptedError):
                raise answer
        return answers

    async def _call(self, call: Call) -> Any:
        arguments = [self._really(each) for each in call.arguments]
        if call.verb == "renew":
            worker_id, held, lease = arguments
            real = {self._really(name): token for name, token in held.items()}
            kept = await asyncio.to_thread(self.store.renew, worker_id, real, lease)
            return {self.names.given.get(job_id, job_id): state for job_id, state in kept.items()}
        return await getattr(self.store, call.verb)(*arguments, **call.keywords)

    def _really(self, argument: Any) -> Any:
        """Names of deliveries are the model's."""
        if isinstance(argument, Lease):
            return Lease(self._really(argument.job_id), argument.token, argument.worker)
        return self.names.real.get(argument, argument) if isinstance(argument, str) else argument

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────

    def some_job(self, which: int) -> str:
        """Mostly of one that is there."""
        known = [*self.model.jobs] if self.model.jobs and which < 30 else [*self.ids, "unknown"]
        return known[which % len(known)]

    def some_lease(self, which: int, shift: int) -> Lease:
        """Mostly of one that runs, and mostly the right one."""
        running = [job for job in self.model.jobs.values() if job.status is Status.RUNNING]
        if running and which < 30:
            job = running[which % len(running)]
            return Lease(job.id, job.token + shift, "w1")
        job_id = self.some_job(which)
        return Lease(job_id, self.model.jobs[job_id].token + shift if job_id in self.model.jobs else 1, "w1")

    def new(self, drawn: dict[str, Any]) -> NewJob:
        """A job as it was drawn, with the next id."""
        fields = {name: value for name, value in drawn.items() if name not in {"delay", "deadline", "key"}}
        self.made += 1
        now, delay, deadline, key = self.clock(), drawn["delay"], drawn["deadline"], drawn["key"]
        self.ids.append(f"j{self.made}")
        return NewJob(
            id=self.ids[-1],
            args=b'{"a":1}',
            scheduled_at=None if delay is None else now + delay,
            deadline_at=None if deadline is None else now + deadline,
            idempotency=None if key is None else IdempotencyKey(drawn["owner"], key[0], key[1], now + 10),
            **fields,
        )

    # ── submitting ───────────────────────────────────────────────────────────────────────────────────

    @rule(drawn=st.lists(new_jobs(), min_size=1, max_size=4))
    def submit(self, drawn: list[dict[str, Any]]) -> None:
        self.do("submit", [self.new(each) for each in drawn])

    @precondition(lambda self: self.model.jobs)
    @rule(which=numbers, reason=st.sampled_from(("enough", "too slow")))
    def request_cancel(self, which: int, reason: str) -> None:
        self.do("request_cancel", self.some_job(which), reason)

    @precondition(is_over)
    @rule(which=numbers)
    def retry(self, which: int) -> None:
        over = [job.id for job in self.model.jobs.values() if not job.active]
        self.do("retry", over[which % len(over)] if over and which < 30 else self.some_job(which))

    @precondition(lambda self: self.model.jobs)
    @rule(which=numbers)
    def delete(self, which: int) -> None:
        self.do("delete", self.some_job(which), "enough")

    @precondition(lambda self: len(self.model.jobs) > 4)
    @rule(
        owner=st.sampled_from((*OWNERS, delivery_owner("h1"))),
        statuses=st.sampled_from((frozenset[Status](), frozenset({Status.PENDING}), frozenset({Status.FAILED}))),
        task=st.sampled_from((None, "t")),
        limit=st.sampled_from((2, MANY)),
    )
    def delete_owned(self, owner: str, statuses: frozenset[Status], task: str | None, limit: int) -> None:
        self.do("delete_owned", owner, "leaving", statuses=statuses, task=task, limit=limit)

    # ── working ──────────────────────────────────────────────────────────────────────────────────────

    @precondition(waits)
    @rule(worker=workers, names=some_tasks, queues=some_queues, limit=st.integers(1, 4), lease=delays)
    def claim(self, worker: str, names: tuple[str, ...], queues: tuple[str, ...], limit: int, lease: float) -> None:
        claim = self.do("claim", worker, queues=queues, tasks=names, limit=limit, lease=lease)
        self.check_next(claim)

    @precondition(waits)
    @rule(worker=workers, limit=st.integers(1, 4))
    def claim_anything(self, worker: str, limit: int) -> None:
        tasks = ("t", "u", "accepted.webhook")
        self.check_next(self.do("claim", worker, queues=SERVED, tasks=tasks, limit=limit, lease=30.0))

    @precondition(waits)
    @rule(worker=workers, end=st.data())
    def work_through(self, worker: str, end: st.DataObject) -> None:
        """All that is ready, and an end for some of what runs."""
        self.claim_anything(worker, MANY)
        for job in [job for job in self.model.jobs.values() if job.status is Status.RUNNING][:3]:
            self.do_at_once([end.draw(self.ends(Lease(job.id, job.token, worker)))])

    def check_next(self, claim: Claim) -> None:
        """A worker that sleeps until then misses nothing, and is not told to look again at once for ever."""
        due = self.model.next_at()
        assert claim.next_at is not None or due is None
        assert due is None or claim.next_at is None or claim.next_at <= due
        if claim.next_at is not None and claim.next_at <= self.clock():
            again = self.do("claim", "w1", queues=SERVED, tasks=(), limit=1, lease=1.0)
            assert again.next_at is None or again.next_at > self.clock()

    @precondition(runs)
    @rule(worker=workers, which=st.lists(numbers, max_size=3), shift=shifts, lease=delays)
    def renew(self, worker: str, which: list[int], shift: int, lease: float) -> None:
        leases = [self.some_lease(each, shift) for each in which]
        self.do("renew", worker, {each.job_id: each.token for each in leases}, lease)

    @precondition(runs)
    @rule(
        which=numbers,
        shift=shifts,
        kinds=st.lists(st.sampled_from((Kind.LOG, Kind.PROGRESS, Kind.PROGRESS, Kind.OUTPUT)), max_size=3),
        percent=st.sampled_from((None, 10.0, 50.0)),
        cost=st.sampled_from((0.0, 0.5)),
    )
    def report(self, which: int, shift: int, kinds: list[Kind], percent: float | None, cost: float) -> None:
        drafts = [EventDraft(kind, {"at": at}) for at, kind in enumerate(kinds)]
        progress = None if percent is None else Progress(percent, "half way")
        self.do("report", self.some_lease(which, shift), drafts, progress=progress, cost=cost)

    @precondition(runs)
    @rule(which=numbers, shift=shifts, name=st.sampled_from(("a", "b")), size=st.integers(0, 1))
    def attach(self, which: int, shift: int, name: str, size: int) -> None:
        data = {"name": name, "size_bytes": size, "media_type": "text/plain", "sha256": "0" * 64}
        self.do("report", self.some_lease(which, shift), [EventDraft(Kind.ARTIFACT, data)])

    @precondition(runs)
    @rule(
        which=numbers, shift=shifts, key=st.sampled_from(("k", "l")), way=st.sampled_from(("start", "finish", "fail"))
    )
    def step(self, which: int, shift: int, key: str, way: str) -> None:
        more: dict[str, list[Any]] = {"start": [], "finish": [b"[1]"], "fail": [ERROR]}
        self.do(f"{way}_step", self.some_lease(which, shift), key, f"step {key}", *more[way])

    @precondition(runs)
    @rule(which=numbers, shift=shifts, end=st.data())
    def settle(self, which: int, shift: int, end: st.DataObject) -> None:
        self.do_at_once([end.draw(self.ends(self.some_lease(which, shift)))])

    def ends(self, lease: Lease) -> st.SearchStrategy[Call]:
        """Ways for an attempt to be over."""
        now = self.clock()
        again = [{"at": now + delay, "reason": "error"} for delay in (0.0, 1.0, 5.0)]
        return st.sampled_from(
            [
                Call("complete", (lease, b"1"), about=lease.job_id),
                Call("complete", (lease, None), {"result_blob": "result.json"}, lease.job_id),
                Call("fail", (lease, ERROR), about=lease.job_id),
                Call("cancel", (lease, "stopped"), about=lease.job_id),
                Call("interrupt", (lease, "interrupted"), about=lease.job_id),
                *(Call("retry_later", (lease, ERROR), each, lease.job_id) for each in again),
            ]
        )

    # ── at once ──────────────────────────────────────────────────────────────────────────────────────

    @rule(chosen=st.data(), many=st.integers(2, 4))
    def at_once(self, chosen: st.DataObject, many: int) -> None:
        """Calls that meet: what comes out is what some order of them would have brought about."""
        self.do_at_once([chosen.draw(self.calls()) for _ in range(many)])

    def calls(self) -> st.SearchStrategy[Call]:
        lease = st.builds(self.some_lease, numbers, shifts)
        job = st.builds(self.some_job, numbers)
        asked = st.builds(lambda names, limit: {"queues": SERVED, "tasks": names, "limit": limit, "lease": 5.0},
                          some_tasks, st.integers(1, 3))  # fmt: skip
        return st.one_of(
            lease.flatmap(self.ends),
            st.builds(lambda drawn: Call("submit", ([self.new(drawn)],)), new_jobs()),
            st.builds(lambda worker, more: Call("claim", (worker,), more), workers, asked),
            st.builds(lambda one: Call("request_cancel", (one, "enough")), job),
            st.builds(lambda one: Call("delete", (one, "enough")), job),
            st.builds(lambda one: Call("retry", (one,)), job),
            st.builds(lambda one: Call("report", (one, [EventDraft(Kind.LOG, {})]), about=one.job_id), lease),
            st.builds(lambda one: Call("finish_step", (one, "k", "step", b"2"), about=one.job_id), lease),
            st.builds(lambda one: Call("lose", (one,), {"error": None}, one.job_id), lease),
            st.just(Call("expire", (MANY, ERROR))),
        )

    # ── the clock, and who looks after the store ─────────────────────────────────────────────────────

    @rule(seconds=st.one_of(*[delays] * 8, st.sampled_from((90.0, 1100.0, 31 * 86_400.0))))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.model.now = self.clock()

    @precondition(is_lost)
    @rule(error=st.sampled_from((None, None, ERROR)))
    def rescue(self, error: dict[str, Any] | None) -> None:
        lost = [self.names.named(job) for job in self.wait(self.store.lost(MANY))]
        assert {job.id for job in lost} == self.model.lost(MANY)
        for job in lost:
            self.do("lose", job.lease, error=error)

    @precondition(runs)
    @rule(which=numbers, shift=shifts)
    def lose(self, which: int, shift: int) -> None:
        """Of one that may not be lost at all."""
        self.do("lose", self.some_lease(which, shift), error=None)

    @precondition(is_late)
    @rule(limit=st.sampled_from((1, MANY)))
    def expire(self, limit: int) -> None:
        past = Counter(job.deadline_at for job in self.model.jobs.values() if job.waits and job.deadline_at)
        if limit == MANY or max(past.values(), default=0) < 2:  # which of two that are equally late is left open
            self.do("expire", limit, ERROR)

    @precondition(is_over)
    @rule()
    def purge(self) -> None:
        self.do("purge", MANY)

    @rule(worker=workers)
    def register(self, worker: str) -> None:
        now = self.clock()
        info = WorkerInfo(worker, socket.gethostname(), os.getpid(), 2, (*TASKS, "accepted.webhook"), SERVED, now, now)
        self.do("register_worker", info)

    @precondition(lambda self: self.model.workers_)
    @rule(worker=workers)
    def deregister(self, worker: str) -> None:
        self.do("deregister_worker", worker)

    # ── schedules and webhooks ───────────────────────────────────────────────────────────────────────

    @rule(name=schedule_names, spec=st.sampled_from(("a", "b")))
    def put_schedule(self, name: str, spec: str) -> None:
        self.do("put_schedule", ScheduleRecord(name, spec, "ann", self.clock() + 1))

    @precondition(lambda self: self.model.schedules_)
    @rule(name=schedule_names, late=st.sampled_from((0.0, 0.0, 0.0, 1.0)), drawn=st.one_of(st.none(), new_jobs()))
    def fire(self, name: str, late: float, drawn: dict[str, Any] | None) -> None:
        kept = self.model.schedules_.get(name)
        at = self.clock() if kept is None else kept.next_at + late
        self.do("fire", name, at=at, next_at=at + 60, job=None if drawn is None else self.new(drawn))

    @precondition(lambda self: len(self.model.schedules_) > 1)
    @rule(name=schedule_names)
    def drop_schedule(self, name: str) -> None:
        self.do("drop_schedule", name)

    def hook(self, name: str, kinds: frozenset[Kind], names: tuple[str, ...], disabled: bool) -> Webhook:
        owner, disabled_at = OWNERS[HOOKS.index(name)], self.clock() if disabled else None
        return Webhook(
            name, owner, "https://x.test/", (), frozenset(map(str, kinds)), frozenset(names), "", 1.0, disabled_at
        )

    some_kinds = st.sampled_from((frozenset({Kind.RUNNING, Kind.PROGRESS, Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED}),
                                  frozenset({Kind.FAILED, Kind.CANCELLED})))  # fmt: skip

    @rule(
        name=hooks,
        kinds=some_kinds,
        names=st.sampled_from(((), ("t",))),
        disabled=st.sampled_from((False, False, True)),
    )
    def put_webhook(self, name: str, kinds: frozenset[Kind], names: tuple[str, ...], disabled: bool) -> None:
        hook = self.hook(name, kinds, names, disabled)
        if name in self.model.webhooks_:
            self.do("replace_webhook", hook)
        else:
            self.do("add_webhook", hook, at_most=1)

    @precondition(lambda self: self.model.webhooks_)
    @rule(name=hooks)
    def remove_webhook(self, name: str) -> None:
        self.do("remove_webhook", name)

    @precondition(lambda self: self.model.webhooks_)
    @rule(name=hooks)
    def one_webhook_too_many(self, name: str) -> None:
        if name in self.model.webhooks_:
            self.do("add_webhook", self.hook(name, frozenset(), (), False), at_most=1)

    # ── what is always so ────────────────────────────────────────────────────────────────────────────

    @invariant()
    def what_is_counted_is_what_is_so(self) -> None:
        """By the rows themselves, and by nothing that the model has made of them."""
        jobs = self.model.jobs.values()
        held = [job for job in jobs if job.status is Status.RUNNING or job.waits == "turn"]
        assert counted(connection(self.store)) == {
            "slot": Counter(limit.key for job in held for limit in job.slots),
            "quota": Counter(limit.key for job in jobs if job.active for limit in job.quotas),
            "pace": Counter(rate.key for job in jobs if job.waits == "turn" for rate in job.paces),
            "line": Counter(full.key for full in self.model.lines.values()),
        }

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        for job in self.model.jobs.values():
            for limit in job.slots:
                assert self.model.used(limit.key) <= limit.at_most
            for rate in job.paces:
                times = self.model.paced.get(rate.key, [])
                later = times[rate.at_most :]
                assert all(end - begin >= rate.per for begin, end in zip(times, later, strict=False)), rate

    @invariant()
    def it_says_when_a_pace_has_room(self) -> None:
        """Not later than it has."""
        for job in self.model.waiting_jobs("limit"):
            if self.model.lines[job.line].kind == "pace":
                said = self.seen[f"waiting {job.id}"].resets_at
                assert said is None or said <= self.model.resets_at(job)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        try:
            if self.agrees:
                self.run_all_to_the_end()
        finally:
            self.wait(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    def run_all_to_the_end(self) -> None:
        for _ in range(100):
            for job in [job for job in self.model.jobs.values() if job.status is Status.RUNNING]:
                self.do("complete", Lease(job.id, job.token, "w1"), b"1")
            if not any(job.active for job in self.model.jobs.values()):
                break
            self.claim_anything("w1", MANY)
            self.pass_time(1.0)
        file = connection(self.store)
        assert not any(job.active for job in self.model.jobs.values()), "nothing is forgotten"
        assert not any(counted(file).values()), "who is over holds nothing"
        self.pass_time(100.0)
        self.purge()
        assert file.execute("SELECT count(*) FROM windows").fetchone() == (0,)
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class FileMachine(StoreMachine):
    in_file = True


@pytest.mark.parametrize("machine", [StoreMachine, FileMachine])
def test_any_history(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=bounded(15, 40))


@pytest.mark.soak
@pytest.mark.parametrize("machine", [StoreMachine, FileMachine])
def test_any_history_for_long(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=bounded(400, 100))
