"""Who wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import html

from .linked import clean
from .page import Page, text_of
from .titles import folded

_BY = re.compile(
    r"^(?:(?:written|words|text|story|report|reported|reporting|analysis|opinion|posted|published|created|"
    r"review|interview|photos?|edited|author|authors|autor(?:en|in|es|as)?|"
    r"auteur|autore|autor|автор|texte|tekst|texto|testo|reportage|kommentar|ein kommentar|eine analyse|"
    r"ein gastbeitrag|exclusive|foto|yazan|penulis|作者|文|撰文|記者|记者)\s*[:：/|]?\s*)?"
    r"(?:(?:by|von|vom|par|por|de|di|door|av|af|od|przez|tekst|autor|автор|от|oleh|bởi|yazan|a cura di|"
    r"propos recueillis par|recueilli par|aus [A-ZÄÖÜ]\w+ von)\b\s*[:：]?\s*)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:written|words|text|story|author|authors|autor(?:en|in|es|as|a)?|auteur|autore|автор|textes?|tekst|"
    r"texto|testo|penulis|作者|撰文|記者|记者|文)\s*[:：／/|]\s*",
    re.IGNORECASE,
)
# The same in scripts where a word does not end at a space, or its end is not seen by a regular expression.
_LABEL_ELSEWHERE = re.compile(
    r"^(?:بقلم|كتبت?|إعداد|تحرير|מאת|लेखक|लेखिका|द्वारा|रिपोर्ट|โดย|ผู้เขียน|γράφ(?:ει|ουν)(?: [οη]| οι)?|"
    r"tác giả|yazan|haber|muhabir|текст|(?:取材[・·]?)?文(?:[・·](?:写真|取材))?|(?:本[报報])?(?:特[约約])?[记記]者|"
    r"撰稿|취재|글)(?:\s*[:：/／=＝・|、]\s*|\s+)",
    re.IGNORECASE,
)
_CHINESE_REPORTERS = re.compile(r"(?:本[报報])?(?:特[约約])?[记記]者(?:\s+[\u4e00-\u9fff]{2,4}){2,}$")
_TITLE_AFTER = re.compile(
    r"(?<=\w)\s*(?:선임|수석|인턴)?\s*(?:기자|특파원|논설위원|記者|记者|特派員|編集委員)(?:\s+외\s+\d+명)?$"
)
_PLACE_BEFORE = re.compile(r"^[\[【(（][^\])）】]{1,30}[\])）】]\s*(?=\S)")
_BRACKETED = re.compile(r"^[(（]([^()（）]+)[)）]$")
_AND = re.compile(
    r"\s*[;|•·／、，]\s*|\s+(?:and|und|et|y|e|i|og|och|en|ja|ve|и|та|și|és|dan|và|a(?=\s[A-ZŠČŘŽ])|&|\+|with|mit|"
    r"avec|con|com)\s+(?=[^\Wa-z])|\s*,\s+(?:and\s+|und\s+|et\s+|y\s+|e\s+)?|\s+/\s+|(?<=\w)/(?=\w)",
)
_NO_NAME = re.compile(
    r"https?://|www\.|@\w|\.(?:com|org|net|de|co|html?|php)\b|[<>{}=*#]|\d{3,}|^\W*$|^\d+$", re.IGNORECASE
)
_ROLE = re.compile(
    r"\b(?:editor|reporter|correspondent|writer|staff|journalist|columnist|producer|contributor|analyst|chief|"
    r"director|head|"
    r"redakteur(?:in)?|korrespondent(?:in)?|chefredakteur(?:in)?|autor(?:in)? der|leiter(?:in)?|ressort\w*|"
    r"redacteur|rédact\w+|"
    r"journaliste|envoyée? spéciale?|correspondante?|periodista|redactora?|giornalista|inviato|redaktor|dziennikarz|"
    r"medewerker|verslaggever|professor|PhD|Ph\.D\.?|M\.D\.|MD|Jr\.?)\b",
    re.IGNORECASE,
)
_DESK = re.compile(
    r"(?:redaktion|redaction|rédaction|redacción|redazione|redakc\w+|redactie|redação|redakt\w+|редакция|newsroom|"
    r"\bnews ?desk|\beditors?\b|editorial|\bstaff\b|\bteam\b|\badmin\b|webmaster|administrator|\bdesk\b|"
    r"\bagenc\w+|agentur\w*|"
    r"\bwire\b|\bnews ?service|correspondents?$|mitarbeiter|contributors?$|^guest\b|\bpress release\b|"
    r"\bonline$|編集部|编辑部|編輯部)",
    re.IGNORECASE,
)
_AGENCY = frozenset(
    [
        "afp",
        "ap",
        "apa",
        "dpa",
        "dpaafx",
        "reuters",
        "epd",
        "kna",
        "sid",
        "ansa",
        "efe",
        "lusa",
        "belga",
        "tt",
        "ntb",
        "ritzau",
        "pap",
        "čtk",
        "ctk",
        "tasr",
        "mti",
        "upi",
        "pa",
        "pti",
        "ians",
        "ani",
        "xinhua",
        "tass",
        "interfax",
        "aap",
        "cp",
        "afx",
        "jiji",
        "kyodo",
        "yonhap",
        "bloomberg",
        "anp",
        "stt",
        "tanjug",
        "unian",
        "ukrinform",
    ]
)
_BYLINE = re.compile(
    r"(?:^|[\s_-])(?:by-?line|authors?|author-?names?|author_name|article-?author|post-?author|entry-?author|"
    r"autor|autoren|auteur|autore|writer|"
    r"contributor|c-byline|signature|p-author|vcard)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MAX = 12
_MAX_SIGNATURE = 90
_FOREIGN = frozenset(("related", "comment", "frame", "advert", "share"))


def authors_of(page: Page, site: str, hints: list[str]) -> tuple[list[str], str]:
    """Names in the page's order, and who gave them. Desks and agencies only where there is no person."""
    sources: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("json-ld", lambda: _linked(page)),
        ("meta", lambda: _metas(page)),
        ("microdata", lambda: _marked(page)),
        ("byline", lambda: _bylines(page)),
        ("text", lambda: _written(page)),
        ("source", lambda: hints),
    )
    desks: tuple[list[str], str] = [], ""
    for name, read in sources:
        found = _distinct([person for text in read() for person in names_in(text)])
        persons = [one for one in found if not _is_desk(one, site, page)]
        if persons:
            return persons[:_MAX], name
        if found and not desks[0]:
            desks = found[:_MAX], name
    return desks


