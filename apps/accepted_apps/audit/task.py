"""The durable task: one repository, searched for the routes behind slow endpoints, with what makes them slow.

Four steps, whose ends are stored. The first one brings all that the others need, so an attempt that follows a crash
fetches the repository again only where that step had not ended.
"""

# No `from __future__ import annotations`: the checks of the parameters depend on the settings.

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from accepted import Fail, Job, Jobs, Retry, Secret, Task, UploadFile
from accepted_apps.language_model import LanguageModel

from .analysis.advice import Advice, advise
from .errors import AuditError
from .loads import sniff
from .loads.base import score
from .matching import match
from .model import Match, Route, WorstApi
from .repository.place import Place, parse_place
from .result import result_of
from .settings import AuditSettings
from .shapes import AuditResult
from .survey import Dossier, Order, Survey, key_of
from .surveying import run_survey, work_folder

TASK: Final = "audit"
STEPS: Final = (
    ("Discovering APIs", 25.0),
    ("Matching APIs", 50.0),
    ("Generating AI analysis", 75.0),
    ("Storing results", 100.0),
)
"""The steps by name, and how far the job is when each has ended."""
DISCOVERING, MATCHING, GENERATING, STORING = (name for name, _ in STEPS)
REPORT_NAME: Final = "audit.json"
_EARLY: Final = 4.0
"""Percent by which each news of the discovery moves the job on; five of them stay below its end."""


class Desk:
    """What the audits of one process share. `data`: the folder of the server's data."""

    def __init__(self, settings: AuditSettings, model: LanguageModel, data: Path) -> None:
        self.settings = settings
        self.model = model
        self.folder = settings.folder or data / "audit"


def add_audit(jobs: Jobs, desk: Desk) -> Task[..., AuditResult]:
    """Register the task `audit`. Raises ConfigurationError when the name is taken."""
    settings = desk.settings

    @jobs.task(
        name=TASK,
        timeout=settings.timeout,
        active_per_owner=settings.active_per_user,
        retries=settings.retries,
    )
    async def audit(
        github_repo: Annotated[str, AfterValidator(_place_check(settings))],
        worst_apis: Annotated[list[WorstApi], Field(max_length=settings.endpoints_max)] | None = None,
        branch: Annotated[str, AfterValidator(_branch_check(settings))] = "",
        token: Secret[str] | None = None,
        report: Annotated[UploadFile | None, AfterValidator(_known_report)] = None,
        *,
        job: Job,
    ) -> AuditResult:
        """Slow endpoints of a service against the repository of its code: which routes they are, what makes them slow,
        and what to change.

        `github_repo`: owner/repo, or the URL of a git repository. `worst_apis`: the endpoints with their numbers;
        `report`: a file of a load test that has them (JMeter, Locust, k6, HAR). `token`: for a private repository.
        """
        if not worst_apis and report is None:
            raise Fail("worst_apis has no endpoint, and there is no report; send one of them.", code="invalid_input")
        place = parse_place(github_repo, branch, settings)
        secret = token.get_secret_value() if token is not None else None
        return await Audit(desk, job, place, worst_apis or [], report, secret).run()

    return audit


def _place_check(settings: AuditSettings) -> Callable[[str], str]:
    def check(given: str) -> str:
        try:
            parse_place(given, "", settings)
        except AuditError as error:
            raise _refusal(error) from None
        return given.strip()

    return check


def _branch_check(settings: AuditSettings) -> Callable[[str, ValidationInfo], str]:
    def check(branch: str, info: ValidationInfo) -> str:
        if branch and "github_repo" in info.data:
            try:
                parse_place(info.data["github_repo"], branch, settings)
            except AuditError as error:
                raise _refusal(error) from None
        return branch

    return check


def _known_report(report: UploadFile | None) -> UploadFile | None:
    """Its first lines are looked at here, so that nothing is submitted that no job can read."""
    if report is not None and report.local is not None:
        try:
            sniff(report.path, report.filename)
        except AuditError as error:
            raise _refusal(error) from None
    return report


def _refusal(error: AuditError) -> PydanticCustomError:
    """The objection without the field's name in front: whoever shows it names the field."""
    said = error.message.removeprefix(f"{error.field} ").removesuffix(".")
    return PydanticCustomError("audit", "{said}", {"said": said})


class Matches(BaseModel):
    """What is stored of the second step: for each endpoint its match, with routes by their numbers."""

    matches: list[Match]


class Analyses(BaseModel):
    """What is stored of the third step: the advice for each match that has a route, in the order of the matches."""

    advices: list[Advice]


