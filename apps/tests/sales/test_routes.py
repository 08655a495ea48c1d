"""The contract, sentence by sentence: shapes, words, refusals."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from app_server import make_key
from openpyxl import load_workbook

from .exports import HEADER, PHRASES, export
from .serving import ASIN, GONE, OVER, STEPS, TITLE, Client, Server, Shop, step_states

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
STATUS = {
    *("job_id", "status", "progress", "message", "created_at", "updated_at", "completed_at", "error"),
    *("steps", "cost", "cancelling", "attempt", "asin_or_url", "marketplace", "files"),
}
ITEM = {
    *("phrase", "search_volume", "root", "category", "relevancy_score", "intent_score"),
    *("title_density", "cpr", "competition"),
}
CATEGORIES = {"Relevant", "Design-Specific", "Irrelevant", "Branded", "Spanish", "Outlier"}


@pytest.fixture(scope="module")
def done(server: Server, shop_front: Shop) -> tuple[str, dict[str, Any]]:
    """One analysis that is over: its id and its result."""

    async def run() -> tuple[str, dict[str, Any]]:
        async with server.client() as client:
            job_id = await client.start()
            return job_id, await client.completed(job_id)

    shop_front.gate.set()
    return asyncio.run(run())


# ── submitting ──


async def test_a_submission_is_answered_with_the_job_and_where_to_poll(client: Client) -> None:
    answer = await client.submit()
    body = answer.json()
    assert answer.status_code == 202
    assert set(body) == {"job_id", "status", "message"}
    assert body["status"] == "processing"
    assert f"/api/v1/job-status/{body['job_id']}" in body["message"]
    assert answer.headers["Location"] == f"/api/v1/job-status/{body['job_id']}"
    assert (await client.over(body["job_id"]))["status"] == "complete"


async def test_it_is_answered_at_once_whatever_the_work_takes(client: Client, shop: Shop) -> None:
    shop.gate.clear()
    job_id = await client.start()
    state = await client.until_step(job_id, STEPS[0])
    assert state["status"] == "processing"
    assert state["completed_at"] is None
    assert state["error"] is None
    assert step_states(state) == dict(zip(STEPS, ["running", "pending", "pending", "pending"], strict=True))
    results = await client.http.get(f"/api/v1/job-results/{job_id}")
    assert results.status_code == 202
    assert "still being processed" in results.json()["detail"]
    assert results.json()["job_id"] == job_id
    download = await client.http.get(f"/api/v1/job-results/{job_id}/download")
    assert download.status_code == 202
    shop.gate.set()
    assert (await client.over(job_id))["status"] == "complete"


async def test_the_status_has_all_members_from_the_first_look_to_the_last(client: Client) -> None:
    job_id = await client.start(main_keyword="garlic press")
    seen = [await client.look(job_id)]
    while seen[-1]["status"] not in OVER:
        seen.append(await client.look(job_id))
    for state in seen:
        assert set(state) >= STATUS
        assert isinstance(state["progress"], int)
        assert all(TIME.fullmatch(state[name]) for name in ("created_at", "updated_at"))
        assert state["files"] == {"revenue_csv": "revenue.csv", "design_csv": "design.csv"}
        assert (state["asin_or_url"], state["marketplace"], state["main_keyword"]) == (ASIN, "US", "garlic press")
        assert [step["name"] for step in state["steps"]] == list(STEPS)
    percents = [state["progress"] for state in seen]
    assert percents == sorted(percents)
    assert seen[-1]["progress"] == 100
    assert TIME.fullmatch(seen[-1]["completed_at"])
    assert set(step_states(seen[-1]).values()) == {"completed"}
    times = [datetime.fromisoformat(state["updated_at"]) for state in seen]
    assert times == sorted(times)


async def test_the_blocking_form_answers_with_the_result(client: Client) -> None:
    answer = await client.submit(path="amazon-sales-intelligence")
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    place = answer.headers["Content-Location"]
    assert (await client.http.get(place)).json() == answer.json()


async def test_the_blocking_form_hands_over_the_job_when_its_time_is_over(serve: Any, shop: Shop) -> None:
    shop.gate.clear()
    async with serve(sales_wait=0.3).client() as client:
        answer = await client.submit(path="amazon-sales-intelligence")
        assert answer.status_code == 202
        assert answer.json()["status"] == "processing"
        assert answer.headers["Location"] == f"/api/v1/job-status/{answer.json()['job_id']}"
        assert len((await client.http.get("/v1/jobs")).json()["jobs"]) == 1
        shop.gate.set()
        assert (await client.completed(answer.json()["job_id"]))["success"] is True
    assert len(shop.pages) == 1


async def test_a_key_makes_one_job_of_the_same_files(client: Client) -> None:
    async def submit(files: dict[str, Any]) -> httpx.Response:
        data = {"asin_or_url": ASIN, "marketplace": "US"}
        return await client.http.post(
            "/api/v1/start-analysis", data=data, files=files, headers={"Idempotency-Key": "once"}
        )

    files = {"revenue_csv": ("revenue.csv", export())}
    first, again = await submit(files), await submit(files)
    assert first.status_code == again.status_code == 202
    assert first.json()["job_id"] == again.json()["job_id"]
    # As long as the first, and named as it: only the content tells them apart.
    other = await submit({"revenue_csv": ("revenue.csv", export().replace(b"71,743", b"71,744"))})
    assert other.status_code == 400
    assert "other" in other.json()["detail"]
    await client.over(first.json()["job_id"])


# ── what may be given ──


@pytest.mark.parametrize("present", ["revenue_csv", "design_csv"])
async def test_one_export_is_enough(client: Client, present: str) -> None:
    result = await client.run(files={present: ("keywords.csv", export())})
    assert len(result["ai_analysis_keywords"]["structured_data"]["items"]) == len(PHRASES)


@pytest.mark.parametrize(
    ("given", "code"), [("us", "US"), ("De", "DE"), ("amazon.de", "DE"), ("GB", "UK"), (None, "US"), ("", "US")]
)
async def test_a_marketplace_is_known_however_it_is_written(client: Client, given: str | None, code: str) -> None:
    job_id = await client.start(marketplace=given)
    assert (await client.look(job_id))["marketplace"] == code
    await client.http.delete(f"/v1/jobs/{job_id}")


async def test_an_empty_field_of_a_form_is_none(client: Client) -> None:
    files = {"revenue_csv": ("revenue.csv", export()), "design_csv": ("", b"")}
    job_id = await client.start(files=files, main_keyword="  ", campaign="spring")
    state = await client.look(job_id)
    assert state["files"] == {"revenue_csv": "revenue.csv"}
    assert "main_keyword" not in state
    assert (await client.over(job_id))["status"] == "complete"


async def test_the_address_of_a_page_is_as_good_as_an_asin(client: Client, shop: Shop) -> None:
    result = await client.run(asin_or_url=f"https://www.amazon.com/Kernel-Press/dp/{ASIN}/ref=sr_1_1?keywords=press")
    assert result["asin"] == ASIN
    assert shop.pages == [f"/dp/{ASIN}"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no product": ({"asin_or_url": None}, "asin_or_url"),
    "blank product": ({"asin_or_url": "   "}, "asin_or_url"),
    "no asin": ({"asin_or_url": "garlic press"}, "asin_or_url"),
    "another shop's address": ({"asin_or_url": "https://example.org/dp/B0PRESS001"}, "asin_or_url"),
    "marketplace": ({"marketplace": "JP"}, "marketplace"),
    "keyword": ({"main_keyword": "press " * 50}, "main_keyword"),
    "no files": ({"files": {}}, "revenue_csv"),
    "empty file": ({"files": {"revenue_csv": ("a.csv", b"")}}, "revenue_csv"),
    "picture": ({"files": {"design_csv": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(5000))}}, "design_csv"),
    "no phrases": ({"files": {"design_csv": ("a.csv", b"Name,Price\nPress,3\n")}}, "design_csv"),
    "prose": ({"files": {"revenue_csv": ("a.csv", b"Dear all, these are the keywords.\n" * 20000)}}, "revenue_csv"),
    "second of two": (
        {"files": {"revenue_csv": ("a.csv", export()), "design_csv": ("b.csv", b"\x00" * 3000)}},
        "design_csv",
    ),
    "two in one field": (
        {"files": [("revenue_csv", ("a.csv", export())), ("revenue_csv", ("b.csv", export()))]},
        "revenue_csv",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_bad_input_is_refused_by_the_name_of_its_field(client: Client, case: str) -> None:
    given, field = WRONG[case]
    before = len((await client.http.get("/v1/jobs?limit=200")).json()["jobs"])
    answer = await client.submit(**given)
    body = answer.json()
    assert answer.status_code == 400, body
    assert isinstance(body["detail"], str)
    assert body["detail"].startswith(field)
    assert body["message"] == body["detail"]
    assert body["field"] == field
    assert len((await client.http.get("/v1/jobs?limit=200")).json()["jobs"]) == before, "nothing is stored"


async def test_a_missing_column_is_named_with_the_headers_that_were_seen(client: Client) -> None:
    answer = await client.submit(files={"revenue_csv": ("a.csv", b"Brand,Stars\nKernel,4\n")})
    assert answer.json()["code"] == "no_keyword_column"
    assert "Brand" in answer.json()["detail"]
    assert "Stars" in answer.json()["detail"]


async def test_text_in_place_of_a_file_and_other_bodies_are_refused(client: Client) -> None:
    text = await client.submit(files={}, revenue_csv="/etc/passwd")
    assert (text.status_code, text.json()["field"]) == (400, "revenue_csv")
    body = await client.http.post("/api/v1/start-analysis", json={"asin_or_url": ASIN})
    assert body.status_code == 415
    assert "multipart/form-data" in body.json()["detail"]
    broken = await client.http.post(
        "/api/v1/start-analysis", content=b"--x\r\nnothing", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 400
    assert isinstance(broken.json()["detail"], str)


async def test_the_task_itself_refuses_the_same(client: Client) -> None:
    files = {"revenue_csv": ("a.csv", export())}
    for fields, pointer in (
        ({"asin_or_url": "press", "marketplace": "US"}, "#/asin_or_url"),
        ({"asin_or_url": ASIN, "marketplace": "JP"}, "#/marketplace"),
    ):
        answer = await client.http.post("/v1/tasks/sales-analysis", data=fields, files=files)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    none = await client.http.post("/v1/tasks/sales-analysis", json={"asin_or_url": ASIN})
    assert none.status_code == 422
    assert "revenue_csv" in none.json()["detail"]


async def test_a_file_that_turns_out_to_be_too_large_fails_the_job_with_a_sentence(serve: Any) -> None:
    async with serve(sales_rows_max=1000).client() as client:
        job_id = await client.start(files={"revenue_csv": ("a.csv", export(3000))})
        state = await client.over(job_id)
        assert state["status"] == "failed"
        assert state["error_code"] == "export_too_large"
        assert state["error"].startswith("revenue_csv: ")
        assert step_states(state)[STEPS[1]] == "failed"
        results = await client.http.get(f"/api/v1/job-results/{job_id}")
        assert results.status_code == 500
        assert results.json()["detail"] == state["error"]
        assert (await client.http.get(f"/api/v1/job-results/{job_id}/download")).status_code == 500


# ── the result ──


async def test_the_result_carries_what_the_contract_says(done: tuple[str, dict[str, Any]]) -> None:
    _, result = done
    assert result["success"] is True
    assert result["asin"] == ASIN
    assert result["marketplace"] == "US"
    data = result["ai_analysis_keywords"]["structured_data"]
    assert {item["phrase"] for item in data["items"]} == {one[0] for one in PHRASES}
    for item in data["items"]:
        assert set(item) >= ITEM
        assert 0 <= item["relevancy_score"] <= 10
        assert item["intent_score"] in (0, 1, 2, 3)
        assert None not in item.values()
    assert set(data["stats"]) >= CATEGORIES
    assert sum(one["count"] for one in data["stats"].values()) == len(PHRASES)
    analysis = result["seo_analysis"]["analysis"]
    assert set(analysis) >= {"current_seo", "optimized_seo", "comparison"}
    assert analysis["current_seo"]["title_analysis"]["content"] == TITLE
    title = analysis["optimized_seo"]["optimized_title"]["content"]
    assert len(title) <= 200
    assert "garlic press" in title[:80].lower()
    assert len(analysis["optimized_seo"]["optimized_bullets"]) == 5
    assert set(result["analysis_by"].values()) == {"rules"}


# What the pages of the amazon-sales-agent read, through all of its history, without a look whether it is there.
READ: dict[str, tuple[type, ...]] = {
    "ai_analysis_keywords.structured_data.items.[].phrase": (str,),
    "ai_analysis_keywords.structured_data.items.[].root": (str,),
    "ai_analysis_keywords.structured_data.items.[].category": (str,),
    "ai_analysis_keywords.structured_data.items.[].search_volume": (int,),
    "ai_analysis_keywords.structured_data.items.[].relevancy_score": (int,),
    "ai_analysis_keywords.structured_data.items.[].intent_score": (int,),
    "ai_analysis_keywords.structured_data.items.[].represents_variants": (int,),
    "ai_analysis_keywords.structured_data.items.[].opportunity_decision": (str,),
    "ai_analysis_keywords.structured_data.items.[].opportunity_reason": (str,),
    "ai_analysis_keywords.structured_data.items.[].competition.competing_products": (int,),
    "ai_analysis_keywords.structured_data.stats.{}.count": (int,),
    "ai_analysis_keywords.structured_data.stats.{}.examples": (list,),
    "ai_analysis_keywords.scraped_product.elements": (dict,),
    "ai_analysis_keywords.scraped_product.images.image_count": (int,),
    "ai_analysis_keywords.scraped_product.images.all_images": (list,),
    "seo_analysis.optimized_title.content": (str,),
    "seo_analysis.optimized_title.first_80_chars": (str,),
    "seo_analysis.optimized_title.character_count": (int,),
    "seo_analysis.optimized_title.keywords_included": (list,),
    "seo_analysis.optimized_title.main_root_included": (bool,),
    "seo_analysis.optimized_title.design_root_included": (bool,),
    "seo_analysis.optimized_title.key_benefit_included": (bool,),
    "seo_analysis.optimized_title.guideline_compliance.{}": (str,),
    "seo_analysis.optimized_bullets.[].content": (str,),
    "seo_analysis.optimized_bullets.[].character_count": (int,),
    "seo_analysis.optimized_bullets.[].primary_benefit": (str,),
    "seo_analysis.optimized_bullets.[].keywords_included": (list,),
    "seo_analysis.optimized_bullets.[].total_search_volume": (int,),
    "seo_analysis.optimized_bullets.[].guideline_compliance": (str,),
    "seo_analysis.strategy.first_80_optimization": (str,),
    "seo_analysis.strategy.keyword_integration": (str,),
    "seo_analysis.strategy.compliance_approach": (str,),
    "seo_analysis.analysis.current_seo.title_analysis.content": (str,),
    "seo_analysis.analysis.current_seo.title_analysis.keywords_found": (list,),
    "seo_analysis.analysis.current_seo.bullets_analysis.[].keywords_found": (list,),
    "seo_analysis.analysis.current_seo.bullets_analysis_for_display.[].keyword_count": (int,),
    "seo_analysis.analysis.current_seo.root_coverage.coverage_percentage": (int, float),
    "seo_analysis.analysis.current_seo.root_coverage.root_volumes.{}": (int,),
    "seo_analysis.analysis.current_seo.total_character_usage.bullets_avg_chars": (int,),
    "seo_analysis.analysis.optimized_seo.optimized_backend_keywords": (list,),
    "seo_analysis.analysis.optimized_seo.keyword_strategy.primary_roots": (list,),
    "seo_analysis.analysis.optimized_seo.keyword_strategy.priority_clusters": (list,),
    "seo_analysis.analysis.optimized_seo.keyword_strategy.phrase_variants_in_frontend": (list,),
    "seo_analysis.analysis.optimized_seo.keyword_strategy.misspellings_and_synonyms_in_backend": (list,),
    "seo_analysis.analysis.optimized_seo.keyword_strategy.exclusions": (list,),
    "seo_analysis.analysis.optimized_seo.rationale": (str,),
    "seo_analysis.analysis.comparison.coverage_improvement.delta_pct_points": (int, float),
    "seo_analysis.analysis.comparison.coverage_improvement.before_coverage_pct": (int, float),
    "seo_analysis.analysis.comparison.coverage_improvement.after_coverage_pct": (int, float),
    "seo_analysis.analysis.comparison.volume_improvement.delta_volume": (int,),
    "seo_analysis.analysis.comparison.intent_improvement.delta": (int,),
    "seo_analysis.analysis.comparison.summary_metrics.overall_improvement_score": (int, float),
    "keyword_root_optimization.analysis_summary.total_keywords_processed": (int,),
    "keyword_root_optimization.analysis_summary.meaningful_roots": (int,),
    "keyword_root_optimization.efficiency_metrics.reduction_percentage": (int, float),
    "keyword_root_optimization.priority_roots": (list,),
    "keyword_root_optimization.keyword_categorization": (dict,),
    "keyword_root_optimization.recommendations.optimization_notes": (list,),
}


def at(value: Any, path: list[str]) -> list[Any]:
    """What stands at a path, `[]` and `{}` being each element."""
    if not path:
        return [value]
    match path[0]:
        case "[]":
            inner = value
        case "{}":
            inner = list(value.values())
        case name:
            inner = [value[name]]
    return [found for one in inner for found in at(one, path[1:])]


def wrong_in(result: dict[str, Any]) -> list[str]:
    """The paths at which something else stands than what is read."""
    return [path for path, types in READ.items() if any(type(one) not in types for one in at(result, path.split(".")))]


async def test_others_pages_find_what_they_read(done: tuple[str, dict[str, Any]]) -> None:
    assert wrong_in(done[1]) == []
    assert all(at(done[1], path.split(".")) for path in READ)


async def test_a_page_that_formats_a_number_finds_one_where_it_is_unknown(client: Client) -> None:
    rows = b"Search Query,Purchases: Total Count\ngarlic press,12\ngarlic mincer,9\n"
    job_id = await client.start(files={"revenue_csv": ("a.csv", rows)})
    result = await client.completed(job_id)
    assert wrong_in(result) == []
    for item in result["ai_analysis_keywords"]["structured_data"]["items"]:
        assert (item["search_volume"], item["unknown"]) == (0, ["search_volume", "competing_products"])
    book = await client.http.get(f"/api/v1/job-results/{job_id}/download?format=csv")
    table = list(csv.reader(io.StringIO(book.text)))
    assert {row[table[0].index("search_volume")] for row in table[1:]} == {""}


async def test_the_categories_follow_the_exports(done: tuple[str, dict[str, Any]]) -> None:
    _, result = done
    found = {one["phrase"]: one for one in result["ai_analysis_keywords"]["structured_data"]["items"]}
    assert found["garlic press"]["category"] == "Relevant"
    assert found["garlic press"]["search_volume"] == 71743
    assert found["garlic press"]["relevancy_score"] == 10
    assert found["oxo garlic press"]["category"] == "Branded"
    assert found["prensa de ajo"]["category"] == "Spanish"


async def test_the_page_of_the_product_is_in_the_result(done: tuple[str, dict[str, Any]]) -> None:
    _, result = done
    assert result["listing"] == {"read": True, "url": result["listing"]["url"], "tier": 1}
    product = result["ai_analysis_keywords"]["scraped_product"]
    assert product["title"] == TITLE
    assert product["brand"] == "Kernel"
    assert product["price"] == {"present": True, "raw": "21.99 USD", "amount": 21.99, "currency": "USD"}
    assert product["images"]["all_images"] == ["https://m.media-amazon.com/images/I/press.jpg"]
    assert len(product["elements"]["feature-bullets"]["bullets"]) == 3
    assert product["elements"]["productOverview_feature_div"]["kv"] == {"Material": "Stainless Steel"}


async def test_the_reading_of_each_file_is_told(done: tuple[str, dict[str, Any]]) -> None:
    _, result = done
    assert set(result["reading"]) == {"revenue_csv", "design_csv"}
    report = result["reading"]["revenue_csv"]
    assert report["kind"] == "cerebro"
    assert report["rows"] == len(PHRASES)
    assert report["columns"]["Search Volume"] == "search_volume"
    assert set(report["columns"]) | set(report["not_understood"]) == set(HEADER)


async def test_a_product_that_is_gone_leaves_the_exports(client: Client) -> None:
    result = await client.run(asin_or_url=GONE)
    assert result["success"] is True
    assert result["listing"]["read"] is False
    assert result["listing"]["code"] == "not_found"
    assert result["listing"]["error"]
    assert any("page" in note for note in result["notes"])
    assert len(result["ai_analysis_keywords"]["structured_data"]["items"]) == len(PHRASES)
    assert result["seo_analysis"]["analysis"]["optimized_seo"]["optimized_title"]["content"]


async def test_a_product_that_is_gone_fails_where_the_page_is_required(serve: Any) -> None:
    async with serve(sales_listing_required="true").client() as client:
        state = await client.over(await client.start(asin_or_url=GONE))
        assert state["status"] == "failed"
        assert state["error_code"] == "not_found"
        assert step_states(state)[STEPS[0]] == "failed"


async def test_what_was_spent_is_in_the_ledger(client: Client) -> None:
    job_id = await client.start()
    state = await client.over(job_id)
    assert state["cost"] == 0.0001, "one page in tier 1"
    answer = await client.http.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "application/json"})
    costs = [event["data"] for event in answer.json()["events"] if event["kind"] == "cost"]
    assert [(cost["amount"], cost["what"]) for cost in costs] == [(0.0001, "tier 1: Lightweight")]


# ── downloads ──


async def test_the_workbook_has_every_keyword(client: Client, done: tuple[str, dict[str, Any]]) -> None:
    job_id, result = done
    answer = await client.http.get(f"/api/v1/job-results/{job_id}/download")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ASIN}-US.xlsx"'
    assert answer.headers["Content-Length"] == str(len(answer.content))
    book = load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Keywords", "Roots", "Listing"]
    header, *rows = book["Keywords"].iter_rows(values_only=True)
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    for item in result["ai_analysis_keywords"]["structured_data"]["items"]:
        assert found[item["phrase"]]["search_volume"] == item.get("search_volume")
        assert found[item["phrase"]]["category"] == item["category"]
    assert book["Roots"].max_row == len(result["roots"]) + 1
    listing = [row[-1] for row in book["Listing"].iter_rows(values_only=True)]
    assert result["seo_analysis"]["analysis"]["optimized_seo"]["optimized_title"]["content"] in listing


@pytest.mark.parametrize("sheet", ["keywords", "roots", "listing"])
async def test_each_sheet_is_a_csv_too(client: Client, done: tuple[str, dict[str, Any]], sheet: str) -> None:
    job_id, _ = done
    answer = await client.http.get(f"/api/v1/job-results/{job_id}/download?format=csv&sheet={sheet}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ASIN}-US-{sheet}.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


async def test_the_status_names_the_downloads_and_they_are_artifacts(
    client: Client, done: tuple[str, dict[str, Any]]
) -> None:
    job_id, _ = done
    downloads = (await client.look(job_id))["downloads"]
    assert set(downloads) == {"xlsx", "keywords", "roots", "listing"}
    for place in downloads.values():
        assert (await client.http.get(place)).status_code == 200
    job = (await client.http.get(f"/v1/jobs/{job_id}")).json()
    assert {one["name"] for one in job["artifacts"]} == {
        f"{ASIN}-US{end}" for end in (".xlsx", "-keywords.csv", "-roots.csv", "-listing.csv")
    }
    assert [step["name"] for step in job["steps"]] == list(STEPS)


@pytest.mark.parametrize(("query", "field"), [("format=pdf", "format"), ("format=csv&sheet=../x", "sheet")])
async def test_a_download_that_there_is_not_is_named(
    client: Client, done: tuple[str, dict[str, Any]], query: str, field: str
) -> None:
    answer = await client.http.get(f"/api/v1/job-results/{done[0]}/download?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{field}: expected one of ")


async def test_phrases_that_could_run_do_not(client: Client) -> None:
    nasty = '=HYPERLINK("http://127.0.0.1/","garlic press")'
    job_id = await client.start(files={"revenue_csv": ("a.csv", export(phrases=((nasty, "500", "0", 8), *PHRASES)))})
    result = await client.completed(job_id)
    assert nasty in [one["phrase"] for one in result["ai_analysis_keywords"]["structured_data"]["items"]]
    book = load_workbook(io.BytesIO((await client.http.get(f"/api/v1/job-results/{job_id}/download")).content))
    [cell] = [row[0] for row in book["Keywords"].iter_rows() if row[0].value == nasty]
    assert cell.data_type == "s"
    text = (await client.http.get(f"/api/v1/job-results/{job_id}/download?format=csv")).text
    assert f"'{nasty}" in [row[0] for row in csv.reader(io.StringIO(text))]


# ── unknown, and others' ──


@pytest.mark.parametrize("path", ["job-status/{}", "job-results/{}", "job-results/{}/download"])
async def test_an_unknown_job_is_404(client: Client, path: str) -> None:
    for job_id in ("unknown", "01a201ee-21bc-7e32-91f5-b18086d1e5be"):
        answer = await client.http.get(f"/api/v1/{path.format(job_id)}")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


async def test_a_job_of_something_else_is_no_analysis(client: Client) -> None:
    other = await client.http.post("/v1/tasks/news-check", json={"source": "https://example.org/"})
    assert (await client.http.get(f"/api/v1/job-status/{other.json()['id']}")).status_code == 404
    await client.http.delete(f"/v1/jobs/{other.json()['id']}")


async def test_a_cancelled_job_says_so_and_has_no_result(client: Client, shop: Shop) -> None:
    shop.gate.clear()
    job_id = await client.start()
    await client.until_step(job_id, STEPS[0])
    await client.cancel(job_id)
    state = await client.over(job_id)
    assert state["status"] == "cancelled"
    assert state["error"] is None
    assert step_states(state) == dict(zip(STEPS, ["cancelled", "pending", "pending", "pending"], strict=True))
    results = await client.http.get(f"/api/v1/job-results/{job_id}")
    assert results.status_code == 409
    assert "cancelled" in results.json()["detail"]


@pytest.fixture(scope="module")
def keyed(shop_front: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    data = tmp_path_factory.mktemp("keyed")
    keys = {name: make_key(data, name) for name in ("ann", "bob")}
    running = Server(data, shop_front, auth="keys", sales_active_per_user=1).start()
    yield running, keys
    running.stop()


async def test_others_see_nothing_of_it(keyed: tuple[Server, dict[str, str]], shop: Shop) -> None:
    server, keys = keyed
    async with (
        server.client(headers={"X-API-Key": keys["ann"]}) as ann,
        server.client(headers={"X-API-Key": keys["bob"]}) as bob,
        server.client() as nobody,
    ):
        job_id = await ann.start()
        assert (await ann.over(job_id))["status"] == "complete"
        for path in (f"job-status/{job_id}", f"job-results/{job_id}", f"job-results/{job_id}/download"):
            assert (await ann.http.get(f"/api/v1/{path}")).status_code == 200
            assert (await bob.http.get(f"/api/v1/{path}")).status_code == 404
            assert (await nobody.http.get(f"/api/v1/{path}")).status_code == 401
        assert (await nobody.submit()).status_code == 401
        assert (await nobody.http.get("/api/v1/marketplaces")).status_code == 401


async def test_one_more_than_allowed_is_429_and_another_user_has_a_turn(
    keyed: tuple[Server, dict[str, str]], shop: Shop
) -> None:
    server, keys = keyed
    shop.gate.clear()
    async with (
        server.client(headers={"X-API-Key": keys["ann"]}) as ann,
        server.client(headers={"X-API-Key": keys["bob"]}) as bob,
    ):
        mine = await ann.start()
        refused = await ann.submit()
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert isinstance(refused.json()["detail"], str)
        theirs = await bob.start()
        shop.gate.set()
        assert [(await who.over(job))["status"] for who, job in ((ann, mine), (bob, theirs))] == ["complete"] * 2


async def test_the_marketplaces_are_listed(client: Client) -> None:
    answer = (await client.http.get("/api/v1/marketplaces")).json()
    assert [one["code"] for one in answer["marketplaces"]] == ["US", "UK", "DE", "FR", "IT", "ES", "CA"]
    assert answer["marketplaces"][2] == {
        "code": "DE",
        "host": "www.amazon.de",
        "currency": "EUR",
        "languages": ["de", "en"],
    }
    assert answer["judged_by"] == "rules"


async def test_the_document_describes_the_routes(client: Client) -> None:
    paths = (await client.http.get("/openapi.json")).json()["paths"]
    form = paths["/api/v1/start-analysis"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"asin_or_url", "marketplace", "main_keyword", "revenue_csv", "design_csv"} <= set(form["properties"])
    assert set(paths["/api/v1/job-results/{job_id}"]["get"]["responses"]) >= {"200", "202", "404", "409", "500"}
