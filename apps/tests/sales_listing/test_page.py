"""Pages in the shapes of real ones, in the words of seven marketplaces, are read into the same product."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.sales.products import BARE, BOOK, BRAND, EMPTY, MODERN, PRODUCT, WORDS
from accepted_apps.playground.sales.site import base_urls
from accepted_apps.sales.listing.page import product_in
from accepted_apps.sales.listing.price import amount_in, currency_in
from accepted_apps.sales.model import Product


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with Playground() as playground:
        yield playground.url


def shown(site: str, code: str, asin: str, query: str = "") -> Product | None:
    url = f"{base_urls(site)[code]}/dp/{asin}"
    html = httpx.get(url + query).raise_for_status().text
    return product_in(html, url=url, marketplace=code, asin=asin)


def product(site: str, code: str, asin: str, query: str = "") -> Product:
    found = shown(site, code, asin, query)
    assert found is not None
    return found


@pytest.mark.parametrize("code", WORDS)
def test_a_page_of_every_marketplace_is_read_whole(site: str, code: str) -> None:
    words = WORDS[code]
    found = product(site, code, PRODUCT)
    assert (found.asin, found.marketplace, found.language) == (PRODUCT, code, words.language)
    assert (found.title, found.bullets, found.brand) == (words.title, list(words.bullets), BRAND)
    assert (found.price, found.currency) == (words.amount, words.currency)
    assert found.overview == {words.brand: BRAND, words.flavour[0]: words.flavour[1]}
    assert found.details == {
        words.maker: BRAND,
        words.weight[0]: words.weight[1],
        words.rank[0]: words.rank[1],
    }
    assert (found.rating, found.reviews, found.availability) == (4.6, 1162, words.stock)
    assert found.category == list(words.category)
    assert found.images == [
        f"{site}/amazon/images/I/71pearsPear._AC_SL1500_.jpg",
        f"{site}/amazon/images/I/41back._AC_.jpg",
    ]
    assert found.description == [words.description]
    assert found.a_plus == [BRAND, words.description, words.bullets[0]]
    assert found.variations == {"Size": ["1 kg", "500 g"]}


@pytest.mark.parametrize("code", WORDS)
@pytest.mark.parametrize("query", ["?table=no", "?table=no&by=1"])
def test_the_brand_is_heard_in_the_line_under_the_title(site: str, code: str, query: str) -> None:
    assert product(site, code, PRODUCT, query).brand == BRAND


@pytest.mark.parametrize("code", WORDS)
def test_a_newer_page_is_read_as_well(site: str, code: str) -> None:
    words = WORDS[code]
    found = product(site, code, MODERN)
    assert (found.bullets, found.brand, found.price) == (list(words.bullets), BRAND, words.amount)
    assert found.overview == {words.flavour[0]: words.flavour[1]}
    assert found.details == {words.maker: BRAND, words.weight[0]: words.weight[1], "ASIN": MODERN}
    assert (found.rating, found.images[0]) == (4.6, f"{site}/amazon/images/I/81next._AC_SX679_.jpg")
    assert found.variations == {"Size": ["1 kg", "500 g"], "Color": ["Green", "Yellow"]}


def test_a_book_has_an_author_and_no_brand(site: str) -> None:
    found = product(site, "US", BOOK)
    assert (found.title, found.brand, found.price, found.currency) == ("The Pear Cook Book", None, 24.5, "USD")
    assert found.description == ["Ninety recipes with pears."]


def test_what_a_page_does_not_show_is_unknown(site: str) -> None:
    found = product(site, "US", BARE)
    assert found.title == WORDS["US"].title
    assert (found.bullets, found.brand, found.price, found.currency, found.rating, found.reviews) == (
        [],
        None,
        None,
        None,
        None,
        None,
    )
    assert found.availability == "Currently unavailable."


def test_a_page_without_a_product_is_none(site: str) -> None:
    assert shown(site, "US", EMPTY) is None
    assert product_in("", url="", marketplace="US", asin=PRODUCT) is None
    assert product_in("<span id=productTitle>  </span>", url="", marketplace="US", asin=PRODUCT) is None


@pytest.mark.parametrize(
    ("byline", "brand"),
    [
        ("Visit the Play & Co. Store", "Play & Co."),
        ("Besuchen Sie den Play-Store", "Play"),
        ("Besuche den Play Store", "Play"),
        ("Visitez la boutique Play", "Play"),
        ("Visiter la boutique de la marque Play", "Play"),
        ("Visita la Store de Play", "Play"),
        ("Visiter la boutique De Kuyper", "De Kuyper"),
        ("Visita la tienda de De Kuyper", "De Kuyper"),
        ("Marque : Play", "Play"),
        ("Marke: Play", "Play"),
        ("\u200eBrand:\u00a0Play", "Play"),
        ("Somebody else's words", None),
    ],
)
def test_lines_under_the_title_name_the_brand(byline: str, brand: str | None) -> None:
    html = f'<span id="productTitle">Pears</span><a id="bylineInfo">{byline}</a>'
    found = product_in(html, url="", marketplace="US", asin=PRODUCT)
    assert found is not None
    assert found.brand == brand


@pytest.mark.parametrize(
    ("said", "amount", "currency"),
    [
        ("$1,299.00", 1299.0, None),
        ("US$ 12.99", 12.99, "USD"),
        ("CDN$ 19", 19.0, "CAD"),
        ("1.299,00 €", 1299.0, "EUR"),
        ("1 299,50\u00a0€", 1299.5, "EUR"),
        ("12,9 €", 12.9, "EUR"),
        ("£12", 12.0, "GBP"),
        ("£1,299", 1299.0, "GBP"),
        ("EUR 8,49", 8.49, "EUR"),
        ("$12.99 - $19.99", 12.99, None),
        ("free", None, None),
        ("9" * 40, None, None),
    ],
)
def test_a_price_is_what_its_locale_means(said: str, amount: float | None, currency: str | None) -> None:
    assert (amount_in(said), currency_in(said)) == (amount, currency)


@pytest.mark.parametrize(
    "script", ["'colorImages': { 'initial': [{]}", '"variationDisplayLabels": {x}, "variationValues": []']
)
def test_scripts_that_are_no_json_do_no_harm(script: str) -> None:
    html = f'<script>{script}</script><span id="productTitle">Pears</span>'
    found = product_in(html, url="", marketplace="US", asin=PRODUCT)
    assert found is not None
    assert (found.images, found.variations) == ([], {})
