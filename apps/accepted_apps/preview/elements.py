"""The elements of a page that carry data, each with selectors that select it and nothing else.

A selector has to hold for three readers: this process's HTML5 tree, Chromium's DOM, and an HTML5 tree without scripts.
Browsers with scripts on take the content of noscript as text, which moves elements about; so two trees are built, one
with each reading, and a selector is given out only if it selects the same element in both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_TYPES = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    "a": "link",
    "img": "image",
    "svg": "image",
    "li": "list_item",
    "dt": "list_item",
    "dd": "list_item",
    "td": "cell",
    "th": "cell",
    "p": "paragraph",
    "blockquote": "paragraph",
    "pre": "code",
    "code": "code",
    "time": "time",
    "button": "button",
    "input": "field",
    "select": "field",
    "textarea": "field",
    "video": "media",
    "audio": "media",
    "figcaption": "caption",
    "caption": "caption",
    "label": "label",
}
_WORTH = {
    "heading": 6,
    "price": 6,
    "image": 4,
    "time": 4,
    "paragraph": 4,
    "cell": 3,
    "list_item": 3,
    "text": 3,
    "link": 3,
}
_SKIPPED = _names(
    "head script style noscript template iframe object embed canvas map math frameset option optgroup datalist",
    "br hr wbr source track param link meta base title",
)
_INLINE = _names("b i em strong u s small sub sup mark abbr cite q font bdi bdo kbd var samp ins del")
_WITHIN_WORDS = _INLINE | {"a", "span", "wbr", "code"}
_ASIDE = _names("nav footer aside header")
_CENTRE = _names("main article")
_SELF_SPEAKING = _names("img svg input select textarea video audio")
_PRICE = re.compile(
    r"(?:[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY)\b)\s?\d[\d.,\s]*|\d[\d.,]*\s?(?:[$€£¥₹]|(?:USD|EUR|GBP|CHF)\b)"
)
_NAMING = ("data-testid", "data-test", "data-qa", "data-id", "itemprop", "name")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9-]*")
# Chromium lets nothing hang deeper than 512 levels, and moves what would be.
_MAX_DEPTH = 500
_RAW = re.compile(
    r"<(!--|(?:script|style|textarea|title|xmp|iframe|noembed|noframes|noscript)(?=[\s/>]))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Element:
    """One element: what it is, what it says, and how to select it alone."""

    id: str
    type: str
    text: str
    xpath: str
    css: str
    path: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Found:
    node: LexborNode
    kind: str
    text: str
    worth: int
    order: int


@dataclass(frozen=True, slots=True)
class _Step:
    """A node's place among the children of its parent, in both languages."""

    xpath: str
    css: str


def extract(html: str, *, max_elements: int = 100, max_text: int = 300) -> tuple[str, list[Element]]:
    """The page's title, and its elements in the order of the page, at most `max_elements` of the most telling.

    It works on the processor only, for seconds on a page of megabytes: call it in a thread.
    """
    page = _Tree(without_noscript(html))
    plain = _Tree(html) if page.differs_from(html) else page
    found = sorted(_carriers(page, max_text), key=lambda item: (-item.worth, item.order))
    selected: list[tuple[_Found, str, str]] = []
    for item in found:
        if len(selected) == max_elements:
            break
        if pair := _selectors(item.node, page, plain):
            selected.append((item, *pair))
    selected.sort(key=lambda entry: entry[0].order)
    return page.title, [
        Element(f"el-{number}", item.kind, item.text, xpath, css, page.breadcrumbs(item.node))
        for number, (item, xpath, css) in enumerate(selected, 1)
    ]


def without_noscript(html: str) -> str:
    """The page with every noscript emptied, found as a browser with scripts on finds them."""
    kept: list[str] = []
    position = 0
    while opening := _RAW.search(html, position):
        name = opening[1].lower()
        closing = re.compile("-->" if name == "!--" else rf"</{name}(?=[\s/>])", re.IGNORECASE)
        end = closing.search(html, opening.end())
        stop = end.start() if end else len(html)
        if name == "noscript":
            start = html.find(">", opening.end() - 1) + 1 or stop
            kept.append(html[position : min(start, stop)])
        else:
            kept.append(html[position:stop])
        position = max(stop, opening.end())
        if end is None:
            return "".join(kept)
    kept.append(html[position:])
    return "".join(kept)