def names_in(text: str) -> list[str]:
    """The names of one byline, however it joins them: `By Ann Lee and Bo Li, Political Editor`."""
    text = clean(text).strip(" ,.;:|–—-•")
    if not text or len(text) > 300 or text.lower() in ("null", "none", "undefined", "unknown", "n/a", "false", "true"):
        return []
    text = _PLACE_BEFORE.sub("", _BRACKETED.sub(r"\1", text))
    if _CHINESE_REPORTERS.match(text):
        text = text.replace(" ", "、")
    text = _LABEL_ELSEWHERE.sub("", _LABEL.sub("", text))
    text = _BY.sub("", text) or text
    text = re.sub(r"\s*[(\[（][^)\]）]{0,60}[)\]）]", "", text)
    text = re.sub(r"\S+@\S+", "", text).strip()
    text = _TITLE_AFTER.sub("", text)
    found: list[str] = []
    for part in _AND.split(text):
        name = re.sub(r"^(?:by|von|par|por|and|und)\s+", "", (part or "").strip(' ,.;:|–—-•"“”'), flags=re.IGNORECASE)
        if name and _may_be_name(name) and not (found and _ROLE.search(name)):
            found.append(name)
    return found


def _may_be_name(text: str) -> bool:
    return 1 < len(text) <= 60 and len(text.split()) <= 7 and not _NO_NAME.search(text)


def _is_desk(name: str, site: str, page: Page) -> bool:
    key = folded(name)
    own = {folded(one) for one in (site, page.meta("og:site_name")) if one}
    host = folded(re.sub(r"^[a-z]+://(?:www\.)?|[/?#:].*$", "", page.url.lower()))
    return bool(
        _DESK.search(name)
        or key in _AGENCY
        or key in own
        or key == host
        or all(folded(one) in _AGENCY for one in name.split())
    )


