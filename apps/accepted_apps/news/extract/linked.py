"""JSON-LD: what a page says of itself to search engines. Written by hand as often as not, so read with patience."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]

_MAX_CHARS = 3_000_000
_MAX_NODES = 4000
_MAX_DEPTH = 24
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*.{0,40}?\*/)|(?://\s*\]\]>|\]\]>|-->|;)\s*$", re.DOTALL
)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_BETWEEN = re.compile(r"[ \t\r\n,;]*")
_BAD_ESCAPE = re.compile(r"\\(?![\"\\/bfnrtu])")
# Members that hold other works: what this page links to, not what it is.
_ELSEWHERE = frozenset(
    [
        "mentions",
        "itemListElement",
        "hasPart",
        "comment",
        "review",
        "about",
        "isBasedOn",
        "citation",
        "relatedLink",
        "significantLink",
        "subjectOf",
        "workExample",
        "video",
        "image",
        "logo",
        "publisher",
        "author",
        "isPartOf",
        "speakable",
        "potentialAction",
        "offers",
        "breadcrumb",
    ]
)
_ARTICLE = re.compile(r"(?:Article|BlogPosting|SocialMediaPosting|Report|Review|LegacyNews)$")
_PAGE = re.compile(r"(?:WebPage|ItemPage|MedicalWebPage|CreativeWork|VideoObject|Recipe|PodcastEpisode)$")


class Linked:
    """All nodes of a page's JSON-LD; `article` are those that speak of the article, the surest first."""

    def __init__(self, scripts: list[str], url: str) -> None:
        self.nodes: list[Node] = []
        self._ids: dict[str, Node] = {}
        loose: list[Node] = []
        for script in scripts:
            for document in _documents(script):
                for node, elsewhere in _walk(document, 0, False):
                    if len(self.nodes) >= _MAX_NODES:
                        break
                    self.nodes.append(node)
                    identity = node.get("@id")
                    # A reference is a node too, which says nothing but the name of the other.
                    if isinstance(identity, str) and len(node) > len(self._ids.get(identity, ())):
                        self._ids[identity] = node
                    if not elsewhere:
                        loose.append(node)
        self.article = _about_this(loose, url)
        self.page = [node for node in loose if _has_type(node, _PAGE)]

    def of_type(self, name: str) -> Iterator[Node]:
        return (node for node in self.nodes if name in types(node))

    def first(self, *members: str) -> Any:
        """The first value that the article's nodes have for one of the members; members go before nodes."""
        for member in members:
            for node in self.article:
                value = node.get(member)
                if value not in (None, "", [], {}):
                    return value
        return None

    def resolved(self, value: Any) -> Any:
        """The node that a reference points to, else the value itself."""
        if (
            isinstance(value, dict)
            and isinstance(value.get("@id"), str)
            and not (value.get("name") or value.get("url"))
        ):
            return self._ids.get(value["@id"], value)
        return value

    def many(self, value: Any) -> list[Any]:
        """A value as a list, references resolved."""
        if value is None:
            return []
        if isinstance(value, dict) and "@list" in value:
            value = value["@list"]
        return [self.resolved(one) for one in (value if isinstance(value, list) else [value])]

    def texts(self, value: Any) -> list[str]:
        """Plain texts of a value in all its shapes: text, node with a name, list of these."""
        found = []
        for one in self.many(value):
            named = one
            if isinstance(one, dict):
                named = one.get("name") or one.get("@value") or one.get("headline") or one.get("title") or ""
            if isinstance(named, list | dict):
                found += self.texts(named) if named is not value and isinstance(one, dict) else []
            elif isinstance(named, str | int | float) and not isinstance(named, bool):
                found.append(clean(str(named)))
        return [text for text in found if text]

    def text(self, *members: str) -> str:
        """The first text of the article's nodes under one of the members."""
        return next(iter(self.texts(self.first(*members))), "")


def types(node: Node) -> list[str]:
    value = node.get("@type") or node.get("type")
    names = value if isinstance(value, list) else [value]
    return [name.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for name in names if isinstance(name, str)]


def clean(text: str) -> str:
    """One line without markup. Character references are often written twice."""
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = re.sub(r"<[a-zA-Z/!][^<>]{0,500}>", " ", text)
    return flat(text)


def flat(text: str) -> str:
    """One line of what stands in a parsed tree. There `<` is a sign of the text: `<The Palace>` is a play."""
    return " ".join(text.replace("\u00ad", "").replace("\u200b", "").split())


def _has_type(node: Node, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(name) for name in types(node))


def _about_this(nodes: list[Node], url: str) -> list[Node]:
    articles = [node for node in nodes if _has_type(node, _ARTICLE)]
    if not articles:
        return []
    ranked = sorted(articles, key=lambda node: -_weight(node, url))
    best = ranked[0]
    headline = clean(str(best.get("headline") or best.get("name") or "")).casefold()
    return [best] + [
        node
        for node in ranked[1:]
        if not headline or clean(str(node.get("headline") or node.get("name") or headline)).casefold() == headline
    ]


def _weight(node: Node, url: str) -> int:
    weight = sum(1 for member in ("headline", "datePublished", "author", "image", "description") if node.get(member))
    weight += 2 if node.get("articleBody") else 0
    own = [node.get("url"), node.get("@id"), node.get("mainEntityOfPage")]
    own += [one.get("@id") for one in own if isinstance(one, dict)]
    path = _path(url)
    if len(path) > 1 and any(isinstance(one, str) and _path(one) == path for one in own):
        weight += 5
    return weight


def _path(url: str) -> str:
    return re.sub(r"^[a-z]+://[^/]*|[?#].*$", "", url).rstrip("/")


def _walk(value: Any, depth: int, elsewhere: bool) -> Iterator[tuple[Node, bool]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, depth + 1, elsewhere)
    elif isinstance(value, dict):
        yield value, elsewhere
        for member, one in value.items():
            if isinstance(one, list | dict):
                yield from _walk(one, depth + 1, elsewhere or member in _ELSEWHERE)


def _documents(script: str) -> list[Any]:
    text = script[:_MAX_CHARS].strip().lstrip("\ufeff")
    for repair in (_as_it_is, _unwrapped, _mended, _unescaped):
        try:
            return _all(repair(text))
        except (ValueError, RecursionError):
            continue
    return []


def _as_it_is(text: str) -> str:
    return text


def _unwrapped(text: str) -> str:
    for _ in range(3):
        text = _WRAPPING.sub("", text).strip()
    return text


def _mended(text: str) -> str:
    return _BAD_ESCAPE.sub(r"\\\\", _TRAILING_COMMA.sub(r"\1", _unwrapped(text)))


def _unescaped(text: str) -> str:
    return html.unescape(_unwrapped(text))


def _all(text: str) -> list[Any]:
    """Documents written one after another. Raises ValueError when there is anything else."""
    decoder, found, at = json.JSONDecoder(strict=False), [], 0
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing at all, too
    return found
