"""An application that is nobody's: what the pages of all applications share is tried on it, at the test's pace."""

from __future__ import annotations

from pathlib import Path

from accepted_apps.pages import Page, add_pages
from fastapi import FastAPI
from helpers import wait_until
from starlette.staticfiles import StaticFiles

from accepted import Fail, Job, Jobs, Settings
from accepted.settings import load

WEB = Path(__file__).parent / "web"
PAGE = Page(
    path="work",
    name="Work",
    title="Some work",
    lead="Parts that are done one after another.",
    history="Your work",
    task="work",
    shows=("parts", "text"),
)

jobs = Jobs(settings=load(Settings))


@jobs.task(name="work")
async def work(parts: list[str], gates: str = "", text: str = "", fails: bool = False, *, job: Job) -> dict[str, str]:
    """Each part is a step, which waits until there is a file of its name in the folder `gates`."""
    for number, part in enumerate(parts):
        await job.step(part, wait_for, gates and f"{gates}/{part}")
        job.progress(current=number + 1, total=len(parts), unit="parts")
        job.log(f"{part} is done. {text}", level="warning" if part == "varnish" else "info")
        job.emit(part)
        job.spend(0.25, part)
    if fails:
        raise Fail(f"The glue did not hold. {text}", code="glue")
    return {"text": text}


async def wait_for(gate: str) -> None:
    if gate:
        await wait_until(Path(gate).exists, timeout=120, what="the opening of the gate")


app = FastAPI(lifespan=jobs.lifespan)
app.include_router(jobs.router)
app.mount("/own", StaticFiles(directory=WEB))
add_pages(app, jobs, pages=[PAGE], folder=WEB)
