"""Which path is which handler: the one list that the plain routes, the FastAPI router and the whole app are made of."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from accepted.http.auth import cors
from accepted.http.batch import Batches
from accepted.http.problems import MEDIA_TYPE, RouteNotFound, problem_response, unexpected
from accepted.http.resource import Resource
from accepted.http.schedules_api import SchedulesApi
from accepted.http.service import Service
from accepted.http.submit import Submitting
from accepted.http.webhooks_api import WebhooksApi

if TYPE_CHECKING:
    from accepted.jobs import Jobs


def make_routes(jobs: Jobs) -> list[BaseRoute]:
    """Plain Starlette routes for any application: `Starlette(routes=[*jobs.routes], lifespan=jobs.lifespan)`.

    Call it once for each `Jobs` (`jobs.routes` does): open streams and keys in flight are counted here.
    """
    submitting, api, webhooks = Submitting(jobs), jobs.api, WebhooksApi(jobs)
    # What is asked most comes first: routes are tried in order.
    resources = (
        Resource("/tasks/{task}", POST=submitting.post),
        Resource("/jobs/{job_id}", GET=api.get, DELETE=api.delete),
        Resource("/jobs/{job_id}/result", GET=api.result),
        Resource("/jobs/{job_id}/events", GET=api.events),
        Resource("/jobs/{job_id}/artifacts/{name}", GET=api.artifact),
        Resource("/jobs/{job_id}/cancel", POST=api.cancel),
        Resource("/jobs/{job_id}/retry", POST=api.retry),
        Resource("/jobs/{job_id}/tokens", POST=api.tokens),
        Resource("/tasks/{task}/batch", POST=Batches(jobs).post),
        Resource("/jobs", GET=api.list, DELETE=api.delete_many),
        Resource("/tasks", GET=api.tasks),
        Resource("/schedules", GET=SchedulesApi(jobs).list),
        Resource("/events", GET=api.stream),
        Resource("/ws-ticket", POST=api.ticket),
        Resource("/problems", GET=api.problems),
        Resource("/webhooks", GET=webhooks.list, POST=webhooks.create),
        Resource("/webhooks/{webhook_id}", GET=webhooks.get, PATCH=webhooks.change, DELETE=webhooks.delete),
        Resource("/webhooks/{webhook_id}/rotate", POST=webhooks.rotate),
        Resource("/webhooks/{webhook_id}/test", POST=webhooks.test),
        Resource("/webhooks/{webhook_id}/deliveries", GET=webhooks.deliveries),
        Resource("/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", POST=webhooks.resend),
    )
    # No `methods`: one that is not possible is refused by us, as a problem, in every host application.
    routes: list[BaseRoute] = [Route(jobs.prefix + one.path, one, name=route_name(jobs, one.path)) for one in resources]
    routes.append(WebSocketRoute(jobs.prefix + "/ws", api.socket, name=route_name(jobs, "/ws")))
    return routes


def route_name(jobs: Jobs, path: str) -> str:
    """By which `url_path_for` finds a route, wherever an application has put it."""
    return f"accepted:{jobs.prefix}{path}"


def make_service_routes(jobs: Jobs) -> list[BaseRoute]:
    """Health, metrics and the AsyncAPI document. The OpenAPI document is `make_app`'s: a host application has its
    own."""
    return [route for route in _service(jobs) if route.path != "/openapi.json"]


def _service(jobs: Jobs) -> list[Route]:
    return [Route(one.path, one, name=one.path.strip("/")) for one in Service(jobs).resources]


def make_app(jobs: Jobs) -> Starlette:
    """A whole application: the routes, metrics, health and the OpenAPI document. It starts and stops `jobs`."""
    middleware = cors(jobs.settings)
    return Starlette(
        routes=[*jobs.routes, *_service(jobs)],
        lifespan=jobs.lifespan,
        middleware=[middleware] if middleware is not None else [],
        exception_handlers={HTTPException: _refusal, Exception: _crash},
    )


async def _refusal(request: Request, error: Exception) -> Response:  # noqa: ARG001  Starlette's signature
    """Refusals that are not ours: Starlette's, of a path that there is not; the authenticator's own."""
    if not isinstance(error, HTTPException) or error.status_code == 404:
        return problem_response(RouteNotFound())
    status = error.status_code
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": error.detail}
    headers = {**(error.headers or {}), "Cache-Control": "no-store"}
    return Response(to_json(problem), status, headers, media_type=MEDIA_TYPE)


async def _crash(request: Request, error: Exception) -> Response:  # noqa: ARG001  Starlette's signature
    return problem_response(unexpected())
