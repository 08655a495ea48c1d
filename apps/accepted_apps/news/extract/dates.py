"""When it was published and changed: to the second where the page tells it, at least the day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from lxml import html

from .calendars import westernised
from .linked import clean
from .page import Page, text_of
from .zones import zone_of

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:(?:\s*[T,]\s*|\s+(?:at\s+)?)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|"
    r"[+-]\d{2}:?\d{2}|[+-]\d{2}(?!\d))?)?"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?\s*(Z|[+-]\d{2}:?\d{2})?)?$")
_CJK = re.compile(
    r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?(?:\D{0,12}?(\d{1,2})[:時时시]\s*(\d{1,2}))?"
)
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})(?!\d)")
_NAMED = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?\s+(?:de\s+|of\s+|d[’'])?([^\W\d]{3,12})\.?,?\s+(?:de\s+|"
    r"del\s+)?(\d{4})(?!\d)"
)
_NAMED_US = re.compile(r"([^\W\d]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)")
_CLOCK = re.compile(r"(?<![\d.])(\d{1,2})[:.h](\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?(?!\d)", re.IGNORECASE)
_ZONE = re.compile(
    r"\b(UTC|GMT|BST|CEST|CET|MESZ|MEZ|EEST|EET|WEST|WET|MSK|EDT|EST|CDT|CST|MDT|MST|PDT|PST|ET|PT|IST|JST|"
    r"KST|AEST|AEDT)\b"
)
# Hours east of Greenwich. CST, IST and ET mean several things; these are the ones that newspapers write.
_ZONES = {
    "UTC": 0, "GMT": 0, "BST": 1, "CEST": 2, "CET": 1, "MESZ": 2, "MEZ": 1, "EEST": 3, "EET": 2, "WEST": 1,
    "WET": 0, "MSK": 3, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8,
    "ET": -5, "PT": -8, "IST": 5.5, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip
_URL_DAY = re.compile(
    r"/((?:19|20)\d{2})(?:[/_-]?(0[1-9]|1[0-2]|[a-z]{3})[/_-]?(0[1-9]|[12]\d|3[01])|/(\d{1,2})/(\d{1,2}))(?!\d)",
    re.IGNORECASE,
)
# The first letters by which months are told apart, per month, in the languages of Europe and around.
_MONTHS = (
    "jan jän ene gen ja\u0301n led sty stycz янв січ ιαν oca ιανουαρ tam sau sij",
    "feb fév fev febb únor úno lut фев лют φεβ şub vas velj",
    "mar mär mrz maa mrt már bře březen мар бер μαρ kov ožu",
    "apr abr avr ápr dub kwi апр кві απρ nis bal tra",
    "may mai maj mag máj mei mayo kvě май мая тра μαι μαϊ maí svi gegužės toukok",
    "jun juin giu giugno júin jún čer červen cze июн чер ιουν haz bir lip",
    "jul juil lug júl čvc července lip июл лип ιουλ tem liep srp",
    "aug ago aoû aou ágú srp sie авг сер αυγ ağu rugp kol elok",
    "sep set sept zář wrz сен вер σεπ eyl rugs ruj syysk",
    "oct okt ott out říj paź окт жов οκτ eki spal lis",
    "nov lis ноя лис νοε kas lapkr stu marrask",
    "dec dez dic déc dés pro gru дек гру δεκ ara gruod joulu",
)
_FIRST, _AHEAD = 1970, timedelta(days=2)
_MAX = 40
_LETTERS = re.compile(r"[^\W\d_]")
_MAX_LINE, _MAX_LETTERS = 60, 30
_MOMENT = timedelta(seconds=1)
_MOVED = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a page writes it. day_only: nobody says the time. zoned: the offset is the page's own, not assumed."""

    at: datetime
    day_only: bool
    zoned: bool
    source: str


def published(page: Page, hint: datetime | None) -> Moment | None:
    """The best-known time of the first publication."""
    found = [one for one in _publications(page) if one is not None]
    if hint is not None:
        found.append(Moment(hint, False, True, "source"))
    # What the address says is late for a day, but a site that has moved says the day of that of all its articles.
    addressed = [one for one in found if one.source == "url" and found[0].at - one.at > _MOVED]
    moment = _refined([*addressed, *found]) if found else _searched(page)
    return _local(page, moment, found) if moment and not moment.day_only else moment


