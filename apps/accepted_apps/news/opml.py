"""OPML: lists of feeds as readers exchange them, in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Literal

from lxml import etree

from .errors import BadOpml, BadUrl
from .sources.model import Source
from .sources.words import xml_text
from .urls import article_key, canonical_url, domain_of

_MAX_BYTES = 5 * 2**20
_MAX_SOURCES = 5000
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One source as an OPML file describes it: a Source without an id, which is the registry's to give.

    link_filter: of an outline that was exported here. category: the names of the outlines round it, outermost first.
    """

    name: str
    url: str
    category: str = ""
    method: Literal["feed", "homepage"] = "feed"
    link_filter: str = ""


def read_opml(body: bytes) -> list[Outline]:
    """The sources of a file, each address once, in its order. An outline with `htmlUrl` alone is a homepage.

    Raises BadOpml with a sentence that says what is wrong with the file.
    """
    if len(body) > _MAX_BYTES:
        raise BadOpml(f"The file is larger than {_MAX_BYTES // 2**20} MiB, which no OPML file is.")
    outlines: dict[str, Outline] = {}
    for outline in _outlines(_root(body), "", 0):
        outlines.setdefault(article_key(outline.url), outline)
    if not outlines:
        raise BadOpml("The file holds no source: no outline in it has an xmlUrl or htmlUrl with a web address.")
    if len(outlines) > _MAX_SOURCES:
        raise BadOpml(f"The file holds more than {_MAX_SOURCES} sources; split it.")
    return list(outlines.values())


def write_opml(sources: Iterable[Source], title: str = "News sources") -> bytes:
    """A file with these sources, under an outline for each category; what other readers know, and what only this one
    does (`linkFilter`). Tools of MCP servers have no place in it and are left out."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = _xml(title)
    body = etree.SubElement(root, "body")
    categories: dict[str, etree._Element] = {}
    for source in sources:
        if source.method == "mcp":
            continue
        parent = body
        if source.category:
            if source.category not in categories:
                named = _xml(source.category)
                categories[source.category] = etree.SubElement(body, "outline", text=named, title=named)
            parent = categories[source.category]
        _write(parent, source)
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return written


def _write(parent: etree._Element, source: Source) -> None:
    name = _xml(source.name)
    outline = etree.SubElement(parent, "outline", text=name, title=name)
    if source.method == "feed":
        outline.set("type", "rss")
        outline.set("xmlUrl", _xml(source.url))
        return
    outline.set("type", "link")
    outline.set("htmlUrl", _xml(source.url))
    if source.selectors.link_filter:
        outline.set("linkFilter", _xml(source.selectors.link_filter))


def _root(body: bytes) -> etree._Element:
    """Repaired where that is possible, without entities of its own and without reading anything else."""
    text = xml_text(body).lstrip("\ufeff \t\r\n")
    if "<!ENTITY" in text:
        raise BadOpml("The file declares entities of its own, which no OPML file needs: remove them.")
    if text.startswith("<?xml"):
        text = text[text.find("?>") + 2 :]
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise BadOpml(f"The file is no XML: {error.msg}.") from None
    if root is None or etree.QName(root).localname.lower() != "opml":
        found = "" if root is None else f"; it begins with <{etree.QName(root).localname}>"
        raise BadOpml(f"The file is no OPML{found}.")
    return root


def _outlines(node: etree._Element, category: str, depth: int) -> Iterator[Outline]:
    if depth > _MAX_DEPTH:
        raise BadOpml(f"The outlines of the file are nested deeper than {_MAX_DEPTH}.")
    for child in node.iterchildren(tag=etree.Element):
        attributes = {name.lower(): value.strip() for name, value in child.attrib.items()}
        name = _words(attributes.get("title") or attributes.get("text", ""))
        if (outline := _outline(attributes, name, category)) is not None:
            yield outline
        is_outline = etree.QName(child).localname.lower() == "outline"
        inside = f"{category} / {name}" if category and name else category or name
        yield from _outlines(child, inside[:100].rstrip(" /") if is_outline else category, depth + 1)


def _outline(attributes: dict[str, str], name: str, category: str) -> Outline | None:
    feed, page = (_address(attributes.get(key, "")) for key in ("xmlurl", "htmlurl"))
    url = feed or page or (_address(attributes.get("url", "")) if attributes.get("type") in ("link", "rss") else "")
    if not url:
        return None
    own = _words(attributes.get("category", "").split(",")[0].strip("/").replace("/", " / "))[:100]
    return Outline(
        name=name or domain_of(url),
        url=url,
        category=category or own,
        method="feed" if feed or attributes.get("type") == "rss" else "homepage",
        link_filter="" if feed else attributes.get("linkfilter", ""),
    )


def _address(text: str) -> str:
    if text.lower().startswith("feed:"):
        text = text[5:] if "://" in text[5:] else f"http:{text[5:]}"
    try:
        canonical_url(text)
    except BadUrl:
        return ""
    return text


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(character for character in text if character in "\t\n\r" or character >= " ")


def _words(text: str) -> str:
    """In one line; some readers escape names twice."""
    return " ".join(unescape(text).split())[:200]
