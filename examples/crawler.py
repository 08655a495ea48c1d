"""A polite crawler: one request to a site at a time, ten a second over all, each owner in turn; a round each night."""

from __future__ import annotations

from urllib.parse import urlsplit

from accepted import Jobs

jobs = Jobs("sqlite:///jobs.db")
app = jobs.app


@jobs.task(
    key=lambda url: urlsplit(url).hostname,
    per_key=1,
    rate="10/s",
    submit_rate_per_owner="600/m",
    retries=3,
)
async def crawl(url: str) -> str:
    return f"what {url} says"


@jobs.task
async def crawl_all(sites: list[str]) -> int:
    return len(await crawl.submit_many([(f"https://{site}/",) for site in sites]))


jobs.schedule(
    crawl_all, cron="30 2 * * *", timezone="Europe/Berlin", arguments={"sites": ["example.org", "example.com"]}
)
