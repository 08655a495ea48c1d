"""Bytes to text as a browser does it: byte order mark, HTTP header, meta element, then a guess."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"<meta[^>]+?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
# Where the WHATWG Encoding Standard reads a label otherwise than Python does.
_LABELS = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs",
    "x-user-defined": "cp1252",
    "utf-16": "utf-16-le",
}
_SNIFFED = 1024
# Codecs of Python that are no character encodings of the web.
_WEB = re.compile(
    r"utf-8|utf-16-[lb]e|cp\d+|iso8859-\d+|koi8-[ru]|gb18030|big5hkscs|euc_jp|iso2022_jp|mac-(roman|cyrillic)"
)


def decode(body: bytes, content_type: str = "") -> str:
    """Text of a page. Bytes that make no sense become U+FFFD, as in a browser; it never fails."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    header = _HEADER.search(content_type)
    encoding = (_codec(header[1]) if header else None) or _declared(body) or _guessed(body)
    return body.decode(encoding, "replace")


def _declared(body: bytes) -> str | None:
    match = _META.search(_COMMENT.sub(b"", body[:_SNIFFED]))
    encoding = _codec(match[1].decode("ascii")) if match else None
    # A meta element that could be read as ASCII cannot be in UTF-16, whatever it says.
    return "utf-8" if encoding and encoding.startswith("utf-16") else encoding


def _guessed(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _codec(label: str) -> str | None:
    name = label.strip().lower()
    try:
        known = codecs.lookup(_LABELS.get(name, name)).name
    except LookupError:
        return None
    return known if _WEB.fullmatch(known) else None
