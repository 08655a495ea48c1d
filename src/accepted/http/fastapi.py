"""The routes as a FastAPI router. They appear in the application's own OpenAPI document, but run the plain handlers:
FastAPI's machinery for parameters and answers would cost a request more than everything else that it does.

Where the application adds dependencies (`include_router(jobs.router, dependencies=[…])`, `FastAPI(dependencies=…)`)
they run before the handler, as for any other route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import fastapi.routing
from fastapi import APIRouter, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from accepted.http.openapi import Operation, operations, submit_any
from accepted.http.resource import Resource
from accepted.http.router import route_name

if TYPE_CHECKING:
    from accepted.jobs import Jobs

Endpoint = Callable[..., Awaitable[Response]]

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_HOT: Final = (("/tasks/{task}", ["POST"]), ("/jobs/{job_id}", ["GET", "HEAD"]))
"""What clients ask all day."""
_FOUND: Final = "accepted.found"
"""In a request's scope, from `matches` to `handle`: who found what, and its parameters."""
_NOTHING: Final[tuple[Any, Any, dict[str, str]]] = (None, None, {})
_SECURITY: Final = (
    Security(HTTPBearer(auto_error=False, scheme_name="bearer")),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="api_key")),
)


def make_router(jobs: Jobs) -> APIRouter:
    """For `app.include_router(jobs.router)`, with a prefix or without. It brings the lifespan of `jobs` along.

    Each task that is registered by now has a path of its own in the document; later ones are served, and documented
    by the path for any task. Include it after the tasks.
    """
    suffix = _suffix(jobs.prefix)
    resources = {resource.path: resource for resource in _own(jobs)}
    router = JobsRouter(jobs, resources)
    for operation in (*operations(jobs, inline=True), submit_any(jobs)):
        template = "/tasks/{task}" if operation.task is not None else operation.path
        endpoint = _endpoint(resources[template], operation.task, secured=bool(jobs.settings.auth or jobs.auth))
        path = jobs.prefix + (f"/tasks/{operation.task}" if operation.task is not None else operation.path)
        operation.id += suffix
        _add(router, path, endpoint, operation, name=route_name(jobs, operation.path))
    for resource in resources.values():
        # HEAD, and what is refused by us, as a problem; methods that nobody has heard of are left to the host.
        others = sorted(_METHODS.difference(resource.methods) | {"HEAD"})
        endpoint = _endpoint(resource, None, secured=False)
        router.add_api_route(jobs.prefix + resource.path, endpoint, methods=others, include_in_schema=False)
    socket = next(route for route in jobs.routes if isinstance(route, WebSocketRoute))
    router.add_api_websocket_route(socket.path, socket.endpoint, name=socket.name)
    return router


