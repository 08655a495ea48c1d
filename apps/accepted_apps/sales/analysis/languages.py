"""The language of a short phrase, by its script and by which dictionaries know its words.

Statistics of letters, as detectors for sentences use them, fail on two words: "garlic press" is as good Danish as
English to them. A dictionary is asked instead, and only those of languages that are spoken where the marketplace is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from accepted_apps.sales.analysis.words import LANGUAGES, words_of

NEIGHBOURS: Final[dict[str, tuple[str, ...]]] = {
    "US": ("es",),
    "CA": ("fr", "es"),
    "UK": ("es",),
    "DE": ("en",),
    "FR": ("en",),
    "IT": ("en",),
    "ES": ("en",),
}
"""Languages that people of a marketplace search in beside its own, the likeliest first."""

NAMES: Final[dict[str, str]] = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "it": "Italian",
    "es": "Spanish",
    "pt": "Portuguese",
    "ar": "Arabic",
    "he": "Hebrew",
    "ja": "Japanese",
    "ko": "Korean",
    "zh": "Chinese",
    "ru": "Russian",
    "el": "Greek",
    "th": "Thai",
    "hi": "Hindi",
}

_SCRIPTS: Final = (
    ("ja", regex.compile(r"[\p{Hiragana}\p{Katakana}]")),
    ("ko", regex.compile(r"\p{Hangul}")),
    ("zh", regex.compile(r"\p{Han}")),
    ("ar", regex.compile(r"\p{Arabic}")),
    ("he", regex.compile(r"\p{Hebrew}")),
    ("ru", regex.compile(r"\p{Cyrillic}")),
    ("el", regex.compile(r"\p{Greek}")),
    ("th", regex.compile(r"\p{Thai}")),
    ("hi", regex.compile(r"\p{Devanagari}")),
)
_LENT: Final = 5
"""Letters from which one word of another language makes a mixed phrase count as that language's."""


def by_script(phrase: str) -> str | None:
    """The language of a phrase that is not in Latin letters."""
    if phrase.isascii():
        return None
    return next((language for language, letters in _SCRIPTS if letters.search(phrase)), None)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the dictionaries say of an export's words.

    own: words of the marketplace's language. foreign: by language, its words that are not its own ones. at_home: words
    that count as the marketplace's whatever dictionaries say: those of the listing, and misspelt ones.
    """

    language: str
    own: frozenset[str]
    foreign: Mapping[str, frozenset[str]]
    at_home: Collection[str]

    def language_of(self, words: Sequence[str]) -> str:
        """The marketplace's language, unless as many words, or one long one, are another language's only."""
        for language, theirs in self.foreign.items():
            strange = [one for one in words if one in theirs and one not in self.at_home]
            if not strange:
                continue
            function = words_of(language).function if language in LANGUAGES else frozenset()
            links = sum(one in function and one not in words_of(self.language).function for one in words)
            own = sum(one in self.own and one not in function for one in words)
            if language == "en":
                # English words are part of every language's searches: a whole phrase has to be English.
                if own == 0 and len(strange) + links >= 3:
                    return language
            elif len(strange) + links >= own or max(map(len, strange)) >= _LENT:
                return language
        return self.language
