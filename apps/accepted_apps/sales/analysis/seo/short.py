"""A title in two: what Amazon shows of it since July 2026, and the highlights beside it, which take the rest."""

from __future__ import annotations

from dataclasses import dataclass

from accepted_apps.sales.analysis.seo.limits import Limits
from accepted_apps.sales.analysis.text import Stemmer

_BETWEEN = ", "


@dataclass(frozen=True, slots=True)
class Short:
    """title: as many parts of the long one, in their order, as fit. highlights: those that do not, as many as fit."""

    title: str
    highlights: str


def shortened(title: str, limits: Limits, stemmer: Stemmer) -> Short | None:
    """None where titles of the category may be as long as ever."""
    if limits.short is None:
        return None
    first, *rest = title.split(_BETWEEN)
    short = _whole_words(first, limits.short, stemmer)
    left = []
    for part in rest:
        if len(longer := short + _BETWEEN + part) <= limits.short:
            short = longer
        else:
            left.append(part)
    highlights = ""
    for part in left:
        longer = highlights + _BETWEEN + part if highlights else part
        highlights = longer if len(longer) <= limits.highlights else highlights
    return Short(short, highlights)


def _whole_words(text: str, most: int, stemmer: Stemmer) -> str:
    """The beginning of a text that is too long, without articles and prepositions at its end."""
    if len(text) <= most:
        return text
    words = text[: most + 1].split(" ")[:-1]
    while words and stemmer.is_function(words[-1].lower()):
        words.pop()
    return " ".join(words) or text[:most]