class Audit:
    """One attempt of one job. Used once."""

    def __init__(
        self,
        desk: Desk,
        job: Job,
        place: Place,
        apis: list[WorstApi],
        report: UploadFile | None,
        token: str | None,
    ) -> None:
        self._desk, self._settings, self._job = desk, desk.settings, job
        self._place, self._apis, self._report, self._token = place, apis, report, token

    async def run(self) -> AuditResult:
        """The result. Raises Fail, or Retry where a further attempt may help."""
        job = self._job
        try:
            survey = await job.step(DISCOVERING, discover, self)
            job.progress(STEPS[0][1])
            found = await job.step(MATCHING, pair, survey.apis, survey.routes)
            job.progress(
                STEPS[1][1], MATCHING, current=_paired(found.matches), total=len(found.matches), unit="matched"
            )
            advices = (await job.step(GENERATING, generate, self, survey, found)).advices
            job.progress(STEPS[2][1])
            return await job.step(STORING, store, self, survey, found, advices)
        except AuditError as error:
            raise self._verdict(error) from error

    async def discover(self) -> Survey:
        """The routes, and what later steps need of the code."""
        settings, told = self._settings, 0

        def tell(what: str) -> None:
            nonlocal told
            told += 1
            self._job.progress(min(told * _EARLY, STEPS[0][1] - 1), f"{DISCOVERING}: {what}")

        async with work_folder(self._desk.folder, self._job.id, settings.timeout * 2) as folder:
            order = Order(
                work=folder,
                apis=self._apis,
                report=self._report.path if self._report is not None else None,
                report_name=self._report.filename if self._report is not None else "",
                git=settings.git,
                files=settings.repository_files,
                total_bytes=settings.repository_bytes,
                file_bytes=settings.file_bytes,
                endpoints_max=settings.endpoints_max,
            )
            survey = await run_survey(self._place, self._token, order, settings, tell)
        self._job.log(
            f"{len(survey.routes)} routes in {survey.files} files",
            frameworks=[*survey.frameworks],
            commit=survey.commit,
        )
        return survey

    async def generate(self, survey: Survey, found: Matches) -> list[Advice]:
        """Advice for each match. Those that matter most are asked of the language model, where there is one."""
        paired = [one for one in found.matches if one.best is not None]
        numbers = {key_of(route): number for number, route in reversed(list(enumerate(survey.routes)))}
        dossiers = {one.route: one for one in survey.dossiers}
        asked = self._asked(paired)
        done = 0

        async def one(number: int, pair: Match) -> Advice:
            nonlocal done
            assert pair.best is not None  # noqa: S101 - see where it is made
            place = numbers[key_of(pair.best.route)]
            dossier = dossiers.get(place) or Dossier(route=place)
            advice = await self._advice(pair, survey.routes[place], dossier, ask=number in asked)
            done += 1
            percent = STEPS[1][1] + (STEPS[2][1] - STEPS[1][1]) * done / len(paired)
            self._job.progress(percent, GENERATING, current=done, total=len(paired), unit="endpoints")
            return advice

        working = [asyncio.create_task(one(number, pair)) for number, pair in enumerate(paired)]
        try:
            return list(await asyncio.gather(*working))
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    def _asked(self, paired: list[Match]) -> set[int]:
        """Which of the matches the model is asked about: the worst first, as many as the setting allows."""
        if not self._desk.model.configured:
            return set()
        ranked = sorted(range(len(paired)), key=lambda number: -score(paired[number].api))
        return set(ranked[: self._settings.model_endpoints])

    async def _advice(self, pair: Match, route: Route, dossier: Dossier, *, ask: bool) -> Advice:
        if not ask:
            return await advise(None, pair.api, route, dossier, self._job)
        # A step of its own, because its answer has been paid for.
        name = f"{GENERATING}: {pair.api.endpoint[:200]}"
        return await self._job.step(name, ask_model, self, pair.api, route, dossier)

    async def ask(self, api: WorstApi, route: Route, dossier: Dossier) -> Advice:
        return await advise(self._desk.model, api, route, dossier, self._job)

    async def store(self, survey: Survey, found: Matches, advices: list[Advice]) -> AuditResult:
        """The result, which is also kept as a file with the job."""
        result = result_of(self._place, survey, found.matches, advices, self._settings.routes_max)
        await self._job.attach(REPORT_NAME, result.model_dump_json(indent=1).encode(), media_type="application/json")
        return result

    def _verdict(self, error: AuditError) -> Fail | Retry:
        self._job.progress(message=error.message)
        if error.retryable and self._job.attempt <= self._settings.retries:
            return Retry(error.message)
        return Fail(error.message, code=error.code)


def _paired(matches: list[Match]) -> int:
    return sum(one.best is not None for one in matches)


# ── the steps: what they return is stored by their names and arguments; an Audit counts by its type only ──


async def discover(audit: Audit) -> Survey:
    return await audit.discover()


def pair(apis: list[WorstApi], routes: list[Route]) -> Matches:
    return Matches(matches=match(apis, routes))


async def generate(audit: Audit, survey: Survey, found: Matches) -> Analyses:
    return Analyses(advices=await audit.generate(survey, found))


async def ask_model(audit: Audit, api: WorstApi, route: Route, dossier: Dossier) -> Advice:
    return await audit.ask(api, route, dossier)


async def store(audit: Audit, survey: Survey, found: Matches, advices: list[Advice]) -> AuditResult:
    return await audit.store(survey, found, advices)
