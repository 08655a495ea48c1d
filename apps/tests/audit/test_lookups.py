"""What a front end asks before an audit: whether a repository is there, and which branches it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from accepted_apps.playground.audit import GitServer
from app_server import make_key

from .serving import Client, Server

TOKEN = "ghp_lookup0123456789"


async def test_a_repository_is_looked_up_as_the_page_of_others_does(client: Client, git: GitServer) -> None:
    """encodeURIComponent in the path, and the same once more in the query."""
    answer = await client.http.get("/repository-info/shop%2Ffastapi", params={"github_repo": "shop/fastapi"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "status": "success",
        "repository": {
            "owner": "shop",
            "name": "fastapi",
            "full_name": "shop/fastapi",
            "clone_url": f"{git.url}/shop/fastapi",
            "default_branch": "main",
        },
        "branches": ["main", "dev/next"],
        "total_branches": 2,
        "default_branch": "main",
    }
    answer = await client.http.get("/repository-branches/shop%2Ffastapi", params={"github_repo": "shop/fastapi"})
    assert answer.json() == {"status": "success", "branches": ["main", "dev/next"], "total_branches": 2}
    assert {visit.path for visit in git.visits} == {"/shop/fastapi/info/refs"}, "nothing is fetched"


@pytest.mark.parametrize(
    "path", ["shop/fastapi", "shop/fastapi/", "{url}/shop/fastapi.git", "{quoted}%2Fshop%2Ffastapi"]
)
async def test_ways_to_write_a_repository(path: str, client: Client, git: GitServer) -> None:
    quoted = git.url.replace(":", "%3A").replace("/", "%2F")
    answer = await client.http.get(f"/repository-branches/{path.format(url=git.url, quoted=quoted)}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["total_branches"] == 2


async def test_a_private_repository_needs_its_token_which_stays_nowhere(
    client: Client, server: Server, git: GitServer
) -> None:
    git.private["shop/fastapi"] = TOKEN
    hidden = await client.http.get("/repository-info/shop/fastapi")
    assert (hidden.status_code, hidden.json()["code"]) == (400, "repository_missing")
    wrong = await client.http.get("/repository-info/shop/fastapi", params={"token": "ghp_wrong"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "token")
    shown = await client.http.get("/repository-info/shop/fastapi", params={"token": TOKEN})
    assert shown.status_code == 200
    assert TOKEN not in hidden.text + wrong.text + shown.text
    for file in server.data.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("repo", "code", "field"),
    [
        ("one", "invalid_input", "github_repo"),
        ("a/b/c", "invalid_input", "github_repo"),
        ("ftp:%2F%2Fx%2Fy", "invalid_input", "github_repo"),
        ("https:%2F%2F10.0.0.1%2Fa%2Fb", "address_refused", "github_repo"),
        ("https:%2F%2F169.254.169.254%2Fa%2Fb", "address_refused", "github_repo"),
        ("shop/none", "repository_missing", "github_repo"),
    ],
)
async def test_what_cannot_be_looked_up_says_why(repo: str, code: str, field: str, client: Client) -> None:
    for path in ("repository-info", "repository-branches"):
        answer = await client.http.get(f"/{path}/{repo}")
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field), answer.text


async def test_a_server_in_trouble_is_told_from_a_wrong_address(client: Client, git: GitServer) -> None:
    git.trouble["shop/fastapi"] = 503
    answer = await client.http.get("/repository-branches/shop/fastapi")
    assert (answer.status_code, answer.json()["code"]) == (502, "repository_trouble")


async def test_callers_are_known_paths_are_not_told_and_waiting_is_bounded(
    serve: Callable[..., Server], git: GitServer, tmp_path: Path
) -> None:
    server = serve(auth="keys", audit_wait="1ms", audit_local_repositories=tmp_path)
    key = {"Authorization": f"Bearer {make_key(server.data, 'ann')}"}
    async with server.client() as client:
        assert (await client.http.get("/repository-info/shop/fastapi")).status_code == 401
        for path in (tmp_path, "/etc", "/no/such"):
            answer = await client.http.get("/repository-info/x", params={"github_repo": str(path)}, headers=key)
            assert (answer.status_code, answer.json()["field"]) == (400, "github_repo")
        assert git.visits == [], "nobody unknown asks the network through it"
        slow = await client.http.get("/repository-branches/shop/express", headers=key)
        assert (slow.status_code, slow.json()["code"]) == (504, "repository_too_slow")
