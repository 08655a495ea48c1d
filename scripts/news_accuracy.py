"""How well the news extractor reads real pages, beside single libraries.

    python scripts/news_accuracy.py FOLDER… [--jobs 2] [--with trafilatura …] [--json FILE]

Each FOLDER holds pages and `gold.jsonl`, one object a line: `file`, `url`, and whatever is known of `text` (paragraphs
separated by line breaks), `with` and `without` (sentences that belong to the article, and that do not), `title`,
`authors` and `date` (ISO 8601: a day, or a time with its offset). The pages are other people's work and are not in the
repository; docs/news.md says where the ones of its table come from.

Text is scored in two ways. tokens: multisets of words, the mean of the pages' F1. shingles: runs of four words, as the
benchmark of scrapinghub/article-extraction-benchmark does it. Characters of scripts without spaces count as words.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯฀-๿]|[^\W぀-ヿ㐀-䶿一-鿿豈-﫿가-힯฀-๿]+")


@dataclass(frozen=True)
class Found:
    """What a reader says of a page. day: as written; moment: where a time with an offset is known."""

    text: str = ""
    title: str = ""
    authors: list[str] = field(default_factory=list)
    day: date | None = None
    moment: datetime | None = None


@dataclass(frozen=True)
class Page:
    """A page and what is known of it."""

    body: bytes
    url: str
    gold: dict[str, Any]


# ── the readers ──


def ours(page: Page) -> Found:
    from accepted_apps.news.article import NotAnArticle, extract_article

    try:
        article = extract_article(page.body, page.url)
    except NotAnArticle:
        return Found()
    published = article.published_at
    return Found(
        article.text,
        article.title,
        article.authors,
        published.date() if published else None,
        None if article.published_day_only else published,
    )


def trafilatura(page: Page) -> Found:
    return _trafilatura(page, precise=True)


def trafilatura_default(page: Page) -> Found:
    return _trafilatura(page)


def trafilatura_recall(page: Page) -> Found:
    return _trafilatura(page, wide=True)


def _trafilatura(page: Page, precise: bool = False, wide: bool = False) -> Found:
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    document = bare_extraction(
        page.body,
        url=page.url,
        with_metadata=True,
        include_comments=False,
        favor_precision=precise,
        favor_recall=wide,
    )
    if not isinstance(document, Document):
        return Found()
    authors = [name.strip() for name in (document.author or "").split(";") if name.strip()]
    return Found(document.text or "", document.title or "", authors, _day(document.date))


def readability(page: Page) -> Found:
    from lxml import html

    document = import_module("readability").Document(_decoded(page))
    tree = html.fromstring(document.summary())
    for element in tree.iter("p", "div", "li", "h1", "h2", "h3", "h4", "blockquote", "br"):
        element.tail = "\n" + (element.tail or "")
    return Found(tree.text_content(), document.short_title())


def newspaper4k(page: Page) -> Found:
    article = import_module("newspaper").Article(page.url or "https://example.com/", fetch_images=False)
    article.download(input_html=_decoded(page))
    article.parse()
    published = article.publish_date if isinstance(article.publish_date, datetime) else None
    moment = published if published and published.tzinfo else None
    return Found(article.text, article.title, list(article.authors), published.date() if published else None, moment)


def goose3(page: Page) -> Found:
    with import_module("goose3").Goose({"enable_image_fetching": False}) as goose:
        article = goose.extract(raw_html=_decoded(page))
    published = article.publish_datetime_utc
    day = _day(article.publish_date) or (published.date() if published else None)
    moment = published if published and published.tzinfo else None
    title = article.title if isinstance(article.title, str) else ""
    authors = [name for name in article.authors if isinstance(name, str)]
    return Found(article.cleaned_text, title, authors, day, moment)


def resiliparse(page: Page) -> Found:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(_decoded(page))
    return Found(extract_plain_text(tree, main_content=True, alt_texts=False), tree.title or "")


READERS: dict[str, tuple[Callable[[Page], Found], str]] = {
    "ours": (ours, "accepted_apps"),
    "trafilatura": (trafilatura, "trafilatura"),
    "trafilatura, default": (trafilatura_default, "trafilatura"),
    "trafilatura, recall": (trafilatura_recall, "trafilatura"),
    "newspaper4k": (newspaper4k, "newspaper"),
    "goose3": (goose3, "goose3"),
    "readability-lxml": (readability, "readability"),
    "resiliparse": (resiliparse, "resiliparse"),
}
"""Name → reader, and the module that it needs. The libraries run as they are delivered, but for comments."""


def _decoded(page: Page) -> str:
    from accepted_apps.preview.charset import decode

    return decode(page.body)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


# ── the scores ──


@dataclass
class Score:
    """One page and reader. None: unknown. Texts: precision, recall, F1; sentences: hits, false, missed."""

    tokens: tuple[float, float, float] | None = None
    shingles: tuple[float, float, float] | None = None
    sentences: tuple[int, int, int] | None = None
    title: bool | None = None
    day: bool | None = None
    moment: bool | None = None
    authors: float | None = None
    seconds: float = 0.0
    error: str = ""


def score(found: Found, gold: dict[str, Any]) -> Score:
    """`gold` as in `gold.jsonl`."""
    result = Score()
    if gold.get("text"):
        expected, got = words(gold["text"]), words(found.text)
        result.tokens = overlap(Counter(expected), Counter(got))
        result.shingles = overlap(Counter(runs(expected)), Counter(runs(got)))
    if gold.get("with"):
        result.sentences = sentences(found.text, gold["with"], gold["without"])
    if gold.get("title"):
        result.title = plain(found.title) == plain(gold["title"])
    if gold.get("date"):
        _score_date(result, found, gold["date"])
    if "authors" in gold:
        result.authors = set_f1({plain(name) for name in found.authors}, {plain(name) for name in gold["authors"]})
    return result


def _score_date(result: Score, found: Found, written: str) -> None:
    expected = datetime.fromisoformat(written)
    result.day = found.day == expected.date()
    if expected.tzinfo is not None:
        result.moment = found.moment is not None and abs((found.moment - expected).total_seconds()) < 60
        result.day |= found.moment is not None and found.moment.astimezone(expected.tzinfo).date() == expected.date()


def words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def runs(tokens: list[str], length: int = 4) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[at : at + length]) for at in range(max(1, len(tokens) - length + 1)))


def overlap(expected: Counter[Any], got: Counter[Any]) -> tuple[float, float, float]:
    common = (expected & got).total()
    precision = common / got.total() if got else 0.0
    recall = common / expected.total() if expected else 1.0
    return precision, recall, f1(precision, recall)


def sentences(text: str, wanted: list[str], unwanted: list[str]) -> tuple[int, int, int]:
    flat = " ".join(text.split())
    hits = sum(" ".join(sentence.split()) in flat for sentence in wanted)
    return hits, sum(" ".join(sentence.split()) in flat for sentence in unwanted), len(wanted) - hits


def set_f1(found: set[str], expected: set[str]) -> float:
    if not found or not expected:
        return float(found == expected)
    return 2 * len(found & expected) / (len(found) + len(expected))


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def plain(text: str) -> str:
    """Letters and digits only: quotes, dashes and spaces are typography."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


