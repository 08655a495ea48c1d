"""What is wrong with a listing: with Amazon's rules, and with words that neither the exports nor the listing have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from accepted_apps.sales.analysis.languages import NAMES
from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.limits import Limits
from accepted_apps.sales.analysis.text import Stemmer, contains, tokens

BANNED: Final = "!$?_{}^¬¦~#<>|*;®©™¢£¥€…†‡"
"""Characters that a title must not have, unless its brand has them."""
BANNED_IN_BULLETS: Final = "$_{}^¬¦~#<>|*®©™¢£¥€…†‡"
_FOREIGN_FROM: Final = 5
_PICTURES: Final = regex.compile(r"[\p{Extended_Pictographic}--[0-9#*©®™]]", regex.VERSION1)
_SHOUTED: Final = regex.compile(r"\b\p{Lu}{6,}\b")
_LATIN_WORD: Final = regex.compile(r"^[\p{L}\p{M}]+$")


@dataclass(frozen=True, slots=True)
class Draft:
    """A listing as it is to be: the backend terms are one line, words with spaces between them."""

    title: str
    bullets: tuple[str, ...]
    backend: str


@dataclass(frozen=True, slots=True)
class Violation:
    """rule: a short slug. place: "title", "bullet 1" …, "backend". message: a sentence that says what to do."""

    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Stems of words that a listing may be written with. backend: those of backend terms. brands: words of others'
    brands, which stand nowhere."""

    words: frozenset[str]
    backend: frozenset[str]
    brands: frozenset[str]


def foreign(found: Analysis) -> list[Item]:
    """Keywords of other languages for which competitors rank: relevancy from 5."""
    names = set(NAMES.values())
    return [one for one in found.items if one.category in names and one.base_relevancy_score >= _FOREIGN_FROM]


def allowed_of(found: Analysis, stemmer: Stemmer) -> Allowed:
    """Words of wanted keywords, of the present listing, of the language itself, and of the bullets' phrases.

    In backend terms those of relevant keywords in other languages, too, and none of the language itself.
    """
    words, listing = stemmer.words, found.listing
    keywords = {stem for one in found.wanted for stem in map(stemmer.stem, tokens(one.phrase))}
    own = " ".join(
        (listing.title, listing.brand, found.brand, found.main_keyword, *listing.bullets, *listing.overview.values())
    )
    # As it is written, and as it is without what Amazon does not take: "Ø™" is one word, or another.
    own += " " + "".join(" " if one in BANNED else one for one in own)
    phrases = " ".join((*words.leads, *words.bullets, words.either, words.both))
    language = set(map(stemmer.stem, words.function | set(tokens(phrases))))
    ours = set(tokens(f"{listing.brand} {found.brand} {found.main_keyword}"))
    others = {word for brand in found.other_brands for word in brand.split() if len(brand.split()) == 1} - ours
    abroad = {stemmer.stem(word) for one in foreign(found) for word in tokens(one.phrase)}
    return Allowed(
        words=frozenset(keywords | set(stemmer.stems(own)) | language),
        backend=frozenset(keywords | abroad | set(stemmer.stems(found.main_keyword))),
        brands=frozenset(map(stemmer.stem, others)),
    )


def validate_listing(draft: Draft, found: Analysis, limits: Limits, stemmer: Stemmer) -> list[Violation]:
    """Everything that is wrong with a draft, its title first. Empty: it may be used as it is."""
    check = _Check(found, limits, stemmer)
    return [*check.title(draft.title), *check.bullets(draft.bullets), *check.backend(draft)]


