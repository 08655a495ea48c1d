"""What a client has to know of a task: the JSON Schemas of its arguments and result, files as what they are on the
wire, and the same moved into an OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from accepted.task import Task

Schema = dict[str, Any]
_DEFS: Final = "#/$defs/"
_BINARY: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}
"""As OpenAPI 3.1 says it; `format: binary` was that of 3.0, and any bytes fit."""


def public_schemas(task: Task[..., Any]) -> tuple[Schema, Schema]:
    """Arguments and result. A file parameter is what is sent for it, not what the function gets."""
    arguments, result = task.schemas()
    for name, many in task.files.items():
        given = arguments["properties"][name]
        kept = {key: given[key] for key in ("minItems", "maxItems") if key in given}
        said = {"type": "array", "items": _BINARY, **kept} if many else _BINARY
        arguments["properties"][name] = {"title": given.get("title", name), **said}
    return _without_unused(arguments), result


def json_arguments(task: Task[..., Any]) -> Schema | None:
    """The arguments that a JSON body can hold: all but the files. None: a file is required, so JSON never fits."""
    arguments, _ = public_schemas(task)
    if any(name in task.files for name in arguments.get("required", ())):
        return None
    arguments["properties"] = {
        name: schema for name, schema in arguments.get("properties", {}).items() if name not in task.files
    }
    return arguments


def without_null(arguments: Schema) -> Schema:
    """The arguments as a form can say them: nothing is said by leaving the field out."""

    def said(schema: Schema) -> Schema:
        kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds} if kinds else schema

    properties = arguments.get("properties", {})
    return {**arguments, "properties": {name: said(schema) for name, schema in properties.items()}}


def _without_unused(schema: Schema) -> Schema:
    """Drop definitions that nothing refers to any more."""
    definitions: dict[str, Schema] = schema.get("$defs", {})
    used: set[str] = set()
    todo = _references({name: value for name, value in schema.items() if name != "$defs"})
    while todo:
        name = todo.pop()
        if name not in used and name in definitions:
            used.add(name)
            todo |= _references(definitions[name])
    kept = {name: value for name, value in definitions.items() if name in used}
    rest = {name: value for name, value in schema.items() if name != "$defs"}
    return {**rest, "$defs": kept} if kept else rest


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if not isinstance(value, dict):
        return set()
    own = value.get("$ref")
    found = {own.removeprefix(_DEFS)} if isinstance(own, str) and own.startswith(_DEFS) else set()
    return found.union(*map(_references, value.values()))


def as_components(schema: Schema, prefix: str) -> tuple[Schema, dict[str, Schema]]:
    """The schema with its definitions moved to components named `prefix` and theirs, and those components."""

    def place(reference: str) -> str:
        return f"#/components/schemas/{prefix}.{_component(reference.removeprefix(_DEFS))}"

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(one) for one in value]
        if not isinstance(value, dict):
            return value
        out = {name: moved(one) for name, one in value.items()}
        own, told = out.get("$ref"), out.get("discriminator")
        if isinstance(own, str) and own.startswith(_DEFS):
            out["$ref"] = place(own)
        if isinstance(told, dict) and "oneOf" in out:
            out["discriminator"] = {**told, "mapping": {key: place(one) for key, one in told["mapping"].items()}}
        return out

    definitions = schema.get("$defs", {})
    rest = {name: value for name, value in schema.items() if name != "$defs"}
    return moved(rest), {f"{prefix}.{_component(name)}": moved(one) for name, one in definitions.items()}


def inlined(schema: Schema) -> Schema:
    """The schema with its definitions put where they are used, for documents whose components are somebody else's.
    A definition that contains itself ends in "anything" at its second turn."""
    definitions = schema.get("$defs", {})

    def put(value: Any, inside: frozenset[str]) -> Any:
        if isinstance(value, list):
            return [put(one, inside) for one in value]
        if not isinstance(value, dict):
            return value
        own = value.get("$ref")
        if isinstance(own, str) and own.startswith(_DEFS):
            name = own.removeprefix(_DEFS)
            beside = {key: one for key, one in value.items() if key != "$ref"}
            return beside if name in inside else {**put(definitions[name], inside | {name}), **beside}
        # A discriminator names components, of which there are none here; the members' constants say the same.
        left = {"$defs", "discriminator"} if "oneOf" in value else {"$defs"}
        return {key: put(one, inside) for key, one in value.items() if key not in left}

    found: Schema = put(schema, frozenset())
    return found


def _component(name: str) -> str:
    """A name that OpenAPI allows for a component."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)


def component_name(task_name: str) -> str:
    return _component(task_name)