class _Tree:
    """A parsed page with what uniqueness is judged by."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.parser = LexborHTMLParser(html)
        title = self.parser.css_first("head > title") or self.parser.css_first("title")
        self.title = " ".join(title.text().split()) if title else ""
        # In quirks mode browsers match ids without regard to case, so ids that differ by case only count as one.
        self.ids = Counter((node.attributes["id"] or "").lower() for node in self.parser.css("[id]"))
        self._steps: dict[int, _Step] = {}

    def differs_from(self, html: str) -> bool:
        return len(self.html) != len(html)

    def only(self, css: str) -> LexborNode | None:
        """The one node that a selector selects; None when it selects none, several, or cannot be read."""
        try:
            nodes = self.parser.css(css)
        except Exception:  # selectolax raises its own kinds for selectors that it cannot read
            return None
        return nodes[0] if len(nodes) == 1 else None

    def step(self, node: LexborNode) -> _Step:
        """The node's place; counted for all its brothers and sisters at once."""
        if node.mem_id not in self._steps:
            counts: Counter[str] = Counter()
            parent = node.parent
            children = parent.iter() if parent is not None and node.tag != "html" else iter([node])
            for place, child in enumerate(children, 1):
                name = child.tag or ""
                counts[name] += 1
                self._steps[child.mem_id] = _step(name, counts[name], place)
        return self._steps[node.mem_id]

    def breadcrumbs(self, node: LexborNode) -> str:
        return " > ".join(reversed([step.tag or "" for step in _upwards(node)]))


def _step(name: str, nth: int, place: int) -> _Step:
    if name in ("html", "body"):
        return _Step(name, name)
    if name == "svg" or not _PLAIN_NAME.fullmatch(name):
        # Neither a name with a colon nor one of another namespace is written alike for all readers; a place is.
        return _Step(f"*[{place}]", f":nth-child({place})")
    return _Step(f"{name}[{nth}]", f"{name}:nth-of-type({nth})")


def _upwards(node: LexborNode) -> Iterator[LexborNode]:
    current: LexborNode | None = node
    while current is not None and current.is_element_node:
        yield current
        current = current.parent


def _carriers(page: _Tree, max_text: int) -> Iterator[_Found]:
    """Elements with something to say themselves, in the order of the page, each with a worth for the choice."""
    root = page.parser.root
    if root is None:
        return
    stack: list[tuple[LexborNode, int, int, bool]] = [(root, 0, 0, False)]
    order = 0
    while stack:
        node, depth, place, inside_text = stack.pop()
        tag = node.tag or ""
        if tag in _SKIPPED or depth > _MAX_DEPTH or _hidden(node):
            continue
        order += 1
        place = 2 if tag in _CENTRE else (-3 if tag in _ASIDE and place < 2 else place)
        own_text = _has_own_text(node)
        if found := _found(node, tag, place, order, max_text, own_text=own_text, inside_text=inside_text):
            yield found
        if tag not in ("svg", "select", "pre"):
            children = list(node.iter())
            stack.extend((child, depth + 1, place, inside_text or own_text) for child in reversed(children))


def _found(
    node: LexborNode, tag: str, place: int, order: int, max_text: int, *, own_text: bool, inside_text: bool
) -> _Found | None:
    speaks = (
        tag in _SELF_SPEAKING
        or tag in ("h1", "h2", "h3", "h4", "h5", "h6")
        or (tag == "a" and "href" in node.attributes)
    )
    if tag in ("html", "body") or not (own_text or speaks):
        return None
    if tag in _INLINE and inside_text and not node.attributes.get("class") and not node.attributes.get("id"):
        return None
    text = _text(node, tag, max_text)
    if not text:
        return None
    kind = "price" if len(text) <= 30 and _PRICE.search(text) else _TYPES.get(tag, "text")
    return _Found(node, kind, text, _WORTH.get(kind, 1) + place, order)


