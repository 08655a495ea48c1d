"""Fetching a product's page through the preview's tiers, and reading it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accepted_apps.preview.climb import Climber, Report, Reporter
from accepted_apps.preview.errors import PreviewError
from accepted_apps.sales.errors import BadProduct, ListingUnavailable
from accepted_apps.sales.listing.address import Address, asin_in, check_shop
from accepted_apps.sales.listing.page import product_in
from accepted_apps.sales.model import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A product, and how its page was got. escalation_log: the preview's, each tier with sign, seconds and cost."""

    product: Product
    tier: int
    escalation_log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """Of all tiers that were tried, in US dollars."""
        return cost_of(self.escalation_log)


def cost_of(escalation_log: list[dict[str, Any]]) -> float:
    """Of all tiers in a log, in US dollars."""
    return float(sum(entry["cost"] for entry in escalation_log))


async def read_listing(
    climber: Climber,
    address: Address,
    *,
    base_urls: Mapping[str, str] | None = None,
    max_tier: int = 3,
    report: Reporter | None = None,
) -> Listing:
    """The product at an address. report: hears each step of the climb.

    Raises ListingUnavailable, which says why, and what was spent nevertheless.
    """
    try:
        page = await climber.climb(address.url, 1, max_tier, report=report or _unheard)
    except PreviewError as error:
        raise ListingUnavailable(
            f"The product's page could not be read. {error.message}",
            code=error.code,
            url=address.url,
            retryable=error.retryable,
            cost=cost_of(error.escalation_log),
            escalation_log=error.escalation_log,
        ) from error
    log = page.tier_info["escalation_log"]
    asin = address.asin or _asin_behind(address, page.url, base_urls or {}, log)
    product = await asyncio.to_thread(
        product_in, page.html, url=page.url.split("?")[0], marketplace=address.marketplace, asin=asin
    )
    if product is None:
        raise _no_product("The page shows no product; look whether it is still sold.", address, log)
    return Listing(product=product, tier=page.tier_info["tier_used"], escalation_log=log)


def _asin_behind(address: Address, url: str, base_urls: Mapping[str, str], log: list[dict[str, Any]]) -> str:
    """The product that a short address led to."""
    try:
        check_shop(url, address.marketplace, base_urls)
    except BadProduct as error:
        raise _no_product(f"The short address leads elsewhere: {error.said}", address, log) from error
    asin = asin_in(url)
    if asin is None:
        raise _no_product("The short address leads to a page that is no product's.", address, log)
    return asin


def _no_product(message: str, address: Address, log: list[dict[str, Any]]) -> ListingUnavailable:
    return ListingUnavailable(message, code="not_a_product", url=address.url, cost=cost_of(log), escalation_log=log)


async def _unheard(report: Report) -> None:
    """Nobody follows."""
