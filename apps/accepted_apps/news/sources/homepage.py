"""The links of a front page that lead to articles: those that a filter names, or those that look like it.

Without a filter, an anchor is judged by its address (shapes.py), by its words, and by where it stands: under a heading,
in a block that others repeat, or in navigation. Nothing here knows a site by its name.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from accepted_apps.news.article import Media
from accepted_apps.news.errors import NoLinks
from accepted_apps.news.fetching import Fetched, Fetcher
from accepted_apps.news.urls import article_key, same_site
from accepted_apps.preview.charset import decode

from .collect import absolute
from .filters import LinkFilter
from .model import MAX_LINKS, Link, Listing
from .shapes import NEVER, likelihood, shape
from .words import moment, plain

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_AROUND = 8
"""How many elements above an anchor are looked at."""
_APART = re.compile(
    r"(?:^|[\s_-])(?:nav|navi|navigation|navbar|menu|submenu|breadcrumbs?|footer|foot|masthead|toolbar|pagination|pager|"
    r"social|share|sharing|login|cookie|consent|newsletter|advert\w*|ads?|ad-\w+|sponsor\w*|patrocinad\w*|publicidad|publicite|anzeige|werbung|paid|promo|"
    r"tags?|taglist|tag-list|topics|trending-topics|skip)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:^|[\s_-])(?:sidebar|aside|most-?read|mostread|mostpopular|popular|meistgelesen|top-?ten|ticker|recommended|related)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"(?:read|see|show|learn|view|find out)?\s*(?:more|full (?:story|article)|all)(?: \w+)?|continue reading|details|"
    r"mehr(?: \w+)?|weiterlesen|zum artikel|alle \w+|lire(?: la suite| plus)?|en savoir plus|suite|leer (?:más|mas)|"
    r"ver (?:más|mas)|leggi(?: tutto| di più)?|continua(?: a leggere)?|lees (?:meer|verder)|les mer|läs mer|læs mere|"
    r"lue lisää|czytaj(?: więcej| dalej)?|leia (?:mais)?|saiba mais|číst (?:dále|více)|devamını oku|читать(?: далее)?|"
    r"подробнее|もっと見る|続きを読む|更多|阅读更多|더보기|watch|listen|video|live|share|teilen|partager|"
    r"(?:\d+ ?)?(?:comments?|kommentare?|commentaires?|comentarios?|commenti)|\d+|\W+",
    re.IGNORECASE,
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_ENOUGH = 4
_LONGEST_TITLE = 300
_PICTURE = ("src", "data-src", "data-original", "data-lazy-src", "data-srcset", "srcset", "data-lazy")
_NO_PICTURE = re.compile(
    r"^data:|\.svg(?:$|\?)|pixel|spacer|blank\.|leer\.|empty\.|1x1|dummy|placeholder|transparent|logo", re.IGNORECASE
)


async def list_homepage(url: str, link_filter: str, fetcher: Fetcher) -> Listing:
    """The articles that a page leads to, the most prominent first. Raises NoLinks, FetchFailed, BadUrl."""
    fetched = await fetcher.get(url, kind="page")
    return await asyncio.to_thread(parse_homepage, fetched, link_filter)


def parse_homepage(fetched: Fetched, link_filter: str = "") -> Listing:
    """The same for a page that was fetched. It blocks. Raises NoLinks."""
    tree = LexborHTMLParser(decode(fetched.body, fetched.content_type))
    page = _Page(tree, fetched.url)
    chosen = LinkFilter(link_filter)
    try:
        groups = page.filtered(chosen) if chosen else page.likely()
    except ValueError as error:
        raise NoLinks(f"selectors.linkFilter cannot be used: {error}") from None
    if not groups:
        raise NoLinks(_nothing(fetched.url, link_filter, bool(page.anchors)))
    title = tree.css_first("title")
    return Listing(
        links=[page.link(group) for group in groups[:MAX_LINKS]],
        title=plain(title.text() if title else "", 300),
        url=fetched.url,
        not_modified=fetched.not_modified,
        cost=fetched.cost,
    )


def _nothing(url: str, link_filter: str, has_links: bool) -> str:
    if not has_links:
        return (
            f"{url} holds no links at all: it may be built by a script, or show its articles to signed-in people only."
        )
    if link_filter:
        return f"selectors.linkFilter {link_filter!r} finds no link on {url}; look at the page and correct it."
    return f"No link on {url} looks like an article; say which are in selectors.linkFilter, such as 'article h2 a'."


@dataclass(slots=True)
class _Group:
    """All anchors of one article."""

    key: str
    url: str
    anchors: list[LexborNode] = field(default_factory=list)
    title: str = ""
    level: int = 0
    """Of the heading that the title stands in: 1 to 6, 0 for none."""
    words: int = -5
    """The best score of its anchors' words and places."""
    aside: bool = True


