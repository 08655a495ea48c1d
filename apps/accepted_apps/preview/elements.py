"""The elements of a page that carry data, each with selectors that select it and nothing else.

Selectors are built so that each step selects one child, from the root or from an attribute that occurs once; that is
counted in the tree, not asked of a CSS engine, whose `nth-of-type` takes minutes on a page of ten megabytes.

They have to hold for three readers: this process's HTML5 tree, Chromium's DOM, and an HTML5 tree without scripts.
Browsers with scripts on take the content of noscript as text, which moves elements about; so two trees are built, one
with each reading. Of all ways to write a selector, the first is taken that selects the same element in both; where
there is none, the browser's reading decides.
"""

from __future__ import annotations

import heapq
import re
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
_ONCE = ("html", "body")
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9-]*")
_PLAIN_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,60}")
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
    """A node's place among the children of its parent: the n-th of a name, or of all; below zero from the end."""

    name: str
    nth: int

    @property
    def xpath(self) -> str:
        if self.name in _ONCE:
            return self.name
        return f"{self.name}[{self.nth}]" if self.nth > 0 else f"{self.name}[last(){self.nth + 1 or ''}]"

    @property
    def css(self) -> str:
        if self.name in _ONCE:
            return self.name
        name, what = ("", "child") if self.name == "*" else (self.name, "of-type")
        return f"{name}:nth-{what}({self.nth})" if self.nth > 0 else f"{name}:nth-last-{what}({-self.nth})"


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where a selector starts: an attribute's value, or one of the words of a class, on elements of one name."""

    name: str
    attribute: str
    value: str

    @property
    def xpath(self) -> str:
        if self.attribute == "class":
            return f"//{self.name}[contains(concat(' ', normalize-space(@class), ' '), ' {self.value} ')]"
        return f"//{self.name}[@{self.attribute}={_xpath_string(self.value)}]"

    @property
    def css(self) -> str:
        name = "" if self.name == "*" else self.name
        if self.attribute == "class":
            return f"{name}.{self.value}"
        return f"{name}[{self.attribute}={_css_string(self.value)}]"


@dataclass(frozen=True, slots=True)
class _Selector:
    anchor: _Anchor | None
    steps: tuple[_Step, ...]

    @property
    def xpath(self) -> str:
        return (self.anchor.xpath if self.anchor else "") + "".join(f"/{step.xpath}" for step in self.steps)

    @property
    def css(self) -> str:
        return " > ".join([*([self.anchor.css] if self.anchor else []), *(step.css for step in self.steps)])


