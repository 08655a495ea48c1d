"""Pages that any client may read, some of which look as if they were more difficult."""

from starlette.requests import Request
from starlette.responses import Response

from accepted_apps.playground import content
from accepted_apps.playground.pages import Page, Section, html, listing_response, number, state_of


async def plain(_request: Request) -> Response:
    """A shop's list of products."""
    return listing_response("Everything for a quiet morning", "24 things, picked by hand.")


async def article(_request: Request) -> Response:
    """A news article with author, date, picture and related links."""
    return html("article.html")


async def table(_request: Request) -> Response:
    """A month of weather in a table."""
    return html("table.html", readings=content.READINGS)


async def slow(request: Request) -> Response:
    """The list, after a while."""
    await state_of(request).pause(number(request, "seconds", 5, most=600))
    return listing_response("Worth the wait", "The server took its time over this page.")


async def login(_request: Request) -> Response:
    """A sign-in form with a reCAPTCHA on it."""
    return html("login.html")


async def vendors(_request: Request) -> Response:
    """The list, on a site that is a customer of every bot-protection vendor and lets this client pass."""
    response = html("vendors.html", products=content.PRODUCTS[:12])
    response.headers.update({"Server": "cloudflare", "CF-Ray": "8f2c1a7b3d4e5f60-FRA", "X-DataDome": "protected"})
    response.set_cookie("datadome", "4yXvE2cM0pZ", samesite="lax")
    response.set_cookie("__cf_bm", "Q1w2e3r4t5", httponly=True)
    return response


async def consent_banner(_request: Request) -> Response:
    """The list, with a cookie banner over its lower edge."""
    return html("consent_banner.html", products=content.PRODUCTS[:12])


async def selectors(_request: Request) -> Response:
    """Markup that breaks naive selectors."""
    return html("selectors.html")


async def many(request: Request) -> Response:
    """More data than anybody wants in one preview."""
    return html("many.html", rows=range(1, int(number(request, "rows", 5000, most=50_000)) + 1))


async def deep(request: Request) -> Response:
    """Elements nested deeper than a recursive function can follow."""
    return html("deep.html", depth=int(number(request, "depth", 2000, most=50_000)))


SECTION = Section(
    "Pages to read",
    (
        Page("/plain", "Product list", "A shop's list of products, for anybody.", "tier 1", plain),
        Page("/article", "Article", "A news article with author, date, picture and links.", "tier 1", article),
        Page("/table", "Table", "A month of weather in a table.", "tier 1", table),
        Page("/slow?seconds=5", "Slow page", "Answers after ?seconds=.", "tier 1, or a time-out", slow),
        Page("/login", "Login form", "A normal form with a reCAPTCHA on it.", "tier 1: not a wall", login),
        Page(
            "/vendors",
            "Protected shop",
            "Scripts, headers and cookies of Cloudflare, DataDome, Imperva and PerimeterX around normal content.",
            "tier 1: not a wall",
            vendors,
        ),
        Page(
            "/consent-banner",
            "Cookie banner",
            "All of the content, with a banner over it.",
            "tier 1: not a wall",
            consent_banner,
        ),
        Page(
            "/selectors",
            "Awkward markup",
            "Duplicate and odd ids, tables without tbody, misnested and unclosed tags, SVG, templates.",
            "tier 1: each selector selects its element, alone",
            selectors,
        ),
        Page("/many?rows=5000", "Many elements", "A table of ?rows= rows.", "tier 1: elements are capped", many),
        Page("/deep?depth=2000", "Deep nesting", "?depth= elements inside one another.", "tier 1", deep),
    ),
)
