"""The contract's routes, sentence by sentence, on a real server and a real git server."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from accepted_apps.playground.audit import GitServer
from helpers import wait_until

from .serving import ASYNC, BLOCKING, SLOW, Client, matched, titles

STEPS = [("Discovering APIs", 25), ("Matching APIs", 50), ("Generating AI analysis", 75), ("Storing results", 100)]


async def test_the_asynchronous_form_answers_at_once_and_its_job_brings_the_result(client: Client) -> None:
    answer = await client.post()
    assert answer.status_code == 202
    body = answer.json()
    assert body["status"] == "accepted"
    assert str(uuid.UUID(body["job_id"])) == body["job_id"]
    assert f"/status/{body['job_id']}" in body["message"]
    state = await client.over(body["job_id"])
    assert (state["job_id"], state["status"], state["progress"]) == (body["job_id"], "completed", 100)
    assert "error" not in state
    result = state["result"]
    assert result["status"] == "success"
    assert result["repository_info"] == {
        **result["repository_info"],
        "owner": "shop",
        "repo": "fastapi",
        "branch": "main",
        "total_apis_discovered": 5,
    }
    assert result["performance_analysis"] == {
        "worst_apis_count": 1,
        "matched_apis_count": 1,
        "unmatched_apis_count": 0,
    }
    assert result["color_summary"] == {"red_apis": 1, "green_apis": 0, "total_matched": 1}
    assert len(result["discovered_apis"]) == 5
    for one in result["discovered_apis"]:
        assert one["endpoint"].startswith("/")
        assert one["framework"] == "FastAPI"
        assert one["complexity_score"] >= 1
        assert one["risk_level"] in {"LOW", "MEDIUM", "HIGH", "CRITICAL"}
        assert one["code_snippet"].startswith("@")
        assert one["file_path"].endswith(".py")
        assert one["line_number"] > 1


async def test_the_result_has_what_the_page_reads_at_both_places(client: Client) -> None:
    result = await client.completed()
    assert result["analysis_type"] == "worst_apis_github_comparison_with_colors"
    for name in (
        "matched_apis_with_colors",
        "discovered_apis",
        "color_summary",
        "repository_info",
        "performance_analysis",
    ):
        assert result["enhanced_analysis"][name] == result[name]
    [api] = result["matched_apis_with_colors"]
    assert 0 < api["match_confidence"] <= 1
    assert api["source_code_info"]["function_name"] == "list_users"
    assert api["source_code_info"]["file_path"] == "app/users.py"
    assert api["analysis_by"] == result["analysis_by"] == "rules"
    assert titles(api) == ["lazy-relation", "missing-pagination"]
    assert api["root_causes"]
    for one in api["code_suggestions"]:
        assert one["current_code"] != one["improved_code"]
        assert all(
            one[name] for name in ("title", "issue", "description", "explanation", "expected_improvement", "summary")
        )
    assert None not in api.values()


async def test_status_shows_steps_by_name_with_their_own_state(client: Client, git: GitServer) -> None:
    git.held.add("shop/fastapi")
    job_id = await client.start()

    async def fetching() -> dict[str, Any] | None:
        state = await client.look(job_id)
        return state if "fetching" in state["message"] else None

    state = await wait_until(fetching, what="the repository being fetched")
    assert state["status"] == "processing"
    assert state["message"].startswith("Discovering APIs")
    assert 0 <= state["progress"] < 25
    assert [(one["name"], one["percent"]) for one in state["steps"]] == STEPS
    assert [one["status"] for one in state["steps"]] == ["running", "pending", "pending", "pending"]
    git.release()
    await client.http.post(f"/v1/jobs/{job_id}/cancel")
    state = await client.over(job_id)
    assert state["status"] == "cancelled"
    assert state["steps"][0]["status"] == "cancelled"


async def test_the_job_api_has_the_steps_as_well(client: Client) -> None:
    job_id = await client.start()
    assert [one["status"] for one in (await client.over(job_id))["steps"]] == ["completed"] * 4
    job = await client.job(job_id)
    assert [one["name"] for one in job["steps"]] == [name for name, _ in STEPS]
    events = await client.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
    shown = [one["data"].get("percent") for one in events.json()["events"] if one["kind"] == "progress"]
    percents = [one for one in shown if one is not None]
    assert percents == sorted(percents), "never falls"
    file = await client.http.get(f"/v1/jobs/{job_id}/artifacts/audit.json")
    assert file.json()["color_summary"]["red_apis"] == 1


async def test_the_blocking_form_answers_with_the_result(client: Client) -> None:
    answer = await client.post(BLOCKING, "shop/express", {"endpoint": "/api/articles/feed"})
    assert answer.status_code == 200, answer.text
    assert matched(answer.json(), "/api/articles/feed")["matched_endpoint"] == "/api/articles/feed"


async def test_the_blocking_form_answers_202_where_it_takes_longer(serve: Any, git: GitServer) -> None:
    git.held.add("shop/fastapi")
    async with serve(audit_wait=0.2).client() as client:
        answer = await client.post(BLOCKING)
        assert answer.status_code == 202
        assert answer.json()["status"] == "accepted"
        git.reset()
        assert (await client.look(answer.json()["job_id"]))["status"] in {"pending", "processing", "failed"}


@pytest.mark.parametrize("path", [ASYNC, ASYNC.rstrip("/"), BLOCKING, BLOCKING.rstrip("/")])
async def test_paths_with_and_without_a_slash(path: str, client: Client) -> None:
    answer = await client.post(path)
    assert answer.status_code in {200, 202}
    if "job_id" in answer.json():
        job_id = answer.json()["job_id"]
        assert (await client.http.get(f"/status/{job_id}/")).status_code == 200
        await client.over(job_id)


@pytest.mark.parametrize(
    "repo", ["shop/fastapi", "{url}/shop/fastapi", "{url}/shop/fastapi.git", "{address}/shop/fastapi"]
)
async def test_ways_to_write_a_repository(repo: str, client: Client, git: GitServer) -> None:
    written = repo.format(url=git.url, address=git.address)
    if written.startswith("127."):
        written = f"http://{written}"
    result = await client.completed(written)
    assert result["repository_info"]["owner"] == "shop"
    assert result["repository_info"]["repo"] == "fastapi"


@pytest.mark.parametrize(
    "body",
    [
        {"worst_apis": [SLOW]},
        {"worst_api": [SLOW]},
        [SLOW],
        {"worst_apis": [SLOW], "enable_debug_samples": True, "other": None},
        {"worst_apis": [SLOW], "github_repo": "shop/fastapi"},
    ],
)
async def test_ways_to_send_endpoints(body: Any, client: Client) -> None:
    repo = {} if isinstance(body, dict) and "github_repo" in body else {"github_repo": "shop/fastapi"}
    answer = await client.http.post(ASYNC, params=repo, json=body)
    assert answer.status_code == 202, answer.text
    state = await client.over(answer.json()["job_id"])
    assert state["result"]["performance_analysis"]["worst_apis_count"] == 1


async def test_a_branch_is_read(client: Client) -> None:
    result = await client.completed("shop/fastapi", {"endpoint": "/dev"}, branch="dev/next")
    assert [one["endpoint"] for one in result["discovered_apis"]] == ["/dev"]
    assert result["repository_info"]["branch"] == "dev/next"


async def test_a_branch_that_is_not_there_is_named(client: Client) -> None:
    code, error = await client.failed(branch="nope")
    assert code == "branch_missing"
    assert error == "shop/fastapi has no branch 'nope'; it has main, dev/next."
    answer = await client.post(BLOCKING, branch="nope")
    assert answer.status_code == 400
    assert "'nope'" in answer.json()["detail"]


async def test_no_route_is_a_warning_with_suggestions_and_no_error(client: Client) -> None:
    result = await client.completed("shop/paper")
    assert result["status"] == "warning"
    assert result["message"] == "No APIs found in repository shop/paper"
    assert len(result["suggestions"]) >= 3
    assert result["repository_info"]["total_apis_discovered"] == 0
    assert result["performance_analysis"] == {
        "worst_apis_count": 1,
        "matched_apis_count": 0,
        "unmatched_apis_count": 1,
    }
    assert result["enhanced_analysis"]["discovered_apis"] == []


async def test_colours_and_issues_by_the_contracts_numbers(client: Client) -> None:
    def api(**metrics: float) -> dict[str, Any]:
        return {"endpoint": "/api/users", **metrics}

    at_the_edge = api(avg_response_time_ms=1000, error_rate_percent=5, throughput_rps=50, percentile_95_latency_ms=2000)
    cases = [
        (at_the_edge, "green", 0),
        (api(), "green", 0),
        (api(avg_response_time_ms=1000.1), "red", 1),
        (api(error_rate_percent=5.1), "red", 1),
        (api(throughput_rps=49.9), "red", 1),
        (api(throughput_rps=0), "red", 1),
        (api(percentile_95_latency_ms=2001), "red", 1),
        (
            api(avg_response_time_ms=2000, error_rate_percent=50, throughput_rps=1, percentile_95_latency_ms=9000),
            "red",
            4,
        ),
    ]
    result = await client.completed("shop/fastapi", *[case for case, _, _ in cases])
    shown = result["matched_apis_with_colors"]
    assert [one["color_indicator"] for one in shown] == [color for _, color, _ in cases]
    assert [len(one["performance_issues"]) for one in shown] == [count for _, _, count in cases]
    assert shown[1]["performance_metrics"] == {"endpoint": "/api/users", "status": "GOOD"}, "missing is not zero"
    assert result["color_summary"] == {"red_apis": 6, "green_apis": 2, "total_matched": 8}


async def test_what_no_route_answers_is_unmatched_with_its_reason(client: Client) -> None:
    result = await client.completed("shop/fastapi", SLOW, {"endpoint": "GET /billing/invoices/7/lines"})
    assert result["performance_analysis"]["unmatched_apis_count"] == 1
    [api] = result["unmatched_apis"]
    assert api["api_endpoint"] == "GET /billing/invoices/7/lines"
    assert api["reason"]


async def test_a_query_in_a_function_of_another_file_is_found(client: Client) -> None:
    result = await client.completed("shop/fastapi", {"endpoint": "POST /api/orders/quote"})
    [finding] = matched(result, "POST /api/orders/quote")["findings"]
    assert finding["rule"] == "query-in-loop"
    assert "app/prices.py, line 6" in finding["why"]


INVALID = [
    ({}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": ""}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "one"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "a/b/c"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "/etc"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "file:///etc"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "ext::sh -c id"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "ssh://host/a/b"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "https://user:pass@github.com/a/b"}, {"worst_apis": [SLOW]}, "github_repo"),
    ({"github_repo": "a/b", "branch": "-x"}, {"worst_apis": [SLOW]}, "branch"),
    ({"github_repo": "a/b", "branch": "a..b"}, {"worst_apis": [SLOW]}, "branch"),
    ({"github_repo": "a/b"}, {}, "worst_apis"),
    ({"github_repo": "a/b"}, {"worst_apis": []}, "worst_apis"),
    ({"github_repo": "a/b"}, {"worst_apis": "x"}, None),
    ({"github_repo": "a/b"}, {"worst_apis": [{"avg_response_time_ms": 1}]}, "worst_apis[0].endpoint"),
    ({"github_repo": "a/b"}, {"worst_apis": [{"endpoint": "/", "throughput_rps": -1}]}, "worst_apis[0].throughput_rps"),
    ({"github_repo": "a/b"}, {"worst_apis": [{"endpoint": "/", "error_rate": "x"}]}, "worst_apis[0].error_rate"),
    ({"github_repo": "a/b"}, {"worst_apis": [{"endpoint": "/"}] * 501}, "worst_apis"),
]


@pytest.mark.parametrize(("query", "body", "field"), INVALID)
async def test_invalid_input_names_the_field_and_submits_nothing(
    query: dict[str, str], body: Any, field: str | None, client: Client
) -> None:
    before = (await client.http.get("/v1/jobs?task=audit")).json()["jobs"]
    answer = await client.http.post(ASYNC, params=query, json=body)
    assert answer.status_code == 400, answer.text
    said = answer.json()
    if field is not None:
        assert said["field"] == field
        assert said["detail"].startswith(field.partition("[")[0])
    assert "pass" not in said["detail"].replace("password", "")
    assert (await client.http.get("/v1/jobs?task=audit")).json()["jobs"] == before


async def test_an_unknown_job_is_404(client: Client) -> None:
    for job_id in (str(uuid.uuid4()), "nonsense"):
        answer = await client.http.get(f"/status/{job_id}")
        assert answer.status_code == 404
        assert set(answer.json()) >= {"detail", "code"}


async def test_a_job_of_another_application_is_unknown_here(client: Client) -> None:
    made = await client.http.post("/scraper/preview/async", json={"url": "https://example.invalid/"})
    assert (await client.http.get(f"/status/{made.json()['task_id']}")).status_code == 404


async def test_the_document_names_the_routes(client: Client) -> None:
    document = (await client.http.get("/openapi.json")).json()
    assert {ASYNC, BLOCKING, "/status/{job_id}"} <= set(document["paths"])
    said = json.dumps(document["paths"][ASYNC])
    assert "github_repo" in said
    assert "worst_apis" in said
