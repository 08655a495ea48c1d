"""Phrases as words and stems: what two spellings of one word have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import regex

from accepted_apps.sales.analysis.words import Words, words_of

_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’`´](?=[sS]\b))?", regex.VERSION1)
_POSSESSIVE: Final = regex.compile(r"(?<=[\p{L}\p{N}])['’`´][sS]\b|(?<=[\p{L}]s)['’`´](?!\w)", regex.VERSION1)
_APOSTROPHE: Final = regex.compile(r"['’`´]")
_GERMAN: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ß", "ss"))
_STEMS: Final = 100_000


def tokens(text: str) -> list[str]:
    """The words of a text in small letters; "chef's" is "chefs", "d'ail" is "d", "ail", "freeze-dried" is two."""
    text = unicodedata.normalize("NFKC", text).casefold() if not text.isascii() else text.lower()
    text = _APOSTROPHE.sub(" ", _POSSESSIVE.sub("s", text))
    return _WORD.findall(text)


def has_possessive(text: str) -> bool:
    """Whether somebody's thing is named: "anthony's", "levi’s"."""
    return _POSSESSIVE.search(text) is not None


def folded(word: str, language: str) -> str:
    """Without accents; in German, ä and ae, ß and ss are one."""
    if not word.isascii():
        word = unicodedata.normalize("NFD", word.replace("ß", "ss"))
        word = "".join(one for one in word if not unicodedata.combining(one))
    if language == "de":
        for written, meant in _GERMAN:
            word = word.replace(written, meant)
    return word


class Stemmer:
    """The stems of one language's words, with accents folded. Each thread, and each job, has one of its own."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words: Words = words_of(language)
        # The stemmers of all languages take a while to load, and whoever only submits stems nothing.
        import snowballstemmer

        snowball: Any = snowballstemmer.stemmer(self.words.stemmer)
        self._function = frozenset(folded(one, language) for one in self.words.function)

        @lru_cache(maxsize=_STEMS)
        def stem(word: str) -> str:
            return folded(snowball.stemWord(word), language)

        self.stem = stem

    def stems(self, text: str) -> tuple[str, ...]:
        """The stems of all words of a text, in order."""
        return tuple(map(self.stem, tokens(text)))

    def content(self, words: Iterable[str]) -> list[str]:
        """Those words that are no articles, prepositions or pronouns; all of them where nothing else would be left."""
        words = list(words)
        kept = [one for one in words if not self.is_function(one)]
        return kept or words

    def is_function(self, word: str) -> bool:
        """Whether it is an article, a preposition, a pronoun …"""
        return word in self.words.function or folded(word, self.language) in self._function

    def stemmed(self, words: Iterable[str]) -> frozenset[str]:
        """The stems of a list of words."""
        return frozenset(map(self.stem, words))

    def head(self, words: Sequence[str]) -> str:
        """What the thing is: "press" of "garlic press with brush", "prensa" of "prensa de ajo"."""
        before: list[str] = []
        for one in words:
            if one in self.words.split and before:
                break
            if not self.is_function(one) and not one.isdigit():
                before.append(one)
        if not before:
            return words[-1] if words else ""
        return before[0] if self.words.head_first else before[-1]


def contains(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the stems of a phrase stand in a text one after another."""
    size = len(phrase)
    if not size or size > len(text):
        return False
    first = phrase[0]
    return any(text[at] == first and tuple(text[at : at + size]) == tuple(phrase) for at in range(len(text) - size + 1))
