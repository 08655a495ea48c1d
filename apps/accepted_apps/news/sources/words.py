"""What the readers of sources share: markup to plain words, dates of all dialects."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from accepted_apps.preview.charset import decode

_MARKUP = re.compile(r"<[a-zA-Z/!]|&[#\w]+;")
_SPACE = re.compile(r"[\s\u00a0\u200b\ufeff]+")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MAIL = re.compile(
    r"(?:[^\W\d]+\.?,? )?\d{1,2}[ -][^\W\d]+[ -]\d{2,4} [\d:.]+(?: (?!AM|PM)\S+)?(?: \(.*\))?", re.IGNORECASE
)
_EPOCH = re.compile(r"\d{10}|\d{13}")
_SHORT_OFFSET = re.compile(r"([+-]\d{2})$")
_SPOKEN = """
    en de fr es it pt nl pl cs sk sv da nb fi ru uk bg el tr hu ro hr sr zh ja ko ar he fa hi id vi th
"""
_LANGUAGES = _SPOKEN.split()
"""Those that dateparser tries; trying all it knows takes seconds for what is no date."""
_LONGEST_DATE = 60
_EARLIEST, _LATEST = 1990, 2100


def plain(markup: object, most: int = 10_000) -> str:
    """Words without markup, in one line; twice, because feeds escape titles once too often. Empty for no text."""
    if not isinstance(markup, str):
        return ""
    text = markup[: 20 * most]
    for _ in range(2):
        if not _MARKUP.search(text):
            break
        text = _words(text)
    return _SPACE.sub(" ", text).strip()[:most].rstrip()


def _words(markup: str) -> str:
    if "<" not in markup:
        return unescape(markup)
    tree = LexborHTMLParser(markup)
    tree.strip_tags(["script", "style", "noscript", "template", "iframe"])
    return tree.body.text(separator=" ") if tree.body else ""


def xml_text(body: bytes, content_type: str = "") -> str:
    """A document of XML as text, without what XML cannot hold.

    By the byte order mark; as UTF-8 where it is nothing but that, whatever the labels say; then by the labels.
    """
    if not body.isascii():
        try:
            return _NOT_XML.sub("", body.decode("utf-8-sig"))
        except UnicodeDecodeError:
            pass
    if "charset" not in content_type.lower() and (declared := _DECLARED.search(body[:500])):
        content_type = f"{content_type};charset={declared[1].decode('ascii')}"
    return _NOT_XML.sub("", decode(body, content_type))


def moment(text: object) -> datetime | None:
    """A date of any dialect, aware; UTC where it names no zone, None where it is none."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = str(int(text))
    if not isinstance(text, str) or not (said := _SPACE.sub(" ", text).strip()) or len(said) > _LONGEST_DATE:
        return None
    for reader in (_iso, _mail, _epoch, _any_language):
        try:
            found = reader(said)
        except (ValueError, TypeError, OverflowError):
            continue
        if found is not None and _EARLIEST <= found.year < _LATEST:
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _iso(text: str) -> datetime | None:
    return datetime.fromisoformat(_SHORT_OFFSET.sub(r"\g<1>:00", text) if "T" in text else text)


def _mail(text: str) -> datetime | None:
    return parsedate_to_datetime(text) if _MAIL.fullmatch(text) else None


def _epoch(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text[:10]), UTC) if _EPOCH.fullmatch(text) else None


@lru_cache(maxsize=1000)
def _any_language(text: str) -> datetime | None:
    if not any(character.isdigit() for character in text):
        return None
    import dateparser  # a quarter of a second, for the few who need it

    options: Any = {"TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True, "STRICT_PARSING": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: datetime | None = dateparser.parse(text, languages=_LANGUAGES, settings=options)
    return found
