"""The result of an audit, made of what its steps have found."""

from __future__ import annotations

from collections.abc import Sequence

from .analysis.advice import RULES, Advice
from .model import Match
from .repository.place import Place
from .shapes import (
    NO_ROUTES,
    AuditResult,
    ColorSummary,
    DiscoveredApi,
    Enhanced,
    MatchedApi,
    Metrics,
    PerformanceAnalysis,
    RepositoryInfo,
    UnmatchedApi,
    performance_issues,
    runner_up,
)
from .survey import Survey, key_of

_SNIPPET = 1000
"""Characters of a handler's code in the list of all routes; that of a match is whole."""


def result_of(
    place: Place, survey: Survey, matches: Sequence[Match], advices: Sequence[Advice], routes_max: int
) -> AuditResult:
    """advices: one for each match that has a route, in their order."""
    shown = {
        key_of(route): DiscoveredApi.of(route, survey.issues.get(number, ()))
        for number, route in reversed(list(enumerate(survey.routes)))
    }
    paired = [one for one in matches if one.best is not None]
    matched = [_matched(one, advice, shown) for one, advice in zip(paired, advices, strict=True)]
    unmatched = [_unmatched(one) for one in matches if one.best is None]
    discovered = [_listed(shown[key_of(route)]) for route in survey.routes[:routes_max]]
    left_out = len(survey.routes) - len(discovered)
    info = RepositoryInfo(
        owner=place.owner,
        repo=place.repo,
        branch=survey.branch or place.branch or "default",
        total_apis_discovered=len(survey.routes),
        total_files_found=survey.files,
        frameworks=survey.frameworks,
        commit=survey.commit or None,
        unpacked_by=survey.unpacked_by or None,
        routes_left_out=left_out or None,
    )
    counts = PerformanceAnalysis(
        worst_apis_count=len(matches), matched_apis_count=len(matched), unmatched_apis_count=len(unmatched)
    )
    red = sum(one.color_indicator == "red" for one in matched)
    colors = ColorSummary(red_apis=red, green_apis=len(matched) - red, total_matched=len(matched))
    found = bool(survey.routes)
    by = next((one.analysis_by for one in advices if one.analysis_by != RULES), RULES)
    return AuditResult(
        status="success" if found else "warning",
        message=_message(place, info, counts) if found else f"No APIs found in repository {place.name}",
        suggestions=None if found else list(NO_ROUTES),
        repository_info=info,
        performance_analysis=counts,
        matched_apis_with_colors=matched,
        unmatched_apis=unmatched,
        discovered_apis=discovered,
        color_summary=colors,
        enhanced_analysis=Enhanced(
            repository_info=info,
            performance_analysis=counts,
            matched_apis_with_colors=matched,
            discovered_apis=discovered,
            color_summary=colors,
        ),
        worst_apis_input=[Metrics.of(one.api) for one in matches],
        analysis_by=by,
        cost=round(sum(one.cost for one in advices), 6),
        notes=[*survey.notes, *dict.fromkeys(one.note for one in advices if one.note)],
    )


def _listed(api: DiscoveredApi) -> DiscoveredApi:
    """As it stands in the list of all, which may be long: with the beginning of its code."""
    if len(api.code_snippet) <= _SNIPPET:
        return api
    return api.model_copy(update={"code_snippet": f"{api.code_snippet[:_SNIPPET]}…"})


def _message(place: Place, info: RepositoryInfo, counts: PerformanceAnalysis) -> str:
    found = "1 API" if info.total_apis_discovered == 1 else f"{info.total_apis_discovered} APIs"
    return f"{found} found in {place.name}; {counts.matched_apis_count} of {counts.worst_apis_count} endpoints matched."


def _matched(match: Match, advice: Advice, shown: dict[tuple[str, str, str, int], DiscoveredApi]) -> MatchedApi:
    best, issues = match.best, performance_issues(match.api)
    assert best is not None  # noqa: S101 - see where it is made
    return MatchedApi(
        api_endpoint=match.api.endpoint,
        matched_endpoint=best.route.path,
        matched_method=best.route.method,
        match_confidence=best.confidence,
        match_kind="exact" if match.kind == "exact" else "partial",
        match_notes=best.notes,
        runner_up=runner_up(match, "runner_up"),
        color_indicator="red" if issues else "green",
        performance_issues=issues,
        performance_metrics=Metrics.of(match.api),
        source_code_info=shown[key_of(best.route)],
        analysis_by=advice.analysis_by,
        summary=advice.summary,
        root_causes=advice.root_causes,
        findings=advice.findings,
        code_suggestions=advice.suggestions,
    )


def _unmatched(match: Match) -> UnmatchedApi:
    issues = performance_issues(match.api)
    return UnmatchedApi(
        api_endpoint=match.api.endpoint,
        reason=match.reason,
        color_indicator="red" if issues else "green",
        performance_issues=issues,
        performance_metrics=Metrics.of(match.api),
        nearest=runner_up(match, "nearest"),
    )
