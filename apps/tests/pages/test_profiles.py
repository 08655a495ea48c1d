"""The page `/profiles`, driven in a real Chromium as a person would, with stand-ins of the networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.playground.social import Bluesky, Mastodon, Served, content
from app_server import AppServer
from browsing import fits, unnamed, weak_contrasts
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script> javascript:alert(1)"


async def ask(page: Page, server: AppServer, url: str, **more: int) -> None:
    await page.goto(f"{server.url}/profiles")
    await page.get_by_label("Address of the profile").fill(url)
    if more:
        await page.get_by_text("More", exact=True).click()
    for name, value in more.items():
        await page.locator(f"[name={name}]").fill(str(value))
    await expect(page.locator("#submit")).to_be_enabled()
    await page.get_by_label("Address of the profile").press("Enter")


async def completed(page: Page) -> None:
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#result")).to_be_visible()


async def test_a_profile_comes_step_by_step_and_is_unfolded(
    page: Page, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    mastodon.network.delay = 0.3
    await ask(page, applications, f"{mastodon.url}/@mira", posts=6, comments=200)
    await expect(page.locator(".step.completed .name").first).to_have_text("Profile")
    await expect(page.locator(".step.running .name").first).to_contain_text("Comments of post")
    mastodon.network.delay = 0
    await completed(page)
    await expect(page.locator(".step.completed")).to_have_count(8)
    await expect(page.locator("#numbers")).to_contain_text("6 of 6 posts")
    await expect(page.locator("#result-title")).to_contain_text("Mira")
    await expect(page.locator("#result-title")).to_be_focused()
    await expect(page.locator("#figures")).to_contain_text("followers")
    await expect(page.locator(".post")).to_have_count(6)
    await expect(page.locator(".comment")).to_have_count(0)

    post = page.locator(".post").nth(1)
    await post.get_by_role("button", name="200 comments").click()
    await expect(post.locator(".thread > .comment")).to_have_count(50)
    await post.get_by_role("button", name="Show 50 more of 100").click()
    await expect(post.locator(".thread > .comment")).to_have_count(100)
    reply = post.get_by_role("button", name="repl").first
    await reply.click()
    await expect(reply).to_have_attribute("aria-expanded", "true")
    assert await post.locator(".replies .comment").count() > 0
    await post.get_by_role("button", name="200 comments").click()
    await expect(post.locator(".thread").first).to_be_hidden()


async def test_four_thousand_comments_are_drawn_only_as_far_as_they_are_looked_at(
    page: Page, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    await ask(page, applications, f"{mastodon.url}/@okafor")
    await completed(page)
    await expect(page.locator(".post")).to_have_count(20)
    assert await page.evaluate("document.querySelectorAll('*').length") < 1000
    folded = page.get_by_role("button", name="200 comments")
    await expect(folded).to_have_count(20)


async def test_one_post_of_bluesky(page: Page, applications: AppServer, bluesky: Served[Bluesky]) -> None:
    await ask(page, applications, "https://bsky.app/profile/mira.test", posts=2, comments=3)
    await completed(page)
    address = await page.locator(".post header a").first.get_attribute("href")
    assert address
    await page.get_by_label("Address of the profile").fill(address)
    await page.locator("#submit").click()
    await expect(page.locator("#result-title")).to_have_text("One post")
    await expect(page.locator(".post")).to_have_count(1)
    await expect(page.locator(".comment").first).to_be_visible()
    await page.go_back()
    await expect(page.locator(".post")).to_have_count(2)


async def test_a_reload_in_the_middle_goes_on(page: Page, applications: AppServer, mastodon: Served[Mastodon]) -> None:
    mastodon.network.delay = 0.5
    await ask(page, applications, f"{mastodon.url}/@tomas", posts=4, comments=5)
    await expect(page.locator(".step.running .name").first).to_contain_text("Comments of post")
    await page.reload()
    await expect(page.locator("#run-url")).to_have_text(f"{mastodon.url}/@tomas")
    await expect(page.locator("[name=posts]")).to_have_value("4")
    mastodon.network.delay = 0
    await completed(page)
    await expect(page.locator(".post")).to_have_count(4)


async def test_cancel(page: Page, applications: AppServer, mastodon: Served[Mastodon]) -> None:
    mastodon.network.delay = 60
    await ask(page, applications, f"{mastodon.url}/@per")
    await expect(page.locator(".step.running .name")).to_have_text(["Profile"])
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await expect(page.locator(".step.skipped .name")).to_have_text(["Posts"])
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


async def test_a_pause_that_the_network_asks_for_is_shown(
    page: Page, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    mastodon.network.trouble("lookup", "limited", times=1, retry_after=3)
    await ask(page, applications, f"{mastodon.url}/@lucia", posts=1, comments=1)
    await expect(page.locator("#say")).to_contain_text("asks to wait")
    await completed(page)
    await expect(page.locator("#log li.warning")).to_contain_text("asks to wait")


async def test_what_is_wrong_is_said_at_its_field(page: Page, applications: AppServer) -> None:
    await ask(page, applications, "https://example.org/somebody", posts=1)
    await expect(page.locator("#url-error")).to_be_visible()
    await expect(page.get_by_label("Address of the profile")).to_be_focused()
    await ask(page, applications, "https://mastodon.example/@ann", posts=100_000)
    await expect(page.locator("#posts-error")).to_contain_text("200")
    await expect(page.locator("[name=posts]")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#run")).to_be_hidden()


async def test_a_profile_that_is_missing_is_said_so(
    page: Page, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    await ask(page, applications, f"{mastodon.url}/@missing")
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("missing")
    await expect(page.locator(".past .state").first).to_have_text("failed")


async def test_networks_that_are_not_set_up_say_what_is_missing(page: Page, applications: AppServer) -> None:
    await page.goto(f"{applications.url}/profiles")
    networks = page.locator("#networks li")
    await expect(networks).to_have_count(3)
    await expect(networks.filter(has_text="Mastodon")).to_contain_text("ready")
    await expect(networks.filter(has_text="Instagram")).to_contain_text("instagram_session")


async def test_nothing_of_a_hostile_profile_runs(
    page: Page, applications: AppServer, mastodon: Served[Mastodon], monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary, remark, entry = content.person, content._remark, content._entry

    def person(name: str, **more: int) -> content.Person | None:
        found = ordinary(name, **more)
        return found and replace(found, bio=HOSTILE, full_name=HOSTILE)

    monkeypatch.setattr("accepted_apps.playground.social.mastodon.person", person)
    monkeypatch.setattr(content, "_remark", lambda *given: replace(remark(*given), text=HOSTILE, author=HOSTILE[:40]))
    monkeypatch.setattr(content, "_entry", lambda *given: replace(entry(*given), text=HOSTILE))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await ask(page, applications, f"{mastodon.url}/@mallory", posts=2, comments=8)
    await completed(page)
    await expect(page.locator("#result-title")).to_contain_text("<img src=x")
    await page.get_by_role("button", name="comments").first.click()
    await expect(page.locator(".comment .text").first).to_contain_text("<script>document.title='run'</script>")
    assert await page.locator("#result img, #result script").count() == 0
    links = await page.locator("#result a").evaluate_all("all => all.map(one => [one.protocol, one.rel])")
    assert {protocol for protocol, _ in links} <= {"http:", "https:"}
    assert all("noreferrer" in rel and "noopener" in rel for _, rel in links)
    assert await page.title() == "Profiles · accepted"
    assert all(url.startswith(applications.url) for url in asked)


async def test_pictures_come_when_they_are_asked_for_and_tell_nothing_of_the_page(
    page: Page, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    shown: list[dict[str, str]] = []

    async def picture(route: Any) -> None:
        shown.append(await route.request.all_headers())
        await route.fulfill(content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')

    await page.route("https://files.example/**", picture)
    await ask(page, applications, f"{mastodon.url}/@ana", posts=4, comments=1)
    await completed(page)
    assert shown == []
    await page.get_by_role("button", name="Show pictures").click()
    await expect(page.locator("#face img")).to_have_count(1)
    await expect(page.locator(".picture img").first).to_be_visible()
    assert shown
    assert all("referer" not in headers for headers in shown)


async def test_the_result_is_saved_as_a_file(
    page: Page, applications: AppServer, mastodon: Served[Mastodon], tmp_path: Path
) -> None:
    await ask(page, applications, f"{mastodon.url}/@frame", posts=1, comments=2)
    await completed(page)
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Download JSON").click()
    download = await waiting.value
    await download.save_as(tmp_path / "result.json")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["profile"]["profile"]["username"] == "frame"
    assert len(result["profile"]["posts"][0]["comments"]) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_read_and_heard(
    scheme: Any, chromium: Browser, applications: AppServer, mastodon: Served[Mastodon]
) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    await ask(page, applications, f"{mastodon.url}/@studio", posts=3, comments=20)
    await completed(page)
    await page.get_by_role("button", name="comments").first.click()
    await page.get_by_role("button", name="repl").first.click()
    assert await fits(page)
    assert await weak_contrasts(page) == []
    assert await unnamed(page) == []
    await context.close()
