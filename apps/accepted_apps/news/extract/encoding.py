"""Bytes to text where the declared encoding is wrong or missing."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from accepted_apps.preview import charset

_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 60_000
_WRONG = 0.002
"""Share of characters that are no characters, from which on an encoding counts as wrong."""


def decode(body: bytes, content_type: str = "") -> str:
    """Text of a page, as a browser reads it unless that makes no sense. It never fails.

    UTF-8 is recognised by itself: text in another encoding is not valid UTF-8 by chance, and pages that were converted
    on the way still declare what they were before.
    """
    if body.startswith(_BOMS):
        return charset.decode(body, content_type)
    utf8 = body.decode("utf-8", "replace")
    if _wrong(utf8) < _WRONG and not body.isascii():
        return utf8
    declared = charset.decode(body, content_type)
    if _wrong(declared) < _WRONG and _declares(body, content_type):
        return declared
    guess = from_bytes(_telling(body)).best()
    return body.decode(guess.encoding, "replace") if guess is not None else declared


def _wrong(text: str) -> float:
    """Replacement characters and C1 controls, which no encoding of the web has letters at."""
    sample = text[: 10 * _SAMPLE]
    odd = sample.count("\ufffd") + sum(sample.count(chr(code)) for code in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
    letters = sum(1 for char in sample if char > "\x7f") or 1
    return odd / max(letters, 20)


def _declares(body: bytes, content_type: str) -> bool:
    return "charset" in content_type.lower() or b"charset" in body[:4096].lower()


def _telling(body: bytes) -> bytes:
    """The part of a page that has most of the bytes in question: markup is ASCII in any encoding."""
    lines = [line for line in body.splitlines() if not line.isascii()]
    return b"\n".join(lines)[:_SAMPLE]
