"""The language of a text, its words, and how long it takes to read."""

from __future__ import annotations

import re
import unicodedata

import regex
from resiliparse.parse.lang import detect_fast

from .page import Page

_CODE = re.compile(r"^([a-z]{2,3})(?:[-_].*)?$", re.IGNORECASE)
_SAMPLE = 3000
_ENOUGH = 200
"""Characters below which a text is too short to contradict what the page declares."""
_SURE = 1050
"""Distance of the detector, from which on a guess is none."""
_OLD = {
    "iw": "he", "in": "id", "ji": "yi", "nb": "no", "nn": "no", "eng": "en", "ger": "de", "deu": "de",
    "fre": "fr", "fra": "fr", "spa": "es", "ita": "it", "jp": "ja", "cn": "zh", "kr": "ko", "ua": "uk",
    "gr": "el", "cz": "cs", "dk": "da", "se": "sv",
}  # fmt: skip
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
)
"""Scripts that one language writes, or one far more than others: a kana among the Chinese characters is Japanese."""
_ALPHABETS = {
    "cyrillic": (
        re.compile(r"[\u0400-\u04ff]"),
        frozenset(["ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "uz"]),
    ),
    "arabic": (re.compile(r"[\u0600-\u06ff]"), frozenset(["ar", "fa", "ur", "ps", "ckb", "ug", "sd"])),
    "devanagari": (re.compile(r"[\u0900-\u097f]"), frozenset(["hi", "mr", "ne", "sa"])),
}
# Scripts without spaces: a character counts, as everywhere where their length is told. Thai words are longer.
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f]")
# Vowels of Hindi and points of Hebrew are signs on letters, which `re` takes for the end of a word.
_WORD = regex.compile(r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}]|['’.-](?=[\p{L}\p{N}]))*")
_THAI_WORD = 4.5
WORDS_PER_MINUTE = 238
"""Silent reading of non-fiction: Brysbaert, Journal of Memory and Language 109 (2019)."""
CHARACTERS_PER_MINUTE = {"zh": 255, "ja": 357}
"""The International Reading Speed Texts: Trauzettel-Klosinski and Dietz, Investigative Ophthalmology 53 (2012)."""
_KANA = re.compile(r"[\u3040-\u30ff]")


def language_of(page: Page, text: str) -> str:
    """ISO 639-1; what the page declares, unless a longer text is plainly in another language; empty if unknown."""
    declared = _declared(page)
    found = detected(text)
    if not declared or (found and found != declared and len(text) >= _ENOUGH and _contradicts(text, declared, found)):
        return found or declared
    return declared


def _declared(page: Page) -> str:
    linked = page.linked.text("inLanguage")
    for value in (
        page.tree.get("lang"),
        page.tree.get("{http://www.w3.org/XML/1998/namespace}lang"),
        page.tree.get("xml:lang"),
        page.meta("og:locale"),
        linked,
        page.meta("content-language", "language", "dc.language"),
    ):
        match = _CODE.match((value or "").strip())
        if match:
            code = match[1].lower()
            code = _OLD.get(code, code)
            if len(code) == 2:
                return code
    return ""


def detected(text: str) -> str:
    """By the script where that tells, else by the statistics of letters; empty where it cannot be told."""
    sample = text[:_SAMPLE]
    letters = sum(1 for char in sample if char.isalpha()) or 1
    for code, pattern in _SCRIPTS:
        share = len(pattern.findall(sample)) / letters
        if share > (0.05 if code == "ja" else 0.3):
            return code
    if letters < 20:
        return ""
    code, distance = _ranked(sample)[0] if _ranked(sample) else ("", 0)
    code = _OLD.get(code, code)
    return code if len(code) == 2 and distance <= _SURE else ""


def _contradicts(text: str, declared: str, found: str) -> bool:
    """Only a plain contradiction counts: the script, or letters that are far from those of the declared language."""
    sample = text[:_SAMPLE]
    letters = sum(1 for char in sample if char.isalpha()) or 1
    for pattern, languages in _ALPHABETS.values():
        if len(pattern.findall(sample)) > 0.5 * letters:
            return declared not in languages
    if any(code in (declared, found) for code, _ in _SCRIPTS):
        return True
    distances = dict(_ranked(sample))
    return distances.get(declared, 1400) > distances.get(found, 0) + 60


def _ranked(sample: str) -> list[tuple[str, int]]:
    found = detect_fast(sample, n_results=20, cutoff=1400)
    return found if isinstance(found, list) else [found]


def word_count(text: str) -> int:
    """Words; in Chinese and Japanese characters, in Thai, Lao, Khmer and Burmese an estimate from the characters."""
    ideographs = len(_IDEOGRAPH.findall(text))
    unspaced = len(_UNSPACED.findall(text))
    if not ideographs and not unspaced:
        return len(_WORD.findall(text))
    rest = _UNSPACED.sub(" ", _IDEOGRAPH.sub(" ", unicodedata.normalize("NFC", text)))
    return ideographs + round(unspaced / _THAI_WORD) + len(_WORD.findall(rest))


def read_time(text: str) -> int:
    """Minutes, at least 1."""
    ideographs = len(_IDEOGRAPH.findall(text))
    speed = CHARACTERS_PER_MINUTE["ja" if _KANA.search(text) else "zh"]
    words = word_count(text) - ideographs
    return max(1, round(words / WORDS_PER_MINUTE + ideographs / speed))