class _Page:
    """A page, with its anchors gathered by the article that they lead to, in the order of the page."""

    def __init__(self, tree: LexborHTMLParser, url: str) -> None:
        self._url = url
        self._key = article_key(url)
        base = tree.css_first("base[href]")
        self._base = (absolute(base.attributes["href"], url) if base else "") or url
        self._tree = tree
        self.anchors = tree.css("a[href]")
        self._around: dict[int, set[str]] = {}
        """Which of the chosen articles the anchors below an element lead to, for the elements next above them."""

    def filtered(self, chosen: LinkFilter) -> list[_Group]:
        """What a person means, on whatever site it is."""
        anchors = chosen.select(self._tree)
        groups = self._gathered(self.anchors if anchors is None else anchors)
        return self._chosen([group for group in groups if chosen.permits(group.url)])

    def likely(self) -> list[_Group]:
        """What looks like an article of this site."""
        groups = [group for group in self._gathered(self.anchors) if same_site(group.url, self._url)]
        scores = {group.key: likelihood(group.url) for group in groups}
        sure = [group for group in groups if scores[group.key] + group.words >= _ENOUGH and group.words > 0]
        usual = {form for form, count in Counter(shape(group.url) for group in sure).items() if count >= 3}
        taken = []
        for group in groups:
            alike = 1 if shape(group.url) in usual else 0
            enough = scores[group.key] + group.words + alike >= _ENOUGH
            if scores[group.key] > NEVER and enough and group.words + alike > 0 and scores[group.key] + alike > 0:
                taken.append(group)
        return self._chosen(sorted(taken, key=lambda group: group.aside))

    def _chosen(self, groups: list[_Group]) -> list[_Group]:
        for group in groups:
            for node in (node for anchor in group.anchors for node in _above(anchor)):
                self._around.setdefault(node.mem_id, set()).add(group.key)
        return groups

    def link(self, group: _Group) -> Link:
        """A group as a link, with what stands near it."""
        block = self._block(group)
        title, picture = group.title, self._picture(group, block)
        return Link(
            url=group.url,
            title=title,
            published_at=_time(block),
            image=picture.url if picture else "",
            summary=_summary(block, title),
            media=[picture] if picture else [],
        )

    def _gathered(self, anchors: Iterable[LexborNode]) -> list[_Group]:
        groups: dict[str, _Group] = {}
        for anchor in anchors:
            url = absolute(anchor.attributes.get("href"), self._base)
            if not url or (key := article_key(url)) == self._key:
                continue
            group = groups.setdefault(key, _Group(key, url))
            group.anchors.append(anchor)
            self._judge(group, anchor)
        return list(groups.values())

    def _judge(self, group: _Group, anchor: LexborNode) -> None:
        above = list(_above(anchor))
        heading = _heading(anchor, above)
        title = _title(anchor, heading)
        level = int(heading.tag[1]) if heading is not None and heading.tag else 0
        words = _of_title(title) + (2 if level and title else 0) + (1 if _in_article(above) else 0)
        if any(_is_apart(node) for node in (anchor, *above)):
            words -= 4
        group.words = max(group.words, words)
        group.aside = group.aside and any(_is_aside(node) for node in above)
        if _better(title, level, group):
            group.title, group.level = title, level

    def _block(self, group: _Group) -> LexborNode | None:
        """The largest element round its anchors that leads to no other article."""
        block = None
        for anchor in group.anchors:
            for node in _above(anchor):
                if len(self._around[node.mem_id]) > 1 or node.tag in ("body", "main", "html"):
                    break
                block = node
            if block is not None and (block.css_first("img") or len(group.anchors) == 1):
                break
        return block or (group.anchors[0] if group.anchors else None)

    def _picture(self, group: _Group, block: LexborNode | None) -> Media | None:
        for holder in (*group.anchors, *([block] if block is not None else ())):
            for image in holder.css("img, source"):
                if url := self._source(image):
                    return Media("image", url, alt=plain(image.attributes.get("alt"), 300))
        return None

    def _source(self, image: LexborNode) -> str:
        for name in _PICTURE:
            said = (image.attributes.get(name) or "").strip()
            first = said.split(",")[0].split()[0] if said and "srcset" in name else said
            if first and not _NO_PICTURE.search(first) and (url := absolute(first, self._base)):
                return url
        return ""


