"""A page as a row of blocks: the paragraphs, headings, list items … that a reader sees one under the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import html

from .linked import flat

_SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "canvas",
        "head",
        "select",
        "option",
        "textarea",
        "button",
        "input",
        "audio",
        "video",
        "map",
    ]
)
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "nobr",
        "q",
        "rb",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
        "picture",
        "source",
    ]
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# What the names of classes and ids say of what is inside, in the languages in which people write style sheets.
MARKS = {
    "caption": (
        r"caption|credit|copyright|legende|bildunter|imagetext|photo-?text|figcap|pic-?text|img-?desc|"
        r"image-?(?:desc|info|meta|source)|photographer|bildnachweis"
    ),
    "related": (
        r"related|read-?(?:more|also|next)|more-?(?:on|from|stories|news|link)|see-?also|recommend|recirc|"
        r"teaser|similar|trending|popular|most-?(?:read|view)|you-?may|up-?next|further|linklist|link-?list|"
        r"links?-?box|link-?block|crosslink|internal-?link|article-?list|articles-?list|news-?list|topstor|"
        r"card\b|cards\b|carousel|slider|outbrain|taboola|auch-?interessant|mehr-?zum|siehe|saiba|leia|"
        r"lire-?aussi|vedi|correlat|relacionad"
    ),
    "share": (
        r"share|sharing|social|follow|subscri|newsletter|sign-?up|paywall|piano|regwall|donat|membership|"
        r"abo-?(?:box|teaser|hinweis)|\babo\b|offer|login|register|whatsapp|bookmark|app-?(?:promo|download)|"
        r"push"
    ),
    "comment": r"comment|kommentar|disqus|discussion|forum|respond|reader-?post|replies",
    "person": (
        r"author|byline|by-?line|autor|bio\b|biograph|writer|contributor|profile|vcard|signature|journalist|"
        r"redakt"
    ),
    "about": (
        r"\bmeta|-meta|dateline|datum|\bdate|-date|timestamp|publish|posted|pub-?time|read(?:ing)?-?time|"
        r"\btime\b|kicker|overline|eyebrow|dachzeile|category|rubrik|section-?(?:name|label|title)|breadcrumb|"
        r"\btags?\b|-tags?\b|topics?\b|keyword|label"
    ),
    "frame": (
        r"nav\b|navi|menu|footer|sidebar|side-?bar|\baside|toolbar|header|masthead|banner|cookie|consent|gdpr|"
        r"skip|modal|overlay|popup|dialog|dropdown|breadcrumb|pagination|search|rail\b|toc\b|"
        r"table-?of-?contents"
    ),
    "advert": (
        r"\bads?\b|-ads?\b|\bad-|advert|anzeige|sponsor|promo|werbung|commerc|affiliate|shop|product|deal|"
        r"partner|marketing|publicid|pubblicit"
    ),
    "insert": (
        r"info-?box|fact-?box|faktabox|faktenbox|\bfacts?\b|\bbox\b|-box\b|factbox|pull-?quote|pullout|"
        r"highlight|embed|tweet|twitter|instagram|facebook|youtube|widget|poll|quiz|gallery|galerie|video|"
        r"player|audio|podcast|chart|datawrapper|timeline|sidebar|inset|explain|hintergrund|disclaimer|"
        r"correction|editor-?s?-?note|transparen"
    ),
    "body": (
        r"article-?_*(?:body|text|content|copy|inner|main|detail)|body-?(?:text|copy|content)|story-?_*(?:body|"
        r"text|content)|entry-?_*content|post-?_*(?:content|body|text)|content-?_*(?:body|text)|"
        r"news-?_*(?:body|text|content|detail)|text-?_*(?:content|body|block|element|wrapper)|rich-?text|"
        r"wysiwyg|paragraph|\bparagraf|\babsatz|richtext|artikel-?_*(?:text|inhalt|body|content)|cuerpo|corps|"
        r"testo|textblock|article-?p\b|prose|read-?_*content|main-?_*text"
    ),
    "lead": (
        r"\blead|-lead|lede|summary|standfirst|intro|\bdek\b|-dek\b|subtitle|sub-?title|sub-?head|subline|"
        r"teaser-?text|abstract|excerpt|description|vorspann|anleser|chapo|chapeau|ingress|entradilla|bajada|"
        r"sommario|occhiello|sub-?deck|deck|bullets?|key-?points?|takeaway"
    ),
    "hidden": r"visually-?hidden|sr-?only|screen-?reader|\bhidden\b|is-hidden|print-?only|\bhide\b|off-?screen|a11y",
}  # fmt: skip
_MARKS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in MARKS.items()}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_BLOCKS = 6000
_MAX_COMPARED, _MAX_COPIES = 300, 8
_NOT_SHOWN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


@dataclass(slots=True)
class Block:
    """One paragraph. element: the innermost block-level one around it. marks: what the classes of the element, and of
    those around it, say; above: their tags. Characters: all, and those inside links, and inside bold or italics."""

    text: str
    element: html.HtmlElement = field(repr=False)
    tag: str
    own: frozenset[str]
    marks: frozenset[str]
    above: frozenset[str]
    linked: int
    stressed: int
    links: int

    @property
    def is_heading(self) -> bool:
        return self.tag in _HEADINGS


@dataclass(slots=True)
class _Around:
    """What holds for everything inside an element."""

    element: html.HtmlElement
    own: frozenset[str]
    marks: frozenset[str]
    tags: frozenset[str]


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._pieces: list[str] = []
        self._linked = self._stressed = self._links = 0
        self._known: dict[str, frozenset[str]] = {}

    def read(self, element: html.HtmlElement, around: _Around, in_link: bool, in_stress: bool) -> None:
        """Goes as deep as `Page` lets a tree be."""
        self._add(element.text, in_link, in_stress)
        after_break = False
        for child in element:
            tag = child.tag
            if len(self.blocks) >= _MAX_BLOCKS:
                return
            if tag == "br":
                if after_break:
                    self._flush(around)
                self._pieces.append(" ")
            elif not isinstance(tag, str) or tag in _SKIPPED:
                pass
            elif tag in _INLINE or (tag in ("td", "th") and all(one.tag in _INLINE for one in child)):
                # A row of a table is read as one line, where its cells hold no paragraphs.
                self._links += tag == "a"
                if tag in ("td", "th"):
                    self._pieces.append(" ")
                self.read(child, around, in_link or tag == "a", in_stress or tag in ("b", "strong", "em", "i"))
            else:
                self._flush(around)
                inner = self._inside(child, around)
                self.read(child, inner, in_link, in_stress)
                self._flush(inner)
            after_break = tag == "br" and not (child.tail or "").strip()
            self._add(child.tail, in_link, in_stress)

    def _add(self, text: str | None, in_link: bool, in_stress: bool) -> None:
        if text:
            self._pieces.append(text)
            length = len(text.strip())
            self._linked += length * in_link
            self._stressed += length * in_stress

    def _flush(self, around: _Around) -> None:
        text = flat("".join(self._pieces))
        if text:
            self.blocks.append(
                Block(
                    text, around.element, around.element.tag, around.own, around.marks, around.tags,
                    self._linked, self._stressed, self._links,
                )
            )  # fmt: skip
        self._pieces = []
        self._linked = self._stressed = self._links = 0

    def _inside(self, element: html.HtmlElement, around: _Around) -> _Around:
        own = self._marks_of(element)
        tags = around.tags if element.tag in around.tags else around.tags | {element.tag}
        return _Around(element, own, around.marks | around.own, tags)

    def _marks_of(self, element: html.HtmlElement) -> frozenset[str]:
        names = " ".join(
            filter(
                None,
                (
                    element.get("class"),
                    element.get("id"),
                    element.get("itemprop"),
                    element.get("data-testid"),
                    element.get("data-component"),
                    element.get("role"),
                ),
            )
        )[:300]
        found = self._known.get(names)
        if found is None:
            spaced = _CAMEL.sub("-", names)
            found = frozenset(mark for mark, pattern in _MARKS.items() if pattern.search(spaced))
            self._known[names] = found
        if (
            element.get("hidden") is not None
            or element.get("aria-hidden") == "true"
            or _NOT_SHOWN.search(element.get("style") or "")
        ):
            return found | {"hidden"}
        return found


def blocks_of(tree: html.HtmlElement) -> list[Block]:
    """All blocks of the body, in the page's order."""
    body = tree.find("body")
    if body is None:
        return []
    reader = _Reader()
    reader.read(body, _Around(body, frozenset(), frozenset(), frozenset()), False, False)
    reader._flush(_Around(body, frozenset(), frozenset(), frozenset()))
    return _without_copies(reader.blocks)


def _without_copies(blocks: list[Block]) -> list[Block]:
    """Without the whole article in one piece that some pages carry, hidden, beside its paragraphs."""
    long = sorted((block for block in blocks if len(block.text) > 60), key=lambda block: -len(block.text))[
        :_MAX_COMPARED
    ]
    copies = set()
    for one in long[:_MAX_COPIES]:
        parts = {other.text for other in long if len(other.text) < 0.8 * len(one.text) and other.text in one.text}
        if len(one.text) > 500 and sum(map(len, parts)) > 0.6 * len(one.text):
            copies.add(id(one))
    return [block for block in blocks if id(block) not in copies]