class JobsRouter(APIRouter):
    """FastAPI tries the routes of an included router one by one, twice for each request, and there are many of ours.
    So a path that cannot be one of them is told by its prefix, for what the application has behind them, and what
    clients ask all day is found at once. A FastAPI that copies the routes that it includes asks neither method.
    """

    def __init__(self, jobs: Jobs, resources: Mapping[str, Resource]) -> None:
        super().__init__(route_class=PlainRoute, lifespan=jobs.lifespan)
        self._base = jobs.prefix + "/"
        self._hot: dict[tuple[str, str], tuple[APIRoute, str]] = {}
        for path, methods in _HOT:
            # Documented further down, by the routes that everybody sees.
            endpoint = _endpoint(resources[path], None, secured=False)
            route = PlainRoute(jobs.prefix + path, endpoint, methods=methods, include_in_schema=False)
            self.routes.append(route)
            kind, parameter = path.strip("/").split("/")
            self._hot.update(((method, kind), (route, parameter.strip("{}"))) for method in methods)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._base not in scope["path"]:
            return Match.NONE, {}
        found = self._find(scope)
        if found is None:
            return super().matches(scope)
        scope[_FOUND] = self, *found
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        finder, route, parameters = scope.pop(_FOUND, _NOTHING)
        if finder is not self:
            await super().handle(scope, receive, send)
            return
        # What FastAPI notes for those who look at a request afterwards, such as middlewares that count routes.
        scope["path_params"] = {**scope.get("path_params", {}), **parameters}
        scope["route"], scope["endpoint"] = route, route.endpoint
        await route.endpoint.handled(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[APIRoute, dict[str, str]] | None:
        """The route of what is asked most, and its parameter. None: FastAPI is to look itself, because it is something
        else, or because the application has put something before it (dependencies, a limit on bodies, telemetry)."""
        included = getattr(scope.get("fastapi", {}).get("included_router"), "include_context", None)
        if included is None or _guarded(included) or scope.get("fastapi.telemetry") is not None:
            return None
        base, path = included.prefix + self._base, _path_here(scope)
        if not path.startswith(base):
            return None
        kind, _, value = path[len(base) :].partition("/")
        route, parameter = self._hot.get((scope.get("method", ""), kind), (None, ""))
        if route is None or not value or "/" in value:
            return None
        return route, {parameter: value}


def _guarded(included: Any) -> bool:
    """When in doubt, yes."""
    dependencies = getattr(included, "dependencies", True)
    return bool(dependencies) or getattr(included, "max_body_size", None) is not None


def _path_here(scope: Scope) -> str:
    """Below the mount or the proxy's root path; some servers leave that out of `path`, some do not."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _own(jobs: Jobs) -> Iterator[Resource]:
    """Those that `jobs.routes` has, so that what is counted is counted once."""
    for route in jobs.routes:
        if isinstance(route, Route) and isinstance(route.endpoint, Resource):
            yield route.endpoint


def _add(router: APIRouter, path: str, endpoint: Endpoint, operation: Operation, *, name: str) -> None:
    schema = operation.schema()
    responses: dict[int | str, dict[str, Any]] = {status: {} for status in operation.answers}
    # The models make FastAPI add the components that `schema` refers to.
    responses |= {status: {"model": model} for status, model in operation.models.items()}
    router.add_api_route(
        path,
        endpoint,
        methods=[operation.method.upper()],
        status_code=min(operation.answers),
        response_class=Response,
        response_model=None,
        responses=responses,
        openapi_extra=schema,
        name=name,
    )


def _endpoint(resource: Resource, task: str | None, *, secured: bool) -> Endpoint:
    """What FastAPI sees as the function of the route."""
    handled: ASGIApp = resource if task is None else _of_task(resource, task)

    async def plain(request: Request) -> Response:  # noqa: ARG001  FastAPI gives it
        return Handled(handled)

    async def with_credentials(
        request: Request,  # noqa: ARG001  FastAPI gives it
        bearer: Annotated[Any, _SECURITY[0]],  # noqa: ARG001  for the document: the handler looks itself
        api_key: Annotated[Any, _SECURITY[1]],  # noqa: ARG001
    ) -> Response:
        return Handled(handled)

    made: Endpoint = with_credentials if secured else plain
    made.handled = handled  # type: ignore[attr-defined]
    return made


def _of_task(resource: Resource, task: str) -> ASGIApp:
    """The path of one task, served by that of any task."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_params"] = {**scope.get("path_params", {}), "task": task}
        await resource(scope, receive, send)

    return app


class Handled(Response):
    """An answer that is not made yet: the ASGI application that makes it."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class PlainRoute(APIRoute):
    """Documented like any other route of FastAPI; handled directly where nothing has to run before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        if self._has_dependencies():
            return super().get_route_handler()
        response = Handled(self.endpoint.handled)  # type: ignore[attr-defined]

        async def handle(request: Request) -> Response:  # noqa: ARG001  the response reads the request itself
            return response

        return handle

    def _has_dependencies(self) -> bool:
        """Whether the application put dependencies before this route. When in doubt, yes: they may be its guard."""
        if self.dependencies:
            return True
        if not hasattr(fastapi.routing, "_IncludedRouter"):
            # Until 0.1xx including a router copies its routes, dependencies and all.
            return False
        context: Any = getattr(fastapi.routing, "_effective_route_context_var", None)
        if context is None:
            return True
        effective = context.get()
        return effective is not None and bool(effective.dependencies)


def _suffix(prefix: str) -> str:
    """Keeps the operations of several `Jobs` in one application apart."""
    return "" if prefix == "/v1" else "_" + "_".join(filter(None, prefix.replace("-", "_").split("/")))