def _above(anchor: LexborNode) -> Iterable[LexborNode]:
    node = anchor.parent
    for _ in range(_AROUND):
        if node is None or node.tag in ("body", "html", "-undef"):
            return
        yield node
        node = node.parent


def _heading(anchor: LexborNode, above: list[LexborNode]) -> LexborNode | None:
    inside = anchor.css_first("h1, h2, h3, h4, h5, h6")
    return inside or next((node for node in above[:4] if node.tag in _HEADINGS), None)


def _title(anchor: LexborNode, heading: LexborNode | None) -> str:
    """The words of the heading where the anchor has no other words than those, else its own, or what it is called."""
    inside = heading is not None and anchor.css_first(heading.tag or "") is not None
    own = plain(heading.html if inside and heading is not None else anchor.html, _LONGEST_TITLE + 1)
    for text in (own, plain(anchor.attributes.get("aria-label")), plain(anchor.attributes.get("title"))):
        if text and len(text) <= _LONGEST_TITLE and not _NO_TITLE.fullmatch(text):
            return text
    return ""


def _of_title(title: str) -> int:
    """How much words look like a headline."""
    if not title:
        return -1
    if _CJK.search(title):
        return 2 if len(title) >= 8 else -1
    words = len(title.split())
    if words >= 5 or len(title) >= 35:
        return 2
    return 1 if words >= 3 else -1


def _better(title: str, level: int, group: _Group) -> bool:
    if not title:
        return False
    if bool(level) != bool(group.level):
        return bool(level)
    return len(title) > len(group.title) and not level


def _in_article(above: list[LexborNode]) -> bool:
    return any(node.tag == "article" for node in above)


def _names(node: LexborNode) -> str:
    return f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"


def _is_apart(node: LexborNode) -> bool:
    """Navigation, advertisement, and what else is on every page. A heading's or an article's own header is none."""
    if node.tag in ("nav", "footer"):
        return node.parent is None or node.parent.tag != "article"
    return node.attributes.get("role") in ("navigation", "contentinfo", "banner") or bool(_APART.search(_names(node)))


def _is_aside(node: LexborNode) -> bool:
    return node.tag == "aside" or bool(_ASIDE.search(_names(node)))


def _time(block: LexborNode | None) -> datetime | None:
    for node in block.css("time[datetime]") if block is not None else ():
        if at := moment(node.attributes.get("datetime")):
            return at
    return None


def _summary(block: LexborNode | None, title: str) -> str:
    """The longest paragraph in the block that is not the headline."""
    if block is None:
        return ""
    texts = [plain(node.html, 500) for node in block.css("p")]
    return max((text for text in texts if text != title and len(text) > 40), key=len, default="")