def updated(page: Page, since: Moment | None) -> datetime | None:
    """The last change that the page tells, if it is later than the publication."""
    texts = page.linked.texts(page.linked.first("dateModified"))
    texts += [
        page.meta(name)
        for name in (
            "article:modified_time",
            "og:updated_time",
            "last-modified",
            "datemodified",
            "dcterms.modified",
            "article:modified",
        )
    ]
    for text in texts:
        moment = parsed(text, "")
        if moment and (since is None or moment.at > since.at):
            return moment.at
    return None


def _publications(page: Page) -> Iterator[Moment | None]:
    for member in ("datePublished", "dateCreated", "uploadDate"):
        for text in page.linked.texts(page.linked.first(member)):
            yield parsed(text, "json-ld")
    for name in _METAS:
        yield parsed(page.meta(name), "meta")
    for element in page.tree.xpath("//*[contains(@itemprop, 'datePublished')]")[:3]:
        yield parsed(element.get("content") or element.get("datetime") or text_of(element), "microdata")
    for node in page.linked.page:
        for text in page.linked.texts(node.get("datePublished")):
            yield parsed(text, "json-ld")
    yield _from_address(page.url)
    yield from _times(page)


_METAS = (
    "article:published_time", "og:article:published_time", "article:published", "datepublished",
    "og:published_time", "date.issued", "dcterms.created", "dcterms.issued", "dcterms.date", "dc.date.issued",
    "dc.date.created", "dc.date", "parsely-pub-date", "sailthru.date", "publishdate", "publish_date",
    "publish-date", "publication_date", "published_time", "pubdate", "pub_date", "ptime",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "originalpublicationdate",
    "article_date_original", "article.published", "citation_publication_date", "bt:pubdate", "release_date",
    "date_published", "displaydate", "date", "og:pubdate", "rnews:datepublished", "og:regdate",
    "article:created", "lastpublished",
)  # fmt: skip


def _times(page: Page) -> Iterator[Moment | None]:
    """Elements that hold a time, the ones called publication first."""
    elements = [one for one in page.tree.iter("time") if one.get("datetime")][:_MAX]
    named = [
        one
        for one in elements
        if re.search(r"publi|pubdate|entry-date|post-date|article-date|created", _marks(one), re.IGNORECASE)
        or one.get("pubdate") is not None
    ]
    inside = [
        one
        for one in elements
        if next(one.iterancestors("article", "header", "main"), None) is not None
        and not _OTHERS.search(_marks_above(one))
    ]
    for one in (*named[:1], *inside[:1]):
        yield parsed(one.get("datetime", ""), "time")


_OTHERS = re.compile(
    r"comment|related|teaser|sidebar|footer|recommend|popular|widget|most-?read|aside|nav\b", re.IGNORECASE
)


def _marks(element: html.HtmlElement) -> str:
    return f"{element.get('class') or ''} {element.get('itemprop') or ''} {element.get('id') or ''}"


def _marks_above(element: html.HtmlElement) -> str:
    return " ".join(f"{one.tag} {_marks(one)}" for one in element.iterancestors() if one.tag not in ("body", "html"))


def _from_address(url: str) -> Moment | None:
    match = _URL_DAY.search(url)
    if not match:
        return None
    named, day = match[2] or match[4], match[3] or match[5]
    month = int(named) if named.isdigit() else month_of(named)
    return _moment(int(match[1]), month or 0, int(day), None, "url")


def _refined(found: list[Moment]) -> Moment:
    """The first one, or another that says the same more exactly: the time of that day, the offset of that time."""
    first = found[0]
    if first.day_only:
        for one in found:
            if not one.day_only and one.source != "time" and one.at.date() == first.at.date():
                return one
        return next((one for one in found if not one.day_only and one.at.date() == first.at.date()), first)
    if not first.zoned:
        for one in found:
            if (
                one.zoned
                and not one.day_only
                and abs(one.at.replace(tzinfo=UTC) - first.at.replace(tzinfo=UTC)) < timedelta(seconds=60)
            ):
                return one
    return first


