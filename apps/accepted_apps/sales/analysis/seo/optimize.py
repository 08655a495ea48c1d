"""The present listing measured, a better one drafted by rules, and both compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.backend import backend_terms
from accepted_apps.sales.analysis.seo.bullets import BulletWriter
from accepted_apps.sales.analysis.seo.coverage import Coverage, Finder
from accepted_apps.sales.analysis.seo.limits import Limits, limits_of
from accepted_apps.sales.analysis.seo.title import TitleWriter
from accepted_apps.sales.analysis.seo.validator import Draft, Violation, allowed_of, validate_listing
from accepted_apps.sales.analysis.seo.writing import candidates
from accepted_apps.sales.analysis.text import Stemmer


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """by: who wrote the draft. objections: what is wrong with it all the same; empty as a rule. notes: sentences."""

    draft: Draft
    limits: Limits
    by: str = "rules"
    objections: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()


def draft_by_rules(found: Analysis) -> Optimization:
    """A title, five bullets and backend terms, of wanted keywords and words of the present listing."""
    stemmer, limits = Stemmer(found.language), limits_of(found.listing.category)
    allowed = allowed_of(found, stemmer)
    keywords = candidates(found, stemmer)
    title = TitleWriter(found, limits, stemmer, allowed).write(keywords)
    there = {id(one) for one in Finder(keywords, stemmer).within(title)}
    bullets = BulletWriter(found, limits, stemmer, allowed).write([one for one in keywords if id(one) not in there])
    return with_backend(found, title, bullets, stemmer, limits)


def with_backend(
    found: Analysis, title: str, bullets: Sequence[str], stemmer: Stemmer, limits: Limits, *, by: str = "rules"
) -> Optimization:
    """The draft with the backend terms that suit this title and these bullets."""
    used = set(stemmer.stems(" ".join((title, *bullets))))
    backend = backend_terms(found, used, limits, stemmer, allowed_of(found, stemmer))
    draft = Draft(title, tuple(bullets), " ".join(backend))
    return Optimization(
        draft=draft, limits=limits, by=by, objections=tuple(validate_listing(draft, found, limits, stemmer))
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A listing's texts with the keywords that each of them has."""

    title: str
    in_title: list[Item]
    bullets: tuple[str, ...]
    in_bullets: list[list[Item]]
    backend: str
    in_backend: list[Item]
    whole: Coverage


def measured(found: Analysis, title: str, bullets: Sequence[str], backend: str = "") -> Measured:
    """Wanted keywords in a listing."""
    finder = Finder(found.wanted, Stemmer(found.language))
    return Measured(
        title=title,
        in_title=finder.within(title),
        bullets=tuple(bullets),
        in_bullets=[finder.within(one) for one in bullets],
        backend=backend,
        in_backend=finder.within(backend),
        whole=finder.coverage(title, *bullets, backend),
    )
