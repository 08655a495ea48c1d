"""Which product an ASIN or an address means, and where its page is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from accepted_apps.sales.errors import BadProduct
from accepted_apps.sales.model import MARKETPLACES
from accepted_apps.sales.reading.phrases import ASIN

_SHORT_HOSTS: Final = frozenset({"amzn.to", "a.co", "amzn.eu", "amzn.com"})
"""Amazon's own, whose addresses lead to a product only when they are asked."""

_LABELLED: Final = re.compile(r"asin\s*[:=]?\s*", re.IGNORECASE)
_IN_PATH: Final = re.compile(
    r"/(?:dp(?:/product)?|gp/product(?:/glance)?|gp/aw/d|gp/offer-listing|gp/slredirect|exec/obidos/(?:asin|tg/detail/-)"
    r"|product-reviews|gp/customer-reviews|review/product|o/asin|d|product|asin)/(B0[A-Z0-9]{8}|\d{9}[\dX])(?![A-Z0-9])",
    re.IGNORECASE,
)
_AMAZON: Final = re.compile(r"(?:[a-z0-9-]+\.)?(amazon\.(?:com?\.)?[a-z]{2,3})")
_ADDRESS: Final = re.compile(r"https?://|[\w.-]+\.\w{2,6}(?::\d+)?/", re.IGNORECASE)
_FIELD: Final = "asin_or_url"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a product's page is. asin: None for a short address, which tells it when it is fetched."""

    marketplace: str
    url: str
    asin: str | None


def product_at(text: str, marketplace: str, base_urls: Mapping[str, str] | None = None) -> Address:
    """The page of a product, given as an ASIN or as an address of any form.

    marketplace: one of `MARKETPLACES`. base_urls: marketplace → what stands in place of Amazon's own address.
    Raises BadProduct, whose message says what to give.
    """
    given = text.strip()
    bases = base_urls or {}
    bare = _LABELLED.sub("", given, count=1)
    if ASIN.fullmatch(bare):
        return Address(marketplace, page_url(bare.upper(), marketplace, bases), bare.upper())
    if len(given) > 4096 or not _ADDRESS.match(given):
        raise BadProduct("expected an ASIN such as B012345678, or the address of a product page.", field=_FIELD)
    parts = _split(given)
    host = (parts.hostname or "").removesuffix(".")
    if host in _SHORT_HOSTS and not _IN_PATH.search(parts.path):
        return Address(marketplace, given if "://" in given else f"https://{given}", None)
    _check_shop(parts, marketplace, bases)
    asin = asin_in(given)
    if asin is None:
        raise BadProduct(
            "no ASIN is in this address; give the address of a product's page, such as …/dp/B012345678.", field=_FIELD
        )
    return Address(marketplace, page_url(asin, marketplace, bases), asin)


def page_url(asin: str, marketplace: str, base_urls: Mapping[str, str]) -> str:
    """The shortest address of a product's page."""
    base = base_urls.get(marketplace) or f"https://{MARKETPLACES[marketplace].host}"
    return f"{base.rstrip('/')}/dp/{asin}"


def asin_in(url: str) -> str | None:
    """The product that an address of Amazon's is about."""
    parts = _split(url)
    query = parse_qs(parts.query)
    inside = (value for name in ("url", "u") for value in query.get(name, ()))
    for path in (parts.path, *inside):
        if found := _IN_PATH.search(unquote(path)):
            return found[1].upper()
    named = next((value for name in ("asin", "ASIN") for value in query.get(name, ())), "")
    return named.upper() if ASIN.fullmatch(named) else None


def check_shop(url: str, marketplace: str, base_urls: Mapping[str, str] | None = None) -> None:
    """Whether an address belongs to the marketplace. Raises BadProduct, which names the one it belongs to."""
    _check_shop(_split(url), marketplace, base_urls or {})


def _check_shop(parts: SplitResult, marketplace: str, bases: Mapping[str, str]) -> None:
    base = bases.get(marketplace)
    if base and parts.netloc.lower() == urlsplit(base).netloc.lower():
        return
    found = _AMAZON.fullmatch((parts.hostname or "").lower())
    if found is None:
        raise BadProduct("this address is not one of Amazon's; give the page of a product there.", field=_FIELD)
    shop = found[1]
    code = next((each.code for each in MARKETPLACES.values() if each.host.endswith("." + shop)), None)
    if code is None:
        known = ", ".join(MARKETPLACES)
        raise BadProduct(f"this address is of {shop}, and products are read in {known}.", field=_FIELD)
    if code != marketplace:
        raise BadProduct(
            f"this address is of {shop}, and the marketplace is {marketplace}; choose {code}.", field=_FIELD
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        _ = parts.port
    except ValueError:
        raise BadProduct("this is no address; give that of a product's page.", field=_FIELD) from None
    return parts
