"""The wire format of chat completions: a schema as strict endpoints want it, and answers as all kinds give them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from pydantic import BaseModel, ValidationError

_UNSAID: Final = frozenset({"title", "default", "discriminator", "minLength", "maxLength", "uniqueItems", "examples"})
"""What strict endpoints refuse in a schema; the answer is held against it all the same."""
_THOUGHTS: Final = re.compile(r"^\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_FENCED: Final = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_OBJECTIONS: Final = 20


class Mode(IntEnum):
    """How an endpoint is told to answer in JSON, from the strictest to none at all."""

    SCHEMA = 0
    OBJECT = 1
    TEXT = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered. `cut`: it stopped at its limit of tokens. `refusal`: why it does not answer, or ""."""

    text: str
    cut: bool
    refusal: str
    usage: Mapping[str, Any]


def response_format(schema: type[BaseModel], mode: Mode) -> dict[str, Any] | None:
    """The member `response_format`; None: there is none in this mode."""
    if mode is Mode.TEXT:
        return None
    if mode is Mode.OBJECT:
        return {"type": "json_object"}
    shape = strict_schema(schema)
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "schema": shape, "strict": not _has_free_members(shape)},
    }


def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema with every member required and no others allowed, in words that strict endpoints know."""
    made: dict[str, Any] = _strict(schema.model_json_schema())
    return made


def reply_of(document: Any) -> Reply:
    """The first choice of an answer. Raises ValueError where there is none."""
    try:
        choice = document["choices"][0]
        message = choice["message"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("no choices") from None
    usage = document.get("usage")
    refused = str(message.get("refusal") or "")
    if choice.get("finish_reason") == "content_filter":
        refused = refused or "its filter stopped the answer"
    return Reply(
        text=_text(message.get("content")),
        cut=choice.get("finish_reason") == "length",
        refusal=refused,
        usage=usage if isinstance(usage, dict) else {},
    )


def json_in(text: str) -> str:
    """The JSON of an answer that may have thoughts in front of it, a fence around it, or words beside it."""
    text = _THOUGHTS.sub("", text).strip()
    fenced = _FENCED.search(text)
    if fenced is not None and not text.startswith(("{", "[")):
        text = fenced.group(1).strip()
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def objections_of(error: ValidationError) -> list[str]:
    """Each thing that is wrong with an answer, with its place: in words that a model, or a person, can act on."""
    found = [
        f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = len(found) - _OBJECTIONS
    return found if more <= 0 else [*found[:_OBJECTIONS], f"and {more} more of the kind"]


def instruction(schema: type[BaseModel], mode: Mode) -> str:
    """What the model is told of the form of its answer; the schema itself only where the endpoint does not hand it
    over."""
    told = "Answer with one JSON object and nothing else: no words around it, no fence."
    if mode is Mode.SCHEMA:
        return told
    shape = json.dumps(strict_schema(schema), ensure_ascii=False)
    return f"{told} It must fit this JSON schema, {schema.__name__}: {shape}"


def repair(schema: type[BaseModel], objections: Sequence[str]) -> str:
    """What the model is told when its answer cannot be used."""
    listed = "\n".join(f"- {one}" for one in objections)
    return (
        f"This answer cannot be used:\n{listed}\nAnswer again, wholly, with all of this set right. "
        f"{instruction(schema, Mode.TEXT)}"
    )


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    for name, value in node.items():
        if name in ("properties", "$defs"):
            # What stands in here are names of members, and may well be called "title".
            made[name] = {member: _strict(shape) for member, shape in value.items()}
        elif name in _UNSAID:
            continue
        else:
            made["anyOf" if name == "oneOf" else name] = _strict(value)
    if "properties" in made:
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


def _has_free_members(node: Any) -> bool:
    """Whether some object of a schema may have members of any name: strict endpoints refuse that."""
    if isinstance(node, list):
        return any(map(_has_free_members, node))
    if not isinstance(node, dict):
        return False
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        return True
    return any(map(_has_free_members, node.values()))


def _text(content: Any) -> str:
    """Plain, or in parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(one.get("text", "")) for one in parts if isinstance(one, dict))
