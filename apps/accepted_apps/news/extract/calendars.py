"""Dates in other scripts and calendars, rewritten as those of Europe, before they are read."""

from __future__ import annotations

import re
import unicodedata

_MONTHS = (
    "يناير|كانون الثاني|جانفي|ינואר|जनवरी|มกราคม|ม.ค.",
    "فبراير|شباط|فيفري|פברואר|फरवरी|फ़रवरी|กุมภาพันธ์|ก.พ.",
    "مارس|آذار|מרץ|מרס|मार्च|มีนาคม|มี.ค.",
    "أبريل|إبريل|ابريل|نيسان|أفريل|אפריל|अप्रैल|เมษายน|เม.ย.",
    "مايو|أيار|ايار|ماي|מאי|मई|พฤษภาคม|พ.ค.",
    "يونيو|حزيران|جوان|יוני|जून|มิถุนายน|มิ.ย.",
    "يوليو|تموز|جويلية|יולי|जुलाई|กรกฎาคม|ก.ค.",
    "أغسطس|اغسطس|آب|أوت|אוגוסט|अगस्त|สิงหาคม|ส.ค.",
    "سبتمبر|أيلول|ايلول|ספטמבר|सितंबर|सितम्बर|กันยายน|ก.ย.",
    "أكتوبر|اكتوبر|تشرين الأول|אוקטובר|अक्टूबर|अक्तूबर|ตุลาคม|ต.ค.",
    "نوفمبر|تشرين الثاني|נובמבר|नवंबर|नवम्बर|พฤศจิกายน|พ.ย.",
    "ديسمبر|كانون الأول|דצמבר|दिसंबर|दिसम्बर|ธันวาคม|ธ.ค.",
)
_NAMES = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_WRITTEN = "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))
# `6 مايو/أيار 2024`, `6 במאי 2024`, `6 พ.ค. 2567`: the day, the month (under both of its names), the year.
_DAY_MONTH_YEAR = re.compile(
    rf"(?<!\d)(\d{{1,2}})\s*[,،]?\s*ב?({_WRITTEN})(?:\s*/\s*(?:{_WRITTEN}))?\s*[,،]?\s*(\d{{2,4}})(?!\d)"
)
_VIETNAMESE = re.compile(r"(\d{1,2})\s+tháng\s+(\d{1,2})\s*(?:,|năm)\s*(\d{4})", re.IGNORECASE)
_DOTTED = re.compile(r"(?<!\d)(\d{4})\.\s(\d{1,2})\.\s(\d{1,2})\.?")
_YEAR_FIRST = re.compile(r"(?:^(\d{4})|(?<!\d)(\d{4})(?:\.|\s?m\.))\s([^\W\d]{3,12})\.?\s(\d{1,2})(?!\d)(?:\.|\s?d\.)?")
_ERA = re.compile(r"(令和|平成)(\d{1,2}|元)年")
_ERAS = {"令和": 2018, "平成": 1988}
_HALF = re.compile(
    r"(오전|오후|上午|下午|午前|午後|凌晨|晚上|晩上|صباحا|مساء)\s*(\d{1,2})\s*[:시時时点點]\s*(\d{1,2})?\s*[분分]?"
)
_LATE = frozenset(["오후", "下午", "午後", "晚上", "晩上", "مساء"])
_BUDDHIST = 543
_OTHERS = re.compile(r"[^\x00-\u024f]|tháng|\d{4}\.?\s")


def westernised(text: str) -> str:
    """ASCII digits, months and halves of the day as English has them, years of our era."""
    if not _OTHERS.search(text):
        return text
    text = "".join(str(unicodedata.digit(char)) if char.isdigit() and char.isdecimal() else char for char in text)
    text = _ERA.sub(lambda found: f"{_ERAS[found[1]] + (1 if found[2] == '元' else int(found[2]))}年", text)
    text = _HALF.sub(_clock, text)
    text = _VIETNAMESE.sub(r"\3-\2-\1", text)
    text = _DOTTED.sub(r"\1-\2-\3", text)
    text = _DAY_MONTH_YEAR.sub(_day, text)
    return _YEAR_FIRST.sub(lambda found: f"{found[4]} {found[3]} {found[1] or found[2]}", text)


def _clock(found: re.Match[str]) -> str:
    hour = int(found[2]) % 12 + (12 if found[1] in _LATE else 0)
    return f" {hour:02}:{int(found[3] or 0):02} "


def _day(found: re.Match[str]) -> str:
    year = int(found[3])
    if "\u0e00" <= found[2][0] <= "\u0e7f":
        year = (year + 2500 if year < 100 else year) - _BUDDHIST
    return f"{year:04}-{_NAMES[found[2]]:02}-{int(found[1]):02} "
