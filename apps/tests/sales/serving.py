"""A real server process with the sales application, a shop that it may read from, and what clients do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from app_server import AppServer
from gated_site import GatedSite
from helpers import wait_until

from .exports import export

OVER = ("complete", "failed", "cancelled")
ASIN = "B0PRESS001"
HTML = "text/html; charset=utf-8"
GONE = "B0MISSING1"
TITLE = "Kernel Garlic Press, Stainless Steel Garlic Mincer with Soft Handle"
STEPS = (
    "Scraping product data",
    "Analyzing keywords",
    "Scoring intent & metrics",
    "Generating SEO optimization",
)
PAGE = f"""<!doctype html><html lang="en-us"><head><title>Amazon.com: {TITLE}</title>
<link rel="canonical" href="https://www.amazon.com/dp/{ASIN}"></head><body>
<div id="wayfinding-breadcrumbs_feature_div"><ul>
<li><a>Home &amp; Kitchen</a></li><li><a>Garlic Presses</a></li></ul></div>
<div id="dp"><input type="hidden" id="ASIN" name="ASIN" value="{ASIN}">
<h1 id="title"><span id="productTitle"> {TITLE} </span></h1>
<a id="bylineInfo" href="/stores/kernel">Visit the Kernel Store</a>
<span id="acrPopover" title="4.6 out of 5 stars"></span><span id="acrCustomerReviewText">1,204 ratings</span>
<div id="corePrice_feature_div"><span class="a-price"><span class="a-offscreen">$21.99</span></span></div>
<div id="productOverview_feature_div"><table><tr class="po-material"><td><span>Material</span></td>
<td><span>Stainless Steel</span></td></tr></table></div>
<div id="feature-bullets"><ul>
<li><span class="a-list-item">EASY TO PRESS: crushes several cloves at once without peeling.</span></li>
<li><span class="a-list-item">STAINLESS STEEL: does not rust, and goes into the dishwasher.</span></li>
<li><span class="a-list-item">SOFT HANDLE: easy on the hand.</span></li></ul></div>
<div id="imgTagWrapperId"><img id="landingImage" src="https://m.media-amazon.com/images/I/press.jpg"
data-a-dynamic-image='{{"https://m.media-amazon.com/images/I/press.jpg":[679,679]}}'></div>
<div id="productDescription"><p>A garlic press for every kitchen, made to last.</p></div></div></body></html>"""


class Shop(GatedSite):
    """One product's page on a loopback socket. `gate`: while it is closed, nothing is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.waiting = 0

    @property
    def pages(self) -> list[str]:
        """The product pages that were asked for."""
        with self._lock:
            return [one for one in self.seen if "robots" not in one]

    def answer(self, path: str) -> tuple[int, str, str]:
        with self._lock:
            self.seen.append(path)
            self.waiting += 1
        self.gate.wait(60)
        with self._lock:
            self.waiting -= 1
        if ASIN not in path:
            return 404, HTML, "<html><body><h1>Page Not Found</h1></body></html>"
        return 200, HTML, PAGE


class Server(AppServer):
    """It may fetch from the shop. `settings`: variables without `ACCEPTED_`."""

    def __init__(self, data: Path, shop: Shop, *, arguments: Iterable[str] = (), **settings: object) -> None:
        defaults: dict[str, Any] = {
            "preview_allow": shop.host,
            "preview_host_delay": 0,
            "preview_browser": "false",
            "sales_amazon_urls": f"US={shop.url},DE={shop.url}",
            "sales_active_per_user": 50,
            "progress_interval": "20ms",
            "drain": "100ms",
        }
        super().__init__("accepted_apps.main:app", data, arguments=arguments, **{**defaults, **settings})

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        # No certificates are needed here, and reading them takes longer than most tests.
        async with httpx.AsyncClient(base_url=self.url, timeout=120, verify=False, trust_env=False, **options) as http:
            yield Client(http)


class Client:
    """The contract's routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def submit(self, *, path: str = "start-analysis", files: Any = None, **fields: Any) -> httpx.Response:
        """A form with both exports, unless `files` says otherwise. Fields that are None are not sent."""
        given = {"asin_or_url": ASIN, "marketplace": "US", **fields}
        if files is None:
            files = {"revenue_csv": ("revenue.csv", export()), "design_csv": ("design.csv", export())}
        data = {name: value for name, value in given.items() if value is not None}
        # A form without files would not be multipart.
        parts = files or {"unused": ("", b"")}
        return await self.http.post(f"/api/v1/{path}", data=data, files=parts)

    async def start(self, **given: Any) -> str:
        answer = await self.submit(**given)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def look(self, job_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/v1/job-status/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def over(self, job_id: str, timeout: float = 90) -> dict[str, Any]:
        """The job once it is over."""

        async def ended() -> dict[str, Any] | None:
            state = await self.look(job_id)
            return state if state["status"] in OVER else None

        found: dict[str, Any] = await wait_until(ended, timeout=timeout, what="the end of the job")
        return found

    async def completed(self, job_id: str) -> dict[str, Any]:
        """The result."""
        state = await self.over(job_id)
        assert state["status"] == "complete", state
        answer = await self.http.get(f"/api/v1/job-results/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def run(self, **given: Any) -> dict[str, Any]:
        return await self.completed(await self.start(**given))

    async def cancel(self, job_id: str) -> None:
        (await self.http.post(f"/v1/jobs/{job_id}/cancel")).raise_for_status()

    async def until_step(self, job_id: str, step: str) -> dict[str, Any]:
        """The job once that step runs."""

        async def reached() -> dict[str, Any] | None:
            state = await self.look(job_id)
            assert state["status"] == "processing", state
            return state if step_states(state)[step] == "running" else None

        found: dict[str, Any] = await wait_until(reached, timeout=60, what=f"the step {step}")
        return found


def step_states(state: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in state["steps"]}
