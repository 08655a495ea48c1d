"""The durable task: a product's page, its keywords judged and scored, a listing written; each a step of the job.

What a step leaves is stored with the job, so an attempt that follows a crash goes on at the step that the last one had
reached. What takes the processor happens in a process of its own; what asks the network, in the worker's event loop.
"""

# No `from __future__ import annotations`: the checks of the parameters depend on the settings.

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from accepted import Fail, Job, Jobs, Retry, Task, UploadFile
from accepted_apps.language_model import LanguageModel, LanguageModelError, Usage
from accepted_apps.preview.climb import Report
from accepted_apps.processes import Heard, ProcessDied
from accepted_apps.sales import work
from accepted_apps.sales.analysis.by_model import judge_categories, judge_intent, write_listing
from accepted_apps.sales.analysis.model import Analysis
from accepted_apps.sales.bench import Bench
from accepted_apps.sales.errors import ListingUnavailable, SalesError
from accepted_apps.sales.given import EXPORTS, KEYWORD_MAX, marketplace_of
from accepted_apps.sales.listing.address import product_at
from accepted_apps.sales.listing.read import read_listing
from accepted_apps.sales.model import File
from accepted_apps.sales.packing import packed, unpacked
from accepted_apps.sales.results import sales_result
from accepted_apps.sales.settings import SalesSettings
from accepted_apps.sales.shapes import ANALYZING, GENERATING, SCORING, SCRAPING, SalesResult, Scraped

T = TypeVar("T")
Asking = Callable[[Analysis, LanguageModel, Callable[[int, int], None]], Coroutine[Any, Any, Usage]]

TASK: Final = "sales-analysis"

_PERCENT: Final[dict[str, tuple[float, float]]] = {
    SCRAPING: (10, 30),
    ANALYZING: (30, 60),
    SCORING: (60, 90),
    GENERATING: (90, 100),
}
"""From where to where each step moves the percent. Front ends mark the steps by these numbers."""


def add_sales(jobs: Jobs, bench: Bench) -> Task[..., SalesResult]:
    """Register the task `sales-analysis`. Raises ConfigurationError when the name is taken."""
    settings = bench.settings

    @jobs.task(
        name=TASK,
        timeout=settings.timeout,
        active_per_owner=settings.active_per_user,
        retries=settings.retries,
        retention=settings.retention,
    )
    async def sales_analysis(
        *,
        marketplace: Annotated[str, AfterValidator(_marketplace)] = "US",
        asin_or_url: Annotated[str, AfterValidator(_product_check(settings))],
        main_keyword: Annotated[str | None, Field(max_length=KEYWORD_MAX)] = None,
        revenue_csv: UploadFile | None = None,
        design_csv: Annotated[UploadFile | None, Field(validate_default=True), AfterValidator(_not_without)] = None,
        job: Job,
    ) -> SalesResult:
        """A product of Amazon's and exports of its keywords, analysed: categories, relevancy, intent, roots,
        opportunities, and a listing written with them.

        One of the two exports is needed. Judged by a language model where one is set up, else by stated rules.
        """
        given = {"revenue_csv": revenue_csv, "design_csv": design_csv}
        exports = {EXPORTS[name]: file.path for name, file in given.items() if file is not None}
        return await Attempt(bench, job, asin_or_url, marketplace, main_keyword, exports).run()

    return sales_analysis


def _marketplace(text: str) -> str:
    try:
        return marketplace_of(text)
    except SalesError as error:
        raise _refusal(error) from None


def _product_check(settings: SalesSettings) -> Callable[[str, ValidationInfo], str]:
    def check(text: str, info: ValidationInfo) -> str:
        if "marketplace" in info.data:
            try:
                product_at(text, info.data["marketplace"], settings.base_urls)
            except SalesError as error:
                raise _refusal(error) from None
        return text.strip()

    return check


def _not_without(design: UploadFile | None, info: ValidationInfo) -> UploadFile | None:
    if design is None and info.data.get("revenue_csv") is None:
        raise PydanticCustomError("sales", "one of the two exports is needed at least: revenue_csv or design_csv")
    return design


def _refusal(error: SalesError) -> PydanticCustomError:
    """The objection without the field's name in front: whoever shows it names the field."""
    said = error.message.removeprefix(f"{error.field}: ").removesuffix(".")
    return PydanticCustomError("sales", "{said}", {"said": said})


