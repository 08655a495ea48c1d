"""What the pages of all applications share: one job, followed live to its end whatever breaks, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_server import AppServer, make_key
from browsing import fits, unnamed, weak_contrasts
from playwright.async_api import Browser, Page, Route, expect

pytestmark = pytest.mark.browser

PARTS = ["saw", "plane", "varnish"]


class Gates:
    """Lets the parts of the work go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, *parts: str) -> None:
        for part in parts:
            (self.folder / part).touch()


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    folder = tmp_path / "gates"
    folder.mkdir()
    return Gates(folder)


def submit(server: AppServer, gates: Gates | None = None, **more: Any) -> str:
    arguments = {"parts": PARTS, "gates": str(gates.folder) if gates else "", **more}
    answer = httpx.post(f"{server.url}/v1/tasks/work", json=arguments, verify=False, trust_env=False)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def show(page: Page, server: AppServer, job: str) -> None:
    await page.goto(f"{server.url}/work#{job}")


def steps(page: Page, state: str) -> Any:
    return page.locator(f".step.{state}")


async def test_a_job_is_seen_live_from_its_first_step_to_its_result(
    page: Page, workshop: AppServer, gates: Gates
) -> None:
    await page.goto(f"{workshop.url}/work")
    await page.get_by_label("Parts").fill(json.dumps({"parts": PARTS, "gates": str(gates.folder), "text": "a chair"}))
    await page.get_by_label("Parts").press("Enter")
    await expect(steps(page, "running")).to_contain_text(["running: saw"])
    await expect(steps(page, "waiting")).to_have_count(2)
    await expect(page.locator("#stay")).to_contain_text("You can close this tab")
    assert await page.locator("#bar").get_attribute("aria-valuenow") in (None, "0")

    gates.open("saw")
    await expect(steps(page, "completed").locator(".name")).to_have_text(["saw"])
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    await expect(page.locator("#bar")).to_have_attribute("aria-valuenow", "33")
    await expect(page.locator("#numbers")).to_contain_text("1 of 3 parts")
    await expect(page.locator("#numbers")).to_contain_text("$0.25 spent")
    await expect(page.locator("#outputs li")).to_have_text(["saw"])

    gates.open("plane", "varnish")
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(steps(page, "completed")).to_have_count(3)
    await expect(page.locator("#bar")).to_have_attribute("aria-valuenow", "100")
    await expect(page.locator("#numbers")).to_contain_text("$0.75 spent")
    await expect(page.locator("#outputs li")).to_have_text(PARTS)
    await expect(page.locator("#result-title")).to_have_text("The result: a chair")
    await expect(page.locator("#result-title")).to_be_focused()
    await expect(page.locator("#stay")).to_be_hidden()
    await expect(page.locator("#log li")).to_have_count(3)
    await expect(page.locator("#log li.warning")).to_contain_text("varnish is done.")
    await expect(page.locator(".past li").first).to_contain_text("saw, plane, varnish")


async def test_a_reload_in_the_middle_goes_on(page: Page, workshop: AppServer, gates: Gates) -> None:
    gates.open("saw")
    await show(page, workshop, submit(workshop, gates))
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    await page.reload()
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    await expect(page.locator("#outputs li")).to_have_text(["saw"])
    gates.open("plane", "varnish")
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#outputs li")).to_have_text(PARTS)


async def test_without_streams_it_polls_and_misses_nothing(page: Page, workshop: AppServer, gates: Gates) -> None:
    async def no_streams(route: Route) -> None:
        asked = await route.request.header_value("accept")
        await (route.abort() if asked == "text/event-stream" else route.continue_())

    await page.route("**/events*", no_streams)
    await show(page, workshop, submit(workshop, gates))
    gates.open(*PARTS)
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#outputs li")).to_have_text(PARTS)
    await expect(steps(page, "completed")).to_have_count(3)


async def test_a_killed_server_that_comes_back_is_followed_on(
    page: Page, open_workshop: Callable[..., AppServer], gates: Gates
) -> None:
    server = open_workshop()
    gates.open("saw")
    await show(page, server, submit(server, gates))
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    server.kill()
    server.restart()
    gates.open("plane", "varnish")
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(steps(page, "completed")).to_have_count(3)
    assert await page.locator("#outputs li").all_text_contents() in (PARTS, ["saw", *PARTS])


async def test_cancel_and_try_again(page: Page, workshop: AppServer, gates: Gates) -> None:
    gates.open("saw")
    await show(page, workshop, submit(workshop, gates))
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await expect(page.locator("#say")).to_have_text("Cancelled.")
    await expect(steps(page, "failed")).to_contain_text("stopped: plane")
    await expect(steps(page, "skipped")).to_contain_text("not reached: varnish")
    await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()

    gates.open("plane", "varnish")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(steps(page, "completed")).to_have_count(3)
    await expect(page.get_by_role("button", name="Try again")).to_be_hidden()


