"""A page as a tree, with what it declares of itself at hand."""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from .blocks import Block, blocks_of
from .encoding import decode
from .linked import Linked, clean, flat
from .shapes import NotAnArticle

_MAX_CHARS = 12_000_000
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_DEEPEST = 250
# Same attributes under other names: RSS readers, Dublin Core, Parse.ly, Sailthru and old newspapers' own.
_NAMES = ("property", "name", "itemprop", "http-equiv")


class Page:
    """One parsed page. Not shared between threads. Raises NotAnArticle for what cannot be HTML."""

    def __init__(self, body: bytes, url: str, content_type: str) -> None:
        self.url = url
        self.markup = _DECLARATION.sub("", decode(body, content_type)[:_MAX_CHARS]).replace("\0", "")
        self.tree = _parsed(self.markup)
        if _flatten(self.tree):
            # Readers that need markup need this one: their time grows with the square of the depth.
            self.markup = html.tostring(self.tree, encoding="unicode")

    @cached_property
    def base(self) -> str:
        """What relative addresses are relative to."""
        declared = next(iter(self.tree.xpath("//base/@href")), "")
        return self.absolute(str(declared), self.url) or self.url

    @cached_property
    def linked(self) -> Linked:
        return Linked(
            [
                script.text or ""
                for script in self.tree.iter("script")
                if "ld+json" in (script.get("type") or "").lower()
            ],
            self.url,
        )

    @cached_property
    def blocks(self) -> list[Block]:
        """What a reader sees, one paragraph under the other."""
        return blocks_of(self.tree)

    @cached_property
    def metas(self) -> dict[str, list[str]]:
        """Contents of meta elements by lower-case name, in the order of the page."""
        found: dict[str, list[str]] = {}
        for element in self.tree.iter("meta"):
            content = clean(element.get("content") or element.get("value") or "")
            if not content:
                continue
            for attribute in _NAMES:
                for name in (element.get(attribute) or "").lower().split():
                    values = found.setdefault(name, [])
                    if content not in values:
                        values.append(content)
        return found

    def meta(self, *names: str) -> str:
        """The first content under the first of the names that has one."""
        return next((self.metas[name][0] for name in names if name in self.metas), "")

    def absolute(self, address: str, base: str = "") -> str:
        """An http(s) address, else nothing."""
        if not address.strip():
            return ""
        try:
            found = urljoin(base or self.base, address.strip().replace("\n", "").replace("\t", ""))
            return found if urlsplit(found).scheme in ("http", "https") and urlsplit(found).netloc else ""
        except ValueError:
            return ""


def text_of(element: html.HtmlElement) -> str:
    """One line of what a reader sees of an element."""
    return flat(" ".join(piece for piece in visible(element) if piece))


def visible(element: html.HtmlElement) -> list[str]:
    """The texts inside, without scripts and styles."""
    return [
        str(piece)
        for piece in element.xpath(
            ".//text()[not(parent::script or parent::style or parent::noscript or parent::template)]"
        )
    ]


def _parsed(markup: str) -> html.HtmlElement:
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True)
    try:
        tree = html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise NotAnArticle("This page is empty: the site sent no HTML.") from error
    return tree


def _flatten(tree: html.HtmlElement) -> bool:
    """Cut what no person writes and no recursion survives, elements nested hundreds deep; whether there were any."""
    level = [tree]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return False
    for element in level:
        element.getparent().remove(element)
    return True
