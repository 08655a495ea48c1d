"""Search phrases as they are shown, and as they are compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ASIN: Final = re.compile(r"(?i:B0)[A-Za-z0-9]{8}|\d{9}[\dXx]")
"""An Amazon number, or an ISBN-10, which is the number of a book."""

_INVISIBLE: Final = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufff9-\ufffc]")
"""Marks that only steer how text is set, and the placeholder U+FFFC, which people do not type."""


def cleaned(cell: str) -> str:
    """A phrase without what cannot be seen, its spaces single."""
    cell = unguarded(cell)
    if not cell.isascii():
        cell = unicodedata.normalize("NFC", _INVISIBLE.sub("", cell))
    return " ".join(cell.split())


def unguarded(cell: str) -> str:
    """A cell that was kept from a spreadsheet's guesses, `="2900"`, as it is meant."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


def key_of(phrase: str) -> str:
    """What two spellings of one phrase have in common: case, width of letters and composition do not count.

    `phrase` is cleaned. Diacritics do count: Amazon's tools count "café" and "cafe" apart.
    """
    if phrase.isascii():
        return phrase if phrase.islower() else phrase.lower()
    return " ".join(unicodedata.normalize("NFKC", phrase).casefold().split())