async def test_a_failure_is_said_in_its_own_words(page: Page, workshop: AppServer) -> None:
    await show(page, workshop, submit(workshop, fails=True))
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("The glue did not hold.")
    await expect(page.locator("#result")).to_be_hidden()


async def test_a_wrong_field_is_named_where_it_is(page: Page, workshop: AppServer) -> None:
    await page.goto(f"{workshop.url}/work")
    await page.get_by_label("Parts").fill("no list")
    await page.get_by_label("Parts").press("Enter")
    await expect(page.locator("#parts-error")).to_contain_text("The list of parts")
    await expect(page.get_by_label("Parts")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Parts")).to_be_focused()
    await expect(page.locator("#run")).to_be_hidden()


async def test_what_a_job_says_is_text(page: Page, workshop: AppServer) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    await show(page, workshop, submit(workshop, parts=[hostile], text=hostile))
    await expect(page.locator("#result-title")).to_have_text(f"The result: {hostile}")
    await expect(page.locator(".step .name")).to_have_text([hostile])
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == "Some work · accepted"


async def test_a_job_that_is_unknown_is_said_so(page: Page, workshop: AppServer) -> None:
    await show(page, workshop, "00000000-0000-7000-8000-000000000000")
    await expect(page.locator("#notice")).to_contain_text("There is no job")


async def test_earlier_jobs_are_opened_again_and_one_goes_back(page: Page, workshop: AppServer) -> None:
    first, second = submit(workshop, text="the first"), submit(workshop, text="the second")
    await show(page, workshop, first)
    await expect(page.locator("#result-title")).to_have_text("The result: the first")
    await page.locator(".past button").first.click()
    await expect(page.locator("#result-title")).to_have_text("The result: the second")
    assert page.url.endswith(second)
    await page.go_back()
    await expect(page.locator("#result-title")).to_have_text("The result: the first")


async def test_a_server_with_keys_asks_for_one_and_streams_with_it(
    page: Page, open_workshop: Callable[..., AppServer], gates: Gates
) -> None:
    server = open_workshop(auth="keys")
    key = make_key(server.data, "ann")
    await page.goto(f"{server.url}/work")
    await expect(page.locator("#key-form")).to_be_hidden()
    await page.get_by_label("Parts").fill(json.dumps({"parts": PARTS, "gates": str(gates.folder)}))
    await page.locator("#submit").click()
    await page.get_by_label("paste an API key").fill(key)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("#key-form")).to_be_hidden()
    await page.locator("#submit").click()
    await expect(steps(page, "running").locator(".name")).to_have_text(["saw"])
    gates.open(*PARTS)
    await expect(page.locator("#run-state")).to_have_text("completed")


async def test_what_others_asked_for_is_not_told(open_workshop: Callable[..., AppServer]) -> None:
    server = open_workshop(auth="keys")
    ann, bob = ({"Authorization": f"Bearer {make_key(server.data, name)}"} for name in ("ann", "bob"))
    async with httpx.AsyncClient(base_url=server.url, verify=False, trust_env=False) as http:
        job = (await http.post("/v1/tasks/work", json={"parts": ["saw"], "gates": ""}, headers=ann)).json()["id"]
        mine = await http.get("/pages/jobs", params={"task": "work"}, headers=ann)
        assert [(one["id"], one["about"]) for one in mine.json()["jobs"]] == [(job, "saw")]
        assert "arguments" not in mine.json()["jobs"][0], "they may be long"
        one = await http.get(f"/pages/jobs/{job}", headers=ann)
        assert (one.json()["about"], one.json()["arguments"]) == ("saw", {"parts": ["saw"], "text": ""})
        assert (await http.get("/pages/jobs", params={"task": "work"}, headers=bob)).json()["jobs"] == []
        assert (await http.get(f"/pages/jobs/{job}", headers=bob)).status_code == 404
        assert (await http.get(f"/pages/jobs/{job}")).status_code == 401
        unknown = await http.get("/pages/jobs", params={"task": "play"}, headers=ann)
        assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "#/task")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_read_and_heard(
    scheme: Any, chromium: Browser, workshop: AppServer, gates: Gates
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    gates.open("saw")
    job = submit(workshop, gates, text="x" * 300)
    await show(page, workshop, job)
    await expect(steps(page, "running").locator(".name")).to_have_text(["plane"])
    for _ in range(2):
        assert await fits(page)
        assert await weak_contrasts(page) == []
        assert await unnamed(page) == []
        gates.open("plane", "varnish")
        await expect(page.locator("#run-state")).to_have_text("completed")
    await context.close()