def extract(html: str, *, max_elements: int = 100, max_text: int = 300) -> tuple[str, list[Element]]:
    """The page's title, and its elements in the order of the page, at most `max_elements` of the most telling.

    It works on the processor only, for seconds on a page of megabytes: call it in a thread.
    """
    page = _Tree(without_noscript(html))
    plain = _Tree(html) if len(page.html) != len(html) else page
    best = heapq.nsmallest(max_elements, _carriers(page, max_text), key=lambda item: (-item.worth, item.order))
    elements = []
    for number, item in enumerate(sorted(best, key=lambda item: item.order), 1):
        selector = _selector(item, page, plain, max_text)
        elements.append(
            Element(f"el-{number}", item.kind, item.text, selector.xpath, selector.css, page.breadcrumbs(item.node))
        )
    return page.title, elements


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
    """A parsed page, with the places of its nodes and with what occurs in it once."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.parser = LexborHTMLParser(html)
        title = self.parser.css_first("head > title") or self.parser.css_first("title")
        self.title = " ".join(title.text().split()) if title else ""
        self._anchors: dict[_Anchor, LexborNode | None] = {}
        for node in self.parser.css(", ".join(f"[{name}]" for name in ("id", "class", *_NAMING))):
            for anchor in _anchors(node):
                # In quirks mode browsers match ids and classes without regard to case.
                key = _Anchor(anchor.name, anchor.attribute, anchor.value.lower())
                self._anchors[key] = None if key in self._anchors else node
        self._children: dict[int, dict[str, list[LexborNode]]] = {}
        self._places: dict[int, tuple[_Step, _Step]] = {}

    def select(self, selector: _Selector) -> LexborNode | None:
        """The node that a selector selects, or None when there is none, or more than one."""
        node = self.parser.root
        steps = selector.steps
        if selector.anchor is not None:
            anchor = selector.anchor
            node = self._anchors.get(_Anchor(anchor.name, anchor.attribute, anchor.value.lower()))
            if node is not None and anchor not in _anchors(node):
                return None
        else:
            steps = steps[1:]
        for step in steps:
            if node is None:
                return None
            named = self._named_children(node).get(step.name, [])
            index = step.nth - 1 if step.nth > 0 else step.nth
            node = named[index] if -len(named) <= index < len(named) else None
        return node

    def place(self, node: LexborNode) -> tuple[_Step, _Step]:
        """The node's place from the start and from the end."""
        if node.mem_id not in self._places:
            parent = node.parent
            if node.tag == "html" or parent is None:
                return _Step("html", 1), _Step("html", 1)
            groups = self._named_children(parent)
            for name, group in groups.items():
                for index, child in enumerate(group):
                    if _step_name(child) == name:
                        self._places[child.mem_id] = _Step(name, index + 1), _Step(name, index - len(group))
        return self._places[node.mem_id]

    def breadcrumbs(self, node: LexborNode) -> str:
        return " > ".join(reversed([step.tag or "" for step in _upwards(node)]))

    def _named_children(self, node: LexborNode) -> dict[str, list[LexborNode]]:
        """The children of a node by their names, and all of them under `*`; counted once for each parent."""
        if node.mem_id not in self._children:
            groups: dict[str, list[LexborNode]] = {"*": []}
            for child in node.iter():
                groups["*"].append(child)
                if (name := _step_name(child)) != "*":
                    groups.setdefault(name, []).append(child)
            self._children[node.mem_id] = groups
        return self._children[node.mem_id]


def _step_name(node: LexborNode) -> str:
    """The name to count by. A name with a colon, or of another namespace, is not written alike for all readers."""
    name = node.tag or ""
    return name if name != "svg" and _PLAIN_NAME.fullmatch(name) else "*"


def _anchors(node: LexborNode) -> list[_Anchor]:
    """What a selector may start with at this node, the most telling first."""
    attributes = node.attributes
    found = []
    if (value := attributes.get("id")) and len(value) <= 100 and value.isprintable():
        found.append(_Anchor("*", "id", value))
    if (tag := _step_name(node)) == "*":
        return found
    named = ((name, attributes.get(name)) for name in _NAMING)
    found += [_Anchor(tag, name, value) for name, value in named if value and len(value) <= 100 and value.isprintable()]
    words = dict.fromkeys((attributes.get("class") or "").split())
    found += [_Anchor(tag, "class", word) for word in words if _PLAIN_CLASS.fullmatch(word)]
    return found


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
    if tag == "html" or not (own_text or speaks):
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


def _selector(item: _Found, page: _Tree, plain: _Tree, max_text: int) -> _Selector:
    """The first that holds in both trees, else the first that holds in the browser's."""
    held = [each for each in _candidates(item.node, page) if _is(page.select(each), item.node)]
    if plain is page:
        return held[0]
    return next((each for each in held if _looks_like(plain.select(each), item, max_text)), held[0])


def _is(node: LexborNode | None, other: LexborNode) -> bool:
    return node is not None and node.mem_id == other.mem_id


def _looks_like(node: LexborNode | None, item: _Found, max_text: int) -> bool:
    return (
        node is not None
        and (node.tag, node.attributes) == (item.node.tag, item.node.attributes)
        and _text(node, node.tag or "", max_text) == item.text
    )


def _candidates(node: LexborNode, page: _Tree) -> Iterator[_Selector]:
    for anchor in _anchors(node):
        yield _Selector(anchor, ())
    steps: list[tuple[_Step, _Step]] = []
    for ancestor in _upwards(node):
        if steps and (found := _anchors(ancestor)) and found[0].attribute == "id":
            yield _Selector(found[0], tuple(step for step, _ in steps))
        steps.insert(0, page.place(ancestor))
    yield _Selector(None, tuple(step for step, _ in steps))
    # What noscript holds mostly moves things at the start of the page, which leaves places from the end alone.
    yield _Selector(None, tuple(back for _, back in steps))


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
