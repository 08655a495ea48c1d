"""English words as Rails turns them: for the names of controllers and of parameters."""

from __future__ import annotations

import re

_IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "datum": "data",
    "medium": "media",
    "criterion": "criteria",
    "quiz": "quizzes",
}
_SAME = {"equipment", "information", "rice", "money", "species", "series", "fish", "sheep", "news", "police", "media"}
_PLURALS = (
    (r"^(ax|test)is$", r"\1es"),
    (r"(octop|vir)us$", r"\1i"),
    (r"(alias|status|bus)$", r"\1es"),
    (r"([ti])um$", r"\1a"),
    (r"sis$", "ses"),
    (r"(?:([^f])fe|([lr])f)$", r"\1\2ves"),
    (r"(matr|vert|ind)(?:ix|ex)$", r"\1ices"),
    (r"(x|ch|ss|sh)$", r"\1es"),
    (r"([^aeiouy]|qu)y$", r"\1ies"),
    (r"s$", "s"),
    (r"$", "s"),
)
_SINGULARS = (
    (r"(alias|status|bus)(es)$", r"\1"),
    (r"(n)ews$", r"\1ews"),
    (r"((a)naly|(b)a|(d)iagno|(p)arenthe|(p)rogno|(s)ynop|(t)he)ses$", r"\1sis"),
    (r"([ti])a$", r"\1um"),
    (r"(shoe|movie)s$", r"\1"),
    (r"([^aeiouy]|qu)ies$", r"\1y"),
    (r"(x|ch|ss|sh)es$", r"\1"),
    (r"([lr])ves$", r"\1f"),
    (r"(matr)ices$", r"\1ix"),
    (r"(vert|ind)ices$", r"\1ex"),
    (r"ss$", "ss"),
    (r"s$", ""),
)


def pluralized(word: str) -> str:
    return _turned(word, _IRREGULAR, _PLURALS)


def singularized(word: str) -> str:
    return _turned(word, {many: one for one, many in _IRREGULAR.items()}, _SINGULARS)


def underscored(name: str) -> str:
    """`Admin::UsersController` as `admin/users_controller`."""
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])|([a-z\d])([A-Z])", r"\1\3_\2\4", name.removeprefix("::").replace("::", "/"))
    return apart.lower()


def _turned(word: str, irregular: dict[str, str], rules: tuple[tuple[str, str], ...]) -> str:
    before, mark, last = word.rpartition("_")
    if last in _SAME:
        return word
    for word_end, other in irregular.items():
        if last.endswith(word_end):
            return before + mark + last.removesuffix(word_end) + other
    for pattern, put in rules:
        turned, count = re.subn(pattern, put, last)
        if count:
            return before + mark + turned
    return word
