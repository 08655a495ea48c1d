"""The site as a plain ASGI application: `create_app`, and `app` for any server.

Served by anything but `Playground`, it has no proxies and cannot reset a connection; everything else works.
"""

import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from accepted_apps.playground import answers, content, ordinary, scripted, walls
from accepted_apps.playground.news import site as news
from accepted_apps.playground.pages import Section, html
from accepted_apps.playground.sales import site as sales
from accepted_apps.playground.state import State, Visit

SECTIONS: tuple[Section, ...] = (
    ordinary.SECTION,
    walls.SECTION,
    scripted.SECTION,
    answers.STATUSES,
    answers.REDIRECTS,
    scripted.PRIVATE,
    answers.ENCODINGS,
    answers.TYPES,
    answers.HOSTILE,
    answers.POLITENESS,
    news.SECTION,
    sales.SECTION,
)

_ASSETS = Path(__file__).parent / "assets"


async def index(_request: Request) -> Response:
    """All pages, with a sentence each."""
    return html("index.html", sections=SECTIONS)


async def product(request: Request) -> Response:
    """Where the links of the product list lead."""
    for candidate in content.PRODUCTS:
        if candidate.sku == request.path_params["sku"]:
            return html("product.html", product=candidate)
    raise HTTPException(404)


async def vendor_script(_request: Request) -> Response:
    """What the vendors' scripts on normal pages are here: nothing."""
    return PlainTextResponse("/* the playground has no vendors */\n", media_type="text/javascript")


async def challenge_script(_request: Request) -> Response:
    """The script of the interstitial, at the path where the real one is."""
    return FileResponse(_ASSETS / "clearance.js")


class VisitRecorder:
    """Notes each request with its beginning and its end, for whoever asks how the site was treated."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request between the two notes."""
        visit = self._visit(scope)
        self._state.visits.append(visit)
        try:
            await self._app(scope, receive, send)
        finally:
            visit.ended = time.monotonic()

    def _visit(self, scope: Scope) -> Visit:
        connection = HTTPConnection(scope)
        return Visit(
            client=self._state.client_of(connection),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=dict(connection.headers),
        )


def create_app(state: State) -> Starlette:
    """The site with this memory."""
    pages = [Route(page.route, page.endpoint) for section in SECTIONS for page in section.pages]
    app = Starlette(
        routes=[
            Route("/", index),
            *pages,
            *scripted.ROUTES,
            Route("/products/{sku}", product),
            Route("/consent/choice", walls.consent_choice, methods=["POST"]),
            Route("/vendor/{name:path}", vendor_script),
            Route("/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1", challenge_script),
            Route("/cdn-cgi/{name:path}", vendor_script),
            Route("/_Incapsula_Resource", vendor_script),
            *news.routes(state),
            *sales.ROUTES,
            Mount("/assets", StaticFiles(directory=_ASSETS)),
        ],
        middleware=[Middleware(VisitRecorder, state=state)],
        exception_handlers={HTTPException: answers.http_error},
    )
    app.state.playground = state
    return app


app = create_app(State())
