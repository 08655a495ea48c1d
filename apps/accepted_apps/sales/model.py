"""What the parts of an analysis hand to each other: keywords, exports, the product.

`shapes.py` says how it looks in JSON. None is unknown, and is not zero: a blank cell, `-`, `N/R`, a column that the
file does not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal[
    "cerebro",
    "magnet",
    "datadive",
    "keyword-scout",
    "search-query-performance",
    "top-search-terms",
    "search-term-report",
    "keywords",
]
"""Whose export a file is, as far as its columns tell; `keywords` is any other table with a column of phrases."""

File = Literal["revenue", "design"]
"""Which of the two files of a request: `revenue_csv` or `design_csv`."""


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One of Amazon's shops. languages: its own first, as ISO 639-1. currency: as ISO 4217."""

    code: str
    host: str
    languages: tuple[str, ...]
    currency: str

    @property
    def language(self) -> str:
        return self.languages[0]


MARKETPLACES: Final[dict[str, Marketplace]] = {
    shop.code: shop
    for shop in (
        Marketplace("US", "www.amazon.com", ("en", "es"), "USD"),
        Marketplace("UK", "www.amazon.co.uk", ("en",), "GBP"),
        Marketplace("DE", "www.amazon.de", ("de", "en"), "EUR"),
        Marketplace("FR", "www.amazon.fr", ("fr", "en"), "EUR"),
        Marketplace("IT", "www.amazon.it", ("it", "en"), "EUR"),
        Marketplace("ES", "www.amazon.es", ("es", "en"), "EUR"),
        Marketplace("CA", "www.amazon.ca", ("en", "fr"), "CAD"),
    )
}


@dataclass(slots=True)
class Keyword:
    """One search phrase with what the exports tell about it.

    phrase: as first written in a file, spaces made single. key: what makes two phrases the same (`reading.phrases`).
    search_volume: a month; where a file counts another time, that of the file. search_volume_trend: percent, may be
    negative. title_density: titles on the first page that carry the phrase. cpr: sales in eight days that a rank on
    the first page takes. competing_products: results of the search. keyword_sales: units a month.
    iq_score: Cerebro's or Magnet's. ranking_competitors, competitor_rank_avg, competitor_performance_score: over the
    competitors' ASINs. position: the best or first product's rank, as the file has it. relative_rank: among the ASINs.
    bid, bid_min, bid_max: suggested price of a click, in the marketplace's currency.
    click_share, conversion_share: percent of the three most clicked products.
    search_frequency_rank: 1 is the most frequent search of the marketplace.
    impressions, clicks, orders, spend, sales: of a report about one's own advertising or one's own brand.
    ranks: organic rank by ASIN, from 1; an ASIN that does not rank is not there.
    in_files: the files that hold the phrase, `revenue` before `design`.

    A bound counts as its number: `>306` is 306, `<5` is 5.
    """

    phrase: str
    key: str
    search_volume: int | None = None
    search_volume_trend: float | None = None
    title_density: int | None = None
    cpr: int | None = None
    competing_products: int | None = None
    keyword_sales: int | None = None
    iq_score: int | None = None
    ranking_competitors: int | None = None
    competitor_rank_avg: float | None = None
    competitor_performance_score: float | None = None
    position: int | None = None
    relative_rank: int | None = None
    organic_rank: int | None = None
    sponsored_rank: int | None = None
    sponsored_asins: int | None = None
    bid: float | None = None
    bid_min: float | None = None
    bid_max: float | None = None
    click_share: float | None = None
    conversion_share: float | None = None
    search_frequency_rank: int | None = None
    impressions: int | None = None
    clicks: int | None = None
    orders: int | None = None
    spend: float | None = None
    sales: float | None = None
    ranks: dict[str, int] = field(default_factory=dict)
    in_files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Rows that were left out for one reason. lines: the first of them, numbered as in the file, from 1."""

    reason: str
    rows: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingReport:
    """How a file was read.

    encoding: Python's name of it, or `xlsx`. delimiter: between cells; empty for a workbook. sheet: of a workbook.
    preamble: lines before the header. header_line: from 1.
    columns: header as written → the field of `Keyword` that it fills. not_understood: the other headers.
    rows: read, without blank ones. merged: rows whose phrase stood further up. bounds: cells such as `>306`.
    unreadable: cells in understood columns that hold no number, by header.
    decimal: the decimal mark of the file's numbers. notes: what else a reader should know, a sentence each.
    """

    encoding: str
    delimiter: str
    sheet: str = ""
    preamble: tuple[str, ...] = ()
    header_line: int
    columns: dict[str, str]
    not_understood: tuple[str, ...] = ()
    rows: int
    dropped: tuple[Dropped, ...] = ()
    merged: int = 0
    bounds: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    decimal: Literal[".", ","] = "."
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Export:
    """One file, read. asins: the competitors that have a column of ranks, in the order of the columns."""

    file: File
    kind: Kind
    keywords: list[Keyword]
    asins: tuple[str, ...]
    report: ReadingReport


@dataclass(slots=True, kw_only=True)
class Keywords:
    """Both files together (`reading.merge`): each phrase once, those of the revenue file first, in the files' order.

    asins: of each file that was given. The competitors of one keyword are those of the files that hold it, `asins_of`.
    """

    keywords: list[Keyword]
    asins: dict[File, tuple[str, ...]]
    reports: dict[File, ReadingReport]

    def asins_of(self, files: Iterable[File]) -> tuple[str, ...]:
        """The ASINs of these files, each once."""
        return tuple(dict.fromkeys(asin for file in files for asin in self.asins.get(file, ())))


@dataclass(slots=True, kw_only=True)
class Product:
    """A listing, as its page shows it. What a page does not show is None or empty.

    url: where it was read, without tracking. price: in `currency` (ISO 4217). overview: the short table beside the
    pictures; details: technical details and product information; both label → value. images: largest form, main
    picture first. description: paragraphs; a_plus: texts of the brand's own part. category: from the root.
    rating: stars of five; reviews: their number. language: of the page, ISO 639-1.
    variations: dimension → the values that can be chosen.
    """

    asin: str
    marketplace: str
    url: str
    title: str
    bullets: list[str] = field(default_factory=list)
    brand: str | None = None
    price: float | None = None
    currency: str | None = None
    overview: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    description: list[str] = field(default_factory=list)
    a_plus: list[str] = field(default_factory=list)
    category: list[str] = field(default_factory=list)
    rating: float | None = None
    reviews: int | None = None
    availability: str | None = None
    language: str | None = None
    variations: dict[str, list[str]] = field(default_factory=dict)
