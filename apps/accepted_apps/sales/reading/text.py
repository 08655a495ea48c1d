"""From a file's bytes to its text: which encoding it is in, or why it is no text at all."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from accepted_apps.sales.errors import BadExport

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TABLE: Final = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "packed by gzip; unpack it first"),
    (b"7z\xbc\xaf", "packed; unpack it first"),
    (b"Rar!", "packed; unpack it first"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file"),
)
OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
_PAGE: Final = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)
_JSON: Final = re.compile(rb"\s*(?:\{\s*\"|\[\s*[\[{\"])")
_SAMPLE: Final = 200_000
_CANDIDATES: Final = ("cp1252", "mac_roman", "cp932", "cp1251", "gb18030")
"""Where texts that are not in Unicode come from: Windows and Mac in Western Europe, Japan, Russia, China.
What is plausible in two of them is taken as the first."""

_USUAL: Final = frozenset("äöüßéèêëàâáåçñíìîïóòôõúùûæøãÿýÄÖÜÉÈÊÀÁÂÇÑÅÓÍÚØ€£§°–—‘’“”„«»®™…")
_BETWEEN_LETTERS: Final = frozenset("’‘·")
_SPECIAL: Final = re.compile(r"[^\x00-\x7f]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROL_BYTES: Final = bytes(code for code in range(32) if code not in b"\t\n\r")


@dataclass(frozen=True, slots=True)
class Decoded:
    """encoding: Python's name of it. notes: what could not be read, a sentence each."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, field: str) -> Decoded:
    """The text of a file. Raises BadExport where it is empty, or no text."""
    _refuse(data, field)
    decoded = _by_mark(data) or _as_unicode(data) or _guessed(data)
    text = decoded.text.removeprefix("\ufeff")
    if not text.strip("\x00 \t\r\n\ufeff"):
        raise BadExport("the file is empty; export the keywords again.", field=field)
    notes = decoded.notes
    if decoded.encoding.startswith("utf-8") and len(data.translate(None, _CONTROL_BYTES)) == len(data):
        return Decoded(text, decoded.encoding, notes)
    if controls := len(_CONTROL.findall(text)):
        if controls > max(20, len(text) // 50):
            raise BadExport("the file is no text; export the keywords as CSV or XLSX.", field=field)
        text = _CONTROL.sub("", text)
        notes += (f"{controls} control characters were left out.",)
    return Decoded(text, decoded.encoding, notes)


def _refuse(data: bytes, field: str) -> None:
    if not data.strip(b"\x00 \t\r\n"):
        raise BadExport("the file is empty; export the keywords again.", field=field)
    for mark, what in _NO_TABLE:
        if data.startswith(mark):
            raise BadExport(f"the file is no table: it is {what}; give a CSV or XLSX export.", field=field)
    if data.startswith(OLD_WORKBOOK):
        raise BadExport(
            "the file is an old Excel workbook, or one with a password; save it as .xlsx or CSV without one.",
            field=field,
        )
    if _PAGE.match(data):
        raise BadExport(
            "the file is a web page; perhaps you were signed out when it was downloaded: export it again.", field=field
        )
    if _JSON.match(data):
        raise BadExport("the file is JSON; give a CSV or XLSX export.", field=field)


def _by_mark(data: bytes) -> Decoded | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _whole(data[len(mark) :], encoding)
    return None


def _as_unicode(data: bytes) -> Decoded | None:
    head = data[:2000]
    zeros = head[1::2].count(0), head[0::2].count(0)
    if max(zeros) > len(head) // 5 and min(zeros) < len(head) // 20:
        return _whole(data, "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _mostly_utf8(data)


def _mostly_utf8(data: bytes) -> Decoded | None:
    """A file that was cut, or put together of others, is still UTF-8 when nearly all of its special characters are."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken * 10 > len(_SPECIAL.findall(text)):
        return None
    return Decoded(text, "utf-8", (f"{broken} characters are no UTF-8 and could not be read.",))


def _guessed(data: bytes) -> Decoded:
    sample = b"\n".join(line for line in data[: 20 * _SAMPLE].split(b"\n") if not line.isascii())[:_SAMPLE]
    best = max(_CANDIDATES, key=lambda encoding: _plausible(sample, encoding))
    return _whole(data, best)


def _plausible(sample: bytes, encoding: str) -> float:
    """How much the special characters look like those of search phrases, for each byte that is special."""
    text = sample.decode(encoding, "replace")
    score = 0.0
    for match in _SPECIAL.finditer(text):
        place = match.start()
        before, char, after = text[place - 1 : place], match[0], text[place + 1 : place + 2]
        score += _weight(char, before, after) * len(char.encode(encoding, "replace"))
    return score


def _weight(char: str, before: str, after: str) -> float:
    if char == "\ufffd" or "\x80" <= char <= "\x9f" or "\ue000" <= char <= "\uf8ff":
        return -4
    if "\u3040" <= char <= "\u30ff":
        return 2
    if "\u4e00" <= char <= "\u9fff":
        return 1
    if char.isupper() and before.islower():
        return -3
    if not char.isalpha() and before.isalpha() and after.isalpha() and char not in _BETWEEN_LETTERS:
        return -2
    special = sum(beside.isalpha() and not beside.isascii() for beside in (before, after))
    if "\u0400" <= char <= "\u04ff":
        return 2 if special else -1
    if special == 2:
        return -2
    if char in _USUAL:
        return 2
    return 1 if char.isalpha() and char.islower() and char < "\u0500" else -1


def _whole(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd")
    notes = (f"{broken} characters are no {encoding} and could not be read.",) if broken else ()
    return Decoded(text, encoding, notes)
