"""Words of the marketplaces' languages, from the files beside this one.

stemmer: Snowball's name of the language. head: where the noun of a phrase stands that says what the thing is: "last"
(garlic press) or "first" (presse ail), of the part before the first word of `split`.

Lists: function (articles, prepositions, pronouns …), split, generic (words of a whole category: tools, products),
occasion (gifts, deals, best sellers), people, colour, size, material, pack, form, quality (these six set one design
apart from another), informational (recipes, how-to), foreign_forms (what the same stuff is as another product: powder,
juice), negation (no, without). promotional: phrases that a marketplace does not take in a listing. leads, bullets:
words for bullet points, with `{words}` for the keywords; `or`, `and`: conjunctions.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "it", "es")
_DESIGN: Final = ("colour", "size", "material", "pack", "form", "quality")


@dataclass(frozen=True, slots=True)
class Words:
    """One language's; each list as plain lower-case words."""

    language: str
    stemmer: str
    head_first: bool
    function: frozenset[str]
    split: frozenset[str]
    generic: frozenset[str]
    occasion: frozenset[str]
    people: frozenset[str]
    design: dict[str, frozenset[str]]
    """By kind: colour, size, material, pack, form, quality."""
    informational: frozenset[str]
    foreign_forms: frozenset[str]
    negation: frozenset[str]
    promotional: tuple[str, ...]
    leads: tuple[str, ...]
    bullets: tuple[str, ...]
    either: str
    both: str


@cache
def words_of(language: str) -> Words:
    """Raises FileNotFoundError for a language that is none of LANGUAGES."""
    read = tomllib.loads((files(__package__) / f"{language}.toml").read_text(encoding="utf-8"))

    def listed(name: str) -> frozenset[str]:
        return frozenset(read[name].split())

    return Words(
        language=language,
        stemmer=read["stemmer"],
        head_first=read["head"] == "first",
        function=listed("function"),
        split=listed("split"),
        generic=listed("generic"),
        occasion=listed("occasion"),
        people=listed("people"),
        design={kind: listed(kind) for kind in _DESIGN},
        informational=listed("informational"),
        foreign_forms=listed("foreign_forms"),
        negation=listed("negation"),
        promotional=tuple(read["promotional"].split("|")),
        leads=tuple(read["leads"]),
        bullets=tuple(read["bullets"]),
        either=read["or"],
        both=read["and"],
    )


@cache
def trade_words() -> frozenset[str]:
    """Words that no dictionary has, and that are no names: of trade, and of all lists here."""
    text = (files(__package__) / "trade.txt").read_text(encoding="utf-8")
    found = {word for line in text.splitlines() if not line.startswith("#") for word in line.split()}
    for language in LANGUAGES:
        words = words_of(language)
        found |= words.generic | words.occasion | words.people | words.informational | words.foreign_forms
        found = found.union(*words.design.values())
    return frozenset(found)


@cache
def known_brands() -> frozenset[tuple[str, ...]]:
    """Well-known brands that are made of words, each as its words."""
    text = (files(__package__) / "brands.txt").read_text(encoding="utf-8")
    return frozenset(tuple(line.split()) for line in text.splitlines() if line and not line.startswith("#"))
