"""Routes to match against, written in short."""

from __future__ import annotations

from accepted_apps.audit.model import Route, WorstApi


def route(written: str, *, source: str = "code") -> Route:
    """`GET /users/{id} show_user`; the function may be left out."""
    method, path, *function = written.split(" ")
    return Route.model_validate(
        {
            "method": method,
            "path": path,
            "function": function[0] if function else "",
            "file": "app.py",
            "line": 1,
            "end_line": 2,
            "framework": "FastAPI",
            "source": source,
        }
    )


def api(endpoint: str, method: str | None = None) -> WorstApi:
    return WorstApi(endpoint=endpoint, method=method)


BLOG = [
    route(each)
    for each in """
    GET / home
    POST /api/users/login login
    POST /api/users create_user
    GET /api/user current_user
    PUT /api/user update_user
    GET /api/profiles/{username} get_profile
    POST /api/profiles/{username}/follow follow
    DELETE /api/profiles/{username}/follow unfollow
    GET /api/articles list_articles
    POST /api/articles create_article
    GET /api/articles/feed feed
    GET /api/articles/{slug} get_article
    PUT /api/articles/{slug} update_article
    DELETE /api/articles/{slug} delete_article
    GET /api/articles/{slug}/comments list_comments
    POST /api/articles/{slug}/comments add_comment
    DELETE /api/articles/{slug}/comments/{id} delete_comment
    POST /api/articles/{slug}/favorite favorite
    GET /api/tags list_tags
    GET /api/orders/{order_id}/items/{item_id}/ order_item
    GET /api/export/{name}.csv export
    GET /files/{path*} get_file
    GET /{year}/{month} archive
    ANY /webhooks/{provider} webhook
    """.strip().split("\n")
    for each in [each.strip()]
]
"""What a blog of the known kind declares, and a few odd ones."""
