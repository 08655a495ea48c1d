"""The headline: what the page, its search-engine data and its social cards agree on, as the reader sees it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import html

from .linked import clean
from .page import Page, text_of

_SEPARATOR = re.compile(
    r"\s+[|\-–—·•»«:/~›]+\s+|\s*[|｜ㅣ»]\s*|\s+::\s+|--+|_(?=[^\sA-Za-z0-9])|(?<=[^\sA-Za-z0-9])_|\s-(?=\S)|"
    r"(?<=\S)[-—–]\s"
)
# What stands before the name of a site only; hyphens and colons where words are not set apart by spaces.
_BEFORE_SITE = re.compile(r"\s*[|｜ㅣ]\s*|\s+[•»]\s+|\s+::\s+|(?<=[\u3040-\u9fff\uac00-\ud7a3？！])[_:-](?=[^\s\d])")
_MAX = 400
_MAX_HEADINGS = 40


@dataclass(frozen=True, slots=True)
class Title:
    """A headline and who gave it."""

    text: str
    source: str


def title_of(page: Page, site: str, hint: str) -> Title:
    """Empty where the page has none at all."""
    headlines = [text for member in ("headline", "name") if (text := page.linked.text(member))][:1]
    headlines += _attributed(page)
    social = [_without_site(text, site, page) for text in (page.meta("og:title"), page.meta("twitter:title")) if text]
    document = _without_site(clean(page.tree.findtext(".//title") or "")[:_MAX], site, page)
    told = [text for text in (*headlines, *social, hint, document) if text]
    agreed = _agreed(headlines, social, hint)
    seen = _seen(page, told)
    if seen and not (agreed and _likeness(seen.text, agreed) < 0.5):
        return seen
    if agreed:
        return Title(agreed, "agreement")
    if headlines:
        return Title(headlines[0], "json-ld")
    if social:
        return Title(social[0], "open graph")
    return Title(document, "title") if document else Title(hint, "source")


def _agreed(headlines: list[str], social: list[str], hint: str) -> str:
    """What search engines and social networks are told alike, where it is not the site's name."""
    others = {folded(text) for text in (*social, hint)}
    return next((text for text in headlines if folded(text) in others and len(folded(text)) > 12), "")


def _attributed(page: Page) -> list[str]:
    found = page.tree.xpath("//*[contains(concat(' ', @itemprop, ' '), ' headline ')]")[:3]
    return [text for element in found if element.tag != "meta" and (text := text_of(element)) and len(text) < _MAX]


def _seen(page: Page, told: list[str]) -> Title | None:
    """The heading that those who speak of the page mean. Of a heading in parts, the part that they mean."""
    best: tuple[float, str] | None = None
    for element in _headings(page):
        for at, text in enumerate(_readings(element)):
            likeness = [_likeness(text, other) for other in told]
            # A part counts for itself only where somebody calls exactly that the title.
            if text and (at == 0 or 1.0 in likeness) and (best is None or sum(likeness) > best[0] + 1e-9):
                best = sum(likeness), text
    if best is not None and (best[0] >= 0.6 or not told):
        return Title(best[1], "heading")
    return None


def _headings(page: Page) -> list[html.HtmlElement]:
    """Of the first order; without those that lead home, which are the site's name."""
    found = page.tree.xpath("//h1")[:_MAX_HEADINGS]
    own = {
        folded(name)
        for name in (page.meta("og:site_name"), page.meta("application-name"), *_labels(page), _last_part(page))
    }
    return [
        one
        for one in found
        if folded(text_of(one)) not in own and not any(_leads_home(page, link) for link in one.iter("a"))
    ]


def _last_part(page: Page) -> str:
    """What stands behind the last separator of the document's title, where more stands before it: the site's name."""
    text = clean(page.tree.findtext(".//title") or "")[:_MAX]
    cuts = list(_SEPARATOR.finditer(text))
    tail = text[cuts[-1].end() :].strip() if cuts else ""
    return tail if tail and len(tail) < len(text) / 2 else ""


def _leads_home(page: Page, link: html.HtmlElement) -> bool:
    return urlsplit(page.absolute(link.get("href") or "#")).path in ("", "/")


def _readings(element: html.HtmlElement) -> list[str]:
    """A heading as a whole, and each of its parts: some begin with a kicker, or end with a subscription badge."""
    whole = text_of(element)
    if len(whole) > _MAX:
        return []
    parts = [text_of(child) for child in element if isinstance(child.tag, str)]
    tails = [clean(child.tail or "") for child in element]
    return list(dict.fromkeys([whole, *parts, *tails, clean(element.text or "")]))


def _likeness(one: str, other: str) -> float:
    """1 for the same letters; less for what has most words in common."""
    left, right = folded(one), folded(other)
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    if min(len(left), len(right)) >= 12 and (left in right or right in left):
        return 0.55 + 0.4 * min(len(left), len(right)) / max(len(left), len(right))
    words, others = set(_words(one)), set(_words(other))
    share = len(words & others) / max(1, len(words | others))
    return share if share >= 0.4 else 0.0


def folded(text: str) -> str:
    """Letters and digits, for comparing."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _without_site(text: str, site: str, page: Page) -> str:
    """Without the site's name (and a section before it) at the end or at the beginning."""
    text = text[:_MAX]
    names = {folded(name) for name in (site, page.meta("og:site_name"), page.meta("application-name"), *_labels(page))}
    names.discard("")
    headings = {folded(text_of(element)) for element in _headings(page)}
    cuts = list(_SEPARATOR.finditer(text))
    for cut in cuts:
        head, tail = text[: cut.start()].strip(), text[cut.end() :].strip()
        if folded(head) in headings and len(head) > 8:
            return head
        if folded(tail) in headings and len(tail) > 8:
            return tail
    for cut in cuts:
        head, tail = text[: cut.start()].strip(), text[cut.end() :].strip()
        if head and _is_site(tail, names):
            return head
    if cuts and _is_site(text[: cuts[0].start()], names):
        return text[cuts[0].end() :].strip()
    return _without_tail(text)


def _without_tail(text: str) -> str:
    """Without a short end behind a sign that headlines have not."""
    cut = next(iter(_BEFORE_SITE.finditer(text)), None)
    head, tail = (text[: cut.start()].strip(), text[cut.end() :]) if cut else (text, "")
    return head if tail and len(tail) < 0.75 * len(head) else text


def _is_site(text: str, names: set[str]) -> bool:
    key = folded(text)
    return bool(key) and (
        key in names
        or any(
            len(name) > 3 and (key.startswith(name) or key.endswith(name)) and len(key) <= len(name) + 15
            for name in names
        )
    )


def _labels(page: Page) -> list[str]:
    """The site's name as its address has it: `example` and `example.com`."""
    host = re.sub(r"^[a-z]+://(?:www\.)?|[/?#:].*$", "", page.url.lower())
    labels = host.split(".")
    return [host, *(label for label in labels[:-1] if len(label) > 3)]
