"""What the columns of an export mean, by their headers: spellings of tools and languages, not positions.

A header is compared without case, accents, spaces and punctuation. Where several columns have one meaning, the
spelling that stands first in the table counts, then the column that stands first in the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from accepted_apps.sales.model import Kind
from accepted_apps.sales.reading.phrases import ASIN

Sort = Literal["count", "rank", "amount", "signed"]

PHRASE: Final = "phrase"
OF_ASIN: Final = "asin"
"""A column that names, row by row, the product whose organic rank the row holds."""

SORTS: Final[dict[str, Sort]] = {
    "search_volume": "count",
    "search_volume_trend": "signed",
    "title_density": "count",
    "cpr": "count",
    "competing_products": "count",
    "keyword_sales": "count",
    "iq_score": "count",
    "ranking_competitors": "count",
    "competitor_rank_avg": "amount",
    "competitor_performance_score": "amount",
    "position": "rank",
    "relative_rank": "rank",
    "organic_rank": "rank",
    "sponsored_rank": "rank",
    "sponsored_asins": "count",
    "bid": "amount",
    "bid_min": "amount",
    "bid_max": "amount",
    "click_share": "amount",
    "conversion_share": "amount",
    "search_frequency_rank": "rank",
    "impressions": "count",
    "clicks": "count",
    "orders": "count",
    "spend": "amount",
    "sales": "amount",
}
SUMMED: Final = ("impressions", "clicks", "orders", "spend", "sales")
"""What a report about advertising counts apart for each campaign: it is added up for a phrase."""

_SPELLINGS: Final[dict[str, str]] = {
    PHRASE: """
        Customer Search Term | Keyword Phrase | Search Query | Search Term | Search Terms | Keyword Phrases
        | Phrase | Keyword | Keywords | Query | Search Phrase | Keyword Text | Keyword (Phrase) | Search Keyword
        | Suchbegriff eines Kunden | Suchbegriff des Kunden | Kundensuchbegriff | Suchabfrage | Suchanfrage
        | Suchbegriff | Suchbegriffe | Suchwort | Schlüsselwort | Schlagwort | Keyword-Phrase | Suchphrase
        | Terme de recherche client | Terme de recherche du client | Termes de recherche du client
        | Requête de recherche | Terme de recherche | Termes de recherche | Mot-clé | Mots-clés | Mot clé | Requête
        | Termine di ricerca del cliente | Termine di ricerca cliente | Termine di ricerca | Query di ricerca
        | Termini di ricerca | Parola chiave | Parole chiave | Chiave di ricerca
        | Término de búsqueda del cliente | Término de búsqueda de cliente | Término de búsqueda
        | Términos de búsqueda | Consulta de búsqueda | Palabra clave | Palabras clave | Frase clave
        | Zoekterm | Zoekwoord | Termo de pesquisa | Palavra-chave | Sökterm | Wyszukiwane hasło | Słowo kluczowe
        | 検索語句 | 検索キーワード | カスタマーの検索キーワード | 検索用語 | カスタマーの検索用語
        | 検索クエリ | キーワード
        | 关键词 | 搜索词 | 流量词 | 关键字 | Ключевая фраза | Ключевое слово | كلمة البحث | anahtar kelime""",
    "search_volume": """
        Search Volume | Exact Search Volume | Search Query Volume | Exact Volume | Monthly Search Volume
        | Search Volume Exact | Search Volume (Exact Match) | 30-Day Search Volume (Exact Match)
        | 30-Day Search Volume | Monthly Searches | Avg. Monthly Searches | Est. Search Volume
        | Estimated Search Volume | Search Vol | Search Vol. | Searches | Volume | SV | Vol | Global Search Volume
        | Search Volume (Past 360 days) | Search Volume (last 30 days)
        | Volumen der Suchabfrage | Volumen der Suchanfrage | Suchvolumen | Monatliches Suchvolumen | Suchanfragen
        | Suchvolumen exakt
        | Volume de recherche | Volume des requêtes de recherche | Volume de la requête de recherche
        | Volume de requêtes de recherche | Volume mensuel de recherche | Volume de recherche mensuel
        | Volume di ricerca | Volume delle query di ricerca | Volume della query di ricerca | Volume di ricerca mensile
        | Volume ricerche | Volumen de búsqueda | Volumen de búsquedas | Volumen de consultas de búsqueda
        | Volumen de la consulta de búsqueda | Volumen de búsqueda mensual | Volumen mensual de búsquedas
        | Zoekvolume | Volume de pesquisa | Sökvolym | Liczba wyszukiwań
        | 検索ボリューム | 検索クエリのボリューム | 月間検索数 | 搜索量 | 月搜索量 | 搜索查询量""",
    "search_volume_trend": """
        Search Volume Trend | Search Volume Trend (30 days) | Search Trend | Volume Trend | 30-Day Trend
        | Trend (30 days) | Search Volume Growth (90 days) | 30 Day Trend | Trend | Suchvolumentrend
        | Suchvolumen-Trend | Tendance du volume de recherche | Andamento del volume di ricerca
        | Tendencia del volumen de búsqueda""",
    "title_density": "Title Density | Title Density Exact | Titeldichte | Densité du titre | Densidad de título",
    "cpr": "CPR | CPR 8-Day Giveaways | Cerebro Product Rank | CPR (8 days)",
    "competing_products": """
        Competing Products | Number of Competing Products | Competing | Organic Product Count | Total Results
        | Konkurrierende Produkte | Konkurrenzprodukte | Produits concurrents | Prodotti concorrenti
        | Productos competidores | Productos competidores (número) | 竞品数 | 商品数""",
    "keyword_sales": """
        Keyword Sales | KW Sales | Estimated Keyword Sales | Purchases: Total Count | Purchases Total Count
        | Käufe: Gesamtanzahl | Achats : nombre total | Acquisti: conteggio totale | Compras: recuento total
        | Keyword-Verkäufe | Ventes du mot-clé | Ventas de palabras clave""",
    "iq_score": """
        Cerebro IQ Score | Magnet IQ Score | Cerebro IQ | Magnet IQ | IQ Score | Helium 10 IQ Score | Smart Score""",
    "ranking_competitors": """
        Ranking Competitors (count) | Ranking Competitors | Competitors Ranking | Ranking Competitors Count""",
    "competitor_rank_avg": "Competitor Rank (avg) | Competitor Rank Average | Avg. Competitor Rank | Competitor Rank",
    "competitor_performance_score": "Competitor Performance Score | Competitor Score",
    "position": "Position (Rank) | Position | Rank (Position)",
    "relative_rank": "Relative Rank",
    "organic_rank": """
        Organic Rank | Natural Rank | Organischer Rang | Rang organique | Posizione organica
        | Clasificación orgánica | Rango orgánico | 自然排名""",
    "sponsored_rank": "Sponsored Rank | Sponsored Rank (avg) | Ad Rank | Gesponserter Rang | 广告排名",
    "sponsored_asins": "Sponsored ASINs | Sponsored Product Count | Advertised ASINs",
    "bid": """
        H10 PPC Sugg. Bid | H10 Suggested PPC Bid | Suggested PPC Bid | PPC Sugg. Bid | Suggested Bid | Sugg. Bid
        | Exact PPC Bid | PPC Bid (Exact) | PPC Bid Exact | Exact Suggested Bid Median | PPC Bid | CPC
        | Vorgeschlagenes Gebot | Enchère suggérée | Offerta suggerita | Puja sugerida""",
    "bid_min": """
        H10 PPC Sugg. Min Bid | PPC Sugg. Min Bid | Suggested Min Bid | Min Bid | Sugg. Min Bid
        | Exact Suggested Bid Min""",
    "bid_max": """
        H10 PPC Sugg. Max Bid | PPC Sugg. Max Bid | Suggested Max Bid | Max Bid | Sugg. Max Bid
        | Exact Suggested Bid Max""",
    "click_share": "ABA Total Click Share | Total Click Share | Click Share (360 days)",
    "conversion_share": """
        ABA Total Conv. Share | ABA Total Conversion Share | Total Conv. Share | Total Conversion Share""",
    "search_frequency_rank": """
        Search Frequency Rank | ABA SFR | SFR | Search Frequency Rank (SFR) | ABA Search Frequency Rank
        | Suchfrequenz-Rang | Suchhäufigkeitsrang | Rang der Suchhäufigkeit | Rang de fréquence de recherche
        | Classement par fréquence de recherche | Posizione nella frequenza di ricerca
        | Rango di frequenza di ricerca | Clasificación de frecuencia de búsqueda
        | Rango de frecuencia de búsqueda | 検索頻度ランク | ABA周排名""",
    "impressions": """
        Impressions | Impressions: Brand Count | Impressions: ASIN Count | Impr. | Impressionen | Sichtkontakte
        | Einblendungen | Eindrücke: Markenanzahl | Eindrücke: ASIN-Anzahl | Impressioni | Impresiones
        | インプレッション | インプレッション数 | 表示回数""",
    "clicks": """
        Clicks | Clicks: Brand Count | Clicks: ASIN Count | Klicks | Klicks: Markenanzahl | Klicks: ASIN-Anzahl
        | Clics | Clic | Clics : nombre de la marque | クリック数 | クリック""",
    "orders": """
        7 Day Total Orders (#) | 14 Day Total Orders (#) | 30 Day Total Orders (#) | 7 Day Total Orders
        | 14 Day Total Orders | Total Orders (#) | Orders | Purchases: Brand Count | Purchases: ASIN Count
        | Käufe: Markenanzahl | Käufe: ASIN-Anzahl
        | 7 Tage, Bestellungen gesamt (#) | 14 Tage, Bestellungen gesamt (#) | 7 Tage, Bestellungen gesamt
        | 14 Tage, Bestellungen gesamt | Bestellungen
        | Total des commandes sur 7 jours (#) | Total des commandes sur 14 jours (#)
        | Nombre total de commandes sur 7 jours (#) | Nombre total de commandes sur 14 jours (#) | Commandes
        | Totale ordini 7 giorni (#) | Totale ordini 14 giorni (#) | Totale ordini (7 giorni) | Ordini totali 7 giorni
        | Ordini | Pedidos totales en 7 días (#) | Pedidos totales en 14 días (#) | Total de pedidos de 7 días (#)
        | Total de pedidos de 14 días (#) | Pedidos totales de 7 días (#) | Pedidos | 注文数 | 注文""",
    "spend": """
        Spend | Total Spend | Cost | Total Cost | Ausgaben | Gesamtkosten | Kosten | Dépenses | Dépense | Coût
        | Spesa | Costo | Gasto | Coste | Inversión | 広告費 | 広告費用 | 費用""",
    "sales": """
        7 Day Total Sales | 14 Day Total Sales | 30 Day Total Sales | Total Sales | Sales
        | 7 Tage, Umsatz gesamt | 14 Tage, Umsatz gesamt | 7 Tage, Verkäufe gesamt | 14 Tage, Verkäufe gesamt
        | Verkäufe | Umsatz | Total des ventes sur 7 jours | Total des ventes sur 14 jours
        | Ventes totales sur 7 jours | Ventes | Totale vendite 7 giorni | Totale vendite 14 giorni
        | Vendite totali 7 giorni | Vendite | Ventas totales en 7 días | Ventas totales en 14 días
        | Total de ventas de 7 días | Total de ventas de 14 días | Ventas totales de 7 días | Ventas | 売上 | 売上高""",
    OF_ASIN: "ASIN | Product ASIN | Competitor ASIN",
}
_TOP_THREE: Final = {
    # Amazon's words for "click share" and "conversion share" of "Top Clicked Product #1", "#2", "#3".
    "click_share": re.compile(
        r".*[123](?:clickshare|klickanteil|partdesclics|partdeclics|quotadiclic|condivisionedeiclic|cuotadeclics"
        r"|porcentajedeclics|クリック共有)"
    ),
    "conversion_share": re.compile(
        r".*[123](?:conversionshare|konversionsanteil|conversionanteil|partdesconversions|partdeconversion"
        r"|quotadiconversione|cuotadeconversion|porcentajedeconversion|コンバージョン共有)"
    ),
}
_ADDITION: Final = re.compile(
    r"[(\[](?:[^()\[\]]*\b(?:days?|tage|jours|giorni|días|month(?:ly)?|weeks?|us|uk|de|fr|it|es|ca|usa|usd|eur|gbp|cad"
    r"|exact|total|global|est\.?|organic)\b[^()\[\]]*|[#%$€£]|\d+)[)\]]|[$€£]|\s-\s(?:us|uk|de|fr|it|es|ca)$",
    re.IGNORECASE,
)
"""What a header may carry beside its name: a time, a marketplace, a unit."""

_SIGNS: Final = frozenset("([-$€£")
"""What an addition begins with."""

_COLUMN_ASIN: Final = re.compile(r"(?<![A-Za-z0-9])B0[A-Z0-9]{8}(?![A-Za-z0-9])")
_NO_ORGANIC_RANK: Final = re.compile(
    r"sponsor|\bads?\b|paid|title|click|conv|price|sales|revenue|review|page|gesponsert", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def normal(header: str) -> str:
    """Letters and digits of any script, in lower case, without accents."""
    folded = header.lower() if header.isascii() else unicodedata.normalize("NFKD", header).casefold()
    return "".join(filter(str.isalnum, folded))


def _aliases() -> dict[str, tuple[str, int]]:
    table: dict[str, tuple[str, int]] = {}
    for meaning, spellings in _SPELLINGS.items():
        for order, spelling in enumerate(spellings.split("|")):
            table.setdefault(normal(spelling), (meaning, order))
    return table


_ALIASES: Final = _aliases()


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row, by position from 0.

    fields: meaning → position. shares: meaning → the positions that are added up. asins: competitors' ranks.
    """

    fields: dict[str, int]
    shares: dict[str, tuple[int, ...]]
    asins: dict[str, int]

    @property
    def phrase(self) -> int:
        return self.fields[PHRASE]

    @property
    def usable(self) -> bool:
        return PHRASE in self.fields

    @property
    def worth(self) -> int:
        """How much of a header was understood; 0 without a phrase."""
        return (len(self.fields) + len(self.shares) + len(self.asins)) if self.usable else 0

    def positions(self) -> set[int]:
        """Those that are understood."""
        shares = (position for positions in self.shares.values() for position in positions)
        return {*self.fields.values(), *self.asins.values(), *shares}


def columns_of(headers: Sequence[str]) -> Columns:
    """What the columns under these headers mean.

    Amazon gives the shares of clicks and sales of the three most clicked products in columns of their own.
    """
    best: dict[str, tuple[int, int]] = {}
    shares: dict[str, list[int]] = {}
    asins: dict[str, int] = {}
    for position, header in enumerate(headers):
        name = header.strip()
        if asin := _asin_of(name):
            asins.setdefault(asin, position)
        elif share := _share_of(name):
            shares.setdefault(share, []).append(position)
        elif found := _meaning_of(name):
            meaning, order = found
            if meaning not in best or order < best[meaning][0]:
                best[meaning] = (order, position)
    fields = {meaning: position for meaning, (_, position) in best.items()}
    if not (OF_ASIN in fields and "organic_rank" in fields):
        fields.pop(OF_ASIN, None)
    return Columns(fields, {share: tuple(at) for share, at in shares.items() if share not in fields}, asins)


def names_phrases(headers: Sequence[str]) -> bool:
    """Whether one of these may be the header of the phrases, told faster than by `columns_of`."""
    return any((found := _meaning_of(header.strip())) and found[0] == PHRASE for header in headers)


def _meaning_of(header: str) -> tuple[str, int] | None:
    if not header or len(header) > 120:
        return None
    found = _ALIASES.get(normal(header))
    if found is None and _SIGNS.intersection(header):
        found = _ALIASES.get(normal(_ADDITION.sub(" ", header)))
    return found


def _share_of(header: str) -> str | None:
    if not any(digit in header for digit in "123") or len(header) > 200:
        return None
    name = normal(header)
    return next((share for share, pattern in _TOP_THREE.items() if pattern.fullmatch(name)), None)


def _asin_of(header: str) -> str | None:
    """The competitor whose organic ranks a column holds."""
    if ASIN.fullmatch(header):
        return header.upper()
    found = _COLUMN_ASIN.findall(header) if len(header) <= 200 else []
    return found[0] if len(found) == 1 and not _NO_ORGANIC_RANK.search(header) else None


def kind_of(headers: Sequence[str], columns: Columns) -> Kind:
    """Whose export it is, as far as the headers tell."""
    names = {normal(header) for header in headers}
    fields = columns.fields
    if {"magnetiqscore", "magnetiq"} & names:
        return "magnet"
    if {"cerebroiqscore", "cerebroiq", "competitorperformancescore"} & names:
        return "cerebro"
    if any("rankingjuice" in name for name in names):
        return "datadive"
    if "search_frequency_rank" in fields and columns.shares:
        return "top-search-terms"
    if "impressions" in fields and "search_volume" in fields and "keyword_sales" in fields:
        return "search-query-performance"
    if "impressions" in fields and "spend" in fields:
        return "search-term-report"
    if any(name.startswith(("easeofrank", "easetorank", "exactsearchvolume", "30daysearchvolume")) for name in names):
        return "keyword-scout"
    if "keywordphrase" in names and columns.asins:
        return "cerebro"
    return "keywords"
