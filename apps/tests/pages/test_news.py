"""The page `/news`, driven in a real Chromium as a person would, with the playground's press."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from accepted_apps.playground import Playground
from accepted_apps.playground.news import news_sources
from app_server import AppServer
from browsing import fits, unnamed, weak_contrasts
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
SENTENCES = (
    "After four hours of debate the council agreed on Tuesday to spend more on the wall than in any year before.",
    "The mayor wrote WORD on the board, and nobody in the old hall knew what to make of it for a long while.",
    "Engineers had warned since spring that the wall would not stand another winter without repairs.",
    "The first cranes are to arrive in March, and work should be done before the summer visitors come to the quay.",
    "A survey by the university found that seven of ten residents would rather keep the old wall as it is.",
    "The money comes from a fund that was set up after the flood, when the wall was damaged for the first time.",
    "Shopkeepers along the quay fear for their trade while it is closed, and ask for a temporary crossing.",
)
OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Ports"><outline type="rss" text="Harbour Post" xmlUrl="{base}/news/harbour/rss.xml"/></outline>
<outline type="rss" text="Hafenblatt" xmlUrl="{base}/news/hafenblatt/atom.xml"/></body></opml>"""


@pytest.fixture(scope="session")
def press() -> Iterator[Playground]:
    with Playground(slow_seconds=0.2) as running:
        yield running


@pytest.fixture
def open_news(press: Playground, tmp_path: Path) -> Iterator[Callable[..., AppServer]]:
    """Starts a server that may read the press, and registers these of its sources."""
    started: list[AppServer] = []

    def start(*ids: str, allow: str = "", **settings: Any) -> AppServer:
        settings = {
            "progress_interval": "20ms",
            "drain": "100ms",
            "preview_allow": ",".join(filter(None, (press.url.removeprefix("http://"), allow))),
            "preview_host_delay": 0,
            **settings,
        }
        started.append(AppServer("accepted_apps.main:app", tmp_path, **settings).start())
        for source in news_sources(press.url):
            if source["id"] in ids:
                register(started[-1], source)
        return started[-1]

    yield start
    for one in started:
        one.stop()


def register(server: AppServer, source: dict[str, Any]) -> None:
    answer = httpx.post(f"{server.url}/api/news-sources", json=source, verify=False, trust_env=False)
    assert answer.status_code == 201, answer.text


async def read(page: Page, server: AppServer, *names: str) -> None:
    await page.goto(f"{server.url}/news")
    for name in names:
        await page.get_by_label(name, exact=False).first.check()
    await page.get_by_role("button", name="Read ").click()


async def completed(page: Page) -> None:
    await expect(page.locator("#run-state")).to_have_text("completed")


async def test_a_round_is_seen_live_and_its_articles_are_found_again(
    page: Page, open_news: Callable[..., AppServer]
) -> None:
    server = open_news("harbour-post", "hafenblatt", "gone", preview_host_delay=0.3)
    await page.goto(f"{server.url}/news")
    await expect(page.locator("#submit")).to_be_disabled()
    await page.get_by_label("All 3 sources").check()
    await page.get_by_role("button", name="Read 3 sources").click()
    await expect(page.locator(".step.running .name", has_text="Articles of").first).to_be_visible()
    await expect(page.locator(".step.waiting .name").last).to_have_text("Saving articles")
    await expect(page.locator("#result-title")).to_contain_text("so far")
    await expect(page.locator("#arrivals .article").first).to_be_visible()
    await completed(page)
    await expect(page.locator(".step.failed .name")).to_have_text(["Reading Gone Gazette"])
    await expect(page.locator("#broken")).to_contain_text("Gone Gazette")
    await expect(page.locator("#broken")).to_contain_text("404")
    read_in_all = await page.locator("#arrivals .article").count()
    await expect(page.locator("#result-title")).to_have_text(f"{read_in_all} articles")
    await expect(page.locator("#found")).to_have_text(f"{read_in_all} articles")

    await page.get_by_label("Search the saved articles").fill("lighthouse")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#found")).to_contain_text("for “lighthouse”")
    await expect(page.locator("#documents .article").first).to_contain_text("lighthouse")
    await page.locator("#documents .title").first.click()
    await expect(page.get_by_role("dialog")).to_contain_text("the council agreed on Tuesday")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()

    await page.get_by_label("Search the saved articles").fill("nothing-has-this-word")
    await page.keyboard.press("Enter")
    await expect(page.locator("#documents")).to_have_text("Nothing fits.")
    await page.get_by_label("Search the saved articles").fill("")
    await page.get_by_label("Source", exact=True).select_option("Hafenblatt")
    await expect(page.locator("#documents .from").first).to_contain_text("Hafenblatt")

    await page.reload()
    await expect(page.locator("#result-title")).to_have_text(f"{read_in_all} articles")
    await expect(page.locator("#broken")).to_contain_text("Gone Gazette")
    await expect(page.locator("#sources input:checked")).to_have_count(3)


