r"""`linkFilter`: which links of a page a person has said to be articles.

One field takes what people write there, told apart by its form:

    article h2 a             a CSS selector: the links that it selects, or that are inside or around what it selects
    a[href*="/2026/"]
    /politics/               a part of the URL; `*` stands for anything
    news/*-*.html
    re:/\d{6,}/              a regular expression that is searched in the URL; `re:` may be missing where the form
    ^https://example\.com/   shows it

A single word is a part of the URL unless HTML has an element of that name.
"""

from __future__ import annotations

from typing import Final

import regex
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

_MARK: Final = "re:"
_PATTERN_SECONDS: Final = 0.1
"""For one URL; a person's pattern must not be able to hold up everybody else's jobs."""
_LOOKS_LIKE_A_PATTERN = regex.compile(r"[\\|(\[{]|\.[*+]")
_WORD = regex.compile(r"[\w-]+")
_BRACKETS = regex.compile(r"\[[^\]]*\]")
_HTML = """
    a article aside b body div em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup i li main menu nav ol p
    section span strong summary table tbody td th time tr ul
"""
_ELEMENTS = frozenset(_HTML.split())


class LinkFilter:
    """One filter, ready for use. Raises ValueError with a sentence for one that cannot be understood."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._selector = ""
        self._parts: list[str] = []
        self._pattern: regex.Pattern[str] | None = None
        if not self._text:
            return
        if self._text.startswith((_MARK, "^")) or self._text.endswith("$"):
            self._pattern = _compiled(self._text.removeprefix(_MARK))
        elif _is_selector(self._text):
            self._selector = self._text
        elif "/" not in self._text and not _WORD.fullmatch(self._text):
            raise ValueError(
                f"{self._text!r} is neither a CSS selector (article h2 a) nor a part of a URL (/news/) "
                "nor a pattern (re:/[0-9]+/)."
            )
        elif _LOOKS_LIKE_A_PATTERN.search(self._text):
            self._pattern = _compiled(self._text)
        else:
            self._parts = self._text.lower().split("*")

    def __bool__(self) -> bool:
        return bool(self._text)

    def permits(self, url: str) -> bool:
        """Whether a URL passes; a selector says nothing of URLs, so everything does. Raises ValueError for a pattern
        that takes too long."""
        if self._pattern is not None:
            try:
                return self._pattern.search(url, timeout=_PATTERN_SECONDS) is not None
            except TimeoutError:
                raise ValueError(f"the pattern {self._text!r} takes too long; write a simpler one.") from None
        return _contains(url.lower(), self._parts)

    def select(self, tree: LexborHTMLParser) -> list[LexborNode] | None:
        """The anchors that a selector means, in the order of the page; None when this filter is no selector."""
        if not self._selector:
            return None
        anchors: dict[int, LexborNode] = {}
        for node in tree.css(self._selector):
            for anchor in _anchors(node):
                anchors.setdefault(anchor.mem_id, anchor)
        return list(anchors.values())


def _anchors(node: LexborNode) -> list[LexborNode]:
    """The link itself, those inside the node, or else the one around it."""
    if node.tag == "a":
        return [node]
    if inside := node.css("a[href]"):
        return inside
    above = node.parent
    while above is not None and above.tag != "a":
        above = above.parent
    return [above] if above is not None else []


def _contains(text: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _compiled(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}.") from None


def _is_selector(text: str) -> bool:
    if "/" in _BRACKETS.sub("", text):
        return False
    if _WORD.fullmatch(text):
        return text.lower() in _ELEMENTS
    try:
        LexborHTMLParser("<a></a>").css(text)
    except SelectolaxError:
        return False
    return True
