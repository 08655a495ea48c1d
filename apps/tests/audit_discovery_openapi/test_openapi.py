"""OpenAPI and Swagger files: what they say, what the code says as well, and files that mean harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.model import Route

Checkout = Callable[[Mapping[str, str]], Path]

PETS = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers:
  - url: https://{host}/v1
    variables:
      host: {default: api.example.com}
paths:
  /pets:
    get:
      operationId: listPets
      responses: {"200": {description: ok}}
    post:
      operationId: addPet
      responses: {"201": {description: made}}
  /pets/{petId}:
    parameters: []
    delete:
      responses: {"204": {description: gone}}
"""


def listed(routes: list[Route]) -> set[str]:
    return {f"{route.method} {route.path}" for route in routes}


def test_yaml_with_lines_and_snippets(checkout: Checkout) -> None:
    found = discover(checkout({"openapi.yaml": PETS})).routes
    assert listed(found) == {"GET /v1/pets", "POST /v1/pets", "DELETE /v1/pets/{petId}"}
    shown = next(route for route in found if route.function == "addPet")
    assert (shown.file, shown.line, shown.end_line) == ("openapi.yaml", 12, 14)
    assert shown.snippet.splitlines()[0].strip() == "post:"
    assert (shown.framework, shown.source, shown.language) == ("OpenAPI", "openapi", "yaml")


def test_swagger_two_in_json_with_its_base_path(checkout: Checkout) -> None:
    document = {
        "paths": {"/users/{id}": {"get": {"operationId": "show"}, "x-note": 1}, "x-more": {}, "ping": {"get": {}}},
        "basePath": "/api/",
        "swagger": "2.0",
    }
    found = discover(checkout({"docs/swagger.json": json.dumps(document, indent=2)})).routes
    assert [(route.method, route.path, route.line, route.end_line) for route in found] == [
        ("GET", "/api/users/{id}", 4, 6)
    ]


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("https://example.com", "/x"),
        ("https://example.com/v2/", "/v2/x"),
        ("/api", "/api/x"),
        ("{scheme}://example.com/v2", "/v2/x"),
        ("//example.com/edge", "/edge/x"),
        ("example.com/hosted", "/hosted/x"),
        ("", "/x"),
        ("https://[", "/x"),
    ],
)
def test_servers(checkout: Checkout, server: str, path: str) -> None:
    document = {"openapi": "3.0.3", "servers": [{"url": server}], "paths": {"/x": {"get": {}}}}
    assert listed(discover(checkout({"api.json": json.dumps(document)})).routes) == {f"GET {path}"}


def test_servers_of_a_path_and_of_an_operation(checkout: Checkout) -> None:
    document = {
        "openapi": "3.0.3",
        "servers": [{"url": "/all"}],
        "paths": {
            "/x": {"servers": [{"url": "/path"}], "get": {}, "post": {"servers": [{"url": "/operation"}]}},
            "/y": {"get": {}},
        },
    }
    assert listed(discover(checkout({"api.json": json.dumps(document)})).routes) == {
        "GET /path/x",
        "POST /operation/x",
        "GET /all/y",
    }


def test_references_within_the_repository_only(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("get: {operationId: stolen}\n")
    root = checkout(
        {
            "api/api.yaml": """
            openapi: 3.0.0
            paths:
              /a: {$ref: "./parts/a.yaml"}
              /b: {$ref: "parts/more.yaml#/paths/~1b"}
              /c: {$ref: "#/components/pathItems/C"}
              /stolen: {$ref: "../../outside.yaml"}
              /remote: {$ref: "https://example.com/x.yaml"}
              /loop: {$ref: "#/paths/~1loop"}
              /missing: {$ref: "nowhere.yaml"}
            components:
              pathItems:
                C: {put: {operationId: c}}
            """,
            "api/parts/a.yaml": "get:\n  operationId: a\n",
            "api/parts/more.yaml": "paths:\n  /b:\n    post:\n      operationId: b\n",
        }
    )
    found = discover(root).routes
    assert {route.path: (route.function, route.file) for route in found} == {
        "/a": ("a", "api/parts/a.yaml"),
        "/b": ("b", "api/parts/more.yaml"),
        "/c": ("c", "api/api.yaml"),
    }


APP = """
from fastapi import FastAPI

app = FastAPI()


@app.get("{prefix}/pets")
def list_pets():
    return []


@app.post("{prefix}/pets")
def add_pet():
    return {{}}
"""


@pytest.mark.parametrize("prefix", ["/v1", "", "/gateway/v1"])
def test_what_the_code_declares_as_well_is_one_route(checkout: Checkout, prefix: str) -> None:
    """Also where the file has a prefix that the code lacks, or lacks one that it has."""
    found = discover(checkout({"app.py": APP.format(prefix=prefix), "openapi.yaml": PETS})).routes
    assert [(route.source, route.method) for route in found] == [
        ("code", "GET"),
        ("code", "POST"),
        ("openapi", "DELETE"),
    ]


def test_a_description_of_another_version_is_noted_and_one_of_another_program_listed(checkout: Checkout) -> None:
    old = PETS.replace("/pets", "/animals")
    found = discover(
        checkout({"shop/app.py": APP.format(prefix="/v1"), "docs/old.yaml": old, "billing/openapi.yaml": PETS})
    )
    assert found.notes == ["Describes mostly routes that the code does not declare, and is not listed: docs/old.yaml"]
    assert listed(found.routes) == {"GET /v1/pets", "POST /v1/pets", "DELETE /v1/pets/{petId}"}


def test_the_same_description_twice_is_one(checkout: Checkout) -> None:
    found = discover(checkout({"docs/openapi.yaml": PETS, "docs/openapi.yml": PETS})).routes
    assert len(found) == 3


BOMB = "openapi: 3.0.0\nz: &z {a: 1, b: 2}\n" + "".join(
    f"x{number}: &x{number}\n  <<: [{', '.join([f'*x{number - 1}' if number else '*z'] * 9)}]\n" for number in range(12)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "openapi: 3.0.0\npaths: " + "[" * 5000 + "]" * 5000,
        "openapi: 3.0.0\npaths: " + "{a: " * 5000,
        "openapi: 3.0.0\npaths: !!python/object/apply:os.system ['touch stolen']",
        "openapi: 3.0.0\n\tpaths: :",
        "openapi: 3.0.0\npaths: [1, 2]",
        "openapi: 3.0.0\npaths: {/a: 7, /b: {get: 8}, 9: {get: {}}}",
        "openapi: 3.0.0\n--- \nopenapi: 3.0.0",
        '{"openapi": "3.0.0", "paths": ' + '{"a":' * 3000,
    ],
)
def test_files_that_mean_harm_or_nothing(checkout: Checkout, text: str) -> None:
    name = "bad.json" if text.startswith("{") else "bad.yaml"
    found = discover(checkout({name: text, "good.yaml": PETS}))
    assert listed(found.routes) == {"GET /v1/pets", "POST /v1/pets", "DELETE /v1/pets/{petId}"}
    assert not Path("stolen").exists()


def test_other_files_in_yaml_and_json_are_not_looked_into(checkout: Checkout) -> None:
    files = {"package.json": '{"paths": {"/x": {"get": {}}}}', "compose.yaml": "paths:\n  /x:\n    get: {}\n"}
    found = discover(checkout(files))
    assert (found.routes, found.notes) == ([], [])
