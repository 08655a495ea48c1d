"""The page `/sales`, driven in a real Chromium as a person would, with a shop of its own and made-up exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

import httpx
import openpyxl
import pytest
from accepted_apps.playground.language_model import ChatModel
from accepted_apps.playground.sales.exports import CEREBRO, Cell, as_csv, asins, cerebro
from accepted_apps.playground.sales.market import design_export, revenue_export
from accepted_apps.playground.social import Served
from app_server import AppServer
from browsing import PATIENCE, fits, unnamed, weak_contrasts
from gated_site import GatedSite
from playwright.async_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

STEPS = ["Scraping product data", "Analyzing keywords", "Scoring intent & metrics", "Generating SEO optimization"]
HOSTILE = "</script><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
TITLE = "Orchardly Dried Pears, Unsulphured Pear Slices without Added Sugar, 1 kg Bag"
PEARS, NASTY, GONE = "B0PEARS001", "B0NASTY001", "B0GONE0001"
TITLES = {PEARS: TITLE, NASTY: f"Dried Pears {HOSTILE}"}
HTML = "text/html; charset=utf-8"
LISTING = """<!doctype html><html lang="en"><title>Amazon.com</title><div id="dp">
<input type="hidden" id="ASIN" value="{asin}"><h1><span id="productTitle">{title}</span></h1>
<a id="bylineInfo" href="/stores/orchardly">Visit the Orchardly Store</a>
<div id="feature-bullets"><ul><li><span class="a-list-item">NOTHING BUT PEARS: {title}</span></li></ul></div></div>"""


class Shop(GatedSite):
    """The products' pages. `gate`: while it is closed, nothing is answered."""

    def answer(self, path: str) -> tuple[int, str, str]:
        self.gate.wait(60)
        asin = path.partition("/dp/")[2][:10]
        if asin not in TITLES:
            return 404, HTML, "Gone"
        return 200, HTML, LISTING.format(asin=asin, title=escape(TITLES[asin]))


@pytest.fixture(scope="module")
def shops() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def shop(shops: Shop) -> Iterator[Shop]:
    yield shops
    shops.gate.set()


def started(data: Path, shop: Shop, **settings: Any) -> AppServer:
    settings = {
        "preview_allow": shop.host,
        "preview_host_delay": 0,
        "preview_browser": "false",
        "sales_amazon_urls": f"US=http://{shop.host},DE=http://{shop.host}/de",
        "sales_active_per_user": 50,
        "sales_rows_max": 20_000,
        "progress_interval": "20ms",
        "drain": "100ms",
        **settings,
    }
    return AppServer("accepted_apps.main:app", data, **settings).start()


