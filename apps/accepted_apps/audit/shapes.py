"""The JSON of the audit: made with these types, and described by them in the OpenAPI document.

What has no value is left out rather than null, because front ends call methods on what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from .model import Finding, Match, Risk, Route, Suggestion, WorstApi

ANALYSIS_TYPE: Final = "worst_apis_github_comparison_with_colors"
"""The word by which front ends tell this result from that of another analysis."""

SLOW_MS: Final = 1000.0
ERRORS_PERCENT: Final = 5.0
THROUGHPUT_RPS: Final = 50.0
P95_MS: Final = 2000.0

NO_ROUTES: Final = (
    "Check that this is the repository of the server, not that of its front end or of a library",
    "Try another branch",
    "Ensure the repository is public, or send a token that may read it",
    "Check that it uses FastAPI, Flask, Django, Express, NestJS, Spring, Gin, Echo or Rails, or holds an OpenAPI file",
)


def performance_issues(api: WorstApi) -> list[str]:
    """In words; empty where every number that is known is within its threshold. What is unknown is no issue."""
    issues = []
    if api.avg_response_time_ms is not None and api.avg_response_time_ms > SLOW_MS:
        issues.append(f"High response time: {api.avg_response_time_ms:g} ms on average (more than {SLOW_MS:g} ms)")
    if api.error_rate_percent is not None and api.error_rate_percent > ERRORS_PERCENT:
        issues.append(f"High error rate: {api.error_rate_percent:g} % of requests (more than {ERRORS_PERCENT:g} %)")
    if api.throughput_rps is not None and api.throughput_rps < THROUGHPUT_RPS:
        issues.append(f"Low throughput: {api.throughput_rps:g} requests a second (less than {THROUGHPUT_RPS:g})")
    if api.percentile_95_latency_ms is not None and api.percentile_95_latency_ms > P95_MS:
        issues.append(f"High 95th percentile: {api.percentile_95_latency_ms:g} ms (more than {P95_MS:g} ms)")
    return issues


class _Sparse(BaseModel):
    model_config = ConfigDict(extra="ignore")

    @model_serializer(mode="wrap")
    def _without_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class Metrics(_Sparse):
    """As they were given; what was not is left out. status: `CRITICAL` where there are performance issues."""

    endpoint: str
    method: str | None = None
    avg_response_time_ms: float | None = None
    error_rate_percent: float | None = None
    throughput_rps: float | None = None
    percentile_95_latency_ms: float | None = None
    status: Literal["CRITICAL", "GOOD"]

    @classmethod
    def of(cls, api: WorstApi) -> Metrics:
        given = api.model_dump(include={*cls.model_fields} - {"status"})
        return cls(**given, status="CRITICAL" if performance_issues(api) else "GOOD")


class DiscoveredApi(_Sparse):
    """A route that the code declares. endpoint: its path, as declared, with `{name}` for each parameter."""

    endpoint: str
    method: str
    file_path: str
    line_number: int
    function_name: str
    framework: str
    code_snippet: str
    complexity_score: int
    risk_level: Risk
    source: str
    language: str | None = None
    potential_issues: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, route: Route, issues: Sequence[str] = ()) -> DiscoveredApi:
        return cls(
            endpoint=route.path,
            method=route.method,
            file_path=route.file,
            line_number=route.line,
            function_name=route.function,
            framework=route.framework,
            code_snippet=route.snippet,
            complexity_score=route.complexity or 1,
            risk_level=route.risk or "LOW",
            source=route.source,
            language=route.language or None,
            potential_issues=list(issues),
            notes=[*route.notes, *route.unresolved],
        )


class RunnerUp(_Sparse):
    """Another route that the endpoint may mean."""

    endpoint: str
    method: str
    file_path: str
    line_number: int
    match_confidence: float
    notes: list[str] = Field(default_factory=list)


class MatchedApi(_Sparse):
    """An endpoint with the route that answers it.

    api_endpoint: as given; matched_endpoint, matched_method: the route's. analysis_by: `rules`, or the name of the
    language model.
    """

    api_endpoint: str
    matched_endpoint: str
    matched_method: str
    match_confidence: float
    match_kind: Literal["exact", "partial"]
    match_notes: list[str]
    runner_up: RunnerUp | None = None
    color_indicator: Literal["red", "green"]
    performance_issues: list[str]
    performance_metrics: Metrics
    source_code_info: DiscoveredApi
    analysis_by: str
    summary: str
    root_causes: list[str]
    findings: list[Finding]
    code_suggestions: list[Suggestion]


class UnmatchedApi(_Sparse):
    """An endpoint that no route answers. reason: why; nearest: what came closest."""

    api_endpoint: str
    reason: str
    color_indicator: Literal["red", "green"]
    performance_issues: list[str]
    performance_metrics: Metrics
    nearest: RunnerUp | None = None


class RepositoryInfo(_Sparse):
    """commit, unpacked_by: left out for a plain folder. routes_left_out: beyond what a result lists."""

    owner: str
    repo: str
    branch: str
    total_apis_discovered: int
    total_files_found: int
    frameworks: list[str]
    commit: str | None = None
    unpacked_by: str | None = None
    routes_left_out: int | None = None


class PerformanceAnalysis(_Sparse):
    worst_apis_count: int
    matched_apis_count: int
    unmatched_apis_count: int


class ColorSummary(_Sparse):
    red_apis: int
    green_apis: int
    total_matched: int


class Enhanced(_Sparse):
    """The same once more, where some front ends look for it."""

    repository_info: RepositoryInfo
    performance_analysis: PerformanceAnalysis
    matched_apis_with_colors: list[MatchedApi]
    discovered_apis: list[DiscoveredApi]
    color_summary: ColorSummary


class Step(_Sparse):
    """A step of the job. percent: how far the job is when it has ended."""

    name: str
    percent: float
    status: Literal["pending", "running", "completed", "failed", "cancelled"]


class AuditResult(_Sparse):
    """What an audit brings. status: `warning` where the repository declares no route; then `message` and `suggestions`
    say what to try. analysis_by: `rules`, or the language model that analysed at least one endpoint."""

    status: Literal["success", "warning"]
    analysis_type: str = ANALYSIS_TYPE
    message: str
    suggestions: list[str] | None = None
    repository_info: RepositoryInfo
    performance_analysis: PerformanceAnalysis
    matched_apis_with_colors: list[MatchedApi]
    unmatched_apis: list[UnmatchedApi]
    discovered_apis: list[DiscoveredApi]
    color_summary: ColorSummary
    enhanced_analysis: Enhanced
    worst_apis_input: list[Metrics]
    analysis_by: str
    cost: float
    notes: list[str]


def runner_up(match: Match, which: Literal["runner_up", "nearest"]) -> RunnerUp | None:
    found = getattr(match, which)
    if found is None:
        return None
    return RunnerUp(
        endpoint=found.route.path,
        method=found.route.method,
        file_path=found.route.file,
        line_number=found.route.line,
        match_confidence=found.confidence,
        notes=found.notes,
    )


# ── what routes answer ──


class Started(_Sparse):
    """job_id: of the job; poll `/status/{job_id}`."""

    status: Literal["accepted"] = "accepted"
    job_id: str
    message: str


class State(_Sparse):
    """How far a job is. result: once it is completed; error: where it failed. progress: 0–100."""

    job_id: str
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    progress: float
    message: str
    result: AuditResult | None = None
    error: str | None = None
    error_code: str | None = None
    cancelling: bool | None = None
    cost: float
    steps: list[Step]
    created_at: str
    started_at: str | None = None
    completed_at: str | None = None


class Failure(_Sparse):
    """detail: a sentence that can be shown; code: for programs; field: the parameter that is wrong, where one is."""

    detail: str
    code: str
    field: str | None = None


class Repository(_Sparse):
    """What its git server tells. default_branch: left out where the server does not say, or there is no commit."""

    owner: str
    name: str
    full_name: str
    clone_url: str
    default_branch: str | None = None


class Branches(_Sparse):
    """branches: the default one first."""

    status: Literal["success"] = "success"
    branches: list[str]
    total_branches: int


class RepositoryAnswer(Branches):
    """A repository that can be audited, and its branches."""

    repository: Repository
    default_branch: str | None = None


class Submission(BaseModel):
    """What is sent: the worst endpoints (`worst_api` is taken too, and the bare list), or the report of a load test."""

    worst_apis: list[WorstApi]
