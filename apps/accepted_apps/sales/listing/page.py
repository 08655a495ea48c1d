"""From the HTML of a product's page to the product: the same blocks in all marketplaces, words in seven of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from accepted_apps.sales.listing.price import price_in
from accepted_apps.sales.model import MARKETPLACES, Product
from accepted_apps.sales.reading.phrases import ASIN

_UNSEEN: Final = ["script", "style", "noscript", "template"]
_MARKS: Final = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TITLES: Final = ("#productTitle", "#ebooksProductTitle", "h1#title", "#title")
_BULLETS: Final = (
    "#feature-bullets li",
    "#featurebullets_feature_div li",
    "#productFactsDesktopExpander ul.a-unordered-list li",
    "#productFactsDesktop_feature_div ul.a-unordered-list li",
    "#pqv-feature-bullets li",
    "#feature-bullets-btf li",
)
_NO_BULLET: Final = re.compile(
    r"make sure this fits|passt perfekt|geben sie ihr modell|vérifiez la compatibilité|assicurati che si adatti"
    r"|asegúrate de que|see more product details|about this item",
    re.IGNORECASE,
)
_BRAND_LABELS: Final = frozenset(
    {
        "brand",
        "brand name",
        "marke",
        "markenname",
        "marque",
        "nom de la marque",
        "marca",
        "marchio",
        "nome del marchio",
        "nombre de la marca",
        "nome marca",
    }
)
_BYLINES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"visit the (.+?) store",
        r"shop (.+?) store",
        r"besuche(?:n sie)? den (.+?)[ -]store",
        r"visite[rz] la boutique (?:(?-i:de la marque) )?(?:(?-i:de) )?(.+)",
        r"visita lo store (?:(?-i:di) )?(.+)",
        r"visita (?:la )?(?:tienda|store) (?:(?-i:de) )?(.+)",
        r"(?:brand|marke|marque|marca|marchio)\s*[:：]\s*(.+)",
    )
)
_REVIEWS: Final = re.compile(
    r"review|rezension|commentaires|évaluation|recension|valoracion|opinion|opiniones", re.IGNORECASE
)
_IMAGE_LIST: Final = re.compile(r"""['"]colorImages['"]\s*:\s*\{\s*['"]initial['"]\s*:\s*(?=\[)""")
_SIZES: Final = re.compile(r"\._[^/]*_(?=\.\w{3,4}$)")
_NO_PRODUCT_IMAGE: Final = re.compile(
    r"/images/G/|play-icon|overlay|sprite|360_icon|transparent-pixel|grey-pixel", re.IGNORECASE
)
_LABELS: Final = re.compile(r"""["']?variationDisplayLabels["']?\s*:\s*(\{[^{}]*\})""")
_VALUES: Final = re.compile(r"""["']?variationValues["']?\s*:\s*(\{[^{}]*\})""")
_NUMBER: Final = re.compile(r"\d(?:[.,]\d)?")
_A_PLUS: Final = ", ".join(f"#aplus {tag}, #aplus_feature_div {tag}" for tag in ("h1", "h2", "h3", "h4", "p", "li"))
_DECODER: Final = json.JSONDecoder()
_PARAGRAPHS_MAX: Final = 100
_DETAILS_MAX: Final = 100


def product_in(html: str, *, url: str, marketplace: str, asin: str) -> Product | None:
    """The product that a page shows; None where it shows none. asin: of the product that was asked for."""
    page = LexborHTMLParser(html)
    variations = dict(_variations_of_script(html))
    images = list(_images(page, html))
    page.strip_tags(_UNSEEN)
    title = _first(page, *_TITLES)
    if not title:
        return None
    overview = dict(_overview(page))
    details = dict(_details(page))
    price, currency = price_in(page, MARKETPLACES[marketplace].currency)
    return Product(
        asin=_asin(page) or asin,
        marketplace=marketplace,
        url=url,
        title=title,
        bullets=_bullets(page),
        brand=_brand(page, overview, details),
        price=price,
        currency=currency,
        overview=overview,
        details=details,
        images=images,
        description=_texts(page, "#productDescription p, #productDescription li", "#productDescription")
        or _texts(page, "#bookDescription_feature_div .a-expander-content"),
        a_plus=_texts(page, _A_PLUS),
        category=_texts(page, "#wayfinding-breadcrumbs_feature_div li a, #wayfinding-breadcrumbs_container li a"),
        rating=_rating(page),
        reviews=_reviews(page),
        availability=_first(page, "#availability span", "#availability", "#outOfStock span") or None,
        language=(page.root.attributes.get("lang") or "")[:2].lower() or None if page.root else None,
        variations=variations or dict(_variations_shown(page)),
    )


def cleaned(text: str) -> str:
    """A text as a reader sees it, its spaces single."""
    return " ".join(_MARKS.sub("", text).split())


def _text(node: LexborNode) -> str:
    """Long texts stand twice on these pages, once whole and once cut."""
    whole = node.css_first(".a-truncate-full")
    return cleaned((whole or node).text(separator=" "))


def _first(page: LexborHTMLParser, *selectors: str) -> str:
    for selector in selectors:
        for node in page.css(selector):
            if text := _text(node):
                return text
    return ""


def _texts(page: LexborHTMLParser, *selectors: str) -> list[str]:
    """The different texts that the first fruitful selector finds."""
    for selector in selectors:
        found = dict.fromkeys(text for node in page.css(selector) if (text := _text(node)))
        if found:
            return list(found)[:_PARAGRAPHS_MAX]
    return []


def _asin(page: LexborHTMLParser) -> str | None:
    node = page.css_first("input#ASIN")
    value = ((node.attributes.get("value") if node else None) or "").strip().upper()
    return value if ASIN.fullmatch(value) else None


def _bullets(page: LexborHTMLParser) -> list[str]:
    for selector in _BULLETS:
        found = dict.fromkeys(
            text
            for node in page.css(selector)
            if "aok-hidden" not in (node.attributes.get("class") or "")
            and len(node.css("li")) <= 1
            and (text := _text(node))
            and not _NO_BULLET.match(text)
        )
        if found:
            return list(found)
    return []


def _overview(page: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for row in page.css("#productOverview_feature_div tr, #productOverview_feature_div .a-row.a-spacing-small"):
        cells = row.css("td, th")
        if len(cells) >= 2:
            yield from _pair(_text(cells[0]), _text(cells[-1]))
        elif not cells and len(columns := row.css(".a-column")) >= 2:
            yield from _pair(_text(columns[0]), _text(columns[-1]))
    for row in page.css(".product-facts-detail"):
        left, right = row.css_first(".a-col-left"), row.css_first(".a-col-right")
        if left is not None and right is not None:
            yield from _pair(_text(left), _text(right))


def _details(page: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    rows = page.css(
        "#prodDetails tr, #productDetails_techSpec_section_1 tr, #productDetails_detailBullets_sections1 tr,"
        " #technicalSpecifications_feature_div tr, #tech-specs-desktop tr"
    )
    for row in rows[:_DETAILS_MAX]:
        label, value = row.css_first("th"), row.css_first("td")
        if label is not None and value is not None and value.css_first(".a-icon-star") is None:
            yield from _pair(_text(label), _text(value))
    for item in page.css("#detailBullets_feature_div li, #detailBulletsWrapper_feature_div li")[:_DETAILS_MAX]:
        label = item.css_first(".a-text-bold")
        if label is not None and item.css_first(".a-icon-star") is None:
            named = _text(label)
            yield from _pair(named, cleaned(item.text(separator=" ")).removeprefix(named))


def _pair(label: str, value: str) -> Iterator[tuple[str, str]]:
    name = label.strip(" :：")
    said = value.strip(" :：")
    if name and said and not _REVIEWS.search(name):
        yield name, said


def _brand(page: LexborHTMLParser, overview: dict[str, str], details: dict[str, str]) -> str | None:
    if stated := _first(page, "tr.po-brand td:nth-child(2)", ".po-brand .po-break-word"):
        return stated
    named = next(
        (value for part in (overview, details) for name, value in part.items() if name.lower() in _BRAND_LABELS), ""
    )
    if named:
        return named
    byline = _first(page, "a#bylineInfo", "#brand", "#bylineInfo_feature_div a", "#bylineInfo")
    if page.css_first("#bylineInfo .author") is not None:
        return None
    found = next((match for pattern in _BYLINES if (match := pattern.fullmatch(byline))), None)
    if found:
        return found[1]
    return _first(page, "a#brand") or None


def _rating(page: LexborHTMLParser) -> float | None:
    node = page.css_first("#acrPopover")
    said = (node.attributes.get("title") if node else None) or _first(
        page, "#averageCustomerReviews .a-icon-alt", "[data-hook=rating-out-of-text]", "#acrPopover"
    )
    found = _NUMBER.search(said)
    value = float(found[0].replace(",", ".")) if found else None
    return value if value is not None and value <= 5 else None


def _reviews(page: LexborHTMLParser) -> int | None:
    said = _first(page, "#acrCustomerReviewText", "[data-hook=total-review-count]")
    digits = re.sub(r"\D", "", said)
    return int(digits) if digits and len(digits) < 10 else None


def _images(page: LexborHTMLParser, html: str) -> Iterator[str]:
    """The main picture first, each in its largest form: the script has all of them, where there is one."""
    seen: set[str] = set()
    for address in list(_images_of_script(html)) or _images_shown(page):
        if _NO_PRODUCT_IMAGE.search(address) or not address.startswith("http"):
            continue
        name = _SIZES.sub("", address.split("?")[0])
        if name not in seen:
            seen.add(name)
            yield address


def _images_of_script(html: str) -> Iterator[str]:
    found = _IMAGE_LIST.search(html)
    entries = _json(html[found.end() :]) if found else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            address = entry.get("hiRes") or entry.get("large") or entry.get("thumb")
            if isinstance(address, str):
                yield address


def _images_shown(page: LexborHTMLParser) -> Iterator[str]:
    for node in page.css("#landingImage, #imgBlkFront, #main-image, #ebooksImgBlkFront"):
        if large := node.attributes.get("data-old-hires"):
            yield large
        sizes = _json(node.attributes.get("data-a-dynamic-image") or "")
        if isinstance(sizes, dict) and sizes and not large:
            yield max(sizes, key=lambda address: _area(sizes[address]))
        elif not large and (source := node.attributes.get("src")):
            yield source
    for node in page.css("#altImages img, #imageBlockThumbs img"):
        yield _SIZES.sub("", node.attributes.get("src") or "")


def _area(size: object) -> int:
    return (
        size[0] * size[1] if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) for n in size) else 0
    )


def _variations_of_script(html: str) -> Iterator[tuple[str, list[str]]]:
    labels, values = _LABELS.search(html), _VALUES.search(html)
    named = _json(labels[1]) if labels else None
    given = _json(values[1]) if values else None
    if isinstance(named, dict) and isinstance(given, dict):
        for name, choices in given.items():
            if isinstance(choices, list):
                yield str(named.get(name, name)), [str(choice) for choice in choices]


def _variations_shown(page: LexborHTMLParser) -> Iterator[tuple[str, list[str]]]:
    for row in page.css('[id^="variation_"], [id^="inline-twister-row-"]'):
        place = (row.attributes.get("id") or "").removeprefix("variation_").removeprefix("inline-twister-row-")
        label = row.css_first(".a-form-label, .inline-twister-dim-title")
        choices = dict.fromkeys(
            choice
            for node in row.css("li[data-asin], li[data-defaultasin], option[value]:not([value='-1'])")
            if (choice := _choice(node))
        )
        if choices:
            yield (_text(label).strip(" :：") if label else place), list(choices)


def _choice(node: LexborNode) -> str:
    image = node.css_first("img[alt]")
    return cleaned((image.attributes.get("alt") if image else None) or node.text(separator=" "))


def _json(text: str) -> object:
    """What a text begins with; None where that is no JSON."""
    try:
        found: object = _DECODER.raw_decode(text)[0]
        return found
    except (ValueError, RecursionError):
        return None
