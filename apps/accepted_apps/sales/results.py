"""A result put together: what the analysis has made, what the page shows, how the files were read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from accepted_apps.sales.given import EXPORTS
from accepted_apps.sales.model import Product
from accepted_apps.sales.shapes import Keywords, ListingRead, SalesResult, Scraped, Seo
from accepted_apps.sales.work import Documents, Judged

_FIELDS: Final = {file: name for name, file in EXPORTS.items()}


def sales_result(marketplace: str, scraped: Scraped, judged: Judged, documents: Documents) -> SalesResult:
    """In the form that the contract has."""
    notes = list(documents["notes"])
    if scraped.product is None:
        notes.insert(0, f"{scraped.error} So the exports alone were analysed.")
    if documents["left_out"]:
        count = judged.read - documents["left_out"]
        notes.append(
            f"Of {judged.read:,} keywords the {count:,} of the highest relevancy and search volume were analysed."
        )
    return SalesResult(
        asin=scraped.asin,
        marketplace=marketplace,
        main_keyword=documents["main_keyword"],
        analysis_by=documents["analysis_by"],
        listing=ListingRead(
            read=scraped.product is not None,
            url=scraped.url,
            tier=scraped.tier,
            error=scraped.error,
            code=scraped.code,
        ),
        ai_analysis_keywords=Keywords(
            structured_data=_with_counts(documents["structured_data"]),
            scraped_product=scraped_product(scraped),
            total_keywords=judged.read,
            source=documents["analysis_by"]["categories"],
        ),
        seo_analysis=Seo.of(documents["seo"], documents["analysis_by"]["listing"]),
        keyword_root_optimization=documents["keyword_root_optimization"],
        reading=_reading(judged),
        roots=documents["roots"],
        variants=documents["variants"],
        left_out=documents["left_out"],
        notes=notes,
    )


def _with_counts(structured: dict[str, Any]) -> dict[str, Any]:
    """Front ends write the two numbers of a keyword that they ask for in the reader's way, without a look whether they
    are there: what is unknown of these is 0, and named in `unknown`."""
    return {**structured, "items": [_counted(item) for item in structured["items"]]}


def _counted(item: dict[str, Any]) -> dict[str, Any]:
    competition = item["competition"]
    told = {"search_volume": item, "competing_products": competition}
    unknown = [name for name, members in told.items() if name not in members]
    if not unknown:
        return item
    return {"search_volume": 0, **item, "competition": {"competing_products": 0, **competition}, "unknown": unknown}


def scraped_product(scraped: Scraped) -> dict[str, Any]:
    """The page as front ends read it; what it does not show is not `present`."""
    product = scraped.product
    if product is None:
        return {"url": scraped.url, "elements": {}, "images": {"present": False, "all_images": [], "image_count": 0}}
    members: dict[str, Any] = {
        "asin": product.asin,
        "url": product.url,
        "title": product.title,
        "elements": _elements(product),
        "images": {
            "present": bool(product.images),
            "all_images": product.images,
            "image_count": len(product.images),
        },
        "variations": product.variations,
    }
    if product.images:
        members["images"]["main_image"] = product.images[0]
    if product.price is not None:
        currency = product.currency or ""
        raw = f"{product.price:.2f} {currency}".strip()
        members["price"] = {"present": True, "raw": raw, "amount": product.price, "currency": currency}
    stars = {"rating": product.rating, "count": product.reviews}
    if any(stars.values()):
        known = {name: value for name, value in stars.items() if value is not None}
        members["reviews"] = {"present": True, **known, "sample_reviews": []}
    for name in ("brand", "category", "availability", "language"):
        if value := getattr(product, name):
            members[name] = value
    return members


def _elements(product: Product) -> dict[str, Any]:
    return {
        "productTitle": {"present": True, "text": [product.title]},
        "productOverview_feature_div": {"present": bool(product.overview), "kv": product.overview},
        "feature-bullets": {"present": bool(product.bullets), "bullets": product.bullets},
        "productDescription": {"present": bool(product.description), "paragraphs": product.description},
        "detailBullets_feature_div": {"present": bool(product.details), "kv": product.details},
        "aplus": {"present": bool(product.a_plus), "paragraphs": product.a_plus},
    }


def _reading(judged: Judged) -> dict[str, Any]:
    """How each file was read, by its field."""
    return {_FIELDS[file]: {"kind": judged.kinds[file], **asdict(report)} for file, report in judged.reports.items()}
