"""What title and bullets are written with: keywords worth a place, and words in the case that the listing has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import regex

from accepted_apps.sales.analysis.model import Analysis, Item
from accepted_apps.sales.analysis.seo.validator import BANNED, promotional_in
from accepted_apps.sales.analysis.text import Stemmer, tokens

MOST: Final = 400
"""Keywords that are tried for title and bullets, the best first."""
_PICTURES: Final = regex.compile(r"[\p{Extended_Pictographic}\p{So}\uFE0F\u200D--[0-9#*]]", regex.VERSION1)
_WORD: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_UPPER: Final = frozenset({"de", "en"})


def worth(item: Item) -> float:
    """Search volume times relevancy."""
    return (1 + item.volume) * (1 + item.relevancy_score)


def true_words(found: Analysis, stemmer: Stemmer) -> frozenset[str] | None:
    """Stems of words that are true of the product as far as anybody here knows: those of its listing, and of what it
    is. None: there is no listing, so nothing is known to be untrue."""
    listing = found.listing
    if not listing.title:
        return None
    texts = (listing.title, listing.brand, *listing.bullets, *listing.description, *listing.category)
    said = stemmer.stems(" ".join((*texts, *listing.overview, *listing.overview.values())))
    words = stemmer.words
    return frozenset((*said, *found.heads, *found.topics)) | stemmer.stemmed(words.generic | words.people)


def candidates(found: Analysis, stemmer: Stemmer) -> list[Item]:
    """Wanted keywords that are spelt right and true of the product, one of each set of words, the most worthwhile
    first."""
    true = true_words(found, stemmer)
    other = {word for brand in found.other_brands if " " not in brand for word in tokens(brand)}
    best: dict[tuple[str, ...], Item] = {}
    for item in sorted(found.wanted, key=lambda one: (-worth(one), len(one.phrase), one.phrase)):
        words = tokens(item.phrase)
        written = tuple(map(stemmer.stem, stemmer.content(words)))
        if true is not None and not true.issuperset(written):
            continue
        if written != item.stems or other.intersection(words) or promotional_in(item.phrase, stemmer):
            continue
        if not any(map(str.isalpha, item.phrase)) or set(item.phrase) & set(BANNED) or _PICTURES.search(item.phrase):
            continue
        best.setdefault(tuple(sorted(written)), item)
        if len(best) == MOST:
            break
    return list(best.values())


class Case:
    """Words as the present listing writes them, else as the language does in a title."""

    def __init__(self, found: Analysis, stemmer: Stemmer) -> None:
        self._stemmer = stemmer
        seen: dict[str, Counter[str]] = {}
        for text in (found.listing.title, *found.listing.bullets):
            for at, word in enumerate(_WORD.findall(text)):
                if at and not (word.isupper() and len(word) > 4):
                    seen.setdefault(word.casefold(), Counter())[word] += 1
        self._seen = {word: forms.most_common(1)[0][0] for word, forms in seen.items()}
        self._upper = found.language in _UPPER

    def title(self, phrase: str) -> str:
        """As in a title: in English and German all words but articles and the like are capital, else the first one."""
        made = _WORD.sub(lambda one: self._capital(one[0]), phrase)
        return made[:1].upper() + made[1:]

    def plain(self, phrase: str) -> str:
        """As within a sentence: German nouns keep the listing's capitals."""
        if self._stemmer.language != "de":
            return phrase
        return _WORD.sub(lambda one: self._seen.get(one[0].casefold(), one[0]), phrase)

    def _capital(self, word: str) -> str:
        if self._stemmer.is_function(word) or not self._upper:
            return word
        known = self._seen.get(word.casefold(), "")
        return known if known[:1].isupper() else word[:1].upper() + word[1:]


def clean(text: str) -> str:
    """Without emoji and characters that Amazon does not take, its spaces single."""
    text = _PICTURES.sub(" ", text)
    return " ".join("".join(" " if one in BANNED and one not in "!?;" else one for one in text).split())


def listed(words: Sequence[str], conjunction: str) -> str:
    """ "a", "a or b", "a, b or c"."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def stems_of(texts: Iterable[str], stemmer: Stemmer) -> Counter[str]:
    """How often each stem occurs, articles and prepositions apart."""
    return Counter(stemmer.stem(word) for text in texts for word in tokens(text) if not stemmer.is_function(word))
