"""What the page modules share: the description of a page, templates, parameters, content."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from accepted_apps.playground import content
from accepted_apps.playground.state import State

Endpoint = Callable[[Request], Awaitable[Response]]

_templates = Environment(
    loader=PackageLoader("accepted_apps.playground"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Page:
    """A page of the site.

    `path` may carry an example query; `sentence` says what the page does, `outcome` what a preview makes of it.
    """

    path: str
    title: str
    sentence: str
    outcome: str
    endpoint: Endpoint

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]


@dataclass(frozen=True)
class Section:
    """Pages that belong together, under a heading of the index."""

    title: str
    pages: tuple[Page, ...]


def state_of(request: Request) -> State:
    """The memory of the playground that serves this request."""
    return cast(State, request.app.state.playground)


def render(template: str, **context: object) -> str:
    """A template as text."""
    return _templates.get_template(template).render(**context)


def html(template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: object) -> Response:
    """A template as an answer."""
    return HTMLResponse(render(template, **context), status_code=status, headers=headers)


def listing(heading: str, note: str) -> str:
    """The product list: what most pages show once they are reached."""
    return render("products.html", title=heading, note=note, products=content.PRODUCTS)


def listing_response(heading: str, note: str) -> Response:
    """The product list as an answer."""
    return HTMLResponse(listing(heading, note))


def number(request: Request, name: str, default: float, *, most: float) -> float:
    """A query parameter from 0 to `most`; anything else is answered with 400."""
    text = request.query_params.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise HTTPException(400, f"{name}: expected a number from 0 to {most:g}, got {text!r}")
    return value


def ray_id(request: Request) -> str:
    """The reference that a wall prints, the same for the same page and client."""
    seed = f"{request.url.path} {state_of(request).client_of(request)}"
    return hashlib.sha256(seed.encode()).hexdigest()[:16]
