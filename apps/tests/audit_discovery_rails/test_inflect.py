"""English words as Rails' own inflector turns them."""

from __future__ import annotations

import pytest
from accepted_apps.audit.discovery.ruby.inflect import pluralized, singularized, underscored

WORDS = [
    ("user", "users"),
    ("category", "categories"),
    ("status", "statuses"),
    ("address", "addresses"),
    ("person", "people"),
    ("sales_person", "sales_people"),
    ("chairman", "chairmen"),
    ("child", "children"),
    ("analysis", "analyses"),
    ("news", "news"),
    ("series", "series"),
    ("box", "boxes"),
    ("day", "days"),
    ("matrix", "matrices"),
    ("movie", "movies"),
    ("login", "logins"),
]


@pytest.mark.parametrize(("one", "many"), WORDS)
def test_one_and_many(one: str, many: str) -> None:
    assert pluralized(one) == many
    assert singularized(many) == one


def test_names_of_classes_as_paths() -> None:
    assert underscored("Admin::UsersController") == "admin/users_controller"
    assert underscored("::API::HTMLPagesController") == "api/html_pages_controller"
    assert underscored("V1::OAuth2Controller") == "v1/o_auth2_controller"
