"""The price on a product's page, whatever the locale writes: $1,299.00, 1.299,00 €, 1 299,00 €, £12."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BLOCKS: Final = (
    "#corePriceDisplay_desktop_feature_div",
    "#corePrice_feature_div",
    "#corePrice_desktop",
    "#apex_desktop",
    "#tp_price_block_total_price_ww",
    "#buybox",
)
_PLAIN: Final = (
    "#priceblock_dealprice",
    "#priceblock_saleprice",
    "#priceblock_ourprice",
    "#price_inside_buybox",
    "#newBuyBoxPrice",
    "#kindle-price",
    "#price",
)
_CURRENCIES: Final = {
    "US$": "USD",
    "CA$": "CAD",
    "CDN$": "CAD",
    "C$": "CAD",
    "€": "EUR",
    "£": "GBP",
    "USD": "USD",
    "CAD": "CAD",
    "EUR": "EUR",
    "GBP": "GBP",
}
_AMOUNT: Final = re.compile(r"\d[\d.,'’\s\u00a0\u202f]*")
_DECIMALS: Final = re.compile(r"[.,](\d{1,2})$")


def price_in(page: LexborHTMLParser, currency: str) -> tuple[float | None, str | None]:
    """What the product costs now, and in what. currency: the marketplace's, which a bare `$` means."""
    for said in _candidates(page):
        found = amount_in(said)
        if found is not None:
            return found, currency_in(said) or currency
    return None, None


def amount_in(text: str) -> float | None:
    """The first amount in a text, from 0."""
    found = _AMOUNT.search(text)
    if found is None:
        return None
    digits = re.sub(r"[\s\u00a0\u202f'’]", "", found[0]).rstrip(".,")
    decimals = _DECIMALS.search(digits)
    whole = re.sub(r"\D", "", digits[: decimals.start()] if decimals else digits)
    if not whole or len(whole) > 9:
        return None
    return float(f"{whole}.{decimals[1] if decimals else 0}")


def currency_in(text: str) -> str | None:
    """What a text names a currency by; None for a bare `$`, which three of them write."""
    upper = text.upper()
    return next((code for name, code in _CURRENCIES.items() if name in upper), None)


def _candidates(page: LexborHTMLParser) -> Iterator[str]:
    stated = page.css_first('input[name$="[customerVisiblePrice][amount]"]')
    if stated is not None and (amount := stated.attributes.get("value")):
        code = page.css_first('input[name$="[customerVisiblePrice][currencyCode]"]')
        yield f"{amount} {(code.attributes.get('value') if code else None) or ''}"
    for block in _BLOCKS:
        for node in page.css(f"{block} .priceToPay, {block} .apexPriceToPay, {block} .a-price"):
            if not _struck(node):
                yield _price(node)
    for selector in _PLAIN:
        for node in page.css(selector):
            yield node.text()


def _price(node: LexborNode) -> str:
    """What is read out; else the parts that are seen."""
    spoken = node.css_first(".a-offscreen")
    if spoken is not None and any(map(str.isdigit, text := spoken.text())):
        return text
    whole, fraction = node.css_first(".a-price-whole"), node.css_first(".a-price-fraction")
    if whole is None:
        return node.text()
    symbol = node.css_first(".a-price-symbol")
    digits = re.sub(r"[.,\s]+$", "", whole.text().strip())
    decimals = f",{fraction.text().strip()}" if fraction is not None else ""
    return f"{symbol.text() if symbol is not None else ''}{digits}{decimals}"


def _struck(node: LexborNode) -> bool:
    """The price before a reduction, or the price of a hundred grams."""
    if node.attributes.get("data-a-strike") == "true":
        return True
    return "a-text-price" in (node.attributes.get("class") or "") and "apexPriceToPay" not in (
        node.attributes.get("class") or ""
    )
