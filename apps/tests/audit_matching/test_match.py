"""Endpoints and the routes that answer them."""

from __future__ import annotations

import random
import time

import pytest
from accepted_apps.audit.matching import THRESHOLD, match
from accepted_apps.audit.model import Match, Route

from .tables import BLOG, api, route


def matched(endpoint: str, routes: list[Route] | None = None, method: str | None = None) -> Match:
    return match([api(endpoint, method)], BLOG if routes is None else routes)[0]


def best(endpoint: str, routes: list[Route] | None = None) -> str:
    found = matched(endpoint, routes)
    return f"{found.kind} {found.best.route.method} {found.best.route.path}" if found.best else found.kind


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("GET /api/articles/feed", "exact GET /api/articles/feed"),
        ("GET /api/articles/how-to-train-your-dragon", "exact GET /api/articles/{slug}"),
        ("GET /api/articles/:slug", "exact GET /api/articles/{slug}"),
        ("GET https://conduit.example.com/api/articles/feed/?limit=20", "exact GET /api/articles/feed"),
        ("DELETE /api/articles/x/comments/7", "exact DELETE /api/articles/{slug}/comments/{id}"),
        ("GET /API/Tags", "exact GET /api/tags"),
        ("GET /api/orders/1/items/2", "exact GET /api/orders/{order_id}/items/{item_id}/"),
        ("GET /api/export/june.csv", "exact GET /api/export/{name}.csv"),
        ("GET /files/a/b/c.txt", "exact GET /files/{path*}"),
        ("GET /files/*", "exact GET /files/{path*}"),
        ("PUT /webhooks/stripe", "exact ANY /webhooks/{provider}"),
        ("HEAD /api/tags", "exact GET /api/tags"),
        ("GET /", "exact GET /"),
        ("07 - GET /", "exact GET /"),
        ("GET /prod/", "partial GET /"),
        ("GET /2024/05", "exact GET /{year}/{month}"),
        ("GET /prod/api/tags", "partial GET /api/tags"),
        ("GET /gateway/v1/api/articles/feed", "partial GET /api/articles/feed"),
        ("GET /tags", "partial GET /api/tags"),
        ("GET /v1/articles/some-slug", "partial GET /api/articles/{slug}"),
        ("GET /api/tags.json", "exact GET /api/tags"),
        ("POST /api/users/login-17", "partial POST /api/users/login"),
        ("DELETE /api/tags", "partial GET /api/tags"),
        ("POST login", "partial POST /api/users/login"),
        ("list_tags", "partial GET /api/tags"),
        ("getProfile", "partial GET /api/profiles/{username}"),
        ("Create article", "partial POST /api/articles"),
        ("02 - Delete comment", "partial DELETE /api/articles/{slug}/comments/{id}"),
        ("GET /payments/refunds/monthly", "none"),
        ("Checkout", "none"),
    ],
)
def test_endpoints_of_every_form(endpoint: str, expected: str) -> None:
    assert best(endpoint) == expected


def test_a_match_says_its_runner_up() -> None:
    found = matched("GET /api/articles/feed")
    assert found.best
    assert found.runner_up
    assert (found.best.confidence, found.best.notes) == (1.0, [])
    assert found.runner_up.route.path == "/api/articles/{slug}"
    assert found.runner_up.confidence < found.best.confidence


def test_without_a_method_one_is_chosen_and_said() -> None:
    found = matched("/api/articles/some-slug")
    assert found.best
    assert found.best.route.method == "GET"
    assert found.best.notes == ["No method was given; the path answers GET, PUT and DELETE, and GET was taken."]
    assert found.runner_up
    assert found.runner_up.route.path == "/api/articles/{slug}"
    only = matched("/api/tags")
    assert only.best
    assert only.best.notes == ["No method was given; the path answers GET only."]
    assert only.best.confidence > found.best.confidence


@pytest.mark.parametrize(
    ("endpoint", "note"),
    [
        ("GET /prod/api/tags", "The request has /prod in front, which the code has not."),
        ("GET /tags", "The code has /api in front, which the request has not."),
        ("DELETE /api/tags", "The path answers GET, not DELETE."),
        ("HEAD /api/tags", "The route for GET answers HEAD as well."),
        ("GET /api/tags.json", "'.json' at the end was taken for a format, not for a part of the path."),
        ("Create article", "The endpoint is a name and no path; its words fit this route best."),
    ],
)
def test_what_does_not_fit_is_said(endpoint: str, note: str) -> None:
    found = matched(endpoint)
    assert found.best
    assert found.best.notes == [note]


