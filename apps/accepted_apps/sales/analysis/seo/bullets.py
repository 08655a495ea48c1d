"""Five bullets: what the present ones say, shortened to whole clauses, and keywords in a phrase of the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import regex

from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.limits import Limits
from accepted_apps.sales.analysis.seo.validator import Allowed, promotional_in
from accepted_apps.sales.analysis.seo.writing import Case, clean, listed
from accepted_apps.sales.analysis.text import Stemmer

_LEAD: Final = regex.compile(r"^\W*([^:\]】]{3,60}?)\s*(?:[\]】]\s*[:–—-]?|:|\s[–—-]\s)\s*(?=\S)")
_CLAUSES: Final = regex.compile(r"(?<=\p{L}{2})[.!?;]+(?:\s+|$)")
_KEYWORDS: Final = (5, 5, 4, 4, 4)
"""Keywords of each bullet: more where more people read."""
_CLAUSE_LEAST: Final = 12
_WORD: Final = regex.compile(r"\p{Lu}+")
_SHOUTED: Final = regex.compile(r"\b\p{Lu}+(?:\s+\p{Lu}+)*\b")
_SHOUTED_LEAST: Final = 4
"""Letters of a word that is shouted; a shorter one may be an abbreviation."""


class BulletWriter:
    """Writes the bullets of one listing."""

    def __init__(self, found: Analysis, limits: Limits, stemmer: Stemmer, allowed: Allowed) -> None:
        self._found, self._limits, self._stemmer, self._allowed = found, limits, stemmer, allowed
        self._case = Case(found, stemmer)

    def write(self, keywords: Sequence[Item]) -> list[str]:
        """The keywords are shared out in their order; a bullet that has no place for one leaves it out."""
        rest = list(keywords)
        present = [one for one in map(clean, self._found.listing.bullets) if one]
        made: list[str] = []
        for number in range(self._limits.bullets):
            lead, clauses = self._said(present[number]) if number < len(present) else ("", [])
            wanted, rest = rest[: _KEYWORDS[number]], rest[_KEYWORDS[number] :]
            if not any(map(str.isalpha, lead)):
                lead = self._lead(number, wanted)
            made.append(self._bullet(lead, clauses, number, wanted))
        return made

    def _said(self, bullet: str) -> tuple[str, list[str]]:
        """The head of a present bullet, and its clauses without what Amazon does not take."""
        bullet = _SHOUTED.sub(lambda run: self._calm(run[0]), bullet)
        head = _LEAD.match(bullet)
        lead = head[1].strip(" ;,") if head else ""
        clauses = [one.strip(" -–—:").rstrip(".!?") for one in _CLAUSES.split(bullet[head.end() if head else 0 :])]
        fit = [one for one in clauses if len(one) >= _CLAUSE_LEAST and self._may_stand(one)]
        return (lead if self._may_stand(lead) else ""), fit

    def _calm(self, run: str) -> str:
        """Words in capitals one after another: "MADE FOR USB" is "Made for USB", and "USB" stays."""
        if max(map(len, run.split())) < _SHOUTED_LEAST:
            return run
        return _WORD.sub(lambda one: self._calm_word(one[0]), run)

    def _calm_word(self, word: str) -> str:
        if self._stemmer.is_function(word.lower()):
            return word.lower()
        return word.capitalize() if len(word) >= _SHOUTED_LEAST else word

    def _may_stand(self, text: str) -> bool:
        brands = self._allowed.brands.intersection(self._stemmer.stems(text))
        return not promotional_in(text, self._stemmer) and not brands

    def _lead(self, number: int, wanted: Sequence[Item]) -> str:
        leads = self._stemmer.words.leads
        named = self._case.title(clean(wanted[0].phrase)) if wanted else ""
        return named if any(map(str.isalpha, named)) else leads[number % len(leads)]

    def _bullet(self, lead: str, clauses: Sequence[str], number: int, wanted: Sequence[Item]) -> str:
        lead = lead[:1].upper() + lead[1:]
        room = self._limits.bullet - len(lead) - 2
        tail = self._tail(number, wanted, room, spare=len(clauses[0]) + 2 if clauses else 0)
        body: list[str] = []
        for clause in clauses:
            if sum(len(one) + 2 for one in body) + len(clause) + 2 + len(tail) > room:
                break
            body.append(clause)
        said = "; ".join(filter(None, (*body, tail)))
        if not said:
            about = self._case.plain(clean(self._found.main_keyword)) or lead.lower()
            said = self._stemmer.words.bullets[number].format(words=about)
        return f"{lead}: {said}"[: self._limits.bullet].rstrip(" ;,:")

    def _tail(self, number: int, wanted: Sequence[Item], room: int, *, spare: int) -> str:
        """As many of the keywords as there is room for beside the first clause, at least one if it fits at all."""
        template = self._stemmer.words.bullets[number % len(self._stemmer.words.bullets)]
        for count in range(len(wanted), 0, -1):
            words = [self._case.plain(clean(one.phrase)) for one in wanted[:count]]
            tail = template.format(words=listed(words, self._stemmer.words.either))
            if len(tail) + (spare if count > 1 else 0) <= room:
                return tail
        return ""
