"""Runs of Apify's actors: started once, waited for, paid, and ended when nobody wants them any more.

The id of a run is a step of the job, stored before anything else happens. So an attempt that follows a crash, or a
deploy, waits for the same run, and nobody pays for it twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from itertools import count
from typing import Any, Final, Self

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from accepted_apps.profiles.asking import Answer, Asker
from accepted_apps.profiles.errors import (
    LoginFailed,
    NetworkTrouble,
    PaymentNeeded,
    ProfilesError,
    ProviderNotConfigured,
    RateLimited,
    RunFailed,
    UnexpectedAnswer,
)
from accepted_apps.profiles.pacing import Pacing
from accepted_apps.profiles.settings import ProfilesSettings

log = logging.getLogger("accepted_apps.profiles")

WHO: Final = "Apify"
_WAIT: Final = 10
"""Seconds that one look at a run waits at Apify for its end, where it has not ended."""
_LOOK_GAP: Final = 1.0
"""Seconds at least between two looks at one run."""
_PAGE: Final = 1000
_FULL: Final = frozenset({"actor-memory-limit-exceeded", "concurrent-runs-limit-exceeded"})
"""Errors that pass when other runs of the account have ended."""
_FULL_PAUSE: Final = 15.0
_FULL_MAX: Final = 20
"""How often a run is tried to be started while there is no room for it."""
FULL: Final = "Apify, where other runs take all the memory of the account,"
"""Who asks to wait then."""
_RUNS_MAX: Final = 3
"""Runs for one thing, over all attempts."""
_END_SECONDS: Final = 4.0
"""How long the end of all runs may take when the attempt ends."""
_GOES_ON: Final = frozenset({"shutdown", "lost"})
"""Why an attempt stops while its job goes on elsewhere."""

Item = dict[str, Any]


class Started(BaseModel):
    """What is stored of a run."""

    id: str
    dataset: str


class _Run(BaseModel):
    id: str
    status: str
    dataset: str = Field(alias="defaultDatasetId")
    message: str | None = Field(None, alias="statusMessage")
    cost: float | None = Field(None, alias="usageTotalUsd")

    @property
    def over(self) -> bool:
        return self.status not in ("READY", "RUNNING", "TIMING-OUT", "ABORTING")


class RunsFailed(RunFailed):
    """Run after run has failed; another one would only cost more."""

    retryable = False


class Runs:
    """The runs of one attempt; an async context manager that owns its connections, and ends what still runs."""

    def __init__(self, settings: ProfilesSettings, pacing: Pacing) -> None:
        self._settings, self._pacing = settings, pacing
        self._base = settings.apify_url.rstrip("/")
        self._asker = Asker(settings, pacing, WHO, headers={"Authorization": f"Bearer {settings.apify_token}"})
        self._starting: set[asyncio.Task[_Run]] = set()
        self._unstored: set[str] = set()
        """Runs that no step knows yet: another attempt would not find them."""
        self._open: set[str] = set()
        """Runs that are not over."""
        self._mine: set[str] = set()
        """Runs that this attempt has started."""
        self._costs: dict[str, float] = {}
        """Dollars, of the runs that are over."""

    async def __aenter__(self) -> Self:
        await self._asker.__aenter__()
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        try:
            await self._leave(self._unstored if self._goes_on(error) else self._open)
        finally:
            await self._asker.__aexit__()

    async def items(self, actor: str, given: Mapping[str, Any], what: str) -> list[Item]:
        """What a run of the actor with this input has brought. what: what it reads, for the name of its step.

        Raises RunFailed, PaymentNeeded, LoginFailed, NetworkTrouble, RateLimited.
        """
        for number in count(1):
            run = await self._pacing.job.step(f"Apify run: {what}", start_run, self, actor, dict(given), number)
            self._unstored.discard(run.id)
            self._open.add(run.id)
            end = await self._end_of(run, what)
            self._costs[run.id] = end.cost or 0.0
            self._open.discard(run.id)
            await self._pacing.job.step(f"Apify bill: {what}", pay_run, self, run.id)
            if end.status == "SUCCEEDED":
                return await self._dataset(run.dataset)
            if run.id in self._mine or number >= _RUNS_MAX:
                raise _failure(end, number, self._settings)
        raise AssertionError("the count has no end")

    async def start(self, actor: str, given: dict[str, Any]) -> Started:
        """Start a run. When the attempt is stopped meanwhile, its end waits for the run's id, and ends the run."""
        starting = asyncio.create_task(self._start(actor, given))
        self._starting.add(starting)
        starting.add_done_callback(self._started)
        run = await asyncio.shield(starting)
        return Started(id=run.id, dataset=run.dataset)

    # ── one run ──

    async def _start(self, actor: str, given: dict[str, Any]) -> _Run:
        url = f"{self._base}/v2/acts/{actor.replace('/', '~')}/runs"
        options: dict[str, str | int] = {
            "timeout": int(self._settings.apify_run_timeout),
            "maxTotalChargeUsd": f"{self._settings.apify_run_cost_max:g}",
        }
        for _ in range(_FULL_MAX):
            answer = await self._asker.post(url, options, body=given)
            if answer.status in (200, 201):
                return _run_of(answer)
            kind = _error_type(answer)
            if kind not in _FULL:
                raise _refusal(answer, kind, actor)
            await self._pacing.limited(f"{self._base} runs", _FULL_PAUSE, FULL)
        raise RateLimited(
            "The Apify account has no room for another run: wait for others to end, or raise its limit of memory.",
            retry_after=_FULL_PAUSE * _FULL_MAX,
        )

    def _started(self, starting: asyncio.Task[_Run]) -> None:
        self._starting.discard(starting)
        if not starting.cancelled() and starting.exception() is None:
            run = starting.result().id
            self._mine.add(run)
            self._unstored.add(run)
            self._open.add(run)

    async def _end_of(self, run: Started, what: str) -> _Run:
        url, told = f"{self._base}/v2/actor-runs/{run.id}", ""
        loop = asyncio.get_running_loop()
        while True:
            looked_at = loop.time()
            answer = await self._asker.get(url, {"waitForFinish": _WAIT}, paced=False)
            if answer.status == 404:
                raise RunFailed(f"Apify knows nothing of its run {run.id} any more: try again.")
            if answer.status != 200:
                raise _refusal(answer, _error_type(answer), "")
            seen = _run_of(answer)
            if seen.over:
                return seen
            if seen.message and seen.message != told:
                told = seen.message
                self._pacing.job.progress(message=f"Apify reads {what}: {told[:200]}")
            await asyncio.sleep(max(0.0, looked_at + _LOOK_GAP - loop.time()))

    async def _dataset(self, dataset: str) -> list[Item]:
        found: list[Item] = []
        while True:
            parameters: dict[str, str | int] = {"format": "json", "clean": 1, "offset": len(found), "limit": _PAGE}
            answer = await self._asker.get(f"{self._base}/v2/datasets/{dataset}/items", parameters)
            if answer.status != 200:
                raise _refusal(answer, _error_type(answer), "")
            if not isinstance(answer.data, list):
                raise UnexpectedAnswer("Apify answers with no list of results: check profiles.apify_url.")
            found += [item for item in answer.data if isinstance(item, dict)]
            if len(answer.data) < _PAGE:
                return found

    def pay(self, run: str) -> float:
        """Add what a run has cost to the job's cost; in dollars."""
        cost = self._costs.get(run, 0.0)
        if cost:
            self._pacing.job.spend(cost, f"Apify run {run}")
        return cost

    # ── the end ──

    def _goes_on(self, error: BaseException | None) -> bool:
        """Whether another attempt will look for the runs."""
        job = self._pacing.job
        if job.stopping is not None:
            return job.stopping in _GOES_ON
        return isinstance(error, ProfilesError) and error.retryable and job.attempt <= self._settings.retries

    async def _leave(self, runs: set[str]) -> None:
        """End these runs, and those whose start was under way, so that they cost nothing more."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                if self._starting:
                    await asyncio.wait(self._starting)
                await asyncio.gather(*(self._abort(run) for run in runs), return_exceptions=True)
        except TimeoutError:
            log.warning("Apify could not be told to end %s; they end by themselves", ", ".join(sorted(runs)))

    async def _abort(self, run: str) -> None:
        await self._asker.post(f"{self._base}/v2/actor-runs/{run}/abort", paced=False)


async def start_run(runs: Runs, actor: str, given: dict[str, Any], _number: int) -> Started:
    """`Runs.start` as a step: its key is made of the actor, its input, and which run for the same thing it is."""
    return await runs.start(actor, given)


async def pay_run(runs: Runs, run: str) -> float:
    """`Runs.pay` as a step, so that each run is paid once, however many attempts look at it."""
    return runs.pay(run)


_RUN = TypeAdapter(_Run)


def _run_of(answer: Answer) -> _Run:
    try:
        return _RUN.validate_python(answer.data["data"])
    except (ValidationError, KeyError, TypeError) as error:
        raise UnexpectedAnswer("Apify answers with no run: check profiles.apify_url.") from error


def _error_type(answer: Answer) -> str:
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    return str(error.get("type", "")) if isinstance(error, dict) else ""


def _refusal(answer: Answer, kind: str, actor: str) -> ProfilesError:
    """What a refusal means, for whoever runs the server. Apify's own words may repeat what it was sent: left out."""
    if answer.status == 401:
        return LoginFailed("Apify does not take the token: correct profiles.apify_token.")
    if answer.status == 402 or "usage" in kind or "rented" in kind or "plan-required" in kind:
        return PaymentNeeded(
            f"The Apify account cannot pay for the run ({kind or 402}): add credit, or raise its limit."
        )
    if answer.status == 403:
        return LoginFailed(f"The Apify token may not do that ({kind or 403}): give it the right to run {actor}.")
    if answer.status == 404 and actor:
        return ProviderNotConfigured(f"Apify knows no actor {actor}: correct the setting that names it.")
    if answer.status == 400 and actor:
        return UnexpectedAnswer(
            f"The actor {actor} does not take this input: it has changed, or is another kind of actor."
        )
    return NetworkTrouble(f"Apify answers with an error of its own ({answer.status} {kind}): try again later.")


def _failure(run: _Run, number: int, settings: ProfilesSettings) -> ProfilesError:
    what = {
        "TIMED-OUT": f"took longer than {settings.apify_run_timeout:g} s",
        "ABORTED": "was aborted at Apify",
    }.get(run.status, f"failed ({run.status})")
    if number >= _RUNS_MAX:
        return RunsFailed(f"The run {run.id} at Apify {what}, like {number - 1} before it: see it in Apify's console.")
    return RunFailed(f"The run {run.id} at Apify {what}: try again, or see it in Apify's console.")
