"""A page in a real Chromium, for tests that use it as a person would: fixtures, and what every page must keep."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from accepted_apps.preview.finding import find_browser
from playwright.async_api import Browser, Page, async_playwright, expect

PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A page that fails the test for every error in its console."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = await context.new_page()
    opened.set_default_timeout(PATIENCE)
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
    yield opened
    await context.close()
    assert troubles == []


async def fits(page: Page) -> bool:
    """Whether nothing stands over the right edge."""
    found: bool = await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found


async def weak_contrasts(page: Page) -> list[str]:
    """The texts that are hard to read."""
    found: list[str] = await page.evaluate(CONTRAST)
    return found


async def unnamed(page: Page) -> list[str]:
    """What can be used, and has no name for those who hear the page."""
    found: list[str] = await page.evaluate(UNNAMED)
    return found


CONTRAST = """() => {
    const channel = value => { value /= 255; return value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4 }
    const parse = text => text.match(/[\\d.]+/g).map(Number)
    const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b)
    const ground = node => {
        for (; node; node = node.parentElement) {
            const colour = parse(getComputedStyle(node).backgroundColor)
            if (colour.length < 4 || colour[3] > .99) return colour
        }
        return [255, 255, 255]
    }
    const weak = []
    for (const node of document.querySelectorAll("main *")) {
        const own = [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim())
        if (!own || !node.checkVisibility()) continue
        const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x)
        const ratio = (a + .05) / (b + .05)
        if (ratio < 4.5) weak.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${node.textContent}`)
    }
    return weak
}"""

UNNAMED = """() => [...document.querySelectorAll("button, a[href], input, select, [role=progressbar], dialog")]
    .filter(node => node.checkVisibility())
    .filter(node => !(node.getAttribute("aria-label") || node.labels?.length || node.textContent.trim()
        || document.getElementById(node.getAttribute("aria-labelledby"))?.textContent))
    .map(node => node.outerHTML.slice(0, 200))"""