class Attempt:
    """One attempt of one analysis. Used once."""

    def __init__(
        self,
        bench: Bench,
        job: Job,
        asin_or_url: str,
        marketplace: str,
        main_keyword: str | None,
        exports: Mapping[File, Path],
    ) -> None:
        self._bench, self._settings, self._job = bench, bench.settings, job
        self._asin_or_url, self._marketplace, self._main = asin_or_url, marketplace, main_keyword
        self._exports = dict(exports)
        self.scraped: Scraped
        self.judged: work.Judged
        self.analysis: str

    async def run(self) -> SalesResult:
        """The result. Raises Fail, or Retry where a further attempt may help."""
        try:
            return await self._steps()
        except SalesError as error:
            if error.retryable and self._job.attempt <= self._settings.retries:
                raise Retry(error.message) from error
            named = {"field": error.field} if error.field else {}
            raise Fail(error.message, code=error.code, **named) from error
        except ProcessDied as error:
            raise Fail(
                f"The analysis could not be made: {error}. Try it with smaller exports.", code="process_died"
            ) from error

    async def _steps(self) -> SalesResult:
        # The name says all that makes a step what it is: of its arguments, an Attempt counts by its type only.
        self.scraped = await self._step(SCRAPING, scrape)
        self.judged = await self._step(ANALYZING, judge)
        self.analysis = await self._step(SCORING, score)
        documents = await self._step(GENERATING, write)
        return sales_result(self._marketplace, self.scraped, self.judged, unpacked(documents, work.Documents))

    async def _step(self, name: str, function: Callable[["Attempt"], Awaitable[T]]) -> T:
        self._job.progress(_PERCENT[name][0])
        return await self._job.step(name, function, self)

    def heard(self, step: str) -> Heard:
        """Takes what a process tells: counts, and the share of the step that is done."""
        low, high = _PERCENT[step]
        if self._bench.model.configured and step in (ANALYZING, SCORING):
            high = (low + high) / 2

        def hear(current: int, total: int | None, unit: str, share: float) -> None:
            self._job.progress(low + (high - low) * share, current=current, total=total, unit=unit)

        return hear

    async def scrape(self) -> Scraped:
        """The product's page; where it cannot be read, why. Raises ListingUnavailable where it is required."""
        bases = self._settings.base_urls
        address = product_at(self._asin_or_url, self._marketplace, bases)
        try:
            found = await read_listing(
                self._bench.warm.climber(),
                address,
                base_urls=bases,
                max_tier=self._settings.max_tier,
                report=self._climbed,
            )
        except ListingUnavailable as error:
            self._pay(error.escalation_log)
            if self._settings.listing_required:
                raise
            self._job.log(f"{error.message} The analysis goes on without it.", "warning", code=error.code)
            asin = address.asin or self._asin_or_url
            return Scraped(asin=asin, url=error.url, error=error.message, code=error.code)
        self._pay(found.escalation_log)
        return Scraped(asin=found.product.asin, url=found.product.url, product=found.product, tier=found.tier)

    async def _climbed(self, report: Report) -> None:
        low, high = _PERCENT[SCRAPING]
        self._job.progress(low + (high - low) * report.percent / 100, f"{SCRAPING}: {report.message}")

    async def judge(self) -> work.Judged:
        """All keywords of the exports, with their categories. Raises BadExport."""
        judged = await self._bench.work(
            work.judge,
            self.heard(ANALYZING),
            self._exports,
            self.scraped.product,
            self._marketplace,
            self._main,
            self._settings.limits,
        )
        if not self._bench.model.configured:
            return judged
        return replace(judged, analysis=await self._by_model(ANALYZING, judged.analysis, judge_categories))

    async def score(self) -> str:
        scored = await self._bench.work(work.scored, self.heard(SCORING), self.judged.analysis)
        return await self._by_model(SCORING, scored, judge_intent) if self._bench.model.configured else scored

    async def write(self) -> str:
        """The documents, packed; the files are the job's by then."""
        heard = self.heard(GENERATING)
        made = await self._bench.work(work.drafted, heard, self.analysis)
        if self._bench.model.configured:
            found = await asyncio.to_thread(unpacked, self.analysis, Analysis)
            made, used = await write_listing(found, made, self._bench.model)
            self._pay_model(used)
        # A short address that could not be read has told no ASIN.
        asin = self.scraped.asin if self.scraped.asin.isalnum() else "product"
        out = await self._bench.work(work.written, heard, self.analysis, made, f"{asin}-{self._marketplace}")
        for name, media_type, content in out.files:
            await self._job.attach(name, content, media_type=media_type)
        return out.documents

    async def _by_model(self, step: str, analysis: str, ask: Asking) -> str:
        """The analysis, judged by the model; by the rules that have judged it, where the model has no answer."""
        found = await asyncio.to_thread(unpacked, analysis, Analysis)
        low, high = _PERCENT[step]
        middle = (low + high) / 2

        def said(done: int, count: int) -> None:
            share = done / count if count else 1.0
            self._job.progress(middle + (high - middle) * share, current=done, total=count, unit="keywords")

        try:
            used = await ask(found, self._bench.model, said)
        except LanguageModelError as error:
            used = error.usage
            note = f"{step}: {error.message} The rules judged instead."
            found.notes.append(note)
            self._job.log(note, "warning", code=error.code)
        self._pay_model(used)
        return await asyncio.to_thread(packed, found, Analysis)

    def _pay_model(self, used: Usage) -> None:
        if used.requests:
            said = f"{self._bench.model.name}: {used.tokens_in} tokens read, {used.tokens_out} written"
            self._job.spend(used.cost, said)

    def _pay(self, escalation_log: list[dict[str, Any]]) -> None:
        for tried in escalation_log:
            if tried["cost"]:
                self._job.spend(tried["cost"], f"tier {tried['tier']}: {tried['tier_name']}")


# ── the steps: what they return is stored by their names ──


async def scrape(attempt: Attempt) -> Scraped:
    return await attempt.scrape()


async def judge(attempt: Attempt) -> work.Judged:
    return await attempt.judge()


async def score(attempt: Attempt) -> str:
    return await attempt.score()


async def write(attempt: Attempt) -> str:
    return await attempt.write()
