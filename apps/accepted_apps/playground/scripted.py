"""Pages that are empty until their script has run, and what the scripts ask for."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accepted_apps.playground import content
from accepted_apps.playground.pages import Page, Section, html, state_of


async def script(_request: Request) -> Response:
    """An application shell: the content is fetched and built in the browser."""
    return html("shell.html")


async def products(_request: Request) -> Response:
    """What the shell fetches."""
    return JSONResponse(content.products_json())


async def image(request: Request) -> Response:
    """A product's picture."""
    return Response(content.product_image(int(request.path_params["hue"])), media_type="image/svg+xml")


async def private_resources(request: Request) -> Response:
    """Everything on this page that a browser loads by itself points at the canaries."""
    targets = state_of(request).internal_urls
    by_name = tuple(url.replace("127.0.0.1", "localhost") for url in targets if "//127.0.0.1:" in url)
    return html("private_resources.html", targets=targets + by_name)


async def private_refresh(request: Request) -> Response:
    """The page itself moves on to a canary."""
    return html("private_refresh.html", target=state_of(request).internal_urls[0])


SECTION = Section(
    "Scripts",
    (
        Page(
            "/script", "JavaScript only", "An empty shell; a script fetches JSON and builds the list.", "tier 3", script
        ),
    ),
)

PRIVATE = Section(
    "Private addresses",
    (
        Page(
            "/private-resources",
            "Private sub-resources",
            "Images, styles, scripts, frames, fetch, XMLHttpRequest, EventSource, beacon and WebSocket "
            "point at private addresses.",
            "the page is shown and no canary is reached",
            private_resources,
        ),
        Page(
            "/private-refresh",
            "Private meta refresh",
            "The page moves on to a private address.",
            "no canary is reached",
            private_refresh,
        ),
    ),
)

ROUTES = (
    Route("/api/products.json", products),
    Route("/images/{hue:int}.svg", image),
)
