"""The page `/preview`, driven in a real Chromium as a person would."""

from __future__ import annotations

from typing import Any

import pytest
from accepted_apps.playground import Playground
from app_server import make_key
from browsing import fits, weak_contrasts
from playwright.async_api import Browser, Page, expect

from .serving import Client, Server

pytestmark = pytest.mark.browser


async def ask(page: Page, server: Server, url: str) -> None:
    await page.goto(f"{server.url}/preview")
    await page.get_by_label("Address of the page").fill(url)
    await expect(page.locator("#submit")).to_be_enabled()
    await page.get_by_label("Address of the page").press("Enter")


async def test_a_person_watches_a_climb_and_picks_an_element(page: Page, server: Server, web: Playground) -> None:
    await ask(page, server, web.url + "/climb")
    first, _, third = (page.locator(".tier").nth(number) for number in range(3))
    await expect(first.locator(".state")).to_have_text("was not enough")
    await expect(first).to_contain_text("Cloudflare block page")
    await expect(first).to_contain_text("$0.0001")
    await expect(third.locator(".state")).to_have_text("brought the page")
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#bar")).to_have_attribute("aria-valuenow", "100")
    await expect(page.locator("#result-title")).to_contain_text("The view from the top")
    assert await page.locator("#list .el").count() == 100

    price = page.locator("#paper .el.price").first
    await price.click()
    await expect(price).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#list .el[aria-pressed=true]")).to_contain_text((await price.text_content()) or "?")
    detail = page.locator("#detail")
    await expect(detail).to_contain_text("price")
    await expect(detail.locator("code[data-kind=css]")).to_contain_text("nth-of-type")
    await expect(detail.locator("code[data-kind=xpath]")).to_contain_text("/html/body")

    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_label("Copy CSS").click()
    await expect(page.get_by_label("Copy CSS")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await detail.locator("code[data-kind=css]").text_content()

    await page.get_by_placeholder("Filter by text or type").fill("heading")
    await expect(page.locator("#list .el").first).to_contain_text("The view from the top")
    await page.keyboard.press("Escape")


async def test_the_keyboard_moves_from_element_to_element(page: Page, server: Server, web: Playground) -> None:
    await ask(page, server, web.url + "/plain")
    await page.locator("#list .el").first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#list .el").nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#paper .el[aria-pressed=true]")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator(".el[aria-pressed=true]")).to_have_count(0)


async def test_a_wrong_address_is_said_at_the_field(page: Page, server: Server) -> None:
    await ask(page, server, "ftp://example.org/")
    await expect(page.get_by_role("alert").first).to_contain_text("must begin with http:// or https://")
    await expect(page.get_by_label("Address of the page")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#run")).to_be_hidden()


async def test_a_failure_is_said_in_words(page: Page, server: Server, web: Playground) -> None:
    await ask(page, server, web.url + "/missing")
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("no such page")
    await expect(page.locator(".tier").first.locator(".state")).to_have_text("failed")
    await expect(page.locator(".tier").nth(1).locator(".state")).to_have_text("not tried")


async def test_cancel(page: Page, server: Server, web: Playground) -> None:
    await ask(page, server, web.url + "/slow?seconds=30")
    await page.locator("#cancel").click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await expect(page.locator("#cancel")).to_be_hidden()


async def test_a_reload_and_the_history_bring_a_task_back(
    page: Page, server: Server, client: Client, web: Playground
) -> None:
    await ask(page, server, web.url + "/article")
    await expect(page.locator("#result-title")).to_contain_text("harbour clock")
    await page.reload()
    await expect(page.locator("#result-title")).to_contain_text("harbour clock")
    await ask(page, server, web.url + "/table")
    await expect(page.locator("#run-url")).to_contain_text("/table")
    await page.locator(".past button", has_text="/article").first.click()
    await expect(page.locator("#result-title")).to_contain_text("harbour clock")
    await page.go_back()
    await expect(page.locator("#run-url")).to_contain_text("/table")


async def test_the_page_goes_on_after_a_restart(page: Page, serve: Any, web: Playground) -> None:
    server: Server = serve(drain="100ms")
    await ask(page, server, web.url + "/slow?seconds=12")
    await expect(page.locator(".tier.running")).to_have_count(1)
    server.stop()
    server.restart()
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator("#result")).to_be_visible()


async def test_without_websockets_it_polls(page: Page, server: Server, web: Playground) -> None:
    await page.route_web_socket("**/ws/scraper", lambda socket: socket.close())
    await ask(page, server, web.url + "/address")
    await expect(page.locator("#run-state")).to_have_text("completed")
    await expect(page.locator(".tier").nth(1).locator(".state")).to_have_text("brought the page")


async def test_nothing_of_a_hostile_page_runs(page: Page, server: Server, web: Playground) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await ask(page, server, web.url + "/selectors")
    await expect(page.locator("#result")).to_be_visible()
    assert all(url.startswith(server.url) for url in asked)
    assert await page.locator("#paper img, #paper iframe, #paper script, #paper a").count() == 0


async def test_a_server_with_keys_asks_for_one(page: Page, serve: Any, web: Playground) -> None:
    server: Server = serve(auth="keys")
    await page.goto(f"{server.url}/preview")
    await page.get_by_label("paste an API key").fill(make_key(server.data, "ann"))
    await page.get_by_role("button", name="Continue").click()
    await ask_again(page, web.url + "/plain")
    await expect(page.locator("#run-state")).to_have_text("completed")


async def ask_again(page: Page, url: str) -> None:
    await expect(page.locator("#key-form")).to_be_hidden()
    await page.get_by_label("Address of the page").fill(url)
    await page.locator("#submit").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_read(scheme: Any, chromium: Browser, server: Server, web: Playground) -> None:
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    await ask(page, server, web.url + "/plain")
    await expect(page.locator("#result")).to_be_visible()
    assert await fits(page)
    assert await weak_contrasts(page) == []
    await context.close()
