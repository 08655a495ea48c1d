"""A real server process with the news application, a small news site of this test's own, and what clients do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from app_server import AppServer
from gated_site import GatedSite
from helpers import wait_until

OVER = ("completed", "failed", "cancelled")
NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


class Site(GatedSite):
    """Some feeds with articles, on a loopback socket, that counts who asks for what.

    `/NAME/feed.xml?n=5` lists the articles `/NAME/1` … of one source. `gate`: while it is closed, articles are
    not answered, but the first `free`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.free = 0
        self.broken: set[str] = set()
        self.titles: dict[str, str] = {}
        self.waiting = 0

    def feed(self, name: str, articles: int = 3) -> str:
        return f"{self.url}/{name}/feed.xml?n={articles}"

    def fetches(self, path: str = "") -> list[str]:
        """The articles that were asked for, in order."""
        with self._lock:
            return [one for one in self.seen if one.startswith(path) and one.rpartition("/")[2].isdigit()]

    def answer(self, path: str) -> tuple[int, str, str]:
        parts = urlsplit(path)
        with self._lock:
            self.seen.append(parts.path)
        _, name, *rest = parts.path.split("/")
        last = rest[-1] if rest else ""
        if name in self.broken or parts.path in self.broken:
            return 404, "text/html", "<h1>Not Found</h1>"
        if last == "feed.xml":
            count = int(parse_qs(parts.query).get("n", ["3"])[0])
            return 200, "application/rss+xml", self._rss(name, count)
        if last.isdigit():
            return self._article(parts.path, name, int(last))
        return 404, "text/plain", "nothing"

    def _article(self, path: str, name: str, number: int) -> tuple[int, str, str]:
        if not self._is_free():
            with self._lock:
                self.waiting += 1
            self.gate.wait(60)
            with self._lock:
                self.waiting -= 1
        return 200, "text/html; charset=utf-8", self._page(path, name, number)

    def _is_free(self) -> bool:
        if self.gate.is_set():
            return True
        with self._lock:
            self.free -= 1
            return self.free >= 0

    def _rss(self, name: str, count: int) -> str:
        items = "".join(
            f"<item><title>{self.title(name, number)}</title><link>{self.url}/{name}/{number}?utm_source=rss</link>"
            f"<guid>{name}-{number}</guid></item>"
            for number in range(1, count + 1)
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>The {name}</title>{items}</channel></rss>'

    def title(self, name: str, number: int) -> str:
        return self.titles.get(f"/{name}/{number}", f"Story {number} of the {name} about harbours")

    def _page(self, path: str, name: str, number: int) -> str:
        title, at = self.title(name, number), (NOW + timedelta(minutes=number)).isoformat()
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": title,
            "datePublished": at,
            "author": {"@type": "Person", "name": "Ann Bell"},
            "articleSection": "Economy",
            "keywords": ["harbour", "trade"],
            "image": f"{self.url}/pictures/{name}-{number}.jpg",
        }
        text = "".join(
            f"<p>Paragraph {part} of story {number}: the harbour of {name} has been closed since Monday, the council "
            f"said on day {part}, and ships wait outside while crews and pilots talk about what shall be done next.</p>"
            for part in range(1, 7)
        )
        return (
            f'<!doctype html><html lang="en"><head><title>{title} - The {name}</title>'
            f'<meta name="description" content="The harbour of {name} is closed.">'
            f'<meta property="og:site_name" content="The {name}"><link rel="canonical" href="{self.url}{path}">'
            f'<script type="application/ld+json">{json.dumps(data)}</script></head>'
            f"<body><nav><a href='/'>Home</a></nav><article><h1>{title}</h1>{text}"
            f'<figure><img src="/pictures/{name}-{number}.jpg" alt="The harbour"><figcaption>Ships wait.</figcaption>'
            f"</figure></article></body></html>"
        )


class Server(AppServer):
    """It may fetch from the site. `settings`: variables without `ACCEPTED_`."""

    def __init__(self, data: Path, *sites: str, arguments: Iterable[str] = (), **settings: object) -> None:
        defaults: dict[str, Any] = {
            "preview_allow": ",".join(sites),
            "preview_host_delay": 0,
            "preview_browser": "false",
            "news_active_per_user": 50,
            "progress_interval": "50ms",
        }
        super().__init__("accepted_apps.main:app", data, arguments=arguments, **{**defaults, **settings})

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        # No certificates are needed here, and reading them takes longer than most tests.
        async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=False, trust_env=False, **options) as http:
            yield Client(http)


class Client:
    """The contract's routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def submit(self, *sources: str, **options: Any) -> httpx.Response:
        return await self.http.post("/api/news/scrape-job", json={"sources": sources, "options": options})

    async def start(self, *sources: str, **options: Any) -> str:
        answer = await self.submit(*sources, **options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    async def look(self, job_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/news/scrape-job/{job_id}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["success"] is True
        found: dict[str, Any] = answer.json()["job"]
        return found

    async def over(self, job_id: str, timeout: float = 60) -> dict[str, Any]:
        """The job once it is over."""

        async def ended() -> dict[str, Any] | None:
            job = await self.look(job_id)
            return job if job["status"] in OVER else None

        found: dict[str, Any] = await wait_until(ended, timeout=timeout, what="the end of the job")
        return found

    async def run(self, *sources: str, **options: Any) -> dict[str, Any]:
        return await self.over(await self.start(*sources, **options))

    async def documents(self, **query: Any) -> dict[str, Any]:
        answer = await self.http.get("/api/news/documents", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def titles(self, **query: Any) -> list[str]:
        return [one["title"] for one in (await self.documents(**query))["documents"]]

    async def sources(self) -> list[dict[str, Any]]:
        answer = await self.http.get("/api/news-sources")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def enter(self, **source: Any) -> dict[str, Any]:
        answer = await self.http.post("/api/news-sources", json=source)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["source"]
        return found


async def gone(site: Site) -> None:
    """Until nobody waits at the gate any more; it has to be opened for those who have left to be seen."""
    site.gate.set()
    await wait_until(lambda: site.waiting == 0, what="the end of the waiting requests")
    await asyncio.sleep(0)
