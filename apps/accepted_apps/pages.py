"""The pages of the applications: made of the templates and files of `web/`, with headers that let them load nothing
from anywhere else. And what their lists of earlier jobs say of each."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accepted import JobRecord, Jobs
from accepted.errors import InvalidInput
from accepted_apps.routing import ProblemRoutes

_FOLDER: Final = Path(__file__).parent / "web"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one application. `path` also names its template, script and style sheet."""

    path: str
    name: str
    """In the navigation."""
    title: str
    lead: str
    history: str
    """What its earlier jobs are called."""
    task: str
    shows: tuple[str, ...]
    """The arguments of a job that the page gets back: the first one says what the job is about."""
    pictures: bool = False
    """Whether it may show pictures of others, over TLS. Its script does so when the person asks for them."""

    @property
    def headers(self) -> Mapping[str, str]:
        if not self.pictures:
            return _HEADERS
        return {**_HEADERS, "Content-Security-Policy": _POLICY.replace("data:", "data: https:")}


PAGES: Final = (
    Page(
        path="preview",
        name="Preview",
        title="Page preview",
        lead="Give it a page: it climbs from plain HTTP to a browser only as far as it must, and shows what can be "
        "scraped.",
        history="Your previews",
        task="preview",
        shows=("url",),
    ),
    Page(
        path="profiles",
        name="Profiles",
        title="Profiles",
        lead="Give it a profile, or one post, on Mastodon, Bluesky or Instagram: it brings the newest posts, each with "
        "its comments and their replies.",
        history="Your profiles",
        task="profile",
        shows=("url", "mode", "posts", "comments"),
        pictures=True,
    ),
    Page(
        path="news",
        name="News",
        title="News",
        lead="Tick sources and read them: their newest articles are fetched, kept once, and can be searched.",
        history="Your rounds",
        task="news",
        shows=("sources", "limit", "include_media", "include_sections"),
    ),
    Page(
        path="sales",
        name="Sales",
        title="Sales analysis",
        lead="Give it a product of Amazon's and the keywords of its competitors: each keyword is judged, and a "
        "listing is written with those that belong to it.",
        history="Your analyses",
        task="sales-analysis",
        shows=("asin_or_url", "marketplace", "main_keyword"),
    ),
    Page(
        path="audit",
        name="Audit",
        title="API audit",
        lead="Give it a repository and the slow endpoints of its service: it finds the routes behind them, what makes "
        "them slow, and what to change.",
        history="Your audits",
        task="audit",
        shows=("github_repo", "branch", "worst_apis", "report"),
    ),
)


def add_pages(app: FastAPI, jobs: Jobs, pages: Sequence[Page] = PAGES, folder: Path = _FOLDER) -> None:
    """`/`, a page for each application, and what they are made of. `folder`: where pages of others have their
    templates."""
    templates = Environment(
        loader=FileSystemLoader([folder, _FOLDER]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for page in (None, *pages):
        path = page.path if page else ""
        text = templates.get_template(f"{path or 'index'}.html").render(page=page, pages=pages)
        handler = _answer(text, page.headers if page else _HEADERS)
        app.add_api_route(f"/{path}", handler, include_in_schema=False, response_class=HTMLResponse)
    app.include_router(_Asked(jobs, pages).router)
    app.mount("/assets", _Guarded(StaticFiles(directory=_FOLDER / "assets")), name="assets")


def _answer(text: str, headers: Mapping[str, str]) -> Callable[[], Awaitable[HTMLResponse]]:
    async def answer() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    return answer


class _Asked(ProblemRoutes):
    """What the caller's jobs of a page were asked to do, which the job API does not tell."""

    name = "pages"

    def __init__(self, jobs: Jobs, pages: Sequence[Page]) -> None:
        super().__init__(jobs)
        self._pages = {page.task: page for page in pages}
        self._add("GET", "/pages/jobs", self.list, {200: None}, described=False)
        self._add("GET", "/pages/jobs/{job_id}", self.look, {200: None}, described=False)

    async def list(
        self,
        request: Request,
        task: str,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 8,
    ) -> JSONResponse:
        """The caller's jobs of one task, newest first."""
        identity = await self._full(request)
        if task not in self._pages:
            raise InvalidInput([{"detail": f"expected one of {', '.join(self._pages)}", "pointer": "#/task"}])
        page = await self._jobs.list(owner=identity.owner, task=task, cursor=cursor, limit=limit)
        return JSONResponse({"jobs": [self._line(job)[0] for job in page.jobs], "cursor": page.cursor})

    async def look(self, request: Request, job_id: str) -> JSONResponse:
        """One job. Raises JobNotFound for what is unknown, another's, or of no page."""
        line, shown = self._line(await self._find(request, job_id, self._pages, "read"))
        return JSONResponse({**line, "arguments": shown})

    def _line(self, job: JobRecord) -> tuple[dict[str, Any], dict[str, Any]]:
        """The job's line in a list, and what it was asked to do, which may be long."""
        page = self._pages[job.task]
        arguments = json.loads(job.args)
        shown = {name: arguments[name] for name in page.shows if name in arguments}
        line = {
            "id": job.id,
            "task": job.task,
            "status": job.status.value,
            "about": _in_words(shown.get(page.shows[0])),
            "cost": job.cost,
            "submitted_at": datetime.fromtimestamp(job.submitted_at, UTC).isoformat(timespec="milliseconds"),
        }
        return line, shown


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


class _Guarded:
    """The same headers on every file."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, sending)
