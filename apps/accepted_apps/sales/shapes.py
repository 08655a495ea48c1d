"""The JSON of the routes: made with these types, and described by them in the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, PlainSerializer, SerializerFunctionWrapHandler, model_serializer

from accepted import JobRecord, Status
from accepted.job import Step
from accepted_apps.sales.model import MARKETPLACES, Product

SCRAPING: Final = "Scraping product data"
ANALYZING: Final = "Analyzing keywords"
SCORING: Final = "Scoring intent & metrics"
GENERATING: Final = "Generating SEO optimization"
STEPS: Final = (SCRAPING, ANALYZING, SCORING, GENERATING)
"""The steps of an analysis by the names that a front end shows."""

Word = Literal["processing", "complete", "failed", "cancelled"]
"""How the contract calls the states of a job; what waits for a worker is being processed, too."""

_WORDS: Final[dict[Status, Word]] = {
    Status.PENDING: "processing",
    Status.RUNNING: "processing",
    Status.COMPLETED: "complete",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}

Time = Annotated[datetime, PlainSerializer(lambda at: at.isoformat(timespec="milliseconds"), when_used="json")]
"""As the job API writes it: with the offset in numbers."""


class Started(BaseModel):
    """An analysis that was just submitted."""

    job_id: str
    status: Word
    message: str


class StepState(BaseModel):
    """One of the four steps. `pending`: it was not reached yet, or is to be done again."""

    name: str
    status: Status
    started_at: Time | None = None
    completed_at: Time | None = None


class Counts(BaseModel):
    """How far the present step is."""

    current: int
    total: int | None = None
    unit: str | None = None


class JobState(BaseModel):
    """One analysis. `progress` is 0–100. `cost`: US dollars spent so far.

    `error` and `error_code` are there when it has failed; `counts` while the present step counts.
    """

    job_id: str
    status: Word
    progress: int
    message: str
    created_at: Time
    updated_at: Time
    completed_at: Time | None
    error: str | None
    error_code: str | None = None
    cancelling: bool
    attempt: int
    steps: list[StepState]
    counts: Counts | None = None
    cost: float
    asin_or_url: str
    marketplace: str
    main_keyword: str | None = None
    files: dict[str, str]
    """Names of the exports, by field."""
    downloads: dict[str, str] | None = None
    """Once it is complete: paths of the result's files, by format."""


class Pending(JobState):
    """What there is instead of a result that is not there yet. `detail` says so."""

    detail: str


class Failure(BaseModel):
    """Why a request was refused, or the analysis failed. `message` is `detail`, for front ends that read that.

    `field`: the parameter that is wrong, where one is.
    """

    detail: str
    message: str
    code: str
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """What came of the product's page: the product, or why there is none. tier: the preview's, that brought it."""

    asin: str
    url: str
    product: Product | None = None
    tier: int | None = None
    error: str | None = None
    code: str | None = None


class Keywords(BaseModel):
    """All keywords with their categories and scores. `source`: who judged, `rules` or a language model by its name."""

    success: Literal[True] = True
    structured_data: dict[str, Any]
    scraped_product: dict[str, Any]
    total_keywords: int
    source: str


class Seo(BaseModel):
    """The present listing, a better one, and what it gains.

    The members beside `analysis` are in it, too: there an older front end looks for them.
    """

    success: Literal[True] = True
    analysis: dict[str, Any]
    source: str
    optimized_title: dict[str, Any]
    optimized_bullets: list[dict[str, Any]]
    strategy: dict[str, Any]

    @classmethod
    def of(cls, analysis: dict[str, Any], source: str) -> Seo:
        """`analysis`: as `analysis.documents.seo_analysis` makes it."""
        better = analysis["optimized_seo"]
        strategy = {
            "first_80_optimization": better["keyword_strategy"]["first_80_optimization"],
            "keyword_integration": better["keyword_strategy"]["keyword_integration"],
            "compliance_approach": better["keyword_strategy"]["amazon_compliance"],
        }
        return cls(
            analysis=analysis,
            source=source,
            optimized_title=better["optimized_title"],
            optimized_bullets=better["optimized_bullets"],
            strategy=strategy,
        )


class ListingRead(BaseModel):
    """Whether the product's page could be read; `error` and `code` say why not. `tier`: the preview's."""

    read: bool
    url: str
    tier: int | None = None
    error: str | None = None
    code: str | None = None

    @model_serializer(mode="wrap")
    def _known(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialize(self).items() if value is not None}