def _local(page: Page, moment: Moment, found: list[Moment]) -> Moment:
    """The same time by the clock of its readers, so that its day is the one that they know."""
    zone = zone_of(page.url, page.tree.get("lang") or page.meta("og:locale"))
    if not moment.zoned:
        return replace(moment, at=_fixed(moment.at.replace(tzinfo=zone))) if zone else moment
    if moment.at.utcoffset():
        return moment
    others = [one.at for one in found if not one.day_only and (one.at.utcoffset() or not one.zoned)]
    # Whoever writes Z behind the time of another place is wrong.
    mistaken = next((at for at in others if at.utcoffset() and _clock(at) == _clock(moment.at)), None)
    offset = next((offset for at in others if (offset := _offset_of(at, moment.at))), None)
    if mistaken is not None:
        return replace(moment, at=mistaken)
    if offset or zone:
        return replace(moment, at=_fixed(moment.at.astimezone(offset or zone)))
    day = next((one.at.date() for one in found if one.source == "url"), moment.at.date())
    return replace(moment, at=next((at for at in _elsewhere(moment.at) if at.date() == day), moment.at))


def _fixed(at: datetime) -> datetime:
    """With its offset in place of its zone: in the hour that comes twice, times of two zones are never equal."""
    return at.replace(tzinfo=timezone(at.utcoffset() or timedelta(0)), fold=0)


def _clock(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def _offset_of(local: datetime, universal: datetime) -> timezone | None:
    """The offset from Greenwich by which one says the time of the other; None if it says another time."""
    ahead = _clock(local) - _clock(universal)
    same = abs(local - universal) < _MOMENT if local.utcoffset() else local.second == universal.second != 0
    whole = ahead % timedelta(minutes=15) < _MOMENT and abs(ahead) <= timedelta(hours=14)
    return timezone(timedelta(minutes=round(ahead / timedelta(minutes=1)))) if same and whole and ahead else None


def _elsewhere(at: datetime) -> Iterator[datetime]:
    """The same time by clocks farther and farther from Greenwich."""
    for hours in range(13):
        yield from (at.astimezone(timezone(timedelta(hours=sign * hours))) for sign in (-1, 1))


def _searched(page: Page) -> Moment | None:
    """The day that is written on the page, near the headline first."""
    for text in _lines(page):
        moment = parsed(text, "text")
        if moment:
            return moment
    return _guessed(page)


def _lines(page: Page) -> Iterator[str]:
    called = [
        one
        for one in page.tree.iter("span", "div", "p", "time", "li", "em", "small", "strong", "a", "td", "abbr")
        if re.search(r"date|time|publi|posted|byline|meta|datum|fecha|stand", _marks(one), re.IGNORECASE)
        and not _OTHERS.search(_marks_above(one))
    ]
    for one in called[:_MAX]:
        text = text_of(one) if len(one) < 20 else ""
        if text and len(text) < 160:
            yield text


def _guessed(page: Page) -> Moment | None:
    from htmldate import find_date

    try:
        text = find_date(
            page.tree,
            url=page.url or None,
            original_date=True,
            extensive_search=True,
            max_date=_latest().date().isoformat(),
        )
    except Exception:
        # A guesser of dates: it stumbles over pages that no person wrote, which then have no date.
        return None
    return parsed(text or "", "htmldate")


# ── reading ──


def is_date(text: str) -> bool:
    """Whether a line is a date, with a few words at most: `Updated on May 6, 2024 at 7:08 PM`."""
    return len(text) < _MAX_LINE and len(_LETTERS.findall(text)) < _MAX_LETTERS and parsed(text, "") is not None


def parsed(text: str, source: str) -> Moment | None:
    """A time in any of the usual notations; None for anything else, and for what lies before 1970 or in the future."""
    text = westernised(clean(text)[:200])
    if not text:
        return None
    for read in (_iso, _compact, _epoch, _mail, _cjk, _named, _numeric):
        moment = read(text, source)
        if moment is not None:
            return moment
    return None


def _iso(text: str, source: str) -> Moment | None:
    match = _ISO.search(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    clock = (
        None if hour is None else (int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(6, "0")[:6]))
    )
    if zone is None and clock and (named := _ZONE.search(text[match.end() :])):
        return _moment(int(year), int(month), int(day), clock, source, _named_zone(named[1]))
    return _moment(int(year), int(month), int(day), clock, source, _offset(zone))


def _compact(text: str, source: str) -> Moment | None:
    match = _COMPACT.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    clock = None if hour is None else (int(hour), int(minute), int(second or 0), 0)
    return _moment(int(year), int(month), int(day), clock, source, _offset(zone))


def _epoch(text: str, source: str) -> Moment | None:
    if not re.fullmatch(r"1\d{9}(?:\d{3})?(?:\.\d{1,6})?", text):
        return None
    seconds = float(text) / (1000 if float(text) > 1e11 else 1)
    return _sane(Moment(datetime.fromtimestamp(seconds, UTC), False, True, source))


def _mail(text: str, source: str) -> Moment | None:
    if not re.match(r"(?:[A-Z][a-z]{2}, ?)?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d?:\d\d", text):
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError):
        return None
    return _sane(Moment(at if at.tzinfo else at.replace(tzinfo=UTC), False, at.tzinfo is not None, source))


