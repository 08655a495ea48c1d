"""How tools and languages spell the headers of an export.

In one cell spellings are divided by `|`, and the one that stands first is preferred where a file has several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PHRASE: Final = "phrase"
OF_ASIN: Final = "asin"
"""A column that names, row by row, the product whose organic rank the row holds."""

SPELLINGS: Final[dict[str, str]] = {
    PHRASE: """
        Customer Search Term | Suchbegriff eines Kunden | Suchbegriff des Kunden | Kundensuchbegriff
        | Terme de recherche client | Terme de recherche du client | Termes de recherche du client
        | Termine di ricerca del cliente | Termine di ricerca cliente | Termine ricerca cliente
        | Término de búsqueda del cliente | Término de búsqueda de cliente | Término de búsqueda de clientes
        | Termo de pesquisa do cliente | カスタマーの検索キーワード | カスタマー検索キーワード | カスタマーの検索用語
        | 顧客の検索キーワード | 顧客の検索語句 | 客户搜索词
        | Keyword Phrase | Search Query | Search Term | Search Terms | Keyword Phrases | Top queries
        | Amazon Search Term | Suchabfrage | Suchanfrage | Suchbegriff | Suchbegriffe
        | Requête de recherche | Terme de recherche | Termes de recherche
        | Query di ricerca | Termine di ricerca | Termini di ricerca
        | Consulta de búsqueda | Término de búsqueda | Términos de búsqueda
        | Termo de pesquisa | Consulta de pesquisa | Zoekterm | Sökterm | Wyszukiwane hasło
        | 検索語句 | 検索キーワード | 検索用語 | 検索クエリ | 搜索词 | 搜索查询
        | Phrase | Keyword | Keywords | Query | Search Phrase | Keyword (Phrase) | Search Keyword
        | Suchwort | Schlüsselwort | Schlagwort | Keyword-Phrase | Suchphrase
        | Mot-clé | Mots-clés | Mot clé | Requête | Parola chiave | Parole chiave | Chiave di ricerca
        | Palabra clave | Palabras clave | Frase clave | Zoekwoord | Palavra-chave | Słowo kluczowe
        | キーワード | 关键词 | 流量词 | 关键字 | Ключевая фраза | Ключевое слово | كلمة البحث | anahtar kelime
        | Keyword Text""",
    "search_volume": """
        Search Volume | Exact Search Volume | Search Query Volume | Exact Volume | Monthly Search Volume
        | Search Volume Exact | Search Volume (Exact Match) | 30-Day Search Volume (Exact Match)
        | 30-Day Search Volume | Monthly Searches | Avg. Monthly Searches | Est. Search Volume
        | Estimated Search Volume | Search Vol | Search Vol. | Searches | Volume | SV | Vol | Global Search Volume
        | Search Volume (Past 360 days) | Search Volume (last 30 days)
        | Monthly Search Volume Exact | Amazon Search Volume | Query Volume
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
        | Suchvolumen-Trend | Monthly Trend | Tendance du volume de recherche | Andamento del volume di ricerca
        | Tendencia del volumen de búsqueda""",
    "title_density": """
        Title Density | Title Density Exact | Titeldichte | Densité du titre | Densidad de título
        | 标题密度""",
    "cpr": "CPR | CPR 8-Day Giveaways | Cerebro Product Rank | CPR (8 days) | SPR",
    "competing_products": """
        Competing Products | Number of Competing Products | Competing | Organic Product Count | Total Results
        | Konkurrierende Produkte | Konkurrenzprodukte | Produits concurrents | Prodotti concorrenti
        | Productos competidores | Productos competidores (número) | 竞品数 | 商品数 | Product Count""",
    "keyword_sales": """
        Keyword Sales | KW Sales | Estimated Keyword Sales | Purchases: Total Count | Purchases Total Count
        | Käufe: Gesamtanzahl | Achats : nombre total | Acquisti: conteggio totale | Compras: recuento total
        | Keyword-Verkäufe | Ventes du mot-clé | Ventas de palabras clave | Monthly Purchase Volume
        | Monthly Purchases | Total Purchase Count | 月购买量 | 购买量""",
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
    "sponsored_asins": """
        Sponsored ASINs | Sponsored Product Count | Advertised ASINs | Ad Competitor Count | 广告竞品数""",
    "bid": """
        H10 PPC Sugg. Bid | H10 Suggested PPC Bid | Suggested PPC Bid | PPC Sugg. Bid | Suggested Bid | Sugg. Bid
        | Exact PPC Bid | PPC Bid (Exact) | PPC Bid Exact | Exact Suggested Bid Median | PPC Bid | CPC
        | Vorgeschlagenes Gebot | Enchère suggérée | Offerta suggerita | Puja sugerida | PPC竞价 | PPC价格""",
    "bid_min": """
        H10 PPC Sugg. Min Bid | PPC Sugg. Min Bid | Suggested Min Bid | Min Bid | Sugg. Min Bid
        | Exact Suggested Bid Min | Top of page bid (low range) | 建议最低竞价""",
    "bid_max": """
        H10 PPC Sugg. Max Bid | PPC Sugg. Max Bid | Suggested Max Bid | Max Bid | Sugg. Max Bid
        | Exact Suggested Bid Max | Top of page bid (high range) | 建议最高竞价""",
    "click_share": "ABA Total Click Share | Total Click Share | Click Share (360 days) | 点击总占比",
    "conversion_share": """
        ABA Total Conv. Share | ABA Total Conversion Share | Total Conv. Share | Total Conversion Share | 转化总占比""",
    "search_frequency_rank": """
        Search Frequency Rank | ABA SFR | SFR | Search Frequency Rank (SFR) | ABA Search Frequency Rank
        | Suchfrequenz-Rang | Suchhäufigkeitsrang | Rang der Suchhäufigkeit | Rang de fréquence de recherche
        | Classement par fréquence de recherche | Posizione nella frequenza di ricerca
        | Rango di frequenza di ricerca | Clasificación de frecuencia de búsqueda
        | Rango de frecuencia de búsqueda | 検索頻度ランク | ABA Weekly Rank
        | ABA周排名 | 搜索频率排名""",
    "impressions": """
        Impressions | Impr. | Impressionen | Sichtkontakte | Einblendungen | Impressioni | Impresiones | Impressões
        | インプレッション | インプレッション数 | 表示回数 | 展示量 | 曝光量""",
    "clicks": """
        Clicks | Klicks | Clics | Clic | Cliques | クリック数 | クリック | 点击量 | 点击次数""",
    "orders": """
        Total Orders (#) | Orders | Bestellungen | Commandes | Ordini | Pedidos | 注文数 | 注文 | 订单数 | 订单 | 总订单
        | 总订单数""",
    "spend": """
        Spend | Total Spend | Cost | Total Cost | Ausgaben | Gesamtkosten | Kosten | Dépenses | Dépense | Coût
        | Coût total | Spesa | Costo | Gasto | Gastos | Coste | Inversión | 広告費 | 広告費用 | 費用 | 支出
        | Importe gastado | 花费 | 总花费""",
    "sales": """
        Total Sales | Sales | Purchases: Search Traffic Sales | Verkäufe | Umsatz | Ventes | Vendite | Ventas | Vendas
        | 売上 | 売上高 | 销售额 | 总销售额""",
    OF_ASIN: "ASIN | Product ASIN | Competitor ASIN",
}
SHARES: Final[dict[str, str]] = {
    "click_share": """
        Click Share | Klickanteil | Part des clics | Part de clics | Quota di clic | Condivisione dei clic
        | Cuota de clics | Porcentaje de clics | クリック共有 | クリックシェア | 点击份额 | 点击占比""",
    "conversion_share": """
        Conversion Share | Konversionsanteil | Conversion-Anteil | Part des conversions | Part de conversion
        | Quota di conversione | Cuota de conversión | Porcentaje de conversión | コンバージョン共有
        | コンバージョンシェア | 转化份额 | 转化占比""",
}
"""What Amazon calls the shares of "Top Clicked Product #1", "#2" and "#3"."""


PHRASE_ENDS: Final = (
    "search term | search query | Suchbegriff | Suchanfrage | 搜索词 | 检索词 | 検索語句 | 検索キーワード"
)
"""What the header of the phrases ends with, whoever's they are."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A header that a report puts together from words: it has one of each line of `words`, and none of `without`."""

    meaning: str
    words: tuple[str, ...]
    without: str


_SALES: Final = "sales | Verkäufe | Umsatz | ventes | vendite | ventas | vendas | 売上 | 销售额"
_ORDERS: Final = "orders | purchases | Bestellungen | commandes | ordini | pedidos | 注文 | 订单"
_PURCHASES: Final = "purchase | Käufe | achats | acquisti | compras | 購入 | 购买"
_CLICKS: Final = "click | Klicks | clics | clic | クリック | 点击"
_IMPRESSIONS: Final = (
    "impression | Impressionen | Eindrücke | impressioni | impresiones | インプレッション | 展示 | 曝光"
)
_OWN: Final = "brand | ASIN | Marke | marque | marchio | marca | ブランド | 品牌"
_NUMBER: Final = "count | zahl | nombre | conteggio | numero | recuento | número | 数 | 计数"
_TOTAL: Final = "total | gesamt | totale | 合計 | 总"
_SHARE: Final = (
    "rate | share | anteil | part | quota | cuota | taux | tasso | tasa | 率 | シェア | 共有 | 份额 | 占比"
    " | price | Preis | prix | prezzo | precio | 価格 | 价格"
)
_NOT_ALL: Final = "rate | quote | taux | tasso | tasa | 率 | ACOS | ROAS | SKU | UGS | Einheiten | halo | new to brand"

WINDOW: Final = r"(\d{1,2})(?:day|tag|jour|giorni|dia|日|天|d$)"
"""Of a report about advertising: in how many days after a click something was sold; after `headers.normal`."""

WINDOWED: Final = (Composed("sales", (_SALES,), _NOT_ALL), Composed("orders", (_ORDERS,), _NOT_ALL))
"""What such a report counts within a window."""

COUNTED: Final = (
    Composed("impressions", (_IMPRESSIONS, _OWN, _NUMBER), _SHARE),
    Composed("clicks", (_CLICKS, _OWN, _NUMBER), _SHARE),
    Composed("orders", (_PURCHASES, _OWN, _NUMBER), _SHARE),
    Composed("keyword_sales", (_PURCHASES, _TOTAL, _NUMBER), _SHARE),
)
"""Of Search Query Performance: what one's own brand or product has, and what all have together."""