@pytest.fixture(scope="module")
def server(shops: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    running = started(tmp_path_factory.mktemp("data"), shops)
    yield running
    running.stop()


def submitted(server: AppServer, *, asin: str = PEARS, revenue: bytes | None = None, name: str = "revenue.csv") -> str:
    """The id of an analysis that a program has started."""
    answer = httpx.post(
        f"{server.url}/api/v1/start-analysis",
        data={"asin_or_url": asin, "marketplace": "US"},
        files={"revenue_csv": (name, revenue or revenue_export())},
        verify=False,
        trust_env=False,
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


@pytest.fixture(scope="module")
def pears(server: AppServer) -> str:
    """An analysis of the product that several tests look at."""
    return submitted(server)


async def show(page: Page, server: AppServer, job: str) -> None:
    await page.goto(f"{server.url}/sales#{job}")
    await completed(page)


async def completed(page: Page) -> None:
    # Ten thousand keywords take their time on a machine that is busy.
    await expect(page.locator("#run-state")).to_have_text("completed", timeout=4 * PATIENCE)
    await expect(page.locator("#result")).to_be_visible()


async def give(page: Page, server: AppServer, *, asin: str = PEARS) -> None:
    """Fill the form with both exports."""
    await page.goto(f"{server.url}/sales")
    await page.get_by_label("ASIN or address").fill(asin)
    await page.get_by_label("Revenue export").set_input_files(csv("revenue.csv", revenue_export()))
    await page.get_by_label("Design export").set_input_files(csv("design.csv", design_export()))
    await expect(page.locator("#submit")).to_be_enabled()


def csv(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


async def drop(page: Page, place: str, name: str, content: str) -> None:
    """Drag a file onto the field and let it go."""
    transfer = await page.evaluate_handle(
        "([name, content]) => { const all = new DataTransfer(); all.items.add(new File([content], name)); return all }",
        [name, content],
    )
    await page.dispatch_event(place, "dragover", {"dataTransfer": transfer})
    await expect(page.locator(place)).to_have_class("drop over")
    await page.dispatch_event(place, "drop", {"dataTransfer": transfer})


def step(page: Page, state: str) -> Locator:
    return page.locator(f".step.{state} .name")


async def test_two_exports_become_a_listing_step_by_step(page: Page, server: AppServer, shop: Shop) -> None:
    shop.gate.clear()
    await give(page, server)
    await page.get_by_label("Main keyword").fill("dried pears")
    await page.get_by_role("button", name="Analyse").click()
    await expect(step(page, "running")).to_have_text(STEPS[:1])
    await expect(step(page, "waiting")).to_have_text(STEPS[1:])
    await expect(page.locator("#stay")).to_contain_text("You can close this tab")
    await expect(page.locator("#run-url")).to_have_text(f"{PEARS} · US · revenue.csv · design.csv")
    shop.gate.set()
    await completed(page)
    await expect(step(page, "completed")).to_have_text(STEPS)
    await expect(page.locator("#numbers")).to_contain_text("spent")
    await expect(page.locator("#result-title")).to_have_text(TITLE)
    await expect(page.locator("#result-title")).to_be_focused()
    await expect(page.locator("#product")).to_contain_text("main keyword “dried pears”")
    await expect(page.locator("#judged")).to_have_text("Judged and written by stated rules.")

    title = page.locator(".part.next").first
    await expect(title).to_contain_text("of 200 characters")
    await expect(title.locator(".text")).to_contain_text("Dried Pears")
    await expect(page.locator(".part.now").first.locator(".text")).to_have_text(TITLE)
    await expect(page.locator(".part.next").last).to_contain_text("of 249 bytes")
    await expect(page.locator("table.coverage tr").nth(1)).to_contain_text("keywords")
    await expect(page.locator("#chances tbody tr").nth(1)).to_be_visible()
    await expect(page.locator(".past .where").first).to_have_text(PEARS)

    await page.reload()
    await completed(page)
    await expect(page.get_by_label("ASIN or address")).to_have_value(PEARS)
    await expect(page.get_by_label("Main keyword")).to_have_value("dried pears")


async def test_a_reload_in_the_middle_goes_on_and_cancel_ends_it(page: Page, server: AppServer, shop: Shop) -> None:
    shop.gate.clear()
    await give(page, server)
    await page.get_by_role("button", name="Analyse").click()
    await expect(step(page, "running")).to_have_text(STEPS[:1])
    await page.reload()
    await expect(step(page, "running")).to_have_text(STEPS[:1])
    await expect(page.locator("#run-url")).to_contain_text("revenue.csv")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await expect(page.locator("#run-state")).to_have_text("cancelled")
    await expect(step(page, "skipped")).to_have_text(STEPS[1:])
    await expect(page.locator("#result")).to_be_hidden()

    shop.gate.set()
    await page.get_by_role("button", name="Try again").click()
    await completed(page)


async def test_files_are_chosen_dropped_seen_and_removed(page: Page, server: AppServer) -> None:
    await page.goto(f"{server.url}/sales")
    revenue, design = page.locator("#revenue-drop"), page.locator("#design-drop")
    await page.get_by_label("Revenue export").set_input_files(csv("mine.csv", b"x" * 2048))
    await expect(revenue.locator(".given")).to_contain_text("mine.csv")
    await expect(revenue.locator(".given")).to_contain_text("2 KB")
    await drop(page, "#design-drop", "theirs.csv", "Keyword Phrase,Search Volume\npears,10\n")
    await expect(design.locator(".given")).to_contain_text("theirs.csv")
    await expect(design).to_have_class("drop full")
    await page.get_by_role("button", name="Remove mine.csv").click()
    await expect(revenue.locator(".given")).to_be_hidden()
    await expect(page.get_by_label("Revenue export")).to_be_focused()
    await expect(design.locator(".given")).to_contain_text("theirs.csv")
    await page.dispatch_event("main", "drop", {"dataTransfer": await page.evaluate_handle("new DataTransfer()")})
    assert page.url == f"{server.url}/sales"


async def test_what_is_wrong_is_said_at_its_field(page: Page, server: AppServer) -> None:
    await give(page, server, asin="")
    asin, revenue = page.get_by_label("ASIN or address"), page.get_by_label("Revenue export")
    await page.get_by_role("button", name="Analyse").click()
    await expect(page.locator("#asin-error")).to_have_text("Type an ASIN, or the address of a product page.")
    await expect(asin).to_be_focused()

    await asin.fill("https://www.amazon.de/dp/B0PEARS001")
    await expect(page.get_by_label("Marketplace")).to_have_value("DE")
    await page.get_by_label("Marketplace").select_option("US")
    await asin.press("Enter")
    await expect(page.locator("#asin-error")).to_contain_text("DE")
    await expect(asin).to_have_attribute("aria-invalid", "true")

    await asin.fill(PEARS)
    await revenue.set_input_files(csv("notes.csv", b"Title,Price\nPears,3\n"))
    await expect(page.locator("#asin-error")).to_be_hidden()
    await page.get_by_role("button", name="Analyse").click()
    await expect(page.locator("#revenue-error")).to_contain_text("No column with the keyword phrase")
    await expect(page.locator("#revenue-error")).not_to_contain_text("revenue_csv")
    await expect(revenue).to_be_focused()

    for name in ("notes.csv", "design.csv"):
        await page.get_by_role("button", name=f"Remove {name}").click()
    await page.get_by_role("button", name="Analyse").click()
    await expect(page.locator("#revenue-error")).to_contain_text("one of the two exports")
    await expect(page.locator("#run")).to_be_hidden()


async def test_a_file_that_fails_the_analysis_is_named_as_its_field_is(page: Page, server: AppServer) -> None:
    # Its beginning, which is looked at when it is sent, is that of an export.
    export = "Keyword Phrase\n" + "".join(f"dried pears number {number}\n" for number in range(20_001))
    job = submitted(server, revenue=export.encode())
    await page.goto(f"{server.url}/sales#{job}")
    for _ in range(2):
        await expect(page.locator("#run-state")).to_have_text("failed")
        await expect(page.locator("#say")).to_have_text("Revenue export: the file has more than 20,000 rows; split it.")
        await expect(step(page, "failed")).to_have_text(STEPS[1:2])
        await page.reload()


async def test_how_the_exports_were_read_is_told_and_a_page_that_could_not_be(page: Page, server: AppServer) -> None:
    lines = (
        "Report of May",
        "",
        "Keyword Phrase,Search Volume,Colour of the day,B0COMPET01,B0COMPET02",
        "dried pears,900,red,1,2",
        ",5,blue,3,4",
        "pears,>300,-,80,-",
    )
    export = "\n".join(lines).encode()
    await show(page, server, submitted(server, asin=GONE, revenue=export, name="may.csv"))
    summary = page.locator("#reading summary")
    await expect(summary).to_contain_text("may.csv")
    await expect(summary).to_contain_text("4 of 5 columns understood")
    await expect(summary).to_contain_text("1 row left out")
    await summary.click()
    report = page.locator(".report")
    await expect(report).to_contain_text("(line 5)")
    await expect(report).to_contain_text("Colour of the day")
    await expect(report).to_contain_text("such as “>306”")
    await expect(report.locator(".columns tr").nth(2)).to_have_text("Search VolumeSearch volume")

    await expect(page.locator("#notes")).to_contain_text("could not be read")
    await expect(page.locator("#notes")).to_contain_text("So the exports alone were analysed.")
    await expect(page.locator("#result-title")).to_have_text(f"Product {GONE}")
    await expect(page.locator(".part.now")).to_have_count(0)
    await expect(page.locator("table.coverage")).to_contain_text("not known")
    await expect(page.locator(".part.next").first.locator(".text")).to_contain_text("pears", ignore_case=True)


async def test_keywords_are_narrowed_searched_and_sorted(page: Page, server: AppServer, pears: str) -> None:
    await show(page, server, pears)
    rows = page.locator("#keywords tbody tr[aria-rowindex]")
    await page.get_by_role("button", name="Branded").click()
    await expect(rows).to_have_count(2)
    await expect(page.locator("#shown")).to_contain_text("2 of ")
    await expect(rows.first).to_contain_text("names a brand")
    await expect(page.get_by_role("button", name="Branded")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="All").click()
    await page.get_by_label("Search the keywords").fill("SUGAR slices")
    await expect(rows.locator("th")).to_have_text(["dried pear slices no sugar added", "pear slices no sugar added"])
    await page.get_by_label("Search the keywords").fill("nothing-has-this-word")
    await expect(page.locator("#keywords .empty")).to_have_text("No keyword fits.")
    await page.get_by_label("Search the keywords").fill("")

    column = page.locator("#keywords th", has_text="Searches")
    await column.get_by_role("button").press("Enter")
    await expect(column).to_have_attribute("aria-sort", "descending")
    await expect(rows.first).to_contain_text("201,000")
    await column.get_by_role("button").press("Enter")
    await expect(column).to_have_attribute("aria-sort", "ascending")
    await expect(rows.first).not_to_contain_text("201,000")

    await page.get_by_role("button", name="Keywords of fruit").click()
    await expect(rows.first.locator("th")).to_contain_text("fruit")
    assert all("fruit" in text for text in await rows.locator("th").all_text_contents())
    await page.get_by_role("button", name="No longer only the root").click()
    await expect(page.locator("#shown")).to_have_text("")


async def test_ten_thousand_keywords_scroll_and_sort_with_a_few_rows_in_the_page(page: Page, server: AppServer) -> None:
    await show(page, server, submitted(server, revenue=cerebro(10_000).csv()))
    table, rows = page.locator("#keywords table"), page.locator("#keywords tbody tr[aria-rowindex]")
    await expect(table).to_have_attribute("aria-rowcount", "10001")
    assert await rows.count() < 60
    column = page.locator("#keywords th", has_text="Searches").get_by_role("button")
    await column.click()
    most = await rows.first.locator("td").first.text_content()
    await page.locator("#keywords .window").evaluate("box => { box.scrollTop = box.scrollHeight }")
    await expect(rows.last).to_have_attribute("aria-rowindex", "10001")
    assert await rows.count() < 60
    await column.click()
    await expect(rows.first).to_have_attribute("aria-rowindex", "2")
    await page.locator("#keywords .window").press("End")
    await expect(rows.last).to_have_attribute("aria-rowindex", "10001")
    await expect(rows.last.locator("td").first).to_have_text(most or "?")
    assert await page.evaluate("document.querySelectorAll('*').length") < 3000


async def test_nothing_of_hostile_exports_and_pages_runs(page: Page, server: AppServer) -> None:
    phrases = [f"dried pears {HOSTILE}", "dried pears", f"{HOSTILE}"]
    numbers: list[Cell] = [*[100] * (len(CEREBRO) - 1), *[3] * 10]
    rows: list[Sequence[Cell]] = [(*CEREBRO[:-1], HOSTILE, *asins(10))]
    rows += [[one, *numbers] for one in phrases]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await show(
        page, server, submitted(server, asin=NASTY, revenue=as_csv(iter(rows)), name="<img src=x onerror=alert(1)>.csv")
    )
    await expect(page.locator("#result-title")).to_contain_text("<img src=x")
    await expect(page.locator(".part.now .text").first).to_contain_text("</script><img")
    await expect(page.locator("#keywords tbody th").first).to_contain_text("<script>document.title='run'</script>")
    await expect(page.locator("#reading summary")).to_contain_text("<img src=x onerror=alert(1)>.csv")
    await page.locator("#reading summary").click()
    await expect(page.locator(".report")).to_contain_text("</script><img")
    assert await page.locator("main img, main script").count() == 0
    assert await page.title() == "Sales analysis · accepted"
    assert all(url.startswith(server.url) for url in asked)


async def test_what_was_found_is_taken_along(page: Page, server: AppServer, pears: str, tmp_path: Path) -> None:
    async def fetched(name: str) -> Path:
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name=name).click()
        download = await waiting.value
        await download.save_as(tmp_path / download.suggested_filename)
        return tmp_path / download.suggested_filename

    await show(page, server, pears)
    book = await fetched("Workbook (XLSX)")
    assert book.name == f"{PEARS}-US.xlsx"
    opened = openpyxl.load_workbook(book)
    assert opened.sheetnames == ["Keywords", "Roots", "Listing"]
    assert opened["Keywords"]["A1"].value == "phrase"
    # Where there is a key, the script has to bring the file: a link does not send one.
    await page.evaluate("sessionStorage.setItem('accepted-key', 'of-ann')")
    async with page.expect_request(lambda request: "sheet=roots" in request.url) as asked:
        roots = await fetched("Roots (CSV)")
    assert (await (await asked.value).all_headers())["authorization"] == "Bearer of-ann"
    assert roots.name == f"{PEARS}-US-roots.csv"
    assert "pear" in roots.read_text(encoding="utf-8-sig")

    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    title = await page.locator(".part.next .text").first.text_content()
    for name, lines in (
        ("Copy Title", 1),
        ("Copy the optimised listing", await page.locator(".part.next .text").count()),
    ):
        await page.get_by_role("button", name=name).click()
        await expect(page.get_by_role("button", name=name)).to_have_text("Copied")
        copied = str(await page.evaluate("navigator.clipboard.readText()"))
        assert copied.splitlines()[0] == title
        assert len(copied.splitlines()) == lines


async def test_a_language_model_is_named_before_and_after(page: Page, shop: Shop, tmp_path: Path) -> None:
    with Served(ChatModel()) as model:
        known = {"language_model_url": f"{model.url}/v1", "language_model_model": "stand-in"}
        server = started(tmp_path, shop, **known, language_model_price_input=1, language_model_price_output=2)
        try:
            await page.goto(f"{server.url}/sales")
            await expect(page.locator("#here")).to_contain_text("judged by the language model stand-in")
            await show(page, server, submitted(server))
            await expect(page.locator("#judged")).to_contain_text("Categories by the language model stand-in")
            first = page.locator("#keywords tbody tr[aria-rowindex]").first
            await expect(first.locator("td").last).to_have_text("stand-in")
            await expect(page.locator("#numbers")).to_contain_text("spent")
        finally:
            server.stop()


async def test_it_fits_a_phone_and_can_be_read_and_heard(chromium: Browser, server: AppServer, pears: str) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        context = await chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        page = await context.new_page()
        await show(page, server, pears)
        await page.get_by_label("Revenue export").set_input_files(csv("x" * 200, b"x"))
        await page.locator("#reading summary").click()
        await page.get_by_text("keywords in it").first.click()
        assert await fits(page)
        assert await weak_contrasts(page) == []
        assert await unnamed(page) == []
        await context.close()