def _text(node: LexborNode, tag: str, max_text: int) -> str:
    attributes = node.attributes
    if tag not in _SELF_SPEAKING:
        text = _visible(node, max_text)
        return text or (_first(attributes, ("aria-label", "title")) if tag == "a" else "")
    if tag == "svg":
        return _first(attributes, ("aria-label",))
    return _first(attributes, ("aria-label", "alt", "title", "placeholder", "name", "src"))[:max_text]


def _first(attributes: Mapping[str, str | None], names: Iterable[str]) -> str:
    return next((text for name in names if (text := " ".join((attributes.get(name) or "").split()))), "")


def _visible(node: LexborNode, max_text: int) -> str:
    """The text inside, words of different blocks apart; no more is gathered than is shown."""
    parts: list[str] = []
    size = 0
    for part in node.traverse(include_text=True):
        parent, before = part.parent, part.prev
        if not part.is_text_node:
            parts.append("" if part.tag in _WITHIN_WORDS else " ")
        elif parent is None or parent.tag not in _SKIPPED:
            text = part.text(deep=False)
            parts.append(text if before is None or before.tag in _WITHIN_WORDS else f" {text}")
            size += len(text.strip())
            if size > 2 * max_text:
                break
    return " ".join("".join(parts).split())[:max_text].rstrip()


def _has_own_text(node: LexborNode) -> bool:
    return any(child.is_text_node and not child.is_empty_text_node for child in node.iter(include_text=True))


def _hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "hidden" in attributes or (attributes.get("type") or "").lower() == "hidden":
        return True
    style = attributes.get("style")
    return (
        style is not None and re.search(r"display\s*:\s*none|visibility\s*:\s*hidden", style, re.IGNORECASE) is not None
    )


def _selectors(node: LexborNode, page: _Tree, plain: _Tree) -> tuple[str, str] | None:
    """XPath and CSS for a node, the short forms first; None when none of them holds in both trees."""
    for xpath, css in _candidates(node, page, plain):
        if (chosen := page.only(css)) is None or chosen.mem_id != node.mem_id:
            continue
        if plain is page or _same(plain.only(css), node):
            return xpath, css
    return None


def _same(other: LexborNode | None, node: LexborNode) -> bool:
    return (
        other is not None
        and (other.tag, other.attributes) == (node.tag, node.attributes)
        and other.text() == node.text()
    )


def _candidates(node: LexborNode, page: _Tree, plain: _Tree) -> Iterator[tuple[str, str]]:
    tag = node.tag or ""
    for name in _NAMING:
        value = node.attributes.get(name)
        if value and len(value) <= 100 and value.isprintable() and _PLAIN_NAME.fullmatch(tag) and tag != "svg":
            yield f"//{tag}[@{name}={_xpath_string(value)}]", f"{tag}[{name}={_css_string(value)}]"
    steps: list[_Step] = []
    for ancestor in _upwards(node):
        anchor = ancestor.attributes.get("id")
        if anchor and anchor.isprintable() and page.ids[anchor.lower()] == plain.ids[anchor.lower()] == 1:
            yield _joined(f"//*[@id={_xpath_string(anchor)}]", f"[id={_css_string(anchor)}]", steps)
        steps.insert(0, page.step(ancestor))
    yield _joined("", "", steps)


def _joined(xpath: str, css: str, steps: list[_Step]) -> tuple[str, str]:
    start = [css] if css else []
    return xpath + "".join(f"/{step.xpath}" for step in steps), " > ".join(start + [step.css for step in steps])


def _css_string(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _xpath_string(value: str) -> str:
    """A literal of XPath 1.0, which has no escapes."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    pieces = ', "\'", '.join(f"'{piece}'" for piece in value.split("'"))
    return f"concat({pieces})"
