"""The OpenAPI document is valid, names what there is, and what is answered fits it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import FastAPI
from http_api.serving import Api
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, Field, TypeAdapter
from starlette.routing import Route

from accepted.http.openapi import document
from accepted.http.resource import Resource
from accepted.http.task_schemas import as_components, inlined


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from refs(one)
    elif isinstance(value, list):
        for one in value:
            yield from refs(one)


@pytest.fixture(params=["own", "fastapi"])
def described(request: pytest.FixtureRequest, api: Api) -> dict[str, Any]:
    if request.param == "own":
        return json.loads(json.dumps(document(api.jobs)))  # type: ignore[no-any-return]
    app = FastAPI()
    app.include_router(api.jobs.router)
    return app.openapi()


def test_it_is_valid(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(refs(described)) <= known


def test_it_has_every_route(api: Api, described: dict[str, Any]) -> None:
    there = {
        (route.path, method)
        for route in api.jobs.routes
        if isinstance(route, Route) and isinstance(route.endpoint, Resource)
        for method in route.endpoint.methods
        if method != "HEAD"
    }
    named = {
        (path, method.upper())
        for path, operations in described["paths"].items()
        for method in operations
        if path.startswith("/v1/") and not path.startswith("/v1/tasks/")
    }
    assert named == {one for one in there if not one[0].startswith("/v1/tasks/")}
    tasks = {path.removeprefix("/v1/tasks/") for path in described["paths"] if path.startswith("/v1/tasks/")}
    assert tasks - {"{task}"} == set(api.jobs.tasks) | {"{task}/batch"}


def test_a_task_as_an_operation(api: Api) -> None:
    described = document(api.jobs)
    add = described["paths"]["/v1/tasks/add"]["post"]
    assert add["operationId"] == "submit_add"
    assert add["summary"] == "Adds two numbers."
    body = add["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["a"]
    assert add["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "integer"}
    assert {"202", "400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"} <= set(add["responses"])
    measure = described["paths"]["/v1/tasks/measure"]["post"]["requestBody"]["content"]
    assert list(measure) == ["multipart/form-data"]
    properties = measure["multipart/form-data"]["schema"]["properties"]
    assert properties["file"] == {"title": "File", "type": "string", "contentMediaType": "application/octet-stream"}
    assert properties["more"]["type"] == "array"
    assert "local" not in json.dumps(described)
    items = described["paths"]["/v1/tasks/items"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert items["properties"]["first"] == {"$ref": "#/components/schemas/items.Item"}


async def test_the_list_of_tasks_says_the_same(ann: httpx.AsyncClient, api: Api) -> None:
    tasks = {task["name"]: task for task in (await ann.get("/v1/tasks")).json()["tasks"]}
    assert set(tasks) == set(api.jobs.tasks)
    assert tasks["add"]["description"].startswith("Adds two numbers.")
    assert tasks["measure"]["files"] == ["file", "more"]
    assert tasks["measure"]["arguments"]["properties"]["file"]["contentMediaType"] == "application/octet-stream"
    assert "UploadFile" not in json.dumps(tasks["measure"])


async def test_it_is_served(api: Api) -> None:
    async with api.client(None) as nobody:
        served = (await nobody.get("/openapi.json")).json()
    assert served == json.loads(json.dumps(document(api.jobs)))


def test_recursive_definitions() -> None:
    schema = {
        "$defs": {"Item": {"type": "object", "properties": {"child": {"$ref": "#/$defs/Item"}}}},
        "properties": {"first": {"$ref": "#/$defs/Item", "title": "First"}},
    }
    rest, components = as_components(schema, "t")
    assert rest["properties"]["first"]["$ref"] == "#/components/schemas/t.Item"
    assert components["t.Item"]["properties"]["child"]["$ref"] == "#/components/schemas/t.Item"
    flat = inlined(schema)
    assert flat["properties"]["first"] == {"type": "object", "properties": {"child": {}}, "title": "First"}


def test_what_tells_members_of_a_union_apart_points_where_they_are() -> None:
    class Cat(BaseModel):
        kind: Literal["cat"]

    class Dog(BaseModel):
        kind: Literal["dog"]

    schema = TypeAdapter(Annotated[Cat | Dog, Field(discriminator="kind")]).json_schema()
    rest, components = as_components(schema, "t")
    assert {*rest["discriminator"]["mapping"].values()} == {f"#/components/schemas/{name}" for name in components}
    flat = inlined(schema)
    assert "discriminator" not in flat
    assert [one["properties"]["kind"]["const"] for one in flat["oneOf"]] == ["cat", "dog"]