def _distinct(names: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        shown = name.title() if name.isupper() and len(name) > 5 and " " in name else name
        found.setdefault(folded(name), shown)
    return list(found.values())


# ── sources ──


def _linked(page: Page) -> list[str]:
    linked = page.linked
    for member in ("author", "creator", "contributor"):
        names = [name for one in linked.many(linked.first(member)) for name in _named(one, page)]
        if names:
            return names
    return []


def _named(one: Any, page: Page) -> list[str]:
    if isinstance(one, str):
        return [] if one.startswith(("http://", "https://", "/")) else [one]
    if not isinstance(one, dict):
        return []
    names = page.linked.texts(one.get("name"))
    if not names and (one.get("givenName") or one.get("familyName")):
        names = [" ".join(page.linked.texts([one.get("givenName"), one.get("familyName")]))]
    return names


def _metas(page: Page) -> list[str]:
    for name in (
        "author",
        "article:author",
        "dc.creator",
        "dcterms.creator",
        "parsely-author",
        "sailthru.author",
        "byl",
        "citation_author",
        "dc:creator",
        "article:author_name",
        "og:author",
        "cxenseparse:author",
        "article.author",
    ):
        found = [text for text in page.metas.get(name, []) if not text.startswith(("http://", "https://", "/"))]
        if found and any(names_in(text) for text in found):
            return found
    return []


def _marked(page: Page) -> list[str]:
    found = page.tree.xpath("//*[contains(concat(' ', @itemprop, ' '), ' author ')]")[:_MAX]
    texts = []
    for element in found:
        named = element.xpath(".//*[contains(concat(' ', @itemprop, ' '), ' name ')]")[:3]
        texts += [text for one in named or [element] if (text := one.get("content") or text_of(one))]
    return texts


def _bylines(page: Page) -> list[str]:
    """Links to authors, then elements called byline, outside of comments and of teasers of other articles."""
    linked = [
        one
        for one in page.tree.xpath("//a[contains(concat(' ', @rel, ' '), ' author ')]")[:_MAX]
        if not _elsewhere(one)
    ]
    texts = [text for one in linked if (text := text_of(one)) and len(text) < 80]
    if texts:
        return texts[:3]
    for element in page.tree.iter("span", "p", "div", "a", "address", "li", "cite", "h2", "h3", "h4", "strong"):
        marks = f"{element.get('class') or ''} {element.get('data-testid') or ''}"
        if _BYLINE.search(marks) and not _elsewhere(element):
            text = text_of(element)
            if 3 < len(text) < 100 and names_in(text):
                return [_name_part(element, text)]
    return []


_SIGNED = re.compile(
    r"^\W*(?:(?:written|words|text|story|report)\s+)?(?:by|von|par|por|di|door|av|af|przez|autor(?:a|in|es)?|"
    r"auteur|autore|oleh|bởi|автор|του|της)\b\s*:?\s+(?=\S)",
    re.IGNORECASE,
)
_SMALL = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "das",
        "di",
        "del",
        "della",
        "van",
        "der",
        "den",
        "von",
        "zu",
        "la",
        "le",
        "el",
        "al",
        "bin",
        "ben",
        "y",
        "e",
        "af",
        "av",
        "i",
    ]
)
_NEAR = 10
"""Blocks behind the heading, and at the end, among which a signature is looked for."""


def _written(page: Page) -> list[str]:
    """A line that nobody calls a byline, but that is one: `By Ann Lee` under the heading, `홍길동 기자` at the end."""
    blocks = [one for one in page.blocks if not one.marks & _FOREIGN and not one.above & {"aside", "footer", "nav"}]
    heading = next((at for at, one in enumerate(blocks) if one.tag == "h1"), -1)
    near = [*blocks[heading + 1 : heading + 1 + _NEAR], *blocks[-_NEAR:]]
    return next((names for block in near if (names := signed_by(block.text))), [])


def signed_by(text: str) -> list[str]:
    """The names in a line that is a signature and nothing else; none in any other line."""
    if len(text) > _MAX_SIGNATURE or text.endswith((".", "!", "?", "。")):
        return []
    found = names_in(_SIGNED.sub("", text)) if _SIGNED.match(text) or _is_signed_elsewhere(text) else []
    return found if all(_is_written_as_name(one) for one in found) else []


def _is_signed_elsewhere(text: str) -> bool:
    inner = _BRACKETED.sub(r"\1", text.strip())
    bare = re.sub(r"\s*\S+@\S+\s*$", "", inner)
    return bool(_LABEL_ELSEWHERE.match(inner) or _LABEL.match(inner) or _TITLE_AFTER.search(bare))


def _is_written_as_name(text: str) -> bool:
    """Two to five words with capitals, or, where there are none, a few short words."""
    words = text.split()
    if any(char.isupper() or char.islower() for char in text):
        return 2 <= len(words) <= 5 and all(word[0].isupper() or word.casefold() in _SMALL for word in words)
    return len(words) <= 4 and 2 <= len(text) <= (40 if len(words) > 1 else 8)


def _name_part(element: html.HtmlElement, text: str) -> str:
    links = [text_of(one) for one in element.iter("a")][:4]
    links = [one for one in links if one and _may_be_name(one) and " " in one]
    return "; ".join(links) or text


_OTHERS = re.compile(r"comment|related|teaser|sidebar|footer|recommend|popular|widget|most-?read", re.IGNORECASE)


def _elsewhere(element: html.HtmlElement) -> bool:
    return any(
        _OTHERS.search(f"{one.get('class') or ''} {one.get('id') or ''}") or one.tag in ("aside", "footer", "nav")
        for one in (element, *element.iterancestors())
        if one.tag not in ("body", "html")
    )
