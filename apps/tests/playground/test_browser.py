"""The pages that need a browser, in a real one."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from accepted_apps.playground import Playground
from accepted_apps.preview.finding import find_browser
from playwright.async_api import Browser, Page, async_playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def test_the_shell_becomes_a_list(page: Page, pg: Playground) -> None:
    await page.goto(f"{pg.url}/script")
    await page.wait_for_selector(".card")
    assert await page.locator(".card .price").count() == 24
    assert await page.title() == "Built in the browser · Playground"


@pytest.mark.parametrize("path", ["/challenge", "/climb", "/challenge?kb=447"])
async def test_a_browser_passes_by_itself(path: str, page: Page, pg: Playground) -> None:
    answer = await page.goto(f"{pg.url}{path}")
    assert answer is not None
    assert answer.status == 403
    await page.wait_for_selector(".card")
    assert await page.locator(".card").count() == 24


async def test_a_browser_passes_through_a_proxy_too(browser: Browser, pg: Playground) -> None:
    # Chromium leaves proxies aside for loopback unless it is told not to.
    context = await browser.new_context(proxy={"server": pg.proxies[0], "bypass": "<-loopback>"})
    page = await context.new_page()
    answer = await page.goto(f"{pg.url}/climb")
    assert answer is not None
    assert answer.headers["cf-mitigated"] == "challenge"
    await page.wait_for_selector(".card")
    await context.close()
    assert {visit.client for visit in pg.visits} == {"127.0.0.2"}


async def test_a_browser_without_cookies_is_not_sent_round_in_circles(page: Page, pg: Playground) -> None:
    await page.add_init_script(
        """
        Object.defineProperty(document, "cookie", { get: () => "", set: () => { window.wasSet = true; } });
        window.scheduled = [];
        window.setTimeout = (work, delay) => window.scheduled.push(delay);
        """
    )
    await page.goto(f"{pg.url}/challenge")
    assert await page.evaluate("[wasSet, scheduled]") == [True, []]


async def test_a_captcha_stays(page: Page, pg: Playground) -> None:
    for path in ("/captcha", "/captcha?vendor=turnstile"):
        answer = await page.goto(f"{pg.url}{path}", wait_until="networkidle")
        assert answer is not None
        assert answer.status == 403
        assert await page.locator(".widget").count() == 1


async def test_a_choice_opens_the_consent_wall(page: Page, pg: Playground) -> None:
    await page.goto(f"{pg.url}/consent")
    await page.get_by_text("Reject all").click()
    await page.wait_for_selector(".card")


async def test_a_browsers_headers_are_let_in(page: Page, pg: Playground) -> None:
    answer = await page.goto(f"{pg.url}/headers")
    assert answer is not None
    assert answer.status == 200


async def test_an_unguarded_browser_reaches_the_canaries_in_every_way(page: Page, pg: Playground) -> None:
    """What the guard of the preview has to prevent does happen without it."""
    await page.goto(f"{pg.url}/private-resources")
    await page.wait_for_selector("[data-attempts=done]", state="attached")
    reached = {hit.request_line.split(" ")[1].strip("/") for hit in pg.internal_hits if hit.request_line}
    assert reached >= {
        *("style.css", "preload.js", "script.js", "image.png", "frame", "object", "video.mp4", "admin", "refreshed"),
        *("fetch", "XMLHttpRequest", "WebSocket", "EventSource", "image", "beacon"),
    }


async def test_the_refresh_leads_to_a_canary(page: Page, pg: Playground) -> None:
    await page.goto(f"{pg.url}/private-refresh")
    await page.wait_for_url(f"{pg.internal_urls[0]}/refreshed")


async def test_pages_ask_nothing_of_anybody_else(page: Page, pg: Playground) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/plain", "/vendors", "/login", "/captcha", "/imperva", "/consent-banner", "/selectors"):
        await page.goto(f"{pg.url}{path}", wait_until="networkidle")
    assert [url for url in asked if not url.startswith((pg.url, "data:", "about:"))] == []