def test_versions_that_differ_or_are_on_one_side_only() -> None:
    routes = [route("GET /api/v1/users/{id}"), route("GET /health")]
    other = matched("GET /api/v2/users/7", routes)
    assert (other.kind, other.best and other.best.notes) == ("partial", ["The code's version is v1, not v2."])
    lacking = matched("GET /api/users/7", routes)
    assert lacking.best
    assert lacking.best.notes == ["The code has the version v1, which the request has not."]
    more = matched("GET /api/v3/orders/7", [route("GET /api/orders/{id}")])
    assert more.best
    assert more.best.notes == ["The request has the version v3, which the code has not."]
    both = [route("GET /api/v1/users"), route("GET /api/v2/users")]
    assert best("GET /api/v2/users", both) == "exact GET /api/v2/users"


def test_a_nested_resource_that_the_code_lacks_is_not_the_plain_one() -> None:
    found = matched("GET /customers/42/items", [route("GET /items")])
    assert found.kind == "none"
    assert found.nearest
    assert found.nearest.route.path == "/items"
    assert found.nearest.confidence < THRESHOLD
    assert "confidence" in found.reason


def test_catch_alls_and_any_come_last() -> None:
    routes = [route("ANY /{path*}"), route("ANY /users/{id}"), route("GET /users/{id}"), route("GET /users/me")]
    assert best("GET /users/me", routes) == "exact GET /users/me"
    assert best("GET /users/7", routes) == "exact GET /users/{id}"
    assert best("POST /users/7", routes) == "exact ANY /users/{id}"
    assert best("GET /anything/else", routes) == "exact ANY /{path*}"
    assert best("GET /prod/users/me", routes) == "partial GET /users/me"


def test_a_slash_at_the_end_decides_between_two_that_differ_only_in_it() -> None:
    routes = [route("GET /users"), route("GET /users/")]
    assert best("GET /users", routes) == "exact GET /users"
    assert best("GET /users/", routes) == "exact GET /users/"


def test_an_optional_parameter_may_be_left_out() -> None:
    routes = [route("GET /pages/{number?}")]
    assert best("GET /pages", routes) == "exact GET /pages/{number?}"
    assert best("GET /pages/3", routes) == "exact GET /pages/{number?}"


def test_no_routes_is_said() -> None:
    found = matched("GET /users", [])
    assert (found.kind, found.reason) == ("none", "The repository declares no routes.")
    assert match([], BLOG) == []


def test_the_order_of_routes_does_not_matter() -> None:
    worst = [api(f"{each.method} {each.path}") for each in BLOG] + [
        api("/api/articles/x"),
        api("tags"),
        api("/v9/tags"),
    ]
    expected = match(worst, BLOG)
    for seed in range(5):
        shuffled = BLOG.copy()
        random.Random(seed).shuffle(shuffled)
        assert match(worst, shuffled) == expected


def test_each_endpoint_keeps_its_own_figures() -> None:
    worst = [api("/api/tags"), api("/api/tags")]
    worst[1].avg_response_time_ms = 900
    assert [found.api.avg_response_time_ms for found in match(worst, BLOG)] == [None, 900]


def test_many_endpoints_among_many_routes() -> None:
    routes = [
        route(f"{method} /api/v{number % 3}/things{number}/{{id}}/part{part}")
        for number in range(300)
        for part in range(5)
        for method in ("GET", "POST")
    ]
    worst = [api(f"/prod/api/v{number % 4}/things{number}/42/part{number % 5}") for number in range(200)]
    begun = time.process_time()
    found = match(worst, routes)
    assert time.process_time() - begun < 6  # ten times what it takes: it must not grow with the product of the two
    assert all(each.best for each in found)


@pytest.mark.parametrize(
    "odd", ["", " ", "?", "#", "::", "{", "%", "%zz", "/" * 3000, "/a" * 2000, "🙂", "{{{{", "[" * 500]
)
def test_nothing_that_is_written_breaks_it(odd: str) -> None:
    found = matched(f"x{odd}")
    assert found.kind in {"exact", "partial", "none"}


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [("GET /files/secret.txt", "send"), ("GET /files/2026/11/photo.jpg", "send"), ("GET /v1/files/7", "show")],
)
def test_a_folder_of_files_is_not_taken_for_a_resource_of_the_api(endpoint: str, expected: str) -> None:
    routes = [route("GET /api/v1/files/{file_id} show"), route("GET /files/{path*} send"), route("GET /{path*} page")]
    [found] = match([api(endpoint)], routes)
    assert found.best is not None
    assert found.best.route.function == expected
