"""The text of a page that a script builds: what lies ready for that script in the page, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree, html

from .blocks import blocks_of
from .linked import clean
from .page import Page
from .titles import folded

_MAX_CHARS, _MAX_NODES, _MAX_CANDIDATES, _MAX_DEPTH = 5_000_000, 60_000, 200, 40
_LEAST = 400
"""Characters of running text, below which a member is not the article."""
# `window.__STATE__ = {`, `Fusion.globalContent={`, `var data = JSON.parse("{`: assigned whole, not built by code.
_ASSIGNED = re.compile(r"[\w$\])]\s*=\s*(JSON\.parse\(\s*(?=[\"'])|(?=[{\[]))")
_BODY = re.compile(
    r"^(?:article|story|post|entry|news|main|full|raw)?[_-]?(?:body|content|contents|text|html|paragraphs?|blocks?|"
    r"components?|elements?|children|rendered|document|value|items|nodes|sections?)"
    r"(?:[_-]?(?:html|text|elements|blocks|rendered|content|body|raw|json))?$",
    re.IGNORECASE,
)
_KIND = ("type", "_type", "nodeType", "__typename", "name", "kind", "tag")
_INLINE = re.compile(r"^(?:text|span|link|hyperlink|a|strong|em|b|i|mark|underline|inline.*)$", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"image|photo|picture|video|audio|gallery|embed|related|interstitial|\bad\b|advert|promo|newsletter|widget|social|"
    r"tweet|comment|link_?list|recommend|script|divider|author|byline|caption|podcast|teaser",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"related|recommend|comment|legal|cookie|consent|footer|config|translat|messages|i18n|locale|popular|teaser|next|"
    r"trending|menu|nav|bio$|^author",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?…。！？।؟][\"”»’']?$")
_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|li|blockquote)\b", re.IGNORECASE)


def text_in_scripts(page: Page, title: str) -> str:
    """Paragraphs, a line each; empty where no script holds an article. The one that has this title goes first."""
    best: tuple[bool, int, str] = (False, 0, "")
    for lines, named in _candidates(page, folded(title)):
        running = sum(len(line) for line in lines if len(line) >= 60 and _SENTENCE.search(line))
        if running >= _LEAST and (named, running) > best[:2]:
            best = named, running, "\n".join(lines)
    return best[2]


def _candidates(page: Page, title: str) -> Iterator[tuple[list[str], bool]]:
    """What may be an article, and whether it lies beside the title of this page."""
    count = 0
    for document in _documents(page):
        for value, beside in _members(document):
            named = bool(title) and any(isinstance(one, str) and folded(one[:400]) == title for one in beside.values())
            yield _lines(value, 0), named
            count += 1
            if count >= _MAX_CANDIDATES:
                return


def _documents(page: Page) -> Iterator[Any]:
    left = _MAX_CHARS
    for script in page.tree.iter("script"):
        text = (script.text or "").strip()
        kind = (script.get("type") or "").lower()
        if len(text) < _LEAST or len(text) > left or "ld+json" in kind:
            continue
        left -= len(text)
        if "json" in kind:
            yield from _decoded(text, 0)
        elif not script.get("src"):
            for match in list(_ASSIGNED.finditer(text))[:40]:
                yield from _decoded(text, match.end())


def _decoded(text: str, at: int) -> Iterator[Any]:
    decoder = json.JSONDecoder(strict=False)
    try:
        document, _ = decoder.raw_decode(text, at)
        yield decoder.raw_decode(document)[0] if isinstance(document, str) else document
    except (ValueError, RecursionError):
        return


def _members(document: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Members of objects that are called like a text, and texts that are HTML whatever they are called."""
    level: list[tuple[Any, dict[str, Any]]] = [(document, {})]
    seen = 0
    while level and seen < _MAX_NODES:
        below: list[tuple[Any, dict[str, Any]]] = []
        for value, beside in level:
            seen += 1
            if isinstance(value, str):
                if len(value) >= _LEAST and len(_MARKUP.findall(value)) >= 2:
                    yield value, beside
            elif isinstance(value, list):
                below += [(one, beside) for one in value]
            elif isinstance(value, dict):
                for name, one in value.items():
                    if _ELSEWHERE.search(name):
                        continue
                    if _BODY.match(name) and isinstance(one, str | list):
                        yield one, value
                    below.append((one, value))
        level = below


def _lines(value: Any, depth: int) -> list[str]:
    """The paragraphs of HTML, of a list of them, or of a tree of nodes as editors store it."""
    if depth > _MAX_DEPTH:
        return []
    if isinstance(value, str):
        return _paragraphs(value)
    if isinstance(value, list):
        if value and all(_is_inline(one) for one in value):
            return [line] if (line := clean("".join(_leaf(one) for one in value))) else []
        return [line for one in value[:2000] for line in _lines(one, depth + 1)]
    if isinstance(value, dict) and not any(_NO_TEXT.search(str(value.get(name) or "")) for name in _KIND):
        return next((lines for name in value if _BODY.match(name) and (lines := _lines(value[name], depth + 1))), [])
    return []


def _is_inline(one: Any) -> bool:
    return isinstance(one, dict) and any(_INLINE.match(str(one.get(name) or "")) for name in _KIND)


def _leaf(one: Any) -> str:
    """The letters of a node inside a line."""
    if isinstance(one, str):
        return one
    if isinstance(one, list):
        return "".join(_leaf(each) for each in one)
    if isinstance(one, dict):
        return next((_leaf(one[name]) for name in ("text", "value", "content", "children") if one.get(name)), "")
    return ""


def _paragraphs(text: str) -> list[str]:
    if not _MARKUP.search(text):
        return [line for one in text.split("\n") if (line := clean(one))] if " " in text or len(text) > 60 else []
    try:
        tree = html.document_fromstring(f"<html><body>{text}</body></html>")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []
    return [block.text for block in blocks_of(tree) if not block.above & {"figure", "aside"}]
