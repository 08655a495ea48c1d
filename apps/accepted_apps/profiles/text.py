"""HTML of a post or a profile as the text that a reader sees."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_BLOCKS: Final = frozenset({"p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table"})
_LINES: Final = frozenset({"br", "li", "tr"})
_UNSHOWN: Final = frozenset({"script", "style", "template"})
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")


def plain_text(html: str) -> str:
    """Paragraphs stand a line apart, links as what they are written out as, entities as characters."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.rstrip() for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unshown = 0
        self._kept = 0
        """How many elements are open in which spaces and line ends stand as they are."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - of HTMLParser
        self._unshown += tag in _UNSHOWN
        self._kept += tag == "pre"
        if tag in _BLOCKS:
            self.parts.append("\n\n")
        elif tag in _LINES:
            self.parts.append("\n• " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._unshown -= tag in _UNSHOWN and self._unshown > 0
        self._kept -= tag == "pre" and self._kept > 0
        if tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._unshown:
            return
        if not self._kept:
            data = _SPACES.sub(" ", data)
            data = data if self.parts and not self.parts[-1].endswith(("\n", " ")) else data.lstrip()
        if data:
            self.parts.append(data)
