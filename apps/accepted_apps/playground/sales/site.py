"""The routes of the small Amazon, below `/amazon/`: a shop for each marketplace, such as `/amazon/us`."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from accepted_apps.playground import content
from accepted_apps.playground.pages import Page, Section, html, state_of
from accepted_apps.playground.sales.products import (
    BARE,
    BLOCKED,
    BOOK,
    BRAND,
    EMPTY,
    MODERN,
    MOVED,
    PRODUCT,
    ROBOT,
    WORDS,
    Words,
)

_TEMPLATES = {PRODUCT: "classic", BLOCKED: "classic", MODERN: "modern", BOOK: "book", BARE: "bare", EMPTY: "empty"}


def base_urls(site: str) -> dict[str, str]:
    """What stands in place of Amazon's own addresses. site: the playground's URL."""
    return {code: f"{site}/amazon/{code.lower()}" for code in WORDS}


async def product(request: Request) -> Response:
    """A product's page, or what Amazon shows in its place."""
    code = request.path_params["shop"].upper()
    asin = request.path_params["asin"].upper()
    words = WORDS.get(code)
    if words is None:
        raise HTTPException(404)
    if asin == MOVED:
        return RedirectResponse(f"/amazon/{code.lower()}/Dried-Pears/dp/{PRODUCT}/ref=moved?th=1", status_code=301)
    if asin == ROBOT:
        return html("sales/robot.html")
    if asin == BLOCKED and not state_of(request).is_proxied(request):
        return Response("<html><title>Sorry!</title><p>To discuss automated access contact us.</p></html>", 503)
    template = _TEMPLATES.get(asin)
    if template is None:
        raise HTTPException(404)
    return _page(request, f"sales/{template}.html", words, code, asin)


async def short(request: Request) -> Response:
    """A short address of the product in one marketplace."""
    return RedirectResponse(
        f"/amazon/{request.path_params['shop']}/Dried-Pears/dp/{PRODUCT}?ref=short", status_code=302
    )


async def picture(_request: Request) -> Response:
    """A picture of a product."""
    return Response(content.product_image(70), media_type="image/svg+xml")


async def pears(request: Request) -> Response:
    """The product in the first of the marketplaces, as a page of the index."""
    return _page(request, "sales/classic.html", WORDS["US"], "US", PRODUCT)


async def robot(_request: Request) -> Response:
    """The letters in a picture, as a page of the index."""
    return html("sales/robot.html")


def _page(request: Request, template: str, words: Words, code: str, asin: str) -> Response:
    digits = f"{words.amount:.2f}".partition(".")
    return html(
        template,
        words=words,
        code=code,
        asin=asin,
        brand=BRAND,
        site=str(request.base_url).rstrip("/"),
        symbol=next(sign for sign in "$£€" if sign in words.price),
        whole=digits[0],
        fraction=digits[2],
        table="table" not in request.query_params,
        store="by" not in request.query_params,
    )


ROUTES: list[BaseRoute] = [
    Route("/amazon/images/{path:path}", picture),
    Route("/amazon/{shop}/s", short),
    Route("/amazon/{shop}/dp/{asin}", product),
    Route("/amazon/{shop}/{title}/dp/{asin}", product),
    Route("/amazon/{shop}/{title}/dp/{asin}/{rest:path}", product),
]

SECTION = Section(
    "A product of Amazon's",
    (
        Page("/amazon", "Dried pears", "A product's page, with price, overview, bullets, pictures and choices.",
             "tier 1; a listing for the sales analysis", pears),
        Page("/amazon/errors/validateCaptcha", "Robot check", "Letters in a picture, with status 200.",
             "fails and says that a person is asked for", robot),
    ),
)  # fmt: skip
