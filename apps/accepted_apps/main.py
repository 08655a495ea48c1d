"""Everything as one server: `accepted serve accepted_apps.main:app --port 8000 --data ./data`.

The job API, the applications, and their pages. Settings: `ACCEPTED_…`, `ACCEPTED_PREVIEW_…`, `ACCEPTED_PROFILES_…`,
`ACCEPTED_NEWS_…`, `ACCEPTED_AUDIT_…`, `ACCEPTED_SALES_…` and `ACCEPTED_LANGUAGE_MODEL_…`, or the file named by
`ACCEPTED_CONFIG`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from accepted import Jobs, Settings
from accepted.http.auth import cors
from accepted.settings import load
from accepted_apps.audit.routes import AuditRoutes
from accepted_apps.audit.settings import AuditSettings
from accepted_apps.audit.task import Desk, add_audit
from accepted_apps.language_model import LanguageModel, LanguageModelSettings
from accepted_apps.news.room import Newsroom
from accepted_apps.news.routes import NewsRoutes
from accepted_apps.news.settings import NewsSettings
from accepted_apps.news.task import add_check, add_news
from accepted_apps.pages import add_pages
from accepted_apps.preview.routes import PreviewRoutes
from accepted_apps.preview.settings import PreviewSettings
from accepted_apps.preview.task import Warm, add_preview
from accepted_apps.profiles.routes import ProfilesRoutes
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.task import Shared, add_profiles
from accepted_apps.sales.bench import Bench
from accepted_apps.sales.routes import SalesRoutes
from accepted_apps.sales.settings import SalesSettings
from accepted_apps.sales.task import add_sales


def make_app(
    settings: Settings | None = None,
    preview: PreviewSettings | None = None,
    profiles: ProfilesSettings | None = None,
    news: NewsSettings | None = None,
    audit: AuditSettings | None = None,
    sales: SalesSettings | None = None,
    language_model: LanguageModelSettings | None = None,
) -> FastAPI:
    """The application; what is not given comes from the environment. Raises ConfigurationError."""
    jobs = Jobs(settings=settings or load(Settings))
    warm = Warm(preview or load(PreviewSettings, section="preview"))
    task = add_preview(jobs, warm)
    shared = Shared(profiles or load(ProfilesSettings, section="profiles"))
    profile = add_profiles(jobs, shared)
    room = Newsroom(news or load(NewsSettings, section="news"), warm, jobs.settings.data)
    round_task, check = add_news(jobs, room), add_check(jobs, room)
    model = LanguageModel(language_model or load(LanguageModelSettings, section="language_model"))
    desk = Desk(audit or load(AuditSettings, section="audit"), model, jobs.settings.data)
    audit_task = add_audit(jobs, desk)
    bench = Bench(sales or load(SalesSettings, section="sales"), warm, model)
    analysis = add_sales(jobs, bench)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with jobs.lifespan(app):
                yield
        finally:
            await bench.close()
            await model.close()
            await room.close()
            await warm.close()

    # Front ends of their own call all routes, those of the job API among them; `jobs.router` brings no such middleware.
    others = cors(jobs.settings)
    app = FastAPI(
        title="accepted: applications",
        description="Long work behind HTTP: answered at once, followed live, there when it is ready.",
        lifespan=lifespan,
        middleware=[others] if others is not None else [],
    )
    app.include_router(jobs.router)
    app.include_router(PreviewRoutes(jobs, task, warm.settings).router)
    app.include_router(ProfilesRoutes(jobs, profile, shared.settings).router)
    app.include_router(NewsRoutes(jobs, round_task, check, room).router)
    app.include_router(AuditRoutes(jobs, audit_task, desk.settings).router)
    app.include_router(SalesRoutes(jobs, analysis, bench).router)
    app.router.routes.extend(jobs.service_routes)
    add_pages(app, jobs)
    return app


app = make_app()
