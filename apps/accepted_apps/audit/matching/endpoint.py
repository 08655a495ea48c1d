"""An endpoint as people and load tools write it, read into a method and the segments of a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from accepted_apps.audit.model import WorstApi

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT")
_RARE = frozenset(
    ["MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "PURGE", "QUERY"]
)
"""Words of everyday, too: they are methods where they stand in capitals."""

Kind = Literal["number", "code", "slug", "word", "version"]

# A parameter is put aside as one character before the text is cut at its slashes and spaces: some hold these.
_ONE, _REST = "\ue000", "\ue001"
_MARKS = _ONE + _REST
_ENCODED = re.compile(r"%(7B|7D|3C|3E|5B|5D|24)", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"\(\?P<(?:[^()]|\([^()]*\))*\)"  # (?P<id>\d+)
    r"|[$#]\{[^{}]*\}|\{\{[^{}]*\}\}|\{(?:[^{}]|\{[^{}]*\})*\}"  # ${id} #{id} {{id}} {id} {id:\d{4}}
    r"|<[^<>\s]*>|\[\[?[.\w-]*\]?\]"  # <int:id> [id] [...slug]
    r"|(?<=[/.]):\w+(?:\([^()]*\))?(?:\?(?=/|$)|[*+])?"  # :id :id(\d+) :id? :path*
    r"|(?<=/)\*{1,2}\w*|(?<=/)\$\w+"  # * ** *path $id
)
_ANYTHING = re.compile(r"^[\[{<(:$#]*(\.\.\.|path:|\*|re_path)|(\*|\+|:\.[*+])[\]})>]*$")
_ANY_PATTERN = re.compile(r"[^\\]\.[*+]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:^|(?<=\s))//(?=[\w-]+\.)")
_HOST = re.compile(
    rf"(?:[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,}}|localhost|\d+(?:\.\d+){{3}}|[{_MARKS}])(?::(?:\d+|[{_MARKS}]))?",
    re.IGNORECASE,
)
_NO_WORDS = "[](){}<>:.,-_#|0123456789 \"'"
_LABEL_BEFORE = re.compile(r".*[:_=\-)\]]$")
_VERSION = re.compile(r"v\d+(?:[._]\d+)*(?:(?:alpha|beta)\d*)?", re.IGNORECASE)
_CODE = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{7,}|\d{4}-\d{2}(?:-\d{2}.*)?|[^@\s]+@[^@\s]+\.\w+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment of a request's path, decoded. parameter: a placeholder, not a value; rest: for several segments."""

    text: str
    parameter: bool = False
    rest: bool = False

    @property
    def is_version(self) -> bool:
        return is_version(self.text)

    @property
    def kind(self) -> Kind:
        """What a value looks like: the less like a word, the likelier it stands where the code has a parameter."""
        if _NUMBER.fullmatch(self.text):
            return "number"
        if is_version(self.text):
            return "version"
        has_digit = any(letter.isdigit() for letter in self.text)
        if _CODE.fullmatch(self.text) or (has_digit and len(self.text) > 2):
            return "code"
        return "slug" if "-" in self.text or "." in self.text or " " in self.text or len(self.text) > 20 else "word"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """method: None where nothing says it. pieces: None for a name that cannot be a path. slash: whether the path ends
    with one. name: what was written, without the method."""

    method: str | None
    pieces: tuple[Piece, ...] | None
    slash: bool = False
    name: str = ""


def is_version(segment: str) -> bool:
    return _VERSION.fullmatch(segment) is not None


def read(api: WorstApi) -> Endpoint:
    """Never fails: what is not understood as a path is a name."""
    text = _ENCODED.sub(lambda found: unquote(found[0]), api.endpoint.strip().strip("\"'`"))
    text = re.sub(r"(?<=/)%3A(?=\w)", ":", text, flags=re.IGNORECASE)
    text = _TEMPLATE.sub(_mark, text)
    path, around = _path_in(text)
    method = _given(api.method) or _method_in(around)
    name = " ".join(word for word in re.split(r"\s+", around) if word.upper().strip("[]():") not in METHODS)
    if path is None:
        return Endpoint(method, None, name=name)
    return Endpoint(method, _pieces(path), slash=len(path) > 1 and path.endswith("/"), name=name)


def _mark(found: re.Match[str]) -> str:
    written = found[0]
    if written.strip("[]").upper() in METHODS:
        return written
    if "(" in written:
        return _REST if _ANY_PATTERN.search(written) else _ONE
    return _REST if _ANYTHING.search(written) else _ONE


def _given(method: str | None) -> str | None:
    said = (method or "").strip().upper()
    return said if said in METHODS or said in _RARE else None


def _method_in(text: str) -> str | None:
    words = re.split(r"[^A-Za-z]+", text)
    return next((word.upper() for word in words if word.upper() in METHODS or word in _RARE), None)


def _path_in(text: str) -> tuple[str | None, str]:
    """The path, if there is one, and what stands around it."""
    address = _ADDRESS.search(text)
    if address:
        rest, _, after = text[address.end() :].partition(" ")
        _, _, path = _without_query(rest).partition("/")
        return f"/{path}", f"{text[: address.start()]} {after}"
    words = text.split()
    for number, word in enumerate(words):
        if "/" not in word:
            continue
        around = " ".join(words[:number] + words[number + 1 :])
        if word == "/" and re.sub(r"\b(" + "|".join(METHODS) + r")\b", "", around, flags=re.IGNORECASE).strip(
            _NO_WORDS
        ):
            continue
        path, label = _from_the_path_on(word)
        return _without_query(path), f"{label} {around}"
    others = [word for word in words if word.upper().strip("[]():") not in METHODS]
    if len(others) == 1 and re.fullmatch(rf"[\w.~%{_MARKS}-]+(\?.*)?", others[0]):
        return "/" + _without_query(others[0]), text
    return None, text


def _from_the_path_on(word: str) -> tuple[str, str]:
    """`api.example.com/users` without its host, `T1:/users` without its label."""
    before, slash, after = word.partition("/")
    if not before.strip("[](){}\"'"):
        return slash + after.rstrip("\"'])"), ""
    if after.startswith("/"):
        return _from_the_path_on(after.partition("/")[1] + after.partition("/")[2])
    if _HOST.fullmatch(before):
        return slash + after, ""
    if _LABEL_BEFORE.fullmatch(before) or before.upper() in METHODS or before in _RARE:
        return slash + after, before
    return "/" + word, ""


def _without_query(path: str) -> str:
    return re.split(r"[?#]", path, maxsplit=1)[0]


def _pieces(path: str) -> tuple[Piece, ...]:
    segments = [segment.split(";")[0] for segment in path.split("/")]
    return tuple(_piece(segment) for segment in segments if segment not in {"", "."})


def _piece(segment: str) -> Piece:
    if not any(mark in segment for mark in _MARKS):
        return Piece(unquote(segment))
    return Piece(unquote(segment), parameter=segment[0] in _MARKS and len(segment) == 1, rest=segment == _REST)