async def test_pages_of_saved_articles(page: Page, open_news: Callable[..., AppServer]) -> None:
    server = open_news("harbour-post", "hafenblatt", "minato", "courrier", "puerto")
    await page.goto(f"{server.url}/news")
    await page.get_by_label("All 5 sources").check()
    await page.get_by_role("button", name="Read 5 sources").click()
    await completed(page)
    await expect(page.locator("#place")).to_contain_text("1 – 20 of")
    newest = await page.locator("#documents .title").first.text_content()
    await page.get_by_role("button", name="Older").click()
    await expect(page.locator("#place")).to_contain_text("21 – ")
    await page.get_by_role("button", name="Newer").click()
    await expect(page.locator("#documents .title").first).to_have_text(newest or "?")


async def test_sources_are_added_changed_checked_and_removed(
    page: Page, open_news: Callable[..., AppServer], press: Playground
) -> None:
    server = open_news()
    await page.goto(f"{server.url}/news")
    await expect(page.locator("#sources")).to_contain_text("No sources yet.")
    await page.get_by_role("button", name="Add", exact=True).click()
    form = page.get_by_role("group", name="A new source")
    await form.get_by_label("Name").fill("The courier")
    await form.get_by_label("Address", exact=True).fill("no address")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("#source-url-error")).to_be_visible()
    await expect(form.get_by_label("Address", exact=True)).to_be_focused()
    await form.get_by_label("Address", exact=True).fill(f"{press.url}/news/courrier/")
    await form.get_by_label("It is").select_option("homepage")
    await expect(form.get_by_label("Links that count")).to_be_visible()
    await form.get_by_label("Category").press("Enter")
    await expect(page.locator("#registry-note")).to_contain_text("The courier is added.")
    await expect(page.locator(".source .what")).to_contain_text("homepage")

    await page.get_by_role("button", name="Check The courier").click()
    await expect(page.locator(".check")).to_contain_text("It would find")
    await expect(page.locator(".found a").first).to_contain_text("conseil municipal")
    assert await page.locator(".found li").count() > 3

    await page.get_by_role("button", name="Edit The courier").click()
    await page.get_by_label("Name").fill("Le courrier")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".source .name")).to_have_text(["Le courrier"])

    await page.get_by_role("button", name="Remove Le courrier").click()
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.locator(".source")).to_have_count(1)
    await page.get_by_role("button", name="Remove Le courrier").click()
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.locator(".source")).to_have_count(0)


async def test_a_check_that_takes_longer_is_followed_and_one_that_fails_says_why(
    page: Page, open_news: Callable[..., AppServer]
) -> None:
    server = open_news("slow", "gone", news_check_wait=0)
    await page.goto(f"{server.url}/news")
    await page.get_by_role("button", name="Check Slow Tidings").click()
    await expect(page.locator(".check")).to_contain_text("It would find")
    await page.get_by_role("button", name="Check Gone Gazette").click()
    await expect(page.locator(".check .error")).to_contain_text("404")


