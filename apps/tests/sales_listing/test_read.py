"""A product's page through the tiers: the real engine against the playground's shops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.sales.products import BLOCKED, EMPTY, MOVED, PRODUCT, ROBOT, WORDS
from accepted_apps.playground.sales.site import base_urls
from accepted_apps.preview.climb import Climber, Report
from accepted_apps.preview.settings import PreviewSettings
from accepted_apps.sales.errors import ListingUnavailable
from accepted_apps.sales.listing.address import Address, product_at
from accepted_apps.sales.listing.read import Listing, read_listing


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    with Playground() as running:
        yield running


@pytest.fixture
async def climber(playground: Playground) -> AsyncIterator[Climber]:
    host = playground.url.removeprefix("http://")
    settings = PreviewSettings(allow=(host,), host_delay=0.0, proxies=playground.proxies, browser=False)
    async with Climber(settings) as made:
        yield made


async def read(climber: Climber, playground: Playground, asin: str, code: str = "US") -> Listing:
    bases = base_urls(playground.url)
    return await read_listing(climber, product_at(asin, code, bases), base_urls=bases)


async def refused(climber: Climber, playground: Playground, asin: str) -> ListingUnavailable:
    with pytest.raises(ListingUnavailable) as raised:
        await read(climber, playground, asin)
    return raised.value


async def test_a_listing_is_read_in_the_first_tier(climber: Climber, playground: Playground) -> None:
    listing = await read(climber, playground, PRODUCT, "DE")
    assert listing.product.title == WORDS["DE"].title
    assert listing.product.url == f"{playground.url}/amazon/de/dp/{PRODUCT}"
    assert (listing.tier, listing.cost) == (1, 0.0001)


async def test_a_shop_that_blocks_is_read_through_a_proxy_at_its_price(
    climber: Climber, playground: Playground
) -> None:
    heard: list[str] = []

    async def report(each: Report) -> None:
        heard.append(each.message)

    bases = base_urls(playground.url)
    listing = await read_listing(climber, product_at(BLOCKED, "US", bases), base_urls=bases, report=report)
    assert (listing.tier, listing.product.title) == (2, WORDS["US"].title)
    assert listing.cost == pytest.approx(0.0051)
    assert heard


async def test_a_product_that_moved_is_read_where_it_is(climber: Climber, playground: Playground) -> None:
    listing = await read(climber, playground, MOVED)
    assert listing.product.asin == PRODUCT
    assert listing.product.url.endswith(f"/Dried-Pears/dp/{PRODUCT}/ref=moved")


async def test_a_question_for_a_person_is_said_and_not_answered(climber: Climber, playground: Playground) -> None:
    error = await refused(climber, playground, ROBOT)
    assert (error.code, error.retryable) == ("captcha", False)
    assert "CAPTCHA" in error.message
    assert error.cost > 0
    assert error.escalation_log


async def test_a_product_that_is_not_sold_is_said(climber: Climber, playground: Playground) -> None:
    error = await refused(climber, playground, "B0PLAYGONE")
    assert error.code == "not_found"


async def test_a_page_without_a_product_is_said(climber: Climber, playground: Playground) -> None:
    error = await refused(climber, playground, EMPTY)
    assert (error.code, error.cost) == ("not_a_product", 0.0001)
    assert error.url.endswith(EMPTY)


async def test_a_private_address_is_refused_unless_it_is_allowed(playground: Playground) -> None:
    async with Climber(PreviewSettings(host_delay=0.0, browser=False)) as guarded:
        error = await refused(guarded, playground, PRODUCT)
    assert error.code == "address_refused"


async def test_a_short_address_leads_to_its_product(climber: Climber, playground: Playground) -> None:
    bases = base_urls(playground.url)
    listing = await read_listing(climber, Address("US", f"{playground.url}/amazon/us/s", None), base_urls=bases)
    assert (listing.product.asin, listing.product.title) == (PRODUCT, WORDS["US"].title)


async def test_a_short_address_of_another_page_is_said(climber: Climber, playground: Playground) -> None:
    with pytest.raises(ListingUnavailable) as raised:
        await read_listing(climber, Address("US", f"{playground.url}/article", None), base_urls={})
    assert raised.value.code == "not_a_product"
    assert "not one of Amazon's" in raised.value.message