class _Check:
    def __init__(self, found: Analysis, limits: Limits, stemmer: Stemmer) -> None:
        self._found, self._limits, self._stemmer = found, limits, stemmer
        self._allowed = allowed_of(found, stemmer)

    def title(self, title: str) -> Iterable[Violation]:
        limits = self._limits
        if not title.strip():
            yield Violation("title_empty", "title", "write a title")
            return
        if len(title) > limits.title:
            yield Violation("title_length", "title", f"shorten it to {limits.title} characters; it has {len(title)}")
        main = self._stemmer.stems(self._found.main_keyword)
        if main and not contains(self._stemmer.stems(_whole_words(title, limits.front)), main):
            yield Violation(
                "title_front",
                "title",
                f"put “{self._found.main_keyword}” within the first {limits.front} characters",
            )
        yield from self._repeated(title)
        yield from self._characters(title, "title", BANNED)
        yield from self._phrases(title, "title")
        yield from self._words(title, "title", self._allowed.words)

    def bullets(self, bullets: Sequence[str]) -> Iterable[Violation]:
        limits = self._limits
        if len(bullets) != limits.bullets:
            yield Violation("bullets_number", "bullets", f"write {limits.bullets} bullets; there are {len(bullets)}")
        seen: set[str] = set()
        for number, bullet in enumerate(bullets, 1):
            place = f"bullet {number}"
            if not limits.bullet_least <= len(bullet) <= limits.bullet:
                yield Violation(
                    "bullet_length",
                    place,
                    f"write {limits.bullet_least} to {limits.bullet} characters; it has {len(bullet)}",
                )
            if bullet.casefold() in seen:
                yield Violation("bullet_repeated", place, "say something else than another bullet does")
            seen.add(bullet.casefold())
            if bullet.rstrip().endswith((".", "!", "?")):
                yield Violation("bullet_end", place, "end without a full stop")
            yield from self._characters(bullet, place, BANNED_IN_BULLETS)
            yield from self._phrases(bullet, place)
            yield from self._words(bullet, place, self._allowed.words)

    def backend(self, draft: Draft) -> Iterable[Violation]:
        size = len(draft.backend.encode())
        if size > self._limits.backend:
            yield Violation(
                "backend_bytes", "backend", f"shorten them to {self._limits.backend} bytes; there are {size}"
            )
        words = tokens(draft.backend)
        stems = [self._stemmer.stem(one) for one in words]
        for stem, times in Counter(stems).items():
            if times > 1:
                yield Violation("backend_repeated", "backend", f"write “{words[stems.index(stem)]}” once")
        used = set(self._stemmer.stems(" ".join((draft.title, *draft.bullets))))
        for word, stem in zip(words, stems, strict=True):
            if stem in used:
                yield Violation("backend_used", "backend", f"leave out “{word}”: title or bullets have it")
        yield from self._words(draft.backend, "backend", self._allowed.backend)

    def _repeated(self, title: str) -> Iterable[Violation]:
        words = [one for one in tokens(title) if not self._stemmer.is_function(one)]
        for stem, times in Counter(map(self._stemmer.stem, words)).items():
            if times > self._limits.word_times:
                word = next(one for one in words if self._stemmer.stem(one) == stem)
                yield Violation(
                    "title_repeated", "title", f"write “{word}” {self._limits.word_times} times at most, not {times}"
                )

    def _characters(self, text: str, place: str, banned: str) -> Iterable[Violation]:
        # A brand may have them.
        bare = text.replace(self._found.brand, "") if self._found.brand else text
        for one in sorted(set(bare) & set(banned)):
            yield Violation("characters", place, f"leave out “{one}”")
        if _PICTURES.search(bare):
            yield Violation("pictures", place, "leave out emoji")
        for shouted in _SHOUTED.findall(bare):
            yield Violation("capitals", place, f"write “{shouted}” in small letters")

    def _phrases(self, text: str, place: str) -> Iterable[Violation]:
        for phrase in promotional_in(text, self._stemmer):
            yield Violation("promotional", place, f"leave out “{phrase}”")

    def _words(self, text: str, place: str, allowed: frozenset[str]) -> Iterable[Violation]:
        for word in dict.fromkeys(tokens(text)):
            stem = self._stemmer.stem(word)
            if stem in self._allowed.brands:
                yield Violation("brand", place, f"leave out “{word}”: it is another's brand")
            elif stem not in allowed and _LATIN_WORD.match(word):
                yield Violation("word_outside", place, f"leave out “{word}”: no wanted keyword and no listing has it")


def promotional_in(text: str, stemmer: Stemmer) -> list[str]:
    """The phrases of a text that a marketplace does not take."""
    padded = f" {' '.join(text.casefold().split())} "
    return [one for one in stemmer.words.promotional if regex.search(rf"(?<!\w){regex.escape(one)}(?!\w)", padded)]


def _whole_words(text: str, size: int) -> str:
    """The first characters of a text, without a word that does not end within them."""
    if len(text) <= size or not text[size].isalnum():
        return text[:size]
    return text[:size].rpartition(" ")[0]