class SalesResult(BaseModel):
    """What an analysis found. `analysis_by`: who judged categories, intent and wrote the listing.

    `reading`: how each export was read. `left_out`: keywords beyond those that are analysed. `cost`: US dollars.
    """

    success: Literal[True] = True
    asin: str
    marketplace: str
    main_keyword: str
    analysis_by: dict[str, str]
    listing: ListingRead
    ai_analysis_keywords: Keywords
    seo_analysis: Seo
    keyword_root_optimization: dict[str, Any]
    reading: dict[str, Any]
    roots: list[dict[str, Any]]
    variants: list[dict[str, Any]]
    left_out: int
    notes: list[str]
    source: str = "accepted"


class MarketplaceState(BaseModel):
    """One of Amazon's shops. `languages`: its own first, as ISO 639-1."""

    code: str
    host: str
    currency: str
    languages: list[str]


class Marketplaces(BaseModel):
    """Those that can be analysed, and who judges: `rules`, or the name of a language model."""

    marketplaces: list[MarketplaceState]
    judged_by: str
    file_max: int
    """Bytes of one export."""

    @classmethod
    def of(cls, judged_by: str, file_max: int) -> Marketplaces:
        known = [
            MarketplaceState(code=shop.code, host=shop.host, currency=shop.currency, languages=[*shop.languages])
            for shop in MARKETPLACES.values()
        ]
        return cls(marketplaces=known, judged_by=judged_by, file_max=file_max)


def job_state(record: JobRecord, steps: Sequence[Step], downloads: Mapping[str, str]) -> JobState:
    """`steps`: those that were reached. `downloads`: paths of the files of one that is complete."""
    arguments, progress = json.loads(record.args), record.progress
    running, completed = record.status is Status.RUNNING, record.status is Status.COMPLETED
    state = JobState(
        job_id=record.id,
        status=_WORDS[record.status],
        progress=100 if completed else int(progress.percent or 0),
        message=_message(record),
        created_at=at(record.submitted_at),
        updated_at=at(_updated_at(record)),
        completed_at=at(record.finished_at) if record.finished_at is not None else None,
        error=None,
        cancelling=running and record.cancel_requested_at is not None,
        attempt=record.attempt,
        steps=_steps(record, steps),
        cost=round(record.cost, 6),
        asin_or_url=arguments["asin_or_url"],
        marketplace=arguments.get("marketplace", ""),
        main_keyword=arguments.get("main_keyword"),
        files={name: arguments[name]["filename"] for name in ("revenue_csv", "design_csv") if arguments.get(name)},
    )
    if running and progress.current is not None:
        state.counts = Counts(
            current=int(progress.current),
            total=None if progress.total is None else int(progress.total),
            unit=progress.unit,
        )
    if record.status is Status.FAILED:
        state.error, state.error_code = reason(record)
    if completed:
        state.downloads = dict(downloads)
    return state


def reason(record: JobRecord) -> tuple[str, str]:
    """Why an analysis failed: a sentence, and a code for programs."""
    error = record.error or {}
    return str(error.get("detail") or "The analysis failed."), str(error.get("code") or "task-failed")


def at(seconds: float) -> datetime:
    """Seconds since the epoch as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def _updated_at(record: JobRecord) -> float:
    told = (record.submitted_at, record.started_at, record.progress.reported_at, record.finished_at)
    return max(one for one in told if one is not None)


def _steps(record: JobRecord, reached: Sequence[Step]) -> list[StepState]:
    known = {step.name: step for step in reached}
    return [_step(record, known[name]) if name in known else _unreached(name) for name in STEPS]


def _step(record: JobRecord, step: Step) -> StepState:
    status = Status(step.status)
    if status is Status.RUNNING:
        # What a step says that nobody ended: its process was killed, or it was stopped with the job.
        if record.over:
            status = record.status
        elif record.status is not Status.RUNNING or step.attempt != record.attempt:
            return _unreached(step.name)
    ended = None if step.finished_at is None else at(step.finished_at)
    return StepState(name=step.name, status=status, started_at=at(step.started_at), completed_at=ended)


def _unreached(name: str) -> StepState:
    return StepState(name=name, status=Status.PENDING)


def _message(record: JobRecord) -> str:
    """One sentence for whoever looks."""
    match record.status:
        case Status.PENDING if record.attempt:
            return record.progress.message or "Waiting for the next attempt."
        case Status.PENDING:
            return "Waiting for a free worker."
        case Status.RUNNING:
            return record.progress.message or "Starting."
        case Status.COMPLETED:
            return "The analysis is complete."
        case Status.FAILED:
            return "The analysis failed."
        case _:
            return "The analysis was cancelled."
