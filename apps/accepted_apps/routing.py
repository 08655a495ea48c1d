"""What the routes of all applications share: who is calling, whose job it is, and an answer to every error.

Each application has its own shapes; a subclass of `Routes` says how its errors look.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, ClassVar, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from accepted import AcceptedError, JobNotFound, JobRecord, Jobs
from accepted.errors import BadRequest, InvalidInput
from accepted.http.auth import Identity, JobVerb
from accepted.http.problems import problem_response, unexpected
from accepted.http.reading import parse
from accepted.http.shapes import AcceptedProblem
from accepted.http.task_schemas import inlined

_PROBLEM: Final = AcceptedProblem.model_json_schema()
REFUSALS: Final[Mapping[int, str]] = {
    401: "Nobody said who is calling.",
    403: "This caller may not come in.",
    413: "The body is too large.",
    415: "The body is not JSON by its content type.",
    503: "The server is starting, stopping or full; `Retry-After` says when to try again.",
}
"""What these statuses mean in every application."""
FRESH: Final = {"Cache-Control": "private, no-cache"}

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class Routes:
    """The routes of one `Jobs` beside the job API; `router` is what an application includes."""

    name: ClassVar[str]
    """The application's: tag of its routes, and what their names begin with."""
    failures: ClassVar[Mapping[int, str]] = REFUSALS
    """What each status of a refusal means, for the OpenAPI document."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.router = APIRouter(route_class=_route_class(self), tags=[self.name])

    def own_refusal(self, error: Exception) -> Response | None:
        """The answer to an error of the application's own; None: it is none."""
        raise NotImplementedError

    def refusal(self, error: AcceptedError) -> Response:
        """The answer to one of the library's errors, in the application's shape."""
        raise NotImplementedError

    def described_refusal(self, status: int) -> dict[str, Any]:
        """That answer in the OpenAPI document."""
        raise NotImplementedError

    def _add(
        self,
        method: str,
        path: str,
        handler: Callable[..., Awaitable[Response]],
        answers: Mapping[int, Any],
        *refusals: int,
        extra: dict[str, Any] | None = None,
        described: bool = True,
    ) -> None:
        """`answers`: by status the model, or what the document says of an answer that is no JSON. `refusals`: those
        besides 401 and 403, which every route has. `extra`: more of the operation."""
        responses: dict[int | str, dict[str, Any]] = {
            status: answer if isinstance(answer, dict) else {"model": answer} for status, answer in answers.items()
        }
        for status in (*refusals, 401, 403):
            responses[status] = {"description": self.failures[status], **self.described_refusal(status)}
        self.router.add_api_route(
            path,
            handler,
            name=f"{self.name}_{handler.__name__}",
            methods=[method],
            status_code=min(answers),
            response_model=None,
            responses=responses,
            openapi_extra=extra,
            include_in_schema=described,
        )

    async def _full(self, request: Request) -> Identity:
        """The caller, who brings more than a token for one job. Raises NotAuthenticated, Forbidden."""
        identity = await self._jobs.access.identify(request)
        self._jobs.access.full(identity)
        return identity

    async def _find(self, request: Request, job_id: str, tasks: Collection[str], verb: JobVerb) -> JobRecord:
        """Raises JobNotFound for what is unknown, another's, or a job of something else; JobGone."""
        access = self._jobs.access
        record = await access.job(await access.identify(request), self._jobs.store, job_id, verb)
        if record.task not in tasks:
            raise JobNotFound(job_id)
        return record


class ProblemRoutes(Routes):
    """Every error is a problem object with a `detail` that a page can show, as the job API's."""

    def own_refusal(self, error: Exception) -> Response | None:  # noqa: ARG002  it has none
        return None

    def refusal(self, error: AcceptedError) -> Response:
        return problem_response(error)

    def described_refusal(self, status: int) -> dict[str, Any]:  # noqa: ARG002  the same for each
        return {"content": {"application/problem+json": {"schema": _PROBLEM}}}


def _route_class(routes: Routes) -> type[APIRoute]:
    """FastAPI answers errors per application; these hold whatever application the routes are a part of."""
    log = logging.getLogger(f"accepted_apps.{routes.name}")

    class Answered(APIRoute):
        def get_route_handler(self) -> Answer:
            handler = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handler(request)
                except RequestValidationError as error:
                    return routes.refusal(_invalid(error))
                except AcceptedError as error:
                    return routes.own_refusal(error) or routes.refusal(error)
                except ClientDisconnect:
                    return Response()  # nobody is left to read it; what was submitted goes on
                except Exception as error:
                    known = routes.own_refusal(error)
                    if known is None:
                        log.exception("%s %s", request.method, request.url.path)
                    return known or routes.refusal(unexpected())

            return answer

    return Answered


def _invalid(error: RequestValidationError) -> InvalidInput:
    """Of the query: FastAPI's objections as one error that names the fields."""
    return InvalidInput([{"detail": one["msg"], "pointer": f"#/{one['loc'][-1]}"} for one in error.errors()])


def body_of(model: type[Any]) -> dict[str, Any]:
    """`extra` of a route that takes a JSON object."""
    schema = inlined(model.model_json_schema())
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def json_object(body: bytes) -> dict[str, Any]:
    """Raises BadRequest for anything but an object; nothing is one without members."""
    given = parse(body or b"{}")
    if not isinstance(given, dict):
        raise BadRequest("The body is no JSON object: send one such as {…}.")
    return given


def json_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {**FRESH, **(headers or {})}, media_type="application/json")


def field_of(error: AcceptedError) -> str | None:
    """The first field that an error names."""
    if isinstance(error, InvalidInput) and error.errors:
        return str(error.errors[0]["pointer"]).removeprefix("#/")
    return None


def plain_status(error: AcceptedError) -> int:
    """The contracts know one status for all bad input."""
    return 400 if error.status == 422 else error.status


def headers_of(error: AcceptedError) -> dict[str, str]:
    """Those that come with an error whatever its shape, such as Retry-After."""
    return {name: value for name, value in problem_response(error).headers.items() if not name.startswith("content-")}
