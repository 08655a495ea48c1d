"""An ASIN, or an address of any form, is one product in one marketplace."""

from __future__ import annotations

import pytest
from accepted_apps.sales.errors import BadProduct
from accepted_apps.sales.listing.address import asin_in, product_at
from accepted_apps.sales.model import MARKETPLACES
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text",
    [
        "B0PLAYPEAR",
        " b0playpear ",
        "ASIN: B0PLAYPEAR",
        "https://www.amazon.com/dp/B0PLAYPEAR",
        "https://www.amazon.com/dp/B0PLAYPEAR?th=1&psc=1",
        "https://www.amazon.com/Dried-Pears-1/dp/B0PLAYPEAR/ref=sr_1_3?crid=1&keywords=dried+pears&qid=1",
        "http://amazon.com/gp/product/B0PLAYPEAR/",
        "https://smile.amazon.com/gp/aw/d/B0PLAYPEAR",
        "https://m.amazon.com/gp/aw/d/B0PLAYPEAR#detail",
        "www.amazon.com/exec/obidos/ASIN/B0PLAYPEAR",
        "https://www.amazon.com/-/es/Peras/dp/B0PLAYPEAR",
        "https://www.amazon.com/product-reviews/B0PLAYPEAR/ref=x",
        "https://www.amazon.com/gp/offer-listing/B0PLAYPEAR",
        "https://www.amazon.com/sspa/click?ie=UTF8&spc=x&url=%2FDried-Pears%2Fdp%2FB0PLAYPEAR%2Fref%3Dx",
        "https://www.amazon.com/s?asin=B0PLAYPEAR",
        "HTTPS://WWW.AMAZON.COM/DP/b0playpear",
    ],
)
def test_every_form_of_a_product_leads_to_its_page(text: str) -> None:
    address = product_at(text, "US")
    assert (address.asin, address.url) == ("B0PLAYPEAR", "https://www.amazon.com/dp/B0PLAYPEAR")


@pytest.mark.parametrize("code", MARKETPLACES)
def test_an_asin_is_looked_for_in_the_marketplace(code: str) -> None:
    host = MARKETPLACES[code].host
    assert product_at("B0PLAYPEAR", code).url == f"https://{host}/dp/B0PLAYPEAR"
    assert product_at(f"https://{host}/x/dp/B0PLAYPEAR", code).asin == "B0PLAYPEAR"


def test_books_have_numbers_of_their_own() -> None:
    assert product_at("https://www.amazon.de/dp/316148410X", "DE").asin == "316148410X"
    assert product_at("3161484100", "DE").asin == "3161484100"


def test_a_short_address_tells_its_product_when_it_is_fetched() -> None:
    address = product_at("a.co/d/abc123", "US")
    assert (address.asin, address.url) == (None, "https://a.co/d/abc123")


def test_a_stand_in_takes_the_place_of_the_shop() -> None:
    bases = {"US": "http://127.0.0.1:8130/us/"}
    assert product_at("B0PLAYPEAR", "US", bases).url == "http://127.0.0.1:8130/us/dp/B0PLAYPEAR"
    assert product_at("http://127.0.0.1:8130/us/x/dp/B0PLAYPEAR", "US", bases).asin == "B0PLAYPEAR"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected an ASIN"),
        ("dried pears", "expected an ASIN"),
        ("B0PLAY", "expected an ASIN"),
        ("ftp://www.amazon.com/dp/B0PLAYPEAR", "expected an ASIN"),
        ("https://www.amazon.com/s?k=dried+pears", "no ASIN is in this address"),
        ("https://www.amazon.com/dp/B0PLAYPEARS1", "no ASIN is in this address"),
        ("https://www.amazon.de/dp/B0PLAYPEAR", "this address is of amazon.de, and the marketplace is US; choose DE"),
        ("https://www.amazon.nl/dp/B0PLAYPEAR", "this address is of amazon.nl, and products are read in US, UK"),
        ("https://www.amazon.com.evil.test/dp/B0PLAYPEAR", "not one of Amazon's"),
        ("https://evil.test/www.amazon.com/dp/B0PLAYPEAR", "not one of Amazon's"),
        ("http://169.254.169.254/dp/B0PLAYPEAR", "not one of Amazon's"),
        ("http://[::1/dp/B0PLAYPEAR", "no address"),
        ("https://www.amazon.com@evil.test/dp/B0PLAYPEAR", "not one of Amazon's"),
    ],
)
def test_what_is_no_product_is_refused_with_what_to_give(text: str, said: str) -> None:
    with pytest.raises(BadProduct) as refused:
        product_at(text, "US")
    assert refused.value.message.startswith(f"asin_or_url: {said}") or said in refused.value.message
    assert refused.value.field == "asin_or_url"


@given(st.text(max_size=80))
def test_any_text_is_a_product_or_is_refused(text: str) -> None:
    for given_text in (text, f"https://www.amazon.com/{text}", f"https://{text}/dp/B0PLAYPEAR"):
        try:
            address = product_at(given_text, "US")
        except BadProduct:
            continue
        assert address.asin is None or asin_in(address.url) == address.asin
