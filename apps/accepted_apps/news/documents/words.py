"""Text as words that can be looked for, the same on every engine: an engine only ever sees what comes from here.

A text becomes a list of words: case and accents are taken off, and scripts that are written without spaces (Chinese,
Japanese, Korean, Thai …) are cut into overlapping pairs of characters, so that any piece of a sentence can be found.
What a person types becomes a `Query` of the same words. Nothing in it is syntax of an engine, so nothing in it is an
error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

WORDS_MAX: Final = 50_000
"""Words of one text that can be found: a book's worth. PostgreSQL holds a megabyte of them."""
WORD_MAX: Final = 64
"""Characters of a word; the rest of a longer one is left out."""
PREFIX_MIN: Final = 4
"""From so many letters on a word finds those that begin with it."""
PART_MIN: Final = 5
"""From so many letters on a word finds longer ones that hold it: `regierung` the `Bundesregierung`."""
BEFORE_MIN: Final = 3
"""Letters that stand before such a part: `press` is no part of `express`."""
TERMS_MAX: Final = 32
"""Terms of one query; the rest is left out."""

_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1100-\u11ff\uac00-\ud7af"  # Hangul: spaces, but endings grow on every word
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
_OTHER_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
"""Letters with a stroke and the like, which Unicode does not take apart."""
_OPTIONAL_MARKS: Final = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]")
"""Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic: marks that people leave out."""
_PIECE: Final = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_RUN: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side. `prefix`: the last one may go on. `part`: a single word, which longer words
    may hold."""

    words: tuple[str, ...]
    prefix: bool = False
    part: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All of `wanted`, none of `unwanted`. `empty`: something was asked for, and no word is in it."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.wanted and not self.unwanted


def words_of(texts: Iterable[str]) -> list[str]:
    """The words of these texts in their order, WORDS_MAX at most."""
    found: list[str] = []
    for text in texts:
        for word in _words(_folded(text)):
            found += _pairs(word) if _IS_UNSPACED.match(word) else [word[:WORD_MAX]]
            if len(found) >= WORDS_MAX:
                return found[:WORDS_MAX]
    return found


def compounds_of(words: Iterable[str]) -> list[str]:
    """Those words, each once and in order, that are long enough to hold another."""
    least = BEFORE_MIN + PART_MIN
    return sorted({word for word in words if len(word) >= least and word.isalpha() and not _IS_UNSPACED.match(word)})


def parse_query(text: str) -> Query:
    """What a person types: words, "phrases", and either with - in front for what shall not be in it."""
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for match in _PIECE.finditer(text):
        minus, phrase, plain = match.groups()
        if plain is not None:
            minus, plain = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
        term = _term(phrase, exact=True) if plain is None else _term(plain, exact=False)
        if term is not None:
            (unwanted if minus else wanted).append(term)
    return Query(tuple(wanted[:TERMS_MAX]), tuple(unwanted[:TERMS_MAX]))


def _term(text: str, *, exact: bool) -> Term | None:
    pieces = [*_words(_folded(text))]
    if not pieces:
        return None
    *before, last = pieces
    words = [word for piece in before for word in (_pairs(piece) if _IS_UNSPACED.match(piece) else [piece[:WORD_MAX]])]
    if _IS_UNSPACED.match(last):
        # In a text the character that ends this piece may go on to a pair.
        pairs = _pairs(last)
        return Term((*words, *pairs[: max(1, len(pairs) - 1)]), prefix=len(last) == 1)
    words.append(last[:WORD_MAX])
    loose = not exact and last.isalpha()
    return Term(
        tuple(words),
        prefix=loose and len(last) >= PREFIX_MIN,
        part=loose and len(words) == 1 and len(last) >= PART_MIN,
    )


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", apart).translate(_OTHER_LETTERS))


def _words(text: str) -> Iterator[str]:
    """Runs of letters, digits and the marks on them, cut where a script without spaces begins or ends."""
    for match in _word_pattern().finditer(text):
        yield from _RUN.findall(match.group())


def _pairs(run: str) -> list[str]:
    """`中国经济` as `中国 国经 经济 济`: each pair in its place, and the end, so that what follows is beside it."""
    return [run[at : at + 2] for at in range(len(run))]


@lru_cache(maxsize=1)
def _word_pattern() -> re.Pattern[str]:
    r"""A letter or digit and what belongs to it. `\w` ends at the vowel signs of Indian scripts, which are marks."""
    marks = [code for code in range(0x300, 0x1E000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    signs = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"[^\W_](?:[^\W_]|[{signs}])*")
