"""Headers of tools and of Amazon's own reports, in their languages, with made-up rows."""

from __future__ import annotations

import pytest

from .tables import read

REPORTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "cerebro, one asin": (
        "cerebro",
        (
            "Keyword Phrase,ABA Total Click Share,Keyword Sales,Cerebro IQ Score,Search Volume,"
            "Search Volume Trend (30 days),"
            "Suggested PPC Bid,Sponsored ASINs,Competing Products,CPR,Title Density,Sponsored,"
            "Organic Rank,Sponsored Rank\n"
            'dried pears,42.1,11,615,"2,900",-11,$0.91,128,">1,000",8,0,1,N/R,>306\n'
        ),
        {
            "click_share": 42.1,
            "search_volume": 2900,
            "search_volume_trend": -11,
            "bid": 0.91,
            "competing_products": 1000,
            "organic_rank": None,
            "sponsored_rank": 306,
        },
    ),
    "magnet": (
        "magnet",
        (
            "Keyword Phrase,Search Volume,Search Volume Trend,Magnet IQ Score,Title Density,Competing Products,CPR\n"
            'dried pears,"1,779",12%,3001,3,>2000,41\n'
        ),
        {"search_volume": 1779, "iq_score": 3001, "search_volume_trend": 12},
    ),
    "keyword scout": (
        "keyword-scout",
        (
            "Keyword,30-Day Search Volume (Exact Match),30-Day Search Volume (Broad Match),"
            "30-Day Trend,PPC Bid (Exact),"
            "Ease of Rank\ndried pears,4500,8900,-3%,$1.10,62\n"
        ),
        {"search_volume": 4500, "bid": 1.10, "search_volume_trend": -3},
    ),
    "datadive": (
        "datadive",
        "Search Terms,Type,SV,Relev.,Ranking Juice ®,B0PLAY0001\ndried pears,Root,450,0.9,77,4\n",
        {"search_volume": 450, "ranks": {"B0PLAY0001": 4}},
    ),
    "search query performance": (
        "search-query-performance",
        (
            '"Brand=[""Play""],Reporting Range=[""Monthly""],Select year=[""2026""]"\n'
            '"Search Query","Search Query Score","Search Query Volume","Impressions: Total Count",'
            '"Impressions: Brand Count",'
            '"Impressions: Brand Share %","Clicks: Total Count","Clicks: Brand Count","Purchases: Total Count",'
            '"Purchases: Brand Count","Reporting Date"\n'
            '"dried pears","1","20400","46800","6100","13.03","4210","710","1080","112","2026-01-31"\n'
        ),
        {"search_volume": 20400, "impressions": 6100, "clicks": 710, "keyword_sales": 1080, "orders": 112},
    ),
    "search query performance in German": (
        "search-query-performance",
        (
            '"Marke=[""Play""],Berichtszeitraum=[""Monatlich""]"\n'
            '"Suchabfrage","Volumen der Suchabfrage","Eindrücke: Gesamtanzahl","Eindrücke: Markenanzahl",'
            '"Eindrücke: Markenanteil %","Klicks: Gesamtanzahl","Klicks: Markenanzahl","Käufe: Gesamtanzahl",'
            '"Käufe: Markenanzahl"\n"getrocknete birnen","11200","27100","2480","9.15","2370","355","585","58"\n'
        ),
        {"search_volume": 11200, "impressions": 2480, "clicks": 355, "keyword_sales": 585, "orders": 58},
    ),
    "top search terms": (
        "top-search-terms",
        (
            '"Reporting Range=[""Weekly""],Select week=[""Week 4""]"\n'
            '"Search Frequency Rank","Search Term","Top Clicked Brand #1","Top Clicked Category #1",'
            '"Top Clicked Product #1: ASIN","Top Clicked Product #1: Product Title",'
            '"Top Clicked Product #1: Click Share",'
            '"Top Clicked Product #1: Conversion Share","Top Clicked Product #2: Click Share",'
            '"Top Clicked Product #2: Conversion Share","Top Clicked Product #3: Click Share",'
            '"Top Clicked Product #3: Conversion Share","Reporting Date"\n'
            '"12,345","dried pears","Play","Grocery","B0PLAY0001","Pears","12.50","8.00","6.25","4.00","3.00","",'
            '"2026-01-24"\n'
        ),
        {"search_frequency_rank": 12345, "click_share": 21.75, "conversion_share": 12.0, "search_volume": None},
    ),
    "top search terms in German": (
        "top-search-terms",
        (
            "Abteilung,Suchbegriff,Suchfrequenz-Rang ,#1 angeklickte ASIN,#1 Klickanteil,"
            "#1 Conversion Share,#2 Klickanteil\n"
            "Amazon.de,getrocknete birnen,812,B0PLAY0001,10.5%,4%,2.25%\n"
        ),
        {"search_frequency_rank": 812, "click_share": 12.75, "conversion_share": 4.0},
    ),
    "search-term report": (
        "search-term-report",
        (
            "Start Date,End Date,Currency,Campaign Name,Targeting,Match Type,Customer Search Term,Impressions,Clicks,"
            "Click-Thru Rate (CTR),Cost Per Click (CPC),Spend,7 Day Total Sales ,7 Day Total Orders (#)\n"
            "2026-01-01,2026-01-31,USD,One,pears,BROAD,dried pears,1000,30,3%,$0.50,$15.00,$120.50,6\n"
            "2026-01-01,2026-01-31,USD,Two,pears,EXACT,dried pears,500,10,2%,$0.40,$4.00,$20.00,1\n"
        ),
        {"impressions": 1500, "clicks": 40, "spend": 19.0, "sales": 140.5, "orders": 7},
    ),
    "search-term report in German": (
        "search-term-report",
        (
            "Kampagnenname;Übereinstimmungstyp;Suchbegriff eines Kunden;Impressionen;Klicks;Ausgaben;"
            "7 Tage, Verkäufe gesamt;7 Tage, Bestellungen gesamt\n"
            'Eins;BROAD;getrocknete birnen;"98.000";1.480;"612,40 €";"2.890,00 €";128\n'
        ),
        {"impressions": 98000, "clicks": 1480, "spend": 612.40, "sales": 2890.0, "orders": 128},
    ),
    "search-term report in French": (
        "search-term-report",
        (
            "Nom de la campagne,Terme de recherche client,Impressions,Clics,Dépense,Total des ventes sur 7 jours,"
            'Total des commandes sur 7 jours (#)\nUne,poires séchées,"1 480",30,"15,20","1 120,50",6\n'
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 1120.50, "orders": 6},
    ),
    "search-term report in Italian": (
        "search-term-report",
        (
            "Nome campagna,Termine di ricerca del cliente,Impressioni,Clic,Spesa,Totale vendite 7 giorni,"
            'Totale ordini 7 giorni (#)\nUna,pere secche,1480,30,"15,20","120,50",6\n'
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6},
    ),
    "search-term report in Spanish": (
        "search-term-report",
        (
            "Nombre de la campaña;Término de búsqueda del cliente;Impresiones;Clics;Gasto;Ventas totales en 14 días;"
            "Pedidos totales en 14 días\nUna;peras deshidratadas;1480;30;15,20;120,50;6\n"
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6},
    ),
    "search-term report in Portuguese": (
        "search-term-report",
        (
            "Nome da campanha;Termo de pesquisa do cliente;Impressões;Cliques;Gastos;Vendas totais de 7 dias;"
            "Total de pedidos de 7 dias (#)\nUma;peras secas;1480;30;15,20;120,50;6\n"
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6},
    ),
    "search-term report in Japanese": (
        "search-term-report",
        (
            "キャンペーン名,ターゲティング,カスタマーの検索キーワード,インプレッション,クリック,"
            "平均クリック単価 (CPC),費用,広告がクリックされてから7日間の総売上高,"
            "広告費売上高比率（ACOS）合計,広告がクリックされてから7日間の合計注文数,"
            "広告がクリックされてから7日間のコンバージョン率,広告がクリックされてから7日間の広告対象SKU売上高\n"
            '一,x,乾燥 洋梨,"1,480",30,¥51,"¥1,520","¥12,050",12.6%,6,20%,0\n'
        ),
        {"impressions": 1480, "clicks": 30, "spend": 1520, "sales": 12050, "orders": 6},
    ),
    "search-term report in Chinese": (
        "search-term-report",
        (
            "广告活动名称,投放,匹配类型,客户搜索词,展示量,点击量,花费,7天总销售额,7天总订单数(#),7天的转化率\n"
            "一,x,BROAD,dried pears,1480,30,15.20,120.50,6,20%\n"
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6},
    ),
    "search-term report of a bulk file in German": (
        "search-term-report",
        (
            "Produkt;Kampagnen-ID;Gebot;Keyword-Text;Übereinstimmungstyp;Suchbegriff eines Kunden;Impressions;Klicks;"
            "Ausgaben;Verkäufe;Bestellungen;Einheiten;CPC\n"
            "Sponsored Products;1;0,50;birnen;BROAD;getrocknete birnen;1480;30;15,20;120,50;6;7;0,51\n"
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6, "bid": None},
    ),
    "search-term report of the advertising API": (
        "search-term-report",
        (
            "campaignName,keyword,matchType,searchTerm,impressions,clicks,cost,sales1d,purchases7d,sales7d,"
            "salesSameSku7d\n"
            "One,pears,BROAD,dried pears,1480,30,15.20,90,6,120.50,80\n"
        ),
        {"impressions": 1480, "clicks": 30, "spend": 15.20, "sales": 120.50, "orders": 6},
    ),
    "top search terms in Chinese": (
        "top-search-terms",
        (
            "报告范围,Weekly\n搜索频率排名,搜索词,点击量最高的商品 #1：ASIN,点击量最高的商品 #1：点击份额,"
            "点击量最高的商品 #1：转化份额,点击量最高的商品 #2：点击份额\n812,dried pears,B0PLAY0001,10.5,4,2.25\n"
        ),
        {"search_frequency_rank": 812, "click_share": 12.75, "conversion_share": 4.0},
    ),
    "search query performance in Chinese": (
        "search-query-performance",
        (
            '品牌=["Play"],报告范围=["每周"]\n搜索查询,搜索查询得分,搜索查询量,曝光：曝光总量,曝光: 曝光品牌数量,'
            "曝光: 品牌曝光占比 %,点击量：总次数,点击量：点击的品牌数,点击：2天配送速度,"
            "购买：下单总数,购买次数：品牌数量\n"
            "dried pears,1,20400,46800,6100,13.03,4210,710,9,1080,112\n"
        ),
        {"search_volume": 20400, "impressions": 6100, "clicks": 710, "keyword_sales": 1080, "orders": 112},
    ),
    "sellersprite": (
        "keywords",
        (
            "关键词,关键词翻译,流量占比,ABA周排名,月搜索量,月购买量,购买率,展示量,点击量,SPR,标题密度,商品数,需供比,"
            "广告竞品数,点击总占比,转化总占比,PPC竞价\n"
            "dried pears,梨干,2.9%,812,4790,264,5.5%,98000,4100,7,4,1907,2.5,117,41.5%,38%,$0.60\n"
        ),
        {
            "search_frequency_rank": 812,
            "search_volume": 4790,
            "keyword_sales": 264,
            "cpr": 7,
            "title_density": 4,
            "competing_products": 1907,
            "sponsored_asins": 117,
            "click_share": 41.5,
            "conversion_share": 38,
            "bid": 0.60,
            "impressions": None,
            "clicks": None,
        },
    ),
    "a row for each asin": (
        "keywords",
        (
            "ASIN,Keyword,Search Volume,Organic Rank,Sponsored Rank\n"
            "B0PLAY0001,dried pears,900,4,-\nB0PLAY0002,dried pears,900,17,2\n"
        ),
        {"search_volume": 900, "ranks": {"B0PLAY0001": 4, "B0PLAY0002": 17}},
    ),
    "a list of one's own": (
        "keywords",
        "Palabra clave;Volumen de búsqueda (mensual)\nperas deshidratadas;1.900\n",
        {"search_volume": 1900},
    ),
}


