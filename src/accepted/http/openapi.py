"""The OpenAPI 3.1 document of the API: every route, status and header that there is, and nothing else.

`operations` is the list of what can be called; `document` makes a whole document of it, `fastapi.py` adds it to a host
application's own. Each task has a path of its own (`/v1/tasks/audit`), so that generated clients get a function
with its parameters for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from accepted.http import message_shapes, shapes, webhook_shapes, webhooks_api
from accepted.http.batch import MEDIA_TYPE as NDJSON
from accepted.http.jobs_api import SEARCH_MAX
from accepted.http.problems import MEDIA_TYPE as PROBLEM
from accepted.http.submit import public_tasks
from accepted.http.task_schemas import (
    Schema,
    as_components,
    component_name,
    inlined,
    json_arguments,
    public_schemas,
    without_null,
)
from accepted.job import Status
from accepted.task import Policy, Task
from accepted.webhooks.targets import URL_MAX
from accepted.webhooks.words import KINDS, USUAL

if TYPE_CHECKING:
    from accepted.jobs import Jobs

_REF: Final = "#/components/schemas/"
_JSON: Final = "application/json"


@dataclass(slots=True)
class Operation:
    """One method of one path. `models`: the shape of an answer, by its status."""

    method: str
    path: str
    """Below the prefix, with its parameters in braces."""
    id: str
    summary: str
    answers: Mapping[int, Schema]
    description: str = ""
    parameters: Sequence[Schema] = ()
    body: Schema | None = None
    models: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    components: Mapping[str, Schema] = field(default_factory=dict)
    task: str | None = None
    """The task that is submitted."""
    open: bool = False
    """Needs no credentials."""
    alone: bool = False
    """Not below the prefix."""

    def schema(self) -> Schema:
        """The Operation Object."""
        made: Schema = {"operationId": self.id, "summary": self.summary, "tags": ["jobs"]}
        if self.description:
            made["description"] = self.description
        if self.parameters:
            made["parameters"] = list(self.parameters)
        if self.body is not None:
            made["requestBody"] = self.body
        made["responses"] = {str(status): answer for status, answer in sorted(self.answers.items())}
        return made


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": _REF + model.__name__}


def _answer(meaning: str, content: Mapping[str, Schema] | None = None, *headers: str) -> Schema:
    made: Schema = {"description": meaning}
    if headers:
        made["headers"] = {name: _HEADERS[name] for name in headers}
    if content:
        made["content"] = {kind: {"schema": schema} for kind, schema in content.items()}
    return made


def _text(meaning: str, **schema: Any) -> Schema:
    return {"description": meaning, "schema": {"type": "string", **schema}}


_HEADERS: Final[Mapping[str, Schema]] = {
    "Location": _text("Where it is.", format="uri-reference"),
    "Content-Location": _text("The job.", format="uri-reference"),
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
    "Preference-Applied": _text("Which preferences were honoured."),
    "Idempotency-Replayed": _text("This key made the job before.", enum=["true"]),
    "Vary": _text("Which request header the answer depends on."),
    "ETag": _text("The version of what was answered."),
    "Cache-Control": _text("Whether it may be kept."),
    "WWW-Authenticate": _text("How to say who is calling."),
    "Accept-Ranges": _text("Ranges are served.", enum=["bytes"]),
    "Content-Range": _text("Which part it is."),
    "Content-Disposition": _text("The file's name."),
    "X-Content-Type-Options": _text("Not to be taken for another type.", enum=["nosniff"]),
    "Content-Security-Policy": _text("What a browser may do with it."),
}

_PROBLEMS: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    400: ("The request cannot be read.", ()),
    401: ("Who is calling is not known.", ("WWW-Authenticate",)),
    403: ("The caller may not do this.", ()),
    404: ("There is none, or it is somebody else's.", ()),
    408: ("The body came too slowly.", ()),
    409: ("Not possible in the present state.", ()),
    410: ("The job was removed; it says when and why.", ()),
    413: ("The body is too large.", ()),
    415: ("The body is of a type that is not understood.", ()),
    416: ("The file has no such range.", ("Content-Range",)),
    422: ("The content does not fit; `errors` names the fields.", ()),
    429: ("A limit is reached.", ("Retry-After",)),
    500: ("Something went wrong on the server.", ()),
    503: ("Not now: full, starting, stopping, or the store is away.", ("Retry-After",)),
}
_COMMON: Final = (400, 401, 403, 500, 503)
_ONE_JOB: Final = (*_COMMON, 404, 410)
_BODY: Final = (408, 413, 415, 422)


def _problems(*statuses: int) -> dict[int, Schema]:
    found: dict[int, Schema] = {}
    for status in statuses:
        meaning, headers = _PROBLEMS[status]
        found[status] = _answer(meaning, {PROBLEM: _ref(shapes.AcceptedProblem)}, "Cache-Control", *headers)
    return found


def _parameter(where: str, name: str, meaning: str, *, required: bool = False, **schema: Any) -> Schema:
    return {"name": name, "in": where, "description": meaning, "required": required, "schema": schema}


def _query(name: str, meaning: str, **schema: Any) -> Schema:
    return _parameter("query", name, meaning, **schema)


def _header(name: str, meaning: str, **schema: Any) -> Schema:
    return _parameter("header", name, meaning, **schema)


_JOB_ID: Final = _parameter("path", "job_id", "The job.", required=True, type="string", minLength=1)
_WEBHOOK: Final = "/{webhook_id}"
_WEBHOOK_ID: Final = _parameter("path", "webhook_id", "The webhook.", required=True, type="string", minLength=1)
_PREFER: Final = _header("Prefer", "`respond-async`, `wait=20` (seconds), or both.", type="string")
_IF_NONE_MATCH: Final = _header("If-None-Match", "The ETag of what the client has.", type="string")
_JOB_HEADERS: Final = ("Location", "Retry-After", "Cache-Control")
_JOB: Final = {_JSON: _ref(shapes.AcceptedJob)}
_KEY: Final = r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-\[\]-~]{1,255})$'
_DURATION: Final = r"^([0-9]{1,7}(\.[0-9]{1,6})?(ms|s)?|[0-9]{1,5}(m|min)|[0-9]{1,3}h|[0-9]{1,2}d)$"
"""Sums such as `1h30m` are taken as well, up to a year: more than a pattern can say."""
_SUBMIT_HEADERS: Final = (
    _PREFER,
    _header("Idempotency-Key", 'The same key and body make one job: `"8e03…"`.', type="string", pattern=_KEY),
    _header("Cancel-After", "How long the job may live: `90`, `90s`, `15m`.", type="string", pattern=_DURATION),
    _header("Accepted-Priority", "Higher goes first.", type="integer", minimum=-1000, maximum=1000),
    _header(
        "Accepted-Delay",
        "How long the job waits before it may start: `30`, `30s`, `2h`.",
        type="string",
        pattern=_DURATION,
    ),
)


# ── what can be called ───────────────────────────────────────────────────────────────────────────────


def operations(jobs: Jobs, *, inline: bool = False) -> list[Operation]:
    """Everything below the prefix. `inline`: schemas of tasks without components of their own."""
    return [
        *(_submit(task, inline=inline) for task in public_tasks(jobs).values()),
        _batch(jobs),
        *_one_job(jobs),
        *_changes(),
        *_many(jobs),
        *_webhooks(jobs),
        *_deliveries(jobs),
    ]


def _submit(task: Task[..., Any], *, inline: bool) -> Operation:
    name = component_name(task.name)
    components: dict[str, Schema] = {}

    def placed(schema: Schema) -> Schema:
        if inline:
            return inlined(schema)
        rest, found = as_components(schema, name)
        components.update(found)
        return rest

    arguments, result = (placed(one) for one in public_schemas(task))
    content: dict[str, Schema] = {}
    plain = json_arguments(task)
    if plain is not None:
        content[_JSON] = placed(plain)
    content["multipart/form-data"] = without_null(arguments)
    waited = ("Preference-Applied", "Idempotency-Replayed", "Vary", "Cache-Control")
    answers = {
        200: _answer("Done within `Prefer: wait`: the result.", {_JSON: result}, "Content-Location", *waited),
        202: _answer("Stored; it runs by itself.", _JOB, *_JOB_HEADERS, *waited[:3]),
        **_problems(*_COMMON, *_BODY, 404, 409, 410, 429),
    }
    answers[409]["headers"] |= {header: _HEADERS[header] for header in ("Content-Location", *waited)}
    return Operation(
        "post",
        f"/tasks/{quote(task.name, safe='')}",
        f"submit_{name}",
        task.description.partition("\n")[0] or f"Submit {task.name}",
        answers,
        description=task.description,
        parameters=_SUBMIT_HEADERS,
        body={"required": bool(arguments.get("required")), "content": _contents(content)},
        models={202: shapes.AcceptedJob},
        components=components,
        task=task.name,
    )


def submit_any(jobs: Jobs) -> Operation:
    """For tasks that have no path of their own in a document, because they were registered after it was made."""
    names = ", ".join(public_tasks(jobs))
    task: Task[..., Any] = Task(_anything, name="task", policy=Policy(), submitter=jobs)
    made = _submit(task, inline=True)
    made.path, made.task, made.summary = "/tasks/{task}", None, "Submit any task by its name"
    made.description = f"The tasks when this was written: {names}. `GET {jobs.prefix}/tasks` has all." if names else ""
    made.parameters = (_parameter("path", "task", "The task.", required=True, type="string"), *made.parameters)
    anything = {"type": "object", "additionalProperties": True}
    made.body = {"required": False, "content": _contents({_JSON: anything, "multipart/form-data": anything})}
    return made


def _anything() -> Any:
    """Stands for a task that is not known yet."""


def _batch(jobs: Jobs) -> Operation:
    item = inlined(shapes.AcceptedBatchItem.model_json_schema(mode="serialization"))
    answered = {"type": "string", "contentMediaType": NDJSON, "contentSchema": item}
    sent = {"type": "string", "description": "A JSON object of arguments by name on each line."}
    return Operation(
        "post",
        "/tasks/{task}/batch",
        "submit_batch",
        "Submit many jobs of a task",
        {
            200: _answer(
                "A line for each job, in order; each was stored or refused alone.", {NDJSON: answered}, "Cache-Control"
            ),
            **_problems(*_COMMON, 404, 408, 409, 413, 415),
        },
        description=f"At most {jobs.settings.batch_max} lines. Not for tasks that take files.",
        parameters=(
            _parameter("path", "task", "The task.", required=True, type="string"),
            _header("Idempotency-Key", "The same key and lines make each job once.", type="string", pattern=_KEY),
            *(header for header in _SUBMIT_HEADERS if header["name"] not in ("Prefer", "Idempotency-Key")),
        ),
        body={"required": False, "content": _contents({NDJSON: sent})},
    )


def _contents(schemas: Mapping[str, Schema]) -> Schema:
    return {kind: {"schema": schema} for kind, schema in schemas.items()}


def _one_job(jobs: Jobs) -> list[Operation]:
    wait = f"Hold the answer until the job changes, `wait={jobs.settings.wait_max:.0f}` at most."
    return [
        Operation(
            "get",
            "/jobs/{job_id}",
            "get_job",
            "The job, whatever became of it",
            {
                200: _answer("The job.", _JOB, "ETag", "Cache-Control", "Vary", "Retry-After", "Preference-Applied"),
                304: _answer("As the client has it.", None, "ETag", "Cache-Control", "Vary", "Retry-After"),
                **_problems(*_ONE_JOB),
            },
            parameters=(_JOB_ID, _header("Prefer", wait, type="string"), _IF_NONE_MATCH),
            models={200: shapes.AcceptedJob},
        ),
        Operation(
            "get",
            "/jobs/{job_id}/result",
            "get_result",
            "What the function returned",
            {
                200: _answer("The result.", {_JSON: {}}, "ETag", "Cache-Control"),
                202: _answer("Not over yet: the job.", _JOB, *_JOB_HEADERS),
                303: _answer("The result is a file: there it is.", None, "Location", "ETag", "Cache-Control"),
                304: _answer("As the client has it.", None, "ETag", "Cache-Control"),
                **_problems(*_ONE_JOB, 409),
            },
            parameters=(_JOB_ID, _IF_NONE_MATCH),
        ),
        Operation(
            "get",
            "/jobs/{job_id}/events",
            "get_events",
            "The job's log: as it grows (Server-Sent Events), or a page of it",
            {
                200: _answer(
                    "Events after the cursor.",
                    {_JSON: _ref(shapes.AcceptedEventPage), "text/event-stream": {"type": "string"}},
                    "Cache-Control",
                ),
                204: _answer("A stream would have nothing more to say, ever.", None, "Cache-Control"),
                **_problems(*_ONE_JOB, 429),
            },
            parameters=(
                _JOB_ID,
                _query("after", "The last `seq` that the client has.", type="integer", minimum=0, maximum=2**63 - 1),
                _query("limit", "Events in a page.", type="integer", minimum=1, maximum=1000),
                _header("Last-Event-ID", "As `after`, for streams.", type="string"),
            ),
            models={200: shapes.AcceptedEventPage},
        ),
        _artifact(),
    ]


def _artifact() -> Operation:
    described = (
        "ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition", "X-Content-Type-Options",
        "Content-Security-Policy",
    )  # fmt: skip
    binary = {"*/*": {"type": "string", "format": "binary"}}
    return Operation(
        "get",
        "/jobs/{job_id}/artifacts/{name}",
        "get_artifact",
        "A file that the job attached",
        {
            200: _answer("The file.", binary, *described),
            206: _answer("A part of it.", binary, *described, "Content-Range"),
            304: _answer("As the client has it.", None, *described),
            **_problems(*_ONE_JOB, 416),
        },
        parameters=(
            _JOB_ID,
            _parameter("path", "name", "The artifact.", required=True, type="string", minLength=1),
            _header("Range", "`bytes=0-1023`; one range.", type="string"),
            _header("If-Range", "The ETag of which a part is wanted.", type="string"),
            _IF_NONE_MATCH,
        ),
    )


def _changes() -> list[Operation]:
    reason = {"type": "object", "additionalProperties": False}
    reason["properties"] = {"reason": {"type": "string", "minLength": 1, "maxLength": 500}}
    verbs = {"type": "array", "items": {"enum": ["read", "cancel"]}, "minItems": 1}
    life = {"type": ["number", "null"], "exclusiveMinimum": 0, "description": "Seconds."}
    wanted = {"verbs": verbs, "expires_in": life}
    return [
        Operation(
            "delete",
            "/jobs/{job_id}",
            "delete_job",
            "Remove the job, cancelling it first if needed",
            {204: _answer("Removed.", None, "Cache-Control"), **_problems(*_ONE_JOB)},
            parameters=(_JOB_ID,),
        ),
        Operation(
            "post",
            "/jobs/{job_id}/cancel",
            "cancel_job",
            "Ask for the job's end",
            {
                200: _answer("It is over.", _JOB, "Cache-Control"),
                202: _answer("It is being cancelled; it may still complete.", _JOB, *_JOB_HEADERS),
                **_problems(*_ONE_JOB, *_BODY),
            },
            parameters=(_JOB_ID,),
            body={"required": False, "content": _contents({_JSON: reason})},
        ),
        Operation(
            "post",
            "/jobs/{job_id}/retry",
            "retry_job",
            "Run a job that is over again",
            {202: _answer("Pending again.", _JOB, *_JOB_HEADERS), **_problems(*_ONE_JOB, 409, 429)},
            parameters=(_JOB_ID,),
        ),
        Operation(
            "post",
            "/jobs/{job_id}/tokens",
            "make_job_token",
            "A short-lived token for this job alone",
            {
                201: _answer("The token.", {_JSON: _ref(shapes.AcceptedToken)}, "Cache-Control"),
                **_problems(*_ONE_JOB, *_BODY),
            },
            parameters=(_JOB_ID,),
            body={
                "required": False,
                "content": _contents({_JSON: {"type": "object", "properties": wanted, "additionalProperties": False}}),
            },
            models={201: shapes.AcceptedToken},
        ),
    ]


def _many(jobs: Jobs) -> list[Operation]:
    statuses = {"type": "array", "items": {"enum": [status.value for status in Status]}}
    return [
        Operation(
            "get",
            "/jobs",
            "list_jobs",
            "Jobs, newest first",
            {
                200: _answer("A page.", {_JSON: _ref(shapes.AcceptedJobPage)}, "Cache-Control"),
                **_problems(*_COMMON, 422),
            },
            parameters=(
                {**_query("status", "Only these.", **statuses), "style": "form", "explode": False},
                _query("task", "Only of this task.", type="string"),
                _query("owner", "Only of this owner; for administrators.", type="string"),
                _query("q", "In the id, the task's name or the arguments.", type="string", maxLength=SEARCH_MAX),
                _query("cursor", "From the page before.", type="string"),
                _query("limit", "Jobs in a page.", type="integer", minimum=1, maximum=jobs.settings.page_max),
            ),
            models={200: shapes.AcceptedJobPage},
        ),
        Operation(
            "delete",
            "/jobs",
            "delete_jobs",
            "Remove the caller's jobs, cancelling them first if needed",
            {
                200: _answer("How many.", {_JSON: _ref(shapes.AcceptedDeleted)}, "Cache-Control"),
                **_problems(*_COMMON, 422),
            },
            description="All that fit `status` and `task`; to remove all there are, say `all=true` instead.",
            parameters=(
                {**_query("status", "Only these.", **statuses), "style": "form", "explode": False},
                _query("task", "Only of this task.", type="string"),
                _query("owner", "Of this owner, not the caller; for administrators.", type="string"),
                _query("all", "Whatever their status and task.", type="boolean"),
            ),
            models={200: shapes.AcceptedDeleted},
        ),
        Operation(
            "get",
            "/tasks",
            "list_tasks",
            "What can be submitted",
            {
                200: _answer("The tasks.", {_JSON: _ref(shapes.AcceptedTaskList)}, "Cache-Control"),
                **_problems(*_COMMON),
            },
            models={200: shapes.AcceptedTaskList},
        ),
        Operation(
            "get",
            "/schedules",
            "list_schedules",
            "What runs by the clock",
            {
                200: _answer("The schedules.", {_JSON: _ref(shapes.AcceptedScheduleList)}, "Cache-Control"),
                **_problems(*_COMMON),
            },
            models={200: shapes.AcceptedScheduleList},
        ),
        Operation(
            "get",
            "/events",
            "stream_events",
            "Events of several jobs as one stream",
            {
                200: _answer("The stream.", {"text/event-stream": {"type": "string"}}, "Cache-Control"),
                204: _answer("All are over, and the client has everything.", None, "Cache-Control"),
                **_problems(*_ONE_JOB, 429),
            },
            parameters=(
                {**_query("jobs", "Ids, separated by commas.", type="string", pattern=r"[!-+\--~]"), "required": True},
                _query("after", "Cursor: `id:seq,id:seq`.", type="string"),
                _header("Last-Event-ID", "As `after`.", type="string"),
            ),
        ),
        Operation(
            "post",
            "/ws-ticket",
            "make_ticket",
            "A one-time ticket that opens a WebSocket",
            {
                201: _answer("The ticket.", {_JSON: _ref(shapes.AcceptedTicket)}, "Cache-Control"),
                **_problems(*_COMMON, 408, 413, 415),
            },
            models={201: shapes.AcceptedTicket},
        ),
        Operation(
            "get",
            "/problems",
            "explain_problems",
            "What the types of problem objects mean",
            {200: _answer("A page with a section for each type.", {"text/html": {"type": "string"}}, "Cache-Control")},
            open=True,
        ),
    ]


def _webhooks(jobs: Jobs) -> list[Operation]:
    body = _webhook_body(jobs)
    one, secret = webhook_shapes.AcceptedWebhook, webhook_shapes.AcceptedWebhookWithSecret
    seconds = {"type": "number", "minimum": 0, "maximum": webhooks_api.OVERLAP_MAX, "default": webhooks_api.OVERLAP}
    overlap = {"overlap": {**seconds, "description": "Seconds for which the old secret signs too."}}
    return [
        _on_webhook(
            "post", "", "make_webhook", "Ask to be told of jobs", 201, secret, "Location",
            body={"required": True, "content": _contents({_JSON: {**body, "required": ["url"]}})}, also=(409, *_BODY),
        ),
        _on_webhook("get", "", "list_webhooks", "Where the caller is told", 200, webhook_shapes.AcceptedWebhookList),
        _on_webhook("get", _WEBHOOK, "get_webhook", "One webhook", 200, one),
        _on_webhook(
            "patch", _WEBHOOK, "change_webhook", "Change it, or enable it again", 200, one,
            body={"required": False, "content": _contents({_JSON: _changed(body)})}, also=_BODY,
        ),
        _on_webhook("delete", _WEBHOOK, "delete_webhook", "Remove it; what waits is not sent", 204, None),
        _on_webhook(
            "post", _WEBHOOK + "/rotate", "rotate_webhook", "A new secret", 200, secret,
            body={"required": False, "content": _contents({_JSON: _object(overlap)})}, also=_BODY,
        ),
    ]  # fmt: skip


def _deliveries(jobs: Jobs) -> list[Operation]:
    one, page = webhook_shapes.AcceptedWebhookDelivery, webhook_shapes.AcceptedWebhookDeliveryPage
    log = _WEBHOOK + "/deliveries"
    most = jobs.settings.page_max
    return [
        _on_webhook("post", _WEBHOOK + "/test", "test_webhook", "Send an event to try it", 202, one, also=(409,)),
        _on_webhook(
            "get", log, "list_deliveries", "What was sent, newest first", 200, page,
            parameters=(
                _query("cursor", "From the page before.", type="string"),
                _query("limit", "Deliveries in a page.", type="integer", minimum=1, maximum=most),
            ),
        ),
        _on_webhook(
            "post", log + "/{delivery_id}/resend", "resend_delivery", "Send it once more", 202, one,
            parameters=(_parameter("path", "delivery_id", "The delivery.", required=True, type="string", minLength=1),),
            also=(409,),
        ),
    ]  # fmt: skip


def _on_webhook(
    method: str,
    path: str,
    name: str,
    summary: str,
    status: int,
    shape: type[BaseModel] | None,
    *headers: str,
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
    also: Sequence[int] = (),
) -> Operation:
    """`path` is below /webhooks; one that names a webhook has its parameter, and may be answered with 404."""
    named = path.startswith(_WEBHOOK)
    content = None if shape is None else {_JSON: _ref(shape)}
    return Operation(
        method,
        "/webhooks" + path,
        name,
        summary,
        {
            status: _answer(summary + ".", content, "Cache-Control", *headers),
            **_problems(*_COMMON, *((404,) if named else ()), *also),
        },
        parameters=(*((_WEBHOOK_ID,) if named else ()), *parameters),
        body=body,
        models={} if shape is None else {status: shape},
    )


def _webhook_body(jobs: Jobs) -> Schema:
    text = {"type": "string"}
    return _object(
        {
            "url": {**text, "format": "uri", "maxLength": URL_MAX, "description": "http or https; a public address."},
            "events": {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1, "default": list(USUAL)},
            "tasks": {
                "type": "array",
                "items": {"enum": list(public_tasks(jobs))} if public_tasks(jobs) else text,
                "maxItems": webhooks_api.TASKS_MAX,
                "description": "Jobs of these only; empty: of all.",
            },
            "description": {**text, "maxLength": webhooks_api.DESCRIPTION_MAX},
        }
    )


def _changed(body: Schema) -> Schema:
    return _object({**body["properties"], "disabled": {"type": "boolean"}})


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _sent() -> dict[str, Schema]:
    """The requests that a webhook's receiver gets: OpenAPI's own `webhooks`."""
    headers = [_header(name, meaning, type="string") for name, meaning in message_shapes.SIGNED.items()]
    answers = {
        "2XX": _answer("It arrived."),
        "410": _answer("Not again, please: the webhook is disabled."),
        "default": _answer("It did not arrive: it is sent again, later."),
    }
    return {
        name: {
            "post": {
                "operationId": f"receive_{name}",
                "summary": (shape.__doc__ or "").strip(),
                "parameters": [{**header, "required": True} for header in headers],
                "requestBody": {"required": True, "content": _contents({_JSON: _ref(shape)})},
                "responses": answers,
            }
        }
        for name, shape in zip(("delivery", "test"), message_shapes.SENT, strict=True)
    }


def _service() -> list[Operation]:
    ok = _answer("Yes.", {_JSON: _ref(shapes.AcceptedHealth)}, "Cache-Control")
    text = _answer("Prometheus text.", {"text/plain": {"type": "string"}}, "Cache-Control")
    document = _answer("This document.", {_JSON: {"type": "object"}}, "Cache-Control")
    return [
        Operation("get", "/healthz", "health", "Does the process live?", {200: ok}, open=True, alone=True),
        Operation(
            "get",
            "/readyz",
            "ready",
            "Can requests be served?",
            {200: ok, **_problems(503)},
            open=True,
            alone=True,
        ),
        Operation(
            "get",
            "/metrics",
            "metrics",
            "Measurements; for administrators",
            {200: text, **_problems(401, 403, 500, 503)},
            alone=True,
        ),
        Operation("get", "/openapi.json", "openapi", "This document", {200: document}, open=True, alone=True),
        Operation(
            "get",
            "/asyncapi.json",
            "asyncapi",
            "Streams, sockets and webhooks (AsyncAPI 3.0)",
            {200: _answer("The document.", {_JSON: {"type": "object"}}, "Cache-Control")},
            open=True,
            alone=True,
        ),
    ]


# ── the whole document ───────────────────────────────────────────────────────────────────────────────

_SECURITY: Final[Mapping[str, Schema]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, a JWT, or a token for one job."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def document(jobs: Jobs, *, server: str = "") -> Schema:
    """The document of `jobs.app`. `server`: the path below which it is served."""
    known: list[type[BaseModel]] = [*shapes.SHAPES, *webhook_shapes.SHAPES, *message_shapes.SENT]
    _, shared = models_json_schema([(shape, "serialization") for shape in known], ref_template=_REF + "{model}")
    schemas: dict[str, Schema] = dict(shared["$defs"])
    # Without an authenticator the server is open to its own machine; one of the user's own may look at a cookie.
    unknown: list[Schema] = [] if jobs.settings.auth else [{}]
    paths: dict[str, dict[str, Schema]] = {}
    for one in (*operations(jobs), *_service()):
        schemas.update(one.components)
        operation = one.schema()
        if not one.open:
            operation["security"] = [*unknown, *({name: []} for name in _SECURITY)]
        paths.setdefault(one.path if one.alone else jobs.prefix + one.path, {})[one.method] = operation
    made: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "Jobs", "version": "1", "description": "Long work behind HTTP: submit, follow, collect."},
        "paths": paths,
        "webhooks": _sent(),
        "components": {"schemas": schemas, "securitySchemes": dict(_SECURITY)},
    }
    if server:
        made["servers"] = [{"url": server}]
    return made
