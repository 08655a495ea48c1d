"""The analysis as JSON: the members that front ends read, in plain values. What is unknown is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from accepted_apps.sales.analysis.model import CATEGORIES, Analysis, Item
from accepted_apps.sales.analysis.seo.coverage import percent
from accepted_apps.sales.analysis.seo.optimize import Measured, Optimization, measured
from accepted_apps.sales.analysis.seo.short import shortened
from accepted_apps.sales.analysis.seo.validator import Violation
from accepted_apps.sales.analysis.text import Stemmer

_EXAMPLES: Final = 20
_MISSING: Final = 10
_ADDED: Final = 50
HIGH_INTENT: Final = 2
_RULES: Final = {
    "character_limit": ("title_length", "title_empty"),
    "capitalization": ("capitals",),
    "special_characters": ("characters", "pictures"),
    "promotional_language": ("promotional",),
    "keywords_only": ("word_outside", "brand"),
    "repeated_words": ("title_repeated",),
}


def structured_data(found: Analysis) -> dict[str, Any]:
    """`{product_context, items, stats}`: every keyword, and how many there are of each category."""
    by_category: defaultdict[str, list[Item]] = defaultdict(list)
    for item in found.items:
        by_category[item.category].append(item)
    names = [*CATEGORIES, *sorted(set(by_category) - set(CATEGORIES))]
    return {
        "product_context": _product_context(found),
        "items": [_item(one) for one in found.items],
        "stats": {
            name: {
                "count": len(by_category[name]),
                "examples": [
                    one.phrase
                    for one in sorted(by_category[name], key=lambda one: (-one.volume, one.phrase))[:_EXAMPLES]
                ],
            }
            for name in names
        },
    }


def roots(found: Analysis) -> list[dict[str, Any]]:
    """Root words with their summed volume, the largest first."""
    return [
        {"root": one.root, "search_volume": one.volume, "keywords": one.keywords, "forms": list(one.forms)}
        for one in found.roots
    ]


def variants(found: Analysis) -> list[dict[str, Any]]:
    """Phrases that one phrase stands for."""
    return [{"best": one.best, "phrases": list(one.phrases), "search_volume": one.volume} for one in found.variants]


def keyword_root_optimization(found: Analysis) -> dict[str, Any]:
    """The roots in the form that an older page reads."""
    words = [one.root for one in found.roots]
    few = len(words[:_EXAMPLES])
    reduced = round(100 * (1 - few / len(found.items)), 1) if found.items else 0.0
    return {
        "analysis_summary": {
            "total_keywords_processed": len(found.items) + found.left_out,
            "total_roots_identified": len({one.root for one in found.items if one.root}),
            "meaningful_roots": len(words),
            "priority_roots_selected": few,
        },
        "efficiency_metrics": {"reduction_percentage": reduced, "processing_efficiency": f"{reduced:g}%"},
        "priority_roots": words[:_EXAMPLES],
        "keyword_categorization": {},
        "recommendations": {"amazon_search_terms": words[:_MISSING], "optimization_notes": found.notes},
    }


def seo_analysis(found: Analysis, made: Optimization) -> dict[str, Any]:
    """`{current_seo, optimized_seo, comparison, …}`."""
    listing = found.listing
    before = measured(found, listing.title, listing.bullets)
    after = measured(found, made.draft.title, made.draft.bullets, made.draft.backend)
    return {
        "current_seo": _current(found, before),
        "optimized_seo": _optimized(found, made, after),
        "comparison": _comparison(found, before, after, made),
        "product_context": _product_context(found),
        "analysis_metadata": {
            "total_keywords_analyzed": len(found.items),
            "relevant_keywords_count": len(found.wanted),
            "high_intent_keywords_count": sum(one.intent_score >= HIGH_INTENT for one in found.wanted),
            "optimization_method": made.by,
            "main_keyword": found.main_keyword,
        },
    }


def _item(item: Item) -> dict[str, Any]:
    competition = {
        "competing_products": item.competing_products,
        "ranking_competitors": item.ranking_competitors,
        "competitor_rank_avg": item.competitor_rank_avg,
        "competitor_performance_score": item.competitor_performance_score,
    }
    return _known(
        {
            "phrase": item.phrase,
            "search_volume": item.search_volume,
            "root": item.root,
            "category": item.category,
            "reason": item.reason,
            "language": item.language or None,
            "relevancy_score": item.relevancy_score,
            "base_relevancy_score": item.base_relevancy_score,
            "intent_score": item.intent_score,
            "title_density": item.title_density,
            "cpr": item.cpr,
            "keyword_sales": item.keyword_sales,
            "iq_score": item.iq_score,
            "competition": _known(competition),
            "represents_variants": item.represents_variants,
            "variant_of": item.variant_of,
            "opportunity_decision": item.opportunity_decision,
            "opportunity_reason": item.opportunity_reason,
            "in_files": list(item.in_files),
            "by": item.by,
        }
    )


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _product_context(found: Analysis) -> dict[str, Any]:
    listing = found.listing
    return _known(
        {
            "title": listing.title or None,
            "brand": listing.brand or found.brand or None,
            "asin": listing.asin or None,
            "category": " › ".join(listing.category) or None,
            "main_keyword": found.main_keyword,
            "main_keyword_chosen": found.main_chosen,
            "attributes": [f"{name}: {value}" for name, value in listing.overview.items()],
            "other_brands": list(found.other_brands[:_ADDED]),
        }
    )


def _current(found: Analysis, now: Measured) -> dict[str, Any]:
    there = set(map(id, now.whole.covered))
    missing = [one for one in found.wanted if id(one) not in there and one.variant_of is None]
    high = sorted(missing, key=lambda one: (-one.intent_score, -one.volume, one.phrase))
    best = [one.phrase for one in sorted(missing, key=lambda one: (-one.volume, one.phrase))]
    titled = set(map(id, now.in_title))
    bullets = [_content(text, items, best) for text, items in zip(now.bullets, now.in_bullets, strict=True)]
    unique = [
        _content(text, [one for one in items if id(one) not in titled], best)
        for text, items in zip(now.bullets, now.in_bullets, strict=True)
    ]
    total = sum(map(len, now.bullets))
    return {
        "title_analysis": _content(now.title, now.in_title, best),
        "bullets_analysis": unique,
        "bullets_analysis_for_display": bullets,
        "backend_keywords": [],
        "keyword_coverage": {
            "total_keywords": now.whole.total,
            "covered_keywords": len(now.whole.covered),
            "coverage_percentage": now.whole.percent,
            "indexed_keywords": len(now.whole.indexed),
            "indexed_percentage": percent(len(now.whole.indexed), now.whole.total),
            "covered_search_volume": now.whole.volume,
            "missing_high_intent": [one.phrase for one in high if one.intent_score >= HIGH_INTENT][:_MISSING],
            "missing_high_volume": best[:_MISSING],
        },
        "root_coverage": _root_coverage(found, now),
        "total_character_usage": {
            "title_chars": len(now.title),
            "bullets_total_chars": total,
            "bullets_avg_chars": round(total / len(now.bullets)) if now.bullets else 0,
            "backend_chars": 0,
            "total_chars": len(now.title) + total,
        },
    }


def _content(text: str, items: Sequence[Item], missing: Sequence[str]) -> dict[str, Any]:
    return {
        "content": text,
        "keywords_found": [one.phrase for one in items],
        "keyword_count": len(items),
        "character_count": len(text),
        "keyword_density": percent(len(items), len(text)),
        "opportunities": list(missing[:5]),
        "total_search_volume": sum(one.volume for one in items),
    }


def _root_coverage(found: Analysis, now: Measured) -> dict[str, Any]:
    stemmer = Stemmer(found.language)
    words = set(stemmer.stems(" ".join((now.title, *now.bullets, now.backend))))
    missing = [one for one in found.roots if not words.intersection(stemmer.stems(one.root))]
    covered = len(found.roots) - len(missing)
    return {
        "total_roots": len(found.roots),
        "covered_roots": covered,
        "coverage_percentage": percent(covered, len(found.roots)),
        "missing_roots": [one.root for one in missing],
        "root_volumes": {one.root: one.volume for one in found.roots},
    }


def _optimized(found: Analysis, made: Optimization, after: Measured) -> dict[str, Any]:
    stemmer = Stemmer(found.language)
    front = made.draft.title[: made.limits.front]
    stems = set(stemmer.stems(front))
    design = [one for one in after.in_title if one.category == "Design-Specific"]
    title = {
        "content": made.draft.title,
        "first_80_chars": front,
        "keywords_included": [one.phrase for one in after.in_title],
        "keywords_duplicated_from_other_bullets": [],
        "unique_keywords_count": len(after.in_title),
        "improvements": _title_improvements(found, after),
        "character_count": len(made.draft.title),
        "total_search_volume": sum(one.volume for one in after.in_title),
        "main_root_included": bool(stems.intersection(found.heads)),
        "design_root_included": bool(design),
        "key_benefit_included": bool(design),
        "guideline_compliance": _compliance(made.objections),
    }
    return {
        "optimized_title": title,
        **_short(made, stemmer),
        "optimized_bullets": _bullets(made, after),
        "optimized_backend_keywords": made.draft.backend.split(),
        "backend_search_terms": made.draft.backend,
        "backend_bytes": len(made.draft.backend.encode()),
        "keyword_strategy": _strategy(found, made, after),
        "rationale": _rationale(found, made, after),
        "by": made.by,
        "objections": [str(one) for one in made.objections],
    }


def _short(made: Optimization, stemmer: Stemmer) -> dict[str, Any]:
    """The title as it may be since July 2026, with the field for the rest; no members where that does not apply."""
    short = shortened(made.draft.title, made.limits, stemmer)
    texts = {"short_title": short.title, "item_highlights": short.highlights} if short else {}
    return {name: {"content": text, "character_count": len(text)} for name, text in texts.items() if text}


def _title_improvements(found: Analysis, after: Measured) -> list[str]:
    volume = sum(one.volume for one in after.in_title)
    said = [f"{len(after.in_title)} keywords with {volume:,} searches a month"]
    if found.main_keyword:
        said.append(f"“{found.main_keyword}” within the first 80 characters")
    return said


def _bullets(made: Optimization, after: Measured) -> list[dict[str, Any]]:
    seen = {id(one) for one in after.in_title}
    found = []
    for text, items in zip(after.bullets, after.in_bullets, strict=True):
        new = [one for one in items if id(one) not in seen]
        lead = text.partition(":")[0]
        found.append(
            {
                "content": text,
                "keywords_included": [one.phrase for one in items],
                "keywords_duplicated_from_other_bullets": [one.phrase for one in items if id(one) in seen],
                "unique_keywords_count": len(new),
                "improvements": [f"{len(new)} keywords that title and earlier bullets do not have"],
                "character_count": len(text),
                "total_search_volume": sum(one.volume for one in new),
                "primary_benefit": lead,
                "guideline_compliance": "PASS"
                if not any(one.place.startswith("bullet") for one in made.objections)
                else "FAIL",
            }
        )
        seen |= {id(one) for one in items}
    return found


def _compliance(objections: Sequence[Violation]) -> dict[str, str]:
    broken = {one.rule for one in objections if one.place == "title"}
    return {name: "FAIL" if broken.intersection(rules) else "PASS" for name, rules in _RULES.items()}


def _strategy(found: Analysis, made: Optimization, after: Measured) -> dict[str, Any]:
    covered = set(map(id, after.whole.covered))
    left = [one for one in found.wanted if one.variant_of is None and id(one) not in covered]
    return {
        "primary_roots": [one.root for one in found.roots[:_MISSING]],
        "priority_clusters": [
            f"{one.root}: {one.keywords} keywords, {one.volume:,} searches a month" for one in found.roots[:5]
        ],
        "phrase_variants_in_frontend": [one.phrase for one in after.whole.covered if one.variant_of is not None][
            :_EXAMPLES
        ],
        "misspellings_and_synonyms_in_backend": made.draft.backend.split(),
        "exclusions": list(found.other_brands[:_EXAMPLES]),
        "not_placed": [one.phrase for one in sorted(left, key=lambda one: (-one.volume, one.phrase))[:_EXAMPLES]],
        "first_80_optimization": made.draft.title[: made.limits.front],
        "keyword_integration": f"{len(after.whole.covered)} of {after.whole.total} keywords stand as phrases",
        "amazon_compliance": "ENFORCED" if not made.objections else "OBJECTIONS",
    }


def _rationale(found: Analysis, made: Optimization, after: Measured) -> str:
    by = "by stated rules" if made.by == "rules" else f"by the language model {made.by}, checked by the same rules"
    said = [f"Written {by}, of keywords of the exports and words of the present listing only."]
    if found.main_keyword:
        said.append(f"The main keyword is “{found.main_keyword}” ({found.main_chosen}).")
    said.append(
        f"The title has {len(made.draft.title)} of {made.limits.title} characters, the backend terms "
        f"{len(made.draft.backend.encode())} of {made.limits.backend} bytes; all words of "
        f"{len(after.whole.indexed)} of {after.whole.total} keywords are in the listing."
    )
    return " ".join((*said, *made.notes))


def _comparison(found: Analysis, before: Measured, after: Measured, made: Optimization) -> dict[str, Any]:
    high = {id(one) for one in found.wanted if one.intent_score >= HIGH_INTENT}
    was, is_ = set(map(id, before.whole.covered)), set(map(id, after.whole.covered))
    delta = round(after.whole.percent - before.whole.percent, 2)
    intent = len(high & is_) - len(high & was)
    added = [one for one in after.whole.covered if id(one) not in was]
    added.sort(key=lambda one: (-one.volume, one.phrase))
    limits = made.limits
    return {
        "coverage_improvement": {
            "total_keywords": after.whole.total,
            "before_covered": len(was),
            "after_covered": len(is_),
            "before_coverage_pct": before.whole.percent,
            "after_coverage_pct": after.whole.percent,
            "delta_pct_points": delta,
            "before_indexed_pct": percent(len(before.whole.indexed), before.whole.total),
            "after_indexed_pct": percent(len(after.whole.indexed), after.whole.total),
            "new_keywords_added": [one.phrase for one in added[:_ADDED]],
        },
        "intent_improvement": {
            "high_intent_total": len(high),
            "before_covered": len(high & was),
            "after_covered": len(high & is_),
            "delta": intent,
        },
        "volume_improvement": {
            "estimated_volume_before": before.whole.volume,
            "estimated_volume_after": after.whole.volume,
            "delta_volume": after.whole.volume - before.whole.volume,
            "indexed_volume_before": before.whole.indexed_volume,
            "indexed_volume_after": after.whole.indexed_volume,
            "total_volume": sum(one.volume for one in found.wanted),
        },
        "character_efficiency": {
            "title_limit": limits.title,
            "title_before": len(before.title),
            "title_after": len(after.title),
            "title_utilization_before_pct": percent(len(before.title), limits.title),
            "title_utilization_after_pct": percent(len(after.title), limits.title),
            **({"short_title_limit": limits.short, "highlights_limit": limits.highlights} if limits.short else {}),
            "bullet_limit": limits.bullet,
            "backend_limit": limits.backend,
            "backend_before": 0,
            "backend_after": len(after.backend.encode()),
        },
        "summary_metrics": {
            "overall_improvement_score": round(min(10.0, max(0.0, delta / 10 + intent / 2)), 2),
            "priority_recommendations": max(1, min(5, len(added) // 4)),
        },
    }