@pytest.mark.parametrize("report", REPORTS)
def test_the_columns_of_every_report_are_understood(report: str) -> None:
    kind, text, wanted = REPORTS[report]
    export = read(text)
    assert export.kind == kind
    assert len(export.keywords) == 1
    assert {name: getattr(export.keywords[0], name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "header",
    [
        "search volume",
        "SEARCH_VOLUME",
        "Search  Volume ",
        "Search Volume (US)",
        "Search Volume (last 30 days)",
        "Exact Search Volume",
        "Suchvolumen",
        "Volume de recherche",
        "Volume di ricerca",
        "Volumen de búsqueda",
        "\ufeffSearch Volume",
        "月搜索量",
    ],
)
def test_a_header_counts_by_its_meaning(header: str) -> None:
    assert read(f"Keyword,{header}\npears,12\n").keywords[0].search_volume == 12


def test_the_better_of_two_columns_of_one_meaning_counts() -> None:
    export = read("Keyword,Targeting,Customer Search Term,Volume,Search Volume\npears,x,dried pears,1,2\n")
    assert (export.keywords[0].phrase, export.keywords[0].search_volume) == ("dried pears", 2)
    assert export.report.not_understood == ("Keyword", "Targeting", "Volume")


def test_columns_that_stand_twice_count_once() -> None:
    export = read("Keyword,Search Volume,Search Volume,B0PLAY0001,B0PLAY0001\npears,1,2,3,4\n")
    assert (export.keywords[0].search_volume, export.keywords[0].ranks) == (1, {"B0PLAY0001": 3})


@pytest.mark.parametrize(
    "header", ["B0PLAY0001", "b0play0001", "B0PLAY0001 (You)", "Rank B0PLAY0001", "B0PLAY0001 - Play Foods"]
)
def test_competitors_have_columns_however_they_are_named(header: str) -> None:
    assert read(f"Keyword,Search Volume,{header}\npears,12,3\n").asins == ("B0PLAY0001",)


@pytest.mark.parametrize(
    "header", ["B0PLAY0001 Sponsored Rank", "B0PLAY0001 Price", "B0PLAY0001 vs B0PLAY0002", "XB0PLAY0001"]
)
def test_columns_that_hold_no_organic_ranks_are_no_competitors(header: str) -> None:
    assert read(f"Keyword,Search Volume,{header}\npears,12,3\n").asins == ()


def test_books_are_competitors_too() -> None:
    export = read("Keyword,Search Volume,3161484100,080442957X\npear cook book,12,3,-\n")
    assert export.asins == ("3161484100", "080442957X")
    assert export.keywords[0].ranks == {"3161484100": 3}