async def test_opml_goes_in_and_out(
    page: Page, open_news: Callable[..., AppServer], press: Playground, tmp_path: Path
) -> None:
    server = open_news()
    await page.goto(f"{server.url}/news")
    (tmp_path / "mine.opml").write_text(OPML.format(base=press.url))
    await page.get_by_label("Import OPML").set_input_files(tmp_path / "mine.opml")
    await expect(page.locator("#registry-note")).to_contain_text("2 sources added.")
    await expect(page.locator(".source .name")).to_have_count(2)
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Export").click()
    await (await waiting.value).save_as(tmp_path / "out.opml")
    assert f"{press.url}/news/harbour/rss.xml" in (tmp_path / "out.opml").read_text()

    (tmp_path / "bad.opml").write_text("this is no OPML")
    await page.get_by_label("Import OPML").set_input_files(tmp_path / "bad.opml")
    await expect(page.locator("#registry-note.error")).to_be_visible()
    await expect(page.locator(".source .name")).to_have_count(2)


async def test_cancel_saves_nothing(page: Page, open_news: Callable[..., AppServer]) -> None:
    server = open_news("harbour-post", preview_host_delay=2)
    await read(page, server, "Harbour Post")
    await expect(page.locator("#arrivals .article").first).to_be_visible()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await page.reload()
    await expect(page.locator("#documents")).to_contain_text("Nothing was saved yet")


async def test_when_no_source_can_be_read_each_is_named(page: Page, open_news: Callable[..., AppServer]) -> None:
    server = open_news("gone")
    await read(page, server, "Gone Gazette")
    await expect(page.locator("#run-state")).to_have_text("failed")
    await expect(page.locator("#say")).to_contain_text("Gone Gazette")
    await expect(page.locator("#broken")).to_contain_text("404")


class Mallory(BaseHTTPRequestHandler):
    """A feed and an article that would run, were they put in as HTML."""

    def do_GET(self) -> None:
        said = escape(HOSTILE)
        if self.path == "/feed":
            link = f"<link>http://{self.headers['Host']}/a/one-long-story</link>"
            item = f"<item><title>{escape(said)} news of the day</title>{link}</item>"
            kind, body = "application/rss+xml", f"<rss version='2.0'><channel>{item}</channel></rss>"
        else:
            text = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES).replace("WORD", said)
            kind = "text/html"
            head = f"<!doctype html><html lang=en><head><title>{said} news of the day</title></head>"
            body = f"{head}<body><article><h1>{said} news of the day</h1>{text}</article></body></html>"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mallory() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mallory) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_nothing_of_a_hostile_site_runs(page: Page, open_news: Callable[..., AppServer], mallory: str) -> None:
    server = open_news(allow=mallory)
    register(server, {"name": f"Mallory {HOSTILE}", "url": f"http://{mallory}/feed", "category": HOSTILE[:90]})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await read(page, server, "Mallory")
    await completed(page)
    await expect(page.locator("#arrivals .article")).to_have_count(1)
    await page.locator("#documents .title").first.click()
    await expect(page.locator("#reader-text")).to_contain_text("on the board")
    await expect(page.locator(".source .name")).to_have_text(f"Mallory {HOSTILE}")
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == "News · accepted"
    assert all(url.startswith(server.url) for url in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_can_be_read_and_heard(
    scheme: Any, chromium: Browser, open_news: Callable[..., AppServer]
) -> None:
    server = open_news("harbour-post", "gone")
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    await page.goto(f"{server.url}/news")
    await page.get_by_role("button", name="Edit Harbour Post").click()
    await page.get_by_label("All 2 sources").check()
    assert await fits(page)
    assert await unnamed(page) == []
    await page.get_by_role("button", name="Read 2 sources").click()
    await completed(page)
    await page.get_by_role("button", name="Check Harbour Post").click()
    await expect(page.locator(".found li").first).to_be_visible()
    assert await fits(page)
    assert await weak_contrasts(page) == []
    assert await unnamed(page) == []
    await page.locator("#documents .title").first.click()
    assert await unnamed(page) == []
    assert await fits(page)
    await context.close()
