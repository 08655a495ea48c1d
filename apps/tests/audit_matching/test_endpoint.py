"""How people and load tools write endpoints."""

from __future__ import annotations

import pytest
from accepted_apps.audit.matching.endpoint import read
from accepted_apps.audit.model import WorstApi

from .tables import api

ONE, REST = "\ue000", "\ue001"


def said(endpoint: str, method: str | None = None) -> tuple[str | None, str | None]:
    """Method and path, a parameter as `:`, one for several segments as `*`."""
    found = read(api(endpoint, method))
    if found.pieces is None:
        return found.method, None
    segments = (
        ":" if piece.parameter and not piece.rest else "*" if piece.rest else piece.text for piece in found.pieces
    )
    return found.method, "/" + "/".join(segments)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("/users/42", (None, "/users/42")),
        ("GET /users/42", ("GET", "/users/42")),
        ("get /users/42?page=2#top", ("GET", "/users/42")),
        ("[DELETE] /users/42", ("DELETE", "/users/42")),
        ("PUT: /users", ("PUT", "/users")),
        ("/users (PATCH)", ("PATCH", "/users")),
        ("GET_/users", ("GET", "/users")),
        ("POST:/users", ("POST", "/users")),
        ("01 - GET /users", ("GET", "/users")),
        ("T1: /users", (None, "/users")),
        ("https://api.example.com:8443/v1/users?x=1", (None, "/v1/users")),
        ("POST https://api.example.com/v1/users/:id?x=1", ("POST", "/v1/users/:")),
        ("http://api.example.com", (None, "/")),
        ("api.example.com/users", (None, "/users")),
        ("localhost:8000/users", (None, "/users")),
        ("//cdn.example.com/users", (None, "/users")),
        ("${host}/users", (None, "/users")),
        ("{{baseUrl}}/users/{{id}}", (None, "/users/:")),
        ("http://{{host}}:{{port}}/users", (None, "/users")),
        ("https://${__P(host)}/users/${__Random(1,9)}", (None, "/users/:")),
        ("users/42", (None, "/users/42")),
        ("/users//42/", (None, "/users/42")),
        ("/users;jsessionid=1/42;v=2", (None, "/users/42")),
        ("/a%20b/caf%C3%A9", (None, "/a b/café")),
        ('"GET /quoted"', ("GET", "/quoted")),
        ("/", (None, "/")),
        ("GET /", ("GET", "/")),
        ("PROPFIND /dav/x", ("PROPFIND", "/dav/x")),
        ("copy /dav/x", (None, "/dav/x")),
    ],
)
def test_methods_addresses_and_labels(endpoint: str, expected: tuple[str | None, str | None]) -> None:
    assert said(endpoint) == expected


@pytest.mark.parametrize(
    "parameter",
    [
        ":id", "<id>", "<int:id>", "{id}", "{id:int}", "{id:[0-9]{4}}", "{id:a/b}", "[id]", "${id}", "${user.id}",
        "#{id}", "{{id}}", "%7Bid%7D", "%7bid%7d", "%3Aid", "${}", "{}", r":id(\d+)", ":id?", r"(?P<id>[^/]+)", "$id",
    ],
)  # fmt: skip
def test_parameters_of_every_syntax(parameter: str) -> None:
    assert said(f"/users/{parameter}/posts")[1] == "/users/:/posts"
    assert said(f"GET /users/{parameter}") == ("GET", "/users/:")


@pytest.mark.parametrize(
    "parameter", ["*", "*path", "**", "{path*}", "{*path}", "<path:rest>", "[...slug]", "[[...slug]]"]
)
def test_parameters_for_several_segments(parameter: str) -> None:
    assert said(f"/files/{parameter}")[1] == "/files/*"


@pytest.mark.parametrize(
    ("endpoint", "method"), [("Create order", None), ("POST Create order", "POST"), ("Login / Logout", None)]
)
def test_names_are_no_paths(endpoint: str, method: str | None) -> None:
    assert said(endpoint) == (method, None)


def test_a_word_may_be_a_path_or_a_name() -> None:
    assert said("POST login") == ("POST", "/login")
    assert read(api("users_list")).name == "users_list"


def test_the_method_beside_the_endpoint_counts_more() -> None:
    assert said("GET /users", "post") == ("POST", "/users")
    assert said("/users", "nonsense") == (None, "/users")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("42", "number"),
        ("-3.5", "number"),
        ("6f1c1f52-8d3b-4b3e-9a3d-0a6c1b2d3e4f", "code"),
        ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "code"),
        ("2024-05-01", "code"),
        ("ann@example.com", "code"),
        ("user123", "code"),
        ("v1", "version"),
        ("v2.1", "version"),
        ("how-to-train", "slug"),
        ("feed", "word"),
    ],
)
def test_what_a_value_looks_like(value: str, kind: str) -> None:
    pieces = read(WorstApi(endpoint=f"/x/{value}")).pieces
    assert pieces
    assert pieces[1].kind == kind