# ── the table ──


def summary(scores: list[Score]) -> dict[str, float]:
    """Means over the pages whose gold says something; shingles: harmonic mean of the means, as in that benchmark."""
    row: dict[str, float] = {}
    tokens = [one.tokens for one in scores if one.tokens]
    if tokens:
        row["tokens P"], row["tokens R"], row["tokens F1"] = (mean(column) for column in zip(*tokens, strict=True))
    shingles = [one.shingles for one in scores if one.shingles]
    if shingles:
        precision, recall = mean(one[0] for one in shingles), mean(one[1] for one in shingles)
        row["shingles P"], row["shingles R"], row["shingles F1"] = precision, recall, f1(precision, recall)
    judged = [one.sentences for one in scores if one.sentences]
    if judged:
        hits, false, missed = (sum(column) for column in zip(*judged, strict=True))
        row["sentences F1"] = 2 * hits / (2 * hits + false + missed)
    for name in ("title", "day", "moment", "authors"):
        values = [getattr(one, name) for one in scores if getattr(one, name) is not None]
        if values:
            row[name] = mean(values)
    row["ms"] = 1000 * mean(one.seconds for one in scores)
    return row


def mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for name, row in rows.items():
        cells = [(f"{row[c]:.0f}" if c == "ms" else f"{row[c]:.3f}") if c in row else "" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# ── the command ──


def pages(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for line in (folder / "gold.jsonl").read_text().splitlines():
        gold = json.loads(line)
        yield folder / gold["file"], gold


def measure(reader: str, path: Path, gold: dict[str, Any]) -> Score:
    """A reader that raises has found nothing."""
    page = Page(path.read_bytes(), gold["url"], gold)
    started, error, found = time.perf_counter(), "", Found()
    try:
        found = READERS[reader][0](page)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    seconds = time.perf_counter() - started
    result = score(found, gold)
    result.seconds, result.error = seconds, error
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--with", dest="readers", nargs="+", choices=READERS, help="default: all that are installed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--json", type=Path, help="also write the score of every page here")
    options = parser.parse_args()
    readers = options.readers or [name for name, (_, module) in READERS.items() if find_spec(module)]
    details: dict[str, Any] = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        for folder in options.folders:
            paths, golds = zip(*pages(folder), strict=True)
            scores = {name: list(pool.map(measure, [name] * len(paths), paths, golds)) for name in readers}
            print(f"\n{folder.name}: {len(paths)} pages\n")
            print(table({name: summary(column) for name, column in scores.items()}))
            details[folder.name] = {
                name: {path.name: asdict(one) for path, one in zip(paths, column, strict=True)}
                for name, column in scores.items()
            }
    if options.json:
        options.json.write_text(json.dumps(details, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
