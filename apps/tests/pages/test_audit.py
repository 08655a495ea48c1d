"""The page `/audit`, driven in a real Chromium as a person would, with the playground's repositories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from accepted_apps.audit.model import WorstApi
from accepted_apps.playground.audit import SERVICES, GitServer, make_repository
from app_server import AppServer
from browsing import fits, unnamed, weak_contrasts
from playwright.async_api import Browser, Locator, Page, expect
from pydantic import AliasChoices

# All of it on one server.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("audit_page")]

TOKEN = "ghp_page0123456789abcdef"
RUN = "document.title='run'"
EVIL = f'</script><img src=x onerror="{RUN}"><script>{RUN}</script>'
BIDI = "if user != 'admin\u202e \u2066// only admins\u2069 \u2066':"
HOSTILE = f'''\
from fastapi import FastAPI

app = FastAPI()


@app.get("/evil/{{name}}")
async def evil(name: str):
    """{EVIL}"""
    note = "{BIDI}"
    line = "{"x" * 20_000}"
    import requests
    return requests.get("https://example.com/{EVIL.replace('"', "'")}").json()
'''
MANY = "from fastapi import FastAPI\n\napp = FastAPI()\n" + "".join(
    f"\n\n@app.get('/things/{number}')\ndef thing_{number}():\n    return {number}\n" for number in range(5000)
)
REPOSITORIES = {
    **SERVICES,
    "shop/api": SERVICES["shop/fastapi"],
    "shop/hostile": {"app/<img src=x onerror=1>.py": HOSTILE},
    "shop/many": {"app.py": MANY},
}
USERS = {
    "endpoint": "GET /api/users",
    "avg_response_time_ms": 2500,
    "error_rate_percent": 15,
    "percentile_95_latency_ms": 3000,
}

JMETER = """timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,URL
1700000000000,2100,GET /api/users,200,OK,t 1-1,text,true,,10,http://x.test/api/users
1700000001000,2300,GET /api/users,200,OK,t 1-1,text,true,,10,http://x.test/api/users
"""
LOCUST = """Type,Name,Request Count,Failure Count,Average Response Time,Requests/s,95%
GET,/api/users,200,20,2200,90,3000
,Aggregated,200,20,2200,90,3000
"""
K6 = json.dumps({"metrics": {"http_req_duration{name:/api/users,method:GET}": {"avg": 2200, "p(95)": 3000}}})
HAR = json.dumps(
    {
        "log": {
            "version": "1.2",
            "entries": [
                {
                    "startedDateTime": "2026-01-01T00:00:00.000Z",
                    "time": 2200,
                    "request": {"method": "GET", "url": "https://x.test/api/users?page=1"},
                    "response": {"status": 200},
                }
            ],
        }
    }
)
REPORTS = {"results.jtl": JMETER, "run_stats.csv": LOCUST, "summary.json": K6, "browser.har": HAR}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    folder = tmp_path_factory.mktemp("repositories")
    made = {
        name: make_repository(folder / name.replace("/", "-"), {"main": files}) for name, files in REPOSITORIES.items()
    }
    server = GitServer(made).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def server(repositories: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    settings: dict[str, Any] = {
        "audit_allow": repositories.address,
        "audit_github_url": repositories.url,
        "audit_active_per_user": 50,
        "progress_interval": "20ms",
        "drain": "100ms",
    }
    running = AppServer("accepted_apps.main:app", tmp_path_factory.mktemp("data"), **settings).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def audited(server: AppServer) -> str:
    """An audit with endpoints of each kind, under way or done."""
    apis = (
        {"endpoint": "/api/users/42", "avg_response_time_ms": 100},
        USERS,
        {"endpoint": "POST /api/orders/quote", "throughput_rps": 3},
        {"endpoint": f"GET /nothing/{'x' * 300}", "avg_response_time_ms": 5000},
    )
    return submit(server, "shop/api", *apis)


@pytest.fixture
def git(repositories: GitServer) -> GitServer:
    repositories.reset()
    return repositories


def submit(server: AppServer, repo: str, *apis: dict[str, Any]) -> str:
    body = {"github_repo": repo, "worst_apis": [*apis] or [USERS]}
    answer = httpx.post(f"{server.url}/analyze-worst-apis-with-github-async/", json=body, verify=False, trust_env=False)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


async def show(page: Page, server: AppServer, job: str = "") -> None:
    await page.goto(f"{server.url}/audit{f'#{job}' if job else ''}")
    await expect(page.locator("#submit")).to_be_enabled()


async def completed(page: Page) -> None:
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#result")).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


async def typed(page: Page) -> list[str]:
    """The endpoints in the table."""
    return [await one.input_value() for one in await page.get_by_label("Endpoint", exact=True).all()]


async def test_an_audit_is_asked_for_by_keys_and_followed_to_what_it_found(
    page: Page, server: AppServer, git: GitServer
) -> None:
    git.held.add("shop/fastapi")
    await show(page, server)
    await page.get_by_label("Repository").focus()
    for text in ("shop/fastapi", "", "", "GET /api/users", "2500", "15", "", "3000"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.get_by_role("button", name="Add a row").press("Enter")
    await page.keyboard.type("/internal/reports")
    await page.keyboard.press("Enter")

    await expect(page.locator(".step.running .name")).to_have_text(["Discovering APIs"])
    await expect(page.locator(".step.waiting .name")).to_have_text(
        ["Matching APIs", "Generating AI analysis", "Storing results"]
    )
    await expect(page.locator("#say")).to_contain_text("fetching shop/fastapi")
    await expect(page.locator("#steps")).to_be_in_viewport(ratio=1)
    await expect(page.locator("#stay")).to_contain_text("You can close this tab")
    await expect(page.locator("#numbers")).to_contain_text(" s")
    git.release()
    await completed(page)
    await expect(page.locator(".step.completed")).to_have_count(4)
    await expect(page.locator("#result-title")).to_be_focused()
    await expect(page.locator("#result-title")).to_have_text("5 APIs found in shop/fastapi; 1 of 2 endpoints matched.")
    await expect(page.locator("#result-sub")).to_contain_text("branch main · commit ")
    await expect(page.locator("#result-sub")).to_contain_text("FastAPI · analysed by rules")
    assert await page.locator("#tiles dd").all_text_contents() == ["2", "1", "0", "1", "5"]
    await expect(page.locator(".past li").first).to_contain_text("shop/fastapi")


async def test_what_was_found_of_an_endpoint_stands_at_its_lines(
    page: Page, server: AppServer, audited: str, tmp_path: Path
) -> None:
    await show(page, server, audited)
    await completed(page)
    assert await page.locator("#matches .colour").all_text_contents() == ["no issues", "issues", "issues"]
    users = page.locator("#matches .endpoint").nth(1)
    await expect(users).to_have_attribute("open", "")
    await expect(users.locator(".metrics")).to_contain_text("2,500 ms")
    await expect(users.locator(".metrics")).to_contain_text("15 %")
    await expect(users.locator(".metrics")).to_contain_text("Throughputunknown")
    await expect(users.locator(".issues li")).to_have_count(3)
    await expect(users).to_contain_text("Exact match, 99.8 % sure")

    lines = users.get_by_label("Code of app/users.py, line 11").locator(".lines > li")
    hit = users.locator(".hit")
    assert [await one.get_attribute("data-number") for one in await hit.all()] == ["13"]
    await expect(hit).to_contain_text("users = db.query(User).all()")
    assert "remark" in (await lines.nth(3).get_attribute("class") or "")
    await expect(lines.nth(3)).to_contain_text("orders is loaded anew for each User")
    await expect(lines.nth(3)).to_contain_text("What to do: Fetch it along")

    suggestion = users.locator(".suggestion").first
    await expect(suggestion.locator(".gone code")).to_have_text(["    users = db.query(User).all()"])
    await expect(suggestion.locator(".come code").last).to_contain_text("selectinload(User.orders)")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await suggestion.get_by_role("button", name="Copy the improved code").click()
    await expect(suggestion.get_by_role("button", name="Copy the improved code")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("from sqlalchemy.orm import selectinload\n")

    quote = page.locator("#matches .endpoint").nth(2)
    assert await quote.locator(".code").count() == 0, "drawn when it is unfolded"
    await quote.locator("summary").press("Enter")
    await expect(quote.locator(".hit")).to_contain_text("price_of(db, item)")
    await expect(quote.locator(".finding")).to_contain_text("yours to decide")

    miss = page.locator("#misses .endpoint")
    await expect(miss.locator(".colour")).to_have_text("unmatched, issues")
    await miss.locator("summary").click()
    await expect(miss).to_contain_text("No route of the repository")

    await page.get_by_label("Filter the routes").fill("get users.py")
    await expect(page.locator("#routes-title")).to_have_text("3 of 5 routes")
    await page.get_by_role("button", name="/api/users/{user_id}/orders").click()
    await expect(page.get_by_role("dialog")).to_contain_text("def orders_of")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()

    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download JSON").click()
    await (await waiting.value).save_as(tmp_path / "audit.json")
    assert json.loads((tmp_path / "audit.json").read_text())["color_summary"]["red_apis"] == 2


async def test_a_reload_in_the_middle_goes_on_and_cancel_ends_it(page: Page, server: AppServer, git: GitServer) -> None:
    git.held.add("shop/django")
    await show(page, server, submit(server, "shop/django", {"endpoint": "/api/books/", "avg_response_time_ms": 1900}))
    await expect(page.locator("#say")).to_contain_text("fetching shop/django")
    await page.reload()
    await expect(page.locator(".step.running .name")).to_have_text(["Discovering APIs"])
    await expect(page.locator("#run-url")).to_have_text("shop/django")
    await expect(page.get_by_label("Repository")).to_have_value("shop/django")
    assert await typed(page) == ["/api/books/"]
    await expect(page.get_by_label("Average in ms")).to_have_value("1900")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await expect(page.locator(".step.failed")).to_contain_text("stopped: Discovering APIs")
    await expect(page.locator(".step.skipped")).to_have_count(3)
    await expect(page.locator("#result")).to_be_hidden()

    git.release()
    await page.get_by_role("button", name="Try again").click()
    await completed(page)
    await expect(page.locator("#matches .endpoint .asked")).to_have_text(["/api/books/"])


async def test_what_is_wrong_is_said_at_its_field(page: Page, server: AppServer, git: GitServer) -> None:
    await show(page, server)
    send = page.get_by_role("button", name="Audit", exact=True)
    repository, average = page.get_by_label("Repository"), page.get_by_label("Average in ms")
    await send.click()
    await expect(page.locator("#repo-error")).to_have_text("Write owner/repo, or the URL of a git repository.")
    await expect(repository).to_be_focused()

    await repository.fill("ftp://example.org/shop")
    await send.click()
    await expect(page.locator("#apis-error")).to_have_text("Name an endpoint, or choose the report of a load test.")
    await expect(page.locator("#repo-error")).to_be_hidden()

    await average.fill("2500")
    await send.click()
    await expect(page.get_by_label("Endpoint", exact=True)).to_be_focused()
    await expect(rows(page).locator(".error")).to_have_text("Name the endpoint of these numbers.")

    await page.get_by_label("Endpoint", exact=True).fill("/api/users")
    await send.click()
    await expect(page.locator("#repo-error")).to_contain_text("The repository is neither owner/repo nor an https URL")
    await expect(repository).to_have_attribute("aria-invalid", "true")

    await repository.fill("shop/fastapi")
    await page.get_by_label("Branch").focus()
    await expect(page.locator("#branches option")).to_have_attribute("value", "main")
    await page.get_by_label("Branch").fill("..")
    await send.click()
    await expect(page.locator("#branch-error")).to_have_text("Branch '..' is no name that a branch can have.")

    await page.get_by_label("Branch").fill("")
    await page.get_by_role("button", name="Add a row").click()
    await page.get_by_role("button", name="Add a row").click()
    await page.get_by_label("Endpoint", exact=True).nth(2).fill("/health")
    await average.nth(2).fill("slow")
    await send.click()
    await expect(average.nth(2)).to_be_focused()
    await expect(rows(page).nth(2).locator(".error")).to_contain_text(
        "Expected a number such as 2500, times in milliseconds, got 'slow'"
    )
    await expect(page.locator("#run")).to_be_hidden()

    await page.get_by_role("button", name="Remove this row").nth(2).click()
    await page.get_by_label("Branch").fill("missing")
    await send.click()
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("has no branch 'missing'; it has main")


async def test_endpoints_are_pasted_as_json_in_the_words_of_other_tools(
    page: Page, server: AppServer, git: GitServer
) -> None:
    await show(page, server)
    await page.get_by_role("button", name="Paste JSON").click()
    for text, says in (("[{", "This is no JSON"), ("[1, {}]", "No entry has an endpoint")):
        await page.get_by_label("Endpoints as JSON").fill(text)
        await page.get_by_role("button", name="Fill the table").click()
        await expect(page.locator("#json-error")).to_contain_text(says)
    for wrapped in ({"worst_api": [USERS]}, {"analysis": {"worst_api": [USERS]}}, USERS, ["GET /api/users"]):
        await page.get_by_label("Endpoints as JSON").fill(json.dumps(wrapped))
        await page.get_by_role("button", name="Fill the table").click()
        await expect(page.locator("#apis-note")).to_have_text("1 endpoint pasted is in the table.")
        assert await typed(page) == ["GET /api/users"]
        await page.get_by_role("button", name="Paste JSON").click()

    names = {name: aliases(name) for name in WorstApi.model_fields}
    apis = [
        {"endpoint": f"/{name}/{alias}", alias: number}
        for name in names
        if name not in {"endpoint", "method"}
        for number, alias in enumerate(names[name])
    ]
    apis += [{alias: f"/as/{alias}"} for alias in names["endpoint"]]
    apis += [{"endpoint": "/users", alias: "post"} for alias in names["method"]]
    await page.get_by_label("Endpoints as JSON").fill(json.dumps(apis))
    await page.get_by_role("button", name="Fill the table").click()
    await expect(rows(page)).to_have_count(len(apis))
    found = await page.evaluate(
        """[...document.querySelectorAll("#rows tr")]
            .map(row => [...row.querySelectorAll("input")].map(one => one.value))"""
    )
    columns = [name for name in names if name != "method"]
    for api, values in zip(apis, found, strict=True):
        row = dict(zip(columns, values, strict=True))
        if "post" not in api.values():
            for alias, value in api.items():
                [field] = [one for one in names if alias in names[one]]
                assert row[field] == str(value), (api, row)
    assert [values[0] for values in found[-len(names["method"]) :]] == ["POST /users"] * len(names["method"])


def aliases(name: str) -> list[str]:
    choices = WorstApi.model_fields[name].validation_alias
    assert isinstance(choices, AliasChoices)
    return [str(one) for one in choices.choices]


async def test_reports_of_load_tests_are_dropped_and_read(page: Page, server: AppServer, git: GitServer) -> None:
    await show(page, server)
    for name, text in REPORTS.items():
        await drop(page, name, text)
        await expect(page.locator("#report-drop .given strong")).to_have_text(name)
        await page.get_by_label("Repository").fill(f"{git.url}/shop/fastapi")
        await page.get_by_label("Repository").press("Enter")
        await expect(page.locator("#run-url")).to_have_text(f"{git.url}/shop/fastapi")
        await expect(page.locator("#submit")).to_be_enabled()
        if name != list(REPORTS)[-1]:
            await page.goto(f"{server.url}/audit")
    await completed(page)
    for number, name in enumerate(("HAR", "k6 summary", "Locust stats", "JMeter CSV")):
        await page.locator(".past button").nth(number).click()
        await expect(page.locator("#notes")).to_contain_text(f"Of the report ({name})")
        await expect(page.locator("#matches .endpoint .route")).to_have_text(["GET /api/users/"])
    await expect(page.locator("#apis-note")).to_contain_text("the report results.jtl was sent")


async def test_files_that_are_no_report(page: Page, server: AppServer, git: GitServer, tmp_path: Path) -> None:
    await show(page, server)
    await drop(page, "worst.json", json.dumps({"worst_apis": [USERS, {"endpoint": "/health"}]}))
    await expect(page.locator("#apis-note")).to_have_text("2 endpoints from worst.json are in the table.")
    assert await typed(page) == ["GET /api/users", "/health"]
    await expect(page.locator("#report-drop .given")).to_be_empty()

    (tmp_path / "letter.txt").write_text("Dear team")
    await page.get_by_label("Choose a file").set_input_files(tmp_path / "letter.txt")
    await page.get_by_label("Repository").fill("shop/fastapi")
    await page.get_by_label("Repository").press("Enter")
    await expect(page.locator("#report-error")).to_contain_text("'letter.txt' is no report that is known here")
    await page.get_by_role("button", name="Remove letter.txt").click()
    await expect(page.locator("#report-drop .given")).to_be_empty()


async def drop(page: Page, name: str, text: str) -> None:
    await page.evaluate(
        """([name, text]) => {
            const dataTransfer = new DataTransfer()
            dataTransfer.items.add(new File([text], name))
            const place = document.getElementById("report-drop")
            for (const kind of ["dragenter", "drop"]) place.dispatchEvent(new DragEvent(kind, { dataTransfer }))
        }""",
        [name, text],
    )


async def test_the_token_goes_with_the_request_and_stays_nowhere(page: Page, server: AppServer, git: GitServer) -> None:
    git.private["shop/fastapi"] = TOKEN
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
    await show(page, server)
    await page.get_by_label("Repository").fill("shop/fastapi")
    await page.get_by_label("Token, for a private one").fill(TOKEN)
    await page.get_by_label("Endpoint", exact=True).fill("/api/users")
    await page.keyboard.press("Enter")
    await completed(page)
    await expect(page.get_by_label("Token, for a private one")).to_have_value("")
    assert await page.get_by_label("Token, for a private one").get_attribute("type") == "password"
    everything = await page.evaluate(
        """async () => JSON.stringify([
            document.documentElement.outerHTML, location.href, history.state, {...localStorage}, {...sessionStorage},
            document.cookie, [...document.querySelectorAll("input, textarea")].map(one => one.value),
            await indexedDB.databases(),
        ])"""
    )
    assert TOKEN not in everything
    assert all(TOKEN not in one for one in asked)
    await page.reload()
    await completed(page)
    await expect(page.get_by_label("Token, for a private one")).to_have_value("")
    assert TOKEN not in await page.content()


async def test_nothing_of_a_hostile_repository_runs_or_hides(page: Page, server: AppServer, git: GitServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    apis = ({"endpoint": f"/evil/{EVIL}", "avg_response_time_ms": 5000}, {"endpoint": EVIL})
    await show(page, server, submit(server, "shop/hostile", *apis))
    await completed(page)
    match = page.locator("#matches .endpoint")
    await expect(match.locator(".asked")).to_have_text(f"/evil/{EVIL}")
    code = match.locator(".lines").first
    await expect(code).to_contain_text(f'"""{EVIL}"""')
    await expect(code).to_contain_text("'admin⟨U+202E⟩ ⟨U+2066⟩// only admins⟨U+2069⟩")
    await expect(match).to_contain_text("app/<img src=x onerror=1>.py")
    await expect(match.locator(".finding").first).to_be_visible()
    await page.get_by_role("button", name="/evil/{name}").click()
    await expect(page.get_by_role("dialog")).to_contain_text(EVIL)
    await page.keyboard.press("Escape")
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == "API audit · accepted"
    assert all(url.startswith(server.url) for url in asked)
    assert await fits(page), "a line of 20,000 characters scrolls in its place"


async def test_five_thousand_routes_are_found_filtered_and_sorted(
    page: Page, server: AppServer, git: GitServer
) -> None:
    apis = [{"endpoint": f"/things/{number}", "avg_response_time_ms": 1500} for number in range(120)]
    await show(page, server, submit(server, "shop/many", *apis))
    await completed(page)
    await expect(rows(page)).to_have_count(120)
    assert await page.locator("#ask").evaluate("form => form.clientHeight") < 900, "rows scroll in their place"
    await expect(page.locator("#matches .endpoint")).to_have_count(50)
    await page.get_by_role("button", name="Show 50 more of 70").click()
    await expect(page.locator("#matches .endpoint")).to_have_count(100)
    await expect(page.locator("#matches .endpoint summary").nth(50)).to_be_focused()
    await expect(page.locator("#routes-title")).to_have_text("5,000 routes")
    drawn = page.locator("#routes tbody tr:not(.gap)")
    assert await drawn.count() < 100
    await expect(drawn.first).to_contain_text("/things/0")
    await page.locator("#routes .sort", has_text="Path").click()
    await expect(drawn.first).to_contain_text("/things/4999")
    await page.get_by_role("region", name="Routes of the repository").evaluate(
        "box => box.scrollTop = box.scrollHeight"
    )
    await expect(drawn.last).to_contain_text("/things/0")
    await page.get_by_label("Filter the routes").fill("things/432")
    await expect(page.locator("#routes-title")).to_have_text("11 of 5,000 routes")
    await expect(drawn).to_have_count(11)
    await page.get_by_label("Filter the routes").fill("no such word")
    await expect(page.locator("#routes .empty")).to_have_text("No route fits the filter.")


async def test_a_repository_without_routes_says_what_to_try(page: Page, server: AppServer, git: GitServer) -> None:
    await show(page, server, submit(server, "shop/paper"))
    await completed(page)
    await expect(page.locator("#result-title")).to_have_text("No APIs found in repository shop/paper")
    await expect(page.locator("#warning")).to_contain_text("Try another branch")
    await expect(page.locator("#misses .endpoint")).to_have_count(1)
    await expect(page.locator("#routes")).to_be_hidden()


async def test_a_repository_that_is_not_there_is_said_so(page: Page, server: AppServer, git: GitServer) -> None:
    await show(page, server, submit(server, "shop/gone"))
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("There is no repository shop/gone, or it is private")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_read_and_heard(
    scheme: Any, chromium: Browser, server: AppServer, audited: str
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    await show(page, server, audited)
    await completed(page)
    await page.locator("#misses summary").click()
    await page.get_by_role("button", name="Paste JSON").click()
    tops = (
        await page.locator(".suggestion")
        .first.locator(".version")
        .evaluate_all("both => both.map(one => one.getBoundingClientRect().top)")
    )
    assert tops[0] < tops[1], "under each other"
    assert await fits(page)
    assert await weak_contrasts(page) == []
    assert await unnamed(page) == []
    await page.get_by_role("button", name="/api/users/", exact=True).click()
    assert await weak_contrasts(page) == []
    await context.close()
