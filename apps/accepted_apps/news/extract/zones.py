"""The clock of the place where a page is made, as far as its address and its language tell."""

from __future__ import annotations

import re
from datetime import tzinfo
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Countries where (nearly) all newspapers have one clock, by the names that top-level domains and languages give them.
_COUNTRIES = {
    country: zone
    for zone, countries in {
        "Europe/London": "uk gb",
        "Europe/Dublin": "ie",
        "Atlantic/Reykjavik": "is",
        "Europe/Berlin": "de at ch li lu nl be dk no se it cz sk hu si hr rs ba me mk al mt pl fr",
        "Europe/Madrid": "es",
        "Europe/Lisbon": "pt",
        "Europe/Athens": "gr cy fi ee lv lt ro bg",
        "Europe/Kyiv": "ua",
        "Europe/Chisinau": "md",
        "Europe/Minsk": "by",
        "Europe/Moscow": "ru",
        "Europe/Istanbul": "tr",
        "Asia/Jerusalem": "il",
        "Africa/Cairo": "eg",
        "Africa/Johannesburg": "za na",
        "Africa/Nairobi": "ke tz ug et",
        "Africa/Lagos": "ng",
        "Asia/Riyadh": "sa qa kw",
        "Asia/Dubai": "ae",
        "Asia/Tehran": "ir",
        "Asia/Karachi": "pk",
        "Asia/Kolkata": "in lk",
        "Asia/Kathmandu": "np",
        "Asia/Dhaka": "bd",
        "Asia/Bangkok": "th vn kh la",
        "Asia/Jakarta": "id",
        "Asia/Shanghai": "cn tw hk my sg ph",
        "Asia/Tokyo": "jp kr",
        "Pacific/Auckland": "nz",
        "America/Argentina/Buenos_Aires": "ar uy",
        "America/Sao_Paulo": "br",
        "America/Mexico_City": "mx",
        "America/La_Paz": "bo",
        "America/Caracas": "ve",
        "America/Bogota": "co pe ec pa",
        "America/Santiago": "cl",
        "America/Asuncion": "py",
        "America/Costa_Rica": "cr gt hn ni sv",
    }.items()
    for country in countries.split()
}
# Domains of countries that mostly others use; and languages of one clock, by a country that has it.
_SOLD = frozenset(["co", "me", "la", "is", "by", "in", "li", "my", "md", "sg"])
_LANGUAGES = {
    language: country
    for country, languages in {
        "de": "de it pl nl da nb nn no sv cs sk hu sl hr sr",
        "gr": "el fi ro bg et lv lt",
        "ua": "uk",
        "tr": "tr",
        "il": "he",
        "is": "is",
        "in": "hi ta te ml mr",
        "np": "ne",
        "th": "th vi",
        "id": "id",
        "cn": "zh",
        "jp": "ja ko",
    }.items()
    for language in languages.split()
}
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_](?:[a-z]{4}[-_])?([a-z]{2}))?(?![a-z])", re.IGNORECASE)


def zone_of(url: str, language: str) -> tzinfo | None:
    """language: as pages declare it, `de-AT`. None where the country cannot be told, or has several clocks."""
    domain = (urlsplit(url).hostname or "").rpartition(".")[2]
    declared = _LANGUAGE.match(language.strip())
    spoken, region = (declared[1].lower(), (declared[2] or "").lower()) if declared else ("", "")
    known = len(domain) == 2 and domain not in _SOLD
    country = domain if known else region or _LANGUAGES.get(spoken, "")
    return _zone(_COUNTRIES.get(country, ""))


@lru_cache
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except ZoneInfoNotFoundError:
        return None
