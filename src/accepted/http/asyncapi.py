"""The AsyncAPI 3.0 document: event streams, the WebSocket, and what webhooks are sent.

What OpenAPI cannot say. The job and the event are those of shapes.py; each kind of event is that event with its kind
and the data of message_shapes.py, so that a generated client gets a type for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from accepted.http import message_shapes, shapes
from accepted.http.task_schemas import Schema
from accepted.job import Kind

if TYPE_CHECKING:
    from accepted.jobs import Jobs

_SCHEMAS: Final = "#/components/schemas/"
_SHAPES: Final[tuple[type[BaseModel], ...]] = (
    shapes.AcceptedJob,
    shapes.AcceptedEvent,
    *message_shapes.EVENT_DATA.values(),
    *message_shapes.FROM_CLIENT,
    *message_shapes.FROM_SERVER,
    message_shapes.AcceptedGone,
    message_shapes.AcceptedDelivery,
    message_shapes.AcceptedTestDelivery,
)
_SECURITY: Final[Mapping[str, Schema]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, a JWT, or a token for one job."},
    "api_key": {"type": "httpApiKey", "in": "header", "name": "X-API-Key"},
}
_QUERY_TOKEN: Final = "`?token=` takes a token for one job, for an EventSource can send no header."  # noqa: S105


def document(jobs: Jobs, *, server: str = "") -> Schema:
    """The document of `jobs.app`. `server`: the path below which it is served, part of each address."""
    base = server + jobs.prefix
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jobs, live",
            "version": "1",
            "description": "News of jobs as they happen. What is asked and answered over HTTP is in /openapi.json.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(base),
        "operations": _operations(),
        "components": {
            "schemas": _schemas(),
            "messages": {**_stream_messages(), **_socket_messages(), **_webhook_messages()},
            "securitySchemes": dict(_SECURITY),
        },
    }


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────


def _schemas() -> dict[str, Schema]:
    _, shared = models_json_schema([(shape, "serialization") for shape in _SHAPES], ref_template=_SCHEMAS + "{model}")
    schemas: dict[str, Schema] = dict(shared["$defs"])
    event = schemas["AcceptedEvent"]
    for kind, data in message_shapes.EVENT_DATA.items():
        said = deepcopy(event)
        said["title"] = f"AcceptedEvent.{kind}"
        said["properties"] |= {"kind": {"const": kind.value}, "data": _ref(data)}
        schemas[f"AcceptedEvent.{kind}"] = said
        heard = deepcopy(said)
        heard["title"] = f"AcceptedSocketEvent.{kind}"
        heard["properties"]["type"] = {"const": "event"}
        heard["required"] = ["type", *heard["required"]]
        schemas[f"AcceptedSocketEvent.{kind}"] = heard
    return schemas


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": _SCHEMAS + model.__name__}


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────


def _stream_messages() -> dict[str, Schema]:
    """Frames of Server-Sent Events: the payload is `data:`, the other fields stand as headers."""
    made = {
        f"stream.{kind}": _frame(kind.value, {"$ref": f"{_SCHEMAS}AcceptedEvent.{kind}"}, _meaning(kind))
        for kind in Kind
    }
    made["stream.snapshot"] = _frame(
        "snapshot", _ref(shapes.AcceptedJob), "The job as it is, in place of events that are not kept any more."
    )
    made["stream.removed"] = _frame(
        "removed", _ref(message_shapes.AcceptedGone), "The job was removed; nothing more comes of it.", numbered=False
    )
    return made


def _frame(event: str, payload: Schema, summary: str, *, numbered: bool = True) -> Schema:
    fields: dict[str, Schema] = {"event": {"const": event}}
    if numbered:
        fields["id"] = {"type": "string", "description": "The cursor after this: send it as `Last-Event-ID`."}
    headers = {"type": "object", "properties": fields, "required": sorted(fields), "additionalProperties": False}
    return {"name": event, "summary": summary, "headers": headers, "payload": payload}


def _socket_messages() -> dict[str, Schema]:
    made = {
        f"socket.event.{kind}": {
            "name": "event",
            "summary": _meaning(kind),
            "payload": {"$ref": f"{_SCHEMAS}AcceptedSocketEvent.{kind}"},
        }
        for kind in Kind
    }
    for model in message_shapes.FROM_SERVER:
        made[_socket_key(model)] = _message(_word(model, "type"), model)
    for model in message_shapes.FROM_CLIENT:
        made[_socket_key(model)] = _message(_word(model, "action"), model)
    return made


def _socket_key(model: type[BaseModel]) -> str:
    if model in message_shapes.FROM_CLIENT:
        return f"action.{_word(model, 'action')}"
    return f"socket.{_word(model, 'type')}"


def _webhook_messages() -> dict[str, Schema]:
    signed = {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": meaning} for name, meaning in message_shapes.SIGNED.items()
        },
        "required": list(message_shapes.SIGNED),
    }
    return {
        f"webhook.{name}": {**_message(name, model), "headers": signed}
        for name, model in (
            ("delivery", message_shapes.AcceptedDelivery),
            ("test", message_shapes.AcceptedTestDelivery),
        )
    }


def _message(name: str, model: type[BaseModel]) -> Schema:
    made: Schema = {"name": name, "payload": _ref(model)}
    if model.__doc__:
        made["summary"] = model.__doc__.strip()
    return made


def _word(model: type[BaseModel], member: str) -> str:
    """The one value of a member that says which message it is."""
    word: str = model.model_json_schema()["properties"][member]["const"]
    return word


def _meaning(kind: Kind) -> str:
    return f"An event of the kind {kind.value!r}."


# ── channels and operations ──────────────────────────────────────────────────────────────────────────


def _channels(base: str) -> dict[str, Schema]:
    return {
        "job_events": {
            "address": base + "/jobs/{job_id}/events",
            "title": "One job's events",
            "description": "Server-Sent Events (`Accept: text/event-stream`): strictly what follows the cursor. Ends "
            f"after the job's last event; a reconnect then answers 204. {_QUERY_TOKEN}",
            "parameters": {"job_id": {"description": "The job."}},
            "messages": _named(_stream_messages()),
        },
        "events": {
            "address": base + "/events",
            "title": "Events of several jobs",
            "description": "`?jobs=a,b`: one stream of several jobs; each `id:` is a cursor of all of them.",
            "messages": _named(_stream_messages()),
        },
        "socket": {
            "address": base + "/ws",
            "title": "Many jobs on one WebSocket",
            "description": "`?ticket=` of `POST /ws-ticket`, `?token=` for one job, or the first message says who it "
            "is. Close codes: 4401 who are you, 4403 not allowed, 4404 no such job, 4408 too slow to say who you are, "
            "4429 too many.",
            "messages": _named(_socket_messages()),
            "bindings": {"ws": {"method": "GET", "query": _socket_query(), "bindingVersion": "0.1.0"}},
        },
        "webhook": {
            "address": None,
            "title": "Your server",
            "description": "`POST` to the URL of a webhook, by Standard Webhooks. Any 2xx is success.",
            "messages": _named(_webhook_messages()),
        },
    }


def _named(messages: Iterable[str]) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in messages}


def _socket_query() -> Schema:
    text = {"type": "string"}
    return {"type": "object", "properties": {"ticket": text, "token": text}}


def _operations() -> dict[str, Schema]:
    asked = [_socket_key(model) for model in message_shapes.FROM_CLIENT]
    answered = [name for name in _socket_messages() if name not in asked]
    secured = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY]
    return {
        "follow_job": {**_operation("send", "job_events", _stream_messages()), "security": secured},
        "follow_jobs": {**_operation("send", "events", _stream_messages()), "security": secured},
        "say": _operation("receive", "socket", asked),
        "hear": _operation("send", "socket", answered),
        "deliver": _operation("send", "webhook", _webhook_messages()),
    }


def _operation(action: str, channel: str, messages: Iterable[str]) -> Schema:
    """`action` is the server's: it sends, or it receives."""
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
