"""Front ends that are served from elsewhere: their pages' browsers ask first, and get each header once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from app_server import AppServer

PAGE = "http://localhost:3000"
FOREIGN = "http://localhost:3001"
CALLS = [
    ("POST", "/api/v1/start-analysis"),
    ("POST", "/api/scrape"),
    ("GET", "/api/news-sources"),
    ("PUT", "/api/news-sources/example"),
    ("DELETE", "/api/news-sources/example"),
    ("GET", "/v1/tasks"),
    ("PATCH", "/v1/webhooks/example"),
]
GRANT = "access-control-allow-origin"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    running = AppServer("accepted_apps.main:app", tmp_path_factory.mktemp("data"), origins=PAGE).start()
    yield running
    running.stop()


@pytest.fixture
def client(server: AppServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, verify=False, trust_env=False, timeout=20) as made:
        yield made


def preflight(client: httpx.Client, method: str, path: str, origin: str) -> httpx.Response:
    """As a browser asks before a request with a JSON body and a key."""
    asks = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(path, headers={**asks, "Access-Control-Request-Headers": "authorization,content-type"})


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_page_that_was_named_may_call(client: httpx.Client, method: str, path: str) -> None:
    answer = preflight(client, method, path, PAGE)
    assert answer.status_code == 200, answer.text
    assert answer.headers.get_list(GRANT) == [PAGE]
    assert method in answer.headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].lower().split(", "))


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_another_page_may_not(client: httpx.Client, method: str, path: str) -> None:
    answer = preflight(client, method, path, FOREIGN)
    assert answer.status_code == 400
    assert GRANT not in answer.headers


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/jobs/unknown", "/api/news-sources", "/api/scrape/status/unknown"])
def test_answers_carry_each_header_once(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Origin": PAGE})
    assert answer.status_code == (404 if path.endswith("unknown") else 200)
    assert answer.headers.get_list(GRANT) == [PAGE]
    assert answer.headers.get_list("access-control-allow-credentials") == ["true"]
    assert len(answer.headers.get_list("access-control-expose-headers")) == 1
    assert "Location" in answer.headers["access-control-expose-headers"]
    foreign = client.get(path, headers={"Origin": FOREIGN})
    assert foreign.status_code == 403, "on loopback, pages of other origins are refused altogether"
    assert GRANT not in foreign.headers


def test_a_submission_of_such_a_page_is_taken_or_refused_readably(client: httpx.Client) -> None:
    started = client.post("/v1/tasks/news-check", json={"source": "https://example.org/"}, headers={"Origin": PAGE})
    assert started.status_code == 202, started.text
    assert started.headers.get_list(GRANT) == [PAGE]
    client.delete(f"/v1/jobs/{started.json()['id']}", headers={"Origin": PAGE}).raise_for_status()
    refused = client.post("/api/scrape", json={}, headers={"Origin": PAGE})
    assert refused.status_code == 400
    assert refused.headers.get_list(GRANT) == [PAGE], "the page can read why"


def test_without_the_setting_there_is_no_such_header(tmp_path: Path) -> None:
    server = AppServer("accepted_apps.main:app", tmp_path).start()
    try:
        with httpx.Client(base_url=server.url, verify=False, trust_env=False, timeout=20) as client:
            assert GRANT not in preflight(client, "GET", "/v1/tasks", PAGE).headers
    finally:
        server.stop()