def _cjk(text: str, source: str) -> Moment | None:
    match = _CJK.search(text)
    if not match:
        return None
    clock = (int(match[4]), int(match[5]), 0, 0) if match[4] else None
    return _moment(int(match[1]), int(match[2]), int(match[3]), clock, source)


def _named(text: str, source: str) -> Moment | None:
    for pattern, day_at, month_at in ((_NAMED, 1, 2), (_NAMED_US, 2, 1)):
        for match in pattern.finditer(text):
            month = month_of(match[month_at])
            if month:
                return _with_clock(text, match, (int(match[3]), month, int(match[day_at])), source)
    return None


def _numeric(text: str, source: str) -> Moment | None:
    match = _DAY_FIRST.search(text)
    if not match:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    # With slashes, twelve and less are ambiguous; most of the world writes the day first.
    day, month = (second, first) if second > 12 else (first, second)
    return _with_clock(text, match, (year, month, day), source)


def _with_clock(text: str, match: re.Match[str], day: tuple[int, int, int], source: str) -> Moment | None:
    rest = text[: match.start()] + " " * 3 + text[match.end() :]
    found = _CLOCK.search(rest)
    clock = None
    if found:
        hour = int(found[1])
        if found[4]:
            hour = hour % 12 + (12 if found[4][0] in "pP" else 0)
        clock = (hour, int(found[2]), int(found[3] or 0), 0)
    named = _ZONE.search(rest)
    return _moment(*day, clock, source, _named_zone(named[1]) if named and clock else None)


def month_of(word: str) -> int | None:
    """1 to 12 by the first letters of the month's name; None for other words."""
    word = word.casefold()
    best: tuple[int, int] | None = None
    for number, names in enumerate(_MONTHS, 1):
        for name in names.split():
            if word.startswith(name) and (best is None or len(name) > best[0]):
                best = len(name), number
    return best[1] if best else None


Clock = tuple[int, int, int, int]


def _moment(
    year: int, month: int, day: int, clock: Clock | None, source: str, zone: timezone | None = None
) -> Moment | None:
    try:
        hour, minute, second, microsecond = clock or (0, 0, 0, 0)
        at = datetime(year, month, day, hour, minute, second, microsecond, zone or UTC)
    except ValueError:
        if clock is None:
            return None
        return _moment(year, month, day, None, source)
    return _sane(Moment(at, clock is None, zone is not None, source))


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 15 or minutes > 59:
        return None
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))


def _named_zone(name: str) -> timezone:
    return timezone(timedelta(hours=_ZONES[name]))


def _sane(moment: Moment) -> Moment | None:
    return moment if moment.at.year >= _FIRST and moment.at <= _latest() else None


def _latest() -> datetime:
    """Clocks and zones differ by a day; what is announced for later is no publication."""
    return datetime.now(UTC) + _AHEAD
